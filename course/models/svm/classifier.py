"""The support vector classifier, with scikit-learn's manners."""

import warnings
from itertools import combinations
from numbers import Integral, Real
from typing import Any

import torch
from jaxtyping import Float, Int64
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.svm.dual import Dual, Solution, solve
from course.models.svm.kernels import KERNELS, width
from course.targets import class_numbers, labels


class SVC(ClassifierMixin, BaseEstimator):
    """The widest margin in the space of a kernel, found in the dual.

    Several classes are told apart in pairs, one against one; all pairs are
    solved as one batch. It says on which side of a border x lies, and how far,
    but neither p(y | x) nor p(x).

    Args:
        C: the price of a margin that is too narrow by 1.
        kernel: "linear", "poly" or "rbf".
        degree, coef0: of "poly", (gamma x . z + coef0)^degree.
        gamma: a number; "scale", 1 / (D var(X)); or "auto", 1 / D.
        tol: stop when the optimality conditions hold to within tol.
        max_iter: stop after so many steps in any case.

    Attributes:
        classes_: the K labels.
        support_, support_vectors_: numbers and rows of the M examples with a
            coefficient in any pair.
        dual_coef_: the signed coefficients u_n, shape (P, M), a row for every
            pair of classes: (0, 1), (0, 2), ..., (1, 2), ...
        intercept_: b, shape (P,).
        gamma_: gamma as a number.
        history_: the dual objective at the start and after every step, shape
            (T, P); it never falls.
        n_iter_: steps of every pair, shape (P,).
        converged_: whether all pairs met tol.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        *,
        C=1.0,
        kernel="rbf",
        degree=3,
        gamma="scale",
        coef0=0.0,
        tol=1e-3,
        max_iter=100_000,
    ):
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None) -> "SVC":
        """Find the support vectors among rows X, (N, D), with labels y."""
        check_options(self)
        x = rows(self, X, fit=True)
        k = class_numbers(self, x, y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"SVC tells classes apart and needs two or more, but y has one "
                f"class, {self.classes_[0]!r}: give examples of another"
            )
        self.gamma_ = width(self.gamma, x)
        dual = Dual(self._kernel(x, x), pairs(k, len(self.classes_)), self.C)
        found = solve(dual, tol=self.tol, max_iter=self.max_iter)
        self._keep(found, X, x)
        return self

    def _keep(self, found: Solution, X: Any, x: Tensor) -> None:
        """Set the fitted attributes."""
        support = found.u.any(dim=0).nonzero().flatten()
        self.support_ = like(X, support)
        self.support_vectors_ = like(X, x[support])
        self.dual_coef_ = like(X, found.u[:, support])
        self.intercept_ = like(X, found.b)
        self.history_ = like(X, found.history)
        self.n_iter_ = like(X, found.steps)
        self.converged_ = found.converged
        if not found.converged:
            warnings.warn(
                f"SVC did not converge in {self.max_iter} steps: scale the "
                f"features, or increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _kernel(self, x: Tensor, z: Tensor) -> Tensor:
        """The kernel of x_n and z_m, shape (n, m)."""
        function = KERNELS[self.kernel]
        options = {"degree": self.degree, "coef0": self.coef0}
        return function(x, z, gamma=self.gamma_, **options)

    def _margins(self, X: Any) -> Float[Tensor, "N P"]:
        """Scores a(x) = sum_n u_n kernel(x_n, x) + b of every pair."""
        check_is_fitted(self)
        x = rows(self, X)
        u, b = tensor(self.dual_coef_, x), tensor(self.intercept_, x)
        return self._kernel(x, tensor(self.support_vectors_, x)) @ u.T + b

    def decision_function(self, X: Any) -> Any:
        """Scores a(x), (N,), positive for classes_[1]; or votes, (N, K).

        A pair votes for one class. Margins, squeezed to less than half a vote,
        decide between classes with equally many.
        """
        margins = self._margins(X)
        if len(self.classes_) == 2:
            return like(X, margins[:, 0])
        return like(X, votes(margins, len(self.classes_)))

    def predict(self, X: Any) -> Any:
        """The class with the most votes for each row, shape (N,)."""
        score = torch.as_tensor(self.decision_function(X))
        k = (score > 0).long() if score.ndim == 1 else score.argmax(dim=1)
        return labels(self, X, k)


def pairs(k: Int64[Tensor, " N"], K: int) -> Float[Tensor, "P N"]:
    """-1 for the first class of each pair, 1 for the second, 0 elsewhere."""
    first, second = torch.tensor(list(combinations(range(K), 2))).to(k).T
    ours = (k == second[:, None]).double()
    return ours - (k == first[:, None]).double()


def votes(margins: Float[Tensor, "N P"], K: int) -> Float[Tensor, "N K"]:
    """Votes of the pairs, plus squeezed margins, by class."""
    signs = pairs(torch.arange(K, device=margins.device), K)  # (P, K)
    wins = torch.where(margins[..., None] > 0, signs > 0, signs < 0)
    total = margins @ signs
    return wins.sum(dim=1) + total / (3 * (total.abs() + 1))


def check_options(model: SVC) -> None:
    """Raise a ValueError that names the option that cannot be."""
    if model.kernel not in KERNELS:
        raise ValueError(
            f"kernel must be one of {', '.join(KERNELS)}, not {model.kernel!r}"
        )
    positive = ["C", "tol", "degree"]
    if model.gamma not in ("scale", "auto"):
        positive.append("gamma")
    for name in positive:
        value = getattr(model, name)
        if not isinstance(value, Real) or not 0 < value < float("inf"):
            raise ValueError(f"{name} must be a positive number, not {value!r}")
    if not isinstance(model.coef0, Real):
        raise ValueError(f"coef0 must be a number, not {model.coef0!r}")
    if not isinstance(model.max_iter, Integral) or model.max_iter < 1:
        raise ValueError(
            f"max_iter must be a positive whole number, not {model.max_iter!r}"
        )
