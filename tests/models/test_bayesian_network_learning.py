"""Learning tables: counting, the mode under a prior, and EM with gaps."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import CategoricalNB

from course.data import asia, sprinkler
from course.models.bayesian_network import BayesianNetwork

ASIA, SPRINKLER = asia(), sprinkler()
ROWS = np.array(list(itertools.product(range(2), repeat=4)))


def truth(network):
    """The network with its own tables."""
    return BayesianNetwork.from_tables(
        network.parents, network.tables, states=network.states
    )


def with_holes(X, share, seed=1):
    """A copy of X with a share of its entries unknown."""
    holes = np.random.RandomState(seed).rand(*X.shape) < share
    return np.where(holes, np.nan, X)


@pytest.fixture
def X():
    return truth(SPRINKLER).sample(300, random_state=0)


def by_counting(X, network, smoothing):
    """Every table, an entry at a time."""
    tables = {}
    for d, name in enumerate(network.names):
        above = [network.names.index(p) for p in network.parents[name]]
        counts = np.full((2,) * (len(above) + 1), float(smoothing))
        for row in X:
            counts[(*row[above], row[d])] += 1
        tables[name] = counts / counts.sum(-1, keepdims=True)
    return tables


@pytest.mark.parametrize("smoothing", [0.5, 1, 3.0])
def test_complete_rows_are_counted(X, smoothing):
    model = BayesianNetwork(SPRINKLER.parents, smoothing=smoothing).fit(X)
    for name, table in by_counting(X, SPRINKLER, smoothing).items():
        np.testing.assert_allclose(model.tables_[name], table, rtol=1e-12)
    assert model.n_parameters_ == 1 + 2 + 2 + 4
    assert model.converged_
    assert model.n_iter_ == 1
    prior = smoothing * sum(np.log(t).sum() for t in model.tables_.values())
    objective = model.score(X) + prior / len(X)
    assert model.history_ == pytest.approx([objective], abs=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_the_counted_tables_are_the_best(X, smoothing):
    model = BayesianNetwork(SPRINKLER.parents, smoothing=smoothing).fit(X)

    def objective(tables):
        score = BayesianNetwork.from_tables(SPRINKLER.parents, tables).score(X)
        prior = sum(np.log(t).sum() for t in tables.values() if smoothing)
        return score + smoothing * prior / len(X)

    best, rng = objective(model.tables_), np.random.RandomState(0)
    assert best == pytest.approx(model.history_[-1])
    for _ in range(20):
        moved = {}
        for name, table in model.tables_.items():
            weights = table * np.exp(0.1 * rng.randn(*table.shape))
            moved[name] = weights / weights.sum(-1, keepdims=True)
        assert objective(moved) < best


def test_what_was_never_seen_is_uniform_or_smoothed():
    X = np.array([[0, 0], [0, 1], [0, 1]])
    states = {0: 2, 1: 3}
    plain = BayesianNetwork({0: (), 1: (0,)}, states=states, smoothing=0).fit(X)
    np.testing.assert_allclose(plain.tables_[0], [1, 0])
    np.testing.assert_allclose(
        plain.tables_[1], [[1 / 3, 2 / 3, 0], [1 / 3, 1 / 3, 1 / 3]]
    )
    assert plain.score_samples([[0, 2]]) == [-np.inf]
    smooth = plain.set_params(smoothing=1).fit(X)
    np.testing.assert_allclose(smooth.tables_[1][0], [2 / 6, 3 / 6, 1 / 6])
    assert np.isfinite(smooth.score_samples([[1, 2]])).all()


def plain_em(X, tables, network, smoothing):
    """One EM step by adding up the joint, a row at a time."""
    families = [
        (*(network.names.index(p) for p in network.parents[n]), d)
        for d, n in enumerate(network.names)
    ]
    p = np.ones(len(ROWS))
    for f, name in zip(families, network.names, strict=True):
        p *= tables[name][tuple(ROWS[:, f].T)]
    counts = {n: np.full_like(t, smoothing) for n, t in tables.items()}
    log_p = 0
    for row in X:
        seen = ~np.isnan(row)
        fits = (ROWS[:, seen] == row[seen]).all(axis=1)
        weight = p * fits
        log_p += np.log(weight.sum())
        for f, name in zip(families, network.names, strict=True):
            share = weight / weight.sum()
            np.add.at(counts[name], tuple(ROWS[:, f].T), share)
    prior = smoothing * sum(np.log(t).sum() for t in tables.values())
    objective = (log_p + prior) / len(X)
    return objective, {
        n: c / c.sum(-1, keepdims=True) for n, c in counts.items()
    }


@pytest.mark.parametrize("share", [0.2, 0.6])
@pytest.mark.parametrize("smoothing", [0.5, 2])
def test_the_em_step_is_that_of_a_plain_loop(X, share, smoothing):
    X = with_holes(X[:60], share)
    model = BayesianNetwork(
        SPRINKLER.parents, smoothing=smoothing, random_state=0
    )
    tables = quietly(model.set_params(max_iter=0), X).tables_
    for steps in range(1, 4):
        objective, tables = plain_em(X, tables, SPRINKLER, smoothing)
        later = quietly(clone(model).set_params(max_iter=steps, tol=0), X)
        assert later.history_[steps - 1] == pytest.approx(objective, abs=1e-11)
        for name, table in tables.items():
            np.testing.assert_allclose(later.tables_[name], table, atol=1e-11)


def quietly(model, X):
    """Fit without the warning that so few steps do not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


