"""Matrix factorisation of implicit feedback by alternating least squares."""

from numbers import Integral, Real
from typing import Any

import torch
from jaxtyping import Float
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import like, tensor
from course.models.recommender.base import Recommender, Users

OfUsers = Float[Tensor, "N M"]
OfItems = Float[Tensor, "D M"]


class ImplicitALS(Recommender):
    """Factors of users and items, z_n . w_d close to 1 where n took d, else 0.

    It minimises J = sum_nd c_nd (y_nd - z_n . w_d)^2 + penalty (|Z|^2 + |W|^2)
    with y_nd = 1 where x_nd > 0, else 0, and the confidence c_nd = 1 + alpha
    x_nd: that an item was not taken says less than that one was. With W fixed,
    every z_n is the solution of M linear equations, and the other way round;
    so J never rises. All users are solved in one batch.

    Args:
        n_components: M, the length of a factor.
        penalty: lambda, above 0.
        alpha: how much more an interaction counts, 0 or more.
        max_iter: sweeps, each over all users and then all items.
        tol: a sweep that lowers J by less than this share of it is the last.
        random_state: of the first item factors, normal with deviation 0.1.

    Attributes:
        item_factors_: W, shape (D, M).
        user_factors_: Z of the users of the fit, shape (N, M).
        history_: J after every sweep, shape (n_iter_,).
        n_iter_: the number of sweeps.

    Raises:
        ValueError: an option is out of range, or X is.

    Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback
    datasets", eq. 3 to 5. J is not convex in Z and W together.
    """

    def __init__(  # noqa: PLR0913, scikit-learn's convention
        self,
        n_components=8,
        *,
        penalty=10.0,
        alpha=10.0,
        max_iter=20,
        tol=1e-4,
        random_state=None,
    ):
        self.n_components = n_components
        self.penalty = penalty
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "ImplicitALS":
        """Alternate between users and items of X, shape (N, D)."""
        check_options(self)
        x = self._rows(X, fit=True)
        rng = check_random_state(self.random_state)
        W = tensor(0.1 * rng.randn(x.shape[1], self.n_components), x)
        history = []
        for _ in range(self.max_iter):
            Z = self._solve(x, W)
            W = self._solve(x.T, Z)
            history.append(self._objective(x, Z, W))
            if len(history) > 1 and self._settled(*history[-2:]):
                break
        self.item_factors_, self.user_factors_ = like(X, W), like(X, Z)
        self.history_, self.n_iter_ = (
            like(X, torch.stack(history)),
            len(history),
        )
        return self

    def _settled(self, before: Tensor, after: Tensor) -> bool:
        return bool(before - after <= self.tol * before)

    def _solve(self, x: Users, W: OfItems) -> OfUsers:
        return solve(x, W, alpha=self.alpha, penalty=self.penalty)

    def _objective(self, x: Users, Z: OfUsers, W: OfItems) -> Tensor:
        return objective(x, Z, W, alpha=self.alpha, penalty=self.penalty)

    def factors(self, X: Any) -> Any:
        """The factor z_n of every row, given the items', shape (N, M)."""
        x = self._rows(X)
        return like(X, self._solve(x, tensor(self.item_factors_, x)))

    def _scores(self, x: Users) -> Users:
        W = tensor(self.item_factors_, x)
        return self._solve(x, W) @ W.T


def solve(
    x: Users, W: OfItems, *, alpha: float | int, penalty: float | int
) -> OfUsers:
    """The best z of all rows: (W^T C W + penalty I) z = W^T C y.

    C is diagonal with 1 + alpha x, so W^T C W = W^T W + alpha sum_d x_d w_d
    w_d^T: the second sum is over the few items that a row has. For all rows
    together it is one sparse matrix times the products of the entries of w_d.
    """
    D, M = W.shape
    taken = x.to_sparse().coalesce()
    outer = (W[:, :, None] * W[:, None, :]).reshape(D, M * M)
    A = outer.sum(dim=0) + torch.sparse.mm(alpha * taken, outer)
    A = A.reshape(len(x), M, M)
    A.diagonal(dim1=1, dim2=2).add_(penalty)
    b = torch.sparse.mm(taken.bool().to(x) + alpha * taken, W)
    z = torch.cholesky_solve(b[:, :, None], torch.linalg.cholesky(A))
    return z[:, :, 0]


def objective(
    x: Users,
    Z: OfUsers,
    W: OfItems,
    *,
    alpha: float | int,
    penalty: float | int,
) -> Float[Tensor, ""]:
    """J = sum c (y - z . w)^2 + penalty (|Z|^2 + |W|^2)."""
    error = (x > 0).to(x) - Z @ W.T
    size = Z.square().sum() + W.square().sum()
    return ((1 + alpha * x) * error.square()).sum() + penalty * size


def check_options(model: ImplicitALS) -> None:
    """Raise a ValueError for an option that cannot be."""
    for name in ("n_components", "max_iter"):
        value = getattr(model, name)
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                f"{name} must be a whole number of at least 1, not {value!r}"
            )
    for name in ("penalty", "alpha", "tol"):
        value = getattr(model, name)
        if not isinstance(value, Real) or not 0 <= value < float("inf"):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )
    if model.penalty == 0:
        raise ValueError(
            "penalty must be above 0: without it a user with fewer items than "
            "n_components may have no unique factor"
        )
