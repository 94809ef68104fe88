"""Gaussian mixtures against scikit-learn, SciPy and their own definition."""

import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.mixture import GaussianMixture, gaussian_em, missing
from course.models.mixture import em as em_module
from course.models.mixture.base import best
from course.models.mixture.covariances import Full
from course.models.mixture.diagonal import Diagonal
from course.models.mixture.em import e_step
from course.models.mixture.gaussian import KINDS as KINDS_OF
from course.models.mixture.gaussian_em import GaussianEM

KINDS = ("full", "tied", "diag", "spherical")
kinds = pytest.mark.parametrize("kind", KINDS)
IRIS = load_iris().data


@parametrize_with_checks([GaussianMixture()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def quietly(model, X):
    """Fit without the warning that so few steps do not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


def start(kind, K, D, seed=0):
    """Random weights, means and covariances, as the options name them."""
    rng = np.random.RandomState(seed)
    A = rng.randn(K, D, D) / 2
    full = A @ A.transpose(0, 2, 1) + np.eye(D)
    covariances = {
        "full": full,
        "tied": full[0],
        "diag": full.diagonal(axis1=1, axis2=2).copy(),
        "spherical": full[:, 0, 0].copy(),
    }[kind]
    return {
        "weights_init": rng.dirichlet(np.full(K, 5.0)),
        "means_init": 2 * rng.randn(K, D),
        "covariances_init": covariances,
    }


def reference(kind, begin, **options):
    """Scikit-learn's mixture from the same start."""
    sigma = begin["covariances_init"]
    matrix = kind in ("full", "tied")
    return Reference(
        len(begin["weights_init"]),
        covariance_type=kind,
        weights_init=begin["weights_init"],
        means_init=begin["means_init"],
        precisions_init=np.linalg.inv(sigma) if matrix else 1 / sigma,
        **options,
    )


@kinds
@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.01])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_every_iteration_is_that_of_scikit_learn(kind, ridge, offset):
    X, _ = make_blobs(400, 3, centers=4, cluster_std=2.0, random_state=1)
    begin = start(kind, 4, 3)
    begin["means_init"] = begin["means_init"] + offset
    options = {"max_iter": 12, "tol": 0.0}
    theirs = reference(kind, begin, reg_covar=ridge, **options)
    ours = GaussianMixture(
        4, covariance_type=kind, ridge=ridge, **begin, **options
    )
    quietly(theirs, X + offset)
    quietly(ours, X + offset)
    # their bound is the E-step before each M-step; ours has one more
    np.testing.assert_allclose(
        ours.history_[:-1], theirs.lower_bounds_, rtol=1e-12
    )
    assert ours.history_[-1] == pytest.approx(theirs.score(X + offset), 1e-12)
    for name in ("weights_", "means_", "covariances_"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-10
        )


@kinds
def test_information_criteria_are_those_of_scikit_learn(kind):
    begin = start(kind, 3, 4)
    ours = quietly(
        GaussianMixture(3, covariance_type=kind, max_iter=5, tol=0, **begin),
        IRIS,
    )
    theirs = quietly(reference(kind, begin, max_iter=5, tol=0), IRIS)
    assert ours.n_parameters_ == theirs._n_parameters()
    assert ours.aic(IRIS) == pytest.approx(theirs.aic(IRIS), rel=1e-10)
    assert ours.bic(IRIS) == pytest.approx(theirs.bic(IRIS), rel=1e-10)
    np.testing.assert_allclose(
        ours.predict_proba(IRIS), theirs.predict_proba(IRIS), atol=1e-9
    )
    assert (ours.predict(IRIS) == theirs.predict(IRIS)).all()


@kinds
def test_the_start_is_as_good_as_that_of_scikit_learn(kind):
    gains = []
    for seed in range(5):
        options = {"covariance_type": kind, "random_state": seed}
        options |= {"n_init": 3, "tol": 1e-4, "max_iter": 1000}
        ours = GaussianMixture(3, **options).fit(IRIS)
        theirs = Reference(3, **options).fit(IRIS)
        gains.append(ours.score(IRIS) - theirs.score(IRIS))
    assert np.mean(gains) > -0.02


