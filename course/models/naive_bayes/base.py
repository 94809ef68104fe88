"""What every naive Bayes model does, whatever its features are."""

from abc import abstractmethod
from numbers import Real
from typing import Any

import torch
from jaxtyping import Float, Int64
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.naive_bayes.labels import labels, numbers, take


class NaiveBayes(ClassifierMixin, BaseEstimator):
    """The joint distribution p(x, y) = p(y) prod_d p(x_d | y)."""

    def fit(self, X: Any, y: Any) -> "NaiveBayes":
        """Fit to rows X, shape (N, D), and their labels y, shape (N,).

        Raises:
            ValueError: there are no labels, not as many as rows, or they are
                not classes; or X does not suit the distribution.
        """
        x = self._rows(X, fit=True)
        self.classes_, k = labels(self, y, x)
        hot = torch.nn.functional.one_hot(k, len(self.classes_)).to(x)
        N_k = hot.sum(dim=0)
        self.class_prior_ = like(X, N_k / len(x))
        self.n_features_in_ = x.shape[1]
        self._fit(X, x, hot)
        joint = self._log_joint(x).gather(1, k[:, None])
        self.history_ = like(X, joint.mean()[None])
        return self

    def joint_log_prob(self, X: Any) -> Any:
        """Log p(x_n, y = k) = log p(y = k) + sum_d log p(x_nd | y = k).

        Shape (N, K), in nats; the columns are those of `classes_`.
        """
        return like(X, self._log_joint(self._read(X)))

    def score_samples(self, X: Any) -> Any:
        """Log p(x) = log sum_k p(x, y = k), shape (N,), in nats."""
        return like(X, self._log_joint(self._read(X)).logsumexp(dim=1))

    def predict_log_proba(self, X: Any) -> Any:
        """Log p(y = k | x) by Bayes' rule, shape (N, K).

        Of a row that is impossible in every class nothing is learned: p(y).
        """
        joint = self._log_joint(self._read(X))
        log_p = joint - joint.logsumexp(dim=1, keepdim=True)
        impossible = log_p.isnan().any(dim=1, keepdim=True)
        prior = tensor(self.class_prior_, joint).log()
        return like(X, torch.where(impossible, prior, log_p))

    def predict_proba(self, X: Any) -> Any:
        """The probabilities p(y = k | x), shape (N, K)."""
        log_p = self.predict_log_proba(X)
        return like(X, tensor(log_p, torch.empty(0)).exp())

    def predict(self, X: Any) -> Any:
        """The most probable class of every row of X, shape (N,)."""
        k = self.predict_log_proba(X).argmax(-1)
        return take(self.classes_, k)

    def sample(self, n: int = 1, random_state: Any = None, *, y: Any = None):
        """Draw n pairs (x, y): a class y from p(y), then x from p(x | y).

        Args:
            n: how many.
            random_state: a seed or a generator; fresh draws without one.
            y: a class to draw from, instead of p(y); or n classes.

        Returns:
            x, shape (n, D), and y, shape (n,).
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        if y is None:
            pi = tensor(self.class_prior_, torch.empty(0)).numpy()
            k = torch.from_numpy(rng.choice(len(pi), size=n, p=pi / pi.sum()))
        else:
            k = numbers(self.classes_, y, n)
        x = like(self.class_prior_, self._draw(k, rng))
        return x, take(self.classes_, like(self.class_prior_, k))

    def _rows(self, X: Any, *, fit: bool = False) -> Float[Tensor, "N D"]:
        """The rows of X, checked; what the features are is up to the kind."""
        return rows(self, X, fit=fit)

    def _read(self, X: Any) -> Float[Tensor, "N D"]:
        """The rows of X, for a fitted model."""
        check_is_fitted(self)
        return self._rows(X)

    def _log_joint(self, x: Float[Tensor, "N D"]) -> Float[Tensor, "N K"]:
        prior = tensor(self.class_prior_, x).log()
        return prior + self._log_likelihood(x)

    @abstractmethod
    def _fit(self, X: Any, x: Float[Tensor, "N D"], hot: Tensor) -> None:
        """Set the parameters of p(x_d | y); `hot` is y as rows, (N, K)."""

    @abstractmethod
    def _log_likelihood(self, x: Float[Tensor, "N D"]) -> Tensor:
        """Sum_d log p(x_nd | y = k), shape (N, K)."""

    @abstractmethod
    def _draw(self, k: Int64[Tensor, " n"], rng: Any) -> Tensor:
        """One row from p(x | y = k) for each entry of k, on the CPU."""


def check_positive(**options: Any) -> None:
    """Every option is a number, finite and not negative.

    Raises:
        ValueError: one is not.
    """
    for name, value in options.items():
        if not isinstance(value, Real) or not 0 <= value < float("inf"):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )
