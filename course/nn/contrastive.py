"""Contrastive learning: scores that tell pairs that belong together."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy


def info_nce(scores: Float[Tensor, "N M"]) -> Float[Tensor, ""]:
    """-1/N sum_n log [exp(s_nn) / sum_m exp(s_nm)], in nats.

    Row n holds the scores of x_n with all y_m; x_n and y_n belong together. It
    is the cross-entropy of finding the partner among N.

    van den Oord, Li & Vinyals 2018 (arXiv:1807.03748), eq. 4.

    >>> info_nce(torch.zeros(8, 8)).exp()
    tensor(8.0000)

    Raises:
        ValueError: there are fewer than two pairs, or the scores are not
            square.
    """
    N = len(scores)
    if scores.shape != (N, N) or N < 2:
        raise ValueError(
            f"scores must be square, one row and one column for each of two "
            f"pairs or more, not {tuple(scores.shape)}"
        )
    return cross_entropy(scores, torch.arange(N, device=scores.device))


def information_bound(scores: Float[Tensor, "N N"]) -> Float[Tensor, ""]:
    """The bound log N - InfoNCE: on average at most I(x; y), and never > log N.

    van den Oord, Li & Vinyals 2018 (arXiv:1807.03748).
    """
    return math.log(len(scores)) - info_nce(scores)
