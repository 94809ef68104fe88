"""What to do with log-likelihoods: bounds, units, and honest comparisons."""

import math

from jaxtyping import Float
from torch import Tensor

from course.protocols import PerExample

Weights = Float[Tensor, "samples batch"]


def importance_weighted_bound(log_weights: Weights) -> PerExample:
    """The bound log 1/K sum_k w_k of log p(x), in nats per example.

    It lies below log p(x) in expectation, and nearer the more draws there are.

    Args:
        log_weights: log w_k = log p(x, z_k) - log q(z_k | x) of K draws
            z_k ~ q(z | x), along the first axis.

    Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519), eq. 8.

    >>> importance_weighted_bound(torch.tensor([[0.0], [-torch.inf]])).exp()
    tensor([0.5000])

    Raises:
        ValueError: there is not a single draw.
    """
    return log_weights.logsumexp(0) - math.log(draws(log_weights))


def effective_sample_size(log_weights: Weights) -> PerExample:
    """(sum_k w_k)^2 / sum_k w_k^2: how many equal weights are worth as much.

    Between 1, where one draw outweighs all others and the bound is loose, and
    the number of draws K, where q(z | x) is the exact posterior.

    Kong, Liu & Wong 1994, Journal of the American Statistical Association 89.

    Raises:
        ValueError: there is not a single draw.
    """
    draws(log_weights)
    return 1 / log_weights.softmax(0).square().sum(0)


def bits_per_dim(nats: Tensor | float, dims: int) -> Tensor | float:
    """Bits per dimension, nats / (dims ln 2), from nats per example.

    Args:
        nats: a negative log-probability, of an example or a mean.
        dims: features of one example, channels times height times width.

    >>> bits_per_dim(64 * torch.tensor(256.0).log(), 64)  # 256 equal levels
    tensor(8.)

    Raises:
        ValueError: `dims` is not positive.
    """
    if dims < 1:
        raise ValueError(f"an example has at least 1 dimension, not {dims}")
    return nats / (dims * math.log(2))


def paired_difference(
    a: Float[Tensor, " first"], b: Float[Tensor, " second"]
) -> tuple[float, float]:
    """Mean of a - b over the examples, and the standard error of that mean.

    Two models are compared on the same examples: what makes an example hard
    for both cancels, and the error is far smaller than that of either mean.

    Args:
        a: one number for each example, from the first model.
        b: the same, from the second model, in the same order.

    Raises:
        ValueError: fewer than two examples, or different numbers of them.
    """
    if a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"a paired comparison needs the same examples twice, at least 2 "
            f"of them, not {len(a)} and {len(b)}: score both on one test set"
        )
    d = (a - b).double()
    return d.mean().item(), d.std().item() / math.sqrt(len(d))


def draws(log_weights: Weights) -> int:
    """The number of draws K, at least 1."""
    if len(log_weights) == 0:
        raise ValueError("log_weights holds no draws: ask for at least 1")
    return len(log_weights)