@pytest.mark.parametrize("module", [Full, Diagonal])
def test_features_give_the_log_joint(module):
    """Theta_k . features(x) = log pi_k + log N(x | mu_k, Sigma_k)."""
    kind = "full" if module is Full else "diag"
    pi, mu, Sigma = map(torch.as_tensor, start(kind, 3, 4).values())
    x = torch.randn(7, 4, dtype=torch.float64)
    product = module.theta(pi, mu, Sigma) @ module.features(x)
    torch.testing.assert_close(product, module.log_joint(x, pi, mu, Sigma))
    for k in range(3):
        sigma = Sigma[k] if module is Full else Sigma[k].diag()
        truth = multivariate_normal(mu[k], sigma).logpdf(x) + pi[k].log().item()
        np.testing.assert_allclose(product[k], truth)


def test_the_e_step_is_bayes_rule():
    joint = torch.rand(1, 3, 5, dtype=torch.float64)
    log_p, r = e_step(joint.log())
    torch.testing.assert_close(log_p.exp(), joint.sum(1))
    torch.testing.assert_close(r, joint / joint.sum(1))


@kinds
def test_likelihood_never_falls_and_ends_at_the_score(kind):
    X, _ = make_blobs(300, 3, centers=5, cluster_std=2.0, random_state=0)
    for ridge in (0.0, 1e-6, 0.1, 3.0):
        model = GaussianMixture(
            4, covariance_type=kind, ridge=ridge, random_state=0, max_iter=2000
        ).fit(X)
        assert model.converged_
        assert model.n_iter_ == len(model.history_) - 1
        assert (np.diff(model.history_) >= 0).all()
        assert model.history_[-1] == pytest.approx(model.score(X), rel=1e-12)


@kinds
def test_density_integrates_to_one_and_mixes_the_components(kind):
    X, _ = make_blobs(100, centers=2, random_state=2)
    model = GaussianMixture(2, covariance_type=kind, random_state=0).fit(X)
    axis = np.linspace(-25, 25, 400)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(model.score_samples(grid))
    assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, 1e-6)
    joint = np.stack(
        [
            model.weights_[k]
            * multivariate_normal(model.means_[k], sigma).pdf(grid)
            for k, sigma in enumerate(matrices(model))
        ]
    )
    np.testing.assert_allclose(density, joint.sum(0), rtol=1e-9)
    np.testing.assert_allclose(
        model.predict_proba(grid).T, joint / joint.sum(0), atol=1e-9
    )


def matrices(model):
    """The covariance matrix of every component."""
    (K, D), sigma = model.means_.shape, np.asarray(model.covariances_)
    return {
        "full": lambda: sigma,
        "tied": lambda: np.stack([sigma] * K),
        "diag": lambda: np.stack([np.diag(s) for s in sigma]),
        "spherical": lambda: np.stack([s * np.eye(D) for s in sigma]),
    }[model.covariance_type]()


@kinds
def test_restarts_in_a_batch_equal_one_run_at_a_time(kind):
    X, _ = make_blobs(200, 2, centers=5, cluster_std=1.5, random_state=3)
    options = {"covariance_type": kind, "max_iter": 1000}
    batch = GaussianMixture(4, n_init=4, random_state=7, **options).fit(X)
    # run i of the batch has the i-th seed that RandomState(7) gives
    seeds = np.random.RandomState(7).randint(2**31 - 1, size=4)
    alone = []
    for seed in seeds:
        model = GaussianMixture(4, random_state=Fixed(seed), **options)
        alone.append(model.fit(X))
    best = max(alone, key=lambda model: model.history_[-1])
    assert batch.history_[-1] == pytest.approx(best.history_[-1], rel=1e-10)
    np.testing.assert_allclose(
        batch.score_samples(X), best.score_samples(X), rtol=1e-5
    )


class Fixed(np.random.RandomState):
    """Gives the seed it was made with to the only run."""

    def __init__(self, seed):
        super().__init__(0)
        self.given = seed

    def randint(self, *args, **options):
        """The one seed."""
        return np.array([self.given])


