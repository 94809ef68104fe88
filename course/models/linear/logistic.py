"""Logistic regression of two or more classes, by Newton or by descent."""

import warnings
from copy import copy
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.nn.functional import one_hot

from course.arrays import like, rows, tensor
from course.models.linear.base import LinearModel
from course.models.linear.links import Bernoulli, Categorical
from course.models.linear.newton import Run, newton
from course.models.linear.objective import Objective, objective
from course.targets import class_numbers, labels


class LogisticRegression(ClassifierMixin, LinearModel):
    """A linear classifier: p(y = 1 | x) = sigmoid(w^T x + b), or softmax.

    With more than two classes each has a w and a b, and p is their softmax;
    the b sum to zero, since adding a number to all of them changes nothing.
    It equals scikit-learn's LogisticRegression with C = 1 / (N penalty).

    Args:
        penalty: lambda of mean_n -log p(y_n | x_n) + lambda/2 |w|^2; the
            intercept is not penalised. Zero is maximum likelihood, which has
            no answer if a plane separates the classes.
        optimiser: None for Newton's method, else a `GradientDescent` or an
            `Adam` that starts from zero.
        tol: Newton stops after a step that promised to lower the objective by
            less, in nats per row.
        max_iter: Newton stops after so many steps in any case.

    Attributes:
        coef_: w, shape (1, D) for two classes, else (K, D).
        intercept_: b, shape (1,) or (K,).
        classes_: the labels in order; for two, the second has y = 1.
        history_: the objective at the start, then after every step of Newton
            or every epoch.
        n_iter_: steps or epochs taken.
    """

    def __init__(
        self, *, penalty=1e-3, optimiser=None, tol=1e-14, max_iter=100
    ):
        self.penalty = penalty
        self.optimiser = optimiser
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any) -> "LogisticRegression":
        """Fit to rows X, shape (N, D), and labels y, shape (N,)."""
        self._check_options()
        x = rows(self, X, fit=True)
        k = two_or_more(self, class_numbers(self, x, y))
        two = len(self.classes_) == 2
        y = k[:, None] if two else one_hot(k)
        family = Bernoulli if two else Categorical
        J = objective(x, y.to(x), family, self.penalty)
        if self.optimiser is None:
            run = scaled_newton(J, tol=self.tol, max_iter=self.max_iter)
        else:
            run = Run(*self._descend(J), True)
        theta = run.theta
        if not two:
            theta = theta - theta.mean(dim=1, keepdim=True)
        self._complain(run, separated(J.x @ theta, k))
        self.coef_ = like(X, theta[:-1].T)
        self.intercept_ = like(X, theta[-1])
        self.history_ = like(X, tensor(run.history, x))
        self.n_iter_ = len(run.history) - 1
        return self

    def _complain(self, run: Run, apart: bool) -> None:
        """Warn where the result is not a minimum."""
        if apart and self.penalty == 0:
            trouble = (
                "a plane separates the classes, so the likelihood has no "
                "maximum and the weights grow without end: set a penalty"
            )
        elif not run.converged:
            trouble = f"no convergence in {self.max_iter} steps: raise max_iter"
        else:
            return
        warnings.warn(trouble, ConvergenceWarning, stacklevel=3)

    def decision_function(self, X: Any) -> Any:
        """The scores w^T x + b: shape (N,) for two classes, else (N, K)."""
        a = self._scores(self._read(X))
        return like(X, a[:, 0] if a.shape[1] == 1 else a)

    def _log_prob(self, x: Tensor) -> Float[Tensor, "N K"]:
        """Log p of every class, of every row."""
        a = self._scores(x)
        if a.shape[1] == 1:
            a = torch.cat([torch.zeros_like(a), a], dim=1)
        return a.log_softmax(dim=1)

    def predict_proba(self, X: Any) -> Any:
        """p(y | x) of every class for every row of X, shape (N, K)."""
        return like(X, self._log_prob(self._read(X)).exp())

    def predict(self, X: Any) -> Any:
        """The most probable class of every row of X, shape (N,)."""
        return labels(self, X, self._log_prob(self._read(X)).argmax(dim=1))

    def log_prob(self, X: Any, y: Any) -> Any:
        """Log p(y_n | x_n) of every row, shape (N,), in nats."""
        x = self._read(X)
        k = known(self, x, y)
        return like(X, self._log_prob(x).gather(1, k[:, None])[:, 0])

    def score(self, X: Any, y: Any) -> float:
        """The share of rows whose class is predicted right."""
        x = self._read(X)
        right = self._log_prob(x).argmax(dim=1) == known(self, x, y)
        return right.double().mean().item()


def scaled_newton(J: Objective, *, tol: float | int, max_iter: int) -> Run:
    """Newton's method in units of the columns, the answer in those of x.

    The minimum is the same; the Hessian of columns in like units is better
    conditioned.
    """
    x = J.x[:, :-1]
    m, s = x.mean(dim=0), x.std(dim=0, correction=0)
    s = torch.where((x == x[:1]).all(dim=0), 1, s)
    scaled = objective(
        (x - m) / s, J.y, J.family, J.penalty[:-1, 0] / s.square()
    )
    start = x.new_zeros(J.x.shape[1], J.y.shape[1])
    run = newton(scaled, start, tol=tol, max_iter=max_iter)
    w = run.theta[:-1] / s[:, None]
    b = run.theta[-1:] - m @ w
    return run._replace(theta=torch.cat([w, b]))


def separated(a: Float[Tensor, "N K"], k: Tensor) -> bool:
    """Whether every row has the highest score for its own class k."""
    if a.shape[1] == 1:
        a = torch.cat([torch.zeros_like(a), a], dim=1)
    own = a.gather(1, k[:, None])
    others = a.scatter(1, k[:, None], -torch.inf)
    return bool((own > others.amax(dim=1, keepdim=True)).all())


def two_or_more(model: Any, k: Tensor) -> Tensor:
    """The class numbers k, unless all are the same: then a ValueError."""
    if len(model.classes_) < 2:
        raise ValueError(
            f"{type(model).__name__} needs at least 2 classes; y contains one "
            f"class, {model.classes_[0]}"
        )
    return k


def known(model: Any, x: Tensor, y: Any) -> Tensor:
    """The numbers of labels y among the classes that a model has learned.

    Raises:
        ValueError: y is not one label a row, or one is not among them.
    """
    seen = copy(model)
    k = class_numbers(seen, x, y)
    classes, new = np.asarray(model.classes_), np.asarray(seen.classes_)
    at = np.searchsorted(classes, new).clip(max=len(classes) - 1)
    if (classes[at] != new).any():
        strange = new[classes[at] != new].tolist()
        raise ValueError(
            f"y holds labels that training did not have: {strange}"
        )
    return torch.from_numpy(at).to(k)[k]
