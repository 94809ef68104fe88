"""Linear regression against scikit-learn and its own definition."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn import linear_model as sk
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.linear import Adam, GradientDescent, LinearRegression
from course.models.linear.links import Gaussian
from course.models.linear.objective import objective

X, Y = load_diabetes(return_X_y=True)


@parametrize_with_checks([LinearRegression()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("penalty", [0.0, 1e-4, 0.3])
def test_the_answer_is_that_of_scikit_learn(penalty, offset):
    x = X + offset
    ours = LinearRegression(penalty=penalty).fit(x, Y)
    theirs = sk.LinearRegression()
    if penalty:
        theirs = sk.Ridge(len(x) * penalty, solver="cholesky")
    theirs.fit(x, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-8)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-8)
    assert ours.score(x, Y) == pytest.approx(theirs.score(x, Y), rel=1e-10)


def test_the_gradient_is_zero_at_the_answer():
    fit = LinearRegression(penalty=0.2).fit(X, Y)
    r = Y - fit.predict(X)
    assert r.mean() == pytest.approx(0, abs=1e-10)  # the intercept is free
    np.testing.assert_allclose(X.T @ r / len(X), 0.2 * fit.coef_, atol=1e-10)


@pytest.mark.parametrize("N", [12, 5])
def test_of_all_minima_the_shortest_is_taken(N):
    """Collinear columns, a constant one, or too few rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4))
    x = np.c_[x, x[:, 0] + x[:, 1], np.full(N, 0.1)]
    y = rng.normal(size=N)
    xc = x - x.mean(axis=0)
    xc[:, 5] = 0
    w = np.linalg.pinv(xc, rcond=1e-12) @ (y - y.mean())
    fit = LinearRegression().fit(x, y)
    np.testing.assert_allclose(fit.coef_, w, rtol=0, atol=1e-10)
    theirs = sk.LinearRegression().fit(x, y)
    np.testing.assert_allclose(fit.coef_, theirs.coef_, rtol=0, atol=1e-8)


def test_constant_rows_say_nothing():
    fit = LinearRegression().fit(np.full((4, 2), 0.3), [1.0, 2, 3, 4])
    assert fit.coef_.tolist() == [0, 0]
    assert fit.intercept_ == 2.5


def test_log_prob_is_a_normal_density_and_the_fit_its_maximum():
    fit = LinearRegression().fit(X, Y)
    sd = np.sqrt(np.mean((Y - fit.predict(X)) ** 2))
    truth = norm(fit.predict(X), sd).logpdf(Y)
    np.testing.assert_allclose(fit.log_prob(X, Y), truth, rtol=1e-10)
    for change in ("noise_variance_", "intercept_"):
        for factor in (0.99, 1.01):
            other = clone(fit).fit(X, Y)
            setattr(other, change, getattr(fit, change) * factor)
            assert other.log_prob(X, Y).sum() < fit.log_prob(X, Y).sum()


def test_the_history_is_the_objective():
    fit = LinearRegression(penalty=0.2).fit(X, Y)
    r = Y - fit.predict(X)
    J = np.mean(r**2) / 2 + 0.1 * fit.coef_ @ fit.coef_
    assert fit.history_ == pytest.approx([J])
    path = LinearRegression(
        penalty=0.2, optimiser=GradientDescent(0.5, epochs=3)
    ).fit(X, Y)
    assert len(path.history_) == 4
    assert path.history_[0] == pytest.approx(np.mean(Y**2) / 2)
    assert (np.diff(path.history_) < 0).all()
    assert path.history_[-1] > J


@pytest.mark.parametrize(
    "rule",
    [
        GradientDescent(0.9, epochs=300),
        GradientDescent(
            0.2, epochs=60, batch_size=20, decay=0.02, random_state=0
        ),
        Adam(5.0, epochs=600, decay=0.005),
    ],
    ids=["gd", "sgd", "adam"],
)
def test_descent_arrives_at_the_exact_answer(rule):
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    # the last features of the data are nearly collinear: leave them out
    x, J = x[:, :4], None
    exact = LinearRegression(penalty=0.1).fit(x, Y)
    fit = LinearRegression(penalty=0.1, optimiser=rule).fit(x, Y)
    J = exact.history_[0]
    assert fit.history_[-1] - J < (1e-3 if rule.batch_size else 1e-9) * J
    assert abs(fit.coef_ - exact.coef_).max() < (
        1.0 if rule.batch_size else 1e-3
    )


def test_minibatches_are_reproducible_and_depend_on_the_seed():
    def run(seed):
        rule = GradientDescent(0.1, epochs=2, batch_size=7, random_state=seed)
        return LinearRegression(optimiser=rule).fit(X, Y).coef_

    assert np.array_equal(run(0), run(0))
    assert not np.array_equal(run(0), run(1))


def test_too_long_a_step_is_an_error_that_names_the_limit():
    x = torch.tensor(X)
    limit = objective(x, torch.tensor(Y)[:, None], Gaussian, 0.0).step_limit()
    rule = GradientDescent(3 * limit, epochs=500)
    with pytest.raises(ValueError, match=f"below {limit:.3g}"):
        LinearRegression(optimiser=rule).fit(X, Y)


def test_tensors_go_in_and_come_out():
    x, y = torch.tensor(X), torch.tensor(Y)
    there, here = LinearRegression().fit(x, y), LinearRegression().fit(X, Y)
    for name in ("coef_", "intercept_", "noise_variance_", "history_"):
        value = getattr(there, name)
        assert isinstance(value, torch.Tensor)
        np.testing.assert_allclose(value, getattr(here, name), rtol=1e-12)
    assert isinstance(there.predict(x), torch.Tensor)
    torch.testing.assert_close(
        there.log_prob(x, y), torch.tensor(here.log_prob(X, Y))
    )
    assert isinstance(here.intercept_, float)
    assert there.score(x, y) == pytest.approx(here.score(X, Y))


def test_what_cannot_be_fitted_is_refused():
    for penalty in (-0.1, np.inf, np.nan):
        with pytest.raises(ValueError, match="penalty must be finite"):
            LinearRegression(penalty=penalty).fit(X, Y)
    with pytest.raises(ValueError, match="optimiser must be None"):
        LinearRegression(optimiser="sgd").fit(X, Y)
    x = torch.tensor(X)
    for y, complaint in [
        (torch.ones(442, 2), "1d array"),
        (torch.tensor(Y)[:3], r"\[442, 3\]"),
        (torch.full((442,), torch.nan), "NaN"),
        (None, "requires y"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            LinearRegression().fit(x, y)
    line = np.arange(3.0)[:, None]
    flat = LinearRegression().fit(line, np.ones(3))
    with pytest.raises(ValueError, match="all zero"):
        flat.log_prob(line, np.ones(3))


@pytest.mark.gpu
@pytest.mark.parametrize("optimiser", [None, GradientDescent(batch_size=9)])
def test_it_follows_its_input(optimiser):
    x, y = torch.tensor(X).cuda(), torch.tensor(Y).cuda()
    model = LinearRegression(penalty=0.1, optimiser=optimiser)
    if optimiser:
        model.optimiser = GradientDescent(batch_size=9, random_state=0)
    there = clone(model).fit(x, y)
    assert there.coef_.is_cuda
    assert there.predict(x).is_cuda
    here = model.fit(X, Y)
    np.testing.assert_allclose(there.coef_.cpu(), here.coef_, rtol=1e-8)
