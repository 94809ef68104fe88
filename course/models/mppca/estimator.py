"""Mixtures of probabilistic PCA with scikit-learn's manners."""

import warnings
from typing import Any

import torch
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.mppca import em, factors
from course.models.mppca.factors import Parameters
from course.models.mppca.options import check_options, check_rows


class MixtureOfPPCA(DensityMixin, BaseEstimator):
    """Several planes: k from pi, then x = mu_k + Lambda_k z + sigma_k eps.

    With z ~ N(0, I_M) and eps ~ N(0, I_D), component k is normal with mean
    mu_k and covariance Lambda_k Lambda_k^T + sigma_k^2 I. One component is
    probabilistic PCA; M = D - 1 is the mixture of full Gaussians.

    Args:
        n_components: the number of planes, K.
        latent_dim: M, the length of z, from 0 to D - 1.
        n_init: how many restarts; the best is kept.
        noise_floor: no sigma_k^2 is below it. Without one the likelihood has
            no maximum: a plane through a few rows needs no noise.
        tol: EM stops once the mean log-likelihood rises by less, in nats.
        max_iter: EM stops after so many steps in any case.
        random_state: seed of the restarts.

    Attributes:
        weights_: pi, shape (K,).
        means_: mu, shape (K, D).
        loadings_: Lambda, shape (K, D, M); orthogonal columns, longest first.
            The entry of a column that is largest in absolute value is positive.
        noise_variances_: sigma^2, shape (K,).
        history_: mean log-likelihood, in nats: at the start and after every
            EM step. It never falls.
        n_iter_, converged_: EM steps; whether the rise fell below tol.
        n_parameters_: the number of free parameters.

    Source: Tipping and Bishop 1999, Mixtures of probabilistic principal
    component analysers, Neural Computation 11(2).
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_components=1,
        *,
        latent_dim=1,
        n_init=1,
        noise_floor=1e-6,
        tol=1e-6,
        max_iter=1000,
        random_state=None,
    ):
        self.n_components = n_components
        self.latent_dim = latent_dim
        self.n_init = n_init
        self.noise_floor = noise_floor
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "MixtureOfPPCA":
        """Fit to the rows of X, shape (N, D); the best of `n_init` runs.

        Memory grows as K D min(N, D).
        """
        check_options(self)
        x = rows(self, X, fit=True)
        check_rows(self, x)
        rng = check_random_state(self.random_state)
        runs = [self._run(x, rng) for _ in range(self.n_init)]
        theta, history, done = max(runs, key=lambda run: run[1][-1])
        if not done:
            warnings.warn(
                f"EM did not converge in {self.max_iter} steps: increase "
                f"max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._keep(X, em.canonical(theta), history, done)

    def _run(self, x: Tensor, rng: Any) -> tuple[Parameters, list, bool]:
        """One run of EM, from centres that are spread out."""
        seed = rng.randint(2**31 - 1)
        K, floor = self.n_components, float(self.noise_floor)
        _, first = kmeans_plusplus(x.cpu().numpy(), K, random_state=seed)
        theta = em.start(x, x[first], M=self.latent_dim, floor=floor)
        return em.climb(
            x, theta, floor=floor, tol=float(self.tol), max_iter=self.max_iter
        )

    def _keep(
        self, X: Any, theta: Parameters, history: list[float], done: bool
    ) -> "MixtureOfPPCA":
        """Set the attributes."""
        K, D, M = theta.Lambda.shape
        self.weights_, self.means_ = like(X, theta.pi), like(X, theta.mu)
        self.loadings_ = like(X, theta.Lambda)
        self.noise_variances_ = like(X, theta.var)
        self.history_ = like(X, torch.tensor(history, dtype=torch.float64))
        self.n_iter_, self.converged_ = len(history) - 1, done
        # a rotation of z changes nothing: it is no parameter
        plane = D + D * M - M * (M - 1) // 2 + 1
        self.n_parameters_ = K - 1 + K * plane
        return self

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row of X, shape (N,), in nats."""
        return like(X, torch.cat([log_p for log_p, _ in self._e_steps(X)]))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def predict_proba(self, X: Any) -> Any:
        """The responsibilities r_nk = p(k | x_n), shape (N, K)."""
        return like(X, torch.cat([r.T for _, r in self._e_steps(X)]))

    def predict(self, X: Any) -> Any:
        """The most responsible component of every row of X, shape (N,)."""
        return self.predict_proba(X).argmax(-1)

    def reconstruct(self, X: Any) -> Any:
        """E[mu_k + Lambda_k z | x]: every row without its noise, (N, D).

        The mean over components, sum_k r_nk (mu_k + Lambda_k E[z | x_n, k]).
        """
        x, theta = self._read(X)
        blocks = factors.blocks(x, theta)
        return like(X, torch.cat([factors.expected(b, theta) for b in blocks]))

    def impute(self, X: Any) -> Any:
        """A copy of X with every NaN replaced by E[x_missing | x_observed].

        The only method that takes rows with NaN.
        """
        x, theta = self._read(X, missing=True)
        blocks = factors.blocks(x, theta)
        full = torch.cat([factors.expected(b, theta) for b in blocks])
        return like(X, torch.where(x.isnan(), full, x))

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows: k from pi, z from N(0, I), then x. In no order."""
        check_is_fitted(self)
        theta = self._parameters(torch.empty(0))
        K, D, M = theta.Lambda.shape
        rng = check_random_state(random_state)
        k = torch.from_numpy(rng.choice(K, size=n, p=theta.pi.numpy()))
        z = torch.from_numpy(rng.standard_normal((n, M)))
        eps = torch.from_numpy(rng.standard_normal((n, D)))
        x = theta.mu[k] + theta.var[k].sqrt()[:, None] * eps
        for i in k.unique():  # Lambda[k] would be n matrices
            x[k == i] += z[k == i] @ theta.Lambda[i].T
        return like(self.means_, x)

    def _parameters(self, x: Tensor) -> Parameters:
        """The fitted parameters, beside x."""
        return Parameters(
            tensor(self.weights_, x),
            tensor(self.means_, x),
            tensor(self.loadings_, x),
            tensor(self.noise_variances_, x),
        )

    def _read(
        self, X: Any, *, missing: bool = False
    ) -> tuple[Tensor, Parameters]:
        """The rows of X and the parameters, of a fitted model."""
        check_is_fitted(self)
        x = rows(self, X, missing=missing)
        return x, self._parameters(x)

    def _e_steps(self, X: Any) -> list[tuple[Tensor, Tensor]]:
        """Log p(x_n) and r_kn, for one block of rows at a time."""
        x, theta = self._read(X)
        return [
            factors.e_step(factors.log_joint(b, theta))
            for b in factors.blocks(x, theta)
        ]
