"""EM for mixtures of probabilistic PCA, with the M-step in closed form.

Given the responsibilities, each plane is the probabilistic PCA of its weighted
rows: leading eigenvectors of a weighted covariance (Tipping and Bishop 1999,
Mixtures of probabilistic principal component analysers).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot, pad

from course.models.mppca.factors import (
    CACHE,
    Parameters,
    blocks,
    e_step,
    log_joint,
)


class Spectrum(NamedTuple):
    """Of K covariances: M leading directions, their variances, the traces.

    W: (K, D, M). variance: (K, M), largest first. total: (K,).
    """

    W: Float[Tensor, "K D M"]
    variance: Float[Tensor, "K M"]
    total: Float[Tensor, " K"]


def spectrum(
    x: Float[Tensor, "N D"],
    share: Float[Tensor, "K N"],
    mu: Float[Tensor, "K D"],
    *,
    M: int,
) -> Spectrum:
    """Of S_k = sum_n share_kn (x_n - mu_k)(x_n - mu_k)^T.

    With fewer rows than columns the eigenvectors come from the inner products
    of the weighted rows, an N x N matrix with the same eigenvalues.
    """
    (N, D), K = x.shape, len(mu)
    if N < D:
        A = share.sqrt()[..., None] * (x - mu[:, None])  # (K, N, D)
        variance, U = _leading(A @ A.mT, M)
        W = A.mT @ (U / variance.clamp(min=1e-300).sqrt()[:, None])
        return Spectrum(W, variance, A.square().sum(dim=(1, 2)))
    S, n = x.new_zeros(K, D, D), max(D, CACHE // (K * D))
    for rows, p in zip(x.split(n), share.split(n, dim=1), strict=True):
        d = rows - mu[:, None]
        S += (p[..., None] * d).mT @ d
    variance, W = _leading(S, M)
    return Spectrum(W, variance, S.diagonal(dim1=1, dim2=2).sum(dim=1))


def _leading(
    S: Float[Tensor, "K n n"], M: int
) -> tuple[Float[Tensor, "K M"], Float[Tensor, "K n M"]]:
    """The M largest eigenvalues and their vectors; zeros where M > n."""
    values, vectors = torch.linalg.eigh(S)
    lack = (0, max(0, M - S.shape[1]))
    values = values.flip(1)[:, :M].clamp(min=0.0)
    return pad(values, lack), pad(vectors.flip(2)[..., :M], lack)


def planes(
    found: Spectrum, floor: float
) -> tuple[Float[Tensor, "K D M"], Float[Tensor, " K"]]:
    """Loadings and noise of the most probable planes with such covariances.

    The noise is the mean of the D - M smallest variances, or the floor if that
    is higher; column m of Lambda_k has the length sqrt(variance_km - var_k).
    """
    W, variance, total = found
    D, M = W.shape[1:]
    var = ((total - variance.sum(dim=1)) / (D - M)).clamp(min=floor)
    length = (variance - var[:, None]).clamp(min=0.0).sqrt()
    return W * length[:, None], var


def m_step(
    x: Float[Tensor, "N D"], r: Float[Tensor, "K N"], *, M: int, floor: float
) -> Parameters:
    """The most probable weights, means and planes, given responsibilities.

    A plane with no rows keeps the weight 0, and is drawn no more.
    """
    N_k = r.sum(dim=1)
    share = r / N_k.clamp(min=1e-300)[:, None]
    mu = share @ x
    Lambda, var = planes(spectrum(x, share, mu, M=M), floor)
    return Parameters(N_k / N_k.sum(), mu, Lambda, var)


def em_step(
    x: Float[Tensor, "N D"], theta: Parameters, floor: float
) -> tuple[Float[Tensor, ""], Parameters]:
    """The mean log p(x) at theta, and the next theta."""
    parts = [e_step(log_joint(b, theta)) for b in blocks(x, theta)]
    log_p = torch.cat([part[0] for part in parts])
    r = torch.cat([part[1] for part in parts], dim=1)
    M = theta.Lambda.shape[2]
    return log_p.mean(), m_step(x, r, M=M, floor=floor)


def climb(
    x: Float[Tensor, "N D"],
    theta: Parameters,
    *,
    floor: float,
    tol: float,
    max_iter: int,
) -> tuple[Parameters, list[float], bool]:
    """EM until a step gains less than tol nats a row: result, history, done.

    The history holds the mean log-likelihood at the start and after every
    step; the last value is that of the result.
    """
    history = []
    for _ in range(max_iter + 1):
        score, following = em_step(x, theta, floor)
        history.append(score.item())
        if len(history) > 1 and history[-1] - history[-2] < tol:
            return theta, history, True
        if len(history) <= max_iter:
            theta = following
    return theta, history, False


def start(
    x: Float[Tensor, "N D"],
    centres: Float[Tensor, "K D"],
    *,
    M: int,
    floor: float,
) -> Parameters:
    """Means of the rows nearest to each centre; one plane, turned alike in all.

    The plane is that of the rows about their own means. Planes of their own
    would be too sure of themselves where a centre has few rows.
    """
    r = one_hot(torch.cdist(x, centres).argmin(dim=1), len(centres)).to(x).T
    N_k = r.sum(dim=1).clamp(min=1.0)
    mu = torch.where(r.any(dim=1)[:, None], (r @ x) / N_k[:, None], centres)
    within = x - r.T @ mu
    share = torch.full_like(r[:1], 1 / len(x))
    found = spectrum(within, share, torch.zeros_like(mu[:1]), M=M)
    Lambda, var = planes(found, floor)
    K = len(centres)
    return Parameters(
        N_k / N_k.sum(), mu, Lambda.expand(K, -1, -1), var.expand(K)
    )


def canonical(theta: Parameters) -> Parameters:
    """The same density: in each column of Lambda the largest entry positive.

    Largest in absolute value. The columns are orthogonal, longest first, as
    the M-step leaves them.
    """
    Lambda = theta.Lambda
    if Lambda.shape[2] == 0:
        return theta
    peak = Lambda.gather(1, Lambda.abs().argmax(dim=1, keepdim=True))
    return theta._replace(Lambda=Lambda * torch.where(peak < 0, -1.0, 1.0))
