"""Mixtures of categoricals with scikit-learn's manners (latent classes)."""

from typing import Any

import torch
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import check_categories, like, tensor
from course.models.mixture.base import Mixture
from course.models.mixture.categorical_em import (
    CategoricalEM,
    Parameters,
    features,
    m_step,
)
from course.models.mixture.starts import nearest_sums, starts


class CategoricalMixture(Mixture):
    """A weighted sum of products, p(x) = sum_k pi_k prod_d p(x_d | k).

    Within a component the columns are independent; together they are not.

    Args:
        n_components: the number of components, K.
        n_categories: C; the largest entry plus one where it is None.
        smoothing: pseudo-counts for each category, on average: every column
            of a component gets C * smoothing of them, in proportion to the
            frequencies of the whole column (Laplace's, count + 1).
        n_init: how many restarts; the one with the best objective is kept.
        tol: stop once the objective rises by less, in nats per row.
        max_iter: stop after so many EM steps in any case.
        missing: "error", or "marginalise" to sum NaN entries out.
        random_state: seed of the restarts.

    Attributes:
        weights_: pi, shape (K,).
        probs_: p(x_d = c | k), shape (K, D, C).
        history_: the objective, at the start and after every step: the mean
            log-likelihood, in nats, plus the sum of pseudo-counts times
            log probs_, over N. It never falls. (Without smoothing it is the
            mean log-likelihood; with it, that alone may fall by a little.)
        n_iter_, converged_: EM steps taken; whether the rise fell below tol.
        n_parameters_: the number of free parameters, K - 1 + K D (C - 1).
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_components=1,
        *,
        n_categories=None,
        smoothing=1.0,
        n_init=1,
        tol=1e-6,
        max_iter=500,
        missing="error",
        random_state=None,
    ):
        self.n_components = n_components
        self.n_categories = n_categories
        self.smoothing = smoothing
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.missing = missing
        self.random_state = random_state

    def __sklearn_tags__(self):
        """Entries are categories; NaN is allowed where it is marginalised."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        tags.input_tags.allow_nan = self.missing == "marginalise"
        return tags

    def _problem(self, x: Tensor, Ks: list[int]) -> tuple:
        C = self.n_categories or int(x.nan_to_num().amax().item()) + 1
        check_categories(x, C)
        em = CategoricalEM(x, pseudo_counts(x, C) * self.smoothing)
        return em, self._start(em, Ks)

    def _start(self, em: CategoricalEM, Ks: list[int]) -> Parameters:
        """Clusters by k-means, as if categories were numbers; then counts."""
        rng = check_random_state(self.random_state)
        x = torch.where(em.x.isnan(), em.x.nanmean(dim=0).round(), em.x)
        pi, mu = starts(x, Ks, runs=self.n_init, rng=rng)
        real = (pi > 0).to(x)
        S = nearest_sums(x, mu, real, features=em.features)
        return Parameters(pi, m_step(S, em.prior, N=len(x)).probs)

    def _set(self, X: Any, pi: Tensor, probs: Tensor) -> None:
        self.weights_, self.probs_ = like(X, pi), like(X, probs)

    def _log_joint(self, x: Tensor) -> Tensor:
        """Log pi_k + sum_d log p(x_d | k), looked up."""
        probs = tensor(self.probs_, x)
        check_categories(x, probs.shape[2])
        d = torch.arange(x.shape[1], device=x.device)
        one = torch.ones_like(probs[..., :1])  # where the entry is missing
        probs = torch.cat([probs, one], dim=-1)
        index = x.nan_to_num(nan=probs.shape[2] - 1).long()
        log_p = probs.log()[:, d, index].sum(dim=-1)  # (K, n)
        return log_p + tensor(self.weights_, x).log()[:, None]

    def _count(self) -> int:
        K, D, C = self.probs_.shape
        return K - 1 + K * D * (C - 1)

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        """The inverse of the distribution function, at uniform numbers."""
        probs = tensor(self.probs_, torch.empty(0))
        u = tensor(rng.random_sample((len(k), probs.shape[1])), probs)
        x = torch.empty_like(u, dtype=torch.int64)
        for i in k.unique().tolist():
            edges = probs[i].cumsum(dim=-1)
            edges = edges / edges[:, -1:]
            drawn = torch.searchsorted(
                edges, u[k == i].T.contiguous(), right=True
            )
            x[k == i] = drawn.T
        return x


def pseudo_counts(x: Tensor, C: int) -> Tensor:
    """C in every column, in proportion to count + 1, shape (D, C)."""
    counts = sum(features(b, C)[:-1].sum(-1) for b in x.split(1000)) + 1
    counts = counts.view(-1, C)
    return C * counts / counts.sum(dim=-1, keepdim=True)
