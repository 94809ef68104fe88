"""The options of probabilistic PCA, and data it cannot be fitted to."""

from numbers import Integral, Real
from typing import Any

from jaxtyping import Float
from torch import Tensor

CHOICES = {"solver": ("auto", "em"), "missing": ("error", "marginalise")}


def check_options(model: Any) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: an unknown choice, or a number out of range.
    """
    for name, words in CHOICES.items():
        if getattr(model, name) not in words:
            raise ValueError(
                f"{name} must be one of {', '.join(words)}, "
                f"not {getattr(model, name)!r}"
            )
    for name in ("n_components", "max_iter"):
        value = getattr(model, name)
        if not isinstance(value, Integral) or value < 0:
            raise ValueError(
                f"{name} must be a whole number of at least 0, not {value!r}"
            )
    if not isinstance(model.tol, Real) or not 0 <= model.tol < float("inf"):
        raise ValueError(
            f"tol must be a finite number and not negative, not {model.tol!r}"
        )


def check_rows(model: Any, x: Float[Tensor, "N D"]) -> None:
    """There is a column more than components, and an entry in each.

    Raises:
        ValueError: there is not.
    """
    D = x.shape[1]
    if model.n_components >= D:
        raise ValueError(
            f"n_components must be below n_features = {D}, since a direction "
            f"must remain for the noise, not {model.n_components}"
        )
    empty = x.isnan().all(dim=0).nonzero().flatten().tolist()
    if empty:
        raise ValueError(
            f"columns {empty} have no entry that is present: drop them"
        )


def check_bounded(var: Float[Tensor, ""], x: Float[Tensor, "N D"]) -> None:
    """The noise has not vanished, beside the data.

    Raises:
        ValueError: the rows lie in a plane of M dimensions, where the
            likelihood grows without bound as the noise vanishes.
    """
    scale = (x - x.nanmean(dim=0)).square().nanmean()
    if not var > 1e-12 * scale:
        raise ValueError(
            f"the {len(x)} rows lie in a plane of n_components dimensions: "
            f"the noise variance is 0 and the likelihood unbounded. Decrease "
            f"n_components, or give more rows"
        )
