"""Mixtures of probabilistic PCA: several planes, each with a weight."""

from course.models.mppca.estimator import MixtureOfPPCA

__all__ = ["MixtureOfPPCA"]
