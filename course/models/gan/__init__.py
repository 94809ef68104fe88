"""Generative adversarial networks: games of a generator and a critic."""

from course.models.gan.game import (
    GAN,
    expectation,
    frozen,
    optimal_discriminator,
    value,
)

__all__ = ["GAN", "expectation", "frozen", "optimal_discriminator", "value"]
