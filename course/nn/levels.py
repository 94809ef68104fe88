"""Distributions over the grey levels 0, 1 / (L - 1), ..., 1 of a picture.

Stored pictures take finitely many values. A probability for each of them is an
exact likelihood: it needs no noise and cannot grow without bound, as densities
do on data with repeated values.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.nn.functional import logsigmoid


class Levels(Distribution):
    """What distributions over grey levels share.

    Args:
        like: a tensor with the shape, type and device of the samples.
        levels: the number L of grey levels.
    """

    arg_constraints = {}  # noqa: RUF012 - torch looks for this name

    def __init__(self, like: Tensor, levels: int):
        self.values = torch.arange(levels).to(like) / (levels - 1)
        super().__init__(like.shape)

    def index(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The whole number k of value = k / (L - 1).

        Raises:
            ValueError: a value lies between two levels or outside [0, 1].
        """
        top = len(self.values) - 1
        k = (value * top).round()
        if not ((value * top - k).abs().lt(1e-3) & (k >= 0) & (k <= top)).all():
            raise ValueError(
                f"x must lie on the {top + 1} levels k / {top} of [0, 1], but "
                f"holds other values: round x to them, or change the levels"
            )
        return k

    @property
    def mean(self) -> Float[Tensor, "..."]:
        """The expected grey value, in [0, 1]."""
        x = self.values.view(-1, *[1] * len(self.batch_shape))
        return (self.log_prob(x).exp() * x).sum(0)


class GreyLevels(Levels):
    """P(x = k / (L - 1)) = softmax(logits)_k, the L logits along the last axis.

    >>> p = GreyLevels(torch.zeros(5, 64, 17))
    >>> p.log_prob(torch.ones(5, 64)).exp()[0, 0] * 17
    tensor(1.)
    """

    def __init__(self, logits: Float[Tensor, "... levels"]):
        self.each = Categorical(logits=logits)
        super().__init__(logits[..., 0], logits.shape[-1])

    def log_prob(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Nats of every value, log P(value); `index` says which are allowed."""
        return self.each.log_prob(self.index(value))

    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, "..."]:
        """Grey values drawn from the levels."""
        return self.values[self.each.sample(torch.Size(sample_shape))]


class DiscretisedLogistic(Levels):
    """The masses of a logistic distribution in cells around the grey levels.

    P(x = c) = F(c + h) - F(c - h) with F(x) = sigmoid((x - mu) / s) and half a
    cell h = 1 / (2 L - 2); the cells of black and white take the tails.

    Args:
        output: two numbers along the last axis, the location mu and a number a
            that gives the scale: log s = 7 tanh(a / 7), near a for small a.
            Between exp(-7) and exp(7) no cell underflows.
        levels: the number L of grey levels.
    """

    def __init__(self, output: Float[Tensor, "... 2"], levels: int):
        self.loc, a = output.unbind(-1)
        self.scale = (7 * (a / 7).tanh()).exp()
        super().__init__(self.loc, levels)

    arg_constraints = {  # noqa: RUF012 - torch looks for this name
        "loc": constraints.real,
        "scale": constraints.positive,
    }

    def log_prob(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Nats of every value, log P(value); `index` says which are allowed.

        With a and b the edges of the cell in units of s, without cancellation:
        sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)).
        """
        k, top = self.index(value), len(self.values) - 1
        a = ((k - 0.5) / top - self.loc) / self.scale
        b = ((k + 0.5) / top - self.loc) / self.scale
        width = 1 / (top * self.scale)  # b - a, not rounded away far out
        below, above = logsigmoid(-a), logsigmoid(b)  # log of 1 - F(a), F(b)
        inside = above + below + (-torch.expm1(-width)).log()
        return torch.where(k == 0, above, torch.where(k == top, below, inside))

    def sample(self, sample_shape: Sequence[int] = ()) -> Float[Tensor, "..."]:
        """Grey values: a logistic draw, moved to the level of its cell."""
        shape = self._extended_shape(sample_shape)
        u = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device)
        top = len(self.values) - 1
        x = self.loc.detach() + self.scale.detach() * u.logit()
        return self.values[(x * top).round().clamp(0, top).long()]
