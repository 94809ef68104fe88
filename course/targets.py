"""The targets of supervised models: classes as numbers, or numbers.

The counterpart of `course.arrays` for y; NumPy's pass scikit-learn's checks.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite
from torch import Tensor


def class_numbers(model: Any, x: Tensor, y: Any) -> Int64[Tensor, " N"]:
    """The number k of every label, 0 to K-1; the model is given `classes_`.

    Args:
        model: the estimator; `classes_[k]` is the label with number k.
        x: the rows that the labels belong to.
        y: N labels, numbers or words, an array or a tensor.

    Raises:
        ValueError: y is missing, not one label a row, or not of classes.
    """
    labels = _column(model, x, y)
    check_classification_targets(labels)
    classes, k = np.unique(labels, return_inverse=True)
    tensors = isinstance(y, Tensor)
    model.classes_ = torch.from_numpy(classes) if tensors else classes
    return torch.from_numpy(k.astype(np.int64)).to(x.device)


def real_targets(model: Any, x: Tensor, y: Any) -> Float[Tensor, " N"]:
    """The targets of a regression, float64, beside x.

    Raises:
        ValueError: y is missing, not one finite number a row.
    """
    y = _column(model, x, y)
    try:
        y = y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"Unknown label type: {type(model).__name__} is a regression, give "
            f"it numbers and not {y[0]!r}"
        ) from None
    return torch.from_numpy(y).to(x.device)


def labels(model: Any, X: Any, k: Int64[Tensor, " N"]) -> Any:
    """The labels of the classes numbered k, of the kind of X."""
    if isinstance(X, Tensor):
        return torch.as_tensor(model.classes_, device=X.device)[k]
    return np.asarray(model.classes_)[k.cpu().numpy()]


def _column(model: Any, x: Tensor, y: Any) -> np.ndarray:
    """One finite target for every row, as an array."""
    if y is None:
        raise ValueError(
            f"{type(model).__name__} requires y to be passed, but the target "
            f"y is None: give one target for every row"
        )
    y = y.detach().cpu().numpy() if isinstance(y, Tensor) else y
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    check_consistent_length(x, y)
    return y
