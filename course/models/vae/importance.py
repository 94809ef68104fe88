"""Missing pixels of a VAE, by weights: draws of z count as they explain x_o."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution

from course.models.vae.completion import Chain, check, keep
from course.models.vae.model import ROWS, VAE, portions
from course.protocols import Batch, PerExample


class Weighted(NamedTuple):
    """Completions by importance weights.

    images: x_o and draws of x_m, shape (n, batch, ...). mean: x_o and the
    estimate of E[x_m | x_o], shape (batch, ...). effective: the effective
    number of draws, 1 / sum_s w_s^2 with sum_s w_s = 1, shape (batch,).
    """

    images: Chain
    mean: Batch
    effective: PerExample


@torch.no_grad()
def importance_completion(
    model: VAE,
    x: Batch,
    samples: int,
    *,
    start: Batch | None = None,
    n: int = 1,
) -> Weighted:
    """Draws z_s of a proposal r, weighted by p(x_o, z_s) / r(z_s), sum 1.

    Without a start r is the prior, and all images share the z_s. With one it
    is half prior, half q(z | start): no weight is above 2 p(x_o | z_s). Exact
    in the limit of many draws, whatever the encoder is.

    Args:
        model: a trained VAE.
        x: images, NaN where a pixel is missing, shape (batch, ...).
        samples: S, how many z are drawn and weighted.
        start: complete images that tell the encoder where to look.
        n: how many completions to draw, from the z_s by their weights.

    Raises:
        ValueError: no sample, or a start of another shape or with NaN.

    Source: Mattei and Frellsen 2019 (arXiv:1812.02633).
    """
    check(x, samples, start)
    q = None if start is None else model.posterior(start)
    sizes = portions(samples, at_most=max(1, ROWS // len(x)))
    parts = [proposals(model, x, S, q) for S in sizes]
    z, log_w = map(torch.cat, zip(*parts, strict=True))
    w, mean = log_w.softmax(dim=0), 0
    for z_s, w_s in zip(z.split(sizes[0]), w.split(sizes[0]), strict=True):
        each = model.likelihood(z_s).mean
        mean = mean + torch.einsum("sb,sb...->b...", w_s, each)
    s = Categorical(w.T).sample((n,))
    chosen = z.expand(-1, len(x), -1)[s, torch.arange(len(x))]
    drawn = model.likelihood(chosen).sample()
    effective = 1 / w.square().sum(dim=0)
    return Weighted(keep(x, drawn), keep(x, mean), effective)


def proposals(
    model: VAE, x: Batch, samples: int, q: Distribution | None
) -> tuple[Tensor, Tensor]:
    """Draws z, (samples, batch or 1, latent), and all log-weights."""
    if q is None:
        z = model.prior.sample((samples, 1))
        return z, log_observed(model, x, z)
    z = model.prior.sample((samples, len(x)))
    coin = torch.rand(z.shape[:2], device=z.device) < 0.5
    z = torch.where(coin[..., None], q.sample((samples,)), z)
    log_prior = model.prior.log_prob(z)
    log_r = torch.logaddexp(log_prior, q.log_prob(z))  # + log 1/2, cancels
    return z, log_prior + log_observed(model, x, z) - log_r


def log_observed(model: VAE, x: Batch, z: Tensor) -> Tensor:
    """Log p(x_o | z), the sum over the pixels that are present."""
    gone = x.isnan()
    filled = x.masked_fill(gone, 0.0)  # a value that every likelihood knows
    each = model.likelihood(z).base_dist.log_prob(filled)
    return each.masked_fill(gone, 0.0).flatten(z.ndim - 1).sum(dim=-1)
