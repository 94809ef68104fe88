"""What can be done with x = mu + Lambda z + sigma eps, once it is fitted."""

from typing import Any

import torch
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.ppca import factors
from course.models.ppca.factors import Parameters, blocks


class LinearGaussian(DensityMixin, BaseEstimator):
    """A normal distribution with covariance Lambda Lambda^T + sigma^2 I.

    Rows may have missing entries (NaN) if `missing` is "marginalise".
    """

    def score_samples(self, X: Any) -> Any:
        """Log p(x_o) of every row, over the entries present, (N,), in nats."""
        x, theta = self._read(X)
        parts = [factors.log_prob(b, theta) for b in blocks(x, theta)]
        return like(X, torch.cat(parts))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x_o) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def transform(self, X: Any) -> Any:
        """The posterior mean E[z | x_o] of every row, shape (N, M)."""
        return self.posterior(X)[0]

    def posterior(self, X: Any) -> tuple[Any, Any]:
        """Mean (N, M) and covariance (N, M, M) of z given the entries present.

        The covariance does not depend on the values of x, only on which of
        them are present (Tipping and Bishop 1999, eq. 9).
        """
        x, theta = self._read(X)
        q = factors.posterior(x, theta)
        return like(X, q.mean), like(X, q.V[q.which])

    def inverse_transform(self, Z: Any) -> Any:
        """The mean of x given z, mu + Lambda z, of every row, shape (N, D)."""
        check_is_fitted(self)
        z = torch.as_tensor(Z, dtype=torch.float64)
        mu, Lambda, _ = self._parameters(z)
        if z.ndim != 2 or z.shape[1] != Lambda.shape[1]:
            raise ValueError(
                f"a code has {Lambda.shape[1]} numbers, one row each, but Z "
                f"has shape {tuple(z.shape)}: give what transform returned"
            )
        return like(Z, mu + z @ Lambda.T)

    def conditional(self, X: Any) -> tuple[Any, Any]:
        """Mean and variance of every entry given those present, (N, D) each.

        An entry that is present has itself and 0.
        """
        x, theta = self._read(X)
        parts = [factors.conditional(b, theta) for b in blocks(x, theta)]
        mean, variance = (torch.cat(p) for p in zip(*parts, strict=True))
        return like(X, mean), like(X, variance)

    def impute(self, X: Any) -> Any:
        """A copy of X with every NaN replaced by E[x_missing | x_observed]."""
        return self.conditional(X)[0]

    def sample_conditional(
        self, X: Any, n: int = 1, random_state: Any = None
    ) -> Any:
        """Draw the missing entries given those present, n times: (n, N, D).

        Entries of one row are drawn together. Those present stay as they are.
        """
        x, theta = self._read(X)
        rng = check_random_state(random_state)
        M = theta.Lambda.shape[1]
        noise = {
            "eps_z": tensor(rng.standard_normal((n, len(x), M)), x),
            "eps_x": tensor(rng.standard_normal((n, *x.shape)), x),
        }
        return like(X, factors.draw(x, theta, **noise))

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows: z from N(0, I), then mu + Lambda z + sigma eps."""
        check_is_fitted(self)
        nothing = torch.full((n, self.n_features_in_), torch.nan)
        theta = self._parameters(nothing)
        rng = check_random_state(random_state)
        z = tensor(rng.standard_normal((n, theta.Lambda.shape[1])), nothing)
        eps = tensor(rng.standard_normal((n, self.n_features_in_)), nothing)
        x = theta.mu + z @ theta.Lambda.T + theta.var.sqrt() * eps
        return like(self.mean_, x)

    def _parameters(self, x: Tensor) -> Parameters:
        """The fitted parameters, beside x."""
        return Parameters(
            tensor(self.mean_, x),
            tensor(self.loadings_, x),
            tensor(self.noise_variance_, x),
        )

    def _read(self, X: Any) -> tuple[Tensor, Parameters]:
        """The rows of X and the parameters, of a fitted model."""
        check_is_fitted(self)
        x = self._rows(X)
        return x, self._parameters(x)

    def _rows(self, X: Any, *, fit: bool = False) -> Tensor:
        """The rows of X, checked; NaN only where it is marginalised."""
        try:
            return rows(self, X, fit=fit, missing=self.missing != "error")
        except ValueError as error:
            if "contains NaN" not in str(error):
                raise
            raise ValueError(
                f"Input X contains NaN, which {type(self).__name__} takes for "
                f"a missing entry: set missing='marginalise' to integrate "
                f"over it, or drop those rows"
            ) from None

    @property
    def _n_features_out(self) -> int:
        """How many columns transform returns: scikit-learn asks."""
        return self.loadings_.shape[1]
