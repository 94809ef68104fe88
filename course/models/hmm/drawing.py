"""Paths of a Markov chain, drawn step by step, many at a time."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor


def draw_states(
    pi: np.ndarray, A: np.ndarray, rng: Any, *, size: tuple[int, int]
) -> Int64[Tensor, "N T"]:
    """N paths of T states: the first from pi, the next from a row of A."""
    N, T = size
    z, u = np.empty((T, N), dtype=np.int64), rng.random_sample((T, N))
    edges = np.cumsum(A, axis=1)
    edges = edges[:, :-1] / edges[:, -1:]  # the last is 1: u is below it
    first = np.cumsum(pi)[:-1] / np.sum(pi)
    z[0] = np.searchsorted(first, u[0], side="right")
    for t in range(1, T):
        z[t] = (edges[z[t - 1]] <= u[t, :, None]).sum(axis=1)
    return torch.from_numpy(z.T.copy())
