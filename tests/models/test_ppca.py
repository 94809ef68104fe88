"""Probabilistic PCA against SciPy, scikit-learn and its own closed form."""

import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn import decomposition as sk
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.pca import PCA
from course.models.ppca import PPCA, factors, fits

IRIS = load_iris().data
WINE = load_wine().data
WINE = (WINE - WINE.mean(axis=0)) / WINE.std(axis=0)
DIGITS = load_digits().data[:200]


def holes(X, share=0.3, seed=0):
    """A copy in which some entries are missing."""
    return np.where(
        np.random.RandomState(seed).rand(*X.shape) < share, np.nan, X
    )


def covariance(model):
    """Lambda Lambda^T + sigma^2 I."""
    L = model.loadings_
    return L @ L.T + model.noise_variance_ * np.eye(len(L))


def normal(model):
    """The same distribution, by SciPy."""
    return multivariate_normal(model.mean_, covariance(model))


def with_holes(M, **options):
    """A model that integrates missing entries out."""
    return PPCA(M, missing="marginalise", **options)


@parametrize_with_checks([PPCA()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.parametrize("M", [0, 1, 2, 3])
def test_the_density_is_the_normal_one(M):
    model = PPCA(M).fit(IRIS)
    expected = normal(model).logpdf(IRIS)
    np.testing.assert_allclose(model.score_samples(IRIS), expected, atol=1e-10)
    assert model.score(IRIS) == pytest.approx(expected.mean(), rel=1e-12)
    assert model.history_[-1] == pytest.approx(expected.mean(), rel=1e-12)


@pytest.mark.parametrize(("X", "M"), [(IRIS, 2), (WINE, 5), (DIGITS, 10)])
def test_the_maximum_has_a_closed_form(X, M):
    """Of the eigenvalues alone (Tipping and Bishop 1999, eq. 7)."""
    D = X.shape[1]
    variance = np.linalg.eigvalsh(np.cov(X.T, bias=True))[::-1]
    model = PPCA(M).fit(X)
    var = variance[M:].mean()
    assert model.noise_variance_ == pytest.approx(var, rel=1e-10)
    top, V = np.linalg.eigvalsh(covariance(model))[::-1], model.loadings_
    np.testing.assert_allclose(top[:M], variance[:M], rtol=1e-10)
    np.testing.assert_allclose(top[M:], var, rtol=1e-8)
    np.testing.assert_allclose((V**2).sum(0), variance[:M] - var, rtol=1e-9)
    log_det = np.log(variance[:M]).sum() + (D - M) * np.log(var)
    expected = -(D * np.log(2 * np.pi) + log_det + D) / 2
    assert model.score(X) == pytest.approx(expected, rel=1e-10)


def test_no_parameters_nearby_are_more_probable():
    model = PPCA(2).fit(IRIS)
    best, rng = model.score(IRIS), np.random.RandomState(0)
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(10):
            other = clone(model).fit(IRIS)
            other.loadings_ = model.loadings_ + size * rng.randn(4, 2)
            other.mean_ = model.mean_ + size * rng.randn(4)
            other.noise_variance_ *= np.exp(size * rng.randn())
            assert other.score(IRIS) < best


def test_no_component_is_a_sphere_and_most_are_the_full_normal():
    sphere, full = PPCA(0).fit(IRIS), PPCA(3).fit(IRIS)
    assert sphere.loadings_.shape == (4, 0)
    assert sphere.noise_variance_ == pytest.approx(IRIS.var(axis=0).mean())
    np.testing.assert_allclose(
        covariance(full), np.cov(IRIS.T, bias=True), atol=1e-12
    )
    assert sphere.transform(IRIS).shape == (150, 0)
    assert sphere.sample(3).shape == (3, 4)


def test_the_score_is_that_of_scikit_learn_at_its_parameters():
    """Theirs divides by N - 1: not the maximum, but the same function."""
    theirs = sk.PCA(3, svd_solver="full").fit(WINE)
    ours = PPCA(3).fit(WINE)
    best, ratio = ours.score(WINE), len(WINE) / (len(WINE) - 1)
    ours.noise_variance_ *= ratio
    ours.loadings_ = ours.loadings_ * np.sqrt(ratio)
    np.testing.assert_allclose(
        ours.score_samples(WINE), theirs.score_samples(WINE), atol=1e-10
    )
    np.testing.assert_allclose(
        covariance(ours), theirs.get_covariance(), atol=1e-12
    )
    assert theirs.score(WINE) < best


def test_with_fewer_rows_than_columns_scikit_learn_is_not_the_maximum():
    """It averages the noise over N - M directions instead of D - M."""
    X = DIGITS[:40]
    ours, theirs = PPCA(5).fit(X), sk.PCA(5, svd_solver="full").fit(X)
    kept = theirs.explained_variance_.sum() * 39 / 40
    left = X.var(axis=0).sum() - kept
    assert ours.noise_variance_ == pytest.approx(left / (64 - 5))
    assert theirs.noise_variance_ == pytest.approx(left * 40 / 39 / (40 - 5))
    assert ours.score(X) > theirs.score(X) + 1


def test_samples_have_the_mean_and_covariance_of_the_model():
    model = PPCA(2).fit(IRIS)
    drawn = model.sample(200_000, random_state=0)
    S = covariance(model)
    error = np.sqrt((S**2 + np.outer(S.diagonal(), S.diagonal())) / 200_000)
    assert (abs(np.cov(drawn.T) - S) < 5 * error).all()
    error = np.sqrt(S.diagonal() / 200_000)
    assert (abs(drawn.mean(axis=0) - model.mean_) < 5 * error).all()
    assert not np.array_equal(model.sample(5), model.sample(5))


def test_the_posterior_is_bayes_rule():
    """From the joint normal of z and x, by conditioning."""
    model = PPCA(2).fit(IRIS)
    L, S = model.loadings_, covariance(model)
    G = L.T @ np.linalg.inv(S)  # Cov(z, x) Cov(x)^-1
    mean, V = model.posterior(IRIS)
    np.testing.assert_allclose(mean, (IRIS - model.mean_) @ G.T, atol=1e-11)
    np.testing.assert_allclose(
        V, np.broadcast_to(np.eye(2) - G @ L, V.shape), atol=1e-12
    )
    np.testing.assert_allclose(model.transform(IRIS), mean)


def test_without_noise_the_posterior_mean_is_the_code_of_pca():
    """Scaled to variance 1; with noise it is shrunk towards 0."""
    model, pca = PPCA(2).fit(IRIS), PCA(2).fit(IRIS)
    variance = pca.explained_variance_ * 149 / 150
    shrink = np.sqrt(variance - model.noise_variance_) / variance
    np.testing.assert_allclose(
        model.transform(IRIS), pca.transform(IRIS) * shrink, atol=1e-11
    )
    back = model.inverse_transform(model.transform(IRIS)) - model.mean_
    full = pca.inverse_transform(pca.transform(IRIS)) - pca.mean_
    assert np.linalg.norm(back) < np.linalg.norm(full)


@pytest.mark.parametrize("seed", range(3))
def test_em_never_falls_and_reaches_the_closed_form(seed):
    options = {"solver": "em", "tol": 1e-12, "max_iter": 5000}
    found = PPCA(3, random_state=seed, **options).fit(WINE)
    closed = PPCA(3).fit(WINE)
    assert np.diff(found.history_).min() > -1e-12
    assert found.history_[0] < closed.score(WINE) - 1
    assert found.score(WINE) == pytest.approx(closed.score(WINE), abs=1e-9)
    np.testing.assert_allclose(found.loadings_, closed.loadings_, atol=1e-4)
    assert found.noise_variance_ == pytest.approx(closed.noise_variance_, 1e-6)
    np.testing.assert_allclose(found.mean_, WINE.mean(axis=0), atol=1e-10)


def test_an_em_step_at_the_maximum_stays():
    x = torch.tensor(WINE)
    theta = fits.closed_form(fits.spectrum(x), 3)
    score, after = fits.em_step(x, theta)
    assert score.item() == pytest.approx(PPCA(3).fit(WINE).score(WINE))
    for a, b in zip(theta, after, strict=True):
        assert torch.allclose(
            a @ a.mT if a.ndim == 2 else a,
            b @ b.mT if b.ndim == 2 else b,
            atol=1e-10,
        )


def test_an_em_step_is_a_regression_and_a_change_of_the_prior():
    """Row by row and column by column, as the formulas say."""
    rng = np.random.RandomState(0)
    X, mu, L, var = holes(WINE), rng.randn(13), rng.randn(13, 2), 0.7
    z, V = np.zeros((178, 3)), np.zeros((178, 3, 3))
    z[:, 2] = 1
    for n, row in enumerate(X):
        o = ~np.isnan(row)
        V[n, :2, :2] = np.linalg.inv(np.eye(2) + L[o].T @ L[o] / var)
        z[n, :2] = V[n, :2, :2] @ L[o].T @ (row[o] - mu[o]) / var
    B, square = np.zeros((13, 3)), 0.0
    for d, column in enumerate(X.T):
        o = ~np.isnan(column)
        A = z[o].T @ z[o] + V[o].sum(axis=0)
        B[d] = np.linalg.solve(A, z[o].T @ column[o])
        square += ((column[o] - z[o] @ B[d]) ** 2).sum()
        square += np.einsum("i,nij,j->", B[d], V[o], B[d])
    nu = z[:, :2].mean(axis=0)
    Psi = np.cov(z[:, :2].T, bias=True) + V[:, :2, :2].mean(axis=0)
    theta = factors.Parameters(*map(torch.tensor, (mu, L, var)))
    _, after = fits.em_step(torch.tensor(X), theta)
    np.testing.assert_allclose(after.mu, B[:, 2] + B[:, :2] @ nu, atol=1e-10)
    np.testing.assert_allclose(
        after.Lambda @ after.Lambda.T, B[:, :2] @ Psi @ B[:, :2].T, atol=1e-10
    )
    assert after.var.item() == pytest.approx(square / (~np.isnan(X)).sum())


def test_em_begins_with_some_noise_where_the_filled_rows_have_none():
    x = torch.outer(torch.arange(5.0), torch.ones(4)).double()
    flat = fits.closed_form(fits.spectrum(x), 1)
    begin = fits.filled_start(x, 1)
    assert flat.var.item() == pytest.approx(0, abs=1e-12)
    assert begin.var.item() == pytest.approx(0.01 * x.var(0, correction=0)[0])


def test_observed_parts_have_the_marginal_density():
    model = with_holes(2).fit(IRIS)
    X, S = holes(IRIS, 0.4), covariance(model)
    found = model.score_samples(X)
    for n, row in enumerate(X):
        o = ~np.isnan(row)
        if not o.any():
            assert found[n] == 0  # nothing was seen: probability 1
            continue
        part = multivariate_normal(model.mean_[o], S[np.ix_(o, o)])
        assert found[n] == pytest.approx(part.logpdf(row[o]), abs=1e-10)


def test_missing_entries_have_the_conditional_mean_and_variance():
    model = with_holes(2).fit(WINE)
    X, S = holes(WINE, 0.4), covariance(model)
    mean, variance = model.conditional(X)
    for n, row in enumerate(X):
        o, m = ~np.isnan(row), np.isnan(row)
        G = S[np.ix_(m, o)] @ np.linalg.inv(S[np.ix_(o, o)])
        expected = model.mean_[m] + G @ (row[o] - model.mean_[o])
        spread = S[np.ix_(m, m)] - G @ S[np.ix_(o, m)]
        np.testing.assert_allclose(mean[n, m], expected, atol=1e-10)
        np.testing.assert_allclose(variance[n, m], np.diag(spread), atol=1e-10)
        assert (mean[n, o] == row[o]).all()
        assert (variance[n, o] == 0).all()
    np.testing.assert_array_equal(model.impute(X), mean)


def test_draws_of_missing_entries_have_their_joint_distribution():
    model = with_holes(2).fit(IRIS)
    row = np.array([[5.0, np.nan, np.nan, 1.5]])
    drawn = model.sample_conditional(row, 100_000, random_state=0)[:, 0]
    assert (drawn[:, [0, 3]] == [5.0, 1.5]).all()
    S, o, m = covariance(model), [0, 3], [1, 2]
    G = S[np.ix_(m, o)] @ np.linalg.inv(S[np.ix_(o, o)])
    C = S[np.ix_(m, m)] - G @ S[np.ix_(o, m)]
    error = np.sqrt((C**2 + np.outer(C.diagonal(), C.diagonal())) / 100_000)
    assert (abs(np.cov(drawn[:, m].T) - C) < 5 * error).all()
    mean = model.impute(row)[0, m]
    bound = 5 * np.sqrt(C.diagonal() / 100_000)
    assert (abs(drawn[:, m].mean(axis=0) - mean) < bound).all()
    assert abs(C[0, 1]) > 10 * error[0, 1]  # together, not one by one


def test_a_row_of_nothing_is_drawn_from_the_model():
    model = with_holes(2).fit(IRIS)
    row = np.full((1, 4), np.nan)
    mean, variance = model.conditional(row)
    np.testing.assert_allclose(mean[0], model.mean_)
    np.testing.assert_allclose(variance[0], covariance(model).diagonal())


def test_em_with_holes_never_falls_and_forgets_its_start():
    X = holes(WINE)
    options = {"tol": 1e-10, "max_iter": 5000}
    filled = with_holes(2, **options).fit(X)
    random = with_holes(2, solver="em", random_state=0, **options).fit(X)
    for model in (filled, random):
        assert np.diff(model.history_).min() > -1e-12
        assert model.score(X) == pytest.approx(model.history_[-1], rel=1e-12)
    assert filled.score(X) == pytest.approx(random.score(X), abs=1e-6)
    np.testing.assert_allclose(
        covariance(filled), covariance(random), atol=1e-2
    )


def test_em_with_holes_ends_where_the_gradient_is_zero():
    X = holes(WINE)
    model = with_holes(2, tol=1e-14, max_iter=20_000).fit(X)
    theta = factors.Parameters(
        *(
            torch.tensor(value, dtype=torch.float64, requires_grad=True)
            for value in (model.mean_, model.loadings_, model.noise_variance_)
        )
    )
    factors.log_prob(torch.tensor(X), theta).mean().backward()
    for part in theta:
        assert part.grad.abs().max() < 1e-5


def test_marginalising_recovers_planted_factors_better_than_filling():
    rng = np.random.RandomState(0)
    L = rng.randn(10, 2) * 2
    S = L @ L.T + 0.25 * np.eye(10)
    X = rng.multivariate_normal(np.arange(10.0), S, size=2000)
    H = holes(X, 0.4)
    filled = np.where(np.isnan(H), np.nanmean(H, axis=0), H)
    exact, naive = with_holes(2).fit(H), PPCA(2).fit(filled)
    errors = [abs(covariance(m) - S).max() for m in (exact, naive)]
    assert errors[0] < 0.1 * S.max() < errors[1]
    assert exact.noise_variance_ == pytest.approx(0.25, rel=0.05)
    assert naive.noise_variance_ > 1
    np.testing.assert_allclose(exact.mean_, np.arange(10.0), atol=0.4)


@pytest.mark.parametrize(("unit", "origin"), [(1e-8, 0), (1, 1e7)])
def test_neither_unit_nor_origin_matters(unit, origin):
    """Small noise is judged beside the spread of the data, not beside 1."""
    near = PPCA(2).fit(WINE)
    far = PPCA(2).fit(WINE * unit + origin)
    assert far.noise_variance_ / unit**2 == pytest.approx(
        near.noise_variance_, rel=1e-5
    )


def test_many_rows_are_taken_in_blocks(monkeypatch):
    X = holes(WINE)
    whole = with_holes(2).fit(X)
    monkeypatch.setattr(factors, "CACHE", 5 * 3**2)
    parts = with_holes(2).fit(X)
    np.testing.assert_allclose(parts.loadings_, whole.loadings_, rtol=1e-8)
    np.testing.assert_allclose(
        parts.score_samples(X), whole.score_samples(X), rtol=1e-10
    )
    np.testing.assert_allclose(parts.impute(X), whole.impute(X), rtol=1e-8)


def test_a_path_is_the_separate_fits():
    for options, X in (({}, WINE), ({"missing": "marginalise"}, holes(WINE))):
        path = PPCA(**options).fit_path(X, [1, 3])
        for M, model in zip((1, 3), path, strict=True):
            alone = PPCA(M, **options).fit(X)
            np.testing.assert_allclose(model.loadings_, alone.loadings_)
            assert model.n_components == M
            assert model.noise_variance_ == alone.noise_variance_


def test_held_out_likelihood_finds_the_planted_dimension():
    for seed in range(3):
        rng = np.random.RandomState(seed)
        L = rng.randn(12, 3)
        X = rng.randn(600, 3) @ L.T + 0.3 * rng.randn(600, 12)
        path = PPCA().fit_path(X[:300], range(12))
        held_out = [model.score(X[300:]) for model in path]
        assert np.argmax(held_out) == 3
        training = [model.score(X[:300]) for model in path]
        assert np.argmax(training) == 11


@pytest.mark.parametrize(("M", "count"), [(0, 5), (1, 9), (2, 12), (3, 14)])
def test_parameters_are_counted_without_rotations(M, count):
    """M = 3 of 4 is the full normal: 4 means and 10 covariances."""
    assert PPCA(M).fit(IRIS).n_parameters_ == count


def test_the_convention_of_signs_and_order():
    for X in (IRIS, -IRIS):
        L = PPCA(3).fit(X).loadings_
        assert (L[abs(L).argmax(0), range(3)] > 0).all()
        lengths = (L**2).sum(axis=0)
        assert (np.diff(lengths) < 0).all()
        np.testing.assert_allclose(L.T @ L, np.diag(lengths), atol=1e-12)


def test_tensors_stay_tensors_and_arguments_unchanged():
    x = torch.tensor(holes(IRIS), dtype=torch.float32)
    before = x.clone()
    model = with_holes(2).fit(x)
    results = [
        model.loadings_,
        model.score_samples(x),
        *model.posterior(x),
        *model.conditional(x),
        model.inverse_transform(model.transform(x)),
        model.sample(3),
        model.sample_conditional(x, 2),
    ]
    for value in results:
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float64
    assert torch.equal(x.nan_to_num(), before.nan_to_num())
    here = with_holes(2).fit(x.double().numpy())
    np.testing.assert_allclose(model.loadings_.numpy(), here.loadings_)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer():
    x = torch.tensor(holes(WINE))
    here, there = with_holes(3).fit(x), with_holes(3).fit(x.cuda())
    assert there.loadings_.is_cuda
    assert torch.allclose(here.loadings_, there.loadings_.cpu(), atol=1e-6)
    far = there.score_samples(x.cuda())
    assert far.is_cuda
    assert torch.allclose(here.score_samples(x), far.cpu(), atol=1e-6)
    assert there.sample_conditional(x.cuda(), 2).is_cuda


def test_rows_in_a_plane_have_no_likelihood():
    flat = np.random.RandomState(0).randn(20, 2) @ np.ones((2, 5))
    with pytest.raises(ValueError, match="likelihood unbounded"):
        PPCA(2).fit(flat)
    with pytest.raises(ValueError, match="likelihood unbounded"):
        PPCA(1).fit(np.ones((5, 3)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_components": 4}, "below n_features = 4"),
        ({"n_components": -1}, "whole number"),
        ({"n_components": 1.5}, "whole number"),
        ({"max_iter": -1}, "whole number"),
        ({"solver": "svd"}, "one of auto, em"),
        ({"missing": "drop"}, "one of error, marginalise"),
        ({"tol": -1}, "not negative"),
    ],
)
def test_wrong_options_are_explained(options, words):
    with pytest.raises(ValueError, match=words):
        PPCA(**options).fit(IRIS)


def test_missing_entries_are_refused_unless_asked_for():
    with pytest.raises(ValueError, match="missing='marginalise'"):
        PPCA(2).fit(holes(IRIS))
    empty = IRIS.copy()
    empty[:, 2] = np.nan
    with pytest.raises(ValueError, match=r"columns \[2\]"):
        with_holes(2).fit(empty)
    with pytest.raises(ValueError, match="a code has 2 numbers"):
        PPCA(2).fit(IRIS).inverse_transform(np.zeros((5, 3)))


def test_em_says_when_it_did_not_converge():
    model = PPCA(2, solver="em", max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="in 3 steps"):
        model.fit(IRIS)
    assert not model.converged_
    assert (model.n_iter_, len(model.history_)) == (3, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.score(IRIS) == pytest.approx(model.history_[-1])
