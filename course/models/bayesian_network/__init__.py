"""Bayesian networks of discrete variables: exact answers, many rows at once."""

from course.models.bayesian_network.network import BayesianNetwork

__all__ = ["BayesianNetwork"]
