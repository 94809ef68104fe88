"""Strings as rows of symbols: 0 ends a string, and what follows is ignored."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Strings = Int[Tensor, "batch length"]


def until_end(x: Strings) -> Bool[Tensor, "batch length"]:
    """Which symbols belong to the string, its first 0 included.

    >>> until_end(torch.tensor([[3, 0, 5], [1, 1, 1]])).int()
    tensor([[1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    ended = (x == 0).long().cumsum(dim=1)
    return ended - (x == 0).long() == 0


def shifted(x: Strings) -> Strings:
    """What stands before each symbol: 0 before the first, then the others.

    >>> shifted(torch.tensor([[3, 1, 2]]))
    tensor([[0, 3, 1]])
    """
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
