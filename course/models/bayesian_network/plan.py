"""How to contract: what matters, what is looked up, what is summed out when."""

from math import prod
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from course.models.bayesian_network.structure import (
    Scope,
    Structure,
    ancestors,
    min_fill,
)

CACHE = 2**19  # numbers in the largest table of a block of rows


class Plan(NamedTuple):
    """A plan for all rows alike.

    families: those whose tables matter, each a variable's parents and itself.
    known: variables whose axes are looked up: all rows know them, or no other
        table mentions them (unknown is then one more state).
    soft: variables that get a factor of their own: for each row, 1 where the
        evidence allows a state, else 0.
    order: the variables to sum out, one after the other.
    rows: how many rows at a time.
    """

    families: list[Scope]
    known: set[int]
    soft: set[int]
    order: list[int]
    rows: int


def make_plan(
    structure: Structure,
    x: Float[Tensor, "N D"],
    sizes: list[int],
    *,
    keep: frozenset[int] = frozenset(),
    everything: bool = False,
) -> Plan:
    """The plan for rows x, NaN where unknown.

    A variable that is neither asked for nor seen, and has no such descendant,
    sums to 1 and is left out.

    Args:
        structure: of the network.
        x: the evidence.
        sizes: the number of states of every variable.
        keep: variables that are not summed out.
        everything: leave nothing out, and give every variable that some row
            does not know a factor of its own.
    """
    unknown, all_of_them = x.isnan(), set(range(len(sizes)))
    sometimes = all_of_them - numbers(unknown.all(dim=0))
    known = all_of_them - numbers(unknown.any(dim=0)) - keep
    needed = ancestors(structure, sometimes | keep)
    relevant = all_of_them if everything else needed
    if not everything:
        mentioned = {p for d in relevant for p in structure.parents[d]}
        known |= sometimes - mentioned - keep
    families = [structure.families[d] for d in sorted(relevant)]
    scopes = [tuple(v for v in f if v not in known) for f in families]
    order = min_fill(scopes, relevant - known - keep, sizes)
    soft = (relevant if everything else sometimes) - known
    rows = max(CACHE // largest_table(scopes, order, sizes), 32)
    return Plan(families, known, soft, order, rows)


def numbers(mask: Tensor) -> set[int]:
    """Where a mask is true."""
    return set(mask.nonzero().flatten().tolist())


def largest_table(
    scopes: list[Scope], order: list[int], sizes: list[int]
) -> int:
    """How many entries the largest product has, if summed out in this order."""
    sets, most = [set(s) for s in scopes], 1
    for v in order:
        merged = set().union(*(s for s in sets if v in s))
        most = max(most, prod(sizes[u] for u in merged))
        sets = [s for s in sets if v not in s] + [merged - {v}]
    return most
