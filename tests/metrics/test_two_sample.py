"""The classifier two-sample test and the energy distance."""

import numpy as np
import pytest
import torch
from scipy.stats import energy_distance as their_root
from scipy.stats import norm
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from course.metrics.two_sample import classifier_test, energy_distance


def test_equal_distributions_give_one_half_and_a_standard_normal():
    rng = np.random.RandomState(0)
    found = [classifier_test(*rng.randn(2, 60, 3)) for _ in range(60)]
    accuracy = np.array([f.accuracy for f in found])
    z = np.array([f.z for f in found])
    assert abs(accuracy.mean() - 0.5) < 3 * accuracy.std() / np.sqrt(60)
    assert z.std() == pytest.approx(1, abs=0.25)
    assert (z > 2.33).mean() < 0.07


def test_separated_distributions_are_told_apart():
    x, y = np.random.RandomState(0).randn(2, 100, 3)
    found = classifier_test(x, y + 8)
    assert found.accuracy == 1
    assert found.standard_error == 0
    assert found.z == pytest.approx(10)  # sqrt(100)
    assert found.tested == 100


def test_the_best_accuracy_of_two_shifted_gaussians():
    """Half of one plus the total variation: Phi(m / 2)."""
    rng = np.random.RandomState(0)
    x, y = rng.randn(4000, 1), rng.randn(4000, 1) + 1.5
    found = classifier_test(x, y, classifier=LogisticRegression())
    assert abs(found.accuracy - norm.cdf(0.75)) < 3 * found.standard_error
    a, n = found.accuracy, found.tested
    assert found.standard_error == pytest.approx(np.sqrt(a * (1 - a) / n))
    assert found.z == pytest.approx((a - 0.5) / np.sqrt(0.25 / n))


def test_it_is_tested_on_what_it_was_not_trained_on():
    """A tree knows its training half by heart, and no more."""
    x, y = np.random.RandomState(0).randn(2, 300, 2)
    found = classifier_test(x, y, classifier=DecisionTreeClassifier())
    assert abs(found.z) < 3
    assert found.tested == 300


def test_guessing_is_right_half_of_the_time():
    """Both halves hold as many of x as of y."""
    samples = np.random.RandomState(0).randn(2, 31, 2)
    for seed in range(5):
        found = classifier_test(
            *samples, classifier=DummyClassifier(), random_state=seed
        )
        assert abs(found.accuracy - 0.5) < 0.02  # 31 is odd


def test_the_split_is_that_of_the_seed():
    x, y = np.random.RandomState(0).randn(2, 50, 2)
    first, again = classifier_test(x, y), classifier_test(torch.tensor(x), y)
    assert first == again
    assert first != classifier_test(x, y, random_state=1)


def test_a_classifier_given_is_not_fitted():
    model = LogisticRegression()
    classifier_test(*np.random.RandomState(0).randn(2, 20, 2), classifier=model)
    assert not hasattr(model, "coef_")


def test_energy_by_definition():
    rng = np.random.RandomState(0)
    x, y = rng.randn(7, 3), rng.randn(5, 3) + 1

    def mean(a, b, *, pairs):
        d = [np.linalg.norm(p - q) for p in a for q in b]
        return sum(d) / pairs

    expected = 2 * mean(x, y, pairs=35)
    expected -= mean(x, x, pairs=42) + mean(y, y, pairs=20)
    assert energy_distance(x, y) == pytest.approx(expected, abs=1e-12)


def test_energy_is_that_of_scipy_up_to_the_diagonal():
    rng = np.random.RandomState(0)
    x, y = rng.randn(40), rng.randn(30) + 1

    def within(a):
        return np.abs(a[:, None] - a).mean()

    biased = their_root(x, y) ** 2
    correction = within(x) / 39 + within(y) / 29  # n / (n - 1) - 1
    found = energy_distance(x[:, None], y[:, None])
    assert found == pytest.approx(biased - correction, abs=1e-12)


def test_energy_has_no_bias_and_sees_shape():
    rng = np.random.RandomState(0)
    found = np.array(
        [energy_distance(*rng.randn(2, 20, 2)) for _ in range(400)]
    )
    assert abs(found.mean()) < 3 * found.std() / 20
    angle = 2 * np.pi * rng.rand(500)
    circle = np.sqrt(2) * np.c_[np.cos(angle), np.sin(angle)]
    assert energy_distance(circle, rng.randn(500, 2)) > 0.03


def test_errors_say_what_to_do():
    x = np.random.RandomState(0).randn(10, 2)
    with pytest.raises(ValueError, match="same size, not 10 and 9"):
        classifier_test(x, x[:9])
    with pytest.raises(ValueError, match="at least 4"):
        classifier_test(x[:3], x[:3])
    with pytest.raises(ValueError, match="same features"):
        energy_distance(x, x[:, :1])


@pytest.mark.gpu
def test_it_is_the_same_on_a_gpu():
    x, y = torch.randn(2, 60, 5, dtype=torch.float64)
    there = energy_distance(x.cuda(), y.cuda())
    assert there == pytest.approx(energy_distance(x, y), abs=1e-10)
    assert classifier_test(x.cuda(), y.cuda()) == classifier_test(x, y)
