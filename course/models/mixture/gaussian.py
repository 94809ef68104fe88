"""Gaussian mixtures with scikit-learn's manners."""

from typing import Any

import torch
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import like, tensor
from course.models.mixture.base import STARTS, Mixture
from course.models.mixture.covariances import Full, Tied
from course.models.mixture.diagonal import Diagonal, Spherical
from course.models.mixture.gaussian_em import GaussianEM, Parameters
from course.models.mixture.given import given_start
from course.models.mixture.missing import MissingEM, log_joint_observed
from course.models.mixture.restoration import Restoration
from course.models.mixture.starts import starts

KINDS = {
    "full": Full,
    "tied": Tied,
    "diag": Diagonal,
    "spherical": Spherical,
}


class GaussianMixture(Restoration, Mixture):
    """A weighted sum of Gaussians, p(x) = sum_k pi_k N(x | mu_k, Sigma_k).

    Args:
        n_components: the number of Gaussians, K.
        covariance_type: full (a matrix each), tied (one matrix for all), diag
            (variances alone) or spherical (one variance each).
        n_init: how many restarts; the best is kept.
        ridge: added to the diagonal of each Sigma_k, so that none collapses.
        tol: stop once the mean log-likelihood rises by less, in nats.
        max_iter: stop after so many EM steps in any case.
        missing: "error", or "marginalise" to integrate NaN entries out.
        weights_init, means_init, covariances_init: an explicit start.
        random_state: seed of the restarts.

    Attributes:
        weights_: pi, shape (K,).
        means_: mu, shape (K, D).
        covariances_: Sigma; full (K, D, D), tied (D, D), diag (K, D),
            spherical (K,).
        history_: mean log-likelihood, in nats: at the start, then after every
            step; the last value is that of the result. It never falls: an EM
            step cannot lower it, and where the ridge does (the M-step is then
            not quite the maximum), the run ends before that step.
        n_iter_, converged_: EM steps taken; whether the rise fell below tol.
        n_parameters_: the number of free parameters.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_components=1,
        *,
        covariance_type="full",
        n_init=1,
        ridge=1e-6,
        tol=1e-6,
        max_iter=200,
        missing="error",
        weights_init=None,
        means_init=None,
        covariances_init=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.n_init = n_init
        self.ridge = ridge
        self.tol = tol
        self.max_iter = max_iter
        self.missing = missing
        self.weights_init = weights_init
        self.means_init = means_init
        self.covariances_init = covariances_init
        self.random_state = random_state

    def __sklearn_tags__(self):
        """NaN is allowed where it is integrated out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "marginalise"
        return tags

    @property
    def _kind(self) -> type:
        return KINDS[self.covariance_type]

    def _problem(self, x: Tensor, Ks: list[int]) -> tuple:
        build = MissingEM if x.isnan().any() else GaussianEM
        em = build(x, self._kind, float(self.ridge))
        return em, self._start(em, Ks)

    def _start(self, em: GaussianEM, Ks: list[int]) -> Parameters:
        """Weights and means by k-means, one covariance within the clusters."""
        rng = check_random_state(self.random_state)
        if all(getattr(self, name) is not None for name in STARTS):
            mu = em.z.new_zeros(self.n_init, Ks[0], em.D)
            start = Parameters(mu[..., 0], mu, em.kind.matrix(mu))
        else:
            pi, mu = starts(em.z, Ks, runs=self.n_init, rng=rng)
            start = Parameters(pi, mu, em.within(pi, mu))
        return given_start(self, em, start)

    def _set(self, X: Any, pi: Tensor, mu: Tensor, Sigma: Tensor) -> None:
        self.weights_, self.means_ = like(X, pi), like(X, mu)
        self.covariances_ = like(X, self._kind.pack(Sigma))

    def _parameters(self, x: Tensor) -> Parameters:
        """The fitted parameters, beside x."""
        pi, mu = tensor(self.weights_, x), tensor(self.means_, x)
        Sigma = self._kind.unpack(tensor(self.covariances_, x), *mu.shape)
        return Parameters(pi, mu, Sigma)

    def _log_joint(self, x: Tensor) -> Tensor:
        parameters = self._parameters(x)
        if x.isnan().any():
            Sigma = self._kind.dense(parameters.Sigma)
            return log_joint_observed(x, parameters._replace(Sigma=Sigma))
        return self._kind.log_joint(x, *parameters)

    def _count(self) -> int:
        """K - 1 weights, K D means, and the covariances."""
        K, D = self.n_components, self.n_features_in_
        return K - 1 + K * D + self._kind.count(K, D)

    def _draw(self, k: Tensor, rng: Any) -> Tensor:
        """Mu_k + L_k eps with L_k L_k^T = Sigma_k, for every k."""
        eps = rng.standard_normal((len(k), self.n_features_in_))
        eps = tensor(eps, torch.empty(0))
        _, mu, Sigma = self._parameters(eps)
        x = torch.empty_like(eps)
        for i in k.unique().tolist():
            x[k == i] = mu[i] + self._kind.coloured(eps[k == i], Sigma[i])
        return x
