"""The normal distribution, fitted in closed form."""

from course.models.gaussian.estimator import Gaussian

__all__ = ["Gaussian"]
