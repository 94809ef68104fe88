"""The normal distribution in one or many dimensions, fitted in closed form."""

from typing import Any

import torch
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.gaussian.moments import (
    Moments,
    check_moments,
    check_options,
    check_spread,
    log_normal,
    moments,
    whiten,
)


class Gaussian(DensityMixin, BaseEstimator):
    """A multivariate normal distribution, p(x) = N(x; mu, Sigma).

    Args:
        covariance_type: full, or diag for independent features.
        ridge: added to the diagonal of Sigma; 0 is maximum likelihood.

    Attributes:
        mean_: mu, shape (D,).
        covariance_: Sigma, shape (D, D), of either type.
        n_parameters_: the number of free parameters.
        history_: the mean log-likelihood in nats, a single value: nothing is
            iterated.
    """

    def __init__(self, *, covariance_type="full", ridge=0.0):
        self.covariance_type = covariance_type
        self.ridge = ridge

    def fit(self, X: Any, y: Any = None) -> "Gaussian":
        """Fit mu = mean(x) and Sigma = mean((x - mu)(x - mu)^T) + ridge I.

        Raises:
            ValueError: a column is constant or a combination of others, so
                that there is no density, or an option is wrong.
        """
        check_options(self)
        x = rows(self, X, fit=True)
        mu, Sigma = moments(x)
        if self.covariance_type == "diag":
            Sigma = Sigma.diag().diag()
        Sigma = Sigma + self.ridge * torch.eye(len(mu)).to(Sigma)
        check_spread(mu, Sigma)
        self._set(X, mu, Sigma)
        self.history_ = like(X, log_normal(x, self._moments(x)).mean()[None])
        return self

    @classmethod
    def from_moments(cls, mean: Any, covariance: Any) -> "Gaussian":
        """The distribution N(mean, covariance), as if it had been fitted.

        Args:
            mean: shape (D,).
            covariance: shape (D, D), symmetric and positive definite.

        Raises:
            ValueError: the shapes do not fit, or the matrix is not such.
        """
        mu = torch.as_tensor(mean).detach().to(torch.float64)
        Sigma = tensor(covariance, mu).detach()
        check_moments(mu, Sigma)
        return cls()._set(mean, mu, Sigma)

    def _set(self, X: Any, mu: Tensor, Sigma: Tensor) -> "Gaussian":
        """Keep the parameters, as the kind of array that X is."""
        self.mean_, self.covariance_ = like(X, mu), like(X, Sigma)
        self.n_features_in_ = D = len(mu)
        full = self.covariance_type == "full"
        self.n_parameters_ = D + (D * (D + 1) // 2 if full else D)
        self.history_ = like(X, mu[:0])
        return self

    def _moments(self, x: Tensor) -> Moments:
        """The fitted mean and Cholesky factor, beside x."""
        Sigma = tensor(self.covariance_, x)
        return Moments(tensor(self.mean_, x), torch.linalg.cholesky(Sigma))

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row of X, shape (N,), in nats."""
        check_is_fitted(self)
        x = rows(self, X)
        return like(X, log_normal(x, self._moments(x)))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def mahalanobis(self, X: Any) -> Any:
        """The distance sqrt((x - mu)^T Sigma^-1 (x - mu)), shape (N,)."""
        check_is_fitted(self)
        x = rows(self, X)
        return like(X, whiten(x, self._moments(x)).norm(dim=1))

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows, x = mu + L eps with eps ~ N(0, I), Sigma = L L^T."""
        check_is_fitted(self)
        rng = check_random_state(random_state)
        mu, L = self._moments(torch.empty(0))
        eps = tensor(rng.standard_normal((n, len(mu))), mu)
        return like(self.mean_, mu + eps @ L.T)

    def marginal(self, features: Any) -> "Gaussian":
        """The distribution N(mu_a, Sigma_aa) of some features, in that order.

        Args:
            features: their numbers, such as [0, 2].

        Raises:
            ValueError: a number is no feature, or stands there twice.
        """
        a = self._numbers(features)
        mu, Sigma = self.mean_, self.covariance_
        return Gaussian.from_moments(mu[a], Sigma[a][:, a])

    def conditional(self, features: Any, values: Any) -> "Gaussian":
        """The distribution of the other features, a, given x_b = values.

        N(mu_a + R (x_b - mu_b), Sigma_aa - R Sigma_ba), with
        R = Sigma_ab Sigma_bb^-1.

        Args:
            features: the numbers b of the features that are known.
            values: x_b, as many numbers.

        Raises:
            ValueError: a number is no feature, stands there twice, or none is
                left; or there are not as many values.
        """
        b = self._numbers(features, left=1)
        a = [d for d in range(self.n_features_in_) if d not in b]
        mu = torch.as_tensor(self.mean_)
        Sigma, x_b = tensor(self.covariance_, mu), tensor(values, mu)
        if x_b.shape != (len(b),):
            raise ValueError(
                f"values must hold {len(b)} numbers, one for each of the "
                f"features {b}, not shape {tuple(x_b.shape)}"
            )
        R = torch.linalg.solve(Sigma[b][:, b], Sigma[b][:, a]).T
        mean = mu[a] + R @ (x_b - mu[b])
        Sigma = Sigma[a][:, a] - R @ Sigma[b][:, a]
        symmetric = (Sigma + Sigma.T) / 2  # rounding
        return Gaussian.from_moments(
            like(self.mean_, mean), like(self.mean_, symmetric)
        )

    def _numbers(self, features: Any, left: int = 0) -> list[int]:
        """The numbers of features as a list, checked."""
        check_is_fitted(self)
        chosen, D = [int(d) for d in features], self.n_features_in_
        known = set(chosen) <= set(range(D))
        if not known or not 1 <= len(set(chosen)) == len(chosen) <= D - left:
            raise ValueError(
                f"features must be between 1 and {D - left} different numbers "
                f"from 0 to {D - 1}, not {chosen}"
            )
        return chosen
