"""What the documents say about linear models, run, beside what is right."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from course.data import breast_cancer, digits, iris
from course.models.linear import (
    Adam,
    GradientDescent,
    LinearRegression,
    LogisticRegression,
    descend,
)
from course.models.linear.links import sigmoid, softplus

RINGS = make_circles(500, noise=0.05, factor=0.4, random_state=0)
NEW_RINGS = make_circles(500, noise=0.05, factor=0.4, random_state=1)


def draw(n, seed):
    """The data of document 004, section 4.1.1, with a seed."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 2))
    return x, np.dot(x, np.array([0.5, 0.7])) + rng.random(n)


def document_fit(x, y):
    """The two lines that train, as printed."""
    w = np.linalg.solve(x.T.dot(x), x.T.dot(y))
    b = np.mean(y - np.dot(x, w))
    return w, b


def test_an_intercept_fitted_late_is_not_least_squares():
    """D4-C1: each weight is too large by 3/7; the error is 0.114, not 1/12."""
    x, y = draw(1_000_000, 0)
    w, b = document_fit(x, y)
    np.testing.assert_allclose(w, [0.5 + 3 / 7, 0.7 + 3 / 7], atol=0.005)
    excess = (3 / 7) ** 2 * 2 / 12  # the variance of 3/7 (x_1 + x_2)
    assert np.mean((y - x @ w - b) ** 2) == pytest.approx(
        1 / 12 + excess, abs=5e-4
    )
    fit = LinearRegression().fit(x, y)
    np.testing.assert_allclose(fit.coef_, [0.5, 0.7], atol=0.005)
    assert fit.intercept_ == pytest.approx(0.5, abs=0.005)
    assert fit.noise_variance_ == pytest.approx(1 / 12, abs=5e-4)


def test_the_noise_is_an_intercept_of_one_half():
    """D4-C2: with centred noise the document's fit would be right."""
    x, y = draw(1_000_000, 0)
    w, b = document_fit(x, y - 0.5)
    np.testing.assert_allclose(w, [0.5, 0.7], atol=0.005)
    assert b == pytest.approx(0, abs=0.005)
    # and without a seed two runs differ by more than the rounding they print
    first, second = (document_fit(*draw(100, seed))[0] for seed in (0, 1))
    assert abs(first - second).max() > 0.01


def test_a_test_error_reveals_the_wrong_fit():
    """D4-C4: what the program does not print."""
    for seed in range(3):
        w, b = document_fit(*draw(100, seed))
        fit = LinearRegression().fit(*draw(100, seed))
        x, y = draw(100_000, 10 + seed)
        theirs = np.mean((y - x @ w - b) ** 2)
        ours = np.mean((y - fit.predict(x)) ** 2)
        assert theirs > 1.2 * ours
        assert ours < 0.7 * y.var()


def test_normal_equations_lose_half_of_the_digits():
    """D4-C3: and with equal columns they have no answer."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=200)
    x = np.c_[z, z + 1e-6 * rng.normal(size=200)]
    x -= x.mean(axis=0)
    truth = np.array([1.0, 2.0])
    w, _ = document_fit(x, x @ truth)
    ours = LinearRegression().fit(x, x @ truth).coef_
    condition = np.linalg.cond(x.T @ x) / np.linalg.cond(x) ** 2
    assert condition == pytest.approx(1, rel=0.01)
    assert abs(ours - truth).max() < 1e-9
    assert abs(w - truth).max() > 1e-6
    twice = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        document_fit(twice, twice @ truth)
    shared = LinearRegression().fit(twice, twice @ truth).coef_
    np.testing.assert_allclose(shared, [1.5, 1.5], rtol=1e-12)


def test_the_sigmoid_of_the_document_overflows():
    """D4-C10: and its loss is infinite where ours is exact."""

    def document_sigmoid(x):
        return 1 / (1 + np.exp(-x))

    with pytest.warns(RuntimeWarning, match="overflow"):
        document_sigmoid(np.array(-1000.0))
    assert 1 - document_sigmoid(50.0) == 0
    a = torch.tensor([-1000.0, 50.0], dtype=torch.float64)
    with warnings.catch_warnings(action="error"):
        assert sigmoid(a).tolist() == [0, 1]
        assert softplus(a).tolist() == [0, 50]
    small = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(
        sigmoid(torch.from_numpy(small)), document_sigmoid(small), rtol=1e-12
    )


def test_a_raw_score_is_no_probability():
    """D4-F1: a line through labels leaves [0, 1], a sigmoid cannot."""
    x, y = iris().x[:, 2:3], (iris().y == 2).astype(float)
    line = LinearRegression().fit(x, y).predict(x)
    assert line.min() < -0.1
    fit = LogisticRegression().fit(x, y)
    p = fit.predict_proba(x)
    assert p.min() >= 0
    assert p.max() <= 1
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    # and the score is the log-odds
    np.testing.assert_allclose(
        np.log(p[:, 1] / p[:, 0]), fit.decision_function(x), atol=1e-6
    )


def squares(x):
    return np.c_[x, x**2, x[:, :1] * x[:, 1:]]


def test_features_make_a_linear_classifier_round():
    """D4-T7: the same model, on five features."""
    (x, y), (new_x, new_y) = RINGS, NEW_RINGS
    raw = LogisticRegression(penalty=0.01).fit(x, y)
    assert raw.score(new_x, new_y) < 0.6
    fit = LogisticRegression(penalty=0.01).fit(squares(x), y)
    assert fit.score(squares(new_x), new_y) > 0.99
    # it is still linear: scores add up
    h = squares(new_x)
    a, b = fit.decision_function(h), fit.intercept_
    half = fit.decision_function(h / 2)
    np.testing.assert_allclose(half - b, (a - b) / 2, atol=1e-9)


def test_a_small_tree_solves_the_rings():
    """D4-T8: a non-linear model that is quick and short."""
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(*RINGS)
    assert tree.score(*NEW_RINGS) > 0.95
    assert tree.get_n_leaves() <= 8


def test_the_training_loss_cannot_choose_the_penalty():
    """D4-O3: held-out rows can; three splits."""
    x, y, *_ = breast_cancer()
    for seed in range(3):
        x1, x2, y1, y2 = train_test_split(
            x, y, train_size=200, stratify=y, random_state=seed
        )
        m, s = x1.mean(axis=0), x1.std(axis=0)
        x1, x2 = (x1 - m) / s, (x2 - m) / s
        fits = [
            LogisticRegression(penalty=p).fit(x1, y1) for p in (1e-6, 1e-2, 10)
        ]
        training = [-fit.log_prob(x1, y1).mean() for fit in fits]
        held_out = [-fit.log_prob(x2, y2).mean() for fit in fits]
        assert np.argmin(training) == 0
        assert held_out[1] < held_out[0] / 2
        assert held_out[1] < held_out[2] / 2


def test_gradient_descent_needs_no_labels():
    """D0-T10, X12: it finds the first principal component of the digits."""
    x = torch.from_numpy(digits()[0].reshape(-1, 64)).double()
    x = x - x.mean(dim=0)
    Sigma = x.T @ x / len(x)

    def uphill(w, batch):
        return (w @ Sigma @ w) * w - Sigma @ w

    start = torch.full((64,), 1 / 8, dtype=torch.float64)
    *_, w = descend(uphill, start, rule=GradientDescent(0.5, epochs=400))
    first = torch.linalg.eigh(Sigma).eigenvectors[:, -1]
    assert abs(w @ first) > 1 - 1e-9
    # the supervised method that is trained by it needs them
    with pytest.raises(ValueError, match="requires y"):
        LogisticRegression(optimiser=GradientDescent()).fit(x, None)


def test_a_classifier_does_not_follow_a_shift():
    """D4-T20: two pixels are enough; three seeds."""
    for seed in range(3):
        x, y = digits("train", split="stratified", seed=seed)
        new_x, new_y = digits("test", split="stratified", seed=seed)
        rule = Adam(0.02, epochs=10, batch_size=50, random_state=seed)
        model = LogisticRegression(optimiser=rule)
        model.fit(x.reshape(-1, 64), y)
        moved = np.zeros_like(new_x)
        moved[..., 2:] = new_x[..., :-2]
        assert model.score(new_x.reshape(-1, 64), new_y) > 0.9
        assert model.score(moved.reshape(-1, 64), new_y) < 0.2
