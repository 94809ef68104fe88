"""Naive Bayes: a generative model of features and label together."""

from course.models.naive_bayes.categorical import CategoricalNaiveBayes
from course.models.naive_bayes.counts import (
    BernoulliNaiveBayes,
    MultinomialNaiveBayes,
)
from course.models.naive_bayes.gaussian import GaussianNaiveBayes

__all__ = [
    "BernoulliNaiveBayes",
    "CategoricalNaiveBayes",
    "GaussianNaiveBayes",
    "MultinomialNaiveBayes",
]
