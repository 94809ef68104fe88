"""Missing pixels of a VAE, by chains: x_m ~ p(x_m | x_o), NaN marks x_m.

- `pseudo_gibbs`: in turns z ~ q(z | x) and x_m ~ p(x_m | z). Where q is not the
  exact posterior it stays biased, however many steps it takes.
- `metropolis_within_gibbs`: the same, but the draw of z may be refused. Exact
  in the limit of many steps, whatever the encoder is.

The model must be in evaluation mode, as training leaves it: dropout would
change p(x | z) from call to call.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.distributions import Distribution

from course.models.vae.model import VAE
from course.protocols import Batch

Chain = Float[Tensor, "steps batch ..."]


class Completions(NamedTuple):
    """A chain of completions: one image an example after every step.

    images: x_o and a draw of x_m, shape (steps, batch, ...). means: x_o and
    E[x_m | z] for the z of that draw; their average over steps estimates
    E[x_m | x_o] with less noise than that of the images. accepted: whether
    the new z was taken, shape (steps, batch).
    """

    images: Chain
    means: Chain
    accepted: Bool[Tensor, "steps batch"]


def pseudo_gibbs(
    model: VAE, x: Batch, steps: int, *, start: Batch | None = None
) -> Completions:
    """In turns z ~ q(z | x) and x_m ~ p(x_m | z); NaN in x marks x_m.

    Its limit is p(x_m | x_o) only if q(z | x) is the exact posterior.

    Args:
        model: a trained VAE.
        x: images, NaN where a pixel is missing, shape (batch, ...).
        steps: how many; none is left out.
        start: complete images to begin from; by default x_m comes from the
            model, p(x_m | z) with z from the prior.

    Raises:
        ValueError: no step, or a start of another shape or with NaN.

    Source: Rezende, Mohamed and Wierstra 2014 (arXiv:1401.4082).
    """
    return run(model, x, steps, start=start, exact=False)


def metropolis_within_gibbs(
    model: VAE, x: Batch, steps: int, *, start: Batch | None = None
) -> Completions:
    """As `pseudo_gibbs`, but z' ~ q(z | x) is taken with probability a.

    a = min(1, w(z') / w(z)) with w(z) = p(x, z) / q(z | x), and z stays where
    it is otherwise. Then p(z, x_m | x_o) is invariant: the chain is exact in
    the limit, and a poor encoder only makes it slow.

    Args:
        model: a trained VAE.
        x: images, NaN where a pixel is missing, shape (batch, ...).
        steps: how many; none is left out.
        start: complete images to begin from, as for `pseudo_gibbs`.

    Raises:
        ValueError: no step, or a start of another shape or with NaN.

    Source: Mattei and Frellsen 2018 (arXiv:1802.04826).
    """
    return run(model, x, steps, start=start, exact=True)


@torch.no_grad()
def run(
    model: VAE, x: Batch, steps: int, *, start: Batch | None, exact: bool
) -> Completions:
    """The chain of both: z from the encoder, x_m from the decoder."""
    check(x, steps, start)
    z, now = begin(model, x, start)
    images, means, accepted = [], [], []
    for _ in range(steps):
        q = model.posterior(now)
        new = q.sample()
        gain = log_weight(model, now, new, q) - log_weight(model, now, z, q)
        taken = torch.rand_like(gain).log() < gain if exact else gain == gain
        z = torch.where(taken[:, None], new, z)
        p = model.likelihood(z)
        now = keep(x, p.sample())
        images.append(now)
        means.append(keep(x, p.mean))
        accepted.append(taken)
    return Completions(*map(torch.stack, (images, means, accepted)))


def log_weight(model: VAE, x: Batch, z: Tensor, q: Distribution) -> Tensor:
    """Log p(x, z) - log q(z | x) of complete images."""
    log_joint = model.prior.log_prob(z) + model.likelihood(z).log_prob(x)
    return log_joint - q.log_prob(z)


def begin(model: VAE, x: Batch, start: Batch | None) -> tuple[Tensor, Tensor]:
    """The first z and the first complete images of a chain."""
    if start is not None:
        return model.posterior(start).sample(), start
    z = model.prior.sample((len(x),))
    return z, keep(x, model.likelihood(z).sample())


def keep(x: Batch, new: Tensor) -> Tensor:
    """The pixels of x, bit for bit, and new ones where x is NaN."""
    return torch.where(x.isnan(), new, x)


def check(x: Batch, steps: int, start: Batch | None) -> None:
    """There is a step to take, and the start is x with its gaps filled.

    Raises:
        ValueError: it is not so.
    """
    if steps < 1:
        raise ValueError(f"completion takes at least 1 step, not {steps}")
    if start is None:
        return
    if start.shape != x.shape or start.isnan().any():
        raise ValueError(
            f"start must be complete images of shape {tuple(x.shape)}, not "
            f"{tuple(start.shape)} with {int(start.isnan().sum())} NaN: fill "
            f"the missing pixels of x, by model.sample or a mean"
        )
    if not ((start == x) | x.isnan()).all():
        raise ValueError(
            "start must have the pixels of x where those are known: fill the "
            "missing ones, and change no other"
        )
