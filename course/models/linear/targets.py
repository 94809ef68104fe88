"""The targets of a supervised model, checked, beside its rows."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d
from torch import Tensor


def one_each(model: Any, x: Tensor, y: Any) -> Any:
    """The targets y, one for each row of x, shape (N,).

    Raises:
        ValueError: y is missing, not a column, or of another length.
    """
    if y is None:
        raise ValueError(
            f"{type(model).__name__} requires y to be passed, but the target "
            f"y is None"
        )
    if not isinstance(y, Tensor):
        y = column_or_1d(y, warn=True)
    elif y.ndim != 1:
        raise ValueError(
            f"y should be a 1d array, got a tensor of shape {tuple(y.shape)} "
            f"instead: one target a row"
        )
    if len(y) != len(x):
        raise ValueError(
            f"Found {len(y)} targets for {len(x)} rows: give one for each row"
        )
    return y


def numbers(model: Any, x: Tensor, y: Any) -> Float[Tensor, " N"]:
    """The targets as float64, on the device of x.

    Raises:
        ValueError: as `one_each`, or y is not finite.
    """
    y = one_each(model, x, y)
    if not isinstance(y, Tensor):
        y = check_array(y, ensure_2d=False, dtype="float64", input_name="y")
    return finite(torch.as_tensor(y).detach().to(x))


def finite(y: Tensor) -> Tensor:
    """The same, or a ValueError where an entry is not finite."""
    if not y.isfinite().all():
        raise ValueError("Input y contains NaN or infinity: drop those rows")
    return y


def labels(model: Any, x: Tensor, y: Any) -> tuple[Any, Int[Tensor, " N"]]:
    """The sorted classes, of the kind of y, and the number of each row's.

    Raises:
        ValueError: as `one_each`, y is not finite, or continuous, or has only
            one class.
    """
    y = one_each(model, x, y)
    if isinstance(y, Tensor):
        check_classification_targets(finite(y).cpu().numpy())
        classes, k = y.to(x.device).unique(return_inverse=True)
    else:
        if y.dtype.kind == "f":
            finite(torch.as_tensor(y))
        check_classification_targets(y)
        classes, k = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{type(model).__name__} needs at least 2 classes; y contains one "
            f"class, {classes[0]}"
        )
    return classes, torch.as_tensor(k).to(x.device)


def known(model: Any, x: Tensor, y: Any) -> Int[Tensor, " N"]:
    """The numbers of labels y among the classes that a model has learned.

    Raises:
        ValueError: as `one_each`, or a label is not among them.
    """
    y, classes = one_each(model, x, y), model.classes_
    if isinstance(classes, Tensor):
        classes, y = classes.cpu().numpy(), torch.as_tensor(y).cpu().numpy()
    k = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    if (classes[k] != y).any():
        strange = np.unique(y[classes[k] != y])
        raise ValueError(
            f"y holds labels that training did not have: {strange.tolist()}"
        )
    return torch.as_tensor(k).to(x.device)