@kinds
def test_a_path_equals_separate_fits(kind):
    X, _ = make_blobs(300, 3, centers=3, random_state=4)
    model = GaussianMixture(
        covariance_type=kind, ridge=0, n_init=2, random_state=0,
        tol=1e-5, max_iter=2000,
    )  # fmt: skip
    path = model.fit_path(X, n_components=(1, 2, 5))
    assert not hasattr(model, "means_")
    for K, fitted in zip((1, 2, 5), path, strict=True):
        alone = clone(model).set_params(n_components=K).fit(X)
        assert fitted.n_components == len(fitted.weights_) == K
        assert fitted.history_[0] == pytest.approx(alone.history_[0], 1e-12)
        assert fitted.history_[-1] == pytest.approx(alone.history_[-1], 1e-9)
        np.testing.assert_allclose(fitted.means_, alone.means_, rtol=1e-5)
        assert fitted.bic(X) == pytest.approx(alone.bic(X), rel=1e-9)


def test_one_gaussian_is_the_mean_and_covariance():
    model = GaussianMixture(1, ridge=0).fit(IRIS)
    np.testing.assert_allclose(model.weights_, [1])
    np.testing.assert_allclose(model.means_[0], IRIS.mean(0), rtol=1e-12)
    np.testing.assert_allclose(
        model.covariances_[0], np.cov(IRIS.T, bias=True), rtol=1e-10
    )


def test_far_from_the_origin_no_digit_is_lost():
    near = GaussianMixture(3, random_state=0).fit(IRIS)
    far = GaussianMixture(3, random_state=0).fit(IRIS + 1e6)
    np.testing.assert_allclose(far.history_, near.history_, rtol=1e-8)
    np.testing.assert_allclose(far.means_ - 1e6, near.means_, atol=1e-7)
    np.testing.assert_allclose(far.covariances_, near.covariances_, atol=1e-7)


def test_narrow_clusters_far_apart_lose_no_digits():
    """Width 1e-5 of the distance: features alone would be wrong."""
    rng = np.random.RandomState(0)
    X = 1e-5 * rng.randn(200, 2) + np.repeat([[0.0, 0.0], [1.0, 1.0]], 100, 0)
    model = GaussianMixture(2, ridge=0, random_state=0).fit(X)
    truth = np.stack(
        [np.cov(X[:100].T, bias=True), np.cov(X[100:].T, bias=True)]
    )
    order = model.means_[:, 0].argsort()
    np.testing.assert_allclose(model.covariances_[order], truth, rtol=1e-8)
    assert model.history_[-1] == pytest.approx(model.score(X), rel=1e-9)


