"""Labels of either kind, NumPy (also words) or tensor, and their numbers."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor


def labels(model: Any, y: Any, x: Tensor) -> tuple[Any, Int64[Tensor, " N"]]:
    """The sorted classes in y, shape (K,), and of each label its number.

    Raises:
        ValueError: there is no y, it is not 1-D, has not a label for each
            row of x, or its values are not classes.
    """
    name = type(model).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: it "
            f"models p(x, y), and needs labels to learn from"
        )
    y = checked(y)
    if y.shape != (len(x),):
        raise ValueError(
            f"y must hold one label for each of the {len(x)} rows of X, not "
            f"have shape {tuple(y.shape)}"
        )
    if isinstance(y, Tensor):
        classes, k = y.unique(return_inverse=True)
        return classes, k.to(x.device)
    classes, k = np.unique(y, return_inverse=True)
    return classes, torch.from_numpy(k).to(x.device)


def checked(y: Any) -> Any:
    """The labels, as an array or a tensor.

    Raises:
        ValueError: they are not 1-D, not finite, or not classes.
    """
    if not isinstance(y, Tensor):
        y = column_or_1d(y, warn=True)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        check_classification_targets(y)
    elif y.is_floating_point() and (y != y.round()).any():
        raise ValueError(
            f"Unknown label type: {y.dtype} with fractions or NaN; number "
            f"the classes"
        )
    return y


def take(classes: Any, k: Any) -> Any:
    """The classes with these numbers: as a tensor if k is one, else NumPy."""
    if isinstance(k, Tensor):
        return torch.as_tensor(classes, device=k.device)[k]
    if isinstance(classes, Tensor):
        classes = classes.cpu().numpy()
    return classes[k]


def numbers(classes: Any, y: Any, n: int) -> Int64[Tensor, " n"]:
    """The numbers of n labels, or n times that of one, on the CPU.

    Raises:
        ValueError: a label is no class of the model, or there are not n.
    """
    if isinstance(classes, Tensor):
        classes = classes.cpu().numpy()
    y = y.cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if y.shape not in ((), (n,)) or not np.isin(y, classes).all():
        raise ValueError(
            f"y must be one class or n = {n} of them, out of {list(classes)}, "
            f"not {y!r}"
        )
    k = np.searchsorted(classes, y)
    return torch.from_numpy(np.broadcast_to(k, (n,)).astype(np.int64))
