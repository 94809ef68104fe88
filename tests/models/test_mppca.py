"""Mixtures of probabilistic PCA against SciPy, their parts and their ends."""

import warnings

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.mixture import GaussianMixture
from course.models.mppca import MixtureOfPPCA, em, factors
from course.models.ppca import PPCA

IRIS = load_iris().data
WINE = load_wine().data
WINE = (WINE - WINE.mean(axis=0)) / WINE.std(axis=0)
DIGITS = load_digits().data[:300] / 16


def planted(n, seed):
    """Two lines that cross in five dimensions, and the line of every row."""
    rng = np.random.RandomState(seed)
    k = rng.randint(2, size=n)
    direction = np.array([[4.0, 0, 0, 0, 0], [0, 0, 3.0, 0, 0]])
    mean = np.array([[0.0, 0, 0, 0, 0], [1.0, 1, 0, 0, 0]])
    sigma = np.array([0.2, 0.4])[k]
    z, eps = rng.randn(n, 1), rng.randn(n, 5)
    return mean[k] + z * direction[k] + sigma[:, None] * eps, k


def covariances(model):
    """Lambda_k Lambda_k^T + sigma_k^2 I."""
    L, var = model.loadings_, model.noise_variances_
    return L @ L.swapaxes(1, 2) + var[:, None, None] * np.eye(L.shape[1])


def bells(model):
    """The components by SciPy, and their weights."""
    parts = zip(model.means_, covariances(model), strict=True)
    return [multivariate_normal(*p) for p in parts], model.weights_


def log_joint(model, X):
    """Log p(k, x), shape (N, K), from dense covariances."""
    found, pi = bells(model)
    return np.stack([b.logpdf(X) for b in found], axis=1) + np.log(pi)


def holes(X, share=0.3, seed=0):
    """A copy in which some entries are missing."""
    return np.where(
        np.random.RandomState(seed).rand(*X.shape) < share, np.nan, X
    )


@pytest.fixture(scope="module")
def wines():
    return MixtureOfPPCA(3, latent_dim=2, random_state=0).fit(WINE)


