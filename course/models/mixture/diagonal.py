"""Covariances without correlations: two kinds more, and cheaper."""

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.mixture.covariances import LOG_2PI, Unshared, split


class Diagonal(Unshared):
    """A variance for each component and column, Sigma of shape (..., K, D)."""

    @staticmethod
    def features(x: Float[Tensor, "*runs n D"]) -> Float[Tensor, "*runs F n"]:
        """[x, x^2, 1] of every row, as a column."""
        x = x.mT
        return torch.cat([x, x.square(), torch.ones_like(x[..., :1, :])], -2)

    @staticmethod
    def theta(
        pi: Float[Tensor, "*runs K"],
        mu: Float[Tensor, "*runs K D"],
        Sigma: Float[Tensor, "*runs K D"],
    ) -> Float[Tensor, "*runs K F"]:
        """What multiplies the features: [mu / Sigma, -1 / (2 Sigma), c]."""
        P, D = 1 / positive(Sigma), mu.shape[-1]
        norm = D * LOG_2PI + (P * mu.square() - P.log()).sum(dim=-1)
        c = pi.log() - norm / 2
        return torch.cat([P * mu, -P / 2, c[..., None]], dim=-1)

    @staticmethod
    def moments(S: Float[Tensor, "*runs K F"], D: int) -> tuple:
        """N_k, and the mean and variance of the rows weighted by r_nk."""
        N_k, mu, square = split(S, D)
        return N_k, mu, square - mu.square()

    @staticmethod
    def log_joint(
        x: Float[Tensor, "n D"],
        pi: Float[Tensor, "*runs K"],
        mu: Float[Tensor, "*runs K D"],
        Sigma: Float[Tensor, "*runs K D"],
    ) -> Float[Tensor, "*runs K n"]:
        """Log pi_k + log N(x | mu_k, Sigma_k), to the last digit."""
        sigma = positive(Sigma).sqrt()
        c = pi.log() - sigma.log().sum(dim=-1) - x.shape[1] * LOG_2PI / 2
        z = (x - mu[..., None, :]) / sigma[..., None, :]  # (..., K, n, D)
        return c[..., None] - z.square().sum(dim=-1) / 2

    @staticmethod
    def coloured(eps: Float[Tensor, "n D"], Sigma: Float[Tensor, " D"]):
        """Noise of covariance Sigma from noise of covariance one."""
        return eps * Sigma.sqrt()

    @staticmethod
    def matrix(diagonal: Tensor) -> Tensor:
        """The covariance with this diagonal."""
        return diagonal

    @staticmethod
    def dense(Sigma: Tensor) -> Tensor:
        """The covariance as a matrix."""
        return torch.diag_embed(Sigma)

    @staticmethod
    def sparse(Sigma: Tensor) -> Tensor:
        """The inverse of dense."""
        return Sigma.diagonal(dim1=-2, dim2=-1)

    @staticmethod
    def valid(Sigma: Tensor) -> bool:
        """Whether every variance is positive."""
        return bool((Sigma > 0).all())

    @staticmethod
    def scaled(Sigma: Tensor, scale: Float[Tensor, " D"]) -> Tensor:
        """The covariance of scale * x."""
        return Sigma * scale.square()

    @staticmethod
    def shape(K: int, D: int) -> tuple[int, ...]:
        """The shape of the attribute `covariances_`."""
        return K, D

    @staticmethod
    def count(K: int, D: int) -> int:
        """The number of free parameters in the covariances."""
        return K * D


class Spherical(Diagonal):
    """One variance for each component, `covariances_` of shape (K,)."""

    @staticmethod
    def share(pi: Tensor, Sigma: Tensor) -> Tensor:
        """The mean variance, for every column."""
        return Sigma.mean(dim=-1, keepdim=True).expand_as(Sigma)

    @staticmethod
    def shape(K: int, D: int) -> tuple[int, ...]:
        """The shape of the attribute `covariances_`."""
        return (K,)

    @staticmethod
    def pack(Sigma: Tensor) -> Tensor:
        """As the attribute `covariances_`."""
        return Sigma[:, 0].clone()

    @staticmethod
    def unpack(covariances: Tensor, K: int, D: int) -> Tensor:
        """The inverse of pack."""
        return covariances[:, None].expand(K, D)

    @staticmethod
    def count(K: int, D: int) -> int:
        """The number of free parameters in the covariances."""
        return K


def positive(Sigma: Tensor) -> Tensor:
    """Each variance; NaN where it is not positive."""
    return torch.where(Sigma > 0, Sigma, torch.nan)
