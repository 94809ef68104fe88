"""The options of a mixture, checked before anything is computed."""

from typing import Any

CHOICES = {
    "covariance_type": ("full", "diag", "tied", "spherical"),
    "missing": ("error", "marginalise"),
}
LEAST = {"n_components": 1, "n_init": 1, "max_iter": 0}
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
        if name in LEAST and (int(value) != value or value < LEAST[name]):
            raise ValueError(
                f"{name} must be a whole number of at least {LEAST[name]}, "
                f"not {value!r}"
            )
        if name in POSITIVE and not 0 <= value < float("inf"):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )
