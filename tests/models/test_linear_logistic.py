"""Logistic regression against scikit-learn and its own definition."""

import warnings

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.special import softmax as their_softmax
from sklearn import linear_model as sk
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.linear import (
    Adam,
    GradientDescent,
    LogisticRegression,
    links,
    newton,
)
from course.models.linear.objective import objective
from course.training.gradients import finite_difference_gradient

FLOWERS = load_iris(return_X_y=True)
TUMOURS = load_breast_cancer(return_X_y=True)
WINES = load_wine(return_X_y=True)


@parametrize_with_checks([LogisticRegression()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def reference(x, y, penalty):
    """Scikit-learn's answer, as tight as it gets."""
    model = sk.LogisticRegression(
        C=1 / (len(x) * penalty),
        tol=1e-12,
        max_iter=10_000,
        solver="newton-cholesky",
    )
    return model.fit(x, y)


@pytest.mark.parametrize("penalty", [1e-3, 0.1])
@pytest.mark.parametrize("data", [FLOWERS, TUMOURS, WINES])
def test_the_answer_is_that_of_scikit_learn(data, penalty):
    x, y = standardised(data[0]), data[1]
    ours = LogisticRegression(penalty=penalty).fit(x, y)
    theirs = reference(x, y, penalty)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-8)
    b = theirs.intercept_
    b = b - b.mean() if len(b) > 1 else b
    np.testing.assert_allclose(ours.intercept_, b, rtol=0, atol=1e-8)
    p = theirs.predict_proba(x)
    np.testing.assert_allclose(ours.predict_proba(x), p, rtol=0, atol=1e-8)
    assert (ours.predict(x) == theirs.predict(x)).all()
    assert ours.score(x, y) == theirs.score(x, y)
    log_p = np.log(p[np.arange(len(y)), y])
    np.testing.assert_allclose(ours.log_prob(x, y), log_p, atol=1e-7)
    a = theirs.decision_function(x)
    a = a - a.mean(axis=1, keepdims=True) if a.ndim > 1 else a
    np.testing.assert_allclose(ours.decision_function(x), a, atol=1e-7)


def test_units_and_offsets_of_columns_do_not_hurt():
    """The measurements of the tumours differ in size by a million."""
    x, y = TUMOURS
    fit = LogisticRegression(penalty=1e-3).fit(x, y)
    J = objective(
        torch.tensor(x),
        torch.tensor(y)[:, None].double(),
        links.Bernoulli,
        1e-3,
    )
    theta = np.r_[fit.coef_[0], fit.intercept_]
    g = J.gradient(torch.tensor(theta)[:, None])
    s = np.r_[x.std(axis=0), 1]
    assert abs(g[:, 0].numpy() / s).max() < 1e-8
    assert fit.history_[-1] == pytest.approx(
        J.loss(torch.tensor(theta)[:, None]).item(), rel=1e-8
    )


def test_a_constant_or_doubled_column_changes_no_prediction():
    x, y = standardised(WINES[0])[:, :3], WINES[1]
    plain = LogisticRegression(penalty=0).fit(x, y)
    more = np.c_[x, np.full(len(x), 0.1), x[:, 0]]
    fit = LogisticRegression(penalty=0).fit(more, y)
    p = plain.predict_proba(x)
    np.testing.assert_allclose(fit.predict_proba(more), p, atol=1e-6)


@pytest.mark.parametrize("family", [links.Gaussian, links.Bernoulli, "many"])
def test_gradient_and_hessian_are_finite_differences(family):
    x, k = torch.tensor(FLOWERS[0]), torch.tensor(FLOWERS[1])
    y = (k == 1)[:, None]
    if family == "many":
        family, y = links.Categorical, torch.nn.functional.one_hot(k)
    J = objective(x, y.double(), family, torch.tensor([0.1, 0.2, 0.3, 0.4]))
    theta = torch.linspace(-0.3, 0.4, 5 * y.shape[1]).double()
    theta = theta.view(-1, y.shape[1])
    g = finite_difference_gradient(J.loss, theta)
    torch.testing.assert_close(J.gradient(theta), g, rtol=0, atol=1e-7)
    H = J.hessian(theta)
    for i in range(len(H)):
        row = finite_difference_gradient(
            lambda t, i=i: J.gradient(t).flatten()[i], theta
        )
        torch.testing.assert_close(H[i], row.flatten(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", [links.Gaussian, links.Bernoulli, "many"])
def test_the_mean_of_the_minibatch_gradients_is_the_gradient(family):
    x, k = torch.tensor(FLOWERS[0]), torch.tensor(FLOWERS[1])
    y = (k == 1)[:, None]
    if family == "many":
        family, y = links.Categorical, torch.nn.functional.one_hot(k)
    J = objective(x, y.double(), family, 0.2)
    theta = torch.linspace(-0.3, 0.4, 5 * y.shape[1]).double()
    theta = theta.view(-1, y.shape[1])
    rows = torch.from_numpy(np.random.default_rng(0).permutation(150))
    each = [J.gradient(theta, batch) for batch in rows.split(10)]
    mean = torch.stack(each).mean(dim=0)
    torch.testing.assert_close(mean, J.gradient(theta), rtol=0, atol=1e-10)
    assert (each[0] - mean).abs().max() > 0.01


@pytest.mark.parametrize("family", [links.Bernoulli, links.Categorical])
def test_no_curvature_exceeds_the_bound(family):
    """And it is reached, at a score of zero."""
    a = torch.tensor([[0.0], [1.0], [-3.0]]).double()
    if family is links.Categorical:
        a = torch.tensor([[0.0, 0.0, -50], [1, 2, 3], [-3, 0, 0]]).double()
    top = torch.linalg.eigvalsh(family.curvature(family.mean(a))).amax(dim=1)
    assert top[0].item() == pytest.approx(family.bend)
    assert (top <= family.bend + 1e-12).all()


def test_sigmoid_and_softmax_are_right_and_never_overflow():
    a = np.array([-1000.0, -700, -30, -1, 0, 1e-9, 2, 40, 1000])
    t = torch.tensor(a)
    np.testing.assert_allclose(links.sigmoid(t), expit(a), rtol=1e-14)
    softplus = np.logaddexp(0, a)
    np.testing.assert_allclose(links.softplus(t), softplus, rtol=1e-14)
    rows = np.stack([a, a[::-1], a / 100])
    p = links.softmax(torch.tensor(rows))
    np.testing.assert_allclose(p, their_softmax(rows, axis=1), rtol=1e-13)
    assert links.softmax(torch.full((1, 2), -1e4)).tolist() == [[0.5, 0.5]]


def test_the_loss_is_finite_where_the_probability_underflows():
    a, y = torch.tensor([[-2000.0], [2000.0]]), torch.tensor([[1.0], [0.0]])
    assert links.Bernoulli.loss(a, y).tolist() == [2000, 2000]
    two, hot = torch.cat([0 * a, a], dim=1), torch.cat([1 - y, y], dim=1)
    assert links.Categorical.loss(two, hot).tolist() == [2000, 2000]


def test_two_classes_by_softmax_are_one_sigmoid_of_the_difference():
    a = torch.randn(9, 2).double()
    difference = (a[:, 1] - a[:, 0])[:, None]
    p = links.softmax(a)[:, 1:]
    torch.testing.assert_close(p, links.sigmoid(difference))


def test_separable_classes_have_no_maximum_of_the_likelihood():
    x, y = FLOWERS[0], FLOWERS[1] == 0
    with pytest.warns(ConvergenceWarning, match="plane separates"):
        free = LogisticRegression(penalty=0).fit(x, y)
    size = [
        np.linalg.norm(LogisticRegression(penalty=p).fit(x, y).coef_)
        for p in (1e-1, 1e-2, 1e-3, 1e-4)
    ]
    assert (np.diff(size) > 0.5).all()
    assert np.linalg.norm(free.coef_) > 2 * size[-1]
    x, y = FLOWERS[0], FLOWERS[1] == 1  # these overlap: no warning
    LogisticRegression(penalty=0).fit(x, y)


def test_newton_never_goes_up_and_says_when_it_has_not_arrived():
    x, y = TUMOURS
    with pytest.warns(ConvergenceWarning, match="in 2 steps"):
        fit = LogisticRegression(penalty=1e-4, max_iter=2).fit(x, y)
    assert fit.n_iter_ == 2
    assert len(fit.history_) == 3
    fit = LogisticRegression(penalty=1e-4).fit(x, y)
    assert np.diff(fit.history_).max() < 1e-14
    assert fit.history_[0] == pytest.approx(np.log(2))
    assert fit.n_iter_ == len(fit.history_) - 1 < 25


def test_a_step_of_newton_that_goes_too_far_is_shortened():
    """From far off the undamped method runs away."""
    x, y = torch.tensor([[1.0], [-1.0], [0.5]]), torch.tensor([[1.0], [0], [0]])
    J = objective(x.double(), y.double(), links.Bernoulli, 0.01)
    far = torch.tensor([[12.0], [9.0]]).double()
    d = torch.linalg.solve(J.hessian(far), J.gradient(far))
    assert J.loss(far - d) > J.loss(far)
    run = newton.newton(J, far, tol=1e-10, max_iter=100)
    assert run.converged
    assert np.diff(run.history).max() < 1e-15
    assert J.gradient(run.theta).abs().max() < 1e-9


@pytest.mark.parametrize("data", [TUMOURS, WINES], ids=["two", "three"])
@pytest.mark.parametrize(
    "rule",
    [
        GradientDescent(1.0, epochs=500),
        GradientDescent(
            1.0, epochs=40, batch_size=32, decay=0.02, random_state=0
        ),
        Adam(0.1, epochs=300, decay=5e-3),
    ],
    ids=["gd", "sgd", "adam"],
)
def test_descent_arrives_at_the_answer_of_newton(rule, data):
    x, y = standardised(data[0])[:, :5], data[1]
    exact = LogisticRegression(penalty=0.05).fit(x, y)
    fit = LogisticRegression(penalty=0.05, optimiser=rule).fit(x, y)
    gap = fit.history_[-1] - exact.history_[-1]
    assert -1e-12 < gap < (1e-3 if rule.batch_size else 1e-8)
    assert fit.n_iter_ == rule.epochs
    if not rule.batch_size:
        theta = np.c_[fit.coef_, fit.intercept_]
        truth = np.c_[exact.coef_, exact.intercept_]
        np.testing.assert_allclose(theta, truth, atol=1e-4)


def test_labels_may_be_words_and_probabilities_follow_their_order():
    x, y = FLOWERS
    words = np.array(["b", "c", "a"])[y]
    fit = LogisticRegression(penalty=0.1).fit(x, words)
    assert fit.classes_.tolist() == ["a", "b", "c"]
    plain = LogisticRegression(penalty=0.1).fit(x, y)
    np.testing.assert_allclose(
        fit.predict_proba(x), plain.predict_proba(x)[:, [2, 0, 1]], atol=1e-9
    )
    assert fit.score(x, words) == plain.score(x, y)
    with pytest.raises(ValueError, match=r"did not have: \['d'\]"):
        fit.score(x[:1], ["d"])


@pytest.mark.parametrize("data", [TUMOURS, WINES], ids=["two", "three"])
def test_tensors_go_in_and_come_out(data):
    X, Y = data
    x, y = torch.tensor(X), torch.tensor(Y)
    there = LogisticRegression().fit(x, y)
    here = LogisticRegression().fit(X, Y)
    for name in ("coef_", "intercept_", "history_", "classes_"):
        value = getattr(there, name)
        assert isinstance(value, torch.Tensor)
        np.testing.assert_allclose(value, getattr(here, name), atol=1e-8)
    for name in ("predict", "predict_proba", "decision_function"):
        value = getattr(there, name)(x)
        assert isinstance(value, torch.Tensor)
        np.testing.assert_allclose(value, getattr(here, name)(X), atol=1e-6)
    assert isinstance(there.log_prob(x, y), torch.Tensor)
    assert there.score(x, y) == here.score(X, Y)
    alone = [here.predict_proba(X[n : n + 1])[0] for n in range(9)]
    np.testing.assert_allclose(alone, here.predict_proba(X)[:9], rtol=1e-12)


def test_what_cannot_be_fitted_is_refused():
    x, y = torch.tensor(FLOWERS[0]), torch.tensor(FLOWERS[1])
    for wrong, complaint in [
        (y.double() + 0.5, "continuous"),
        (torch.ones(150), "one class, 1"),
        (torch.ones(150, 2), "1d array"),
        (y[:9], r"\[150, 9\]"),
        (None, "requires y"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            LogisticRegression().fit(x, wrong)
    with pytest.raises(ValueError, match="penalty"):
        LogisticRegression(penalty=-1.0).fit(x, y)


@pytest.mark.gpu
@pytest.mark.parametrize("data", [TUMOURS, WINES], ids=["two", "three"])
def test_it_follows_its_input(data):
    X, Y = standardised(data[0]), data[1]
    x, y = torch.tensor(X).cuda(), torch.tensor(Y).cuda()
    there = LogisticRegression().fit(x, y)
    assert there.coef_.is_cuda
    assert there.predict(x).is_cuda
    assert there.log_prob(x, y).is_cuda
    here = LogisticRegression().fit(X, Y)
    np.testing.assert_allclose(there.coef_.cpu(), here.coef_, atol=1e-8)
    with warnings.catch_warnings(action="error"):
        rule = GradientDescent(0.1, epochs=3, batch_size=16, random_state=0)
        there = LogisticRegression(optimiser=rule).fit(x, y)
        here = LogisticRegression(optimiser=rule).fit(X, Y)
    np.testing.assert_allclose(there.coef_.cpu(), here.coef_, atol=1e-8)
