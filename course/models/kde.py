"""Kernel density estimation: a small bell on every training point."""

import math
import warnings
from collections.abc import Iterable
from numbers import Real
from typing import Any

import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor

BLOCK = 4_000_000  # distances held at a time
Squares = Float[Tensor, "_ N"]


class KernelDensity(DensityMixin, BaseEstimator):
    """The average of N bells, p(x) = (1/N) sum_n N(x; x_n, h^2 I).

    Args:
        bandwidth: h, the standard deviation of the bells; with None, the
            one with the highest leave-one-out likelihood. The search keeps
            all N^2 distances in memory.
        tol: the search ends when h changes by a smaller share.
        max_iter: the search takes at most so many steps.

    Attributes:
        points_: the training data, shape (N, D).
        bandwidth_: h.
        history_: the mean over n of log p(x_n) with bell n left out, in nats;
            one value for each step of the search, the last for h. It never
            falls. With a given bandwidth a single value.

    Rosenblatt 1956; Parzen 1962. Leave-one-out likelihood: Habbema, Hermans &
    van den Broek 1974; Duin 1976.
    """

    def __init__(self, *, bandwidth=None, tol=1e-6, max_iter=1000):
        self.bandwidth = bandwidth
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None) -> "KernelDensity":
        """Keep the rows of X, shape (N, D), and find the bandwidth.

        Raises:
            ValueError: the bandwidth is not positive; or it is to be found,
                and every row has a twin, so that no bandwidth is best.
        """
        h = self.bandwidth
        if h is not None and not (isinstance(h, Real) and 0 < h < math.inf):
            raise ValueError(f"bandwidth must be positive, not {h!r}")
        x = rows(self, X, fit=True)
        if h is None:
            h, history = self._search(x)
        else:
            history = [leave_one_out(squares(x, alone=True), float(h), x)[0]]
        self.points_, self.bandwidth_ = like(X, x.clone()), float(h)
        self.history_ = like(X, x.new_tensor(history))
        return self

    def _search(self, x: Float[Tensor, "N D"]) -> tuple[float, list[float]]:
        """Climb the leave-one-out likelihood from a wide bandwidth."""
        check_twins(blocks := list(squares(x, alone=True)))
        h = x.var(dim=0).mean().sqrt().item()
        history = []
        for _ in range(self.max_iter):
            objective, better = leave_one_out(blocks, h, x)
            history.append(objective)
            if abs(better / h - 1) < self.tol:
                break
            h = better
        else:
            warnings.warn(
                f"the bandwidth still moves after {self.max_iter} steps: "
                f"increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=3,
            )
        return h, history

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row of X, shape (N,), in nats."""
        check_is_fitted(self)
        x = rows(self, X)
        points = tensor(self.points_, x)
        log_p = [
            log_bells(s, self.bandwidth_, x.shape[1]).logsumexp(dim=1)
            for s in squares(x, points)
        ]
        return like(X, torch.cat(log_p) - math.log(len(points)))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows, x_n + h eps: a training point, moved by its bell."""
        check_is_fitted(self)
        rng = check_random_state(random_state)
        points = tensor(self.points_, torch.empty(0))
        chosen = points[torch.from_numpy(rng.randint(len(points), size=n))]
        eps = tensor(rng.standard_normal(chosen.shape), chosen)
        return like(self.points_, chosen + self.bandwidth_ * eps)


def squares(
    x: Float[Tensor, "n D"],
    points: Float[Tensor, "N D"] | None = None,
    *,
    alone: bool = False,
) -> Iterable[Squares]:
    """Squared distances |x_i - points_j|^2, a block of rows at a time.

    Without points, those within x. Where `alone`, a row is infinitely far
    from itself, and so leaves itself out.
    """
    points = x if points is None else points
    start = 0
    for block in x.split(max(1, BLOCK // len(points))):
        exact = "donot_use_mm_for_euclid_dist"  # products would cancel digits
        s = torch.cdist(block, points, compute_mode=exact).square()
        if alone:
            own = torch.arange(len(block), device=x.device)
            s[own, own + start] = torch.inf
        start += len(block)
        yield s


def log_bells(s: Squares, h: float, D: int) -> Squares:
    """Log N(x; x_n, h^2 I) at squared distances s, in D dimensions."""
    return -s / (2 * h**2) - D / 2 * math.log(2 * math.pi * h**2)


def leave_one_out(
    blocks: Iterable[Squares], h: float, x: Float[Tensor, "N D"]
) -> tuple[float, float]:
    """Mean log p(x_n) without bell n, and a bandwidth that raises it.

    The bells are a mixture whose one parameter is h, so an EM step raises the
    likelihood: r_nj is the share of bell j in the density at x_n, and
    h^2 = sum_nj r_nj |x_n - x_j|^2 / (N D).
    """
    N, D = x.shape
    log_p, spread = x.new_zeros(()), x.new_zeros(())
    for s in blocks:
        bells = log_bells(s, h, D)
        log_p += bells.logsumexp(dim=1).sum()
        r = bells.softmax(dim=1)
        spread += torch.where(r > 0, r * s, 0.0).sum()
    better = (spread / (N * D)).sqrt().item()
    return log_p.item() / N - math.log(N - 1), better


def check_twins(blocks: list[Squares]) -> None:
    """Some row differs from every other.

    Raises:
        ValueError: none does; the likelihood grows as h falls to zero.
    """
    if all((s.amin(dim=1) == 0).all() for s in blocks):
        raise ValueError(
            "every row of X has a twin, so the leave-one-out likelihood grows "
            "without bound as the bandwidth shrinks: set a bandwidth, or drop "
            "repeated rows"
        )
