"""Backpropagation by hand, a batch at a time, in matrix products.

A network is a list of weights W_l, shape (out, in), and one of biases b_l. All
layers but the last have an activation psi (Rumelhart, Hinton, Williams 1986).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import silu

Batch = Float[Tensor, "N D"]


class Activation(NamedTuple):
    """A function psi(a), applied to every number, and its slope psi'(a)."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def tanh_slope(a: Tensor) -> Tensor:
    """1 - tanh(a)^2."""
    return 1 - a.tanh().square()


def relu_slope(a: Tensor) -> Tensor:
    """1 where a > 0, otherwise 0."""
    return (a > 0).to(a)


def silu_slope(a: Tensor) -> Tensor:
    """S (1 + a (1 - s)) with s = sigmoid(a); silu(a) is a s."""
    s = a.sigmoid()
    return s * (1 + a * (1 - s))


ACTIVATIONS = {
    "tanh": Activation(torch.tanh, tanh_slope),
    "relu": Activation(torch.relu, relu_slope),
    "silu": Activation(silu, silu_slope),
}


class Pass(NamedTuple):
    """What the forward pass leaves for the backward pass.

    inputs: h_{l-1}, what layer l was given, shape (N, in).
    sums: a_l = h_{l-1} W_l^T + b_l, shape (N, out); the last is the output.
    """

    inputs: list[Tensor]
    sums: list[Tensor]

    @property
    def output(self) -> Tensor:
        """The sums of the last layer."""
        return self.sums[-1]


def forward(
    x: Batch,
    W: Sequence[Tensor],
    b: Sequence[Tensor],
    psi: Activation,
) -> Pass:
    """a_l = W_l h_{l-1} + b_l and h_l = psi(a_l), layer after layer."""
    inputs, sums = [x], []
    for W_l, b_l in zip(W, b, strict=True):
        sums.append(inputs[-1] @ W_l.T + b_l)
        inputs.append(psi.value(sums[-1]))
    return Pass(inputs[:-1], sums)


def backward(
    delta: Batch,
    done: Pass,
    W: Sequence[Tensor],
    psi: Activation,
) -> tuple[list[Tensor], list[Tensor]]:
    """dJ/dW_l = delta_l^T h_{l-1}, dJ/db_l = sum_n delta_nl, last layer first.

    Args:
        delta: dJ/da of the last layer, shape (N, out).
        done: the forward pass.
        W: the weights.
        psi: the activation of all layers but the last.

    Returns:
        the gradients of the weights and of the biases, first layer first.
    """
    dW, db = [], []
    for layer in reversed(range(len(W))):
        dW.insert(0, delta.T @ done.inputs[layer])
        db.insert(0, delta.sum(dim=0))
        if layer:
            delta = (delta @ W[layer]) * psi.slope(done.sums[layer - 1])
    return dW, db


def start(
    widths: Sequence[int], rng: torch.Generator
) -> tuple[list[Tensor], list[Tensor]]:
    """Weights from N(0, 1 / in), so that sums begin of order 1; biases 0."""
    W = [
        torch.randn(n_out, n_in, generator=rng, dtype=torch.float64) / n_in**0.5
        for n_in, n_out in pairwise(widths)
    ]
    return W, [torch.zeros(len(w), dtype=torch.float64) for w in W]
