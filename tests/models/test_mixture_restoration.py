"""Missing and noisy entries: Gaussian mixtures against integrals and autograd.

Conditional moments are compared with integrals of the density over a grid,
noise is removed by Tweedie's formula too, and draws are counted.
"""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.exceptions import NotFittedError

from course.data import digits
from course.models.gaussian import Gaussian
from course.models.mixture import GaussianMixture, restoration

KINDS = ("full", "tied", "diag", "spherical")
kinds = pytest.mark.parametrize("kind", KINDS)
NAN = np.nan


def mixture(kind="full", K=3, D=3, seed=0):
    """A mixture with arbitrary parameters, as if it had been fitted."""
    rng = np.random.RandomState(seed)
    A = rng.randn(K, D, D) / 2
    full = A @ A.transpose(0, 2, 1) + 0.3 * np.eye(D)
    covariances = {
        "full": full,
        "tied": full[0],
        "diag": full.diagonal(axis1=1, axis2=2).copy(),
        "spherical": full[:, 0, 0].copy(),
    }[kind]
    m = GaussianMixture(K, covariance_type=kind, missing="marginalise")
    m.fit(rng.randn(4 * K, D))
    m.weights_ = rng.dirichlet(np.full(K, 5.0))
    m.means_ = 2 * rng.randn(K, D)
    m.covariances_ = covariances
    return m


def matrices(m):
    """The covariances of the components, (K, D, D)."""
    K, D = m.means_.shape
    eye, C = np.eye(D), m.covariances_
    return {
        "full": lambda: C,
        "tied": lambda: np.broadcast_to(C, (K, D, D)),
        "diag": lambda: C[:, :, None] * eye,
        "spherical": lambda: C[:, None, None] * eye,
    }[m.covariance_type]()


def grid_moments(log_density, D, reach=14.0, points=281):
    """Mean and covariance of a density over D = 1 or 2 numbers."""
    axis = np.linspace(-reach, reach, points)
    places = np.stack(np.meshgrid(*[axis] * D), -1).reshape(-1, D)
    p = np.exp(log_density(places))
    mean = p @ places / p.sum()
    d = places - mean
    return mean, (p[:, None] * d).T @ d / p.sum()


ROW = np.array([0.4, -1.1, 0.7])


@kinds
@pytest.mark.parametrize("gone", [(0,), (1,), (0, 2), (1, 2)])
def test_the_conditional_is_the_density_integrated(kind, gone):
    m, gone = mixture(kind), list(gone)
    row = ROW.copy()
    row[gone] = NAN

    def log_density(places):
        rows = np.tile(ROW, (len(places), 1))
        rows[:, gone] = places
        return m.score_samples(rows)

    mean, cov = grid_moments(log_density, len(gone))
    found, variance = m.conditional(row[None])
    np.testing.assert_allclose(found[0, gone], mean, atol=1e-9)
    np.testing.assert_allclose(variance[0, gone], cov.diagonal(), atol=1e-9)
    np.testing.assert_array_equal(m.impute(row[None]), found)
    drawn = m.sample_conditional(row[None], 60_000, random_state=0)[:, 0, gone]
    error = 5 * drawn.std(axis=0) / np.sqrt(60_000)
    assert (abs(drawn.mean(axis=0) - mean) < error).all()
    np.testing.assert_allclose(np.cov(drawn.T), cov.squeeze(), atol=0.1)


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_one_component_is_the_conditional_normal(kind):
    m = mixture(kind, K=1, D=5, seed=3)
    exact = Gaussian.from_moments(m.means_[0], matrices(m)[0])
    x = m.sample(1, random_state=1)[0]
    rest = exact.conditional([4, 1], x[[4, 1]])
    row = x.copy()
    row[[0, 2, 3]] = NAN
    mean, variance = m.conditional(row[None])
    np.testing.assert_allclose(mean[0, [0, 2, 3]], rest.mean_, rtol=1e-10)
    np.testing.assert_allclose(
        variance[0, [0, 2, 3]], rest.covariance_.diagonal(), rtol=1e-10
    )
    drawn = m.sample_conditional(row[None], 100_000, random_state=0)[:, 0]
    S = rest.covariance_
    error = np.sqrt((S**2 + np.outer(S.diagonal(), S.diagonal())) / 100_000)
    assert (abs(np.cov(drawn[:, [0, 2, 3]].T) - S) < 5 * error).all()


