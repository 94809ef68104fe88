"""The options of a copula, and the entries it can be fitted to."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from course.arrays import check_categories

LEAST = {"smoothing": 0, "shrinkage": 0, "steps": 0, "samples": 1}


def categories(x: Float[Tensor, "N D"], C: int) -> Int[Tensor, "N D"]:
    """The entries as whole numbers 0 .. C-1.

    Raises:
        ValueError: an entry is not.
    """
    check_categories(x, C)
    return x.long()


def check_options(model: Any) -> None:
    """Raise a ValueError that says which option is out of range."""
    for name, least in LEAST.items():
        if not getattr(model, name) >= least:
            raise ValueError(
                f"{name} must be at least {least}, not {getattr(model, name)}"
            )
    if not model.shrinkage <= 1:
        raise ValueError(f"shrinkage is at most 1, not {model.shrinkage}")
