"""The best cuts of all nodes of a level of a decision tree at once.

The rows are sorted by node and feature; sums along the sorted rows give the
impurity of every cut of every feature of every node (Breiman et al. 1984).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


def gini(counts: Float[Tensor, "*n K"]) -> Float[Tensor, "*n"]:
    """N (1 - sum_k p_k^2) of class counts N p_k: twice drawn, unequal."""
    N = counts.sum(dim=-1)
    return N - counts.square().sum(dim=-1) / N.clamp(min=1)


def entropy(counts: Float[Tensor, "*n K"]) -> Float[Tensor, "*n"]:
    """- N sum_k p_k log p_k of class counts N p_k, in nats."""
    N = counts.sum(dim=-1)
    return torch.xlogy(N, N) - torch.xlogy(counts, counts).sum(dim=-1)


CRITERIA = {"gini": gini, "entropy": entropy}


class Level(NamedTuple):
    """The rows of M nodes: features, one-hot classes, and which node.

    counts: how many rows of each class are in each node.
    """

    x: Float[Tensor, "n D"]
    hot: Float[Tensor, "n K"]
    node: Int64[Tensor, " n"]
    counts: Float[Tensor, "M K"]


class Splits(NamedTuple):
    """The best cut of every node of a level: x_d <= threshold goes left.

    cost is the impurity of both sides together; infinite without a cut.
    """

    cost: Float[Tensor, " M"]
    feature: Int64[Tensor, " M"]
    threshold: Float[Tensor, " M"]


def best_splits(
    level: Level, *, impurity: Callable[[Tensor], Tensor], leaf: int = 1
) -> Splits:
    """Of every node, the cut with the least impurity(left) + impurity(right).

    Args:
        level: the rows of M nodes.
        impurity: from counts to N times the impurity.
        leaf: the fewest rows on either side of a cut.
    """
    x, hot, node, counts = level
    order = x.argsort(dim=0, stable=True)
    order = order.gather(0, node[order].argsort(dim=0, stable=True))
    x, node = x.gather(0, order), node.sort().values
    before = counts.cumsum(dim=0) - counts  # in the nodes to the left
    left = hot[order].cumsum(dim=0) - before[node][:, None]  # (n, D, K)
    right = counts[node][:, None] - left
    cost = impurity(left) + impurity(right)
    cost[~cuts(x, node, left, right, leaf)] = torch.inf
    return lowest(x, cost, node, len(counts))


def cuts(x, node, left, right, leaf: int) -> Bool[Tensor, "n D"]:
    """Whether a node can be cut between a sorted row and the next."""
    legal = (left.sum(dim=-1) >= leaf) & (right.sum(dim=-1) >= leaf)
    legal[:-1] &= (x[:-1] < x[1:]) & (node[:-1] == node[1:])[:, None]
    legal[-1] = False
    return legal


def lowest(x, cost, node, M: int) -> Splits:
    """The first cut of least cost in every node, halfway to the next row."""
    by_row, feature = cost.min(dim=1)
    least = by_row.new_full((M,), torch.inf)
    least = least.scatter_reduce(0, node, by_row, "amin")
    row = torch.arange(len(x), device=x.device)
    tied = torch.where(by_row == least[node], row, len(x) - 1)
    first = torch.full((M,), len(x) - 1, device=x.device)
    first = first.scatter_reduce(0, node, tied, "amin")
    d = feature[first]
    low, high = x[first, d], x[(first + 1).clamp(max=len(x) - 1), d]
    middle = low + (high - low) / 2
    return Splits(least, d, torch.where(middle < high, middle, low))
