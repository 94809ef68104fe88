"""Variational autoencoders: the model, its bounds, missing pixels."""

from course.models.vae.completion import (
    Completions,
    metropolis_within_gibbs,
    pseudo_gibbs,
)
from course.models.vae.importance import Weighted, importance_completion
from course.models.vae.model import IWAE, VAE

__all__ = [
    "IWAE",
    "VAE",
    "Completions",
    "Weighted",
    "importance_completion",
    "metropolis_within_gibbs",
    "pseudo_gibbs",
]
