"""A Gaussian copula for discrete rows: any marginals, normal dependence."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import one_hot
from torch.special import ndtr

from course.arrays import like, rows, tensor
from course.models.copula.draws import (
    PROPOSALS,
    Scores,
    edges,
    log_mean,
    sequential,
)
from course.models.copula.options import categories, check_options

BLOCK = 2**22  # numbers in the draws of a block of rows


class GaussianCopula(BaseEstimator):
    """Hidden scores g ~ N(0, R), cut into cells: x_d = c where g_d is in one.

    The cells of column d have the frequencies of its categories as their
    probabilities, so that the marginals are those of the data. P(x) is the
    integral of N(g; 0, R) over a box, which has no closed form: `bound`.

    Args:
        n_categories: C; the largest entry plus one where it is None.
        smoothing: pseudo-counts for each category of each column.
        shrinkage: a, in R = (1 - a) R + a I; held-out data choose it.
        steps: of Monte Carlo EM, from R = I. The first takes the correlation
            of scores drawn uniformly within their cells; it is too weak.
        samples: draws for each row in a step.
        random_state: seed of the draws.

    Attributes:
        probs_: p(x_d = c), shape (D, C).
        correlation_: R, shape (D, D).
        history_: the mean bound of the training rows, in nats, before every
            step and at the end. Estimates: they may fall by chance.
        n_parameters_: D (C - 1) + D (D - 1) / 2.

    Source: Smith and Khaled 2012, Journal of the American Statistical
    Association 107, "Estimation of Copula Models With Discrete Margins".
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_categories=None,
        *,
        smoothing=0.5,
        shrinkage=0.01,
        steps=5,
        samples=8,
        random_state=None,
    ):
        self.n_categories = n_categories
        self.smoothing = smoothing
        self.shrinkage = shrinkage
        self.steps = steps
        self.samples = samples
        self.random_state = random_state

    def __sklearn_tags__(self):
        """Entries are categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def fit(self, X: Any, y: Any = None) -> "GaussianCopula":
        """Count the categories, then climb the likelihood of R."""
        check_options(self)
        x = rows(self, X, fit=True)
        C = self.n_categories or int(x.max().item()) + 1
        D, x = x.shape[1], categories(x, C)
        counts = one_hot(x, C).sum(dim=0).double() + self.smoothing
        self.probs_ = like(X, counts / counts.sum(dim=1, keepdim=True))
        self.n_parameters_ = D * (C - 1) + D * (D - 1) // 2
        rng, history = check_random_state(self.random_state), []
        self.correlation_ = like(X, torch.eye(D, dtype=torch.float64))
        for _ in range(self.steps):
            log_p, S = self._expect(x, rng)
            history.append(log_p)
            self.correlation_ = like(X, self._correlation(S))
        history.append(self._expect(x, rng)[0])
        self.history_ = like(X, torch.tensor(history, dtype=torch.float64))
        return self

    def _expect(self, x: Int[Tensor, "N D"], rng: Any):
        """The mean bound, and sum_n E[g g^T | x_n] by weighted draws."""
        total, S = 0.0, 0.0
        for log_w, g in self._draws(x, self.samples, sequential, rng):
            total += log_mean(log_w).sum().item()
            w = log_w.softmax(dim=0)
            S = S + torch.einsum("sn,sni,snj->ij", w, g, g)
        return total / len(x), S

    def _correlation(self, S: Float[Tensor, "D D"]) -> Float[Tensor, "D D"]:
        """The moments as a correlation, shrunk: not quite an M-step.

        The variances are kept at 1, since the cells are fixed.
        """
        scale, a = S.diagonal().rsqrt(), self.shrinkage
        R = (1 - a) * S * scale[:, None] * scale
        return R + a * torch.eye(len(S)).to(S)

    def bound(
        self,
        X: Any,
        samples: int = 1,
        *,
        proposal: str = "sequential",
        random_state: Any = None,
    ) -> Any:
        """A lower bound on log P(x), by importance sampling, (N,), in nats.

        The log of a mean of `samples` weights whose expectation is P(x). In
        expectation it lies below log P(x), and nearer for more samples.

        Args:
            X: whole numbers from 0 to C - 1, shape (N, D).
            samples: draws for each row.
            proposal: "sequential", each score within its cell given those
                before it (the simulator of Geweke, Hajivassiliou and Keane);
                or "uniform", each within its cell by itself: looser.
            random_state: seed of the draws.
        """
        check_is_fitted(self)
        if proposal not in PROPOSALS or samples < 1:
            raise ValueError(
                f"proposal must be one of {', '.join(PROPOSALS)} and samples "
                f"at least 1, not {proposal!r} and {samples!r}"
            )
        x = categories(rows(self, X), self.probs_.shape[1])
        rng, draw = check_random_state(random_state), PROPOSALS[proposal]
        parts = self._draws(x, samples, draw, rng)
        return like(X, torch.cat([log_mean(log_w) for log_w, _ in parts]))

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows: g from N(0, R), then the cell of every score."""
        check_is_fitted(self)
        rng = check_random_state(random_state)
        F = edges(tensor(self.probs_, torch.empty(0)))
        R = tensor(self.correlation_, F)
        eps = tensor(rng.standard_normal((n, len(F))), F)
        u = ndtr(eps @ torch.linalg.cholesky(R).T)
        x = torch.searchsorted(F[:, 1:-1].contiguous(), u.T.contiguous())
        return like(self.probs_, x.T.double())

    def _draws(
        self, x: Int[Tensor, "N D"], samples: int, draw: Any, rng: Any
    ) -> Iterator[Scores]:
        """Log weights and scores of the rows, a block at a time."""
        F = edges(tensor(self.probs_, x))
        R, d = tensor(self.correlation_, x), torch.arange(x.shape[1])
        for part in x.split(max(1, BLOCK // (samples * x.shape[1]))):
            u = tensor(rng.random_sample((samples, *part.shape)), x)
            d = d.to(x.device)
            yield draw(F[d, part], F[d, part + 1], R, u)
