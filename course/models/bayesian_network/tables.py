"""Conditional probability tables: parents' axes first, the variable's last."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

from course.models.bayesian_network.options import count_states
from course.models.bayesian_network.structure import Structure

TOLERANCE = 1e-6  # of a sum that should be 1


def read_tables(
    structure: Structure, tables: Mapping[Hashable, Any], states: Mapping | None
) -> list[Tensor]:
    """The tables as float64 tensors, checked, in the order of the variables.

    Raises:
        ValueError: a table is missing, has a wrong shape, a negative entry, or
            does not sum to 1 along its last axis.
    """
    for name in tables:
        structure.number(name)
    if missing := [n for n in structure.names if n not in tables]:
        raise ValueError(f"there is no table for {missing[0]!r}: give one")
    read = {n: to_tensor(n, tables[n]) for n in structure.names}
    sizes = {
        n: count_states(states, n) or (t.shape[-1] if t.ndim else 0)
        for n, t in read.items()
    }
    for name, above in zip(structure.names, structure.parents, strict=True):
        scope = [*(structure.names[p] for p in above), name]
        check_table(read[name], scope, sizes)
    return list(read.values())


def to_tensor(name: Hashable, table: Any) -> Tensor:
    """A float64 tensor of its own."""
    try:
        return torch.as_tensor(table, dtype=torch.float64).detach().clone()
    except (TypeError, ValueError):
        raise ValueError(
            f"the table of {name!r} is not an array of numbers: write one row "
            f"of probabilities for each state of its parents"
        ) from None


def check_table(table: Tensor, scope: list, sizes: dict[Hashable, int]) -> None:
    """One axis for each parent, the variable's own last; rows that sum to 1."""
    name, shape = scope[-1], tuple(sizes[v] for v in scope)
    if tuple(table.shape) != shape:
        axes = ", ".join(map(repr, scope))
        raise ValueError(
            f"the table of {name!r} must have the axes ({axes}) and shape "
            f"{shape}, not {tuple(table.shape)}"
        )
    if not (table >= 0).all():
        raise ValueError(
            f"the table of {name!r} has an entry that is negative or NaN: "
            f"entries are probabilities"
        )
    sums = table.sum(dim=-1)
    if (sums - 1).abs().max() > TOLERANCE:
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        raise ValueError(
            f"the table of {name!r} must sum to 1 along its last axis, which "
            f"is {name!r} itself, and there is a sum of {worst:g}{hint(table)}"
        )


def hint(table: Tensor) -> str:
    """Which axis sums to 1, if another one does."""
    for axis in range(table.ndim - 1):
        if ((table.sum(dim=axis) - 1).abs() < TOLERANCE).all():
            return f": axis {axis} sums to 1, so move it to the end"
    return ": divide by the sum, if these are weights"
