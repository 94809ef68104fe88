"""Items that the same users took."""

from numbers import Integral
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.arrays import like, tensor
from course.models.recommender.base import Recommender, Users

Similarity = Float[Tensor, "D D"]


class ItemKNN(Recommender):
    """Recommends what resembles the items a user took.

    The score of item j is sum_i x_ni S_ij over the `n_neighbors` items i that
    resemble j most, with the cosine of two columns for the resemblance,
    S_ij = x_i . x_j / (|x_i| |x_j| + shrink), and S_jj = 0.

    Args:
        n_neighbors: how many items i count for an item j; all where it is
            None. Where several are equally similar, the first ones.
        shrink: lowers the resemblance of items that few users took.

    Attributes:
        similarity_: S, shape (D, D), column j with at most n_neighbors
            entries that are not zero.

    Raises:
        ValueError: n_neighbors is no whole number of at least 1, or shrink is
            negative.

    Sarwar, Karypis, Konstan & Riedl 2001, "Item-based collaborative filtering
    recommendation algorithms".
    """

    def __init__(self, n_neighbors=20, *, shrink=0.0):
        self.n_neighbors = n_neighbors
        self.shrink = shrink

    def fit(self, X: Any, y: Any = None) -> "ItemKNN":
        """Compare the columns of X, shape (N, D)."""
        x = self._rows(X, fit=True)
        k, D = self.n_neighbors, x.shape[1]
        if k is not None and (not isinstance(k, Integral) or k < 1):
            raise ValueError(
                f"n_neighbors must be a whole number of at least 1, or None "
                f"for all items, not {k!r}"
            )
        if not self.shrink >= 0:
            raise ValueError(f"shrink must be 0 or more, not {self.shrink!r}")
        S = cosine(x, self.shrink)
        self.similarity_ = like(X, keep_largest(S, min(k or D, D)))
        return self

    def _scores(self, x: Users) -> Users:
        return x @ tensor(self.similarity_, x)


def cosine(x: Users, shrink: float | int = 0.0) -> Similarity:
    """x_i . x_j / (|x_i| |x_j| + shrink) of all columns; 0 on the diagonal.

    A column of zeros resembles nothing.
    """
    length = x.norm(dim=0)
    scale = torch.outer(length, length) + shrink
    S = torch.where(scale > 0, x.T @ x / scale, 0.0)
    return S.fill_diagonal_(0.0)


def keep_largest(S: Similarity, k: int) -> Similarity:
    """S with only the k largest entries of each column; 0 for the others."""
    order = S.sort(dim=0, descending=True, stable=True).indices
    kept = torch.zeros_like(S, dtype=torch.bool).scatter_(0, order[:k], True)
    return torch.where(kept, S, 0.0)
