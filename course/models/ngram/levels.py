"""Counts of k-grams, smoothed, and ready to be looked up all at once.

A k-gram is a row of whole numbers below V. Its key is the number with these
digits in base V: so a count is a sort, and a look-up is a binary search.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

Grams = Int64[Tensor, "N order"]
Numbers = Float64[Tensor, " N"]
Keys = Int64[Tensor, " n"]
Counts = Float64[Tensor, " n"]


@dataclass(frozen=True)
class Level:
    """What is known of symbols w after contexts h of k - 1 symbols.

    p_k(w | h) = weight(h w) / total(h) + rest(h) p_{k-1}(w | h'), where h' is
    h without its first symbol.
    """

    k: int
    grams: Int64[Tensor, " grams"]
    weight: Float64[Tensor, " grams"]
    contexts: Int64[Tensor, " contexts"]
    total: Float64[Tensor, " contexts"]
    rest: Float64[Tensor, " contexts"]

    def probs(self, x: Grams, V: int, lower: Numbers) -> Numbers:
        """p_k of the last symbol of each gram, given p_{k-1} of the same."""
        keys = key(x, self.k, V)
        i, known = find(self.contexts, keys // V)
        j, seen = find(self.grams, keys)
        p = torch.where(seen, self.weight[j], 0.0) / self.total[i]
        return torch.where(known, p + self.rest[i] * lower, lower)


def kneser_ney(x: Grams, k: int, V: int) -> Level:
    """The level k of interpolated Kneser-Ney smoothing, three discounts.

    The longest grams are counted as they stand; of shorter ones it counts how
    many different symbols precede them. A discount is taken off each count,
    and what a context saves so goes to the level below.

    Chen & Goodman 1998, Harvard TR-10-98, section 3.
    """
    keys, counts = raw(x, k, V)
    if k < x.shape[1]:
        keys, counts = preceded(x, k, V)
    d = discounts(counts)[counts.clamp_max(3).long()]
    contexts, where = torch.unique(keys // V, return_inverse=True)
    none = torch.zeros_like(contexts, dtype=torch.float64)
    total = none.index_add(0, where, counts)
    rest = none.index_add(0, where, d) / total
    return Level(k, keys, counts - d, contexts, total, rest)


def additive(x: Grams, k: int, V: int, alpha: float | int) -> Level:
    """The level k where every count is increased by alpha.

    Its `rest` multiplies the uniform distribution, not the level below.
    """
    keys, counts = raw(x, k, V)
    contexts, where = torch.unique(keys // V, return_inverse=True)
    none = torch.zeros_like(contexts, dtype=torch.float64)
    total = none.index_add(0, where, counts) + alpha * V
    return Level(k, keys, counts, contexts, total, alpha * V / total)


def raw(x: Grams, k: int, V: int) -> tuple[Keys, Counts]:
    """The keys of the k-grams, and how often each stands in the text."""
    keys, counts = torch.unique(key(x, k, V), return_counts=True)
    return keys, counts.double()


def preceded(x: Grams, k: int, V: int) -> tuple[Keys, Counts]:
    """The keys of the k-grams, and by how many different symbols preceded.

    Nothing precedes the beginning of a string, which is written as zeros:
    grams with such a context keep their plain counts.
    """
    keys, counts = raw(x, k, V)
    longer = torch.unique(key(x, k + 1, V))
    kinds = torch.unique(longer % V**k, return_counts=True)[1].double()
    first = keys // V ** (k - 1) == 0
    return keys, torch.where(first & (k > 1), counts, kinds)


def discounts(counts: Counts) -> Float64[Tensor, "4"]:
    """What is taken off counts of 0, 1, 2, and 3 or more.

    D_j = j - (j + 1) Y n_{j+1} / n_j with Y = n_1 / (n_1 + 2 n_2), where n_j
    k-grams have the count j. In a text so small that some n_j is 0, or some
    D_j not positive, D_j = j / 2.
    """
    n = [(counts == j).sum().item() for j in range(5)]
    d = [j / 2 for j in range(4)]
    if min(n[1:]) > 0:
        Y = n[1] / (n[1] + 2 * n[2])
        good = [j - (j + 1) * Y * n[j + 1] / n[j] for j in (1, 2, 3)]
        d = [0.0, *good] if min(good) > 0 else d
    return torch.tensor(d, dtype=torch.float64, device=counts.device)


def key(x: Grams, k: int, V: int) -> Int64[Tensor, " N"]:
    """The last k symbols of each gram as one number, in base V."""
    digits = V ** torch.arange(k - 1, -1, -1, device=x.device)
    return (x[:, -k:] * digits).sum(dim=1)


def find(
    table: Int64[Tensor, " entries"], keys: Keys
) -> tuple[Keys, Bool[Tensor, " n"]]:
    """Where each key stands in a sorted table, and whether it does."""
    place = torch.searchsorted(table, keys).clamp_max(len(table) - 1)
    return place, table[place] == keys
