"""Where runs of k-means begin: rows of the data, drawn by k-means++ or evenly.

D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding,
2007.
"""

import math

import torch
from jaxtyping import Float
from numpy.random import RandomState
from torch import Tensor


def generators(rng: RandomState, runs: int) -> list[RandomState]:
    """One generator for each run: a run is the same, however many there are."""
    return [RandomState(s) for s in rng.randint(2**31 - 1, size=runs)]


def some_rows(
    x: Float[Tensor, "N D"], K: int, *, runs: int, rng: RandomState
) -> Float[Tensor, "runs K D"]:
    """K different rows for each run, all equally likely."""
    picks = [g.permutation(len(x))[:K] for g in generators(rng, runs)]
    return torch.stack([x[torch.from_numpy(p).to(x.device)] for p in picks])


def plus_plus(
    x: Float[Tensor, "N D"], K: int, *, runs: int, rng: RandomState
) -> Float[Tensor, "runs K D"]:
    """Rows spread out: drawn in proportion to the squared distance, k-means++.

    The distance is to the nearest row chosen before. Of 2 + log K candidates
    the one that leaves the least squared distance in all is taken.
    """
    shape = K, 2 + int(math.log(K))
    u = [g.random_sample(shape) for g in generators(rng, runs)]
    u = torch.stack([torch.from_numpy(row).to(x) for row in u])
    run, chosen = torch.arange(runs, device=x.device), []
    near = x.new_full((runs, len(x)), torch.inf)  # squared distances
    for k in range(K):
        pick = draw(near if k else torch.ones_like(near), u[:, k])
        left = torch.cdist(x[pick], x[None]).square_().minimum(near[:, None])
        best = left.sum(dim=2).argmin(dim=1)
        chosen.append(x[pick[run, best]])
        near = left[run, best]
    return torch.stack(chosen, dim=1)


def draw(mass: Float[Tensor, "runs N"], u: Float[Tensor, "runs trials"]):
    """Row numbers drawn in proportion to their mass, by uniform numbers u."""
    edges = mass.cumsum(dim=1)
    pick = torch.searchsorted(edges, u * edges[:, -1:], right=True)
    return pick.clamp(max=mass.shape[1] - 1)
