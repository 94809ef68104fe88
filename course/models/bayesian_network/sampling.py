"""Ancestral sampling: every variable after its parents."""

import torch
from jaxtyping import Int64
from numpy.random import RandomState
from torch import Tensor

from course.models.bayesian_network.structure import Structure, topological


def ancestral(
    structure: Structure, tables: list[Tensor], rng: RandomState, *, n: int
) -> Int64[Tensor, "n D"]:
    """Draw n rows: x_d from p(x_d | parents), in topological order."""
    x = torch.empty(n, len(tables), dtype=torch.int64)
    for d in topological(structure):
        p = tables[d][tuple(x[:, pa] for pa in structure.parents[d])]
        edges = p.expand(n, -1).cumsum(dim=-1)
        u = torch.from_numpy(rng.random_sample((n, 1))) * edges[:, -1:]
        x[:, d] = (u >= edges).sum(dim=-1)
    return x
