"""Multilayer perceptrons with scikit-learn's manners, trained by hand."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any

import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows, tensor
from course.models.perceptron.backprop import (
    ACTIVATIONS,
    backward,
    forward,
    start,
)
from course.targets import class_numbers, labels, real_targets


class MultilayerPerceptron(BaseEstimator):
    """Layers of units, trained on the whole batch by Adam.

    Args:
        hidden: the widths of the hidden layers; () for a linear model.
        activation: of the hidden layers: "tanh", "relu" or "silu".
        alpha: weight decay: alpha / (2 N) times the squared weights is added.
        lr: the learning rate of Adam.
        max_iter: how many steps.
        random_state: seed of the first weights.

    Attributes:
        coefs_, intercepts_: W_l, shape (out, in), and b_l of every layer.
        history_: the loss before every step and after the last.
        n_iter_: the steps taken, max_iter.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        *,
        hidden=(32,),
        activation="tanh",
        alpha=1e-4,
        lr=0.01,
        max_iter=500,
        random_state=None,
    ):
        self.hidden = hidden
        self.activation = activation
        self.alpha = alpha
        self.lr = lr
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "MultilayerPerceptron":
        """Lower the loss on rows X, shape (N, D), with targets y."""
        check_options(self)
        x = rows(self, X, fit=True)
        target = self._targets(x, y)
        seed = check_random_state(self.random_state).randint(2**31)
        widths = [x.shape[1], *self.hidden, target.shape[1]]
        W, b = start(widths, torch.Generator().manual_seed(int(seed)))
        W, b = [w.to(x.device) for w in W], [v.to(x.device) for v in b]
        history = self._train(x, target, W, b)
        self.coefs_ = [like(X, w) for w in W]
        self.intercepts_ = [like(X, v) for v in b]
        self.history_ = like(X, torch.stack(history))
        self.n_iter_ = self.max_iter
        return self

    def _train(self, x: Tensor, target: Tensor, W: list, b: list) -> list:
        """Adam's steps along the gradients by hand, on W and b themselves."""
        adam = torch.optim.Adam([*W, *b], lr=self.lr)
        history = []
        for _ in range(self.max_iter):
            loss, dW, db = self._gradients(x, target, W, b)
            history.append(loss)
            for parameter, g in zip([*W, *b], [*dW, *db], strict=True):
                parameter.grad = g
            adam.step()
        return [*history, self._gradients(x, target, W, b)[0]]

    def _gradients(self, x: Tensor, target: Tensor, W: list, b: list) -> tuple:
        """The loss, and its gradients for every W_l and b_l."""
        psi, decay = ACTIVATIONS[self.activation], self.alpha / len(x)
        done = forward(x, W, b, psi)
        loss, delta = self._loss(done.output, target)
        dW, db = backward(delta, done, W, psi)
        loss = loss + decay / 2 * sum(w.square().sum() for w in W)
        return loss, [g + decay * w for g, w in zip(dW, W, strict=True)], db

    def _output(self, X: Any) -> Float[Tensor, "N K"]:
        """The sums of the last layer, for a fitted model."""
        check_is_fitted(self)
        x = rows(self, X)
        W, b = (
            [tensor(part, x) for part in parts]
            for parts in (self.coefs_, self.intercepts_)
        )
        return forward(x, W, b, ACTIVATIONS[self.activation]).output

    @abstractmethod
    def _targets(self, x: Tensor, y: Any) -> Float[Tensor, "N K"]:
        """What the output is compared with."""

    @abstractmethod
    def _loss(self, a: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of the last sums a, and its derivative by a."""


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """Half the mean squared error of a linear output unit."""

    def _targets(self, x: Tensor, y: Any) -> Float[Tensor, "N K"]:
        return real_targets(self, x, y)[:, None]

    def _loss(self, a: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (a - y)^2 / 2, and (a - y) / N."""
        error = a - target
        return error.square().sum() / (2 * len(a)), error / len(a)

    def predict(self, X: Any) -> Any:
        """The output for every row of X, shape (N,)."""
        return like(X, self._output(X)[:, 0])


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """Cross-entropy of softmax outputs, one for every class: p(y | x).

    It has no p(x), and cannot be sampled.
    """

    def _targets(self, x: Tensor, y: Any) -> Float[Tensor, "N K"]:
        k = class_numbers(self, x, y)
        return torch.eye(len(self.classes_)).to(x)[k]

    def _loss(self, a: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Mean -log softmax(a)_y in nats, and (softmax(a) - one-hot y) / N."""
        log_p = a.log_softmax(dim=1)
        loss = -(target * log_p).sum() / len(a)
        return loss, (log_p.exp() - target) / len(a)

    def predict_proba(self, X: Any) -> Any:
        """P(y = k | x) of every row of X, shape (N, K)."""
        return like(X, self._output(X).softmax(dim=1))

    def predict(self, X: Any) -> Any:
        """The most probable class of every row of X, shape (N,)."""
        return labels(self, X, self._output(X).argmax(dim=1))


def check_options(model: MultilayerPerceptron) -> None:
    """Raise a ValueError that names the option that cannot be."""
    if model.activation not in ACTIVATIONS:
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, "
            f"not {model.activation!r}"
        )
    for name, value in (
        *(("every width in hidden", width) for width in model.hidden),
        ("max_iter", model.max_iter),
    ):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                f"{name} must be a positive whole number, not {value!r}"
            )
    for name, least in (("lr", "positive"), ("alpha", "not negative")):
        value = getattr(model, name)
        fine = isinstance(value, Real) and 0 <= value < float("inf")
        if not fine or (name == "lr" and value == 0):
            raise ValueError(
                f"{name} must be a finite number, {least}, not {value!r}"
            )
