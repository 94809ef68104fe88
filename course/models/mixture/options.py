"""The options of a mixture, checked before anything is computed."""

from numbers import Real
from typing import Any

CHOICES = {
    "covariance_type": ("full", "diag", "tied", "spherical"),
    "missing": ("error", "marginalise"),
}
LEAST = {"n_components": 1, "n_init": 1, "max_iter": 0, "n_categories": 1}
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
        if name in LEAST and not whole(value, LEAST[name]):
            raise ValueError(
                f"{name} must be a whole number of at least {LEAST[name]}, "
                f"not {value!r}"
            )
        if name in POSITIVE and not finite(value):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )


def whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number, and not below the least."""
    return isinstance(value, Real) and value == value // 1 and value >= least


def finite(value: Any) -> bool:
    """Whether a value is a number, finite and not negative."""
    return isinstance(value, Real) and 0 <= value < float("inf")
