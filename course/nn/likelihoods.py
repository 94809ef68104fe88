"""Likelihoods p(x | z): from a decoder's numbers to a distribution over x.

A network returns numbers; a likelihood says what they mean. Each function of
this file returns a `Likelihood`, which is called with a decoder's output and
returns a `torch.distributions` object whose event is the whole example: its
`log_prob` sums over the features (nats per example), its `sample` and `mean`
lie in the space of the data, where pictures have values in [0, 1].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, Normal

from course.nn.levels import DiscretisedLogistic, GreyLevels


@dataclass(frozen=True)
class Likelihood:
    """A family of distributions: call it with a decoder's output.

    Args:
        each: from the decoder's output to one distribution for each feature.
        outputs: how many numbers the decoder gives for each feature; where it
            is more than one, they lie along a trailing axis.

    >>> p = bernoulli()(torch.zeros(5, 1, 8, 8))
    >>> p.batch_shape, p.event_shape
    (torch.Size([5]), torch.Size([1, 8, 8]))
    """

    each: Callable[[Tensor], Distribution]
    outputs: int = 1

    def __call__(
        self, output: Float[Tensor, "..."], batch_dims: int = 1
    ) -> Distribution:
        """The product over the features; `batch_dims` axes come before them.

        Raises:
            ValueError: the output has not `outputs` numbers for each feature.
        """
        if self.outputs > 1 and output.shape[-1] != self.outputs:
            raise ValueError(
                f"the decoder's output must end in an axis of {self.outputs} "
                f"numbers for each feature, but its shape is "
                f"{tuple(output.shape)}: let the decoder end in nn.Unflatten"
            )
        each = self.each(output)
        return Product(each, len(each.batch_shape) - batch_dims)


def bernoulli() -> Likelihood:
    """p(x | z) for black and white: P(x = 1) = sigmoid(output).

    Grey values have no probability here, and `log_prob` refuses them with a
    ValueError: cross-entropy on grey pixels is not a likelihood.
    """
    return Likelihood(BlackWhite)


def gaussian(sigma: float) -> Likelihood:
    """p(x | z) = N(x; output, sigma^2), a density over real features.

    The mean is the output itself; a decoder that ends in a sigmoid keeps it in
    [0, 1]. Samples include the noise and may leave [0, 1].

    Raises:
        ValueError: `sigma` is not positive.
    """
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma must be positive and finite, not {sigma}")
    return Likelihood(partial(Normal, scale=sigma))


def categorical(levels: int) -> Likelihood:
    """P(x = k / (levels - 1) | z) = softmax(output)_k, k = 0 ... levels - 1.

    The decoder's output ends in an axis of `levels` logits. It can take any
    shape, two peaks included, but knows nothing of the order of the levels.

    Raises:
        ValueError: fewer than two levels; in `log_prob`, x between levels.
    """
    refuse_too_few(levels)
    return Likelihood(GreyLevels, outputs=levels)


def discretised_logistic(levels: int) -> Likelihood:
    """P(x = k / (levels - 1) | z): the mass of a logistic in the cell of k.

    P = F(c + h) - F(c - h), with c = k / (levels - 1), h = 1 / (2 levels - 2)
    and F(x) = sigmoid((x - mu) / s); the cells of black and white take the
    tails. The decoder's output ends in an axis of two numbers, mu and a; the
    scale is s = exp(7 tanh(a / 7)), that is log s = a, kept within +-7.

    Salimans, Karpathy, Chen and Kingma 2017 (arXiv:1701.05517), eq. 2, with
    one component.

    Raises:
        ValueError: fewer than two levels; in `log_prob`, x between levels.
    """
    refuse_too_few(levels)
    return Likelihood(partial(DiscretisedLogistic, levels=levels), outputs=2)


def refuse_too_few(levels: int) -> None:
    """Check that there is more than one level."""
    if levels < 2:
        raise ValueError(
            f"grey values need at least two levels, not {levels}: pictures of "
            f"8 bits have 256, the digits 17"
        )


class Product(Independent):
    """A product over features that refuses examples of another shape."""

    def log_prob(self, value: Tensor) -> Tensor:
        """The sum of the features' log-probabilities, in nats per example."""
        shape = value.shape[value.ndim - len(self.event_shape) :]
        if value.ndim < len(self.event_shape) or shape != self.event_shape:
            raise ValueError(
                f"the decoder describes examples of shape "
                f"{tuple(self.event_shape)}, but x is {tuple(value.shape)}: "
                f"let the decoder end in nn.Unflatten, or flatten x"
            )
        return super().log_prob(value)


class BlackWhite(Bernoulli):
    """A Bernoulli with given logits that says why it refuses grey values."""

    def __init__(self, logits: Tensor):
        super().__init__(logits=logits)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of P(value); every value must be 0 or 1."""
        if not ((value == 0) | (value == 1)).all():
            raise ValueError(
                "a Bernoulli gives probability to 0 and 1 only, but x holds "
                "other values: binarise x, or use the likelihood "
                "categorical(levels) or discretised_logistic(levels)"
            )
        return super().log_prob(value)
