"""EM for Gaussian mixtures as two matrix products (Bishop 2006, section 9.2).

The rows are first put in units of the columns, (x - centre) / scale: features
such as x_i x_j would lose digits far from the origin.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.mixture.diagonal import Spherical
from course.models.mixture.em import Evidence, block_rows, e_step, gather
from course.models.mixture.starts import nearest_sums

PRECISE = 1e6  # above this precision, in units of the columns, digits are lost


class Parameters(NamedTuple):
    """Weights (B, K), means (B, K, D) and covariances of B mixtures."""

    pi: Tensor
    mu: Tensor
    Sigma: Tensor


def m_step(
    N_k: Float[Tensor, "B K"],
    mu: Float[Tensor, "B K D"],
    Sigma: Tensor,
    *,
    kind: type,
    ridge: Float[Tensor, " D"],
) -> Parameters:
    """Maximum likelihood: pi_k = N_k / N, and the moments of the rows.

    Mu_k and Sigma_k are the mean and covariance of the rows weighted by r_nk,
    as `kind.moments` gives them; the ridge is added to Sigma_k's diagonal.
    """
    pi = N_k / N_k.sum(dim=1, keepdim=True)
    empty = (N_k == 0).view(N_k.shape + (1,) * (Sigma.ndim - N_k.ndim))
    Sigma = torch.where(empty, kind.matrix(torch.ones_like(ridge)), Sigma)
    return Parameters(pi, mu, kind.share(pi, Sigma) + kind.matrix(ridge))


class GaussianEM:
    """The EM step for the rows x, in units of their columns."""

    def __init__(self, x: Float[Tensor, "N D"], kind: type, ridge: float):
        self.kind, (self.N, self.D) = kind, x.shape
        self.centre, self.scale = units(x, kind, ridge)
        self.z = (x - self.centre) / self.scale
        self.ridge = ridge / self.scale.square()

    def step(self, state: Parameters) -> tuple[Tensor, Parameters]:
        """The mean log-likelihood of each mixture, and the next mixtures."""
        theta = self.kind.theta(*state)
        if (theta[..., self.D : -1].abs() > PRECISE).any():
            return self.careful_step(state)
        log_p, S = gather(self.z, theta, self.kind.features)
        return self.mean(log_p), self.m_step(S)

    def careful_step(self, state: Parameters) -> tuple[Tensor, Parameters]:
        """The same about each mu_k, for components that are narrow: slower."""
        log_p, S = gather_centred(self.z, state, self.kind)
        pi, delta, Sigma = self.m_step(S)
        mu = torch.where(pi[..., None] > 0, state.mu + delta, state.mu)
        return self.mean(log_p), Parameters(pi, mu, Sigma)

    def m_step(self, S: Float[Tensor, "B K F"]) -> Parameters:
        """The M-step from S_k = sum_n r_nk features(x_n)."""
        return self.from_moments(*self.kind.moments(S, self.D))

    def from_moments(self, N_k: Tensor, mu: Tensor, Sigma: Tensor):
        """The M-step from the moments of the weighted rows."""
        return m_step(N_k, mu, Sigma, kind=self.kind, ridge=self.ridge)

    def mean(self, log_p: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """The mean log-likelihood, in the units of x."""
        return log_p / self.N - self.scale.log().sum()

    def within(self, pi: Tensor, mu: Tensor) -> Tensor:
        """The covariance about the nearest mean, for every component."""
        real = (pi > 0).to(mu)
        S = nearest_sums(self.z, mu, real, features=self.kind.features)
        N_k, mu, Sigma = self.kind.moments(S, self.D)
        mean = torch.einsum("bk,bk...->b...", N_k / self.N, Sigma)
        Sigma = mean[:, None].expand_as(Sigma)
        return self.from_moments(N_k, mu, Sigma).Sigma

    def restore(self, pi: Tensor, mu: Tensor, Sigma: Tensor) -> Parameters:
        """One mixture, in the units of x."""
        mu = self.centre + self.scale * mu
        return Parameters(pi, mu, self.kind.scaled(Sigma, self.scale))


def gather_centred(
    x: Float[Tensor, "N D"], state: Parameters, kind: type
) -> Evidence:
    """As `gather`, but with features(x - mu_k): no digits are lost."""
    mu = state.mu[..., None, :]
    total, S = 0, 0
    for block in x.split(block_rows(state.mu.numel() * x.shape[1])):
        log_p, r = e_step(kind.log_joint(block, *state))
        phi = kind.features(block - mu)  # (B, K, F, n)
        S = S + torch.einsum("bkfn,bkn->bkf", phi, r)
        total = total + log_p.sum(dim=1)
    return Evidence(total, S)


def units(
    x: Float[Tensor, "N D"], kind: type, ridge: float
) -> tuple[Float[Tensor, " D"], Float[Tensor, " D"]]:
    """The centre and the scale of every column of x.

    Raises:
        ValueError: a column is constant, and there is no ridge.
    """
    centre = x.nanmean(dim=0)
    variance = (x - centre).square().nanmean(dim=0)
    top = x.nan_to_num(nan=-torch.inf).amax(dim=0)
    constant = (x.isnan() | (x == top)).all(dim=0)
    if ridge == 0 and constant.any() and kind is not Spherical:
        columns = constant.nonzero().flatten().tolist()
        raise ValueError(
            f"columns {columns} are constant, so their variance is zero: "
            f"drop them, or set ridge to a positive number"
        )
    scale = (variance + ridge).sqrt()
    if kind is Spherical:
        scale = scale.square().mean().sqrt().expand(x.shape[1])
    return centre, scale
