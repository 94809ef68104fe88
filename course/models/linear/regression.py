"""Linear regression, by the singular value decomposition or by descent."""

import math
from typing import Any

import torch
from jaxtyping import Float
from sklearn.base import RegressorMixin
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.linear.base import LinearModel
from course.models.linear.links import Gaussian
from course.models.linear.objective import objective
from course.targets import real_targets


def least_squares(
    x: Float[Tensor, "N D"], y: Float[Tensor, " N"], penalty: float | int = 0
) -> tuple[Float[Tensor, " D"], Float[Tensor, ""]]:
    """The w, b that minimise mean_n (y_n - w^T x_n - b)^2 + penalty |w|^2.

    With centred columns, x_c = U diag(s) V^T, the answer is
    w = V diag(s / (s^2 + N penalty)) U^T y_c. Directions whose s is zero but
    for rounding get no weight: of all minima this is the shortest.
    """
    m, y_m = x.mean(dim=0), y.mean()
    constant = (x == x[:1]).all(dim=0)
    U, s, Vt = torch.linalg.svd(
        torch.where(constant, 0, x - m), full_matrices=False
    )
    cut = max(x.shape) * torch.finfo(x.dtype).eps * s.amax()
    shrunk = torch.where(s > cut, s / (s.square() + len(x) * penalty), 0)
    w = Vt.T @ (shrunk * (U.T @ (y - y_m)))
    return w, y_m - m @ w


class LinearRegression(RegressorMixin, LinearModel):
    """Y = w^T x + b + noise: least squares, the maximum of the likelihood.

    With a penalty it is ridge regression, the maximum a posteriori with a
    Gaussian prior of w; the intercept is not penalised. It equals
    scikit-learn's Ridge with alpha = N penalty.

    Args:
        penalty: lambda of (1/2N) sum_n (y_n - w^T x_n - b)^2 + lambda/2 |w|^2.
        optimiser: None for the exact answer, else a `GradientDescent` or an
            `Adam` that starts from zero.

    Attributes:
        coef_: w, shape (D,).
        intercept_: b.
        noise_variance_: the mean squared residual of the training rows, the
            maximum-likelihood estimate of the variance of the noise.
        history_: the objective, of the exact answer, or at the start and after
            every epoch.
    """

    def __init__(self, *, penalty=0.0, optimiser=None):
        self.penalty = penalty
        self.optimiser = optimiser

    def fit(self, X: Any, y: Any) -> "LinearRegression":
        """Fit to rows X, shape (N, D), and numbers y, shape (N,)."""
        self._check_options()
        x = rows(self, X, fit=True)
        y = real_targets(self, x, y)
        J = objective(x, y[:, None], Gaussian, self.penalty)
        if self.optimiser is None:
            w, b = least_squares(x, y, self.penalty)
            theta = torch.cat([w, b[None]])[:, None]
            history = [J.loss(theta).item()]
        else:
            theta, history = self._descend(J)
        a = J.x @ theta
        self.coef_ = like(X, theta[:-1, 0])
        self.intercept_ = like(X, theta[-1, 0])[()]
        self.noise_variance_ = like(X, (y - a[:, 0]).square().mean())[()]
        self.history_ = like(X, tensor(history, x))
        return self

    def predict(self, X: Any) -> Any:
        """The mean of y for every row of X, shape (N,)."""
        return like(X, self._scores(self._read(X))[:, 0])

    def log_prob(self, X: Any, y: Any) -> Any:
        """Log N(y_n; w^T x_n + b, noise_variance_), shape (N,), in nats.

        Raises:
            ValueError: the line goes through all training points, so that the
                estimated noise is zero and there is no density.
        """
        x = self._read(X)
        r, v = (
            real_targets(self, x, y) - self._scores(x)[:, 0],
            self.noise_variance_,
        )
        v = tensor(v, x)
        if v == 0:
            raise ValueError(
                "the residuals of the training rows are all zero, so the "
                "density of y is infinite: fit to more rows than features"
            )
        return like(X, -(r.square() / v + v.log() + math.log(2 * math.pi)) / 2)

    def score(self, X: Any, y: Any) -> float:
        """R^2: 1 minus the squared error in units of that of the mean of y."""
        x = self._read(X)
        y = real_targets(self, x, y)
        error = (y - self._scores(x)[:, 0]).square().sum()
        return 1 - (error / (y - y.mean()).square().sum()).item()
