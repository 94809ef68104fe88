"""Multilayer perceptrons, with gradients by hand and by autograd."""

from course.models.perceptron.estimators import MLPClassifier, MLPRegressor
from course.models.perceptron.networks import NetworkClassifier

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier"]
