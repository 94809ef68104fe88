"""KID and MMD: double sums by definition, and no bias."""

import itertools

import numpy as np
import pytest
import torch

from course.metrics.kernel import (
    cubic_kernel,
    kernel_distance,
    rbf_mmd,
    squared_mmd,
)


def double_sum(x, y, k):
    """The definition: means over pairs of different examples."""
    n, m = len(x), len(y)
    pairs = itertools.permutations
    within_x = sum(k(a, b) for a, b in pairs(x, 2)) / (n * (n - 1))
    within_y = sum(k(a, b) for a, b in pairs(y, 2)) / (m * (m - 1))
    between = sum(k(a, b) for a in x for b in y) / (n * m)
    return within_x + within_y - 2 * between


@pytest.fixture
def samples():
    """Two samples of unequal size that differ."""
    rng = np.random.RandomState(0)
    return rng.randn(12, 4), rng.randn(9, 4) * 1.5 + 0.5


def test_kid_is_the_direct_double_sum(samples):
    x, y = samples
    expected = double_sum(x, y, lambda a, b: (a @ b / 4 + 1) ** 3)
    assert kernel_distance(x, y) == pytest.approx(expected, abs=1e-12)
    assert kernel_distance(y, x) == pytest.approx(expected, abs=1e-12)


def test_rbf_is_the_direct_double_sum(samples):
    x, y = samples
    expected = double_sum(x, y, lambda a, b: np.exp(-0.3 * sum((a - b) ** 2)))
    assert rbf_mmd(x, y, gamma=0.3) == pytest.approx(expected, abs=1e-12)


def test_the_width_is_the_median_distance():
    x, y = np.array([[0.0], [1.0]]), np.array([[3.0], [10.0]])
    h = 3.0  # the lower median of 3, 2, 10, 9
    assert rbf_mmd(x, y) == rbf_mmd(x, y, gamma=1 / (2 * h**2))


def test_a_linear_kernel_compares_means():
    """E of the unbiased estimate is |mu_x - mu_y|^2."""
    rng = np.random.RandomState(0)
    found = [
        squared_mmd(rng.randn(20, 3) + 1, rng.randn(20, 3), _linear)
        for _ in range(400)
    ]
    error = np.std(found) / 20
    assert abs(np.mean(found) - 3) < 3 * error


def _linear(x, y):
    return x @ y.T


@pytest.mark.parametrize("n", [5, 40])
def test_there_is_no_bias(n):
    rng = np.random.RandomState(0)
    for metric in (kernel_distance, lambda x, y: rbf_mmd(x, y, gamma=0.2)):
        found = np.array([metric(*rng.randn(2, n, 3)) for _ in range(600)])
        assert abs(found.mean()) < 3 * found.std() / np.sqrt(600)
        assert (found < 0).mean() > 0.3  # and it must be negative at times


def test_third_moments_are_seen_and_no_higher_ones():
    """All moments of the exact distributions: points with weights."""
    half = torch.full((2,), 0.5, dtype=torch.float64)
    sides = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    third = torch.tensor([1, 4, 1], dtype=torch.float64) / 6
    three = torch.tensor([[-(3**0.5)], [0.0], [3**0.5]], dtype=torch.float64)
    assert _exact(sides, half, three, third) == pytest.approx(0, abs=1e-12)
    skewed = torch.tensor([[2.0], [-0.5]], dtype=torch.float64)
    share = torch.tensor([0.2, 0.8], dtype=torch.float64)
    assert _exact(skewed, share, three, third) > 0.5


def _exact(x, a, y, b):
    """The squared MMD of distributions on a few points."""
    return (
        a @ cubic_kernel(x, x) @ a
        + b @ cubic_kernel(y, y) @ b
        - 2 * a @ cubic_kernel(x, y) @ b
    ).item()


def test_errors_say_what_to_do():
    same = np.ones((3, 2))
    with pytest.raises(ValueError, match="median distance is 0"):
        rbf_mmd(same, same)
    with pytest.raises(ValueError, match="gamma must be positive"):
        rbf_mmd(np.eye(3), np.eye(3), gamma=-1)
    with pytest.raises(ValueError, match="same features"):
        kernel_distance(np.eye(3), np.eye(4))


@pytest.mark.gpu
def test_it_is_the_same_on_a_gpu():
    x, y = torch.randn(2, 30, 5, dtype=torch.float64)
    for metric in (kernel_distance, rbf_mmd):
        there = metric(x.cuda(), y.cuda())
        assert there == pytest.approx(metric(x, y), abs=1e-10)
