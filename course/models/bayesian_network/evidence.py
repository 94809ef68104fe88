"""What is known, in any form, as rows of state numbers with NaN for unknown."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course.models.bayesian_network.structure import Structure

UNKNOWN = -1.0  # besides NaN and None
States = Mapping[Hashable, Any] | None  # names of states, or how many


def evidence_rows(
    structure: Structure, states: States, evidence: Mapping
) -> np.ndarray | Tensor:
    """The rows, shape (N, D), that a mapping from names to states describes.

    A value is one state for all rows, or one for each row; a state is its name
    or its number. Unknown are variables that do not occur, and None, NaN, -1.
    """
    columns = {
        structure.number(name): column(name, value, states)
        for name, value in evidence.items()
    }
    n = max((len(c) for c in columns.values()), default=1)
    for d, c in columns.items():
        if len(c) not in (1, n):
            raise ValueError(
                f"evidence on {structure.names[d]!r} has {len(c)} rows, other "
                f"evidence {n}: give one state for all rows, or one for each"
            )
    x = torch.full((n, len(structure.names)), torch.nan, dtype=torch.float64)
    tensors = [v for v in evidence.values() if isinstance(v, Tensor)]
    x = x.to(tensors[0].device) if tensors else x
    for d, c in columns.items():
        x[:, d] = c.to(x)
    return x if tensors else x.numpy()


def column(name: Hashable, value: Any, states: States) -> Float[Tensor, " n"]:
    """The states of one variable, as numbers."""
    if isinstance(value, Tensor):
        return value.detach().to(torch.float64).reshape(-1)
    single = isinstance(value, str) or not isinstance(value, Iterable)
    several = [value] if single else list(value)
    numbers = [state_number(name, v, states) for v in several]
    return torch.tensor(numbers, dtype=torch.float64)


def state_number(name: Hashable, state: Any, states: States) -> float:
    """The number of a state that is given by name or number."""
    if state is None:
        return float("nan")
    if not isinstance(state, str):
        return float(state)
    known = (states or {}).get(name, ())
    known = known if isinstance(known, Iterable) else ()
    if state not in known:
        names = ", ".join(map(repr, known)) or "without names: use numbers"
        raise ValueError(
            f"unknown state {state!r} of {name!r}: its states are {names}"
        )
    return float(tuple(known).index(state))


def check_states(
    structure: Structure, x: Float[Tensor, "N D"], sizes: list[int]
) -> None:
    """Every entry is a state 0 .. S-1 of its column, or NaN.

    Raises:
        ValueError: an entry is not; the first such column is named.
    """
    x, most = x.nan_to_num(), torch.tensor(sizes).to(x) - 1
    if (x < 0).any():
        raise ValueError(
            f"Negative values in data: states are numbered from 0, -1 marks an "
            f"unknown one, and there is {x.min().item():g}"
        )
    wrong = (x > most) | (x != x.round())
    for d in wrong.any(dim=0).nonzero().flatten().tolist():
        entry = x[wrong[:, d], d][0].item()
        raise ValueError(
            f"{structure.names[d]!r} has {sizes[d]} states, numbered from 0 to "
            f"{sizes[d] - 1}, and there is {entry:g}: correct it, mark it as "
            f"unknown (NaN or -1), or give more states"
        )
