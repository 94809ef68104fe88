"""Importance sampling of the probability of a box under N(0, R)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.special import ndtr, ndtri

INSIDE = 2.0**-1000, 1 - 2.0**-53  # uniform numbers with finite normal scores

Scores = tuple[Float[Tensor, "S n"], Float[Tensor, "S n D"]]


def edges(probs: Float[Tensor, "D C"]) -> Float[Tensor, "D C1"]:
    """0, p_0, p_0 + p_1, ..., 1: where the cells of every column begin."""
    F = torch.cat([torch.zeros_like(probs[:, :1]), probs.cumsum(dim=1)], dim=1)
    F[:, -1] = 1
    return F


def uniform(
    low: Float[Tensor, "n D"],
    high: Float[Tensor, "n D"],
    R: Float[Tensor, "D D"],
    u: Float[Tensor, "S n D"],
) -> Scores:
    """Scores g_d = Phi^-1(uniform in the cell); weight prod p_d c(g; R).

    The density of the copula: log c = log N(g; 0, R) - sum_d log N(g_d; 0, 1).
    """
    g = ndtri((low + u * (high - low)).clamp(*INSIDE))
    L = torch.linalg.cholesky(R)
    e = torch.linalg.solve_triangular(L, g.flatten(0, 1).T, upper=False)
    square = g.square().sum(dim=-1) - e.square().sum(dim=0).view(g.shape[:2])
    log_c = square / 2 - L.diagonal().log().sum()
    return (high - low).log().sum(dim=-1) + log_c, g


def sequential(
    low: Float[Tensor, "n D"],
    high: Float[Tensor, "n D"],
    R: Float[Tensor, "D D"],
    u: Float[Tensor, "S n D"],
) -> Scores:
    """Scores g = L e, each e_d within its cell given those before it.

    The weight is the product of the probabilities of these cells.
    """
    L = torch.linalg.cholesky(R)
    low, high = ndtri(low), ndtri(high)
    e, log_w = torch.zeros_like(u), torch.zeros_like(u[..., 0])
    for d in range(len(L)):
        m = e[..., :d] @ L[d, :d]
        a, b = (low[:, d] - m) / L[d, d], (high[:, d] - m) / L[d, d]
        upper = a > 0  # mirrored: differences are exact in the lower tail
        a, b = torch.where(upper, -b, a), torch.where(upper, -a, b)
        p = ndtr(b) - ndtr(a)
        log_w += p.log()
        score = ndtri((ndtr(a) + u[..., d] * p).clamp(*INSIDE))
        e[..., d] = torch.where(upper, -score, score)
    return log_w, e @ L.T


PROPOSALS = {"sequential": sequential, "uniform": uniform}


def log_mean(log_w: Float[Tensor, "S n"]) -> Float[Tensor, " n"]:
    """Log of the mean weight of every row."""
    return log_w.logsumexp(dim=0) - math.log(len(log_w))
