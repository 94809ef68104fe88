"""Gradient descent, on all rows or on minibatches, and Adam.

An optimiser knows no model: it is given a gradient and follows it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from numpy.random import RandomState
from sklearn.utils import check_random_state
from torch import Tensor


@dataclass(frozen=True)
class GradientDescent:
    """Theta <- theta - lr_t g, with lr_t = lr / (1 + decay t).

    Attributes:
        lr: the learning rate, eta.
        epochs: how often every row is used.
        batch_size: rows in a minibatch; by default all of them. With fewer,
            this is stochastic gradient descent (H. Robbins, S. Monro, A
            Stochastic Approximation Method, 1951).
        decay: how fast the learning rate falls with the number t of steps.
        random_state: seed of the order of the rows, fresh in every epoch.
    """

    lr: float | int = 0.1
    epochs: int = 100
    batch_size: int | None = None
    decay: float | int = 0.0
    random_state: Any = None

    def __post_init__(self):
        """Refuse what cannot work.

        Raises:
            ValueError: a number that is too small.
        """
        least = {"epochs": 1, "batch_size": 1}
        for name in least:
            value = getattr(self, name)
            if value is not None and value < least[name]:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not self.lr > 0 or not self.decay >= 0:
            raise ValueError(
                f"lr must be positive and decay not negative, not {self.lr} "
                f"and {self.decay}"
            )

    def start(self, theta: Tensor) -> tuple:
        """What is remembered from step to step: here nothing."""
        return ()

    def step(self, theta: Tensor, g: Tensor, t: int, memory: tuple) -> tuple:
        """Theta and memory after step t = 0, 1, ... along -g."""
        return theta - self.rate(t) * g, memory

    def rate(self, t: int) -> float:
        """The learning rate of step t."""
        return self.lr / (1 + self.decay * t)


@dataclass(frozen=True)
class Adam(GradientDescent):
    """Theta <- theta - lr_t m / (sqrt(v) + eps), with m, v running means.

    M is the running mean of g, v that of its square, each divided by 1 minus
    its share of the zero it started from (D. Kingma, J. Ba, Adam, 2015,
    arXiv:1412.6980, algorithm 1).

    Attributes:
        beta1, beta2: how much of the old m and of the old v is kept.
        eps: keeps the division finite.
    """

    beta1: float | int = 0.9
    beta2: float | int = 0.999
    eps: float | int = 1e-8

    def start(self, theta: Tensor) -> tuple:
        """M and v, both zero."""
        return torch.zeros_like(theta), torch.zeros_like(theta)

    def step(self, theta: Tensor, g: Tensor, t: int, memory: tuple) -> tuple:
        """Theta and memory after step t = 0, 1, ... along -g."""
        m, v = memory
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g**2
        m_hat = m / (1 - self.beta1 ** (t + 1))
        v_hat = v / (1 - self.beta2 ** (t + 1))
        return theta - self.rate(t) * m_hat / (v_hat.sqrt() + self.eps), (m, v)


def minibatches(N: int, size: int | None, rng: RandomState) -> list:
    """The numbers of N rows, shuffled and cut into batches of `size`.

    Without a size there is one batch, all rows in their order.
    """
    if size is None:
        return [slice(None)]
    return list(torch.from_numpy(rng.permutation(N)).split(size))


def descend(
    gradient: Callable, theta: Tensor, *, rule: GradientDescent, rows: int = 1
) -> Iterator[Tensor]:
    """Yield theta after every epoch of steps along -gradient(theta, batch).

        >>> rule = GradientDescent(lr=0.5, epochs=3)
        >>> start = torch.tensor(8.0)
        >>> [float(t) for t in descend(lambda t, batch: t, start, rule=rule)]
        [4.0, 2.0, 1.0]

    Args:
        gradient: from theta and a batch to a tensor shaped like theta. A batch
            is a tensor of row numbers, or `slice(None)` for all rows.
        theta: where to start; any shape. It is not changed.
        rule: how to step, a `GradientDescent` or an `Adam`.
        rows: how many rows there are to draw minibatches from.
    """
    rng = check_random_state(rule.random_state)
    t, memory = 0, rule.start(theta)
    for _ in range(rule.epochs):
        for batch in minibatches(rows, rule.batch_size, rng):
            theta, memory = rule.step(theta, gradient(theta, batch), t, memory)
            t += 1
        yield theta
