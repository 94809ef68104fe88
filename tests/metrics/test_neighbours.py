"""Counts in balls: by definition, and as the package prdc counts."""

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.stats import mannwhitneyu

from course.data import digits
from course.metrics.neighbours import (
    copied_share,
    copying_score,
    distinct_share,
    nearest_distances,
    neighbourhoods,
    radii,
)

NAMES = ("precision", "recall", "density", "coverage")


def values(real, generated, k):
    found = neighbourhoods(real, generated, k=k)
    return [getattr(found, name) for name in NAMES]


def by_loops(real, generated, k):
    """The definitions of the two papers, one ball at a time."""

    def radius(x, n):
        others = np.delete(x, n, axis=0)
        return np.sort(np.linalg.norm(others - x[n], axis=1))[k - 1]

    def held(centre, reach, points):
        return np.linalg.norm(points - centre, axis=1) < reach

    balls = np.array(
        [held(c, radius(real, n), generated) for n, c in enumerate(real)]
    )
    theirs = np.array(
        [held(c, radius(generated, m), real) for m, c in enumerate(generated)]
    )
    return [
        balls.any(axis=0).mean(),
        theirs.any(axis=0).mean(),
        balls.sum() / (k * len(generated)),
        balls.any(axis=1).mean(),
    ]


@pytest.fixture
def clouds():
    rng = np.random.RandomState(0)
    return rng.randn(60, 3), rng.randn(45, 3) * 0.8 + 0.7


@pytest.mark.parametrize("k", [1, 3, 5])
def test_counts_by_definition(clouds, k):
    assert values(*clouds, k) == pytest.approx(by_loops(*clouds, k), abs=1e-15)


@pytest.mark.parametrize("k", [1, 5])
def test_counts_are_those_of_prdc(clouds, k):
    theirs = compute_prdc(*clouds, nearest_k=k)
    expected = [theirs[name] for name in NAMES]
    assert values(*clouds, k) == pytest.approx(expected, abs=1e-15)


def test_ties_and_copies_are_counted_as_in_prdc():
    """Digits have many equal distances; some images are given twice."""
    x = digits()[0].reshape(-1, 64)[:300].round(4)
    real, generated = x[:150], np.concatenate([x[150:], x[:30], x[:30]])
    theirs = compute_prdc(real, generated, nearest_k=5)
    expected = [theirs[name] for name in NAMES]
    assert values(real, generated, 5) == pytest.approx(expected, abs=1e-15)


def test_five_points_on_a_line():
    real, generated = [[0.0], [1.0], [3.0]], [[0.5], [9.0]]
    assert radii(torch.tensor(real).double(), 1).tolist() == [1, 1, 2]
    found = neighbourhoods(real, generated, k=1)
    assert found.precision == 1 / 2  # 0.5 lies in the balls of 0 and 1
    assert found.recall == 1  # the balls reach 8.5
    assert found.density == 2 / 2
    assert found.coverage == 2 / 3


def test_balls_are_open():
    found = neighbourhoods([[0.0], [1.0]], [[2.0], [-1.0]], k=1)
    assert found.precision == 0
    found = neighbourhoods([[0.0], [1.0]], [[2.0], [4.0]], k=1)
    assert found.recall == 1 / 2  # 0 lies on the border of the ball of 2


def test_exchange_of_the_samples(clouds):
    x, y = clouds
    there, back = neighbourhoods(x, y), neighbourhoods(y, x)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.precision != there.recall


def test_density_has_mean_one_for_equal_distributions():
    """Expected density is 1, and coverage 1 - 1/2^k (Naeem et al. 2020)."""
    rng = np.random.RandomState(0)
    found = [values(*rng.randn(2, 200, 2), 3) for _ in range(40)]
    _, _, density, coverage = np.mean(found, axis=0)
    assert density == pytest.approx(1, abs=0.04)
    assert coverage == pytest.approx(1 - 1 / 2**3, abs=0.015)


def test_dropping_a_mode_lowers_recall_and_coverage_alone():
    rng = np.random.RandomState(0)
    real = rng.randn(200, 2) + np.repeat([[0, 0], [20, 0]], 100, axis=0)
    found = neighbourhoods(real, rng.randn(200, 2))
    assert found.precision > 0.9
    assert found.coverage < 0.55
    assert found.recall < 0.55


def test_nearest_distances_are_zero_for_copies_only():
    x = np.random.RandomState(0).rand(50, 64) * 1e3
    d = nearest_distances(np.concatenate([x[:5], x[:5] + 1e-9]), x)
    assert (d[:5] == 0).all()
    assert (d[5:] > 0).all()
    gaps = np.linalg.norm(x[0] - x[1:], axis=1)
    assert nearest_distances(x[:1], x[1:])[0].item() == pytest.approx(
        gaps.min()
    )


def test_copying_is_the_statistic_of_mann_and_whitney(clouds):
    x, y = clouds
    train, held_out = x[:30], x[30:]
    U = mannwhitneyu(
        nearest_distances(held_out, train), nearest_distances(y, train)
    ).statistic
    found = copying_score(y, train, held_out)
    assert found == pytest.approx(U / (len(y) * len(held_out)))


def test_copying_of_a_memoriser_of_new_data_and_of_far_data():
    rng = np.random.RandomState(0)
    train, held_out, fresh = rng.randn(3, 300, 3)
    assert copying_score(train[:100], train, held_out) == 1
    assert copying_score(fresh, train, held_out) == pytest.approx(0.5, abs=0.06)
    assert copying_score(fresh + 9, train, held_out) < 0.01
    assert copying_score(train[:9], train, train) == 0.5  # ties


def test_shares():
    train = np.arange(6.0).reshape(3, 2)
    drawn = np.concatenate([train[:2], train[:1], train[:1] + 0.5])
    assert copied_share(drawn, train) == 3 / 4
    assert distinct_share(drawn) == 3 / 4


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="k must lie between 1 and 2"):
        neighbourhoods(np.eye(3), np.eye(3), k=3)
    with pytest.raises(ValueError, match="same features"):
        nearest_distances(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="one example a row"):
        nearest_distances([1.0, 2.0], np.eye(2))


@pytest.mark.gpu
def test_it_is_the_same_on_a_gpu():
    x, y = torch.randn(2, 60, 5, dtype=torch.float64)
    assert neighbourhoods(x.cuda(), y.cuda()) == neighbourhoods(x, y)