@kinds
def test_the_careful_step_is_the_step_without_features(kind, monkeypatch):
    for module in (em_module, gaussian_em):  # several blocks of rows
        monkeypatch.setattr(module, "block_rows", lambda width: 40)
    em = GaussianEM(torch.as_tensor(IRIS), KINDS_OF[kind], 1e-6)
    model = GaussianMixture(3, covariance_type=kind, random_state=0)
    state = model._start(em, [3])
    for _ in range(3):
        (plain, after), (careful, same) = em.step(state), em.careful_step(state)
        torch.testing.assert_close(plain, careful, rtol=1e-12, atol=0)
        for one, other in zip(after, same, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
        state = after


def test_a_run_that_failed_is_never_the_best():
    good, failed = em_module.Run([-3.0]), em_module.Run([-1.0], failed=True)
    assert best([failed, good], GaussianMixture()) is good
    with pytest.raises(ValueError, match="Increase ridge"):
        best([failed], GaussianMixture())


@kinds
def test_shift_and_scale_are_followed(kind):
    scale = 3.0 if kind == "spherical" else np.array([0.1, 1, 10, 100])
    options = {"covariance_type": kind, "ridge": 0, "random_state": 0}
    model = GaussianMixture(3, max_iter=1000, **options).fit(IRIS)
    moved = GaussianMixture(3, max_iter=1000, **options).fit(IRIS * scale - 7)
    jacobian = np.log(scale * np.ones(4)).sum()
    np.testing.assert_allclose(
        moved.history_ + jacobian, model.history_, rtol=1e-6
    )
    np.testing.assert_allclose(
        moved.means_, model.means_ * scale - 7, rtol=1e-5
    )


@kinds
def test_samples_have_the_moments_of_the_model(kind):
    """Of each component: they are far apart, none round or of unit size."""
    begin = start(kind, 3, 2)
    model = GaussianMixture(3, covariance_type=kind).set_params(
        weights_init=[0.2, 0.3, 0.5],
        means_init=[[0.0, 0.0], [90.0, 0.0], [0.0, 90.0]],
        covariances_init=5 * begin["covariances_init"],
        max_iter=0,
    )
    quietly(model, 40 * np.random.RandomState(0).randn(50, 2))
    Z = model.sample(100_000, random_state=0)
    k = model.predict(Z)
    for i, sigma in enumerate(matrices(model)):
        z, size = Z[k == i], np.sqrt(sigma.trace())
        assert len(z) / len(Z) == pytest.approx(model.weights_[i], abs=0.006)
        np.testing.assert_allclose(z.mean(0), model.means_[i], atol=0.03 * size)
        np.testing.assert_allclose(np.cov(z.T), sigma, atol=0.04 * size**2)


def test_samples_are_fresh_in_no_order_and_repeat_with_a_seed():
    X = np.concatenate([IRIS, IRIS + 100])
    model = GaussianMixture(2, random_state=0).fit(X)
    assert not np.array_equal(model.sample(5), model.sample(5))
    np.testing.assert_array_equal(model.sample(5, 3), model.sample(5, 3))
    k = model.predict(model.sample(1000))
    assert 400 < (np.diff(k) != 0).sum() < 600  # half the neighbours differ


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@kinds
def test_tensors_in_tensors_out(kind, dtype):
    X = torch.as_tensor(IRIS, dtype=dtype)
    model = GaussianMixture(2, covariance_type=kind, random_state=0)
    ours, theirs = clone(model).fit(X), model.fit(X.numpy().astype(float))
    for name in ("weights_", "means_", "covariances_", "history_"):
        value, expected = getattr(ours, name), getattr(theirs, name)
        assert isinstance(value, torch.Tensor), name
        assert isinstance(expected, np.ndarray), name
        np.testing.assert_array_equal(value, expected)
    for name in ("score_samples", "predict", "predict_proba"):
        value = getattr(ours, name)(X)
        assert isinstance(value, torch.Tensor), name
        np.testing.assert_array_equal(value, getattr(theirs, name)(X.numpy()))
    assert isinstance(ours.sample(3), torch.Tensor)
    assert isinstance(ours.score(X), float)


def test_every_row_is_as_if_alone():
    model = GaussianMixture(3, missing="marginalise", random_state=0)
    X = with_holes(IRIS, 0.3)
    model.fit(X)
    for name in ("score_samples", "predict_proba", "impute"):
        method = getattr(model, name)
        rows = np.concatenate([method(X[n : n + 1]) for n in range(20)])
        np.testing.assert_allclose(rows, method(X)[:20], rtol=1e-10)


@kinds
def test_arguments_are_unchanged(kind):
    for X in (IRIS.copy(), with_holes(IRIS, 0.2)):
        begin, before = start(kind, 3, 4), X.copy()
        copies = {name: value.copy() for name, value in begin.items()}
        model = GaussianMixture(
            3, covariance_type=kind, missing="marginalise", max_iter=3, **begin
        )
        quietly(model, X)
        model.score(X), model.predict(X), model.impute(X)
        np.testing.assert_array_equal(X, before)
        for name, value in begin.items():
            np.testing.assert_array_equal(value, copies[name])
            assert getattr(model, name) is value


# Missing entries


def with_holes(X, share, seed=0):
    """A copy of X with a share of its entries missing."""
    holes = np.random.RandomState(seed).rand(*X.shape) < share
    return np.where(holes, np.nan, X)


@pytest.fixture(scope="module")
def correlated():
    """Two clusters with correlated columns."""
    rng = np.random.RandomState(0)
    X = rng.randn(300, 4) @ rng.randn(4, 4) + [1, -2, 3, 4]
    X[:150] += 4
    return X


@kinds
def test_missing_entries_are_integrated_out(kind, correlated):
    model = GaussianMixture(
        2, covariance_type=kind, missing="marginalise", random_state=0
    ).fit(correlated)
    X, sigma = with_holes(correlated[:60], 0.4), matrices(model)
    X[0] = np.nan
    joint = np.ones((len(X), 2)) * model.weights_
    for n, x in enumerate(X):
        o = ~np.isnan(x)
        for k in range(2):
            if o.any():
                normal = multivariate_normal(
                    model.means_[k][o], sigma[k][np.ix_(o, o)]
                )
                joint[n, k] *= normal.pdf(x[o])
    np.testing.assert_allclose(
        model.score_samples(X), np.log(joint.sum(1)), rtol=1e-9, atol=1e-12
    )
    r = joint / joint.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), r, atol=1e-10)
    np.testing.assert_allclose(
        model.impute(X), conditional_means(model, X, r), rtol=1e-9
    )


