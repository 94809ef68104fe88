"""What comes in and goes out: forms of sequences, errors, conventions."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from course.models.hmm import CategoricalHMM, GaussianHMM
from course.models.hmm.sequences import Sequences

# what these two demand, rows that do not know each other, no sequence has
NOT_ALONE = {
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
}
PARTS = (4, 1, 6)


@pytest.mark.parametrize(
    "model", [GaussianHMM(tol=0.01), CategoricalHMM(tol=0.01)]
)
def test_is_a_scikit_learn_estimator(model, monkeypatch):
    """All checks pass but the two that forbid rows to depend on each other."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    results = check_estimator(model, on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] != "passed"}
    assert failed == NOT_ALONE
    assert len(results) > 35


@pytest.fixture
def model():
    return GaussianHMM.from_parameters(
        [0.5, 0.5],
        [[0.9, 0.1], [0.2, 0.8]],
        means=[[-1.0, 0.0], [1.0, 0.5]],
        covariances=np.ones((2, 2)),
    )


@pytest.fixture
def parts(model):
    return [model.sample(n, random_state=n) for n in PARTS]


def alone(method, parts):
    """The answer for each sequence by itself."""
    return [method(x) for x in parts]


@pytest.mark.parametrize("algorithm", ["scaled", "scan"])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_sequences_are_scored_as_if_alone(model, parts, algorithm, kind):
    model.set_params(algorithm=algorithm)
    padded = np.full((3, 6, 2), np.nan)
    for n, x in enumerate(parts):
        padded[n, : len(x)] = x
    forms = {
        "list": ([kind(x) for x in parts], None),
        "ends": (kind(np.concatenate(parts)), list(PARTS)),
        "padded": (kind(padded), PARTS),
    }
    scores = np.concatenate(alone(model.score_samples, parts))
    r, z = alone(model.predict_proba, parts), alone(model.predict, parts)
    for name, (X, lengths) in forms.items():
        found = model.score_samples(X, lengths=lengths)
        assert isinstance(found, type(kind(0.0)))
        np.testing.assert_allclose(found, scores, rtol=1e-12)
        assert model.score(X, lengths=lengths) == pytest.approx(scores.mean())
        posterior = model.predict_proba(X, lengths=lengths)
        states = model.predict(X, lengths=lengths)
        if name == "ends":
            posterior = np.split(np.asarray(posterior), np.cumsum(PARTS)[:-1])
            states = np.split(np.asarray(states), np.cumsum(PARTS)[:-1])
        if name == "padded":
            assert (posterior[1, 1:] == 0).all()
            assert (states[1, 1:] == -1).all()
        for n, T in enumerate(PARTS):
            np.testing.assert_allclose(posterior[n][:T], r[n], atol=1e-12)
            assert (np.asarray(states[n][:T]) == z[n]).all()


