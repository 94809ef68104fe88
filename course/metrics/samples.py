"""Two samples to compare: rows of numbers, checked, and their distances."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Rows = Float[Tensor, "N D"]
Others = Float[Tensor, "M D"]
Distances = Float[Tensor, "N M"]


def rows_of(x: Any, *, least: int = 2) -> Rows:
    """The examples of x as rows of float64, on the device of x.

    Axes after the first are flattened: an image becomes a row of pixels.

    Raises:
        ValueError: fewer than `least` examples, or a number that is not
            finite: a metric of those would be NaN.
    """
    x = torch.as_tensor(x).detach().to(torch.float64)
    if x.ndim < 2 or len(x) < least or x.numel() == 0:
        raise ValueError(
            f"a sample needs one example a row and at least {least} of them, "
            f"not the shape {tuple(x.shape)}: reshape it, or draw more"
        )
    if not x.isfinite().all():
        raise ValueError("a sample holds NaN or infinity: look at its rows")
    return x.flatten(1)


def two_samples(x: Any, y: Any, *, least: int = 2) -> tuple[Rows, Others]:
    """Both samples as rows of equal width.

    Raises:
        ValueError: they differ in width, or one of them is no sample.
    """
    x, y = rows_of(x, least=least), rows_of(y, least=least)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"both samples must have the same features, not {x.shape[1]} and "
            f"{y.shape[1]}: compute them with the same network"
        )
    return x, y


def distances(x: Rows, y: Others) -> Distances:
    """Euclidean distances |x_n - y_m|, exactly 0 between equal rows.

    They are not taken from |x|^2 + |y|^2 - 2 x y, which rounds a copy away.
    """
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
