"""Tables from rows: by counting, or by expected counts where rows have gaps.

EM for Bayesian networks: S. L. Lauritzen, The EM algorithm for graphical
association models with missing data, 1995.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from numpy.random import RandomState
from torch import Tensor

from course.models.bayesian_network.inference import Tables, expected_counts
from course.models.bayesian_network.structure import Scope, Structure


def count(
    x: Float[Tensor, "N D"], family: Scope, sizes: list[int]
) -> Float[Tensor, "..."]:
    """How many rows, complete in a family, have each of its combinations."""
    x, shape = x[:, list(family)], [sizes[v] for v in family]
    x = x[~x.isnan().any(dim=1)].long()
    index = x.new_zeros(len(x))
    for states, size in zip(x.T, shape, strict=True):
        index = index * size + states
    entries = torch.Size(shape).numel()
    counts = torch.bincount(index, minlength=entries)
    return counts.to(torch.float64).view(shape)


def m_step(counts: Tables, smoothing: float | int) -> Tables:
    """The tables (counts + smoothing) / their sum: the mode of the posterior.

    The prior of every row of a table is a Dirichlet with parameters
    1 + smoothing. A row without any count is uniform.
    """
    weights = [c + smoothing for c in counts]
    totals = [w.sum(dim=-1, keepdim=True) for w in weights]
    return [
        torch.where(total > 0, w / total, 1 / w.shape[-1])
        for w, total in zip(weights, totals, strict=True)
    ]


def log_prior(tables: Tables, smoothing: float | int) -> Float[Tensor, ""]:
    """Sum of smoothing * log theta over all entries of all tables."""
    a = tables[0].new_tensor(smoothing)
    return torch.stack([torch.xlogy(a, t).sum() for t in tables]).sum()


class Settings(NamedTuple):
    """Pseudo-counts of every entry; when EM stops."""

    smoothing: float | int
    tol: float | int
    max_iter: int


class Learned(NamedTuple):
    """Tables, and the way there.

    history: the objective at the start and after every step, nats per row.
    steps: how many EM steps were taken.
    converged: whether the rise fell below the tolerance.
    """

    tables: Tables
    history: list[float]
    steps: int
    converged: bool


def learn(
    structure: Structure,
    x: Float[Tensor, "N D"],
    sizes: list[int],
    *,
    settings: Settings,
    rng: RandomState,
) -> Learned:
    """The tables of complete rows by counting, of others by EM."""
    counts = [count(x, family, sizes) for family in structure.families]
    if x.isnan().any():
        first = m_step([blur(c, rng) for c in counts], 0.0)
        return em(structure, x, first, settings=settings)
    tables = m_step(counts, settings.smoothing)
    pairs = zip(counts, tables, strict=True)
    log_p = torch.stack([torch.xlogy(c, t).sum() for c, t in pairs]).sum()
    objective = (log_p + log_prior(tables, settings.smoothing)) / len(x)
    return Learned(tables, [objective.item()], 1, True)


def blur(counts: Tensor, rng: RandomState) -> Tensor:
    """Counts plus exponential numbers: where EM starts.

    They matter for a family that no row knows in full, such as that of a
    latent variable: equal tables would stay equal for ever.
    """
    return counts + counts.new_tensor(rng.exponential(size=counts.shape))


def em(
    structure: Structure,
    x: Float[Tensor, "N D"],
    tables: Tables,
    *,
    settings: Settings,
) -> Learned:
    """E-step: expected counts. M-step: tables. Until the rise is below tol."""
    smoothing, tol, max_iter = settings
    best, history = tables, []
    for step in range(max_iter + 1):
        log_p, counts = expected_counts(structure, tables, x)
        value = log_p.mean() + log_prior(tables, smoothing) / len(x)
        rise = value.item() - history[-1] if history else float("inf")
        if rise >= 0:
            best, history = tables, [*history, value.item()]
        if rise < tol:
            return Learned(best, history, step, True)
        tables = m_step(counts, smoothing)
    return Learned(best, history, step, False)
