"""Naive Bayes with a normal distribution for each feature and class."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.arrays import like, tensor
from course.models.naive_bayes.base import NaiveBayes, check_positive


class GaussianNaiveBayes(NaiveBayes):
    """Naive Bayes with p(x_d | y = k) = N(x_d; mu_kd, var_kd).

    Args:
        tied: one variance for each feature, the same in all classes. Then
            log p(y | x) is linear in x, as in logistic regression.
        var_smoothing: this share of the largest variance of any feature is
            added to every variance, so that none is zero. 0 is maximum
            likelihood.

    Attributes:
        classes_: the K classes, sorted.
        class_prior_: p(y), their shares in the data, shape (K,).
        means_, variances_: mu and var, shape (K, D); where
            tied, the rows of the variances are equal.
        n_parameters_: the number of free parameters, K - 1 + 2 K D, or
            K - 1 + (K + 1) D where tied.
        history_: the mean of log p(x, y) in nats, a single value.
    """

    def __init__(self, *, tied=False, var_smoothing=1e-9):
        self.tied = tied
        self.var_smoothing = var_smoothing

    def _fit(self, X: Any, x: Tensor, hot: Tensor) -> None:
        check_positive(var_smoothing=self.var_smoothing)
        share = hot / hot.sum(dim=0)
        mu = share.T @ x
        var = share.T @ (x - hot @ mu).square()
        if self.tied:
            var = (hot.mean(dim=0) @ var).expand_as(var)
        var = var + self.var_smoothing * x.var(dim=0, correction=0).max()
        check_variances(var, self.classes_)
        self.means_, self.variances_ = like(X, mu), like(X, var)
        K, D = mu.shape
        self.n_parameters_ = K - 1 + K * D + (1 if self.tied else K) * D

    def _log_likelihood(self, x: Tensor) -> Tensor:
        mu, var = tensor(self.means_, x), tensor(self.variances_, x)
        scaled = [
            ((x - m).square() / v).sum(dim=1)
            for m, v in zip(mu, var, strict=True)
        ]
        log_det = (2 * math.pi * var).log().sum(dim=1)
        return -(log_det + torch.stack(scaled, dim=1)) / 2

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        mu, var = (
            tensor(p, torch.empty(0)) for p in (self.means_, self.variances_)
        )
        eps = tensor(rng.standard_normal((len(k), mu.shape[1])), mu)
        return mu[k] + var[k].sqrt() * eps


def check_variances(var: Float[Tensor, "K D"], classes: Any) -> None:
    """No variance is zero.

    Raises:
        ValueError: one is; the message names the class and the feature.
    """
    if not (var > 0).all():
        k, d = (var <= 0).nonzero()[0].tolist()
        raise ValueError(
            f"feature {d} is constant in class {classes[k]}: its density "
            f"would be infinite. Increase var_smoothing or drop the feature"
        )
