"""Where runs begin: k-means++, greedy, then a few steps of k-means.

D. Arthur and S. Vassilvitskii, k-means++: the advantages of careful seeding,
2007. All runs are a batch; a run with fewer than K means has weight zero in
the rest.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from numpy.random import RandomState
from torch import Tensor
from torch.nn.functional import one_hot

from course.models.mixture.em import block_rows

TRIALS = 4  # candidates for every new mean
STEPS = 10  # of k-means


def starts(
    x: Float[Tensor, "N D"], Ks: list[int], *, runs: int, rng: RandomState
) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K D"]]:
    """Weights and means by k-means: `runs` restarts for every K of Ks."""
    u = draws(rng, runs, max(Ks)).to(x.device)
    mu = plus_plus(x, u).repeat(len(Ks), 1, 1)
    real = torch.arange(max(Ks)) < torch.tensor(Ks)[:, None]
    real = real.repeat_interleave(runs, dim=0).to(x)
    for _ in range(STEPS):
        S = nearest_sums(x, mu, real, features=with_one)
        N_k = S[..., -1:]
        mu = torch.where(N_k > 0, S[..., :-1] / N_k.clamp(min=1), mu)
    N_k = S[..., -1].clamp(min=1) * real
    return N_k / N_k.sum(dim=1, keepdim=True), mu


def draws(
    rng: RandomState, runs: int, K: int
) -> Float[Tensor, "runs K trials"]:
    """Uniform numbers; a run's first ones are the same whatever K is."""
    seeds = rng.randint(2**31 - 1, size=runs)
    rows = [RandomState(seed).random_sample((K, TRIALS)) for seed in seeds]
    return torch.stack([torch.from_numpy(row) for row in rows])


def plus_plus(
    x: Float[Tensor, "N D"], u: Float[Tensor, "runs K trials"]
) -> Float[Tensor, "runs K D"]:
    """Rows spread out: each is drawn in proportion to its squared distance.

    The distance is to the nearest row chosen before, and of several trials
    the one that leaves the least distance in all is taken. The uniform
    numbers u do the drawing.
    """
    run, chosen = torch.arange(len(u), device=x.device), []
    nearest = torch.full((len(u), len(x)), torch.inf).to(x)
    for k in range(u.shape[1]):
        mass = (nearest if k else torch.ones_like(nearest)).cumsum(dim=1)
        pick = torch.searchsorted(mass, u[:, k] * mass[:, -1:], right=True)
        pick = pick.clamp(max=len(x) - 1)  # (runs, trials)
        left = torch.cdist(x[pick], x[None]).square_().minimum(nearest[:, None])
        best = left.sum(dim=2).argmin(dim=1)
        chosen.append(x[pick[run, best]])
        nearest = left[run, best]
    return torch.stack(chosen, dim=1)


def nearest_sums(
    x: Float[Tensor, "N D"],
    mu: Float[Tensor, "B K D"],
    real: Float[Tensor, "B K"],
    *,
    features: Callable,
) -> Float[Tensor, "B K F"]:
    """Sum_n r_nk features(x_n), where r_nk is 1 for the nearest mean, else 0.

    The nearest mean has the largest mu_k . x - |mu_k|^2 / 2.
    """
    (B, K, D), S = mu.shape, 0
    c = real.log() - mu.square().sum(dim=2) / 2
    for block in x.split(block_rows(B * K + D)):
        score = (mu.view(-1, D) @ block.T).view(B, K, -1) + c[..., None]
        r = one_hot(score.argmax(dim=1), K).to(x).mT.reshape(B * K, -1)
        S = S + r @ features(block).T
    return S.view(B, K, -1)


def with_one(x: Float[Tensor, "n D"]) -> Float[Tensor, "F n"]:
    """[x, 1] of every row, as a column."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1).T
