"""Means, covariances and the log-density of the normal distribution."""

import math
from numbers import Real
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

EPS = torch.finfo(torch.float64).eps
KINDS = ("full", "diag")


class Moments(NamedTuple):
    """The mean mu, shape (D,), and the Cholesky factor L, Sigma = L L^T."""

    mu: Tensor
    L: Tensor


def moments(x: Float[Tensor, "N D"]) -> tuple[Tensor, Tensor]:
    """The mean (D,) and the covariance (D, D), divided by N, of the rows."""
    mu = x.mean(dim=0)
    d = x - mu
    return mu, d.T @ d / len(x)


def whiten(x: Float[Tensor, "N D"], m: Moments) -> Float[Tensor, "N D"]:
    """The rows L^-1 (x - mu), which are N(0, I) if x is N(mu, Sigma)."""
    return torch.linalg.solve_triangular(m.L, (x - m.mu).T, upper=False).T


def log_normal(x: Float[Tensor, "N D"], m: Moments) -> Float[Tensor, " N"]:
    """Log N(x; mu, Sigma) = -(D log 2 pi + log|Sigma| + |L^-1 (x-mu)|^2)/2."""
    log_det = 2 * m.L.diag().log().sum()
    constant = len(m.mu) * math.log(2 * math.pi) + log_det
    return -(constant + whiten(x, m).square().sum(dim=1)) / 2


def check_options(model: Any) -> None:
    """The options of a Gaussian can be used.

    Raises:
        ValueError: an unknown type, or a ridge that is no number from 0 on.
    """
    if model.covariance_type not in KINDS:
        raise ValueError(
            f"covariance_type must be one of {', '.join(KINDS)}, "
            f"not {model.covariance_type!r}"
        )
    r = model.ridge
    if not isinstance(r, Real) or not 0 <= r < float("inf"):
        raise ValueError(
            f"ridge must be a finite number and not negative, not {r!r}"
        )


def check_spread(mu: Float[Tensor, " D"], Sigma: Float[Tensor, "D D"]) -> None:
    """Every column varies, and none is a linear combination of others.

    L_dd^2 is what is left of the variance of feature d once those before it
    are known. Where rounding leaves no digit of it, there is no density.

    Raises:
        ValueError: such a column; the message names the first.
    """
    L, bad = torch.linalg.cholesky_ex(Sigma)
    var = Sigma.diag()
    left = L.diag().square() / var
    left = torch.where(var.sqrt() > 10 * EPS * mu.abs(), left, 0.0)
    flat = (left <= 10 * len(mu) * EPS).nonzero().flatten().tolist()
    flat += [bad.item() - 1] if bad else []
    if flat:
        raise ValueError(
            f"column {min(flat)} is constant or a linear combination of the "
            f"columns before it, so the covariance is singular and there is "
            f"no density: drop the column, get more rows, or set a ridge"
        )


def check_moments(mu: Tensor, Sigma: Tensor) -> None:
    """The numbers are the mean and covariance of a normal distribution.

    Raises:
        ValueError: a wrong shape, or a matrix that is not symmetric and
            positive definite.
    """
    D = mu.numel()
    if mu.shape != (D,) or D == 0 or Sigma.shape != (D, D):
        raise ValueError(
            f"mean and covariance must have shapes (D,) and (D, D), not "
            f"{tuple(mu.shape)} and {tuple(Sigma.shape)}"
        )
    close = torch.allclose(Sigma, Sigma.T, rtol=1e-8, atol=0)
    if not close or torch.linalg.cholesky_ex(Sigma).info.item():
        raise ValueError(
            "covariance must be symmetric and positive definite: are rows "
            "and columns in the same order?"
        )