def test_draws_follow_the_conditional_distribution_function():
    m = mixture(seed=4)
    row = np.array([[0.4, NAN, 0.7]])
    o, S = [0, 2], matrices(m)
    r = m.weights_ * [
        multivariate_normal(mu[o], C[np.ix_(o, o)]).pdf(row[0, o])
        for mu, C in zip(m.means_, S, strict=True)
    ]
    R = [C[1, o] @ np.linalg.inv(C[np.ix_(o, o)]) for C in S]
    each = zip(m.means_, S, R, strict=True)
    parts = [
        norm(mu[1] + w @ (row[0, o] - mu[o]), np.sqrt(C[1, 1] - w @ C[o, 1]))
        for mu, C, w in each
    ]

    def cdf(x):
        return sum(
            a * p.cdf(x) for a, p in zip(r / r.sum(), parts, strict=True)
        )

    drawn = m.sample_conditional(row, 20_000, random_state=0)[:, 0, 1]
    assert kstest(drawn, cdf).pvalue > 1e-3


def test_two_answers_are_both_drawn_and_their_mean_is_neither():
    """Given x_0 = 0, x_1 is near -2 or near 2, each half of the time."""
    m = mixture(K=2, D=2)
    m.weights_, m.means_ = np.array([0.5, 0.5]), np.array([[0, -2], [0, 2.0]])
    m.covariances_ = np.array([np.eye(2) * 0.01] * 2)
    row = np.array([[0.0, NAN]])
    mean, variance = m.conditional(row)
    assert abs(mean[0, 1]) < 1e-12
    assert variance[0, 1] == pytest.approx(4.01)
    drawn = m.sample_conditional(row, 2000, random_state=0)[:, 0, 1]
    assert (abs(abs(drawn) - 2) < 0.5).all()
    assert abs((drawn > 0).mean() - 0.5) < 0.05


def test_the_variance_is_the_error_to_expect_and_a_draw_has_twice_it():
    m = mixture(D=4, seed=5)
    x = m.sample(20_000, random_state=0)
    holes = np.where(np.arange(4) % 2 == 1, NAN, x)
    mean, variance = m.conditional(holes)
    drawn = m.sample_conditional(holes, 1, random_state=1)[0]
    gone = np.isnan(holes)
    error, twice = (((a - x)[gone] ** 2).mean() for a in (mean, drawn))
    assert error == pytest.approx(variance[gone].mean(), rel=0.03)
    assert twice == pytest.approx(2 * error, rel=0.03)


@kinds
def test_what_is_known_stays_bit_for_bit(kind):
    m = mixture(kind, D=4)
    x = m.sample(50, random_state=0).astype(np.float32).astype(float)
    x[0, 0] = -0.0
    gone = np.random.RandomState(0).rand(*x.shape) < 0.5
    holes = np.where(gone, NAN, x)
    before = holes.copy()
    mean, variance = m.conditional(holes)
    drawn = m.sample_conditional(holes, 3, random_state=0)
    for found in (mean, m.impute(holes), *drawn):
        assert found[~gone].tobytes() == x[~gone].tobytes()
        assert (found[gone] != 0).all()
    assert (variance[~gone] == 0).all()
    assert (variance[gone] > 0).all()
    assert holes.tobytes() == before.tobytes()
    assert len(np.unique(drawn[:, gone], axis=0)) == 3
    np.testing.assert_array_equal(m.impute(x), x)


