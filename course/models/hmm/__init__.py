"""Hidden Markov models, fitted by Baum-Welch in batched matrix products."""

from course.models.hmm.categorical import CategoricalHMM
from course.models.hmm.gaussian import GaussianHMM

__all__ = ["CategoricalHMM", "GaussianHMM"]
