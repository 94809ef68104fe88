"""Self-organising maps, trained in batches (Kohonen 1982, 2013)."""

from numbers import Real
from typing import Any

import torch
from jaxtyping import Float, Int
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor


class SelfOrganisingMap(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """K-means whose centres sit on a grid and pull their neighbours along.

    In an epoch every row goes to its nearest unit, and every unit becomes the
    mean of all rows, weighted by exp(-d^2 / (2 sigma^2)), where d is the
    distance on the grid from the unit to the row's own. The width sigma
    shrinks from epoch to epoch. No step is random.

    Args:
        shape: rows and columns of the grid.
        n_epochs: how often all rows are passed.
        width: sigma of the first and of the last epoch, in steps of the grid;
            between them it shrinks by the same factor every epoch.
        init: "pca", a flat grid along the two widest directions of the data,
            or the codebook to start from, shape (rows, columns, D).

    Attributes:
        codebook_: mu, the vectors of the units, shape (rows, columns, D).
        history_: the mean distance of a row to its nearest unit, at the start
            and after every epoch. It need not fall at every epoch.
        n_iter_: epochs passed.
    """

    def __init__(
        self, shape=(10, 10), *, n_epochs=20, width=(2.0, 0.5), init="pca"
    ):
        self.shape = shape
        self.n_epochs = n_epochs
        self.width = width
        self.init = init

    def fit(self, X: Any, y: Any = None) -> "SelfOrganisingMap":
        """Fit to the rows of X, shape (N, D).

        Raises:
            ValueError: an option is out of range.
        """
        check_options(self)
        x = rows(self, X, fit=True)
        shift = x.mean(dim=0)  # far from the origin digits would be lost
        x = x - shift
        mu, g = self._start(x, shift), grid(*self.shape).to(x)
        z, error = nearest(x, mu)
        history = [error]
        for sigma in widths(*self.width, self.n_epochs):
            mu = update(x, mu, z=z, h=neighbourhood(g, sigma))
            z, error = nearest(x, mu)
            history.append(error)
        self.codebook_ = like(X, (mu + shift).view(*self.shape, -1))
        self.history_ = like(X, torch.stack(history))
        self.n_iter_ = self.n_epochs
        self._n_features_out = 2
        return self

    def _start(self, x: Tensor, shift: Tensor) -> Tensor:
        """The first codebook, less the shift, one unit a row."""
        if isinstance(self.init, str):
            return plane(x, grid(*self.shape).to(x))
        mu = tensor(self.init, x)
        expected = (*self.shape, x.shape[1])
        if mu.shape != expected or not mu.isfinite().all():
            raise ValueError(
                f"init must be finite and of shape (rows, columns, n_features)"
                f" = {expected}, not {tuple(mu.shape)}"
            )
        return mu.flatten(0, 1) - shift

    def predict(self, X: Any) -> Any:
        """The number of the nearest unit, row * columns + column, (N,)."""
        check_is_fitted(self)
        x = rows(self, X)
        mu = tensor(self.codebook_, x).flatten(0, 1)
        shift = mu.mean(dim=0)
        return like(X, nearest(x - shift, mu - shift)[0])

    def transform(self, X: Any) -> Any:
        """The place on the grid of the nearest unit: row and column, (N, 2)."""
        z = torch.as_tensor(self.predict(X))
        return like(X, grid(*self.shape).to(z.device)[z])


def nearest(
    x: Float[Tensor, "N D"], mu: Float[Tensor, "K D"]
) -> tuple[Int[Tensor, " N"], Float[Tensor, ""]]:
    """The nearest unit of each row, and the mean distance to it."""
    score = x @ mu.T - mu.square().sum(dim=1) / 2
    z = score.max(dim=1).indices
    return z, (x - mu[z]).norm(dim=1).mean()


def update(
    x: Float[Tensor, "N D"],
    mu: Float[Tensor, "K D"],
    *,
    z: Int[Tensor, " N"],
    h: Float[Tensor, "K K"],
) -> Float[Tensor, "K D"]:
    """Mu_k = sum_n h[k, z_n] x_n / sum_n h[k, z_n], two matrix products.

    A unit that no row reaches keeps its place.
    """
    r = torch.zeros(len(mu), len(x)).to(x)
    r.scatter_(0, z[None], 1.0)  # (K, N): 1 where z_n = k
    weight = h @ r.sum(dim=1, keepdim=True)
    return torch.where(weight > 0, h @ (r @ x) / weight, mu)


def grid(n_rows: int, n_columns: int) -> Float[Tensor, "K 2"]:
    """Row and column of every unit, row by row."""
    axes = torch.meshgrid(
        torch.arange(n_rows), torch.arange(n_columns), indexing="ij"
    )
    return torch.stack(axes, dim=-1).flatten(0, 1).double()


def neighbourhood(
    g: Float[Tensor, "K 2"], sigma: float | int
) -> Float[Tensor, "K K"]:
    """The weights h[k, j] = exp(-|g_k - g_j|^2 / (2 sigma^2)) on the grid."""
    return torch.exp(torch.cdist(g, g).square() / (-2 * sigma**2))


def widths(first: float | int, last: float | int, n_epochs: int) -> list[float]:
    """Sigma of each epoch, shrinking by a constant factor."""
    steps = max(n_epochs - 1, 1)
    return [first * (last / first) ** (t / steps) for t in range(n_epochs)]


def plane(
    x: Float[Tensor, "N D"], g: Float[Tensor, "K 2"]
) -> Float[Tensor, "K D"]:
    """A flat codebook: two standard deviations along both widest directions.

    The longer side of the grid follows the widest. The sign of a direction
    is such that its largest entry is positive.
    """
    _, s, V = torch.linalg.svd(x, full_matrices=False)
    V = V[:2] * V[:2].gather(1, V[:2].abs().argmax(1, keepdim=True)).sign()
    reach = 2 * s[:2, None] / len(x) ** 0.5 * V
    sides = g.amax(dim=0)
    place = (g / sides.clamp(min=1) - 0.5 * (sides > 0)) * 2
    order = sides.argsort(descending=True, stable=True)[: len(reach)]
    return place[:, order] @ reach


def check_options(model: SelfOrganisingMap) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: an option is out of range.
    """
    shape, width = numbers(model.shape), numbers(model.width)
    whole = (*shape, *numbers([model.n_epochs]))
    least = (1, 1, 0)
    if len(whole) != 3 or any(
        v != v // 1 or v < low for v, low in zip(whole, least, strict=True)
    ):
        raise ValueError(
            f"shape must be two whole numbers of at least 1 and n_epochs one "
            f"of at least 0, not {model.shape!r} and {model.n_epochs!r}"
        )
    if len(width) != 2 or not all(0 < w < float("inf") for w in width):
        raise ValueError(
            f"width must be two positive numbers, of the first and of the "
            f"last epoch, not {model.width!r}"
        )
    if isinstance(model.init, str) and model.init != "pca":
        raise ValueError(
            f"init must be 'pca' or an array of shape (rows, columns, "
            f"n_features), not {model.init!r}"
        )


def numbers(values: Any) -> tuple:
    """The values, if all of them are numbers; else nothing."""
    values = values if isinstance(values, list | tuple) else [values]
    return tuple(v for v in values if isinstance(v, Real))
