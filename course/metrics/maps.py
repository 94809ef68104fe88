"""How well a map of units on a grid represents data, and keeps neighbours.

A codebook has shape (rows, columns, D): one vector of the data's space for
each unit of the grid. Arguments may be tensors or NumPy arrays.
"""

from typing import Any

import torch
from torch import Tensor


def quantisation_error(x: Any, codebook: Any) -> float:
    """The mean distance from x_n to its nearest unit, (1/N) sum_n |x_n - mu|.

    In the units of x; 0 where every row equals a unit.

    Args:
        x: the data, shape (N, D).
        codebook: shape (rows, columns, D).

    Kohonen 2013, Neural Networks 37, 52-65.

    >>> quantisation_error([[1.0], [4.0]], [[[0.0], [4.0]]])
    0.5

    Raises:
        ValueError: the shapes do not fit each other.
    """
    return _distances(x, codebook).amin(dim=1).mean().item()


def topographic_error(x: Any, codebook: Any) -> float:
    """The share of rows whose two nearest units are not neighbours on the grid.

    Neighbours touch, along a side or at a corner. A map that keeps
    neighbourhoods has 0.

    Args:
        x: the data, shape (N, D).
        codebook: shape (rows, columns, D), with two units or more.

    Kiviluoto 1996, International Conference on Neural Networks, 294-299.

    >>> topographic_error([[0.1]], [[[0.0], [9.0], [1.0]]])
    1.0

    Raises:
        ValueError: the shapes do not fit each other, or there is one unit.
    """
    distances = _distances(x, codebook)
    if distances.shape[1] < 2:
        raise ValueError("a map of one unit has no neighbours: give it more")
    two = distances.topk(2, dim=1, largest=False).indices  # (N, 2)
    columns = torch.as_tensor(codebook).shape[1]
    row, column = two // columns, two % columns
    steps = torch.stack([row.diff(dim=1), column.diff(dim=1)]).abs()
    return (steps.amax(dim=0) > 1).double().mean().item()


def _distances(x: Any, codebook: Any) -> Tensor:
    """|x_n - mu_k| for every row and unit, shape (N, rows * columns)."""
    x = torch.as_tensor(x, dtype=torch.float64)
    codebook = torch.as_tensor(codebook).to(x)
    if x.ndim != 2 or codebook.ndim != 3 or x.shape[1] != codebook.shape[2]:
        raise ValueError(
            f"x must have shape (N, D) and the codebook (rows, columns, D), "
            f"not {tuple(x.shape)} and {tuple(codebook.shape)}"
        )
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(x, codebook.flatten(0, 1), compute_mode=exact)