@parametrize_with_checks([MixtureOfPPCA()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def test_the_density_is_the_weighted_sum_of_normal_ones(wines):
    joint = log_joint(wines, WINE)
    expected = np.logaddexp.reduce(joint, axis=1)
    np.testing.assert_allclose(wines.score_samples(WINE), expected, atol=1e-9)
    assert wines.score(WINE) == pytest.approx(wines.history_[-1], rel=1e-12)
    r = np.exp(joint - expected[:, None])
    np.testing.assert_allclose(wines.predict_proba(WINE), r, atol=1e-10)
    np.testing.assert_array_equal(wines.predict(WINE), r.argmax(axis=1))


@pytest.mark.parametrize(("X", "M"), [(IRIS, 0), (WINE, 5), (DIGITS, 10)])
def test_one_component_is_probabilistic_pca(X, M):
    ours, theirs = MixtureOfPPCA(latent_dim=M).fit(X), PPCA(M).fit(X)
    np.testing.assert_allclose(ours.means_[0], theirs.mean_, atol=1e-12)
    np.testing.assert_allclose(ours.loadings_[0], theirs.loadings_, atol=1e-8)
    assert ours.noise_variances_[0] == pytest.approx(theirs.noise_variance_)
    np.testing.assert_allclose(
        ours.score_samples(X), theirs.score_samples(X), rtol=1e-9
    )
    assert ours.n_parameters_ == theirs.n_parameters_
    assert ours.n_iter_ == 1
    np.testing.assert_allclose(
        ours.reconstruct(X),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-9,
    )


def test_more_columns_than_rows_is_probabilistic_pca_too():
    """The other branch of the spectrum: inner products of rows."""
    X = DIGITS[:30]
    for M in (3, 12):
        ours, theirs = MixtureOfPPCA(latent_dim=M).fit(X), PPCA(M).fit(X)
        np.testing.assert_allclose(
            ours.loadings_[0], theirs.loadings_, atol=1e-8
        )
        assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-10)


def test_all_directions_are_the_mixture_of_full_gaussians_step_by_step():
    K, D = 3, 4
    centres = torch.tensor(IRIS[[0, 60, 120]])
    theta = em.start(torch.tensor(IRIS), centres, M=D - 1, floor=1e-12)
    Sigma = theta.Lambda @ theta.Lambda.mT + theta.var[
        :, None, None
    ] * torch.eye(D)
    theirs = GaussianMixture(
        K,
        ridge=0,
        tol=1e-9,
        max_iter=500,
        weights_init=theta.pi,
        means_init=theta.mu,
        covariances_init=Sigma,
    ).fit(IRIS)
    _, history, _ = em.climb(
        torch.tensor(IRIS), theta, floor=1e-12, tol=1e-9, max_iter=500
    )
    same = min(len(history), len(theirs.history_))
    assert same > 10
    np.testing.assert_allclose(
        history[:same], theirs.history_[:same], atol=1e-9
    )


@pytest.mark.parametrize(("K", "M"), [(2, 1), (3, 4), (5, 2)])
def test_the_likelihood_never_falls(K, M):
    for X in (WINE, DIGITS, DIGITS[:40]):
        model = MixtureOfPPCA(
            K, latent_dim=M, noise_floor=1e-3, tol=0, random_state=1
        ).fit(X)
        assert np.diff(model.history_).min() > -1e-10
        assert len(model.history_) > 3


def test_the_m_step_is_the_maximum_given_the_responsibilities():
    """No change of one part raises the expected joint log-likelihood."""
    x = torch.tensor(WINE)
    rng = torch.Generator().manual_seed(0)
    r = torch.rand(3, len(x), generator=rng, dtype=torch.float64)
    r = r / r.sum(dim=0)
    theta = em.m_step(x, r, M=2, floor=1e-6)

    def goal(theta):
        return (r * factors.log_joint(x, theta)).sum()

    best = goal(theta)
    for name in theta._fields:
        for size in (1e-3, 1e-2):
            part = getattr(theta, name)
            noise = torch.randn(part.shape, generator=rng).to(part)
            other = part * (size * noise).exp()
            if name == "pi":
                other = other / other.sum()
            assert goal(theta._replace(**{name: other})) < best


def test_the_floor_is_the_maximum_under_the_constraint():
    """Where it binds, more noise and other lengths are less probable."""
    x, floor = torch.tensor(WINE), 0.8
    r = torch.ones(1, len(x), dtype=torch.float64)
    theta = em.m_step(x, r, M=4, floor=floor)
    assert theta.var.item() == floor

    def score(theta):
        return factors.log_joint(x, theta).mean()

    best = score(theta)
    assert score(theta._replace(var=theta.var * 1.01)) < best
    for factor in (0.99, 1.01):
        assert score(theta._replace(Lambda=theta.Lambda * factor)) < best


def test_planted_planes_are_found():
    for seed in range(3):
        X, k = planted(2000, seed)
        model = MixtureOfPPCA(2, n_init=3, random_state=seed).fit(X)
        order = model.noise_variances_.argsort()
        np.testing.assert_allclose(
            model.noise_variances_[order], [0.04, 0.16], rtol=0.1
        )
        long = abs(model.loadings_[order, :, 0]).argmax(axis=1)
        assert long.tolist() == [0, 2]
        np.testing.assert_allclose(model.weights_, 0.5, atol=0.05)
        agree = (order.argsort()[model.predict(X)] == k).mean()
        assert agree > 0.9
        fresh, _ = planted(2000, seed + 100)
        one = MixtureOfPPCA(1).fit(X)
        full = MixtureOfPPCA(1, latent_dim=4).fit(X)
        assert model.score(fresh) > max(one.score(fresh), full.score(fresh)) + 1


def test_samples_have_the_moments_of_the_mixture(wines):
    drawn = wines.sample(50_000, random_state=0)
    pi, mu, S = wines.weights_, wines.means_, covariances(wines)
    mean = pi @ mu
    d = mu - mean
    cov = np.einsum("k,kij->ij", pi, S + d[:, :, None] * d[:, None])
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), cov, atol=0.03)
    # every component in its share, and in no order
    share = np.bincount(wines.predict(drawn)) / len(drawn)
    np.testing.assert_allclose(share, pi, atol=0.02)
    assert abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 0.02
    assert not np.array_equal(wines.sample(5), wines.sample(5))