@pytest.mark.parametrize("smoothing", [0, 0.1, 1.0])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_objective_never_falls(smoothing, share):
    X = with_holes(truth(ASIA).sample(200, random_state=3), share)
    model = BayesianNetwork(ASIA.parents, smoothing=smoothing, random_state=0)
    model.fit(X)
    assert len(model.history_) > 3
    assert (np.diff(model.history_) >= 0).all()
    assert model.history_[-1] > model.history_[0]
    if smoothing == 0:  # the objective is then the mean log-likelihood
        assert model.history_[-1] == pytest.approx(model.score(X))


def test_em_beats_dropping_incomplete_rows():
    held_out = truth(ASIA).sample(5000, random_state=99)
    for seed in range(3):
        X = truth(ASIA).sample(400, random_state=seed)
        holes = with_holes(X, 0.3, seed)
        complete = X[~np.isnan(holes).any(axis=1)]
        assert 5 < len(complete) < 60
        model = BayesianNetwork(
            ASIA.parents, states=ASIA.states, random_state=0
        )
        scores = [model.fit(x).score(held_out) for x in (X, holes, complete)]
        assert scores[0] > scores[1] > scores[2] + 0.05


def test_a_variable_that_nobody_saw_can_be_learned():
    """Two clusters of bits: naive Bayes without its labels is a mixture."""
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=400)
    p = np.where(y[:, None] == 1, 0.85, 0.15)
    X = np.c_[np.full(400, np.nan), rng.rand(400, 6) < p]
    parents = {"y": (), **{f"x{d}": ("y",) for d in range(6)}}
    model = BayesianNetwork(
        parents, states={"y": 2}, random_state=0, tol=1e-8, max_iter=2000
    ).fit(X)
    guess = model.posterior("y", X)[:, 1] > 0.5
    agreement = (guess == y).mean()
    assert max(agreement, 1 - agreement) > 0.95
    with pytest.raises(ValueError, match="'y' has no entry that is known"):
        BayesianNetwork(parents).fit(X)


def test_naive_bayes_is_that_of_scikit_learn():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=300)
    X = (rng.rand(300, 5) * (y[:, None] + 1)).astype(int)
    parents = {"y": (), **{f"x{d}": ("y",) for d in range(5)}}
    states = {f"x{d}": 3 for d in range(5)}
    model = BayesianNetwork(parents, states=states).fit(np.c_[y, X])
    # scikit-learn does not smooth the classes
    counts = np.bincount(y)
    theirs = CategoricalNB(
        alpha=1.0, min_categories=3, class_prior=(counts + 1) / (300 + 3)
    ).fit(X, y)
    hidden = np.c_[np.full(300, np.nan), X]
    np.testing.assert_allclose(
        model.posterior("y", hidden), theirs.predict_proba(X), rtol=1e-10
    )