def test_a_row_of_which_nothing_is_known_has_the_moments_of_the_mixture():
    m = mixture()
    nothing = np.full((1, 3), NAN)
    mean, variance = m.conditional(nothing)
    average = m.weights_ @ m.means_
    np.testing.assert_allclose(mean[0], average)
    spread = matrices(m).diagonal(axis1=1, axis2=2)
    spread = spread + (m.means_ - average) ** 2
    np.testing.assert_allclose(variance[0], m.weights_ @ spread)
    np.testing.assert_allclose(m.denoise(nothing, 0.5)[0], average)


def test_rows_are_as_if_alone_in_blocks_too(monkeypatch):
    m = mixture(D=4)
    x = m.sample(40, random_state=0)
    gone = np.random.RandomState(1).rand(*x.shape) < 0.4
    holes = np.where(gone, NAN, x)

    def answers():
        one = m.sample_conditional(holes, 2, random_state=0)
        return *m.conditional(holes), one, m.denoise(holes, 0.3)

    together = answers()
    monkeypatch.setattr(restoration, "BLOCK", 1)
    for a, b in zip(together, answers(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    for i in (0, 7):
        row = holes[i : i + 1]
        np.testing.assert_allclose(m.impute(row)[0], together[0][i])
        np.testing.assert_allclose(m.denoise(row, 0.3)[0], together[3][i])


@kinds
@pytest.mark.parametrize("var", [0.05, 2.0])
def test_denoising_is_tweedies_formula(kind, var):
    """E[x | y] = y + v grad log p_v(y), by automatic differentiation."""
    m = mixture(kind)
    y = torch.tensor(m.sample(20, random_state=0)).requires_grad_()
    S = torch.tensor(matrices(m) + var * np.eye(3))
    bells = torch.distributions.MultivariateNormal(
        torch.tensor(m.means_), covariance_matrix=S
    )
    log_p = bells.log_prob(y[:, None]) + torch.tensor(m.weights_).log()
    (score,) = torch.autograd.grad(log_p.logsumexp(dim=1).sum(), y)
    expected = (y + var * score).detach().numpy()
    found = m.denoise(y.detach().numpy(), var)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("y", [(0.5, -1.0), (0.5, NAN)])
def test_denoising_is_the_posterior_integrated(y):
    m, y = mixture(D=2, seed=2), np.array(y)

    def log_posterior(x):
        noise = norm(0, np.sqrt(0.7)).logpdf(y - x)
        return m.score_samples(x) + np.nansum(noise, axis=1)

    mean, _ = grid_moments(log_posterior, 2)
    found = m.denoise(y[None], 0.7)[0]
    np.testing.assert_allclose(found, mean, atol=1e-9)


def test_denoising_with_one_component_is_the_wiener_filter():
    m = mixture(K=1, D=4)
    y, S = m.sample(9, random_state=0) + 1, matrices(m)[0]
    W = S @ np.linalg.inv(S + 0.4 * np.eye(4))
    expected = m.means_[0] + (y - m.means_[0]) @ W.T
    np.testing.assert_allclose(m.denoise(y, 0.4), expected, rtol=1e-10)


def test_no_noise_changes_nothing_and_infinite_noise_tells_nothing():
    m = mixture()
    y = m.sample(9, random_state=0)
    np.testing.assert_allclose(m.denoise(y, 0), y, rtol=1e-9)
    holes = np.where(np.arange(3) == 1, NAN, y)
    np.testing.assert_allclose(m.denoise(holes, 0), m.impute(holes), rtol=1e-9)
    average = np.tile(m.weights_ @ m.means_, (9, 1))
    np.testing.assert_allclose(m.denoise(y, 1e12), average, rtol=1e-6)


def test_no_affine_map_and_no_other_level_denoises_better():
    m = mixture(D=2, seed=6)
    x = m.sample(20_000, random_state=0)
    y = x + np.random.RandomState(1).randn(*x.shape)

    def error(a):
        return ((a - x) ** 2).mean()

    best = error(m.denoise(y, 1.0))
    extended = np.column_stack([y, np.ones(len(y))])
    affine = extended @ np.linalg.lstsq(extended, x, rcond=None)[0]
    assert best < error(affine) - 0.02
    for wrong in (0.5, 2.0):
        assert best < error(m.denoise(y, wrong)) - 0.005


@kinds
def test_tensors_in_tensors_out(kind):
    m = mixture(kind)
    x = m.sample(5, random_state=0)
    x[:, 1] = NAN
    there = torch.tensor(x)
    for name, more in [
        ("impute", ()),
        ("sample_conditional", (2, 0)),
        ("denoise", (0.3,)),
    ]:
        found = getattr(m, name)(there, *more)
        assert isinstance(found, torch.Tensor)
        assert found.dtype == torch.float64
        here = getattr(m, name)(x, *more)
        np.testing.assert_array_equal(found.numpy(), here)
    for found in m.conditional(there):
        assert isinstance(found, torch.Tensor)


def test_draws_repeat_with_a_seed_and_only_then():
    m, row = mixture(), np.array([[0.1, NAN, NAN]])
    one, two = (m.sample_conditional(row, 4, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (4, 1, 3)
    assert not np.array_equal(one, m.sample_conditional(row, 4))


@pytest.mark.parametrize("var", [-0.1, np.inf, NAN])
def test_a_noise_variance_that_is_none_is_refused(var):
    with pytest.raises(ValueError, match="noise_variance must be"):
        mixture().denoise(np.zeros((1, 3)), var)


def test_missing_entries_must_be_allowed():
    m = mixture().set_params(missing="error")
    holes = np.array([[0.0, NAN, 1.0]])
    for use in (m.conditional, m.sample_conditional, m.impute):
        with pytest.raises(ValueError, match="missing='marginalise'"):
            use(holes)
    with pytest.raises(ValueError, match="missing='marginalise'"):
        m.denoise(holes, 0.1)
    np.testing.assert_array_equal(m.impute(ROW[None]), ROW[None])
    with pytest.raises(NotFittedError):
        GaussianMixture(2).denoise(holes, 0.1)


@pytest.mark.gpu
@kinds
def test_a_gpu_gives_the_same_answers(kind):
    m = mixture(kind)
    x = m.sample(50, random_state=0)
    gone = np.random.RandomState(0).rand(*x.shape) < 0.4
    x = torch.tensor(np.where(gone, NAN, x))
    for name, more in [("sample_conditional", (2, 0)), ("denoise", (0.3,))]:
        there = getattr(m, name)(x.cuda(), *more)
        assert there.is_cuda
        here = getattr(m, name)(x, *more)
        np.testing.assert_allclose(there.cpu(), here, rtol=1e-8)
    for a, b in zip(m.conditional(x.cuda()), m.conditional(x), strict=True):
        np.testing.assert_allclose(a.cpu(), b, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_mixture_repairs_better_than_one_gaussian(seed):
    """Lower halves of digits on three splits; a draw has twice the error."""
    x, x_test = (
        digits(p, split="stratified", seed=seed)[0].reshape(-1, 64)
        for p in ("train", "test")
    )
    one, twenty = GaussianMixture(
        ridge=0.01, tol=1e-3, missing="marginalise", random_state=seed
    ).fit_path(x, (1, 20))
    lower = np.arange(64) >= 32
    damaged = np.where(lower, np.nan, x_test)
    errors = [
        ((m.impute(damaged) - x_test)[:, lower] ** 2).mean()
        for m in (one, twenty)
    ]
    assert errors[1] < 0.042
    assert errors[1] < 0.8 * errors[0]
    draws = twenty.sample_conditional(damaged, 1, random_state=seed)[0]
    ratio = ((draws - x_test)[:, lower] ** 2).mean() / errors[1]
    assert 1.7 < ratio < 2.2  # a draw has twice the error of the mean
