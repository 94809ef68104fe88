"""Principal component analysis by the singular value decomposition."""

from numbers import Integral
from typing import Any

import torch
from jaxtyping import Float
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The linear code that reconstructs best, z = W (x - mu).

    The rows of W are orthonormal: W W^T = I. Among all codes of M numbers that
    are linear in x, and all linear ways back, this one has the smallest
    squared error on the rows it was fitted to (Eckart and Young 1936).

    A direction has no sign: with w, also -w is right. Here the entry of each
    row of W that is largest in absolute value is positive, as in scikit-learn.

    Args:
        n_components: M, the length of a code; min(N, D) where it is None.

    Attributes:
        mean_: mu, shape (D,).
        components_: W, shape (M, D), the direction of most variance first.
        explained_variance_: the variance along each direction, shape (M,),
            with N - 1 in the denominator, as in scikit-learn.
        explained_variance_ratio_: the same as shares of the total variance.
        n_components_: M.
    """

    def __init__(self, n_components=None):
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> "PCA":
        """Find the mean and the M directions of most variance.

        Args:
            X: shape (N, D), two rows or more.
            y: ignored.

        Raises:
            ValueError: n_components is no whole number from 1 to min(N, D).
        """
        x = rows(self, X, fit=True)
        M = self._length(min(x.shape))
        mu = x.mean(dim=0)
        W, s = directions(x - mu)
        variance = s.square() / (len(x) - 1)
        total = variance.sum()
        ratio = torch.where(total > 0, variance / total, 0)
        self.mean_, self.components_ = like(X, mu), like(X, W[:M])
        self.explained_variance_ = like(X, variance[:M])
        self.explained_variance_ratio_ = like(X, ratio[:M])
        self.n_components_ = M
        return self

    def transform(self, X: Any) -> Any:
        """The codes z = W (x - mu) of every row, shape (N, M)."""
        x = self._read(X)
        return like(X, self._code(x))

    def inverse_transform(self, Z: Any) -> Any:
        """The rows that codes stand for, mu + W^T z, shape (N, D).

        Raises:
            ValueError: a code has not M numbers.
        """
        check_is_fitted(self)
        z = torch.as_tensor(Z, dtype=torch.float64)
        if z.ndim != 2 or z.shape[1] != self.n_components_:
            raise ValueError(
                f"a code has {self.n_components_} numbers, one row each, but "
                f"Z has shape {tuple(z.shape)}: give what transform returned"
            )
        return like(Z, self._decode(z))

    def reconstruction_error(self, X: Any) -> Any:
        """What the code loses, |x - mu - W^T z|^2 of every row, shape (N,)."""
        x = self._read(X)
        lost = x - self._decode(self._code(x))
        return like(X, lost.square().sum(dim=1))

    def _code(self, x: Float[Tensor, "N D"]) -> Float[Tensor, "N M"]:
        return (x - tensor(self.mean_, x)) @ tensor(self.components_, x).T

    def _decode(self, z: Float[Tensor, "N M"]) -> Float[Tensor, "N D"]:
        return tensor(self.mean_, z) + z @ tensor(self.components_, z)

    def _read(self, X: Any) -> Float[Tensor, "N D"]:
        """The rows of X, for a fitted model."""
        check_is_fitted(self)
        return rows(self, X)

    def _length(self, most: int) -> int:
        """M, if it is possible."""
        M = most if self.n_components is None else self.n_components
        if not isinstance(M, Integral) or not 1 <= M <= most:
            raise ValueError(
                f"n_components must be a whole number from 1 to min(n_samples,"
                f" n_features) = {most}, or None, not {M!r}"
            )
        return int(M)

    @property
    def _n_features_out(self) -> int:
        """How many columns transform returns: scikit-learn asks."""
        return self.n_components_


def directions(
    d: Float[Tensor, "N D"],
) -> tuple[Float[Tensor, "R D"], Float[Tensor, " R"]]:
    """W and singular values of centred rows, d = Q diag(s) W; largest first.

    R = min(N, D). Each row of W has the sign that makes its entry of largest
    absolute value positive. The matrix d^T d is never formed: its condition
    number would be the square of that of d.
    """
    _, s, W = torch.linalg.svd(d, full_matrices=False)
    peak = W.gather(1, W.abs().argmax(dim=1, keepdim=True))
    return W * torch.where(peak < 0, -1.0, 1.0).to(W), s