def conditional_means(model, X, r):
    """Sum_k r_k (mu_m + Sigma_mo Sigma_oo^-1 (x_o - mu_o)), a row at a time."""
    X, sigma = X.copy(), matrices(model)
    for x, weights in zip(X, r, strict=True):
        o = ~np.isnan(x)
        m, total = ~o, 0
        for k, mu in enumerate(model.means_):
            gain = sigma[k][np.ix_(m, o)] @ np.linalg.inv(
                sigma[k][np.ix_(o, o)]
            )
            total += weights[k] * (mu[m] + gain @ (x[o] - mu[o]))
        x[m] = total
    return X


@pytest.mark.parametrize("K", [1, 2])
def test_em_with_missing_entries_is_that_of_a_plain_loop(K, correlated):
    """Little and Rubin: conditional means and covariances enter the M-step."""
    X, begin = with_holes(correlated, 0.3), start("full", K, 4)
    model = GaussianMixture(
        K, ridge=0.02, max_iter=3, tol=0, missing="marginalise", **begin
    )
    quietly(model, X)
    pi, mu, sigma = begin.values()
    for _ in range(3):
        pi, mu, sigma = plain_em(X, pi, mu, sigma)
        sigma = sigma + 0.02 * np.eye(4)
    assert model.n_iter_ == 3
    np.testing.assert_allclose(model.weights_, pi, rtol=1e-9)
    np.testing.assert_allclose(model.means_, mu, rtol=1e-8)
    np.testing.assert_allclose(model.covariances_, sigma, rtol=1e-7, atol=1e-9)


def plain_em(X, pi, mu, sigma):
    """One EM step, a row and a component at a time."""
    (N, D), K = X.shape, len(pi)
    r, mean, square = np.zeros((N, K)), np.zeros((N, K, D)), 0
    square = np.zeros((N, K, D, D))
    for n in range(N):
        o = ~np.isnan(X[n])
        m = ~o
        for k in range(K):
            oo, mo = sigma[k][np.ix_(o, o)], sigma[k][np.ix_(m, o)]
            gain = mo @ np.linalg.inv(oo)
            d = X[n, o] - mu[k][o]
            r[n, k] = pi[k] * np.exp(-d @ np.linalg.inv(oo) @ d / 2)
            r[n, k] /= np.sqrt(np.linalg.det(2 * np.pi * oo))
            mean[n, k, o], mean[n, k, m] = X[n, o], mu[k][m] + gain @ d
            square[n, k] = np.outer(mean[n, k], mean[n, k])
            square[n, k][np.ix_(m, m)] += sigma[k][np.ix_(m, m)] - gain @ mo.T
    r /= r.sum(1, keepdims=True)
    N_k = r.sum(0)
    mu = np.einsum("nk,nkd->kd", r, mean) / N_k[:, None]
    second = np.einsum("nk,nkij->kij", r, square) / N_k[:, None, None]
    return N_k / N, mu, second - np.einsum("ki,kj->kij", mu, mu)


@kinds
def test_likelihood_of_what_is_observed_never_falls(kind, correlated):
    X = with_holes(correlated, 0.3)
    model = GaussianMixture(
        2, covariance_type=kind, missing="marginalise", random_state=0,
        n_init=2, max_iter=2000,
    ).fit(X)  # fmt: skip
    assert (np.diff(model.history_) >= 0).all()
    assert model.history_[-1] == pytest.approx(model.score(X), rel=1e-10)


@kinds
def test_em_with_missing_entries_ends_at_a_stationary_point(kind, correlated):
    """The gradient of the marginal likelihood, by central differences."""
    X = with_holes(correlated, 0.25)
    model = GaussianMixture(
        1, covariance_type=kind, missing="marginalise", ridge=0, tol=1e-13,
        max_iter=5000,
    ).fit(X)  # fmt: skip
    means, covariances = model.means_.copy(), model.covariances_.copy()
    rng = np.random.RandomState(0)

    def score(step):
        model.means_ = means + step * direction
        model.covariances_ = covariances + step * bend
        return model.score(X)

    for _ in range(5):
        direction, bend = rng.randn(*means.shape), rng.randn(*covariances.shape)
        if kind in ("full", "tied"):
            bend = bend + np.swapaxes(bend, -1, -2)
        slope = (score(1e-4) - score(-1e-4)) / 2e-4
        assert abs(slope) < 1e-5
        assert score(0.05) < score(0) > score(-0.05)


