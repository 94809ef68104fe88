"""Where the steps of many sequences lie, in time or end to end."""

from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Evidence(NamedTuple):
    """What forward-backward leaves for the M-step; B runs at once.

    log_p: log p(x_n) of every sequence, shape (B, N), in nats.
    r: p(z_t = k | x), one row for every step, shape (B, L, K).
    first: sum over sequences of r at their first step, shape (B, K).
    pairs: expected number of steps from i to j, shape (B, K, K).
    """

    log_p: Float[Tensor, "B N"]
    r: Float[Tensor, "B L K"]
    first: Float[Tensor, "B K"]
    pairs: Float[Tensor, "B K K"]


class EndToEnd:
    """Rows as they come: all steps of the first sequence, of the next, ..."""

    def __init__(self, lengths: tuple[int, ...], device: torch.device):
        self.lengths = lengths
        n = torch.tensor(lengths, device=device)
        self.rows = torch.arange(sum(lengths), device=device)
        self.sequence = torch.arange(len(n), device=device)
        self.sequence = self.sequence.repeat_interleave(n)
        self.begin = n.cumsum(0) - n

    def totals(self, value: Float[Tensor, "B L"]) -> Float[Tensor, "B N"]:
        """The sum over the steps of each sequence."""
        total = value.new_zeros(len(value), len(self.lengths))
        return total.index_add_(1, self.sequence, value)

    @cached_property
    def is_first(self) -> Bool[Tensor, " L"]:
        """Whether a row is the first step of its sequence."""
        first = torch.zeros_like(self.rows, dtype=torch.bool)
        first[self.begin] = True
        return first


class SideBySide(EndToEnd):
    """Rows by time: the first step of every sequence, then the second, ...

    The longest sequence comes first, so that the sequences that still run at
    time t are the first `alive[t]`; nothing is padded.
    """

    def __init__(self, lengths: tuple[int, ...], device: torch.device):
        super().__init__(lengths, device)
        n = torch.tensor(lengths)
        n, order = n.sort(descending=True, stable=True)
        ended = torch.bincount(n, minlength=n[0] + 1).cumsum(0)[:-1]
        alive = len(n) - ended
        offset = alive.cumsum(0) - alive
        t = torch.arange(len(alive)).repeat_interleave(alive)
        rank = torch.arange(len(t)) - offset[t]
        self.alive, self.offset = alive.tolist(), offset.tolist()
        self.sequence = order[rank].to(device)
        self.rows = self.begin[self.sequence] + t.to(device)
        self.before = before(rank, t, offset).to(device)

    def earlier(self, value: Float[Tensor, "B L K"]) -> Tensor:
        """The rows one step before those that are no first step."""
        N = len(self.lengths)
        if len(set(self.lengths)) == 1:
            return value[:, :-N]  # a view: no copy
        return value[:, self.before]

    def undo(self, value: Float[Tensor, "B L ..."]) -> Tensor:
        """The rows end to end again."""
        result = torch.empty_like(value)
        result[:, self.rows] = value
        return result


def before(
    rank: Int[Tensor, " L"], t: Int[Tensor, " L"], offset: Int[Tensor, " T"]
) -> Int[Tensor, " M"]:
    """Where the step before each step lies, for all that have one."""
    later = t > 0
    return offset[t[later] - 1] + rank[later]


def check_possible(log_p: Tensor) -> None:
    """Every sequence has a probability above zero."""
    bad = (log_p == -torch.inf).nonzero()[:, 0].tolist()
    if bad:
        raise ValueError(
            f"sequences {bad} are impossible under this model, p(x) = 0: no "
            f"path of states explains them; use smoothing, or other data"
        )
