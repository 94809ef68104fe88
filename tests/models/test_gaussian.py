"""The normal distribution against SciPy, integrals on grids and optimisers."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import chi2, multivariate_normal, norm
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.gaussian import Gaussian

MU = np.array([1.0, -2.0, 0.5])
SIGMA = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.5]])


# one check of scikit-learn fits data with columns that depend on each other
@parametrize_with_checks(
    [Gaussian(ridge=1e-6), Gaussian(covariance_type="diag")]
)
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture
def X():
    return np.random.RandomState(0).multivariate_normal(MU, SIGMA, size=40)


def test_the_density_is_that_of_scipy(X):
    p = Gaussian.from_moments(MU, SIGMA)
    expected = multivariate_normal(MU, SIGMA).logpdf(X)
    np.testing.assert_allclose(p.score_samples(X), expected, rtol=1e-12)
    fit = Gaussian().fit(X)
    expected = multivariate_normal(fit.mean_, fit.covariance_).logpdf(X)
    np.testing.assert_allclose(fit.score_samples(X), expected, rtol=1e-12)
    assert fit.score(X) == pytest.approx(fit.history_[0], rel=1e-12)
    one = Gaussian.from_moments([1.0], [[4.0]])
    x = np.linspace(-9, 9, 11)
    np.testing.assert_allclose(
        one.score_samples(x[:, None]), norm(1, 2).logpdf(x), rtol=1e-12
    )


def test_mean_and_covariance_divide_by_n(X):
    fit = Gaussian().fit(X)
    np.testing.assert_allclose(fit.mean_, X.mean(axis=0), rtol=1e-12)
    expected = np.cov(X.T, bias=True)
    np.testing.assert_allclose(fit.covariance_, expected, rtol=1e-12)
    assert fit.n_parameters_ == 3 + 6
    diag = Gaussian(covariance_type="diag", ridge=0.1).fit(X)
    expected = np.diag(X.var(axis=0) + 0.1)
    np.testing.assert_allclose(diag.covariance_, expected, atol=1e-12)
    assert diag.n_parameters_ == 3 + 3
    np.testing.assert_allclose(
        diag.score_samples(X),
        norm(diag.mean_, diag.covariance_.diagonal() ** 0.5)
        .logpdf(X)
        .sum(axis=1),
        rtol=1e-12,
    )


def test_the_closed_form_is_where_an_optimiser_ends(X):
    triangle = np.tril_indices(3)

    def unpack(theta):
        root = np.zeros((3, 3))
        root[triangle] = theta[3:]
        return theta[:3], root @ root.T

    def loss(theta):
        return -multivariate_normal(*unpack(theta)).logpdf(X).mean()

    start = np.r_[np.zeros(3), np.eye(3)[triangle]]
    end = minimize(loss, start, options={"gtol": 1e-6})
    mu, Sigma = unpack(end.x)
    fit = Gaussian().fit(X)
    np.testing.assert_allclose(mu, fit.mean_, atol=1e-4)
    np.testing.assert_allclose(Sigma, fit.covariance_, atol=1e-4)
    assert end.fun - 1e-8 < -fit.score(X) <= end.fun


def grid_density(p, axes):
    """P(x) on a grid of up to three axes, with the size of a cell."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    density = np.exp(p.score_samples(grid.reshape(-1, len(axes))))
    cell = np.prod([a[1] - a[0] for a in axes])
    return density.reshape(grid.shape[:-1]), cell


def test_a_marginal_is_the_joint_integrated_out():
    p = Gaussian.from_moments(MU, SIGMA)
    x = np.linspace(-12, 12, 101)
    density, cell = grid_density(p, [x, x, x])
    assert density.sum() * cell == pytest.approx(1)
    wanted = density.sum(axis=1) * (x[1] - x[0])  # feature 1 is gone
    found, _ = grid_density(p.marginal([0, 2]), [x, x])
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    turned, _ = grid_density(p.marginal([2, 0]), [x, x])
    np.testing.assert_allclose(turned, found.T, rtol=1e-12)


@pytest.mark.parametrize("known", [[1], [2, 0]])
def test_a_conditional_is_a_normalised_slice_of_the_joint(known):
    p = Gaussian.from_moments(MU, SIGMA)
    values = np.array([0.7, -1.1])[: len(known)]
    free = [d for d in range(3) if d not in known]
    axis = np.linspace(-12, 12, 401)
    axes = [axis] * len(free)
    found, cell = grid_density(p.conditional(known, values), axes)
    rows = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    rows = rows.reshape(-1, len(free))
    x = np.empty((len(rows), 3))
    x[:, free], x[:, known] = rows, values
    joint = np.exp(p.score_samples(x)).reshape(found.shape)
    np.testing.assert_allclose(found, joint / (joint.sum() * cell), atol=1e-9)


def test_marginal_times_conditional_is_the_joint(X):
    p = Gaussian().fit(X)
    for row in X[:5]:
        rest = p.conditional([1], row[[1]]).score_samples(row[None, [0, 2]])
        own = p.marginal([1]).score_samples(row[None, [1]])
        np.testing.assert_allclose(
            own + rest, p.score_samples(row[None]), rtol=1e-11
        )


