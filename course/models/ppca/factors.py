"""What follows from x = mu + Lambda z + eps: posterior, density, draws.

With z ~ N(0, I) and eps ~ N(0, var I), and any entries of x missing (NaN).
Rows with the same entries present form a pattern and share one posterior
covariance. No D x D matrix is ever formed.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
CACHE = 2**21  # numbers in the posterior covariances of a block of rows


class Parameters(NamedTuple):
    """Mean mu (D,), loadings Lambda (D, M), noise variance var ()."""

    mu: Float[Tensor, " D"]
    Lambda: Float[Tensor, "D M"]
    var: Float[Tensor, ""]


class Posterior(NamedTuple):
    """Of z given the entries present, N(mean_n, V[which_n]).

    mean: (N, M). V: one covariance a pattern, (P, M, M). log_det: of V, (P,).
    which: the pattern of every row, (N,).
    """

    mean: Float[Tensor, "N M"]
    V: Float[Tensor, "P M M"]
    log_det: Float[Tensor, " P"]
    which: Int[Tensor, " N"]


def posterior(x: Float[Tensor, "N D"], theta: Parameters) -> Posterior:
    """p(z | x_o): V^-1 = I + Lambda_o^T Lambda_o / var, mean V Lambda_o^T d.

    Here d = (x_o - mu_o) / var; o are the entries present.
    Tipping and Bishop 1999, eq. 9, with rows of Lambda left out.
    """
    mu, Lambda, var = theta
    seen, which = (~x.isnan()).unique(dim=0, return_inverse=True)
    M = Lambda.shape[1]
    outer = (Lambda[:, :, None] * Lambda[:, None, :]).flatten(1)
    precision = (seen.to(x) @ outer).view(len(seen), M, M) / var
    root = torch.linalg.cholesky(precision + torch.eye(M).to(x))
    V = torch.cholesky_inverse(root)
    d = (x - mu).nan_to_num(nan=0.0) @ Lambda / var
    # complete rows share one V: no copy of it for every row
    mean = d @ V[0] if len(V) == 1 else (V[which] @ d[..., None])[..., 0]
    log_det = -2 * root.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    return Posterior(mean, V, log_det, which)


def log_prob(
    x: Float[Tensor, "N D"], theta: Parameters, q: Posterior | None = None
) -> Float[Tensor, " N"]:
    """Log N(x_o | mu_o, Lambda_o Lambda_o^T + var I), in nats.

    The quadratic form is the least value over z of |d - Lambda_o z|^2 / var +
    |z|^2, which the posterior mean attains: no small difference of large
    numbers.
    """
    mu, Lambda, var = theta
    mean, _, log_det, which = q or posterior(x, theta)
    count = (~x.isnan()).sum(dim=1)
    e = (x - mu - mean @ Lambda.T).nan_to_num(nan=0.0)
    square = e.square().sum(dim=1) / var + mean.square().sum(dim=1)
    log_volume = count * (LOG_2PI + var.log()) - log_det[which]
    return -(log_volume + square) / 2


def blocks(
    x: Float[Tensor, "N D"], theta: Parameters
) -> tuple[Float[Tensor, "n D"], ...]:
    """The rows in blocks, so that the covariances of each fit in the cache."""
    return x.split(max(1, CACHE // (theta.Lambda.shape[1] + 1) ** 2))


def conditional(
    x: Float[Tensor, "N D"], theta: Parameters
) -> tuple[Float[Tensor, "N D"], Float[Tensor, "N D"]]:
    """Mean and variance of every entry of x given those present.

    A missing entry has mean mu_d + Lambda_d . E[z | x_o] and variance
    Lambda_d V Lambda_d^T + var; one that is present has itself and 0.
    """
    mu, Lambda, var = theta
    mean, V, _, which = posterior(x, theta)
    spread = torch.einsum("di,pij,dj->pd", Lambda, V, Lambda) + var
    missing = x.isnan()
    return (
        torch.where(missing, mu + mean @ Lambda.T, x),
        torch.where(missing, spread[which], 0.0),
    )


def draw(
    x: Float[Tensor, "N D"],
    theta: Parameters,
    *,
    eps_z: Float[Tensor, "S N M"],
    eps_x: Float[Tensor, "S N D"],
) -> Float[Tensor, "S N D"]:
    """Draws of x from p(x_m | x_o), made of standard normal noise.

    First z from its posterior, then x from z: so missing entries of one row
    are drawn together, not each from its own marginal.
    """
    mu, Lambda, var = theta
    mean, V, _, which = posterior(x, theta)
    root = torch.linalg.cholesky(V)
    z = mean + torch.einsum("nij,snj->sni", root[which], eps_z)
    drawn = mu + z @ Lambda.T + var.sqrt() * eps_x
    return torch.where(x.isnan(), drawn, x)