def test_the_order_of_sequences_does_not_matter(model, parts):
    there = model.score_samples(parts[::-1])
    np.testing.assert_allclose(there[::-1], model.score_samples(parts))
    long_first = model.predict_proba(parts[::-1])[::-1]
    for a, b in zip(long_first, model.predict_proba(parts), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_equal_sequences_need_no_lengths(model):
    X = model.sample(5, 3, random_state=0)
    np.testing.assert_allclose(
        model.score_samples(X), model.score_samples(list(X)), rtol=1e-12
    )
    assert model.predict(X).shape == (3, 5)
    assert model.predict_proba(X).shape == (3, 5, 2)


def test_symbols_may_be_flat_in_a_list():
    x = [np.array([0, 1, 1]), np.array([1, 0])]
    model = CategoricalHMM(2, tol=1e-2, random_state=0).fit(x)
    columns = [row[:, None] for row in x]
    assert np.array_equal(model.score_samples(x), model.score_samples(columns))


def test_tensors_come_back_as_tensors(parts):
    X = [torch.tensor(x) for x in parts]
    there = GaussianHMM(2, ridge=0.1, tol=1e-3, random_state=0).fit(X)
    here = clone(there).fit(parts)
    for name in (
        "start_",
        "transitions_",
        "means_",
        "covariances_",
        "history_",
    ):
        value = getattr(there, name)
        assert value.dtype == torch.float64
        np.testing.assert_allclose(value, getattr(here, name), rtol=1e-9)
    assert isinstance(there.sample(3), torch.Tensor)
    assert isinstance(here.predict(parts)[0], np.ndarray)


def test_parameters_given_are_copied_and_checked():
    A = np.array([[0.9, 0.1], [0.2, 0.8]])
    rho = np.array([[0.5, 0.5], [0.1, 0.9]])
    model = CategoricalHMM.from_parameters([0.5, 0.5], A, probs=rho)
    x = np.array([[0], [1]])
    before = model.score(x)
    A[0], rho[0] = 0, 0
    assert model.score(x) == before
    for pi, bad, probs in (
        ([0.5, 0.6], np.eye(2), np.eye(2)),
        ([0.5, 0.5], 2 * np.eye(2) - 1, np.eye(2)),
        ([0.5, 0.5], np.eye(2), np.ones((2, 2))),
    ):
        with pytest.raises(ValueError, match="sum to 1"):
            CategoricalHMM.from_parameters(pi, bad, probs=probs)
    for Sigma in (-np.ones((2, 1)), np.array([[[1.0, 2], [2, 1]]] * 2)):
        mu = np.zeros((2, Sigma.shape[-1]))
        with pytest.raises(ValueError, match="positive definite"):
            GaussianHMM.from_parameters(
                [0.5, 0.5], np.eye(2), means=mu, covariances=Sigma
            )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 0}, "n_states must be a whole number"),
        ({"algorithm": "fast"}, "algorithm must be one of auto, scaled, scan"),
        ({"covariance_type": "tied"}, "must be one of full, diag"),
        ({"ridge": -1.0}, "ridge must be a finite number"),
        ({"tol": float("nan")}, "tol must be a finite number"),
        ({"n_states": 50}, "decrease n_states"),
        ({"means_init": [[0.0]]}, r"means_init must be .* shape \(2, 2\)"),
        ({"start_init": [0.5, 0.4]}, "sum to 1"),
        ({"covariances_init": [np.zeros((2, 2))] * 2}, "positive definite"),
    ],
)
def test_a_wrong_option_is_explained(options, message):
    X = np.random.RandomState(0).randn(20, 2)
    with pytest.raises(ValueError, match=message):
        GaussianHMM(**options).fit(X)


def test_wrong_sequences_are_explained(model, parts):
    X = np.concatenate(parts)
    cases = [
        (X, [4, 1], "sum to the 11 rows"),
        (X, [11, 0], "at least 1"),
        (X, [5.5, 5.5], "whole numbers"),
        (X, 11, "whole numbers"),
        (np.zeros((3, 4, 2)), [4, 4], "3 whole numbers from 1 to 4"),
        (np.zeros((3, 4, 2)), [4, 4, 5], "from 1 to 4"),
        (parts, [4, 1, 6], "leave lengths out"),
        ([], None, "at least one sequence"),
        ([X, X[:, :1]], None, "with one D"),
        ([X[:, :1]], None, "expecting 2 features"),
        ([np.full((3, 2), np.nan)], None, "NaN"),
    ]
    for given, lengths, message in cases:
        with pytest.raises(ValueError, match=message):
            model.score_samples(given, lengths=lengths)


def test_wrong_symbols_are_explained():
    model = CategoricalHMM(2, n_categories=3, random_state=0)
    for x in ([[0.5], [1]], [[0], [3]], [[-1], [0]]):
        with pytest.raises(ValueError, match=r"numbers from 0|numbered from 0"):
            model.fit(np.array(x))


def test_a_hopeless_start_is_refused():
    model = CategoricalHMM(
        2, probs_init=[[[1.0, 0.0]], [[1.0, 0.0]]], n_categories=2
    )
    with pytest.raises(ValueError, match="no run of"):
        model.fit(np.array([[0], [1]]))
    flat = np.zeros((9, 2))
    with pytest.raises(ValueError, match="increase ridge"):
        GaussianHMM(2, ridge=0.0).fit(flat)


def test_the_algorithm_follows_the_shape(model):
    x = torch.zeros(400, 1, dtype=torch.float64)
    for lengths, kind in (((400,), "Scan"), ((1,) * 400, "Scaled")):
        chains = model._chains(Sequences(x, lengths, x), 1)
        assert type(chains).__name__ == kind
