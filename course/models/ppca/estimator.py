"""Probabilistic PCA with scikit-learn's manners."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import like, tensor
from course.models.ppca import factors, fits
from course.models.ppca.factors import Parameters
from course.models.ppca.options import (
    check_bounded,
    check_options,
    check_rows,
)
from course.models.ppca.use import LinearGaussian


class PPCA(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    LinearGaussian,
):
    """Latent vector, plane, noise: x = mu + Lambda z + sigma eps.

    With z ~ N(0, I_M) and eps ~ N(0, I_D), x is normal with mean mu and
    covariance Lambda Lambda^T + sigma^2 I. M = 0 is one variance for all
    directions, M = D - 1 the full covariance.

    Args:
        n_components: M, the length of z, from 0 to D - 1.
        solver: "auto", the closed form, or where entries are missing EM from
            the closed form of the filled data; "em", EM from a random start.
        missing: "error", or "marginalise" to integrate NaN entries out.
        tol: EM stops once the mean log-likelihood rises by less, in nats.
        max_iter: EM stops after so many steps in any case.
        random_state: seed of the random start.

    Attributes:
        mean_: mu, shape (D,).
        loadings_: Lambda, shape (D, M); orthogonal columns, longest first.
            The entry of a column that is largest in absolute value is positive.
        noise_variance_: sigma^2.
        history_: mean log-likelihood, in nats: at the start and after every
            EM step; one value for the closed form. It never falls.
        n_iter_, converged_: EM steps, 1 for the closed form; whether the rise
            fell below tol.
        n_parameters_: the number of free parameters.

    Source: Tipping and Bishop 1999.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_components=1,
        *,
        solver="auto",
        missing="error",
        tol=1e-6,
        max_iter=1000,
        random_state=None,
    ):
        self.n_components = n_components
        self.solver = solver
        self.missing = missing
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def __sklearn_tags__(self):
        """NaN is allowed where it is integrated out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "marginalise"
        return tags

    def fit(self, X: Any, y: Any = None) -> "PPCA":
        """Maximise the likelihood of the rows of X, shape (N, D)."""
        x = self._checked(X)
        if self.solver == "auto" and not x.isnan().any():
            return self._closed(X, x, fits.spectrum(x))
        theta, history, done = fits.climb(
            x,
            self._start(x),
            tol=float(self.tol),
            max_iter=self.max_iter,
        )
        if not done:
            warnings.warn(
                f"EM did not converge in {self.max_iter} steps: increase "
                f"max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._keep(X, x, fits.canonical(theta), history, done)

    def fit_path(self, X: Any, n_components: Sequence[int]) -> list["PPCA"]:
        """Fitted copies, one for each M, from one singular value decomposition.

        Where entries are missing, each is fitted by itself.
        """
        models = [clone(self).set_params(n_components=M) for M in n_components]
        found = None
        for model in models:
            x = model._checked(X)
            if model.solver == "em" or x.isnan().any():
                model.fit(X)
            else:
                found = found or fits.spectrum(x)
                model._closed(X, x, found)
        return models

    def _start(self, x: Tensor) -> Parameters:
        """Where EM begins."""
        if self.solver == "auto":
            return fits.filled_start(x, self.n_components)
        rng = check_random_state(self.random_state)
        eps = rng.standard_normal((x.shape[1], self.n_components))
        return fits.random_start(x, tensor(eps, x))

    def _checked(self, X: Any) -> Tensor:
        """The rows to learn from, after a look at them and at the options."""
        check_options(self)
        x = self._rows(X, fit=True)
        check_rows(self, x)
        return x

    def _closed(self, X: Any, x: Tensor, found: fits.Spectrum) -> "PPCA":
        """Keep the closed form."""
        theta = fits.closed_form(found, self.n_components)
        check_bounded(theta.var, x)
        history = [factors.log_prob(x, theta).mean().item()]
        return self._keep(X, x, theta, history, True)

    def _keep(
        self,
        X: Any,
        x: Tensor,
        theta: Parameters,
        history: list[float],
        done: bool,
    ) -> "PPCA":
        """Set the attributes."""
        check_bounded(theta.var, x)
        D, M = theta.Lambda.shape
        self.mean_, self.loadings_ = like(X, theta.mu), like(X, theta.Lambda)
        self.noise_variance_ = theta.var.item()
        self.history_ = like(X, torch.tensor(history, dtype=torch.float64))
        self.n_iter_, self.converged_ = max(1, len(history) - 1), done
        # a rotation of z changes nothing: it is no parameter
        self.n_parameters_ = D + D * M - M * (M - 1) // 2 + 1
        return self
