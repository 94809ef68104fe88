"""The border of classical models: NumPy in, NumPy out; tensor in, tensor out.

Inside, everything is a float64 tensor on the device of the input. NumPy arrays
(and data frames) pass scikit-learn's own checks, tensors the same ones here.
"""

from typing import Any

import torch
from jaxtyping import Float
from sklearn.utils.validation import validate_data
from torch import Tensor

Rows = Float[Tensor, "N D"]


def rows(
    model: Any, X: Any, *, fit: bool = False, missing: bool = False
) -> Rows:
    """The rows of X as a float64 tensor, on its own device, checked.

    Args:
        model: the estimator; `fit=True` gives it `n_features_in_`.
        X: shape (N, D), a NumPy array, a data frame or a tensor.
        fit: whether the model learns from X: then it needs two rows or more.
        missing: whether NaN is allowed, as the mark of a missing entry.

    Raises:
        ValueError: X is not 2-D, is empty, too wide or too narrow, or holds
            infinity or a NaN that is not allowed.
    """
    least = 2 if fit else 1
    if isinstance(X, Tensor):
        return _checked(model, X.detach(), least, fit=fit, missing=missing)
    X = validate_data(
        model,
        X,
        reset=fit,
        dtype="float64",
        ensure_min_samples=least,
        ensure_all_finite="allow-nan" if missing else True,
    )
    return torch.from_numpy(X if X.flags.writeable else X.copy())


def _checked(model: Any, X: Tensor, least: int, *, fit, missing) -> Rows:
    """The checks of scikit-learn's `validate_data`, for a tensor."""
    _check_shape(model, X, least)
    if fit:
        model.n_features_in_ = X.shape[1]
        vars(model).pop("feature_names_in_", None)
    name = type(model).__name__
    if X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting "
            f"{model.n_features_in_} features as input"
        )
    X = X.to(torch.float64)
    if not missing and X.isnan().any():
        raise ValueError(f"Input X contains NaN: {name} needs every entry")
    if X.isinf().any():
        raise ValueError("Input X contains infinity: replace or drop it")
    return X


def _check_shape(model: Any, X: Tensor, least: int) -> None:
    """X is a real matrix with rows enough."""
    name = type(model).__name__
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D tensor of shape "
            f"{tuple(X.shape)} instead: give {name} one example a row"
        )
    if X.is_complex():
        raise ValueError("Complex data not supported: give real numbers")
    if len(X) < least or X.shape[1] < 1:
        raise ValueError(
            f"Found a tensor of shape {tuple(X.shape)} while a minimum of "
            f"{least} rows and 1 column is required by {name}"
        )


def like(X: Any, result: Tensor) -> Any:
    """The result as the kind of X: a tensor on its device, else NumPy."""
    if isinstance(X, Tensor):
        return result.to(X.device)
    return result.cpu().numpy()


def tensor(value: Any, x: Tensor) -> Tensor:
    """A parameter, of either kind, as a float64 tensor beside x."""
    return torch.as_tensor(value, dtype=torch.float64, device=x.device)


def check_categories(x: Tensor, C: int) -> None:
    """Every entry is one of the whole numbers 0 .. C-1, or a missing NaN.

    Raises:
        ValueError: an entry is not.
    """
    x = x.nan_to_num()
    if x.min() < 0:
        raise ValueError(
            f"Negative values in data: categories are numbered from 0, and "
            f"there is {x.min().item():g}"
        )
    if (x != x.round()).any() or x.max() >= C:
        raise ValueError(
            f"entries must be whole numbers from 0 to {C - 1} (n_categories "
            f"= {C}), but they range from {x.min().item():g} to "
            f"{x.max().item():g}: round or bin them, or set n_categories"
        )
