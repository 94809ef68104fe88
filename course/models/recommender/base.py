"""What every recommender does, and the simplest one."""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int64
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor

Users = Float[Tensor, "N D"]  # a user a row, an item a column


class Recommender(BaseEstimator):
    """Gives each user a score for each item.

    The users of `scores` and `recommend` need not be those of `fit`: a user is
    known by the row of what they have taken, and by nothing else.
    """

    def __sklearn_tags__(self):
        """How often an item was taken is not negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> "Recommender":
        """Learn from the interactions X, shape (N, D)."""

    def scores(self, X: Any) -> Any:
        """How much each user will like each item, shape (N, D).

        Only the order within a row has a meaning. Items that were taken have a
        score too; `recommend` leaves them out.

        Args:
            X: what each user has taken, shape (N, D).
        """
        check_is_fitted(self)
        return like(X, self._scores(self._rows(X)))

    def recommend(self, X: Any, k: int = 10) -> Any:
        """The k items of highest score that a user has not taken, (N, k).

        Best first; of equal scores the item with the lower number.

        Args:
            X: what each user has taken, shape (N, D).
            k: how many items.

        Raises:
            ValueError: a user has fewer than k items left.
        """
        check_is_fitted(self)
        x = self._rows(X)
        return like(X, best_unseen(self._scores(x), x, k))

    def _rows(self, X: Any, *, fit: bool = False) -> Users:
        """The rows of X, none of them negative."""
        x = rows(self, X, fit=fit)
        if x.min() < 0:
            raise ValueError(
                f"Negative values in data: {type(self).__name__} takes 0 for "
                f"an item that was not taken and positive numbers for others, "
                f"and there is {x.min().item():g}: set a threshold on ratings"
            )
        return x

    @abstractmethod
    def _scores(self, x: Users) -> Users:
        """The scores of checked rows."""


class Popularity(Recommender):
    """Recommends to all users what most users took: score_d = sum_n x_nd.

    The baseline that a personal recommender has to beat.

    Attributes:
        counts_: how often each item was taken, shape (D,).
    """

    def fit(self, X: Any, y: Any = None) -> "Popularity":
        """Count the columns of X, shape (N, D)."""
        x = self._rows(X, fit=True)
        self.counts_ = like(X, x.sum(dim=0))
        return self

    def _scores(self, x: Users) -> Users:
        return tensor(self.counts_, x).expand(len(x), -1).clone()


def best_unseen(
    scores: Users, seen: Float[Tensor, "N D"], k: int
) -> Int64[Tensor, "N k"]:
    """The k columns of highest score where `seen` is 0, best first."""
    left = (seen == 0).sum(dim=1).min().item()
    if not 1 <= k <= left:
        raise ValueError(
            f"k must be from 1 to {left}, the number of items that every user "
            f"has left, not {k}"
        )
    hidden = scores.masked_fill(seen > 0, -torch.inf)
    # a sort, because topk has no rule for ties
    return hidden.sort(dim=1, descending=True, stable=True).indices[:, :k]