def test_samples_have_the_entropy_of_their_component():
    """The mean of -log p of a normal distribution: log det and D / 2."""
    model = MixtureOfPPCA(latent_dim=2).fit(WINE)
    log_p = model.score_samples(model.sample(20_000, random_state=1))
    (S,) = covariances(model)
    expected = -np.linalg.slogdet(2 * np.pi * np.e * S)[1] / 2
    # (x - mu)^T S^-1 (x - mu) / 2 has the variance D / 2
    assert abs(log_p.mean() - expected) < 5 * np.sqrt(13 / 2 / 20_000)


def test_gaps_are_filled_with_the_conditional_mean(wines):
    X = holes(WINE, 0.4)
    X[0] = np.nan
    filled = wines.impute(X)
    mu, S = wines.means_, covariances(wines)
    for n, row in enumerate(X):
        o, m = ~np.isnan(row), np.isnan(row)
        weight, mean = wines.weights_.copy(), mu[:, m].copy()
        for k in range(3):
            if o.any():
                part = multivariate_normal(mu[k, o], S[k][np.ix_(o, o)])
                weight[k] *= part.pdf(row[o])
                mean[k] += S[k][np.ix_(m, o)] @ np.linalg.solve(
                    S[k][np.ix_(o, o)], row[o] - mu[k, o]
                )
        expected = weight @ mean / weight.sum()
        np.testing.assert_allclose(filled[n, m], expected, atol=1e-8)
        assert (filled[n, o] == row[o]).all()


def test_rows_are_rebuilt_by_the_posterior_mean(wines):
    """Sum_k r_k (mu_k + Lambda_k Lambda_k^T C_k^-1 (x - mu_k))."""
    r = wines.predict_proba(WINE)
    expected = np.zeros_like(WINE)
    for k, S in enumerate(covariances(wines)):
        L, d = wines.loadings_[k], WINE - wines.means_[k]
        plane = wines.means_[k] + d @ np.linalg.inv(S) @ L @ L.T
        expected += r[:, [k]] * plane
    np.testing.assert_allclose(wines.reconstruct(WINE), expected, atol=1e-10)


def test_restarts_never_hurt():
    scores = [
        MixtureOfPPCA(4, latent_dim=2, n_init=n, random_state=0)
        .fit(WINE)
        .history_[-1]
        for n in (1, 2, 5)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0]


def test_the_run_that_ends_best_is_kept(monkeypatch):
    run, ends = MixtureOfPPCA._run, iter([[0.0, 3.0], [1.0, 2.0]])

    def other_ends(self, x, rng):
        theta, _, done = run(self, x, rng)
        return theta, next(ends), done

    monkeypatch.setattr(MixtureOfPPCA, "_run", other_ends)
    model = MixtureOfPPCA(2, n_init=2, random_state=0).fit(WINE)
    assert list(model.history_) == [0, 3]


def test_many_rows_are_taken_in_blocks(wines, monkeypatch):
    monkeypatch.setattr(factors, "CACHE", 3 * (13 + 9) * 7)
    monkeypatch.setattr(em, "CACHE", 1)
    again = MixtureOfPPCA(3, latent_dim=2, random_state=0).fit(WINE)
    np.testing.assert_allclose(again.loadings_, wines.loadings_, atol=1e-9)
    np.testing.assert_allclose(
        again.score_samples(WINE), wines.score_samples(WINE), rtol=1e-10
    )
    X = holes(WINE)
    np.testing.assert_allclose(again.impute(X), wines.impute(X), atol=1e-8)


