"""Hidden Markov models of signals: Gaussian states."""

from typing import Any

import torch
from jaxtyping import Float
from sklearn.cluster import kmeans_plusplus
from torch import Tensor
from torch.nn.functional import one_hot

from course.arrays import like, tensor
from course.models.hmm.base import HMM
from course.models.hmm.em import State
from course.models.hmm.normal import KINDS, Normal
from course.models.hmm.options import given, parameter

CANDIDATES = 5000  # steps among which the means start
STEPS = 10  # of k-means


class GaussianHMM(HMM):
    """Hidden states that emit vectors, b_k(x) = N(x; mu_k, Sigma_k).

    Sequences take the forms of `course.models.hmm.sequences`.

    Args:
        n_states: the number of hidden states, K.
        covariance_type: full (a matrix for each state) or diag (variances).
        n_init: how many restarts; the best is kept.
        ridge: added to the diagonal of each Sigma_k, so that none collapses.
        tol: stop once the log-likelihood rises by less, in nats per step.
        max_iter: stop after so many Baum-Welch steps in any case.
        algorithm: "scaled" (step by step), "scan" (a parallel prefix in log
            space, O(log T) rounds) or "auto"; the answers are the same.
        start_init, transitions_init, means_init, covariances_init: an explicit
            start. A probability that is zero there stays zero.
        random_state: seed of the restarts.

    Attributes:
        start_: pi, p(z_1 = k), shape (K,).
        transitions_: a_ij = p(z_t = j | z_{t-1} = i), shape (K, K).
        means_: mu, shape (K, D).
        covariances_: Sigma; full (K, D, D), diag (K, D).
        history_: log-likelihood in nats per step in time, at the start and
            after every step. It never falls: where the ridge would lower it,
            the run ends before. The last value is N / L times the score, for N
            sequences with L steps in all.
        restarts_: the last objective of every restart, shape (n_init,).
        n_iter_, converged_: steps taken; whether the rise fell below tol.
        n_parameters_: the number of free parameters.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_states=2,
        *,
        covariance_type="full",
        n_init=1,
        ridge=1e-6,
        tol=1e-6,
        max_iter=500,
        algorithm="auto",
        start_init=None,
        transitions_init=None,
        means_init=None,
        covariances_init=None,
        random_state=None,
    ):
        self.n_states = n_states
        self.covariance_type = covariance_type
        self.n_init = n_init
        self.ridge = ridge
        self.tol = tol
        self.max_iter = max_iter
        self.algorithm = algorithm
        self.start_init = start_init
        self.transitions_init = transitions_init
        self.means_init = means_init
        self.covariances_init = covariances_init
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls, start: Any, transitions: Any, *, means: Any, covariances: Any
    ) -> "GaussianHMM":
        """A model with these parameters, ready to use: nothing is fitted.

        Shapes (K,), (K, K), (K, D), and (K, D, D) or (K, D).
        """
        mu, Sigma = parameter(means), parameter(covariances)
        kind = "diag" if Sigma.ndim == 2 else "full"
        check_covariances(kind, given(Sigma, Sigma[None], "covariances")[0])
        return cls._from(start, transitions, mu, Sigma, covariance_type=kind)

    @property
    def _kind(self) -> type:
        return KINDS[self.covariance_type]

    def _emission(self, x: Tensor) -> Normal:
        return Normal(x, self._kind, float(self.ridge))

    def _start(self, emission: Normal, rng: Any) -> State:
        """Means by k-means, and one covariance within the clusters."""
        mu, Sigma = zip(
            *(
                clusters(emission, self.n_states, rng)
                for _ in range(self.n_init)
            ),
            strict=True,
        )
        means = self.means_init
        if means is not None:
            means = parameter(means).to(emission.centre) - emission.centre
        mu = given(means, torch.stack(mu), "means_init")
        Sigma = given(
            self.covariances_init, torch.stack(Sigma), "covariances_init"
        )
        check_covariances(self.covariance_type, Sigma)
        return mu, Sigma

    def _set_emission(self, X: Any, mu: Tensor, Sigma: Tensor) -> None:
        self.means_, self.covariances_ = like(X, mu), like(X, Sigma)

    def _log_b(self, x: Tensor) -> Float[Tensor, "L K"]:
        mu, Sigma = tensor(self.means_, x), tensor(self.covariances_, x)
        return self._kind.log_b(x, mu, Sigma)

    def _count(self) -> int:
        K, D = self.means_.shape
        free = D * (D + 1) // 2 if self.covariance_type == "full" else D
        return K * (D + free)

    def _draw(self, z: Tensor, rng: Any) -> Tensor:
        """Mu_z + L_z eps with L_k L_k^T = Sigma_k."""
        eps = rng.standard_normal((len(z), self.n_features_in_, 1))
        eps = tensor(eps, torch.empty(0))
        mu, Sigma = tensor(self.means_, eps), tensor(self.covariances_, eps)
        return mu[z] + (self._kind.root(Sigma)[z] @ eps)[..., 0]


def clusters(
    emission: Normal, K: int, rng: Any
) -> tuple[Float[Tensor, "K D"], Tensor]:
    """Means of k clusters, and the covariance within them, for each."""
    z = emission.z
    some = rng.permutation(len(z))[:CANDIDATES]
    seeds, _ = kmeans_plusplus(
        z[torch.from_numpy(some).to(z.device)].cpu().numpy(),
        K,
        random_state=rng.randint(2**31 - 1),
    )
    mu = tensor(seeds, z)
    for _ in range(STEPS):
        hot = one_hot(torch.cdist(z, mu).argmin(1), K).to(z)
        N_k = hot.sum(0)[:, None]
        mu = (hot.T @ z / N_k).where(N_k > 0, mu)
    centred = emission.kind.features(z - hot @ mu).mean(0, keepdim=True)
    D = z.shape[1]
    Sigma = emission.kind.moments(
        torch.zeros_like(mu[:1]), centred[:, D:-1], emission.ridge
    )
    return mu, Sigma.expand(K, *Sigma.shape[1:])


def check_covariances(kind: str, Sigma: Tensor) -> None:
    """Every covariance is symmetric and positive definite.

    Raises:
        ValueError: one is not.
    """
    if kind == "diag":
        good = bool((Sigma > 0).all())
    else:
        symmetric = torch.allclose(Sigma, Sigma.mT, rtol=1e-8)
        good = symmetric and not torch.linalg.cholesky_ex(Sigma)[1].any()
    if not good:
        raise ValueError(
            "covariances must be symmetric and positive definite (diag: "
            "variances above zero): check them, or increase ridge"
        )
