"""The options and given parameters of a model, checked before anything else."""

from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

CHOICES = {
    "covariance_type": ("full", "diag"),
    "algorithm": ("auto", "scaled", "scan"),
}
LEAST = {"n_states": 1, "n_init": 1, "max_iter": 0, "n_categories": 1}
POSITIVE = ("tol", "ridge", "smoothing")


def check_options(model: Any) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: an unknown choice, or a number that is too small.
    """
    for name, value in model.get_params(deep=False).items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(
                f"{name} must be one of {', '.join(CHOICES[name])}, "
                f"not {value!r}"
            )
        if name == "n_categories" and value is None:
            continue  # the data say
        number = isinstance(value, Real)
        if name in LEAST and not (
            number and value == value // 1 and value >= LEAST[name]
        ):
            raise ValueError(
                f"{name} must be a whole number of at least {LEAST[name]}, "
                f"not {value!r}"
            )
        if name in POSITIVE and not (number and 0 <= value < float("inf")):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )


def parameter(value: Any) -> Tensor:
    """A float64 copy of numbers of any kind, on their device."""
    if isinstance(value, Tensor):
        return value.detach().to(torch.float64, copy=True)
    return torch.from_numpy(np.array(value, dtype=np.float64))


def given(value: Any, default: Tensor, name: str) -> Tensor:
    """A start for every run: the given one, checked, or the default.

    Raises:
        ValueError: another shape, or a number that is not finite.
    """
    if value is None:
        return default
    start = parameter(value).to(default.device)
    if start.shape != default.shape[1:] or not start.isfinite().all():
        raise ValueError(
            f"{name} must be finite numbers of shape "
            f"{tuple(default.shape[1:])}, not {tuple(start.shape)}"
        )
    return start.expand(default.shape).clone()


def probabilities(value: Any, default: Tensor, name: str) -> Tensor:
    """The same for probabilities: along the last axis they sum to one.

    Raises:
        ValueError: a negative number, or another sum.
    """
    start = given(value, default, name)
    if (start < 0).any() or (start.sum(-1) - 1).abs().max() > 1e-8:
        raise ValueError(
            f"{name} must be probabilities that sum to 1 along the last axis: "
            f"check signs, and divide by the sum"
        )
    return start


def check_chain(pi: Any, A: Any, *defaults: Tensor) -> tuple[Tensor, Tensor]:
    """Initial and transition probabilities: those given, or the defaults."""
    return (
        probabilities(pi, defaults[0], "initial probabilities"),
        probabilities(A, defaults[1], "transitions"),
    )
