"""The options of a mixture of probabilistic PCA, and data it cannot take."""

from numbers import Integral, Real
from typing import Any

from jaxtyping import Float
from torch import Tensor

LEAST = {"n_components": 1, "latent_dim": 0, "n_init": 1, "max_iter": 0}


def check_options(model: Any) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: a number out of range.
    """
    for name, least in LEAST.items():
        value = getattr(model, name)
        if not isinstance(value, Integral) or value < least:
            raise ValueError(
                f"{name} must be a whole number of at least {least}, not "
                f"{value!r}"
            )
    if not isinstance(model.tol, Real) or not 0 <= model.tol < float("inf"):
        raise ValueError(
            f"tol must be a finite number and not negative, not {model.tol!r}"
        )
    floor = model.noise_floor
    if not isinstance(floor, Real) or not 0 < floor < float("inf"):
        raise ValueError(
            f"noise_floor must be a finite number above 0, or the likelihood "
            f"has no maximum, not {floor!r}"
        )


def check_rows(model: Any, x: Float[Tensor, "N D"]) -> None:
    """There is a column more than the latent vector has, and rows enough.

    Raises:
        ValueError: there is not.
    """
    N, D = x.shape
    if model.latent_dim >= D:
        raise ValueError(
            f"latent_dim must be below n_features = {D}, since a direction "
            f"must remain for the noise, not {model.latent_dim}"
        )
    if model.n_components > N:
        raise ValueError(
            f"Expected n_samples >= n_components but got n_components = "
            f"{model.n_components}, n_samples = {N}: decrease n_components"
        )
