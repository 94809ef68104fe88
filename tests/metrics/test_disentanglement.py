"""Mutual information, MIG and DCI: tables, other libraries, known codes."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mutual_info_score
from sklearn.tree import DecisionTreeClassifier

from course.metrics.disentanglement import (
    dci,
    entropy,
    focus,
    mutual_information,
    mutual_information_gap,
)


@pytest.fixture
def factors():
    return np.random.RandomState(0).rand(2000, 3)


def test_mutual_information_is_that_of_scikit_learn():
    rng = np.random.RandomState(0)
    z, v = rng.randint(4, size=(300, 3)), rng.randint(5, size=(300, 2))
    z[:, 2] = v[:, 1] % 3
    found = mutual_information(z, v)
    for m in range(3):
        for k in range(2):
            theirs = mutual_info_score(z[:, m], v[:, k])
            assert found[m, k].item() == pytest.approx(theirs, abs=1e-12)


def test_continuous_columns_get_bins_of_equal_count(factors):
    assert entropy(factors, n_bins=8).numpy() == pytest.approx(np.log(8))
    itself = mutual_information(factors, factors, n_bins=8).diag()
    assert itself.numpy() == pytest.approx(np.log(8))


def test_mutual_information_of_a_gaussian_pair():
    """-1/2 log(1 - rho^2), from below as bins lose, to 2 % with many."""
    rng = np.random.RandomState(0)
    x, e = rng.randn(2, 40_000)
    y = 0.8 * x + 0.6 * e
    exact = -np.log(0.6)
    few = mutual_information(x[:, None], y[:, None], n_bins=3).item()
    many = mutual_information(x[:, None], y[:, None], n_bins=30).item()
    assert few < 0.8 * exact
    assert many == pytest.approx(exact, rel=0.03)


def test_counts_see_information_that_is_not_there():
    """By about (B - 1)^2 / 2N in the mean."""
    rng = np.random.RandomState(0)
    z, v = rng.rand(2, 500, 40)
    for B in (5, 10):
        found = mutual_information(z, v, n_bins=B).mean().item()
        assert found == pytest.approx((B - 1) ** 2 / 1000, rel=0.15)


def test_a_monotone_map_of_a_feature_changes_nothing(factors):
    z = factors + 0.1 * np.random.RandomState(1).randn(*factors.shape)
    one = mutual_information(z, factors)
    other = mutual_information(np.exp(3 * z), factors)
    assert torch.equal(one, other)


def test_the_gap_is_one_for_the_factors_and_falls_when_they_mix(factors):
    permuted = factors[:, [2, 0, 1]]
    assert mutual_information_gap(permuted, factors).min() > 0.95
    angle = np.pi / 4
    turn = np.array(
        [
            [np.cos(angle), -np.sin(angle), 0],
            [np.sin(angle), np.cos(angle), 0],
            [0, 0, 1],
        ]
    )
    mixed = mutual_information_gap(factors @ turn.T, factors)
    assert mixed[:2].max() < 0.1
    assert mixed[2] > 0.95


def test_the_gap_by_hand():
    """One feature tells v exactly, the other nothing: a gap of 1."""
    z = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    v = np.array([[3], [3], [7], [7]])
    assert mutual_information_gap(z, v, n_bins=2).item() == pytest.approx(1)
    table = mutual_information(z, v, n_bins=2)
    assert table.flatten().tolist() == pytest.approx([np.log(2), 0])


def test_dci_of_the_factors_and_of_a_mixture(factors):
    best = dci(factors, factors)
    assert min(best.disentanglement, best.completeness) > 0.99
    assert best.informativeness > 0.99
    mixed = dci(factors @ np.ones((3, 3)) + factors[:, [1, 2, 0]], factors)
    assert mixed.disentanglement < 0.5
    assert mixed.completeness < 0.5


def test_two_copies_are_disentangled_but_not_complete(factors):
    """Each feature tells one factor; one factor is told by two features."""
    rng = np.random.RandomState(0)
    copies = factors[:, [0, 0, 1, 2]] + 0.01 * rng.randn(2000, 4)
    found = dci(copies, factors)
    assert found.disentanglement > 0.98
    assert found.completeness < found.disentanglement - 0.05
    assert mutual_information_gap(copies, factors)[0] < 0.1


def test_focus_by_hand():
    assert focus(torch.eye(3)) == pytest.approx(1)
    assert focus(torch.ones(2, 4)) == pytest.approx(0, abs=1e-7)
    # a row of weight 3 that is sure, one of weight 1 that is torn
    table = torch.tensor([[3.0, 0.0], [0.5, 0.5]])
    assert focus(table) == pytest.approx(0.75)
    assert focus(torch.tensor([[1.0, 0.0], [0.0, 0.0]])) == pytest.approx(1)


def test_dci_takes_other_predictors_and_tests_on_the_second_half():
    rng = np.random.RandomState(0)
    v = rng.randint(3, size=(400, 2)).astype(float)
    noise = rng.rand(400, 1)
    tree = DecisionTreeClassifier(random_state=0)
    found = dci(np.hstack([v, noise]), v, predictor=tree)
    assert found.informativeness == 1
    blind = dci(rng.rand(400, 2), v, predictor=tree)
    assert blind.informativeness < 0.45  # the first half is known by heart


def test_tensors_and_arrays_give_the_same(factors):
    x = torch.as_tensor(factors)
    assert torch.equal(
        mutual_information(x, x), mutual_information(factors, factors)
    )


def test_clear_errors(factors):
    with pytest.raises(ValueError, match="not 10 and 2000 rows"):
        mutual_information(factors[:10], factors)
    with pytest.raises(ValueError, match=r"columns \[1\].*never change"):
        entropy(factors * [1, 0, 1])
    with pytest.raises(ValueError, match="n_bins must lie between 2"):
        mutual_information(factors, factors, n_bins=1)
    with pytest.raises(ValueError, match="z has one"):
        mutual_information_gap(factors[:, :1], factors)
    with pytest.raises(ValueError, match="two of each or more, not 1 and 3"):
        dci(factors[:, :1], factors)
    with pytest.raises(AttributeError, match="feature_importances_"):
        dci(factors, factors, predictor=LinearRegression())
