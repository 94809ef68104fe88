"""K-means with scikit-learn's manners."""

import warnings
from numbers import Real
from typing import Any

import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.kmeans.lloyd import Run, lloyd
from course.models.kmeans.starts import plus_plus, some_rows

STARTS = {"k-means++": plus_plus, "random": some_rows}
LEAST = {"n_clusters": 1, "n_init": 1, "max_iter": 0}


class KMeans(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClusterMixin,
    BaseEstimator,
):
    """K centres that minimise J = sum_n min_k |x_n - mu_k|^2.

    Cluster numbers are arbitrary: they depend on the start. A cluster that
    loses all its rows takes the row farthest from its own centre.

    Args:
        n_clusters: the number of centres, K.
        init: "k-means++" (rows far apart), "random" (rows, all equally
            likely), or the centres to start from, shape (K, D).
        n_init: how many starts; all run as one batch, and the best is kept.
            One run is enough where `init` holds the centres.
        tol: stop once an iteration lowers J by no more than tol times its
            first value; 0 goes on until no row changes its cluster.
        max_iter: stop after so many iterations in any case.
        random_state: seed of the starts.

    Attributes:
        cluster_centers_: mu, shape (K, D).
        labels_: the cluster of every row of X, shape (N,).
        inertia_: J, the sum of squared distances.
        inertias_: J of every start, shape (n_init,).
        history_: J at the start and after every iteration; it never rises.
        n_iter_, converged_: iterations taken; whether they had an effect no
            longer.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_clusters=8,
        *,
        init="k-means++",
        n_init=10,
        tol=0.0,
        max_iter=300,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "KMeans":
        """Fit to the rows of X, shape (N, D); the best of `n_init` starts.

        Raises:
            ValueError: an option is out of range, X has fewer rows than
                clusters, or `init` has another shape than (K, D).
        """
        check_options(self)
        x = rows(self, X, fit=True)
        if len(x) < self.n_clusters:
            raise ValueError(
                f"Expected n_samples >= n_clusters but got n_clusters = "
                f"{self.n_clusters}, n_samples = {len(x)}: decrease n_clusters"
            )
        shift = x.mean(dim=0)  # far from the origin digits would be lost
        start = self._start(x, shift)
        runs = lloyd(
            x - shift, start, tol=float(self.tol), max_iter=self.max_iter
        )
        self._keep(X, runs, shift)
        return self

    def _start(self, x: Tensor, shift: Tensor) -> Tensor:
        """The centres of every run, shape (B, K, D), less the shift."""
        if isinstance(self.init, str):
            rng = check_random_state(self.random_state)
            find = STARTS[self.init]
            return find(x - shift, self.n_clusters, runs=self.n_init, rng=rng)
        mu = tensor(self.init, x)
        if mu.shape != (self.n_clusters, x.shape[1]):
            raise ValueError(
                f"init must have shape (n_clusters, n_features) = "
                f"{(self.n_clusters, x.shape[1])}, not {tuple(mu.shape)}"
            )
        if not mu.isfinite().all():
            raise ValueError("init contains NaN or infinity: give numbers")
        return (mu - shift)[None]

    def _keep(self, X: Any, runs: list[Run], shift: Tensor) -> None:
        """Set the attributes from the run with the lowest objective."""
        run = min(runs, key=lambda run: run.history[-1])
        self.cluster_centers_ = like(X, run.mu + shift)
        self.labels_ = like(X, run.z)
        history = torch.tensor(run.history, dtype=torch.float64)
        last = torch.tensor([r.history[-1] for r in runs], dtype=torch.float64)
        self.history_, self.inertias_ = like(X, history), like(X, last)
        self.inertia_ = run.history[-1]
        self.n_iter_ = len(run.history) - 1
        self.converged_ = run.converged
        self._n_features_out = self.n_clusters
        if not run.converged:
            warnings.warn(
                f"k-means did not converge in {self.max_iter} iterations: "
                f"increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _distances(self, X: Any) -> Tensor:
        """|x_n - mu_k|, shape (N, K), from differences: no digit is lost."""
        check_is_fitted(self)
        x = rows(self, X)
        mu = tensor(self.cluster_centers_, x)
        exact = "donot_use_mm_for_euclid_dist"
        return torch.cdist(x, mu, compute_mode=exact)

    def transform(self, X: Any) -> Any:
        """The distance of every row to every centre, shape (N, K)."""
        return like(X, self._distances(X))

    def predict(self, X: Any) -> Any:
        """The number of the nearest centre of every row, shape (N,)."""
        return like(X, self._distances(X).argmin(dim=1))

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the sum of squared distances to the nearest centres, -J."""
        return -self._distances(X).amin(dim=1).square().sum().item()


def check_options(model: KMeans) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: an unknown start, or a number that is out of range.
    """
    if isinstance(model.init, str) and model.init not in STARTS:
        raise ValueError(
            f"init must be one of {', '.join(STARTS)}, or an array of "
            f"centres, not {model.init!r}"
        )
    for name, least in LEAST.items():
        value = getattr(model, name)
        if not isinstance(value, Real) or value != value // 1 or value < least:
            raise ValueError(
                f"{name} must be a whole number of at least {least}, "
                f"not {value!r}"
            )
    if not isinstance(model.tol, Real) or not 0 <= model.tol < 1:
        raise ValueError(
            f"tol must be a number from 0 to below 1, not {model.tol!r}"
        )
