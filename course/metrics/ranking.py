"""How good a ranking of items is, on interactions that were held out.

Every function takes the scores of *all* items. Metrics that rank a held-out
item among a few random others only ("sampled metrics") can put recommenders in
another order (Krichene & Rendle 2020).
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

PerUser = Float[Tensor, " N"]


def recall_at_k(
    scores: Any, held_out: Any, k: int = 10, *, seen: Any = None
) -> PerUser:
    """Held-out items among the first k, over min(k, how many there are).

    The denominator is that of Liang et al. 2018: a perfect ranking has 1, also
    for a user with more than k held-out items. Others divide by the number of
    held-out items; say which.

    Args:
        scores: shape (N, D), higher is better; of ties the lower column first.
        held_out: shape (N, D), not 0 where the user took the item.
        k: how many items are shown.
        seen: shape (N, D); items that are not 0 here are never shown.

    Raises:
        ValueError: shapes differ, k is out of range, a user has no held-out
            item, or one that is also seen.

    >>> recall_at_k([[3.0, 2.0, 1.0, 0.0]], [[1, 0, 0, 1]], k=2)
    tensor([0.5000], dtype=torch.float64)
    """
    hits, n = _hits(scores, held_out, k, seen)
    return hits.sum(dim=1) / n.clamp(max=k)


def ndcg_at_k(
    scores: Any, held_out: Any, k: int = 10, *, seen: Any = None
) -> PerUser:
    """Discounted gain of the first k items, over that of the best ranking.

    DCG = sum over ranks r = 1 .. k of hit_r / log2(r + 1). A hit at the top
    counts more. Arguments and errors are those of `recall_at_k`.

    Jarvelin & Kekalainen 2002, "Cumulated gain-based evaluation of IR
    techniques", in the form with log2(r + 1).
    """
    hits, n = _hits(scores, held_out, k, seen)
    rank = torch.arange(1, k + 1, device=hits.device)
    discount = 1 / (rank + 1).double().log2()
    best = discount.cumsum(dim=0)[n.clamp(max=k) - 1]
    return hits @ discount / best


def gini(counts: Any) -> float:
    """How unequal counts are: 0 if all are equal, near 1 if one has all.

    The mean absolute difference of two counts drawn at random, over twice
    their mean: sum_i (2 i - D - 1) x_i / (D sum_i x_i) with x sorted upwards.

    Raises:
        ValueError: a count is negative, or all are zero.

    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    x = torch.as_tensor(counts, dtype=torch.float64).flatten().sort().values
    if not (len(x) and x.min() >= 0 and x.sum() > 0):
        raise ValueError(
            f"gini needs counts that are not negative and not all zero, not "
            f"{x.tolist()[:5]}"
        )
    D = len(x)
    i = torch.arange(1, D + 1, device=x.device).double()
    return ((2 * i - D - 1) @ x / (D * x.sum())).item()


def _hits(
    scores: Any, held_out: Any, k: int, seen: Any
) -> tuple[Float[Tensor, "N k"], Tensor]:
    """1 where the item of rank 1 .. k was held out; how many were, (N,)."""
    s = torch.as_tensor(scores, dtype=torch.float64)
    held = _marked("held_out", held_out, s)
    hidden = (
        torch.zeros_like(held) if seen is None else _marked("seen", seen, s)
    )
    _check(s, held, hidden, k)
    s = s.masked_fill(hidden, -torch.inf)
    order = s.sort(dim=1, descending=True, stable=True).indices[:, :k]
    return held.gather(1, order).double(), held.sum(dim=1)


def _marked(name: str, x: Any, s: Tensor) -> Bool[Tensor, "N D"]:
    """Where x is not zero; of the shape and on the device of s."""
    x = torch.as_tensor(x, device=s.device)
    if s.ndim != 2 or x.shape != s.shape:
        raise ValueError(
            f"scores and {name} must have one shape, (users, items), not "
            f"{tuple(s.shape)} and {tuple(x.shape)}"
        )
    return x != 0


def _check(s: Tensor, held: Tensor, seen: Tensor, k: int) -> None:
    if s.isnan().any():
        raise ValueError("scores hold NaN: a ranking needs numbers")
    if not 1 <= k <= s.shape[1]:
        raise ValueError(f"k must be from 1 to {s.shape[1]}, not {k}")
    if not held.any(dim=1).all():
        n = held.any(dim=1).int().argmin().item()
        raise ValueError(f"user {n} has no held-out item: leave such rows out")
    if (both := held & seen).any():
        n, d = both.nonzero()[0].tolist()
        raise ValueError(
            f"item {d} of user {n} is held out and seen: split again, so that "
            f"no held-out interaction is among those that the model knows"
        )
