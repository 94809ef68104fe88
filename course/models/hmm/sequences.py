"""Sequences at the border: one or many, of equal or of unequal length.

X takes three forms:

* an array of shape (T, D): one sequence; with `lengths` several, laid end to
  end, the first `lengths[0]` rows, then the next `lengths[1]`, ...;
* an array of shape (N, T, D): N sequences; with `lengths` the first
  `lengths[n]` steps of sequence n count and the rest is padding, never read;
* a list of arrays of shape (T_n, D), or (T_n,) where D = 1.

Inside, the steps of all sequences are the rows of one tensor, shape (L, D),
L = sum_n T_n, without padding.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from course.arrays import like, rows


@dataclass(frozen=True)
class Sequences:
    """The steps of all sequences end to end, and the form they came in.

    Attributes:
        x: all steps, shape (L, D).
        lengths: of every sequence.
        given: X as it came.
    """

    x: Float[Tensor, "L D"]
    lengths: tuple[int, ...]
    given: Any

    def restore(
        self, value: Shaped[Tensor, "L ..."], *, fill: float | int
    ) -> Any:
        """One value a step in the form of X; `fill` marks padding."""
        X = self.given
        if is_list(X):
            parts = value.split(self.lengths)
            return [like(x, v) for x, v in zip(X, parts, strict=True)]
        if np.ndim(X) == 3:
            keep = valid(self.lengths, X.shape[1]).to(value.device)
            full = value.new_full((*keep.shape, *value.shape[1:]), fill)
            full[keep] = value
            return like(X, full)
        return like(X, value)

    def kind(self) -> Any:
        """An array of the kind of X."""
        return self.given[0] if is_list(self.given) else self.given


def read(
    model: Any, X: Any, lengths: Any = None, *, fit: bool = False
) -> Sequences:
    """The sequences of X, checked; the module says which forms X has.

    Raises:
        ValueError: lengths that do not fit X, sequences of different width,
            or rows that `course.arrays.rows` refuses.
    """
    if is_list(X):
        flat, lengths = join(X, lengths)
    elif hasattr(X, "ndim") and X.ndim == 3:
        N, T = X.shape[:2]
        lengths = [T] * N if lengths is None else whole(lengths)
        check_padded(lengths, N, T)
        keep = valid(lengths, T)
        flat = X[keep.to(X.device) if isinstance(X, Tensor) else keep.numpy()]
    else:
        flat = X
    x = rows(model, flat, fit=fit)
    lengths = [len(x)] if lengths is None else whole(lengths)
    if min(lengths, default=0) < 1 or sum(lengths) != len(x):
        raise ValueError(
            f"lengths must be whole numbers of at least 1 that sum to the "
            f"{len(x)} rows of X, but they are {lengths}: give one for each "
            f"sequence"
        )
    return Sequences(x, tuple(lengths), X)


def is_list(X: Any) -> bool:
    """Whether X is a list of arrays, one for each sequence."""
    return isinstance(X, list | tuple) and bool(
        all(isinstance(x, Tensor | np.ndarray) for x in X)
    )


def join(X: Any, lengths: Any) -> tuple[Any, list[int]]:
    """The sequences of a list end to end, and their lengths."""
    if lengths is not None or len(X) == 0:
        raise ValueError(
            "a list needs at least one sequence, and says their lengths "
            "itself: leave lengths out"
        )
    parts = [x[:, None] if x.ndim == 1 else x for x in X]
    if len({x.shape[1:] for x in parts}) > 1 or parts[0].ndim != 2:
        shapes = [tuple(x.shape) for x in X]
        raise ValueError(
            f"the sequences of a list must have shape (T_n, D) with one D, "
            f"not {shapes}: give one step a row"
        )
    tensors = isinstance(X[0], Tensor)
    flat = torch.cat(list(parts)) if tensors else np.concatenate(parts)
    return flat, [len(x) for x in X]


def check_padded(lengths: list[int], N: int, T: int) -> None:
    """There is a length for each of N sequences, from 1 to T."""
    if len(lengths) != N or not all(1 <= length <= T for length in lengths):
        raise ValueError(
            f"X has {N} sequences of {T} steps with padding: lengths must be "
            f"{N} whole numbers from 1 to {T}, not {lengths}"
        )


def whole(lengths: Any) -> list[int]:
    """Lengths as a list of whole numbers."""
    values = torch.as_tensor(lengths).tolist()
    if not isinstance(values, list) or any(v != int(v) for v in values):
        raise ValueError(f"lengths must be whole numbers, not {lengths}")
    return [int(v) for v in values]


def valid(lengths: Any, T: int) -> Tensor:
    """Whether a step is no padding, shape (N, T)."""
    return torch.arange(T) < torch.tensor(lengths)[:, None]
