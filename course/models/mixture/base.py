"""What every mixture does, whatever its components are."""

import math
import warnings
from abc import abstractmethod
from typing import Any

import torch
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.mixture.em import Run, block_rows, climb, e_step
from course.models.mixture.options import check_options

STARTS = ("weights_init", "means_init", "covariances_init")


class Mixture(DensityMixin, BaseEstimator):
    """A weighted sum of components, p(x) = sum_k pi_k p(x | k)."""

    def fit(self, X: Any, y: Any = None) -> "Mixture":
        """Fit to the rows of X, shape (N, D); the best of `n_init` runs."""
        self._fit(X, [self])
        return self

    def fit_path(
        self, X: Any, n_components: Any = range(1, 13)
    ) -> list["Mixture"]:
        """Fitted copies of this mixture, one for each number of components.

        All numbers and all restarts run as one batch. The answers are those
        of separate fits with the same `random_state`.
        """
        check_path(self, n_components)
        models = [clone(self).set_params(n_components=K) for K in n_components]
        self._fit(X, models)
        return models

    def _fit(self, X: Any, models: list["Mixture"]) -> None:
        """Fit all models in one batch: the runs of the first, of the next..."""
        for model in models:
            check_options(model)
            x = model._rows(X, fit=True)
            check_enough(model, x)
        Ks = [model.n_components for model in models]
        em, start = self._problem(x, Ks)
        runs = climb(
            em.step, start, tol=float(self.tol), max_iter=self.max_iter
        )
        for m, model in enumerate(models):
            first = m * self.n_init
            run = best(runs[first : first + self.n_init], model)
            parts = [part[: model.n_components] for part in run.state]
            model._set(X, *em.restore(*parts))
            model._keep(run, X)

    def _keep(self, run: Run, X: Any) -> None:
        """Set the attributes that every mixture has."""
        self.history_ = like(X, torch.tensor(run.history, dtype=torch.float64))
        self.n_iter_ = len(run.history) - 1
        self.converged_ = run.converged
        self.n_parameters_ = self._count()
        if not run.converged:
            warnings.warn(
                f"EM did not converge in {self.max_iter} steps: increase "
                f"max_iter or tol",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _read(self, X: Any) -> Tensor:
        """The rows of X, for a fitted model."""
        check_is_fitted(self)
        return self._rows(X)

    def _rows(self, X: Any, *, fit: bool = False) -> Tensor:
        """The rows of X, checked; NaN only where it is marginalised."""
        try:
            return rows(self, X, fit=fit, missing=self.missing != "error")
        except ValueError as error:
            if "contains NaN" not in str(error):
                raise
            raise ValueError(
                f"Input X contains NaN, which {type(self).__name__} takes for "
                f"a missing entry: set missing='marginalise' to sum or "
                f"integrate over it, or drop those rows"
            ) from None

    def _blocks(self, x: Tensor) -> list[Tensor]:
        """Log p(k, x_n), shape (1, K, n), for one block of rows at a time."""
        width = self.n_components * x.shape[1]
        return [self._log_joint(b)[None] for b in x.split(block_rows(width))]

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row of X, shape (N,), in nats."""
        blocks = self._blocks(self._read(X))
        return like(X, torch.cat([e_step(b)[0][0] for b in blocks]))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def predict_proba(self, X: Any) -> Any:
        """The responsibilities r_nk = p(k | x_n), shape (N, K).

        Of a row that is impossible, p(x_n) = 0, nothing is learned: pi.
        """
        x = self._read(X)
        r = torch.cat([e_step(b)[1][0].T for b in self._blocks(x)])
        impossible = r.isnan().any(dim=1, keepdim=True)
        return like(X, torch.where(impossible, tensor(self.weights_, x), r))

    def predict(self, X: Any) -> Any:
        """The most responsible component of every row of X, shape (N,)."""
        return self.predict_proba(X).argmax(-1)

    def aic(self, X: Any) -> float:
        """The criterion 2 n_parameters_ - 2 sum_n log p(x_n) (Akaike 1974)."""
        return 2 * (self.n_parameters_ - len(X) * self.score(X))

    def bic(self, X: Any) -> float:
        """The criterion log(N) n_parameters_ - 2 sum_n log p(x_n) (Schwarz)."""
        penalty = math.log(len(X)) * self.n_parameters_
        return penalty - 2 * len(X) * self.score(X)

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows: a component k from pi, then x from p(x | k).

        The rows are independent and in no order. Without a `random_state` they
        differ from call to call, whatever seed the fit had.
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        pi = tensor(self.weights_, torch.empty(0)).numpy()
        k = torch.from_numpy(rng.choice(len(pi), size=n, p=pi / pi.sum()))
        return like(self.weights_, self._draw(k, rng))

    @abstractmethod
    def _problem(self, x: Tensor, Ks: list[int]) -> tuple:
        """The EM step, with a `restore`, and the start of every run."""

    @abstractmethod
    def _log_joint(self, x: Tensor) -> Tensor:
        """Log p(k, x_n), shape (K, N)."""


def best(runs: list[Run], model: Mixture) -> Run:
    """The run with the highest objective."""
    run = max(runs, key=lambda run: run.objective)
    if run.failed:
        raise ValueError(
            f"every run of {model} met a covariance that is not positive "
            f"definite: a component collapsed onto a point or a plane. "
            f"Increase ridge, decrease n_components or increase n_init"
        )
    return run


def check_path(model: Mixture, n_components: Any) -> None:
    """There is a number of components, and no start for one of them alone."""
    if len(n_components) == 0:
        raise ValueError("n_components is empty: give at least one number")
    for name in STARTS:
        if getattr(model, name, None) is not None:
            raise ValueError(
                f"fit_path finds a start for every number of components, and "
                f"{name} is a start for one: use fit, or leave it None"
            )


def check_enough(model: Mixture, x: Tensor) -> None:
    """There is a row for each component, and an entry in each column."""
    empty = x.isnan().all(dim=0).nonzero().flatten().tolist()
    if empty:
        raise ValueError(
            f"columns {empty} have no entry that is present: drop them"
        )
    if len(x) < model.n_components:
        raise ValueError(
            f"Expected n_samples >= n_components but got n_components = "
            f"{model.n_components}, n_samples = {len(x)}: decrease "
            f"n_components"
        )
