"""Kernel density estimates against scikit-learn and SciPy."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import gaussian_kde, norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KernelDensity as Theirs
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models import kde as module
from course.models.kde import KernelDensity


@parametrize_with_checks([KernelDensity()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture
def X():
    return np.random.RandomState(0).randn(60, 3) * [1, 2, 0.5] + 30


@pytest.fixture(params=[1000, 7])
def blocks(request, monkeypatch):
    """All distances at once, or a few rows at a time."""
    monkeypatch.setattr(module, "BLOCK", request.param * 60)


@pytest.mark.parametrize("h", [0.05, 0.4, 3])
@pytest.mark.usefixtures("blocks")
def test_the_density_is_that_of_scikit_learn(X, h):
    new = np.random.RandomState(1).randn(30, 3) + 30
    ours = KernelDensity(bandwidth=h).fit(X)
    theirs = Theirs(bandwidth=h).fit(X)
    np.testing.assert_allclose(
        ours.score_samples(new), theirs.score_samples(new), rtol=1e-10
    )


def test_the_density_is_that_of_scipy(X):
    x = X[:, 0]
    scipy = gaussian_kde(x, bw_method=0.3)
    h = 0.3 * x.std(ddof=1)  # SciPy's factor counts in deviations
    ours = KernelDensity(bandwidth=h).fit(x[:, None])
    np.testing.assert_allclose(
        ours.score_samples(x[:, None]), scipy.logpdf(x), rtol=1e-10
    )


def leave_one_out(x, h):
    """The mean of log p(x_n) from all other points, one row at a time."""
    bell, scores = norm(0, h), []
    for n in range(len(x)):
        others = np.delete(x, n, axis=0)
        log_p = bell.logpdf(others - x[n]).sum(axis=1)
        scores.append(np.logaddexp.reduce(log_p) - np.log(len(others)))
    return np.mean(scores)


@pytest.mark.usefixtures("blocks")
def test_the_bandwidth_has_the_highest_leave_one_out_likelihood(X):
    fit = KernelDensity(tol=1e-9).fit(X)
    best = minimize_scalar(
        lambda u: -leave_one_out(X, np.exp(u)),
        bounds=(-3, 2),
        method="bounded",
        options={"xatol": 1e-7},
    )
    assert fit.bandwidth_ == pytest.approx(np.exp(best.x), rel=1e-5)
    assert fit.history_[-1] == pytest.approx(-best.fun, abs=1e-10)
    assert (np.diff(fit.history_) >= -1e-12).all()
    assert len(fit.history_) > 3


@pytest.mark.usefixtures("blocks")
def test_a_given_bandwidth_is_scored_too(X):
    fit = KernelDensity(bandwidth=0.7).fit(X)
    assert fit.history_ == pytest.approx([leave_one_out(X, 0.7)], rel=1e-10)


def test_a_search_can_be_cut_short(X):
    with pytest.warns(ConvergenceWarning, match="after 2 steps"):
        fit = KernelDensity(max_iter=2).fit(X)
    assert len(fit.history_) == 2
    assert fit.bandwidth_ != KernelDensity().fit(X).bandwidth_


def test_a_density_integrates_to_one():
    fit = KernelDensity().fit(np.random.RandomState(0).randn(50, 1))
    x = np.linspace(-8, 8, 4001)
    p = np.exp(fit.score_samples(x[:, None]))
    assert p.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-9)


def test_samples_are_bells_on_the_points():
    points = np.array([[-4.0], [0.0], [4.0]])
    x = KernelDensity(bandwidth=0.5).fit(points).sample(60_000, 0)[:, 0]
    own = points[np.abs(x - points).argmin(axis=0), 0]
    shares = [(own == p).mean() for p in points[:, 0]]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.01)
    assert (x - own).std() == pytest.approx(0.5, rel=0.01)
    inside = norm.cdf(1) - norm.cdf(-1)
    assert (np.abs(x - own) < 0.5).mean() == pytest.approx(inside, abs=0.01)


def test_points_are_copied():
    X = np.random.RandomState(0).randn(9, 2)
    fit = KernelDensity().fit(X)
    before = fit.score(X[:3])
    row = X[:3].copy()
    X += 1
    assert fit.score(row) == before


def test_twins_leave_no_best_bandwidth():
    X = np.repeat(np.random.RandomState(0).randn(9, 2), 2, axis=0)
    with pytest.raises(ValueError, match="every row of X has a twin"):
        KernelDensity().fit(X)
    assert KernelDensity(bandwidth=1).fit(X).score(X) < 0
    assert KernelDensity().fit(X[1:]).bandwidth_ > 0  # one is alone


@pytest.mark.parametrize("h", [0, -1.0, np.inf, "scott"])
def test_a_bandwidth_is_positive(h):
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        KernelDensity(bandwidth=h).fit(np.eye(3))


@pytest.mark.gpu
def test_cuda_gives_the_same_answers(X):
    here, x = KernelDensity().fit(X), torch.tensor(X).cuda()
    there = KernelDensity().fit(x)
    assert there.points_.is_cuda
    assert there.bandwidth_ == pytest.approx(here.bandwidth_, rel=1e-9)
    np.testing.assert_allclose(
        there.score_samples(x).cpu(), here.score_samples(X), rtol=1e-9
    )