def test_the_mahalanobis_distance_is_that_of_scikit_learn(X):
    fit = Gaussian().fit(X)
    theirs = EmpiricalCovariance().fit(X).mahalanobis(X)  # it is squared
    np.testing.assert_allclose(fit.mahalanobis(X) ** 2, theirs, rtol=1e-10)


def test_samples_have_the_moments_and_the_radii():
    p = Gaussian.from_moments(MU, SIGMA)
    x = p.sample(100_000, random_state=0)
    np.testing.assert_allclose(x.mean(axis=0), MU, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), SIGMA, atol=0.03)
    inside = [(p.mahalanobis(x) ** 2 < chi2(3).ppf(q)).mean() for q in (0.5, 1)]
    np.testing.assert_allclose(inside, [0.5, 1], atol=0.005)
    assert not np.array_equal(p.sample(3), p.sample(3))


def test_a_sample_is_the_mean_plus_cholesky_times_noise():
    p = Gaussian.from_moments(MU, SIGMA)
    eps = np.random.RandomState(3).standard_normal((5, 3))
    expected = MU + eps @ np.linalg.cholesky(SIGMA).T
    np.testing.assert_allclose(p.sample(5, 3), expected, rtol=1e-12)


def test_tensors_stay_tensors(X):
    p = Gaussian().fit(torch.tensor(X))
    parts = [
        p.mean_,
        p.covariance_,
        p.history_,
        p.sample(2),
        p.mahalanobis(torch.tensor(X)),
        p.marginal([0]).mean_,
        p.conditional([0], torch.tensor([1.0])).covariance_,
    ]
    assert all(isinstance(part, torch.Tensor) for part in parts)
    assert all(part.dtype == torch.float64 for part in parts)


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_a_spread_is_judged_in_its_own_unit(X, unit):
    shift = 3 * math.log(unit)
    np.testing.assert_allclose(
        Gaussian().fit(X * unit).score_samples(X * unit),
        Gaussian().fit(X).score_samples(X) - shift,
        rtol=1e-9,
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda X: np.c_[X, X[:, :1] - 3 * X[:, 1:2]],
        lambda X: np.c_[X, np.full(len(X), 0.1)],
        lambda X: np.c_[X, np.zeros(len(X))],
    ],
)
def test_a_singular_covariance_is_refused(X, broken):
    with pytest.raises(ValueError, match="column 3 is constant or"):
        Gaussian().fit(broken(X))
    with pytest.raises(ValueError, match="set a ridge"):
        Gaussian().fit(X[:3])  # three rows span a plane
    fit = Gaussian(ridge=0.5).fit(broken(X))
    smallest = np.linalg.eigvalsh(fit.covariance_)[0]
    assert smallest == pytest.approx(0.5, abs=1e-9)


def test_scales_may_differ_widely(X):
    scales = np.array([1e-8, 1.0, 1e8])
    fit = Gaussian().fit(X * scales + 1e3 * scales)
    moved = fit.score(X * scales + 1e3 * scales) + np.log(scales).sum()
    assert moved == pytest.approx(Gaussian().fit(X).score(X), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda p: Gaussian(ridge=-1).fit(np.eye(3)), "ridge"),
        (
            lambda p: Gaussian(covariance_type="tied").fit(np.eye(3)),
            "full, diag",
        ),
        (lambda p: Gaussian.from_moments([0, 0], [[1.0]]), "shapes"),
        (lambda p: Gaussian.from_moments([0, 0], [[1, 2], [2, 1.0]]), "posit"),
        (lambda p: Gaussian.from_moments([0, 0], [[1, 0], [0.1, 1]]), "symm"),
        (lambda p: p.marginal([]), "between 1 and 3"),
        (lambda p: p.marginal([3]), "between 1 and 3"),
        (lambda p: p.marginal([-1]), "between 1 and 3"),
        (lambda p: p.conditional([0, 0], [1, 1]), "between 1 and 2"),
        (lambda p: p.conditional([0, 1, 2], [1, 1, 1]), "between 1 and 2"),
        (lambda p: p.conditional([0, 1], [1.0]), "values must hold 2"),
    ],
)
def test_what_cannot_be_is_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call(Gaussian.from_moments(MU, SIGMA))


def test_all_features_may_be_kept():
    p = Gaussian.from_moments(MU, SIGMA).marginal(range(3))
    np.testing.assert_array_equal(p.covariance_, SIGMA)


@pytest.mark.gpu
def test_cuda_gives_the_same_answers(X):
    here, there = Gaussian().fit(X), Gaussian().fit(torch.tensor(X).cuda())
    p = there.conditional([1], [0.3])
    assert p.mean_.is_cuda
    np.testing.assert_allclose(
        p.mean_.cpu(), here.conditional([1], [0.3]).mean_, rtol=1e-9
    )
    x = there.sample(3, 1)
    assert x.is_cuda
    np.testing.assert_allclose(x.cpu(), here.sample(3, 1), rtol=1e-9)
