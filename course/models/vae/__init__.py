"""Variational autoencoders: the model, its bounds, missing pixels."""

from course.models.vae.model import IWAE, VAE

__all__ = ["IWAE", "VAE"]
