"""Calibration against scikit-learn, scipy, and cases known by construction."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from course.metrics.calibration import (
    best_temperature,
    brier_score,
    expected_calibration_error,
    reliability,
)


@pytest.fixture
def claims():
    """Probabilities of four classes, and classes drawn from blunter ones."""
    rng = np.random.RandomState(0)
    a = rng.normal(size=(3000, 4)) * 2
    blunt = softmax(a / 1.7, axis=1)
    y = (rng.rand(3000, 1) > blunt.cumsum(axis=1)).sum(axis=1)
    return a, softmax(a, axis=1), y


def test_the_diagram_is_that_of_scikit_learn(claims):
    """Theirs is for two classes: here, right predictions and wrong ones."""
    _, p, y = claims
    found = reliability(p, y, bins=10)
    right, sure = p.argmax(axis=1) == y, p.max(axis=1)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    met = found.share.numpy() > 0
    np.testing.assert_allclose(found.accuracy[met], accuracy)
    np.testing.assert_allclose(found.confidence[met], confidence)
    assert not met[:2].any()  # of four classes one has a quarter at least
    assert found.accuracy[:2].isnan().all()
    counts = np.histogram(sure, bins=10, range=(0, 1))[0]
    np.testing.assert_allclose(found.share, counts / 3000)
    np.testing.assert_allclose(found.edges, np.linspace(0, 1, 11))


def test_the_error_is_the_mean_gap(claims):
    _, p, y = claims
    found = reliability(p, y, bins=7)
    gaps = [
        share * abs(accuracy - confidence)
        for share, accuracy, confidence in zip(
            found.share, found.accuracy, found.confidence, strict=True
        )
        if share > 0
    ]
    got = expected_calibration_error(p, y, bins=7)
    assert got == pytest.approx(float(sum(gaps)))
    assert got > 0.05  # the claims were too bold


def test_by_hand():
    p = [[0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55]]
    y = [0, 1, 1, 0]
    # bin (0.5, 0.6]: sure 0.575, half right; bin (0.7, 0.8]: 0.8, half right
    assert expected_calibration_error(p, y) == pytest.approx(
        0.5 * 0.075 + 0.5 * 0.3
    )
    squares = [0.04, 0.64, 0.16, 0.3025]
    assert brier_score(p, y) == pytest.approx(2 * np.mean(squares))


def test_an_edge_belongs_to_the_bin_below():
    found = reliability([[0.5, 0.5], [0.75, 0.25]], [0, 0], bins=4)
    assert found.share.tolist() == [0, 0.5, 0.5, 0]
    assert reliability([[1.0, 0.0]], [0], bins=4).share.tolist() == [0, 0, 0, 1]


def test_the_brier_score_is_that_of_scikit_learn(claims):
    _, p, y = claims
    many = brier_score_loss(y, p, scale_by_half=False)
    assert brier_score(p, y) == pytest.approx(many)
    two = p[:, :2] / p[:, :2].sum(axis=1, keepdims=True)
    one = brier_score_loss(y == 1, two[:, 1])
    assert brier_score(two, (y == 1).astype(int)) == pytest.approx(2 * one)


def test_the_extremes_of_the_brier_score():
    sure = np.eye(3)[[0, 1, 2, 0]]
    assert brier_score(sure, [0, 1, 2, 0]) == 0
    assert brier_score(sure, [1, 2, 0, 1]) == 2


def test_true_probabilities_have_the_best_scores(claims):
    a, p, y = claims
    true = softmax(a / 1.7, axis=1)
    for other in (p, softmax(a / 4, axis=1)):
        assert brier_score(true, y) < brier_score(other, y) - 0.005
        gap = expected_calibration_error(other, y)
        assert expected_calibration_error(true, y) < gap / 3


def test_the_temperature_is_found_that_made_the_labels(claims):
    a, p, y = claims
    T = best_temperature(a, y)
    assert pytest.approx(1.7, abs=0.1) == T
    # constants of a row and log-probabilities change nothing
    assert best_temperature(np.log(p), y) == pytest.approx(T)

    def loss(T):
        return -log_softmax(a / T, axis=1)[np.arange(len(y)), y].mean()

    theirs = minimize_scalar(loss, bounds=(0.5, 5), options={"xatol": 1e-9})
    assert pytest.approx(theirs.x, rel=1e-5) == T
    assert min(loss(T * 1.01), loss(T / 1.01)) > loss(T)


def test_tensors_and_arrays_agree(claims):
    a, p, y = (torch.as_tensor(part) for part in claims)
    assert brier_score(p, y) == brier_score(p.numpy(), y.numpy())
    assert best_temperature(a, y) == best_temperature(a.numpy(), y.numpy())
    assert isinstance(reliability(p.float(), y).share, torch.Tensor)


@pytest.mark.parametrize(
    ("scores", "y", "why"),
    [
        ([[3.0, 0.0], [0.0, 2.0]], [0, 1], "all right"),
        ([[3.0, 0.0], [0.0, 2.0]], [1, 0], "worse than none"),
        ([[0.0, -np.inf], [0.0, 2.0]], [0, 1], "finite"),
        ([[0.0, 1.0]], [0, 1], "one label"),
    ],
)
def test_where_no_temperature_is_best(scores, y, why):
    with pytest.raises(ValueError, match=why):
        best_temperature(scores, y)


@pytest.mark.parametrize(
    ("p", "y", "why"),
    [
        ([[0.5, 0.6]], [0], "sum 1"),
        ([[1.5, -0.5]], [0], "below 0"),
        ([[np.nan, 1.0]], [0], "sum 1"),
        ([[0.5, 0.5]], [2], "from 0 to 1"),
        ([[0.5, 0.5]], [-1], "from 0 to 1"),
        ([[0.5, 0.5]], [0.0], "whole"),
        ([0.5, 0.5], [0], "one row"),
        ([[0.5, 0.5]], [0, 1], "one label"),
    ],
)
def test_what_are_no_probabilities_is_refused(p, y, why):
    for metric in (brier_score, expected_calibration_error):
        with pytest.raises(ValueError, match=why):
            metric(p, y)


def test_no_bin_is_refused():
    with pytest.raises(ValueError, match="at least 1 bin"):
        reliability([[0.5, 0.5]], [0], bins=0)


@pytest.mark.gpu
def test_cuda_gives_the_same_answers(claims):
    a, p, y = (torch.as_tensor(part) for part in claims)
    assert brier_score(p.cuda(), y) == pytest.approx(brier_score(p, y))
    assert reliability(p.cuda(), y.cuda()).share.is_cuda
    assert best_temperature(a.cuda(), y) == pytest.approx(
        best_temperature(a, y)
    )
