"""Naive Bayes for features that take one of C values each."""

from typing import Any

import torch
from torch import Tensor

from course.arrays import check_categories, like, rows, tensor
from course.models.naive_bayes.base import NaiveBayes, check_positive


class CategoricalNaiveBayes(NaiveBayes):
    """Naive Bayes with p(x_d = c | y = k) = rho_kdc, a table of shares.

    Args:
        n_categories: C; the largest entry plus one where it is None.
        smoothing: pseudo-counts that each value has before the data are seen.
            0 is maximum likelihood.

    Attributes:
        classes_: the K classes, sorted.
        class_prior_: p(y), their shares in the data, shape (K,).
        probs_: rho, shape (K, D, C).
        n_parameters_: the number of free parameters, K - 1 + K D (C - 1).
        history_: the mean of log p(x, y) in nats, a single value.
    """

    def __init__(self, *, n_categories=None, smoothing=1.0):
        self.n_categories = n_categories
        self.smoothing = smoothing

    def __sklearn_tags__(self):
        """Entries are categories, numbered from 0."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def _rows(self, X: Any, *, fit: bool = False) -> Tensor:
        x = rows(self, X, fit=fit)
        C = self.n_categories or int(x.max().item()) + 1
        check_categories(x, C if fit else self.probs_.shape[2])
        return x

    def _fit(self, X: Any, x: Tensor, hot: Tensor) -> None:
        check_positive(smoothing=self.smoothing)
        C = self.n_categories or int(x.max().item()) + 1
        counts = [hot.T @ (x == c).to(x) for c in range(C)]
        counts = torch.stack(counts, dim=-1) + self.smoothing  # (K, D, C)
        rho = counts / counts.sum(dim=-1, keepdim=True)
        self.probs_ = like(X, rho)
        K, D, C = rho.shape
        self.n_parameters_ = K - 1 + K * D * (C - 1)

    def _log_likelihood(self, x: Tensor) -> Tensor:
        d = torch.arange(x.shape[1], device=x.device)
        log_rho = tensor(self.probs_, x).log()
        looked_up = [table[d, x.long()].sum(dim=1) for table in log_rho]
        return torch.stack(looked_up, dim=1)

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        """The inverse of the distribution function, at uniform numbers."""
        rho = tensor(self.probs_, torch.empty(0))
        u = tensor(rng.random_sample((len(k), rho.shape[1], 1)), rho)
        x = torch.zeros(u.shape[:2], dtype=torch.int64)
        for i in k.unique().tolist():
            edges = rho[i].cumsum(dim=-1)[:, :-1] / rho[i].sum(-1, True)
            x[k == i] = (u[k == i] >= edges).sum(dim=-1)
        return x
