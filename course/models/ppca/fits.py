"""Two ways to the maximum of the likelihood: a closed form, and EM."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.ppca.factors import (
    Parameters,
    blocks,
    log_prob,
    posterior,
)


class Spectrum(NamedTuple):
    """Mean (D,), directions W (R, D), variances (R,) and their sum.

    The variances have N in the denominator: those of maximum likelihood.
    """

    mu: Float[Tensor, " D"]
    W: Float[Tensor, "R D"]
    variance: Float[Tensor, " R"]
    total: Float[Tensor, ""]


def spectrum(x: Float[Tensor, "N D"]) -> Spectrum:
    """The principal directions of complete rows; R = min(N, D)."""
    mu = x.mean(dim=0)
    _, s, W = torch.linalg.svd(x - mu, full_matrices=False)
    variance = s.square() / len(x)
    return Spectrum(mu, W, variance, variance.sum())


def closed_form(found: Spectrum, M: int) -> Parameters:
    """var: the mean of the D - M smallest variances; Lambda: W_M, scaled.

    Column m of Lambda has length sqrt(variance_m - var).
    Tipping and Bishop 1999, eqs. 7 and 8, with the rotation R = I.
    """
    mu, W, variance, total = found
    D = len(mu)
    var = (total - variance[:M].sum()) / (D - M)
    length = (variance[:M] - var).clamp(min=0.0).sqrt()
    return canonical(Parameters(mu, W[:M].T * length, var))


def canonical(theta: Parameters) -> Parameters:
    """The same density, with orthogonal columns of Lambda, longest first.

    Lambda R has the covariance of Lambda for every rotation R. The entry of
    each column that is largest in absolute value becomes positive.
    """
    U, s, _ = torch.linalg.svd(theta.Lambda, full_matrices=False)
    if U.shape[1] == 0:
        return theta
    peak = U.gather(0, U.abs().argmax(dim=0, keepdim=True))
    sign = torch.where(peak < 0, -1.0, 1.0).to(U)
    return theta._replace(Lambda=U * sign * s)


def filled_start(x: Float[Tensor, "N D"], M: int) -> Parameters:
    """The closed form after gaps were filled with the means of columns."""
    found = spectrum(torch.where(x.isnan(), x.nanmean(dim=0), x))
    theta = closed_form(found, M)
    # filled rows may lie in a plane: EM cannot leave var = 0
    least = 0.01 * found.total / x.shape[1]
    return theta._replace(var=torch.maximum(theta.var, least))


def random_start(
    x: Float[Tensor, "N D"], eps: Float[Tensor, "D M"]
) -> Parameters:
    """Loadings in any direction: the noise eps, as large as the columns."""
    mu = x.nanmean(dim=0)
    variance = (x - mu).square().nanmean(dim=0)
    return Parameters(mu, eps * variance.sqrt()[:, None], variance.mean())


def em_step(
    x: Float[Tensor, "N D"], theta: Parameters
) -> tuple[Float[Tensor, ""], Parameters]:
    """The mean log p(x_o) at theta, and the next theta.

    M-step: a regression of every column on [E[z], 1] over the rows where it is
    present. Then the latent prior is free for a moment, N(nu, Psi) with the
    mean and covariance of the codes, and made N(0, I) again by a change of mu
    and Lambda (parameter expansion; Liu, Rubin and Wu 1998): fewer steps.
    """
    A, c, square, codes, total = (
        sum(part) for part in zip(*_sums(x, theta), strict=True)
    )
    B = torch.linalg.solve(A, c)  # (D, M + 1): loadings, and a shift of mu
    var = (square - (B * c).sum()) / (~x.isnan()).sum()
    nu = codes[-1, :-1] / len(x)
    Psi = codes[:-1, :-1] / len(x) - nu[:, None] * nu
    Lambda, shift = B[:, :-1], B[:, -1]
    mu = theta.mu + shift + Lambda @ nu
    Lambda = Lambda @ torch.linalg.cholesky(Psi)
    return total / len(x), Parameters(mu, Lambda, var)


def _sums(x: Float[Tensor, "N D"], theta: Parameters):
    """Block by block, the sums that the M-step needs, and log p(x_o)."""
    M = theta.Lambda.shape[1]
    for block in blocks(x, theta):
        q = posterior(block, theta)
        here = (~block.isnan()).to(x)
        d = (block - theta.mu).nan_to_num(nan=0.0)
        z = torch.cat([q.mean, torch.ones_like(d[:, :1])], dim=1)
        zz = z[:, :, None] * z[:, None, :]  # E[z z^T], once V is added
        zz[:, :M, :M] += q.V[q.which]
        A = (here.T @ zz.flatten(1)).view(-1, M + 1, M + 1)
        log_p = log_prob(block, theta, q).sum()
        yield A, d.T @ z, d.square().sum(), zz.sum(dim=0), log_p


def climb(
    x: Float[Tensor, "N D"], theta: Parameters, *, tol: float, max_iter: int
) -> tuple[Parameters, list[float], bool]:
    """EM until a step gains less than tol nats a row: result, history, done.

    The history holds the mean log-likelihood at the start and after every
    step; the last value is that of the result.
    """
    history = []
    for _ in range(max_iter + 1):
        score, following = em_step(x, theta)
        history.append(score.item())
        if len(history) > 1 and history[-1] - history[-2] < tol:
            return theta, history, True
        if len(history) <= max_iter:
            theta = following
    return theta, history, False
