"""Variable elimination: multiply what mentions a variable, then sum it out.

All rows of evidence pass at once: they are the last axis of every factor that
depends on them, so that each step is one product and one sum over long,
contiguous vectors. Factors carry the numbers of their variables, and there may
be any number of these.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.bayesian_network.structure import Scope

DEEP = 8  # tables that may be multiplied before their scale is taken out


class Factor(NamedTuple):
    """A table over some variables, for every row or (last axis 1) for all.

    scope: the variables of the first axes, ascending.
    values: shape (S of each of them..., N or 1).
    depth: how many tables were multiplied since a scale was taken out.
    """

    scope: Scope
    values: Float[Tensor, "... n"]
    depth: int = 1


def product(factors: Sequence[Factor]) -> list[Factor]:
    """The product of factors, over the variables of all; then its scales."""
    scope = tuple(sorted(set().union(*(f.scope for f in factors))))
    first, *others = sorted(factors, key=lambda f: f.values.numel())
    values, depth, scales = align(first, scope), first.depth, []
    for f in others:
        values, depth = values * align(f, scope), depth + f.depth
        if depth > DEEP:
            values, scale = rescale(values)
            depth = 0
            scales.append(scale)
    return [Factor(scope, values, depth), *scales]


def align(factor: Factor, scope: Sequence[int]) -> Tensor:
    """The values, with an axis of length 1 for every variable they lack."""
    *sizes, n = factor.values.shape
    size = dict(zip(factor.scope, sizes, strict=True))
    return factor.values.reshape([*(size.get(v, 1) for v in scope), n])


def rescale(values: Float[Tensor, "... n"]) -> tuple[Tensor, Factor]:
    """Values of at most 1, and the largest of each row as a scale.

    Products of hundreds of probabilities would underflow.
    """
    scale = values.detach().reshape(-1, values.shape[-1]).amax(dim=0)
    scale = torch.where(scale > 0, scale, 1.0)
    return values / scale, Factor((), scale)


def eliminate(factors: Sequence[Factor], v: int) -> list[Factor]:
    """Multiply all factors that mention v, then sum the product over v."""
    whole, *scales = product([f for f in factors if v in f.scope])
    scope = tuple(u for u in whole.scope if u != v)
    values = whole.values.sum(dim=whole.scope.index(v))
    rest = [f for f in factors if v not in f.scope]
    return [*rest, Factor(scope, values, whole.depth), *scales]


def contract(factors: Sequence[Factor], order: Iterable[int]) -> list[Factor]:
    """Sum variables out, in an order, of the product of all factors.

    What is returned still has to be multiplied.
    """
    for v in order:
        factors = eliminate(factors, v)
    return list(factors)


def log_scale(factors: Iterable[Factor], x: Tensor) -> Float[Tensor, " n"]:
    """The log of the product of factors without variables, for n rows x."""
    logs = (f.values.log() for f in factors if not f.scope)
    return sum(logs, x.new_zeros(len(x)))
