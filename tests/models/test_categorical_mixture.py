"""Mixtures of categoricals against enumeration and a plain loop."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.mixture import CategoricalMixture
from course.models.mixture.categorical_em import (
    CategoricalEM,
    Parameters,
    m_step,
)

SIZES = (3, 4)  # columns and categories of the small alphabet
ALPHABET = np.array(list(itertools.product(range(4), repeat=3)))


@parametrize_with_checks([CategoricalMixture()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture
def X():
    """Rows of two kinds, whose columns go together."""
    rng = np.random.RandomState(0)
    high = rng.randint(2, size=(200, 1))
    return np.clip(2 * high + rng.randint(2, size=(200, 3)), 0, 3)


def with_holes(X, share, seed=1):
    """A copy of X with a share of its entries missing."""
    holes = np.random.RandomState(seed).rand(*X.shape) < share
    return np.where(holes, np.nan, X)


@pytest.mark.parametrize("K", [1, 2, 5])
@pytest.mark.parametrize("smoothing", [0, 0.1, 2])
def test_probabilities_sum_to_one(X, K, smoothing):
    model = CategoricalMixture(K, smoothing=smoothing, random_state=0).fit(X)
    p = np.exp(model.score_samples(ALPHABET))
    assert p.sum() == pytest.approx(1)
    np.testing.assert_allclose(model.probs_.sum(-1), 1)
    assert model.weights_.sum() == pytest.approx(1)
    assert model.probs_.shape == (K, 3, 4)


def test_log_joint_is_the_product_of_looked_up_probabilities(X):
    model = CategoricalMixture(3, random_state=0).fit(X)
    joint = np.tile(model.weights_, (64, 1))
    for n, k in itertools.product(range(64), range(3)):
        for d in range(3):
            joint[n, k] *= model.probs_[k, d, ALPHABET[n, d]]
    np.testing.assert_allclose(
        np.exp(model.score_samples(ALPHABET)), joint.sum(1)
    )
    r = joint / joint.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(ALPHABET), r)
    assert (model.predict(ALPHABET) == r.argmax(1)).all()


def plain_em(X, pi, probs, pseudo):
    """One EM step, an entry at a time; NaN entries are skipped."""
    joint = np.tile(pi, (len(X), 1))
    for n, d in itertools.product(*map(range, X.shape)):
        if not np.isnan(X[n, d]):
            joint[n] *= probs[:, d, int(X[n, d])]
    r, counts = joint / joint.sum(1, keepdims=True), pseudo + 0 * probs
    for n, d in itertools.product(*map(range, X.shape)):
        if not np.isnan(X[n, d]):
            counts[:, d, int(X[n, d])] += r[n]
    return r.mean(0), counts / counts.sum(-1, keepdims=True), joint.sum(1)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_em_step_is_that_of_a_plain_loop(X, share):
    rng, X = np.random.RandomState(2), with_holes(X, share)
    pi, probs = rng.dirichlet([1, 1]), rng.dirichlet(np.ones(4), (2, 3))
    pseudo = rng.rand(3, 4)
    em = CategoricalEM(torch.as_tensor(X), torch.as_tensor(pseudo))
    state = Parameters(*(torch.as_tensor(p)[None] for p in (pi, probs)))
    for _ in range(3):
        objective, state = em.step(state)
        prior = (pseudo * np.log(probs)).sum() / len(X)
        pi, probs, p = plain_em(X, pi, probs, pseudo)
        assert objective.item() == pytest.approx(np.log(p).mean() + prior)
        np.testing.assert_allclose(state.pi[0], pi)
        np.testing.assert_allclose(state.probs[0], probs)


@pytest.mark.parametrize("smoothing", [0, 0.1, 2])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_objective_never_falls(X, smoothing, share):
    model = CategoricalMixture(
        4, smoothing=smoothing, missing="marginalise", random_state=0
    ).fit(with_holes(X, share))
    assert len(model.history_) > 3
    assert (np.diff(model.history_) >= 0).all()
    if smoothing == 0:  # the objective is then the mean log-likelihood
        score = model.score(with_holes(X, share))
        assert model.history_[-1] == pytest.approx(score)


def test_smoothing_pulls_towards_the_columns_own_frequencies(X):
    model = CategoricalMixture(1, smoothing=0.5, n_categories=5).fit(X)
    counts = np.stack([(c == X).sum(0) for c in range(5)], axis=1)
    share = (counts + 1) / (len(X) + 5)
    expected = (counts + 5 * 0.5 * share) / (len(X) + 5 * 0.5)
    np.testing.assert_allclose(model.probs_[0], expected)


def test_a_missing_entry_is_summed_out(X):
    model = CategoricalMixture(2, missing="marginalise", random_state=0).fit(X)
    p = np.exp(model.score_samples(ALPHABET)).reshape(4, 4, 4)
    holes = np.array([[1, np.nan, 2], [np.nan, np.nan, 3], [np.nan] * 3])
    np.testing.assert_allclose(
        np.exp(model.score_samples(holes)),
        [p[1, :, 2].sum(), p[:, :, 3].sum(), 1],
    )
    np.testing.assert_allclose(model.predict_proba(holes)[2], model.weights_)


def test_sample_frequencies_are_the_probabilities(X):
    model = CategoricalMixture(2, random_state=0).fit(X)
    Z = model.sample(100_000, random_state=0)
    assert Z.dtype == np.int64
    seen = np.bincount(Z @ [16, 4, 1], minlength=64) / len(Z)
    np.testing.assert_allclose(
        seen, np.exp(model.score_samples(ALPHABET)), atol=0.004
    )
    assert not np.array_equal(model.sample(50), model.sample(50))
    np.testing.assert_array_equal(model.sample(50, 1), model.sample(50, 1))
    k = model.predict(Z[:1000])
    assert 300 < (np.diff(k) != 0).sum() < 700  # in no order


def test_a_path_equals_separate_fits(X):
    model = CategoricalMixture(n_init=3, random_state=0)
    for K, fitted in zip(
        (1, 2, 4), model.fit_path(X, n_components=(1, 2, 4)), strict=True
    ):
        alone = clone(model).set_params(n_components=K).fit(X)
        assert fitted.history_[-1] == pytest.approx(alone.history_[-1], 1e-9)
        np.testing.assert_allclose(
            fitted.score_samples(ALPHABET),
            alone.score_samples(ALPHABET),
            rtol=1e-4,
        )


def test_information_criteria_count_the_free_parameters(X):
    model = CategoricalMixture(2, random_state=0).fit(X)
    assert model.n_parameters_ == 1 + 2 * 3 * 3
    total = model.score_samples(X).sum()
    assert model.aic(X) == pytest.approx(2 * 19 - 2 * total)
    assert model.bic(X) == pytest.approx(19 * np.log(200) - 2 * total)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.float64])
def test_tensors_in_tensors_out(X, dtype):
    model = CategoricalMixture(2, random_state=0)
    ours, theirs = (
        clone(model).fit(torch.as_tensor(X, dtype=dtype)),
        model.fit(X),
    )
    assert isinstance(ours.probs_, torch.Tensor)
    assert isinstance(ours.sample(2), torch.Tensor)
    np.testing.assert_array_equal(ours.probs_, theirs.probs_)
    np.testing.assert_array_equal(
        ours.predict_proba(torch.as_tensor(X)), theirs.predict_proba(X)
    )


def test_every_row_is_as_if_alone_and_arguments_are_unchanged(X):
    X = with_holes(X, 0.3)
    before = X.copy()
    model = CategoricalMixture(2, missing="marginalise", random_state=0).fit(X)
    rows = [model.score_samples(X[n : n + 1]) for n in range(20)]
    np.testing.assert_allclose(
        np.concatenate(rows), model.score_samples(X)[:20], rtol=1e-12
    )
    np.testing.assert_array_equal(X, before)


def test_an_impossible_row_has_probability_zero_and_tells_nothing():
    X = np.array([[0, 0], [1, 1]] * 5)
    model = CategoricalMixture(
        2, n_categories=3, smoothing=0, random_state=0
    ).fit(X)
    assert model.score_samples([[2, 2]]) == [-np.inf]
    np.testing.assert_allclose(model.predict_proba([[2, 2]])[0], model.weights_)
    assert model.score(X) == pytest.approx(np.log(0.5))


@pytest.mark.parametrize(
    ("options", "entries", "message"),
    [
        ({}, [[0.5, 1], [0, 1]], "entries must be whole numbers"),
        ({}, [[-1, 1], [0, 1]], "Negative values.* numbered from 0"),
        ({"n_categories": 2}, [[2, 1], [0, 1]], "from 0 to 1"),
        ({"n_categories": 0}, [[0, 1], [0, 1]], "n_categories must be a whole"),
        ({"smoothing": -1}, [[0, 1], [0, 1]], "smoothing must be a finite"),
        ({"n_components": 3}, [[0, 1], [0, 1]], "decrease n_components"),
        ({}, [[np.nan, 1], [0, 1]], "set missing='marginalise'"),
        (
            {"missing": "marginalise"},
            [[np.nan, 1], [np.nan, 0]],
            r"columns \[0\] have no entry",
        ),
    ],
)
def test_errors_say_what_to_do(options, entries, message):
    with pytest.raises(ValueError, match=message):
        CategoricalMixture(**options).fit(np.array(entries))


def test_an_unknown_category_is_an_error_later_too(X):
    model = CategoricalMixture(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        model.score_samples(X + 1)


def test_digits_beat_independent_pixels_by_far():
    """106.37 nats: a categorical for each pixel (pseudo-count one half)."""
    X = load_digits().data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = CategoricalMixture(
            20, n_categories=17, max_iter=5, random_state=0
        ).fit(X[:1000])
    assert -model.score(X[1350:]) < 98
    counts = np.stack([(X[:1000] == c).sum(0) for c in range(17)], axis=1)
    model.weights_ = np.ones(1)
    model.probs_ = ((counts + 0.5) / (1000 + 8.5))[None]
    assert -model.set_params(n_components=1).score(X[1350:]) == pytest.approx(
        106.37, abs=0.005
    )


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer(X):
    X = torch.as_tensor(with_holes(X, 0.2))
    model = CategoricalMixture(3, missing="marginalise", random_state=0)
    here, there = clone(model).fit(X), model.fit(X.cuda())
    assert there.probs_.device.type == "cuda"
    torch.testing.assert_close(
        there.history_[-1].cpu(), here.history_[-1], rtol=1e-9, atol=0
    )
    torch.testing.assert_close(
        there.score_samples(X.cuda()).cpu(), here.score_samples(X)
    )
    assert there.sample(3).device.type == "cuda"


def test_a_component_without_rows_is_uniform():
    S = torch.zeros(1, 2, 3 * 4 + 1, dtype=torch.float64)
    S[0, 0] = 1
    _, probs = m_step(S, torch.zeros(3, 4, dtype=torch.float64), N=1)
    assert torch.equal(probs, torch.full_like(probs, 0.25))
