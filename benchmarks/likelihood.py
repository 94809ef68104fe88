"""Likelihood of digits: the classical baselines, in one table.

    python -m benchmarks.likelihood

writes benchmarks/results/likelihood.json (about two minutes): nats per test
image of 8 x 8 pixels with 17 levels, images 1350 to 1796 of the file. Models
are fitted to images 0 to 999; whatever they leave open is chosen on images
1000 to 1349. A row says "exact" or "bound"; a bound may only be too high.

A model of a later chapter becomes a row by one more entry of `ROWS`: a
function from the images and a seed to log p(x) of every test image, in nats.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from itertools import product  # noqa: E402
from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.special import log_ndtr, logsumexp  # noqa: E402

from course.data import digits  # noqa: E402
from course.metrics.likelihood import (  # noqa: E402
    bits_per_dim,
    paired_difference,
)
from course.models.context_counts import ContextCounts  # noqa: E402
from course.models.copula import GaussianCopula  # noqa: E402
from course.models.mixture import (  # noqa: E402
    CategoricalMixture,
    GaussianMixture,
)
from course.models.naive_bayes import CategoricalNaiveBayes  # noqa: E402

C, D, PARTS = 17, 64, ("train", "val", "test")
Images = dict[str, np.ndarray]


class Row(NamedTuple):
    """A model of the table: how to score it, and over how many seeds."""

    score: Callable[[Images, int], np.ndarray]
    kind: str = "exact"
    seeds: int = 1


def images() -> Images:
    """Levels 0 to 16, an image a row; and the labels for training."""
    x = {p: (16 * digits(p)[0].reshape(-1, D)).round() for p in PARTS}
    return x | {"labels": digits("train")[1]}


def best(x: Images, models: Iterable, y: np.ndarray | None = None):
    """The fitted model with the highest validation likelihood."""
    fitted = [m.fit(x["train"], y) for m in models]
    return max(fitted, key=lambda m: m.score_samples(x["val"]).mean())


def uniform(x: Images, seed: int) -> np.ndarray:
    """Every image is as probable as any other."""
    return np.full(len(x["test"]), -D * np.log(C))


def independent(x: Images, seed: int) -> np.ndarray:
    """A categorical for each pixel: naive Bayes with one class."""
    one = CategoricalNaiveBayes(n_categories=C, smoothing=0.5)
    return one.fit(x["train"], 0 * x["labels"]).score_samples(x["test"])


def naive_bayes(x: Images, seed: int) -> np.ndarray:
    """The sum over the ten classes, p(x) = sum_y p(y) prod_d p(x_d | y)."""
    grid = [
        CategoricalNaiveBayes(n_categories=C, smoothing=a)
        for a in (0.03, 0.1, 0.3, 1.0, 3.0)
    ]
    return best(x, grid, x["labels"]).score_samples(x["test"])


def categoricals(x: Images, seed: int) -> np.ndarray:
    """A mixture of products of categoricals, K chosen on validation."""
    grid = [
        CategoricalMixture(K, n_categories=C, n_init=10, tol=1e-4)
        for K in (20, 25, 30)
    ]
    models = [m.set_params(random_state=seed) for m in grid]
    return best(x, models).score_samples(x["test"])


def full_mixture(x: Images, seed: int) -> np.ndarray:
    """Full covariances on levels with uniform noise, averaged over 20 draws.

    log E p(x + u) is the exact log-probability of the cell; an average of K
    draws inside the logarithm is a bound.
    """
    rng = np.random.RandomState(seed)
    noisy = {p: x[p] + rng.rand(*x[p].shape) for p in ("train", "val")}
    grid = [
        GaussianMixture(K, ridge=ridge, tol=1e-4, random_state=seed)
        for K, ridge in product((3, 5), (0.1, 0.3, 1.0))
    ]
    model = best(noisy, grid)
    draws = [x["test"] + rng.rand(*x["test"].shape) for _ in range(20)]
    each = [model.score_samples(draw) for draw in draws]
    return logsumexp(each, axis=0) - np.log(len(each))


def cells(model: GaussianMixture, x: np.ndarray) -> np.ndarray:
    """Log p(x) of levels: the normal mass of each cell, end cells open.

    The cell of level k goes from k to k + 1 on the axis of the noisy levels.
    """
    mu, sd = model.means_[:, None], np.sqrt(model.covariances_)[:, None]
    low = np.where(x == 0, -np.inf, x)
    high = np.where(x == C - 1, np.inf, x + 1)
    a, b = (low - mu) / sd, (high - mu) / sd
    swap = a > 0  # work in the tail that keeps its digits
    a, b = np.where(swap, -b, a), np.where(swap, -a, b)
    upper, lower = log_ndtr(b), log_ndtr(a)
    log_mass = upper + np.log(-np.expm1(np.minimum(lower - upper, -1e-300)))
    return logsumexp(
        log_mass.sum(axis=2) + np.log(model.weights_)[:, None], axis=0
    )


def diagonal_cells(x: Images, seed: int) -> np.ndarray:
    """A diagonal mixture of noisy levels, turned into masses of cells."""
    rng = np.random.RandomState(seed)
    noisy = x["train"] + rng.rand(*x["train"].shape)
    models = [
        GaussianMixture(
            K, covariance_type="diag", ridge=ridge, tol=1e-4, random_state=seed
        ).fit(noisy)
        for K, ridge in product((30, 50), (0.1, 0.3))
    ]
    model = max(models, key=lambda m: cells(m, x["val"]).mean())
    return cells(model, x["test"])


def contexts(x: Images, seed: int) -> np.ndarray:
    """Each pixel given its position and three earlier neighbours."""
    grid = [
        ContextCounts(
            shape=(8, 8),
            neighbours=("left", "up", "up right"),
            strengths=(2.0, a, b, c),
            n_categories=C,
        )
        for a, b, c in product((5.0, 10.0, 20.0), (20.0, 30.0), (40.0, 80.0))
    ]
    return best(x, grid).score_samples(x["test"])


def copula(x: Images, seed: int, draws: int = 1) -> np.ndarray:
    """A Gaussian copula on the empirical marginals, an average of draws."""
    model = GaussianCopula(n_categories=C).fit(x["train"])
    return model.bound(x["test"], samples=draws, random_state=seed)


ROWS = {
    "uniform": Row(uniform),
    "full_mixture": Row(full_mixture, "bound", seeds=5),
    "diagonal_cells": Row(diagonal_cells, seeds=5),
    "independent": Row(independent),
    "naive_bayes": Row(naive_bayes),
    "categoricals": Row(categoricals, seeds=5),
    "contexts": Row(contexts),
    "copula": Row(copula, "bound", seeds=5),
    "copula_20": Row(lambda x, s: copula(x, s, draws=20), "bound", seeds=5),
}


def measure(row: Row, x: Images, reference: np.ndarray) -> dict:
    """Test nats and bits, and the paired difference to the reference."""
    log_p = np.stack([row.score(x, seed) for seed in range(row.seeds)])
    nats = -log_p.mean(axis=1)
    gain, error = paired_difference(
        torch.tensor(-log_p.mean(axis=0)), torch.tensor(-reference)
    )
    return {
        "kind": row.kind,
        "seeds": row.seeds,
        "nats": nats.mean(),
        "sd": nats.std(ddof=1) if row.seeds > 1 else 0.0,
        "bits_per_dim": bits_per_dim(nats.mean(), D),
        "against_independent": gain,
        "standard_error": error,
    }


def main() -> dict:
    """Measure every row, and keep the results."""
    x = images()
    reference = independent(x, 0)
    rows = {name: measure(row, x, reference) for name, row in ROWS.items()}
    return harness.save("likelihood", {"rows": rows})


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
