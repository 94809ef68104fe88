"""Decision trees, grown a level at a time."""

from numbers import Integral
from typing import Any

import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.tree.splits import CRITERIA, Level, Splits, best_splits
from course.targets import class_numbers, labels

LEAST = {"max_depth": 1, "min_samples_split": 2, "min_samples_leaf": 1}


class DecisionTreeClassifier(ClassifierMixin, BaseEstimator):
    """A tree of questions x_d <= threshold, with class shares in the leaves.

    Each node takes the cut that lowers the impurity most. The first of equal
    cuts wins, so that a fit needs no seed (scikit-learn draws one of them).

    Args:
        criterion: "gini" or "entropy", what a cut is to lower.
        max_depth: the most questions in a row; None for no limit.
        min_samples_split: nodes with fewer rows are not cut.
        min_samples_leaf: no cut leaves fewer rows on a side.

    Attributes:
        classes_: the K labels.
        feature_, threshold_: the question of each node; feature -1 in a leaf.
        children_: the nodes to the left and right, shape (nodes, 2).
        counts_: how many rows of each class reached it, shape (nodes, K).
        history_: mean impurity of the leaves at depth 0, 1, ...; it never
            rises. Entropy is in nats.
    """

    def __init__(
        self,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
    ):
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf

    def fit(self, X: Any, y: Any = None) -> "DecisionTreeClassifier":
        """Grow the tree from rows X, shape (N, D), and their labels y."""
        check_options(self)
        x = rows(self, X, fit=True)
        k = class_numbers(self, x, y)
        levels, history = self._grow(x, torch.eye(len(self.classes_)).to(x)[k])
        names = ("feature_", "threshold_", "children_", "counts_")
        for name, parts in zip(names, zip(*levels, strict=True), strict=True):
            setattr(self, name, like(X, torch.cat(parts)))
        self.history_ = like(X, torch.stack(history) / len(x))
        return self

    def _grow(self, x: Tensor, hot: Tensor) -> tuple[list, list]:
        """All nodes, level by level, and the impurity of the leaves."""
        impurity = CRITERIA[self.criterion]
        node, M, nodes = torch.zeros(len(x)).to(x).long(), 1, 1
        levels, history, done = [], [], 0.0
        while M:
            counts = hot.new_zeros(M, hot.shape[1]).index_add_(0, node, hot)
            cost = impurity(counts)
            history.append(done + cost.sum())
            level = Level(x, hot, node, counts)
            split, open_ = self._ask(level, len(levels))
            number = open_.cumsum(0) - 1  # among the nodes that are cut
            children = nodes + 2 * number[:, None] + torch.arange(2).to(node)
            feature = torch.where(open_, split.feature, -1)
            children = torch.where(open_[:, None], children, -1)
            levels.append((feature, split.threshold, children, counts))
            done = done + cost[~open_].sum()
            stay = open_[node]
            x, hot, node = x[stay], hot[stay], node[stay]
            value = x.gather(1, split.feature[node][:, None])[:, 0]
            right = value > split.threshold[node]
            node, M = 2 * number[node] + right, 2 * int(open_.sum())
            nodes += M
        return levels, history

    def _ask(self, level: Level, depth: int) -> tuple[Splits, Tensor]:
        """The best cut of each node, and whether it is made."""
        impurity = CRITERIA[self.criterion]
        leaf, counts = self.min_samples_leaf, level.counts
        split = best_splits(level, impurity=impurity, leaf=leaf)
        impure = (counts > 0).sum(dim=1) > 1
        enough = counts.sum(dim=1) >= self.min_samples_split
        deep = self.max_depth is not None and depth >= self.max_depth
        return split, split.cost.isfinite() & impure & enough & (not deep)

    def apply(self, X: Any) -> Any:
        """The leaf that each row of X ends in, shape (N,)."""
        check_is_fitted(self)
        x = rows(self, X)
        feature = tensor(self.feature_, x).long()
        threshold, children = tensor(self.threshold_, x), self.children_
        children = tensor(children, x).long()
        node = torch.zeros(len(x)).to(x).long()
        for _ in self.history_[1:]:
            d = feature[node].clamp(min=0)[:, None]
            right = x.gather(1, d)[:, 0] > threshold[node]
            below = children[node, right.long()]
            node = torch.where(feature[node] < 0, node, below)
        return like(X, node)

    def predict_proba(self, X: Any) -> Any:
        """The shares of the classes in the leaf of each row, shape (N, K)."""
        leaf = torch.as_tensor(self.apply(X))
        counts = tensor(self.counts_, leaf)[leaf]
        return like(X, counts / counts.sum(dim=1, keepdim=True))

    def predict(self, X: Any) -> Any:
        """The most frequent class of the leaf of each row, shape (N,)."""
        share = self.predict_proba(X)
        return labels(self, X, torch.as_tensor(share).argmax(dim=1))


def check_options(model: DecisionTreeClassifier) -> None:
    """Raise a ValueError that names the option that cannot be."""
    if model.criterion not in CRITERIA:
        raise ValueError(
            f"criterion must be one of {', '.join(CRITERIA)}, "
            f"not {model.criterion!r}"
        )
    for name, least in LEAST.items():
        value = getattr(model, name)
        if name == "max_depth" and value is None:
            continue
        if not isinstance(value, Integral) or value < least:
            raise ValueError(
                f"{name} must be a whole number of at least {least}, "
                f"not {value!r}"
            )
