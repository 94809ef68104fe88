"""Copulas: marginals of any shape, joined by hidden normal scores."""

from course.models.copula.gaussian import GaussianCopula

__all__ = ["GaussianCopula"]
