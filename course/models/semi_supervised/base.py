"""What label propagation and label spreading share."""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.semi_supervised.graph import (
    check_reached,
    cure,
    log_weights,
    weights_to_new,
)
from course.models.semi_supervised.labels import (
    accuracy,
    as_classes,
    choose,
    read_labels,
)
from course.models.semi_supervised.options import check_options
from course.models.semi_supervised.solve import Run, iterate


class Graph(ClassifierMixin, BaseEstimator):
    """What both methods share: the graph, the checks and the predictions."""

    def fit(self, X: Any, y: Any) -> "Graph":
        """Spread the labels y, shape (N,), -1 where unknown, over all rows."""
        check_options(self)
        x = rows(self, X, fit=True)
        labels = read_labels(self, X, y)
        self.classes_ = as_classes(X, labels.classes)
        known, Y = labels.mask(x), labels.one_hot(x)
        log_W = log_weights(self, x, X)
        matrix, step, solve = self._problem(log_W, Y, known)
        check_reached(self, matrix, known)
        run = self._run(step, solve, Y)
        self._keep(run, X, x)
        return self

    @abstractmethod
    def _problem(
        self, log_W: Tensor, Y: Tensor, known: Tensor
    ) -> tuple[Tensor, Callable, Callable]:
        """The matrix of the graph, a step of the iteration, and the solver."""

    def _run(self, step: Callable, solve: Callable, Y: Tensor) -> Run:
        """Solve, or iterate from F = Y."""
        if self.solver == "iteration":
            tol, most = float(self.tol), int(self.max_iter)
            return iterate(step, Y, tol=tol, max_iter=most)
        F = solve()
        total = F.sum(dim=1)
        if not ((total > 0) & total.isfinite()).all():
            raise ValueError(
                f"the paths to the labels are too weak for the numbers of "
                f"the computer: {cure(self)}"
            )
        return Run(F, [step(F)[1].item() for F in (Y, F)])

    def _keep(self, run: Run, X: Any, x: Tensor) -> None:
        """Set the attributes; warn of an iteration that was cut short."""
        if not run.converged:
            warnings.warn(
                f"the iteration did not converge in {self.max_iter} steps: "
                f"increase max_iter or tol, or use solver='direct'",
                ConvergenceWarning,
                stacklevel=3,
            )
        total = run.F.sum(dim=1, keepdim=True)
        # no label has come as far as a row that is still zero
        F = torch.where(total > 0, run.F / total, 1 / run.F.shape[1])
        self.X_ = like(X, x.clone())
        self.label_distributions_ = like(X, F)
        self.transduction_ = choose(self.classes_, F.argmax(dim=1), X)
        self.history_ = like(X, torch.tensor(run.history, dtype=x.dtype))
        self.n_iter_ = len(run.history) - 1
        self.converged_ = run.converged

    def predict_proba(self, X: Any) -> Any:
        """The weighted mean sum_j W(x, x_j) F_j / sum_j W(x, x_j), (N, K).

        It is the value that costs the least energy when the F of the fit are
        kept. A point of the fit counts as new here: its row differs from its
        row of `label_distributions_`. A point that a given kernel joins to
        none gets equal shares.
        """
        check_is_fitted(self)
        x = rows(self, X)
        share = weights_to_new(self, x, tensor(self.X_, x), X)
        p = share @ tensor(self.label_distributions_, x)
        lone = share.sum(dim=1, keepdim=True) == 0
        return like(X, torch.where(lone, 1 / p.shape[1], p))

    def predict(self, X: Any) -> Any:
        """The class with the largest share, shape (N,)."""
        k = torch.as_tensor(self.predict_proba(X)).argmax(dim=1)
        return choose(self.classes_, k, X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is predicted right."""
        return accuracy(self.predict(X), y, sample_weight)
