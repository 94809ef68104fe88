"""Self-training: a classifier learns from its own confident predictions."""

from typing import Any

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
)
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows
from course.models.semi_supervised.labels import (
    UNKNOWN,
    Labels,
    accuracy,
    as_classes,
    choose,
    read_labels,
)
from course.models.semi_supervised.options import check_options


class SelfTrainingClassifier(
    ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Fit, label the points it is sure of, fit again on those too.

    A pseudo-label is the most probable class, where its probability is above
    the threshold. It is never taken back (Yarowsky 1995).

    Args:
        estimator: a classifier with `predict_proba`; a copy of it is fitted.
        threshold: a pseudo-label needs a probability above it.
        max_iter: rounds of pseudo-labels at most.

    Attributes:
        estimator_: the classifier after the last fit.
        classes_: shape (K,), in order.
        transduction_: labels and pseudo-labels of the rows of the fit, -1
            where no class was probable enough, shape (N,).
        labeled_iter_: the round in which a row got its label, shape (N,): 0
            for the labels that were given, -1 for none.
        history_: the number of rows with a label or a pseudo-label, at each
            fit; the first is the number of labels.
        n_iter_: how many times the estimator was fitted, len(history_).

    Raises:
        ValueError: in `fit`, if labels are continuous or all -1, if the
            threshold is not in [0, 1), or if the estimator gives no
            probabilities.
    """

    def __init__(self, estimator, *, threshold=0.75, max_iter=10):
        self.estimator = estimator
        self.threshold = threshold
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any) -> "SelfTrainingClassifier":
        """Learn from the rows X and the labels y, -1 where unknown."""
        check_options(self)
        x = rows(self, X, fit=True)
        labels = read_labels(self, X, y)
        self.classes_ = as_classes(X, labels.classes)
        k = np.searchsorted(labels.classes, labels.y[labels.known])
        self._fit(like(X, x), labels, k)
        return self

    def _fit(self, X: Any, labels: Labels, k: np.ndarray) -> None:
        """The rounds; `numbers` holds the class of each row, or -1."""
        numbers = np.full(len(labels.y), UNKNOWN)
        numbers[labels.known] = k
        born = np.where(labels.known, 0, UNKNOWN)
        history = [int(labels.known.sum())]
        self._learn(X, numbers)
        for t in range(1, self.max_iter + 1):
            waiting = np.flatnonzero(numbers == UNKNOWN)
            best, p = self._predictions(X, waiting)
            sure = p > self.threshold
            if not sure.any():
                break
            numbers[waiting[sure]], born[waiting[sure]] = best[sure], t
            history.append(history[-1] + int(sure.sum()))
            self._learn(X, numbers)
        self._keep(X, numbers, born)
        self.history_ = like(X, torch.tensor(history))
        self.n_iter_ = len(history)

    def _learn(self, X: Any, numbers: np.ndarray) -> None:
        """Fit a fresh copy of the estimator to the rows with a number."""
        chosen = np.flatnonzero(numbers != UNKNOWN)
        k = torch.from_numpy(numbers[chosen])
        y = choose(self.classes_, k, X)
        self.estimator_ = clone(self.estimator).fit(X[chosen], y)
        if not hasattr(self.estimator_, "predict_proba"):
            raise ValueError(
                f"self-training needs an estimator with predict_proba, which "
                f"{self.estimator!r} has not: it cannot say how sure it is"
            )

    def _predictions(
        self, X: Any, waiting: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The number of the most probable class, and its probability."""
        if not len(waiting):
            return waiting, np.zeros(0)
        p = self.estimator_.predict_proba(X[waiting])
        p = p.cpu().numpy() if isinstance(p, Tensor) else p
        return p.argmax(axis=1), p.max(axis=1)

    def _keep(self, X: Any, numbers: np.ndarray, born: np.ndarray) -> None:
        """Set the attributes that have an entry for every row."""
        found = choose(self.classes_, torch.from_numpy(numbers), X)
        if (numbers == UNKNOWN).any():
            found = _with_unknown(found, numbers == UNKNOWN)
        self.transduction_ = found
        self.labeled_iter_ = like(X, torch.from_numpy(born))

    def predict_proba(self, X: Any) -> Any:
        """The probabilities of the last fit, shape (N, K)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(like(X, rows(self, X)))

    def predict(self, X: Any) -> Any:
        """The class that the last fit predicts, shape (N,)."""
        check_is_fitted(self)
        return self.estimator_.predict(like(X, rows(self, X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is predicted right."""
        return accuracy(self.predict(X), y, sample_weight)


def _with_unknown(found: Any, unknown: np.ndarray) -> Any:
    """A copy of the classes with -1 where there is none."""
    if isinstance(found, Tensor):
        unknown = torch.from_numpy(unknown).to(found.device)
        return torch.where(unknown, UNKNOWN, found)
    kind = found.dtype if found.dtype.kind in "if" else object
    found = found.astype(kind)
    found[unknown] = UNKNOWN
    return found
