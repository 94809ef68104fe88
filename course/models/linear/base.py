"""What both linear models do: check, compute scores, follow a gradient."""

import math
from typing import Any

import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import rows, tensor
from course.models.linear.descent import GradientDescent, descend
from course.models.linear.objective import Objective


class LinearModel(BaseEstimator):
    """Scores a = w^T x + b, and a distribution of y for each score."""

    def _check_options(self) -> None:
        """Raise a ValueError that says which option is wrong."""
        if not 0 <= self.penalty < math.inf:
            raise ValueError(
                f"penalty must be finite and not negative, not {self.penalty}"
            )
        if not isinstance(self.optimiser, GradientDescent | None):
            raise ValueError(
                f"optimiser must be None for the exact answer, or a "
                f"GradientDescent or Adam, not {self.optimiser!r}"
            )

    def _read(self, X: Any) -> Tensor:
        """The rows of X, for a fitted model."""
        check_is_fitted(self)
        return rows(self, X)

    def _scores(self, x: Tensor) -> Tensor:
        """w^T x + b of every row, shape (N, K)."""
        w, b = tensor(self.coef_, x), tensor(self.intercept_, x)
        return x @ torch.atleast_2d(w).T + b

    def _descend(self, J: Objective) -> tuple[Tensor, list[float]]:
        """Where the optimiser ends, from zero, and J after every epoch."""
        theta = J.x.new_zeros(J.x.shape[1], J.y.shape[1])
        history = [J.loss(theta).item()]
        steps = descend(J.gradient, theta, rule=self.optimiser, rows=len(J.x))
        for theta in steps:
            history.append(J.loss(theta).item())
            if not math.isfinite(history[-1]):
                raise ValueError(
                    f"the loss is {history[-1]} after epoch "
                    f"{len(history) - 1}: lower lr, now {self.optimiser.lr}, "
                    f"below {J.step_limit():.3g}, or standardise the features"
                )
        return theta, history
