"""The copula against exact cell probabilities, by SciPy's normal integral."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import digits
from course.models.copula import GaussianCopula
from course.models.copula.draws import sequential, uniform

ALPHABET = np.array(list(itertools.product(range(3), repeat=3)))
R = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
PROBS = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3]])
proposals = pytest.mark.parametrize("proposal", ["sequential", "uniform"])


@parametrize_with_checks([GaussianCopula(random_state=0)])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture(scope="module")
def planted():
    """A copula with these parameters."""
    model = GaussianCopula(3, steps=0).fit(ALPHABET)
    model.probs_, model.correlation_ = PROBS, R
    return model


@pytest.fixture(scope="module")
def exact():
    """P(x) of the 27 rows: the normal probability of their boxes."""
    F = np.concatenate([np.zeros((3, 1)), PROBS.cumsum(axis=1)], axis=1)
    edges = norm.ppf(F.clip(1e-15, 1 - 1e-15))
    d = np.arange(3)
    p = [
        multivariate_normal.cdf(
            edges[d, x + 1], cov=R, lower_limit=edges[d, x], abseps=3e-7
        )
        for x in ALPHABET
    ]
    assert sum(p) == pytest.approx(1, abs=1e-5)
    return np.array(p)


@proposals
def test_with_many_draws_the_bound_is_the_exact_probability(
    planted, exact, proposal
):
    found = planted.bound(ALPHABET, 40_000, proposal=proposal, random_state=0)
    # five standard errors of a mean of 40 000 weights, in the worst row
    worst = 0.03 if proposal == "sequential" else 0.055
    likely = exact > 1e-4  # the others are beyond SciPy's own accuracy
    np.testing.assert_allclose(found[likely], np.log(exact[likely]), atol=worst)
    assert np.exp(found).sum() == pytest.approx(1, abs=0.01)


@proposals
def test_the_weights_have_the_probability_as_their_mean(exact, proposal):
    """Within their standard error: no bias, whatever the proposal."""
    draw = {"sequential": sequential, "uniform": uniform}[proposal]
    F = np.concatenate([np.zeros((3, 1)), PROBS.cumsum(axis=1)], axis=1)
    F[:, -1], d = 1, np.arange(3)
    u = np.random.RandomState(1).rand(20_000, len(ALPHABET), 3)
    boxes = F[d, ALPHABET], F[d, ALPHABET + 1]
    log_w, g = draw(*map(torch.tensor, (*boxes, R, u)))
    w = log_w.exp().numpy()
    error = w.std(axis=0) / math.sqrt(len(w))
    assert (abs(w.mean(axis=0) - exact) < 5 * error + 1e-6).all()
    low, high = (norm.ppf(b) for b in boxes)
    g = g.numpy()
    assert (g > low - 1e-9).all()
    assert (g < high + 1e-9).all()


def test_scores_of_a_row_follow_the_truncated_normal():
    """Weighted draws have the moments of N(0, R) within the box."""
    many = np.random.RandomState(0).multivariate_normal(np.zeros(3), R, 10**6)
    inside = many[((many > -0.5) & (many < 1.0)).all(axis=1)]
    low, high = (torch.full((1, 3), norm.cdf(b)).double() for b in (-0.5, 1.0))
    u = torch.tensor(np.random.RandomState(1).rand(100_000, 1, 3))
    for draw in (sequential, uniform):
        log_w, g = draw(low, high, torch.tensor(R), u)
        w = log_w.softmax(dim=0)
        moments = torch.einsum("sn,sni,snj->ij", w, g, g).numpy()
        expected = inside.T @ inside / len(inside)
        np.testing.assert_allclose(moments, expected, atol=0.01)


@proposals
def test_more_draws_raise_the_bound_and_never_above(planted, exact, proposal):
    repeated = np.repeat(ALPHABET, 400, axis=0)
    means = []
    for samples in (1, 5, 50):
        b = planted.bound(
            repeated, samples, proposal=proposal, random_state=samples
        )
        means.append(b.reshape(27, 400).mean(axis=1))
    gaps = exact @ (np.log(exact) - np.array(means)).T
    assert gaps[0] > gaps[1] > gaps[2] > -0.002
    assert gaps[0] > 0.02


def test_the_sequential_bound_is_tighter(planted, exact):
    rows = np.repeat(ALPHABET, 400, axis=0)
    weights = np.repeat(exact, 400) / 400
    tight, loose = (
        weights @ planted.bound(rows, proposal=p, random_state=0)
        for p in ("sequential", "uniform")
    )
    assert tight > loose + 0.05


@proposals
def test_without_dependence_the_bound_is_exact(proposal):
    X = np.random.RandomState(0).randint(4, size=(50, 5))
    model = GaussianCopula(4, steps=0).fit(X)
    assert np.array_equal(model.correlation_, np.eye(5))
    counts = np.stack([np.sum(c == X, axis=0) + 0.5 for c in range(4)], axis=1)
    p = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.probs_, p)
    expected = np.log(p[np.arange(5), X]).sum(axis=1)
    found = model.bound(X, proposal=proposal, random_state=0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert model.history_[0] == pytest.approx(expected.mean())


def test_samples_have_the_probabilities_of_the_model(planted, exact):
    N = 100_000
    drawn = planted.sample(N, random_state=0)
    index = drawn.astype(int) @ [9, 3, 1]
    share = np.bincount(index, minlength=27) / N
    assert (abs(share - exact) < 5 * np.sqrt(exact / N) + 1e-6).all()
    assert np.array_equal(drawn[:9], planted.sample(N, random_state=0)[:9])


def test_steps_find_the_planted_correlation(planted):
    """Scores drawn uniformly in their cells (one step) are too independent."""
    X = planted.sample(4000, random_state=1)
    first, fitted = (
        GaussianCopula(steps=s, shrinkage=0, random_state=0).fit(X)
        for s in (1, 25)
    )
    assert abs(first.correlation_[0, 1]) < 0.7 * R[0, 1]
    np.testing.assert_allclose(fitted.correlation_, R, atol=0.06)
    np.testing.assert_allclose(fitted.probs_, PROBS, atol=0.04)
    assert fitted.history_[-1] > first.history_[-1] > first.history_[0]
    assert (len(first.history_), len(fitted.history_)) == (2, 26)


def test_the_correlation_is_one_and_shrinks():
    X = digits("train")[0].reshape(1000, -1)[:200, 18:30] * 16
    models = [
        GaussianCopula(17, steps=1, shrinkage=a, random_state=0).fit(X)
        for a in (0.0, 0.5)
    ]
    free, half = (m.correlation_ for m in models)
    np.testing.assert_allclose(free.diagonal(), 1)
    np.testing.assert_allclose(half, (free + np.eye(12)) / 2, atol=1e-12)
    assert np.linalg.eigvalsh(free).min() > 0
    assert models[0].n_parameters_ == 12 * 16 + 12 * 11 // 2


def test_digits_reach_the_figures():
    """One step: 94.5 (uniform, one draw) and 92 (20 draws); more steps, less.

    Independent pixels cost 106.37 nats. A bound on a bound: draws differ.
    """
    train, test = (
        (16 * digits(part)[0].reshape(-1, 64)).round()
        for part in ("train", "test")
    )
    once = GaussianCopula(17, steps=1, random_state=0).fit(train)
    options = {"proposal": "uniform", "random_state": 0}
    assert -once.bound(test, **options).mean() < 94.9
    assert -once.bound(test, 20, **options).mean() < 92.4
    best = GaussianCopula(17, random_state=0).fit(train)
    assert -best.bound(test, random_state=0).mean() < 92.2
    assert -best.bound(test, 20, random_state=0).mean() < 90.1
    assert -best.history_[0] > 106


def test_tensors_stay_tensors_and_blocks_change_nothing(
    monkeypatch, planted, exact
):
    x = torch.tensor(ALPHABET)
    model = GaussianCopula(random_state=0).fit(x)
    for value in (
        model.probs_,
        model.correlation_,
        model.bound(x, 3, random_state=0),
        model.sample(2),
    ):
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float64
    assert not torch.equal(model.sample(9), model.sample(9))
    monkeypatch.setattr("course.models.copula.gaussian.BLOCK", 60_000 * 4)
    found = planted.bound(ALPHABET, 20_000, random_state=0)
    likely = exact > 1e-4
    np.testing.assert_allclose(found[likely], np.log(exact[likely]), atol=0.045)


def test_a_fit_learns_from_every_block(monkeypatch):
    alike = np.repeat([[0, 0], [1, 1]], 300, axis=0)
    mixed = np.repeat(list(itertools.product(range(2), repeat=2)), 150, axis=0)
    x = np.concatenate([alike, mixed])
    whole = GaussianCopula(2, random_state=0).fit(x)
    size = 600 * 2 * whole.samples
    monkeypatch.setattr("course.models.copula.gaussian.BLOCK", size)
    halves = GaussianCopula(2, random_state=0).fit(x)
    assert whole.correlation_[0, 1] > 0.5
    np.testing.assert_allclose(
        halves.correlation_, whole.correlation_, atol=0.05
    )


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer():
    x = torch.tensor(ALPHABET)
    here, there = (GaussianCopula(random_state=0).fit(y) for y in (x, x.cuda()))
    assert there.correlation_.is_cuda
    assert torch.allclose(
        here.correlation_, there.correlation_.cpu(), atol=1e-8
    )
    assert there.bound(x.cuda(), 2).is_cuda


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"smoothing": -1}, "smoothing must be at least 0"),
        ({"steps": -1}, "steps must be at least 0"),
        ({"samples": 0}, "samples must be at least 1"),
        ({"shrinkage": 1.5}, "at most 1"),
        ({"n_categories": 2}, "whole numbers from 0 to 1"),
    ],
)
def test_wrong_options_are_explained(options, words):
    with pytest.raises(ValueError, match=words):
        GaussianCopula(**options).fit(ALPHABET)


def test_wrong_rows_are_explained(planted):
    for wrong in (ALPHABET + 0.5, ALPHABET + 1):
        with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
            planted.bound(wrong)
    with pytest.raises(ValueError, match="Negative values"):
        planted.bound(ALPHABET - 1)
    for options in ({"proposal": "normal"}, {"samples": 0}):
        with pytest.raises(ValueError, match="proposal must be one of"):
            planted.bound(ALPHABET, **options)
