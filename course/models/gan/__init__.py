"""Generative adversarial networks: games of a generator and a critic."""

from course.models.gan.game import (
    GAN,
    expectation,
    optimal_discriminator,
    value,
)
from course.models.gan.hinge import HingeGAN
from course.models.gan.players import frozen
from course.models.gan.wasserstein import (
    WassersteinGAN,
    gradient_penalty,
    slopes,
)

__all__ = [
    "GAN",
    "HingeGAN",
    "WassersteinGAN",
    "expectation",
    "frozen",
    "gradient_penalty",
    "optimal_discriminator",
    "slopes",
    "value",
]