def test_without_arrows_the_columns_are_independent(X):
    model = BayesianNetwork(smoothing=0).fit(X)
    share = X.mean(axis=0)
    expected = np.log(np.where(X == 1, share, 1 - share)).sum(axis=1)
    np.testing.assert_allclose(model.score_samples(X), expected, rtol=1e-12)
    assert model.d_separated(0, [1, 2, 3])


def test_the_order_of_columns_is_checked(X):
    frame = pd.DataFrame(X, columns=SPRINKLER.names)
    model = BayesianNetwork(SPRINKLER.parents).fit(frame)
    assert model.score(frame) == BayesianNetwork(SPRINKLER.parents).fit(
        X
    ).score(X)
    with pytest.raises(ValueError, match="put both in the same order"):
        BayesianNetwork(SPRINKLER.parents).fit(frame[frame.columns[::-1]])
    assert BayesianNetwork().fit(frame).posterior("rain").shape == (1, 2)


def test_tensors_in_tensors_out(X):
    holes = with_holes(X, 0.3)
    model = BayesianNetwork(SPRINKLER.parents, random_state=0)
    there, here = clone(model).fit(torch.tensor(holes)), model.fit(holes)
    assert isinstance(there.history_, torch.Tensor)
    for name, table in there.tables_.items():
        assert isinstance(table, torch.Tensor)
        np.testing.assert_array_equal(table, here.tables_[name])


def test_minus_one_is_unknown_as_well(X):
    holes = with_holes(X, 0.3)
    model = BayesianNetwork(SPRINKLER.parents, random_state=0)
    marked = np.nan_to_num(holes, nan=-1).astype(int)
    before = marked.copy()
    np.testing.assert_array_equal(
        clone(model).fit(marked).history_, model.fit(holes).history_
    )
    np.testing.assert_array_equal(marked, before)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"smoothing": -1}, ROWS, "smoothing must be a finite"),
        ({"tol": float("inf")}, ROWS, "tol must be a finite"),
        ({"max_iter": 1.5}, ROWS, "max_iter must be whole"),
        ({"states": {"fog": 2}}, ROWS, "unknown variable 'fog'"),
        ({"states": {"wet": 0}}, ROWS, "states of 'wet' must be a number"),
        ({"states": {"wet": 1}}, ROWS, "'wet' has 1 states"),
        ({}, ROWS[:, :3], "X has 3 columns, but parents has 4"),
        ({}, ROWS + 0.5, "there is 0.5"),
        ({}, ROWS - 2, "Negative values in data"),
    ],
)
def test_errors_say_what_to_do(options, X, message):
    model = BayesianNetwork(SPRINKLER.parents, **options)
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_an_unseen_state_is_an_error_that_says_so(X):
    model = BayesianNetwork(SPRINKLER.parents).fit(X)
    with pytest.raises(ValueError, match="give more states"):
        model.score_samples(X + 1)


def test_too_few_steps_are_a_warning(X):
    with pytest.warns(ConvergenceWarning, match="did not converge in 1 steps"):
        BayesianNetwork(SPRINKLER.parents, max_iter=1, tol=0).fit(
            with_holes(X, 0.5)
        )


@pytest.mark.gpu
def test_a_gpu_learns_the_same(X):
    x = torch.tensor(with_holes(X, 0.3))
    model = BayesianNetwork(SPRINKLER.parents, random_state=0)
    here, there = clone(model).fit(x), model.fit(x.cuda())
    assert there.history_.is_cuda
    for name, table in there.tables_.items():
        assert table.is_cuda
        torch.testing.assert_close(table.cpu(), here.tables_[name])
