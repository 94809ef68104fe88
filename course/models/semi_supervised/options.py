"""The options of the models, checked before anything is computed."""

from numbers import Real
from typing import Any

CHOICES = {"kernel": ("rbf", "knn"), "solver": ("direct", "iteration")}
LEAST = {"n_neighbors": 1, "max_iter": 1}
NOT_NEGATIVE = ("gamma", "tol")


def check_options(model: Any) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: an unknown word, or a number out of its range.
    """
    for name, value in model.get_params(deep=False).items():
        if name in CHOICES and not callable(value):
            check_choice(name, value)
        if name in LEAST and not whole(value, LEAST[name]):
            raise ValueError(
                f"{name} must be a whole number of at least {LEAST[name]}, "
                f"not {value!r}"
            )
        if name in NOT_NEGATIVE and not within(value, 0, float("inf")):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )
        if name == "threshold" and not within(value, 0, 1):
            raise ValueError(
                f"threshold must be at least 0 and below 1, not {value!r}: "
                f"a probability has to be above it"
            )
        if name == "alpha" and not (within(value, 0, 1) and value):
            raise ValueError(
                f"alpha must lie between 0 and 1, not be {value!r}: it is "
                f"the share that a point takes from its neighbours"
            )


def check_choice(name: str, value: Any) -> None:
    """The value is one of the words that this option knows."""
    if value not in CHOICES[name]:
        raise ValueError(
            f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}"
        )


def whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number, and not below the least."""
    return isinstance(value, Real) and value == value // 1 and value >= least


def within(value: Any, low: float | int, high: float | int) -> bool:
    """Whether low <= value < high."""
    return isinstance(value, Real) and low <= value < high