def test_parameters_are_counted_without_rotations():
    """M = 3 of 4 is the full normal: 4 means and 10 covariances."""
    for M, plane in ((0, 5), (1, 9), (2, 12), (3, 14)):
        model = MixtureOfPPCA(2, latent_dim=M, random_state=0).fit(IRIS)
        assert model.n_parameters_ == 1 + 2 * plane


def test_the_convention_of_signs_and_order(wines):
    for L in wines.loadings_:
        assert (L[abs(L).argmax(axis=0), range(2)] > 0).all()
        lengths = (L**2).sum(axis=0)
        assert (np.diff(lengths) < 0).all()
        np.testing.assert_allclose(L.T @ L, np.diag(lengths), atol=1e-10)


def test_equal_rows_stop_at_the_floor():
    """Fewer different rows than planes: no warning, no division by zero."""
    X = np.repeat([[0.0, 0, 0], [1.0, 2, 3]], 5, axis=0)
    model = MixtureOfPPCA(3, noise_floor=1e-4, random_state=0).fit(X)
    assert np.isfinite(model.history_).all()
    np.testing.assert_allclose(model.noise_variances_, 1e-4)
    np.testing.assert_allclose(model.weights_.sum(), 1)


def test_tensors_stay_tensors_and_arguments_unchanged():
    x = torch.tensor(WINE, dtype=torch.float32)
    before = x.clone()
    model = MixtureOfPPCA(2, latent_dim=2, random_state=0).fit(x)
    results = [
        model.weights_,
        model.loadings_,
        model.history_,
        model.score_samples(x),
        model.predict_proba(x),
        model.reconstruct(x),
        model.impute(x),
        model.sample(3),
    ]
    for value in results:
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float64
    assert torch.equal(x, before)
    here = MixtureOfPPCA(2, latent_dim=2, random_state=0)
    here.fit(x.double().numpy())
    np.testing.assert_allclose(model.loadings_.numpy(), here.loadings_)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer():
    x = torch.tensor(WINE)
    options = {"latent_dim": 2, "random_state": 0}
    here = MixtureOfPPCA(3, **options).fit(x)
    there = MixtureOfPPCA(3, **options).fit(x.cuda())
    assert there.loadings_.is_cuda
    assert torch.allclose(here.loadings_, there.loadings_.cpu(), atol=1e-6)
    far = there.score_samples(x.cuda())
    assert torch.allclose(here.score_samples(x), far.cpu(), atol=1e-6)
    assert there.impute(x.cuda()).is_cuda
    assert there.sample(3).is_cuda


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latent_dim": 4}, "below n_features = 4"),
        ({"latent_dim": -1}, "latent_dim must be a whole number"),
        ({"n_components": 0}, "n_components must be a whole number"),
        ({"n_components": 151}, "decrease n_components"),
        ({"n_init": 0}, "n_init must be a whole number"),
        ({"max_iter": 1.5}, "max_iter must be a whole number"),
        ({"tol": -1}, "not negative"),
        ({"noise_floor": 0}, "above 0"),
    ],
)
def test_wrong_options_are_explained(options, words):
    with pytest.raises(ValueError, match=words):
        MixtureOfPPCA(**options).fit(IRIS)


def test_gaps_are_for_imputing_alone(wines):
    with pytest.raises(ValueError, match="contains NaN"):
        MixtureOfPPCA().fit(holes(IRIS))
    with pytest.raises(ValueError, match="contains NaN"):
        wines.score_samples(holes(WINE))


def test_em_says_when_it_did_not_converge():
    model = MixtureOfPPCA(4, max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="in 2 steps"):
        model.fit(IRIS)
    assert not model.converged_
    assert (model.n_iter_, len(model.history_)) == (2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.score(IRIS) == pytest.approx(model.history_[-1])
