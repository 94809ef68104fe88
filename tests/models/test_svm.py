"""Support vector machines against scikit-learn and their own conditions."""

import numpy as np
import pytest
import torch
from scipy.optimize import LinearConstraint, minimize
from sklearn import svm
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.svm import SVC
from course.models.svm.dual import Dual, solve
from course.models.svm.kernels import rbf

CASES = [
    {"kernel": "linear", "C": 0.7},
    {"kernel": "poly", "coef0": 1.0, "degree": 2},
    {"kernel": "rbf", "C": 10.0, "gamma": 2.0},
    {"kernel": "rbf", "gamma": "auto"},
]
cases = pytest.mark.parametrize("options", CASES, ids=str)


@parametrize_with_checks([SVC()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture(scope="module")
def moons():
    return make_moons(120, noise=0.25, random_state=0)


@pytest.fixture(scope="module")
def flowers():
    """Two measurements of three species that overlap, and no two rows equal."""
    iris = load_iris()
    X = iris.data[::2, :2] + np.random.RandomState(0).randn(75, 2) / 50
    return X, np.array(["c", "a", "b"])[iris.target[::2]]


def objective(model, X, y):
    """The dual objective of a fitted model of two classes, from its parts."""
    u = np.zeros(len(X))
    u[model.support_] = np.asarray(model.dual_coef_)[0]
    gamma = getattr(model, "gamma_", None) or model._gamma
    kernel = {
        "linear": lambda: X @ X.T,
        "poly": lambda: (gamma * X @ X.T + model.coef0) ** model.degree,
        "rbf": lambda: np.exp(
            -gamma * ((X[:, None] - X) ** 2).sum(-1)  # by its definition
        ),
    }[model.kernel]()
    sign = np.where(y == model.classes_[1], 1.0, -1.0)
    assert u.sum() == pytest.approx(0, abs=1e-10)
    assert (u * sign >= 0).all()
    assert (u * sign <= model.C + 1e-12).all()
    return sign @ u - u @ kernel @ u / 2


@cases
def test_two_classes_are_those_of_scikit_learn(options, moons):
    X, y = moons
    ours = SVC(tol=1e-6, **options).fit(X, y)
    theirs = svm.SVC(tol=1e-8, **options).fit(X, y)
    new = X + 0.3
    assert objective(ours, X, y) == pytest.approx(
        objective(theirs, X, y), rel=1e-8
    )
    assert ours.history_[-1, 0] == pytest.approx(objective(ours, X, y))
    np.testing.assert_array_equal(ours.support_, np.sort(theirs.support_))
    np.testing.assert_array_equal(ours.support_vectors_, X[ours.support_])
    np.testing.assert_allclose(
        ours.decision_function(new), theirs.decision_function(new), atol=1e-4
    )
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)


@cases
def test_several_classes_are_those_of_scikit_learn(options, flowers):
    X, y = flowers
    ours = SVC(tol=1e-6, **options).fit(X, y)
    theirs = svm.SVC(tol=1e-8, break_ties=True, **options).fit(X, y)
    new = X + 0.05
    np.testing.assert_allclose(
        ours.decision_function(new), theirs.decision_function(new), atol=1e-4
    )
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    np.testing.assert_array_equal(ours.support_, np.sort(theirs.support_))
    # theirs counts the first class of a pair as positive, except for two
    np.testing.assert_allclose(ours.intercept_, -theirs.intercept_, atol=1e-4)


def test_pairs_are_solved_as_if_alone(flowers):
    X, y = flowers
    together = SVC(gamma=0.5).fit(X, y)
    u = np.zeros((3, len(X)))
    u[:, together.support_] = together.dual_coef_
    for p, pair in enumerate((("a", "b"), ("a", "c"), ("b", "c"))):
        rows = np.isin(y, pair)
        alone = SVC(gamma=0.5).fit(X[rows], y[rows])
        np.testing.assert_allclose(
            u[p, rows].nonzero()[0], alone.support_, atol=0
        )
        np.testing.assert_allclose(together.intercept_[p], alone.intercept_)
        assert not u[p, ~rows].any()
        assert together.n_iter_[p] == alone.n_iter_[0]


def test_a_general_solver_finds_no_higher_dual(moons):
    X, y = moons[0][:40], np.where(moons[1][:40] == 1, 1.0, -1.0)
    K = np.exp(-2 * ((X[:, None] - X) ** 2).sum(-1))
    best = minimize(
        lambda u: u @ K @ u / 2 - y @ u,
        np.zeros(40),
        jac=lambda u: K @ u - y,
        bounds=[(min(0, 3 * s), max(0, 3 * s)) for s in y],
        constraints=LinearConstraint(np.ones(40), 0, 0),
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    found = SVC(C=3, gamma=2.0, tol=1e-7).fit(X, y).history_[-1, 0]
    assert found == pytest.approx(-best.fun, rel=1e-6)


def test_the_dual_meets_the_primal(moons):
    """No duality gap: margin and hinge losses add up to the dual."""
    X, y = moons
    model = SVC(kernel="linear", C=2.0, tol=1e-8).fit(X, y)
    w = model.dual_coef_[0] @ model.support_vectors_
    f = X @ w + model.intercept_
    np.testing.assert_allclose(f, model.decision_function(X))
    hinge = np.maximum(0, 1 - np.where(y == 1, 1, -1) * f)
    primal = w @ w / 2 + 2.0 * hinge.sum()
    assert primal == pytest.approx(model.history_[-1, 0], rel=1e-6)


def test_the_objective_never_falls_and_gaps_close(moons):
    X, y = moons
    history = SVC(gamma=2.0, tol=1e-6).fit(X, y).history_
    assert (np.diff(history[:, 0]) > -1e-12).all()
    assert history[0] == 0
    loose = SVC(gamma=2.0, tol=1e-1).fit(X, y)
    assert len(loose.history_) < len(history) / 2


def test_the_widest_margin_of_two_points_is_known():
    X, y = np.array([[0.0, 0.0], [2.0, 0.0], [9.0, 5.0]]), [0, 1, 1]
    model = SVC(kernel="linear", C=100.0, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X)[:2], [-1, 1])
    np.testing.assert_array_equal(model.support_, [0, 1])
    np.testing.assert_allclose(model.dual_coef_, [[-0.5, 0.5]])


def test_without_free_vectors_the_intercept_is_in_the_middle():
    X, y = np.array([[-1.0], [1.0]]), [0, 1]
    model = SVC(kernel="linear", C=0.1, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.dual_coef_, [[-0.1, 0.1]])
    np.testing.assert_allclose(model.intercept_, [0], atol=1e-12)


def test_the_kernel_is_positive_definite_and_exact():
    x = torch.randn(30, 3, dtype=torch.float64)
    K = rbf(x, x, gamma=0.5)
    direct = torch.exp(-0.5 * (x[:, None] - x).square().sum(-1))
    assert torch.allclose(K, direct, atol=1e-12)
    assert torch.linalg.eigvalsh(K).min() > -1e-12


def test_equal_rows_of_different_classes_do_no_harm():
    X, y = np.ones((4, 2)), [0, 1, 0, 1]
    model = SVC(gamma=1.0).fit(X, y)
    assert np.isfinite(model.decision_function(X)).all()
    assert model.gamma_ == 1.0
    assert SVC(gamma="scale").fit(X, y).gamma_ == 1.0


def test_tensors_stay_tensors(flowers):
    X, _ = flowers
    k = load_iris().target[::2]
    here = SVC().fit(X, k)
    there = SVC().fit(torch.tensor(X), torch.tensor(k))
    labels = there.predict(torch.tensor(X))
    assert isinstance(labels, torch.Tensor)
    np.testing.assert_array_equal(labels.numpy(), here.predict(X))
    assert isinstance(there.support_vectors_, torch.Tensor)
    scores = there.decision_function(torch.tensor(X))
    np.testing.assert_allclose(scores.numpy(), here.decision_function(X))


@pytest.mark.gpu
@cases
def test_on_a_gpu_the_answer_is_that_of_scikit_learn(options, flowers):
    X, _ = flowers
    k = load_iris().target[::2]
    x = torch.tensor(X).cuda()
    ours = SVC(tol=1e-6, **options).fit(x, torch.tensor(k).cuda())
    theirs = svm.SVC(tol=1e-8, break_ties=True, **options).fit(X, k)
    scores = ours.decision_function(x)
    assert scores.is_cuda
    np.testing.assert_allclose(
        scores.cpu().numpy(), theirs.decision_function(X), atol=1e-4
    )
    assert ours.predict(x).is_cuda


def test_stopping_early_is_said():
    X, y = make_blobs(40, 2, centers=2, cluster_std=5.0, random_state=0)
    with pytest.warns(ConvergenceWarning, match="scale the features"):
        model = SVC(max_iter=2).fit(X, y)
    assert not model.converged_
    assert model.n_iter_[0] == 2
    assert len(model.history_) == 3


def test_finished_problems_wait():
    K = torch.eye(4, dtype=torch.float64)
    y = torch.tensor([[1.0, -1, 0, 0], [1, -1, 1, -1]]).double()
    found = solve(Dual(K, y, C=10), tol=1e-9, max_iter=100)
    assert found.steps.tolist() == [1, 2]
    assert torch.allclose(found.u, y)
    assert found.converged


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"C": 0}, "C must"),
        ({"kernel": "cosine"}, "kernel must"),
        ({"gamma": -1.0}, "gamma must"),
        ({"gamma": "wide"}, "gamma must"),
        ({"tol": float("inf")}, "tol must"),
        ({"degree": "2"}, "degree must"),
        ({"coef0": None}, "coef0 must"),
        ({"max_iter": 0}, "max_iter must"),
    ],
)
def test_options_that_cannot_be_are_named(options, word, moons):
    with pytest.raises(ValueError, match=word):
        SVC(**options).fit(*moons)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class"):
        SVC().fit(np.eye(3), [1, 1, 1])