def test_marginalising_complete_data_changes_nothing():
    options = {"n_components": 3, "random_state": 0}
    plain = GaussianMixture(**options).fit(IRIS)
    other = GaussianMixture(**options, missing="marginalise").fit(IRIS)
    np.testing.assert_array_equal(plain.history_, other.history_)
    np.testing.assert_array_equal(other.impute(IRIS), IRIS)


def test_missing_entries_far_from_the_origin():
    X = with_holes(IRIS, 0.2)
    options = {"missing": "marginalise", "random_state": 0, "max_iter": 1000}
    near = GaussianMixture(2, **options).fit(X)
    far = GaussianMixture(2, **options).fit(X + 1e6)
    np.testing.assert_allclose(far.history_, near.history_, rtol=1e-7)
    np.testing.assert_allclose(
        far.impute(X + 1e6) - 1e6, near.impute(X), atol=1e-6
    )


# Errors say what to do

ERRORS = {
    "K": ({"n_components": 0}, "n_components must be a whole number"),
    "half": ({"n_components": 1.5}, "n_components must be a whole number"),
    "word": ({"n_init": "many"}, "n_init must be a whole number"),
    "type": ({"covariance_type": "fulll"}, "one of full, diag, tied, spher"),
    "missing": ({"missing": "drop"}, "one of error, marginalise"),
    "ridge": ({"ridge": -1}, "ridge must be a finite number and not neg"),
    "tol": ({"tol": np.nan}, "tol must be a finite number"),
    "many": ({"n_components": 151}, "decrease n_components"),
    "weights shape": ({"weights_init": [1, 0]}, r"of shape \(1,\)"),
    "weights sum": ({"weights_init": [0.9]}, "sum to one, not to 0.9"),
    "means": ({"means_init": [[0.0] * 3]}, r"means_init.* \(1, 4\)"),
    "means NaN": ({"means_init": [[np.nan] * 4]}, "means_init must be fin"),
    "shape": ({"covariances_init": np.eye(4)}, r"\(1, 4, 4\)"),
    "definite": ({"covariances_init": -np.eye(4)[None]}, "positive definite"),
    "symmetric": (
        {"covariances_init": np.eye(4)[None] + np.eye(4, k=1)},
        "symmetric and positive definite",
    ),
    "variance": (
        {"covariances_init": [0.0], "covariance_type": "spherical"},
        "positive definite",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_do(case):
    options, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**options).fit(IRIS)


@pytest.mark.parametrize("kind", ["full", "tied", "diag"])
def test_a_constant_column_needs_a_ridge(kind):
    X = np.column_stack([IRIS, np.full(150, 0.1)])
    model = GaussianMixture(2, covariance_type=kind, random_state=0)
    fitted = clone(model).fit(X)
    assert fitted.means_[:, 4] == pytest.approx([0.1, 0.1])
    assert np.stack(matrices(fitted))[:, 4, 4] == pytest.approx(1e-6)
    with pytest.raises(ValueError, match=r"\[4\] are constant.*drop them"):
        model.set_params(ridge=0).fit(X)


def test_a_collapse_without_a_ridge_says_what_to_do():
    X = np.repeat(IRIS[::30], 3, axis=0)
    with pytest.raises(ValueError, match="Increase ridge, decrease n_comp"):
        GaussianMixture(5, ridge=0, random_state=0).fit(X)
    model = GaussianMixture(5, random_state=0).fit(X)
    assert np.isfinite(model.history_).all()


def test_a_run_that_collapses_does_not_spoil_the_others():
    X = np.concatenate([IRIS, np.full((6, 4), 20.0)])
    model = GaussianMixture(2, ridge=0, n_init=30, random_state=0)
    with pytest.raises(ValueError, match="Increase ridge"):
        clone(model).fit(X)  # the six equal rows always get a component
    path = model.set_params(n_init=1).fit_path(X, n_components=(1,))
    assert path[0].converged_


@pytest.mark.parametrize("as_kind", [np.asarray, torch.as_tensor])
def test_nan_is_an_error_that_names_the_option(as_kind):
    X = as_kind(with_holes(IRIS, 0.1))
    with pytest.raises(ValueError, match="set missing='marginalise'"):
        GaussianMixture().fit(X)
    model = GaussianMixture().fit(as_kind(IRIS))
    with pytest.raises(ValueError, match="set missing='marginalise'"):
        model.score_samples(X)
    X = np.column_stack([IRIS, np.full(150, np.nan)])
    with pytest.raises(ValueError, match=r"columns \[4\] have no entry"):
        GaussianMixture(missing="marginalise").fit(as_kind(X))


def test_a_path_has_its_own_starts():
    with pytest.raises(ValueError, match="fit_path finds a start"):
        GaussianMixture(means_init=[[0.0] * 4]).fit_path(IRIS)
    with pytest.raises(ValueError, match="at least one number"):
        GaussianMixture().fit_path(IRIS, n_components=())


def test_too_few_steps_are_a_warning():
    model = GaussianMixture(3, max_iter=1, tol=0, random_state=0)
    with pytest.warns(ConvergenceWarning, match="increase max_iter or tol"):
        model.fit(IRIS)
    assert not model.converged_
    assert model.n_iter_ == 1


@pytest.mark.gpu
@kinds
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_gpu_gives_the_same_answer(kind, share):
    X = torch.as_tensor(with_holes(IRIS, share))
    model = GaussianMixture(
        3, covariance_type=kind, missing="marginalise", n_init=3,
        random_state=0, max_iter=1000,
    )  # fmt: skip
    here, there = clone(model).fit(X), model.fit(X.cuda())
    assert there.means_.device.type == "cuda"
    torch.testing.assert_close(
        there.history_.cpu(), here.history_, rtol=1e-9, atol=0
    )
    scores = there.score_samples(X.cuda())
    assert scores.device.type == "cuda"
    torch.testing.assert_close(
        scores.cpu(), here.score_samples(X), rtol=1e-6, atol=1e-6
    )
    assert there.sample(3).device.type == "cuda"


@kinds
def test_a_constant_column_gets_the_ridge_as_its_variance(kind):
    X = np.c_[IRIS, np.full(150, 7.0)]
    model = GaussianMixture(covariance_type=kind, ridge=1e-3).fit(X)
    assert np.isfinite(model.score(X))
    assert model.means_[0, 4] == pytest.approx(7)
    if kind != "spherical":
        variance = np.atleast_2d(model.covariances_).ravel()[-1]
        assert variance == pytest.approx(1e-3, rel=1e-6)


def test_a_column_constant_where_it_is_known_needs_a_ridge_too():
    X = np.c_[IRIS[:, 0], np.full(150, 7.0)]
    X[::3, 1] = np.nan
    model = GaussianMixture(missing="marginalise", ridge=0)
    with pytest.raises(ValueError, match=r"\[1\] are constant"):
        model.fit(X)


def test_one_column_may_have_an_explicit_start():
    x = np.array([[0.0], [1.0], [2.0], [6.0], [7.0], [9.0]])
    start = {
        "weights_init": np.array([0.5, 0.5]),
        "means_init": np.array([[1.0], [4.0]]),
        "covariances_init": np.array([[[4.0]], [[4.0]]]),
    }
    model = GaussianMixture(2, **start).fit(x)
    np.testing.assert_allclose(model.means_.ravel(), [1, 22 / 3], atol=0.01)


@kinds
def test_patterns_of_missing_entries_may_come_in_batches(kind, monkeypatch):
    X = np.where(np.random.rand(*IRIS.shape) < 0.3, np.nan, IRIS)
    options = {"covariance_type": kind, "missing": "marginalise"}
    model = GaussianMixture(2, max_iter=3, random_state=0, tol=0, **options)
    with warnings.catch_warnings(action="ignore"):
        together = clone(model).fit(X)
        monkeypatch.setattr(missing, "BATCH", 1)  # one pattern at a time
        apart = clone(model).fit(X)
    np.testing.assert_allclose(together.history_, apart.history_, rtol=1e-12)
    np.testing.assert_allclose(together.means_, apart.means_, rtol=1e-9)
