"""Explicit starts: weights_init, means_init and covariances_init, checked."""

from typing import Any

from torch import Tensor

from course.arrays import tensor
from course.models.mixture.gaussian_em import GaussianEM, Parameters


def given_start(model: Any, em: GaussianEM, start: Parameters) -> Parameters:
    """The start, with what the user gave in place of the default.

    Raises:
        ValueError: a shape is wrong, the weights are no distribution, or a
            covariance is not positive definite.
    """
    pi, mu, Sigma = start
    if model.weights_init is not None:
        pi = given_weights(model, em).expand_as(pi)
    if model.means_init is not None:
        mean = checked(model, "means_init", (model.n_components, em.D), em.z)
        mu = ((mean - em.centre) / em.scale).expand_as(mu)
    if model.covariances_init is not None:
        Sigma = given_covariances(model, em).expand_as(Sigma)
    return Parameters(pi, mu, Sigma)


def checked(model: Any, name: str, shape: tuple, x: Tensor) -> Tensor:
    """An option as a tensor beside x, of the right shape and finite."""
    value = tensor(getattr(model, name), x)
    if value.shape != shape or not value.isfinite().all():
        raise ValueError(
            f"{name} must be finite numbers of shape {tuple(shape)} for "
            f"{model.n_components} components, not of shape "
            f"{tuple(value.shape)}"
        )
    return value


def given_weights(model: Any, em: GaussianEM) -> Tensor:
    """Pi: not negative, with sum one."""
    pi = checked(model, "weights_init", (model.n_components,), em.z)
    if (pi < 0).any() or (pi.sum() - 1).abs() > 1e-6:
        raise ValueError(
            f"weights_init must not be negative and must sum to one, not to "
            f"{pi.sum().item():.6g}: divide them by their sum"
        )
    return pi


def given_covariances(model: Any, em: GaussianEM) -> Tensor:
    """Sigma, positive definite, in units of the columns."""
    kind, K, D = em.kind, model.n_components, em.D
    Sigma = checked(model, "covariances_init", kind.shape(K, D), em.z)
    Sigma = kind.unpack(Sigma, K, D)
    if not kind.valid(Sigma):
        raise ValueError(
            "covariances_init must be symmetric and positive definite, and "
            "is not: check its eigenvalues"
        )
    return kind.scaled(Sigma, 1 / em.scale)
