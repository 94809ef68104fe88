"""Naive Bayes for word counts, and for words that are there or not."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.naive_bayes.base import NaiveBayes, check_positive


class Counts(NaiveBayes):
    """What the two models of words share: a probability rho_kd each."""

    def __sklearn_tags__(self):
        """Models of words fit measurements poorly."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class MultinomialNaiveBayes(Counts):
    """Naive Bayes of texts: each word is d with probability rho_kd.

    A row counts words. Given how many there are, sum_d x_d, every word is
    drawn from rho_k: log p(x | y = k) = sum_d x_d log rho_kd. This is the
    probability of the words in one order. The counts alone, in any order, are
    (sum_d x_d)! / prod_d x_d! times as probable, in every class.

    Args:
        smoothing: pseudo-counts that each word has before the data are seen.
            0 is maximum likelihood.

    Attributes:
        classes_: the K classes, sorted.
        class_prior_: p(y), their shares in the data, shape (K,).
        probs_: rho, shape (K, D); rows sum to 1.
        totals_: how many words each training row has, shape (N,); `sample`
            draws its lengths from them, rounded.
        n_parameters_: the number of free parameters, K - 1 + K (D - 1).
        history_: the mean of log p(x, y) in nats, a single value.

    McCallum & Nigam 1998, "A comparison of event models for naive Bayes text
    classification", which also has the other model, `BernoulliNaiveBayes`.
    """

    def __init__(self, *, smoothing=1.0):
        self.smoothing = smoothing

    def __sklearn_tags__(self):
        """Counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _rows(self, X: Any, *, fit: bool = False) -> Tensor:
        x = rows(self, X, fit=fit)
        if x.min() < 0:
            raise ValueError(
                f"Negative values in data: {type(self).__name__} takes "
                f"counts, and there is {x.min().item():g}"
            )
        return x

    def _fit(self, X: Any, x: Tensor, hot: Tensor) -> None:
        check_positive(smoothing=self.smoothing)
        counts = hot.T @ x + self.smoothing
        totals = counts.sum(dim=1, keepdim=True)
        if not (totals > 0).all():
            k = totals.argmin().item()
            raise ValueError(
                f"class {self.classes_[k]} has no counts at all: drop it or "
                f"set smoothing above 0"
            )
        self.probs_ = like(X, counts / totals)
        self.totals_ = like(X, x.sum(dim=1))
        self.n_parameters_ = len(counts) - 1 + counts[:, 1:].numel()

    def _log_likelihood(self, x: Tensor) -> Tensor:
        return log_product(x, tensor(self.probs_, x))

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        """Word by word, then counted."""
        rho, totals = (
            tensor(p, torch.empty(0)) for p in (self.probs_, self.totals_)
        )
        lengths = rng.choice(totals.round().long().numpy(), size=len(k))
        row = torch.arange(len(k)).repeat_interleave(torch.from_numpy(lengths))
        u = tensor(rng.random_sample(len(row)), rho)
        D, word = rho.shape[1], torch.empty_like(row)
        for i in k.unique().tolist():
            mine, edges = k[row] == i, rho[i].cumsum(dim=0)
            edges = edges[:-1] / edges[-1]
            word[mine] = torch.searchsorted(edges, u[mine], right=True)
        return (row * D + word).bincount(minlength=len(k) * D).view(-1, D)


class BernoulliNaiveBayes(Counts):
    """Naive Bayes of features that hold or not, p(x_d = 1 | y) = rho_kd.

    Args:
        smoothing: pseudo-counts of each of the two values. 0 is maximum
            likelihood.
        threshold: a feature holds if it is above; with None, entries must be
            0 or 1.

    Attributes:
        classes_: the K classes, sorted.
        class_prior_: p(y), their shares in the data, shape (K,).
        probs_: rho, shape (K, D).
        n_parameters_: the number of free parameters, K - 1 + K D.
        history_: the mean of log p(x, y) in nats, a single value.
    """

    def __init__(self, *, smoothing=1.0, threshold=0.0):
        self.smoothing = smoothing
        self.threshold = threshold

    def _rows(self, X: Any, *, fit: bool = False) -> Tensor:
        x = rows(self, X, fit=fit)
        if self.threshold is not None:
            return (x > self.threshold).to(x)
        if ((x != 0) & (x != 1)).any():
            raise ValueError(
                f"entries must be 0 or 1, but they range from "
                f"{x.min().item():g} to {x.max().item():g}: set a threshold"
            )
        return x

    def _fit(self, X: Any, x: Tensor, hot: Tensor) -> None:
        check_positive(smoothing=self.smoothing)
        N_k = hot.sum(dim=0)[:, None]
        rho = (hot.T @ x + self.smoothing) / (N_k + 2 * self.smoothing)
        self.probs_ = like(X, rho)
        self.n_parameters_ = len(rho) - 1 + rho.numel()

    def _log_likelihood(self, x: Tensor) -> Tensor:
        rho = tensor(self.probs_, x)
        return log_product(x, rho) + log_product(1 - x, 1 - rho)

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        rho = tensor(self.probs_, torch.empty(0))
        u = tensor(rng.random_sample((len(k), rho.shape[1])), rho)
        return (u < rho[k]).long()


def log_product(
    x: Float[Tensor, "N D"], rho: Float[Tensor, "K D"]
) -> Float[Tensor, "N K"]:
    """Log prod_d rho_kd^x_nd = sum_d x_nd log rho_kd, where 0 log 0 = 0."""
    never = rho == 0
    finite = x @ torch.where(never, 0.0, rho.log()).T
    met = x @ never.to(x).T > 0  # something that never happens did
    return torch.where(met, -torch.inf, finite)
