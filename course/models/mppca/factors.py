"""What follows from x = mu_k + Lambda_k z + eps: posterior, density, means.

K planes at once, and any entries of x missing (NaN). Rows with the same
entries present form a pattern, and share one posterior covariance for each
plane. By Woodbury's identity all matrices that are inverted are M x M.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
CACHE = 2**20  # numbers in a block of rows


class Parameters(NamedTuple):
    """Weights pi (K,), means mu (K, D), loadings (K, D, M), noise var (K,)."""

    pi: Float[Tensor, " K"]
    mu: Float[Tensor, "K D"]
    Lambda: Float[Tensor, "K D M"]
    var: Float[Tensor, " K"]


class Posterior(NamedTuple):
    """Of z given the entries present and k, N(mean_kn, V[k, which_n]).

    mean: (K, N, M). V: one covariance a plane and pattern, (K, P, M, M).
    log_det: of V, (K, P). which: the pattern of every row, (N,).
    """

    mean: Float[Tensor, "K N M"]
    V: Float[Tensor, "K P M M"]
    log_det: Float[Tensor, "K P"]
    which: Int[Tensor, " N"]


def blocks(
    x: Float[Tensor, "N D"], theta: Parameters
) -> tuple[Float[Tensor, "n D"], ...]:
    """The rows in blocks: what is computed from one fits in the cache."""
    K, D, M = theta.Lambda.shape
    return x.split(max(1, CACHE // (K * (D + (M + 1) ** 2))))


def patterns(
    x: Float[Tensor, "N D"],
) -> tuple[Bool[Tensor, "P D"], Int[Tensor, " N"]]:
    """Which entries are present, each pattern once, and that of every row."""
    seen = ~x.isnan()
    if seen.all():  # no need to sort the rows
        return seen[:1], torch.zeros_like(seen[:, 0], dtype=torch.long)
    return seen.unique(dim=0, return_inverse=True)


def posterior(x: Float[Tensor, "N D"], theta: Parameters) -> Posterior:
    """p(z | x_o, k): V^-1 = I + Lambda_o^T Lambda_o / var, mean V Lambda_o^T d.

    Here d = (x_o - mu_o) / var; o are the entries present.
    Tipping and Bishop 1999, Probabilistic PCA, eq. 9, without the other rows.
    """
    _, mu, Lambda, var = theta
    K, _, M = Lambda.shape
    seen, which = patterns(x)
    outer = (Lambda[..., :, None] * Lambda[..., None, :]).flatten(2)
    precision = (seen.to(x) @ outer).view(K, len(seen), M, M)
    precision = precision / var[:, None, None, None] + torch.eye(M).to(x)
    root = torch.linalg.cholesky(precision)
    V = torch.cholesky_inverse(root)
    d = (x - mu[:, None]).nan_to_num(nan=0.0) @ Lambda / var[:, None, None]
    # complete rows share one V: no copy of it for every row
    one = V.shape[1] == 1
    mean = d @ V[:, 0] if one else (V[:, which] @ d[..., None])[..., 0]
    log_det = -2 * root.diagonal(dim1=2, dim2=3).log().sum(dim=2)
    return Posterior(mean, V, log_det, which)


def log_joint(
    x: Float[Tensor, "N D"], theta: Parameters, q: Posterior | None = None
) -> Float[Tensor, "K N"]:
    """Log pi_k N(x_o | mu_k, Lambda_k Lambda_k^T + var_k I), in nats.

    The quadratic form is the least value over z of |d - Lambda_o z|^2 / var +
    |z|^2, which the posterior mean attains: no small difference of large
    numbers.
    """
    pi, mu, Lambda, var = theta
    mean, _, log_det, which = q or posterior(x, theta)
    count = (~x.isnan()).sum(dim=1)
    e = (x - mu[:, None] - mean @ Lambda.mT).nan_to_num(nan=0.0)
    square = e.square().sum(dim=2) / var[:, None] + mean.square().sum(dim=2)
    log_volume = count * (LOG_2PI + var.log())[:, None] - log_det[:, which]
    return pi.log()[:, None] - (log_volume + square) / 2


def e_step(
    joint: Float[Tensor, "K N"],
) -> tuple[Float[Tensor, " N"], Float[Tensor, "K N"]]:
    """Log p(x_n) and r_kn = p(k | x_n), by Bayes' rule, from log p(k, x_n)."""
    log_p = joint.logsumexp(dim=0)
    return log_p, (joint - log_p).exp()


def expected(
    x: Float[Tensor, "N D"], theta: Parameters
) -> Float[Tensor, "N D"]:
    """The mean of Lambda_k z + mu_k given x_o: sum_k r_kn E[... | x_o, k]."""
    q = posterior(x, theta)
    _, r = e_step(log_joint(x, theta, q))
    rebuilt = theta.mu[:, None] + q.mean @ theta.Lambda.mT
    return torch.einsum("kn,knd->nd", r, rebuilt)
