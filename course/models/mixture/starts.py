"""Where a run begins: k-means++ (Arthur and Vassilvitskii 2007), or given."""

import torch
from jaxtyping import Float, Int
from numpy.random import RandomState
from torch import Tensor


def draws(rng: RandomState, runs: int, K: int) -> Float[Tensor, "runs K"]:
    """Uniform numbers; a run's first ones are the same whatever K is."""
    seeds = rng.randint(2**31 - 1, size=runs)
    rows = [RandomState(seed).random_sample(K) for seed in seeds]
    return torch.stack([torch.from_numpy(row) for row in rows])


def plus_plus(
    x: Float[Tensor, "N D"], u: Float[Tensor, "runs K"]
) -> Int[Tensor, "runs K"]:
    """Rows spread out: each is drawn in proportion to its squared distance.

    The distance is to the nearest row chosen before. The uniform numbers u do
    the drawing, a row of them for each run.
    """
    norm, chosen = x.square().sum(dim=1), []
    nearest = torch.full((len(u), len(x)), torch.inf).to(x)
    for k in range(u.shape[1]):
        mass = (nearest if k else torch.ones_like(nearest)).cumsum(dim=1)
        target = u[:, k : k + 1] * mass[:, -1:]
        pick = torch.searchsorted(mass, target, right=True)[:, 0]
        pick = pick.clamp(max=len(x) - 1)
        chosen.append(pick)
        distance = norm[pick, None] + norm - 2 * x[pick] @ x.T
        nearest = nearest.minimum(distance.clamp(min=0))
    return torch.stack(chosen, dim=1)


def weights(Ks: list[int], runs: int, like: Tensor) -> Float[Tensor, "batch K"]:
    """Equal weights for every run of every K; zero beyond K."""
    real = (torch.arange(max(Ks)) < torch.tensor(Ks)[:, None]).to(like)
    return (real / real.sum(1, keepdim=True)).repeat_interleave(runs, 0)
