"""A classifier made of densities: one for each class, and Bayes' rule."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.targets import class_numbers, labels

LogProbs = Float[Tensor, "N K"]


class ClassConditional(ClassifierMixin, BaseEstimator):
    """The joint distribution p(x, y) = p(y) p(x | y), a density for each y.

    Args:
        estimator: a density, with `fit`, `score_samples` and `sample`; it is
            cloned for each class and itself never fitted. Where it takes NaN
            as missing, so does the classifier.
        priors: p(y), shape (K,), in the order of the sorted classes; their
            shares in the data where it is None.

    Attributes:
        classes_: the K classes, sorted.
        class_prior_: p(y), shape (K,).
        estimators_: the K fitted densities p(x | y), in the same order.
        history_: the mean of log p(x, y) in nats, a single value.
    """

    def __init__(self, estimator, *, priors=None):
        self.estimator = estimator
        self.priors = priors

    def __sklearn_tags__(self):
        """The input is what the density takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags

    def fit(self, X: Any, y: Any) -> "ClassConditional":
        """Fit a density to the rows of each class.

        Args:
            X: shape (N, D).
            y: N classes; two rows or more of each.

        Raises:
            ValueError: there are no labels, not as many as rows, or they are
                not classes; a class has a single row; the priors are no
                probabilities of the classes; or the density refuses X.
        """
        x = self._rows(X, fit=True)
        k = class_numbers(self, x, y)
        N_k = k.bincount(minlength=len(self.classes_))
        check_rows(N_k, self.classes_)
        shares = N_k.to(x) / len(x)
        pi = shares if self.priors is None else tensor(self.priors, x)
        check_priors(pi, self.classes_)
        self.class_prior_ = like(X, pi.clone())
        self.estimators_ = [
            clone(self.estimator).fit(like(X, x[k == i]))
            for i in range(len(pi))
        ]
        joint = self._log_joint(X, x).gather(1, k[:, None])
        self.history_ = like(X, joint.mean()[None])
        return self

    def joint_log_prob(self, X: Any) -> Any:
        """Log p(x_n, y = k) = log p(y = k) + log p(x_n | y = k), in nats.

        Shape (N, K); the columns are those of `classes_`.
        """
        return like(X, self._log_joint(X, self._read(X)))

    def score_samples(self, X: Any) -> Any:
        """Log p(x) = log sum_k p(x, y = k), shape (N,), in nats."""
        return like(X, self._log_joint(X, self._read(X)).logsumexp(dim=1))

    def predict_log_proba(self, X: Any) -> Any:
        """Log p(y = k | x) by Bayes' rule, shape (N, K).

        Of a row that is impossible in every class nothing is learned: p(y).
        """
        return like(X, self._log_posterior(X))

    def predict_proba(self, X: Any) -> Any:
        """The probabilities p(y = k | x), shape (N, K)."""
        return like(X, self._log_posterior(X).exp())

    def predict(self, X: Any) -> Any:
        """The most probable class of every row of X, shape (N,)."""
        return labels(self, X, self._log_posterior(X).argmax(dim=1))

    def sample(self, n: int = 1, random_state: Any = None, *, y: Any = None):
        """Draw n pairs (x, y): a class y from p(y), then x from p(x | y).

        Args:
            n: how many.
            random_state: a seed or a generator; fresh draws without one.
            y: a class to draw from, instead of p(y); or n classes.

        Returns:
            x, shape (n, D), and y, shape (n,), in no order.
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        k = self._draw_classes(n, rng) if y is None else self._numbers(y, n)
        drawn = {
            i: torch.as_tensor(
                self.estimators_[i].sample((k == i).sum().item(), rng)
            ).cpu()
            for i in k.unique().tolist()
        }
        kind = torch.stack([part[0] for part in drawn.values()])
        x = kind.new_empty(n, self.n_features_in_)
        for i, part in drawn.items():
            x[k == i] = part.to(x)
        prior = self.class_prior_
        return like(prior, x), labels(self, prior, k)

    def _rows(self, X: Any, *, fit: bool = False) -> Float[Tensor, "N D"]:
        """The rows of X, checked; NaN only where the density takes it."""
        missing = get_tags(self.estimator).input_tags.allow_nan
        return rows(self, X, fit=fit, missing=missing)

    def _read(self, X: Any) -> Float[Tensor, "N D"]:
        """The rows of X, for a fitted model."""
        check_is_fitted(self)
        return self._rows(X)

    def _log_joint(self, X: Any, x: Float[Tensor, "N D"]) -> LogProbs:
        """Log p(x, y), from rows x in the kind of X that densities know."""
        log_p = [m.score_samples(like(X, x)) for m in self.estimators_]
        log_p = torch.stack([tensor(column, x) for column in log_p], dim=1)
        return log_p + tensor(self.class_prior_, x).log()

    def _log_posterior(self, X: Any) -> LogProbs:
        joint = self._log_joint(X, self._read(X))
        log_p = joint - joint.logsumexp(dim=1, keepdim=True)
        impossible = log_p.isnan().any(dim=1, keepdim=True)
        prior = tensor(self.class_prior_, joint).log()
        return torch.where(impossible, prior, log_p)

    def _draw_classes(self, n: int, rng: Any) -> Int64[Tensor, " n"]:
        """The numbers of n classes drawn from p(y), on the CPU."""
        pi = tensor(self.class_prior_, torch.empty(0)).numpy()
        return torch.from_numpy(rng.choice(len(pi), size=n, p=pi / pi.sum()))

    def _numbers(self, y: Any, n: int) -> Int64[Tensor, " n"]:
        """The numbers of n classes, or n times that of one, on the CPU."""
        classes, y = (
            v.cpu().numpy() if isinstance(v, Tensor) else np.asarray(v)
            for v in (self.classes_, y)
        )
        if y.shape not in ((), (n,)) or not np.isin(y, classes).all():
            raise ValueError(
                f"y must be one class or n = {n} of them, out of "
                f"{list(classes)}, not {y!r}"
            )
        k = np.searchsorted(classes, y).astype(np.int64)
        return torch.from_numpy(np.broadcast_to(k, (n,)).copy())


def check_rows(N_k: Int64[Tensor, " K"], classes: Any) -> None:
    """Every class has rows enough for a density of its own.

    Raises:
        ValueError: one has a single row.
    """
    if N_k.min() < 2:
        alone = [classes[i].item() for i in (N_k < 2).nonzero().flatten()]
        raise ValueError(
            f"every class needs 2 rows or more for a density of its own, but "
            f"there is 1 of each of {alone}: add rows or drop those classes"
        )


def check_priors(pi: Tensor, classes: Any) -> None:
    """The priors are probabilities, one for each class.

    Raises:
        ValueError: another number of them, a negative one, or another sum.
    """
    one = pi.new_ones(())
    if pi.shape != (len(classes),) or not (
        (pi >= 0).all() and torch.isclose(pi.sum(), one, atol=1e-6)
    ):
        raise ValueError(
            f"priors must be {len(classes)} probabilities that sum to 1, one "
            f"for each class in {list(classes)}, not {pi.tolist()}"
        )
