"""Four kinds of covariance, each with its features and its formulas.

Log pi_k + log N(x | mu_k, Sigma_k) is a quadratic polynomial in x, so it is a
product theta_k . features(x), and the M-step needs sum_n r_nk features(x_n).
Leading axes of every tensor are free: runs, then components.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


class Unshared:
    """What a kind of covariance does where components have one each."""

    @staticmethod
    def share(pi: Tensor, Sigma: Tensor) -> Tensor:
        """What the components have in common: here, nothing."""
        return Sigma

    @staticmethod
    def pack(Sigma: Tensor) -> Tensor:
        """As the attribute `covariances_`."""
        return Sigma

    @staticmethod
    def unpack(covariances: Tensor, K: int, D: int) -> Tensor:
        """The inverse of pack."""
        return covariances


class Full(Unshared):
    """A covariance matrix for each component, Sigma of shape (..., D, D)."""

    @staticmethod
    def features(x: Float[Tensor, "*runs n D"]) -> Float[Tensor, "*runs F n"]:
        """[x, vech(x x^T), 1] of every row, as a column."""
        i, j = vech(x.shape[-1])
        x, i, j = x.mT.contiguous(), i.to(x.device), j.to(x.device)
        products = x.index_select(-2, i) * x.index_select(-2, j)
        return torch.cat([x, products, torch.ones_like(x[..., :1, :])], dim=-2)

    @staticmethod
    def theta(
        pi: Float[Tensor, "*runs K"],
        mu: Float[Tensor, "*runs K D"],
        Sigma: Float[Tensor, "*runs K D D"],
    ) -> Float[Tensor, "*runs K F"]:
        """What multiplies the features: [P mu, -P/2 (off-diagonal: -P), c]."""
        L = cholesky(Sigma)
        P = torch.cholesky_inverse(L)  # the precision, Sigma^-1
        P_mu = torch.einsum("...ij,...j->...i", P, mu)
        log_det = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        D = mu.shape[-1]
        c = pi.log() - (D * LOG_2PI + log_det + (mu * P_mu).sum(dim=-1)) / 2
        i, j = vech(D)
        quadratic = -P[..., i, j] * torch.where(i == j, 0.5, 1.0).to(P)
        return torch.cat([P_mu, quadratic, c[..., None]], dim=-1)

    @staticmethod
    def moments(S: Float[Tensor, "*runs K F"], D: int) -> tuple:
        """N_k, and the mean and covariance of the rows weighted by r_nk."""
        N_k, mu, square = split(S, D)
        i, j = vech(D)
        Sigma = S.new_zeros(*mu.shape, D)
        Sigma[..., i, j] = Sigma[..., j, i] = square
        return N_k, mu, Sigma - mu[..., None] * mu[..., None, :]

    @staticmethod
    def log_joint(
        x: Float[Tensor, "n D"],
        pi: Float[Tensor, "*runs K"],
        mu: Float[Tensor, "*runs K D"],
        Sigma: Float[Tensor, "*runs K D D"],
    ) -> Float[Tensor, "*runs K n"]:
        """Log pi_k + log N(x | mu_k, Sigma_k), to the last digit.

        Whitened, z = L^-1 (x - mu_k): slower than features, but exact where a
        component is narrow compared with its distance from the origin.
        """
        L = cholesky(Sigma)
        d = (x - mu[..., None, :]).mT  # (..., K, D, n)
        z = torch.linalg.solve_triangular(L, d, upper=False)
        log_det = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        c = pi.log() - (x.shape[1] * LOG_2PI + log_det) / 2
        return c[..., None] - z.square().sum(dim=-2) / 2

    @staticmethod
    def coloured(eps: Float[Tensor, "n D"], Sigma: Float[Tensor, "D D"]):
        """Noise of covariance Sigma from noise of covariance one."""
        return eps @ cholesky(Sigma).T

    @staticmethod
    def matrix(diagonal: Tensor) -> Tensor:
        """The covariance with this diagonal."""
        return torch.diag_embed(diagonal)

    @staticmethod
    def dense(Sigma: Tensor) -> Tensor:
        """The covariance as a matrix."""
        return Sigma

    @staticmethod
    def sparse(Sigma: Tensor) -> Tensor:
        """The inverse of dense."""
        return Sigma

    @staticmethod
    def valid(Sigma: Tensor) -> bool:
        """Whether every Sigma is symmetric and positive definite."""
        symmetric = torch.allclose(Sigma, Sigma.mT, rtol=1e-6)
        return symmetric and bool(cholesky(Sigma).isfinite().all())

    @staticmethod
    def scaled(Sigma: Tensor, scale: Float[Tensor, " D"]) -> Tensor:
        """The covariance of scale * x."""
        return Sigma * scale[:, None] * scale

    @staticmethod
    def shape(K: int, D: int) -> tuple[int, ...]:
        """The shape of the attribute `covariances_`."""
        return K, D, D

    @staticmethod
    def count(K: int, D: int) -> int:
        """The number of free parameters in the covariances."""
        return K * D * (D + 1) // 2


class Tied(Full):
    """One covariance matrix for all components, `covariances_` (D, D)."""

    @staticmethod
    def share(pi: Tensor, Sigma: Tensor) -> Tensor:
        """The mean covariance, weighted by pi, for every component."""
        mean = torch.einsum("...k,...kij->...ij", pi, Sigma)
        return mean[..., None, :, :].expand_as(Sigma)

    @staticmethod
    def shape(K: int, D: int) -> tuple[int, ...]:
        """The shape of the attribute `covariances_`."""
        return D, D

    @staticmethod
    def pack(Sigma: Tensor) -> Tensor:
        """As the attribute `covariances_`."""
        return Sigma[0].clone()

    @staticmethod
    def unpack(covariances: Tensor, K: int, D: int) -> Tensor:
        """The inverse of pack."""
        return covariances.expand(K, D, D)

    @staticmethod
    def count(K: int, D: int) -> int:
        """The number of free parameters in the covariance."""
        return D * (D + 1) // 2


def vech(D: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the upper triangle of a D x D matrix."""
    i, j = torch.triu_indices(D, D)
    return i, j


def split(S: Float[Tensor, "*runs F"], D: int) -> tuple:
    """N_k, and the sums of the other features divided by N_k."""
    N_k = S[..., -1]
    mean = S / (N_k + 1e-15)[..., None]  # an empty component is no division
    return N_k, mean[..., :D], mean[..., D:-1]


def cholesky(Sigma: Float[Tensor, "*runs D D"]) -> Float[Tensor, "*runs D D"]:
    """The lower root of each Sigma; NaN where it is not positive definite."""
    L, failed = torch.linalg.cholesky_ex(Sigma)
    return torch.where(failed[..., None, None] > 0, torch.nan, L)
