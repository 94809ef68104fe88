"""One density per class, against scikit-learn and against naive Bayes."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import CategoricalNB
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import digits, wine
from course.models.class_conditional import ClassConditional
from course.models.gaussian import Gaussian
from course.models.kde import KernelDensity
from course.models.mixture import CategoricalMixture, GaussianMixture
from course.models.ppca import PPCA


@parametrize_with_checks([ClassConditional(Gaussian(ridge=0.1))])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture
def two():
    """Two classes with unequal shares, centres and shapes."""
    rng = np.random.default_rng(0)
    y = (rng.random(90) < 0.3).astype(int)
    x = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 3))
    return x * (1 + y[:, None]) + 2 * y[:, None], y


@pytest.mark.parametrize(
    "density",
    [Gaussian(), GaussianMixture(1, ridge=0), PPCA(12)],
    ids=["gaussian", "mixture", "ppca"],
)
def test_gaussians_are_quadratic_discriminant_analysis(density):
    """Both divide the covariances by the rows of the class."""
    x, y = wine().x, wine().y
    theirs = QuadraticDiscriminantAnalysis().fit(x, y)
    ours = ClassConditional(density).fit(x, y)
    expected = theirs.predict_log_proba(x)
    got = ours.predict_log_proba(x)
    np.testing.assert_allclose(got, expected, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(
        ours.predict_proba(x), theirs.predict_proba(x), atol=1e-8
    )
    assert (ours.predict(x) == theirs.predict(x)).all()


def test_the_joint_is_the_prior_times_the_density(two):
    x, y = two
    model = ClassConditional(Gaussian()).fit(x, y)
    joint = np.stack(
        [
            np.log(np.mean(y == k))
            + multivariate_normal(
                x[y == k].mean(0), np.cov(x[y == k].T, bias=True)
            ).logpdf(x)
            for k in (0, 1)
        ],
        axis=1,
    )
    np.testing.assert_allclose(model.joint_log_prob(x), joint)
    np.testing.assert_allclose(model.score_samples(x), logsumexp(joint, axis=1))
    posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(x), posterior)
    own = joint[np.arange(len(x)), y].mean()
    assert model.history_ == pytest.approx([own])
    np.testing.assert_allclose(model.class_prior_, [1 - y.mean(), y.mean()])


def test_one_component_of_categories_is_naive_bayes():
    x, y = digits("train")
    x = (x * 4).round().astype(int).reshape(-1, 64)
    uniform = np.repeat(np.arange(5), 64).reshape(5, 64)  # every value once
    x, y = x[:200], y[:200]
    x = np.concatenate([x, *[uniform] * 10])
    y = np.concatenate([y, np.repeat(np.arange(10), 5)])
    theirs = CategoricalNB(alpha=1e-10, min_categories=5).fit(x, y)
    density = CategoricalMixture(1, n_categories=5, smoothing=0)
    ours = ClassConditional(density).fit(x, y)
    np.testing.assert_allclose(
        ours.joint_log_prob(x), theirs.predict_joint_log_proba(x), rtol=1e-7
    )
    assert ours.score(x, y) == theirs.score(x, y)


def test_other_priors_move_every_joint_by_their_ratio(two):
    x, y = two
    plain = ClassConditional(Gaussian()).fit(x, y)
    other = ClassConditional(Gaussian(), priors=[0.9, 0.1]).fit(x, y)
    np.testing.assert_allclose(other.class_prior_, [0.9, 0.1])
    moved = other.joint_log_prob(x) - plain.joint_log_prob(x)
    ratio = np.log([0.9, 0.1] / plain.class_prior_)
    np.testing.assert_allclose(moved, np.broadcast_to(ratio, moved.shape))


def test_a_missing_feature_is_integrated_out(two):
    x, y = two
    density = GaussianMixture(1, ridge=0, missing="marginalise")
    full = ClassConditional(density).fit(x, y)
    assert get_tags(full).input_tags.allow_nan
    part = ClassConditional(density).fit(x[:, [0, 2]], y)
    holes = x.copy()
    holes[:, 1] = np.nan
    np.testing.assert_allclose(
        full.joint_log_prob(holes), part.joint_log_prob(x[:, [0, 2]])
    )
    nothing = np.full((1, 3), np.nan)  # no evidence: the prior
    np.testing.assert_allclose(
        full.predict_proba(nothing)[0], full.class_prior_
    )
    with pytest.raises(ValueError, match="NaN"):
        ClassConditional(Gaussian()).fit(holes, y)


def test_pairs_are_drawn_from_the_joint(two):
    model = ClassConditional(Gaussian()).fit(*two)
    x, y = model.sample(40_000, random_state=0)
    np.testing.assert_allclose(
        np.bincount(y) / 40_000, model.class_prior_, atol=0.01
    )
    for k, density in enumerate(model.estimators_):
        scale = np.sqrt(np.diag(density.covariance_))
        error = (x[y == k].mean(0) - density.mean_) / scale
        assert np.abs(error).max() < 0.05
        np.testing.assert_allclose(
            np.cov(x[y == k].T) / np.outer(scale, scale),
            density.covariance_ / np.outer(scale, scale),
            atol=0.05,
        )
    assert (np.diff(y) != 0).mean() > 0.3  # in no order


@pytest.mark.parametrize(
    "density", [Gaussian(), KernelDensity(bandwidth=0.5), GaussianMixture(2)]
)
def test_a_class_can_be_asked_for(two, density):
    x, y = two
    model = ClassConditional(density).fit(x, np.array(["no", "yes"])[y])
    drawn, word = model.sample(300, 0, y="yes")
    assert drawn.shape == (300, 3)
    assert (word == "yes").all()
    wanted = np.array(["yes", "no", "no"])
    assert (model.sample(3, y=wanted)[1] == wanted).all()
    for bad, n in (("maybe", 2), (wanted, 2)):
        with pytest.raises(ValueError, match=r"one class or n = 2"):
            model.sample(n, y=bad)
    np.testing.assert_array_equal(model.sample(9, 3)[0], model.sample(9, 3)[0])
    assert not np.array_equal(model.sample(9)[0], model.sample(9)[0])


def test_categories_are_drawn_as_whole_numbers(two):
    x = two[0].round().clip(0, 4).astype(int)
    density = CategoricalMixture(2, n_categories=5, random_state=0)
    drawn, _ = ClassConditional(density).fit(x, two[1]).sample(50, 0)
    assert drawn.dtype == np.int64
    assert set(np.unique(drawn)) <= set(range(5))


def test_an_impossible_row_teaches_nothing():
    x = np.array([[0, 0], [0, 0], [0, 0], [1, 1], [1, 1]])
    density = CategoricalMixture(1, n_categories=2, smoothing=0)
    model = ClassConditional(density).fit(x, [0, 0, 0, 1, 1])
    new = np.array([[0, 1], [1, 1]])
    np.testing.assert_allclose(model.predict_proba(new), [[0.6, 0.4], [0, 1]])
    assert model.score_samples(new)[0] == -np.inf


def test_the_density_given_is_not_fitted(two):
    x, y = two
    given = Gaussian()
    model = ClassConditional(given).fit(x, y)
    assert not hasattr(given, "mean_")
    assert model.estimators_[0] is not model.estimators_[1]


def test_tensors_stay_tensors(two):
    x, y = two
    here = ClassConditional(Gaussian()).fit(x, y)
    X, Y = torch.tensor(x), torch.tensor(y)
    there = ClassConditional(Gaussian()).fit(X, Y)
    joint = there.joint_log_prob(X)
    assert joint.dtype == torch.float64
    np.testing.assert_allclose(joint, here.joint_log_prob(x), rtol=1e-12)
    parts = [there.predict(X), there.predict_proba(X), there.score_samples(X)]
    parts += [there.class_prior_, there.classes_, *there.sample(4, 0)]
    assert all(isinstance(part, torch.Tensor) for part in parts)
    assert isinstance(there.estimators_[0].mean_, torch.Tensor)
    assert (there.predict(x) == here.predict(x)).all()
    assert isinstance(here.estimators_[0].mean_, np.ndarray)
    assert there.sample(3, y=1)[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("priors", "y", "complaint"),
    [
        ([0.5, 0.6], [0, 0, 1, 1], "sum to 1"),
        ([1.5, -0.5], [0, 0, 1, 1], "sum to 1"),
        ([1.0], [0, 0, 1, 1], "2 probabilities"),
        (None, [0, 0, 0, 7], r"2 rows or more.*\[7\]"),
        (None, None, "y is None"),
        (None, [0, 1, 0], "inconsistent"),
    ],
)
def test_what_does_not_suit_is_refused(priors, y, complaint):
    x = np.random.default_rng(0).normal(size=(4, 1))
    with pytest.raises(ValueError, match=complaint):
        ClassConditional(Gaussian(), priors=priors).fit(x, y)


@pytest.mark.gpu
def test_cuda_gives_the_same_answers(two):
    x, y = two
    here = ClassConditional(Gaussian()).fit(x, y)
    X, Y = torch.tensor(x).cuda(), torch.tensor(y).cuda()
    there = ClassConditional(Gaussian()).fit(X, Y)
    assert there.joint_log_prob(X).is_cuda
    assert all(part.is_cuda for part in there.sample(3))
    np.testing.assert_allclose(
        there.joint_log_prob(X).cpu(), here.joint_log_prob(x), rtol=1e-9
    )
