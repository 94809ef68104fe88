"""Users and items with known tastes, and interactions that are held out."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Shaped
from scipy.special import expit

from course.data.choices import check_count

HALVINGS = 60  # of an interval of length 60: to the last bit of a float64


class Interactions(NamedTuple):
    """What users took, x, shape (N, D) of 0 and 1, and its probabilities."""

    x: Float64[np.ndarray, "n d"]
    probs: Float64[np.ndarray, "n d"]


class PlantedTastes:
    """A catalogue of items, and users whose tastes are known exactly.

    User n takes item d with probability p_nd, independently of all else:
    logit p_nd = b_n + a_d + taste * z_n . w_d / sqrt(rank), with standard
    normal vectors z_n and w_d and an item's appeal a_d ~ N(0, 1). The number
    b_n makes the expected number of items, sum_d p_nd, equal `mean`.

    To rank the unseen items of a user by p_nd is the best that can be done:
    no other ranking has a higher expected recall or NDCG, at any k.

    Args:
        n_items: D.
        rank: the length of z_n and w_d.
        mean: expected items of a user, below D.
        taste: how much users differ; 0 leaves popularity alone.
        seed: of the items; users have their own.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        n_items: int = 200,
        rank: int = 5,
        *,
        mean: float | int = 20,
        taste: float | int = 2.0,
        seed: int = 0,
    ):
        check_count("n_items", n_items)
        check_count("rank", rank)
        if not 0 < mean < n_items or not taste >= 0:
            raise ValueError(
                f"mean must lie between 0 and n_items = {n_items}, and taste "
                f"must not be negative; they are {mean} and {taste}"
            )
        rng = np.random.RandomState(seed)
        self.mean = mean
        self.appeal = rng.randn(n_items)
        self.items = rng.randn(n_items, rank) * taste / np.sqrt(rank)

    def sample(self, n: int, *, seed: int = 0) -> Interactions:
        """Draw n users: what they take, and with which probabilities.

        Raises:
            ValueError: n is not a whole number of at least 1.
        """
        check_count("n", n)
        rng = np.random.RandomState(seed)
        logits = self.appeal + rng.randn(n, self.items.shape[1]) @ self.items.T
        probs = expit(logits + offsets(logits, self.mean)[:, None])
        x = (rng.random_sample(probs.shape) < probs).astype(np.float64)
        return Interactions(x, probs)


def offsets(
    logits: Float64[np.ndarray, "n d"], mean: float | int
) -> Float64[np.ndarray, " n"]:
    """The b_n with sum_d sigmoid(logits_nd + b_n) = mean, by halving."""
    reach = 30 + np.abs(logits).max(axis=1)
    low, high = -reach, reach
    for _ in range(HALVINGS):
        b = (low + high) / 2
        above = expit(logits + b[:, None]).sum(axis=1) > mean
        low, high = np.where(above, low, b), np.where(above, b, high)
    return (low + high) / 2


def hold_out(
    x: Float[np.ndarray, "n d"],
    share: float = 0.3,
    *,
    seed: int = 0,
    times: Shaped[np.ndarray, "..."] | None = None,
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """What the model may see of every user, and what is held out of it.

    The two have no entry in common, and their sum is x. Of a user with m
    interactions round(share * m) are held out, at least 1 and at most m - 1.

    Args:
        x: shape (N, D), 0 where there is no interaction.
        share: of each user's interactions, between 0 and 1.
        seed: which ones, at random.
        times: shape (N, D), when each interaction was; then the *last* ones
            are held out, and ties are broken at random.

    Raises:
        ValueError: share is out of range, times has another shape, or a user
            has fewer than two interactions.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    m = (x != 0).sum(axis=1)
    if m.min() < 2:
        raise ValueError(
            f"user {m.argmin()} has {m.min()} interactions and needs two, one "
            f"to see and one to hold out: leave such rows out"
        )
    if times is not None and times.shape != x.shape:
        raise ValueError(
            f"times must have the shape of x, {x.shape}, not {times.shape}"
        )
    key = np.random.RandomState(seed).random_sample(x.shape)
    first = key if times is None else times
    # the latest first; what is no interaction comes last
    order = np.lexsort((-key, -first, x == 0), axis=1)
    place = np.argsort(order, axis=1)
    n = np.clip(np.round(share * m), 1, m - 1)
    held = np.where(place < n[:, None], x, 0)
    return x - held, held
