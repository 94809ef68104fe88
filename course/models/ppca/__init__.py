"""Probabilistic PCA: a Gaussian latent vector, a plane, and equal noise."""

from course.models.ppca.estimator import PPCA

__all__ = ["PPCA"]
