"""Labels in part: -1 marks a point whose class is not known."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d
from torch import Tensor

from course.arrays import like

UNKNOWN = -1


class Labels(NamedTuple):
    """Labels as they came, y (N,), which are known, and the classes (K,)."""

    y: np.ndarray
    known: np.ndarray
    classes: np.ndarray

    def one_hot(self, x: Tensor) -> Tensor:
        """Y beside x, shape (N, K): Y_nk = 1 if n has label k, else 0."""
        hot = self.y[:, None] == self.classes
        return torch.as_tensor(hot, dtype=x.dtype, device=x.device)

    def mask(self, x: Tensor) -> Tensor:
        """Which points have a label, beside x."""
        return torch.as_tensor(self.known, device=x.device)


def read_labels(model: Any, X: Any, y: Any) -> Labels:
    """The labels y of the rows X, checked.

    Raises:
        ValueError: y is missing, of another length, continuous or NaN, or
            no entry of it is a label.
    """
    name = type(model).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: give "
            f"a class for each row, and -1 where it is not known"
        )
    y = y.detach().cpu().numpy() if isinstance(y, Tensor) else y
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    known = np.asarray(y != UNKNOWN)
    check_discrete(y[known])
    if not known.any():
        raise ValueError(
            f"every entry of y is -1, so no point has a label: {name} needs "
            f"at least one of each class"
        )
    if known.all():
        warnings.warn(
            f"no entry of y is -1: {name} finds no unlabelled point to "
            f"learn from",
            stacklevel=3,
        )
    return Labels(y, known, np.unique(y[known]))


def check_discrete(y: np.ndarray) -> None:
    """Every known label is a class.

    Raises:
        ValueError: y holds NaN, infinity or numbers with a fraction.
    """
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(
            "Input y contains NaN or infinity: mark a point whose class is "
            "not known by -1"
        )
    try:
        check_classification_targets(np.asarray(y.tolist()))
    except ValueError as error:
        raise ValueError(
            f"{error} Labels are classes, such as 0, 1, 2, and -1 where the "
            f"class is not known"
        ) from None


def as_classes(X: Any, classes: np.ndarray) -> Any:
    """The classes as the kind of X: beside a tensor they must be numbers."""
    if not isinstance(X, Tensor):
        return classes
    if classes.dtype.kind not in "iufb":
        raise ValueError(
            f"beside a tensor X the classes must be numbers, not "
            f"{classes.dtype}: number them, or give X as an array"
        )
    return torch.as_tensor(classes, device=X.device)


def choose(classes: Any, k: Tensor, X: Any) -> Any:
    """The classes numbered k, shape (N,), as the kind of X."""
    if isinstance(X, Tensor):
        return torch.as_tensor(classes, device=X.device)[k.to(X.device)]
    return np.asarray(classes)[like(X, k)]


def accuracy(predicted: Any, y: Any, weight: Any = None) -> float:
    """The share of rows that are right, weighted where weights are given."""
    both = [
        v.detach().cpu().numpy() if isinstance(v, Tensor) else np.asarray(v)
        for v in (predicted, y)
    ]
    return float(np.average(both[0] == both[1], weights=weight))
