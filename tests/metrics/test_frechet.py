"""The Frechet distance: closed forms, scipy's root, and its bias."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from course.metrics.frechet import (
    extrapolate,
    factor,
    frechet_by_size,
    frechet_distance,
    gaussian_frechet,
    moments,
    trace_of_root,
)


def covariance(D, seed, *, rank=None):
    """A covariance that commutes with no other of another seed."""
    A = np.random.RandomState(seed).randn(D, rank or D)
    return A @ A.T / D


def by_roots(mu_1, S1, mu_2, S2):
    """The formula with roots of matrices, for regular covariances."""
    root = sqrtm(S1 @ S2)
    assert np.abs(root.imag).max() < 1e-8
    spread = np.trace(S1 + S2 - 2 * root.real)
    return np.sum((mu_1 - mu_2) ** 2) + spread


def test_one_dimension():
    d2 = gaussian_frechet([1.0], [[4.0]], [4.0], [[25.0]])
    assert d2 == pytest.approx((1 - 4) ** 2 + (2 - 5) ** 2)


def test_commuting_covariances():
    rng = np.random.RandomState(0)
    Q = np.linalg.qr(rng.randn(7, 7))[0]
    a, b = rng.rand(2, 7) + 0.1
    mu = rng.randn(2, 7)
    d2 = gaussian_frechet(mu[0], Q * a @ Q.T, mu[1], Q * b @ Q.T)
    by_axes = np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    assert d2 == pytest.approx(np.sum((mu[0] - mu[1]) ** 2) + by_axes)


def test_two_planes_that_do_not_commute():
    """In two dimensions tr sqrt(M) = sqrt(tr M + 2 sqrt(det M))."""
    S1 = np.array([[2.0, 0.9], [0.9, 0.5]])
    S2 = np.array([[1.0, -0.3], [-0.3, 3.0]])
    assert not np.allclose(S1 @ S2, S2 @ S1)
    M = S1 @ S2
    root = np.sqrt(np.trace(M) + 2 * np.sqrt(np.linalg.det(M)))
    expected = np.trace(S1) + np.trace(S2) - 2 * root
    d2 = gaussian_frechet(np.zeros(2), S1, np.zeros(2), S2)
    assert d2 == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("D", [3, 64, 200])
def test_it_equals_the_root_of_scipy(D):
    mu = np.random.RandomState(1).randn(2, D)
    S1, S2 = covariance(D, 2), covariance(D, 3)
    d2 = gaussian_frechet(mu[0], S1, mu[1], S2)
    assert d2 == pytest.approx(by_roots(mu[0], S1, mu[1], S2), abs=1e-6)


def test_singular_covariances():
    """The trace is a sum of singular values, whatever the rank."""
    A, B = np.random.RandomState(0).randn(2, 30, 8)
    expected = np.linalg.svd(A.T @ B, compute_uv=False).sum()
    S1, S2 = torch.tensor(A @ A.T), torch.tensor(B @ B.T)
    assert trace_of_root(S1, S2).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rank", [6, 2])
def test_a_factor_times_its_transpose_is_the_matrix(rank):
    S = torch.tensor(covariance(6, 0, rank=rank))
    S[:, 5], S[5] = 0, 0  # a feature that never varies: Cholesky fails
    R = factor(S)
    assert torch.allclose(R @ R.T, S, atol=1e-14)


def test_symmetric_and_zero_between_equals():
    mu, S = np.ones(20), covariance(20, 0)
    other = covariance(20, 1)
    assert gaussian_frechet(mu, S, mu, S) == pytest.approx(0, abs=1e-10)
    there = gaussian_frechet(mu, S, 0 * mu, other)
    assert there == pytest.approx(gaussian_frechet(0 * mu, other, mu, S))


def test_moments_are_those_of_numpy():
    x = np.random.RandomState(0).randn(50, 2, 3)
    mu, Sigma = moments(x)
    rows = x.reshape(50, 6)
    assert np.allclose(mu, rows.mean(axis=0))
    assert np.allclose(Sigma, np.cov(rows.T), atol=1e-14)


def test_samples_are_replaced_by_their_moments():
    x, y = np.random.RandomState(0).randn(2, 80, 5)
    y = y * 2 + 1
    expected = by_roots(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    assert frechet_distance(x, y) == pytest.approx(expected, abs=1e-8)
    assert frechet_distance(torch.tensor(x), y) == frechet_distance(x, y)


def test_it_does_not_see_shape():
    """Three points and a cloud of equal mean and variance: distance 0."""
    x = np.array([[-(1.5**0.5)], [0.0], [1.5**0.5], [0.0]])
    y = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    y *= np.sqrt(x.var() / y.var())
    assert frechet_distance(x, y) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("n", [200, 800])
def test_the_bias_falls_as_one_over_n(n):
    """For N(0, I) the mean is about (1/n + 1/n) D (D + 5) / 4."""
    D, rng = 10, np.random.RandomState(0)
    found = [frechet_distance(*rng.randn(2, n, D)) for _ in range(30)]
    assert np.mean(found) == pytest.approx(D * (D + 5) / (2 * n), rel=0.06)


def test_parts_are_drawn_without_replacement_and_by_seed():
    x, y = np.random.RandomState(0).randn(2, 40, 3)
    whole = frechet_by_size(x, y, sizes=[40])
    assert whole == [pytest.approx(frechet_distance(x, y))]
    first, again = (frechet_by_size(x, y, sizes=[9, 20]) for _ in range(2))
    assert first == again
    assert first != frechet_by_size(x, y, sizes=[9, 20], seed=1)


def test_extrapolation_removes_the_bias():
    rng = np.random.RandomState(0)
    sizes = [200, 300, 450, 900]
    ends, plain = [], []
    for seed in range(8):
        x, y = rng.randn(2, 900, 10)
        values = frechet_by_size(x, y, sizes=sizes, seed=seed)
        ends.append(extrapolate(sizes, values)[0])
        plain.append(values[-1])
    assert abs(np.mean(ends)) < 0.25 * np.mean(plain)


def test_the_line_is_that_of_least_squares():
    sizes, values = [10, 20, 25, 50], [3.0, 1.0, 2.0, 0.5]
    slope, intercept = np.polyfit(1 / np.array(sizes), values, 1)
    assert extrapolate(sizes, values) == pytest.approx((intercept, slope))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: frechet_distance([[1.0]], [[1.0], [2.0]]), "at least 2"),
        (lambda: frechet_distance(np.eye(3), np.eye(4)), "same features"),
        (lambda: frechet_distance([[0.0], [np.nan]], np.eye(2)), "NaN"),
        (lambda: gaussian_frechet([0], [[1, 2]], [0], [[1]]), "shape"),
        (
            lambda: gaussian_frechet([0], [[1]], [0, 0], np.eye(2)),
            "1 and 2 dimensions",
        ),
        (
            lambda: gaussian_frechet(
                [0, 0], [[1, 2], [0, 1]], [0, 0], np.eye(2)
            ),
            "symmetric",
        ),
        (
            lambda: gaussian_frechet([0], [[-1.0]], [0], [[1.0]]),
            "eigenvalue -1",
        ),
        (lambda: frechet_by_size(np.eye(4), np.eye(4), sizes=[5]), "and 4"),
        (lambda: extrapolate([5, 5], [1.0, 2.0]), "two different sizes"),
    ],
)
def test_errors_say_what_to_do(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.gpu
def test_it_is_the_same_on_a_gpu():
    x, y = torch.randn(2, 100, 20, dtype=torch.float64)
    there = frechet_distance(x.cuda(), y.cuda())
    assert there == pytest.approx(frechet_distance(x, y), abs=1e-9)
