"""Mixture models, fitted by expectation-maximisation in matrix products."""

from course.models.mixture.categorical import CategoricalMixture
from course.models.mixture.gaussian import GaussianMixture

__all__ = ["CategoricalMixture", "GaussianMixture"]
