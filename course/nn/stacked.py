"""Several small networks side by side, in one product of matrices a layer."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


class StackedMLP(nn.Module):
    """Perceptrons of equal widths; row n of a batch is for network n mod S.

    Each network has weights of its own and sees its own rows alone, so that a
    model trained on the stack is S models, with S starts, trained at once. A
    LeakyReLU stands between any two layers. Weights and biases start uniform
    in +-1 / sqrt(inputs), as those of `nn.Linear`.

    Args:
        networks: how many there are, S.
        widths: of the input, the hidden layers and the output.
        slope: of the LeakyReLU below zero.

    Raises:
        ValueError: no network, or fewer than two widths.

    >>> StackedMLP(3, 2, 64, 1)(torch.zeros(12, 2)).shape
    torch.Size([12, 1])
    """

    def __init__(self, networks: int, *widths: int, slope: float = 0.2):
        super().__init__()
        if networks < 1 or len(widths) < 2 or min(widths) < 1:
            raise ValueError(
                f"a stack needs a network and two positive widths at least, "
                f"not {networks} and {widths}: write StackedMLP(3, 2, 64, 1)"
            )
        self.networks, self.slope = networks, slope
        self.W, self.b = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise(widths):
            self.W.append(uniform(networks, n_in, n_out, bound=n_in**-0.5))
            self.b.append(uniform(networks, 1, n_out, bound=n_in**-0.5))

    def forward(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows out"]:
        """The output of network n mod S for every row n.

        Raises:
            ValueError: S does not divide the number of rows.
        """
        self.check(x)
        h, (*hidden, last) = deal(x, self.networks), self.layers()
        for W, b in hidden:
            h = leaky_relu(torch.baddbmm(b, h, W), self.slope)
        h = torch.baddbmm(last[1], h, last[0])
        return h.transpose(0, 1).flatten(0, 1)

    def gradient(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]:
        """The gradient of each row's outputs, summed, by the row itself.

        Between its kinks the network is linear, so its gradient is the product
        of its matrices, each row of a hidden one times 1 or `slope`. Written
        so, the result can be differentiated by the weights in a single pass;
        autograd would send zeros through the network a second time.

        Raises:
            ValueError: S does not divide the number of rows.
        """
        self.check(x)
        *hidden, last = self.W
        grad = last.sum(dim=2, keepdim=True).mT
        grad = grad.expand(-1, len(x) // self.networks, -1)
        for W, bent in zip(hidden[::-1], self.bends(x)[::-1], strict=True):
            grad = (grad * bent) @ W.mT
        return grad.transpose(0, 1).flatten(0, 1)

    @torch.no_grad()
    def bends(self, x: Float[Tensor, "rows d"]) -> list[Tensor]:
        """The slope of each hidden unit, 1 or `slope`, (S, rows / S, width)."""
        h, found = deal(x, self.networks), []
        for W, b in self.layers()[:-1]:
            h = torch.baddbmm(b, h, W)
            found.append((h > 0).to(h).mul_(1 - self.slope).add_(self.slope))
            h.mul_(found[-1])
        return found

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Matrix and bias of every layer; slices of the lists cost more."""
        return list(zip(self.W, self.b, strict=True))

    def check(self, x: Tensor) -> None:
        """Refuse rows that cannot be dealt evenly."""
        if len(x) % self.networks:
            raise ValueError(
                f"{len(x)} rows cannot be dealt to {self.networks} networks: "
                f"give each as many, for example by drop_last=True"
            )


def deal(x: Float[Tensor, "rows ..."], networks: int) -> Tensor:
    """The rows of every network, shape (S, rows / S, ...).

    >>> deal(torch.arange(6.0), 3).tolist()
    [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    return x.unflatten(0, (-1, networks)).transpose(0, 1)


def uniform(*shape: int, bound: float) -> nn.Parameter:
    """A parameter with entries uniform in [-bound, bound]."""
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
