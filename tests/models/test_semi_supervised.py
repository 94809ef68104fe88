"""Label propagation and spreading against scikit-learn and their energies."""

import numpy as np
import pytest
import torch
from sklearn import semi_supervised as sk
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from benchmarks import semi_supervised as benchmark
from course.models.semi_supervised import LabelPropagation, LabelSpreading
from course.models.semi_supervised.graph import (
    knn,
    random_walk,
    rbf,
    reached,
    squared_distances,
    symmetric,
)
from course.models.semi_supervised.solve import absorb

BOTH = (LabelPropagation(), LabelSpreading(), LabelSpreading(alpha=0.9))
both = pytest.mark.parametrize("model", BOTH, ids=str)
kernels = pytest.mark.parametrize("kernel", ["rbf", "knn"])
CHAIN = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)  # 0-1-2-3-4


@pytest.mark.filterwarnings("ignore:no entry of y is -1")
@parametrize_with_checks([LabelPropagation(), LabelSpreading()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def moons(seed, labels=6, N=300, noise=0.1):
    """Two moons, the classes, and y with -1 for all but a few points."""
    X, classes = make_moons(N, noise=noise, random_state=seed)
    return X, classes, hide(classes, labels // 2, seed)


def hide(classes, each, seed):
    """The classes with -1 for all but so many points of each."""
    rng, y = np.random.RandomState(seed), np.full(len(classes), -1)
    for k in np.unique(classes):
        kept = rng.choice(np.flatnonzero(classes == k), each, replace=False)
        y[kept] = k
    return y


def given(W):
    """A kernel that ignores its arguments."""
    return lambda a, b: W


def chain(y):
    """Points and labels of the chain; the points do not matter."""
    return np.arange(5.0)[:, None], np.array(y)


def weights(X, kernel):
    """W of a graph, from its definition, one pair at a time."""
    d = np.array([[((a - b) ** 2).sum() for b in X] for a in X])
    np.fill_diagonal(d, np.inf)
    if kernel == "rbf":
        return np.exp(-20 * d)
    near = np.zeros_like(d)
    for i, row in enumerate(d):
        near[i, np.argsort(row, kind="stable")[:7]] = 1
    return np.maximum(near, near.T)


# -- the answers -------------------------------------------------------------


def test_a_chain_between_two_labels_is_a_straight_line():
    X, y = chain([0, -1, -1, -1, 1])
    model = LabelPropagation(given(CHAIN)).fit(X, y)
    line = np.array([1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(
        model.label_distributions_, np.stack([line, 1 - line], 1), atol=1e-12
    )
    # 4 edges, each a step of 1/4 in 2 columns: 1/2 * 4 * 2 / 16
    assert model.history_[-1] == pytest.approx(0.25)
    assert model.history_[0] == pytest.approx(1.0)  # one label, one edge each


def test_spreading_on_two_points_is_the_inverse_of_a_matrix():
    """(1 - a) [[1, -a], [-a, 1]]^-1 [1, 0] is [1, a] / (1 + a)."""
    W = np.array([[0.0, 3.0, 0], [3.0, 0, 0], [0, 0, 0]])
    model = LabelSpreading(given(W), alpha=0.3)
    X, y = np.zeros((3, 1)), np.array([5, -1, 8])
    model.fit(X, y)
    np.testing.assert_allclose(model.label_distributions_[1], [1, 0])
    F = np.array([[1, 0], [0.3, 0]]) / 1.3
    smooth = ((F[0] - F[1]) ** 2).sum()  # S = 1, each degree 3
    loyal = ((F - [[1, 0], [0, 0]]) ** 2).sum() + (0.7 - 1) ** 2
    energy = 0.3 * (smooth / 2 + 0.7**2 / 2) + 0.7 / 2 * loyal
    assert model.history_[-1] == pytest.approx(energy)


@kernels
def test_the_graph_is_the_one_of_the_definition(kernel):
    X = moons(0, N=60)[0]
    x = torch.from_numpy(X)
    W = weights(X, kernel)
    ours = rbf(x, 20.0) if kernel == "rbf" else knn(x, 7)
    np.testing.assert_allclose(ours.exp(), W, rtol=1e-10, atol=0)
    deg = W.sum(1)
    np.testing.assert_allclose(random_walk(ours), W / deg[:, None], rtol=1e-10)
    S = W / np.sqrt(np.outer(deg, deg))
    np.testing.assert_allclose(symmetric(ours), S, rtol=1e-10)


def test_distances_keep_their_digits_far_from_the_origin():
    a, b = torch.randn(2, 20, 3, dtype=torch.float64)
    far = squared_distances(a + 1e6, b + 1e6)
    direct = (a[:, None] - b).square().sum(-1)
    torch.testing.assert_close(far, direct, rtol=1e-7, atol=1e-8)
    assert (squared_distances(a, a) >= 0).all()


@kernels
@both
def test_the_solution_is_where_the_energy_is_flat(model, kernel):
    """Numerical slopes of the energy vanish in every free direction."""
    X, _, y = moons(1, N=40)
    model = clone(model).set_params(kernel=kernel).fit(X, y)
    W, Y = weights(X, kernel), (y[:, None] == [0, 1]).astype(float)
    F = solution(model, W, Y, y)
    rng, h = np.random.RandomState(0), 1e-4
    for _ in range(5):
        v = rng.randn(*F.shape)
        if isinstance(model, LabelPropagation):
            v[y >= 0] = 0  # known labels are held
        up, down = (energy(model, F + s * v, W, Y) for s in (h, -h))
        at = energy(model, F, W, Y)
        assert abs(up - down) / (2 * h) < 1e-8
        assert up > at < down
    assert model.history_[-1] == pytest.approx(energy(model, F, W, Y))


def solution(model, W, Y, y):
    """F before its rows are divided, by another road."""
    deg = W.sum(1)
    if isinstance(model, LabelPropagation):
        F, u = Y.copy(), y < 0
        L = np.diag(deg) - W
        F[u] = -np.linalg.solve(L[np.ix_(u, u)], L[np.ix_(u, ~u)] @ Y[~u])
        np.testing.assert_allclose(F, model.label_distributions_, atol=1e-9)
        return F
    S = W / np.sqrt(np.outer(deg, deg))
    a = model.alpha
    F = (1 - a) * np.linalg.inv(np.eye(len(W)) - a * S) @ Y
    shares = F / F.sum(1, keepdims=True)
    np.testing.assert_allclose(shares, model.label_distributions_, rtol=1e-6)
    return F


def energy(model, F, W, Y):
    """The energy, summed over pairs."""
    if isinstance(model, LabelPropagation):
        steps = ((F[:, None] - F) ** 2).sum(-1)
        return (W * steps).sum() / 4
    G = F / np.sqrt(W.sum(1))[:, None]
    steps = ((G[:, None] - G) ** 2).sum(-1)
    a = model.alpha
    return a * (W * steps).sum() / 4 + (1 - a) * ((F - Y) ** 2).sum() / 2


@kernels
@both
def test_iterations_end_at_the_closed_form_and_the_energy_falls(model, kernel):
    X, _, y = moons(0, N=80)
    direct = clone(model).set_params(kernel=kernel).fit(X, y)
    steps = clone(direct).set_params(
        solver="iteration", tol=1e-13, max_iter=100_000
    )
    steps.fit(X, y)
    np.testing.assert_allclose(
        steps.label_distributions_, direct.label_distributions_, atol=1e-8
    )
    assert steps.converged_
    assert steps.n_iter_ == len(steps.history_) - 1 > 5
    assert (np.diff(steps.history_) < 1e-12).all()
    assert steps.history_[0] == pytest.approx(direct.history_[0])
    assert steps.history_[-1] == pytest.approx(direct.history_[-1])


def test_scores_far_from_every_label_keep_their_digits():
    """The last of 40 points in a row has a score near 1e-29 of the first."""
    W = np.diag(np.ones(39), 1) + np.diag(np.ones(39), -1)
    y = np.full(40, -1)
    y[:2] = 0, 1
    models = [
        LabelSpreading(given(W), solver=solver, tol=0, max_iter=200)
        for solver in ("direct", "iteration")
    ]
    models[0].fit(np.arange(40.0)[:, None], y)
    with pytest.warns(ConvergenceWarning, match="increase max_iter"):
        models[1].fit(np.arange(40.0)[:, None], y)
    F, G = (m.label_distributions_ for m in models)
    np.testing.assert_allclose(F, G, rtol=1e-10)
    # beyond the labels only one path is left: the shares stay the same
    np.testing.assert_allclose(F[2:], F[2:3].repeat(38, 0), rtol=1e-10)


def test_points_that_no_label_has_reached_yet_have_equal_shares():
    X, y = chain([0, -1, -1, -1, -1])
    y[1] = 1
    for model in (LabelPropagation, LabelSpreading):
        with pytest.warns(ConvergenceWarning, match="increase max_iter"):
            two = model(given(CHAIN), solver="iteration", max_iter=2).fit(X, y)
        assert two.label_distributions_[3, 1] > 0.5
        assert np.array_equal(two.label_distributions_[4], [0.5, 0.5])
        assert not two.converged_


# -- scikit-learn ------------------------------------------------------------


@pytest.mark.parametrize("gamma", [20, 5])
def test_propagation_is_that_of_scikit_learn(gamma):
    X, _, y = moons(0)
    ours = LabelPropagation(gamma=gamma).fit(X, y)
    theirs = sk.LabelPropagation(gamma=gamma, tol=1e-9, max_iter=20_000)
    theirs.fit(X, y)
    np.testing.assert_allclose(
        ours.label_distributions_, theirs.label_distributions_, atol=8e-6
    )
    new = moons(1)[0]
    np.testing.assert_allclose(
        ours.predict_proba(new), theirs.predict_proba(new), atol=8e-6
    )
    assert (ours.transduction_ == theirs.transduction_).all()
    assert (ours.predict(new) == theirs.predict(new)).all()


@pytest.mark.parametrize("alpha", [0.2, 0.9])
def test_spreading_is_that_of_scikit_learn_step_by_step(alpha):
    X, _, y = moons(0)
    for steps in (1, 2, 7, 30):
        options = {"alpha": alpha, "max_iter": steps, "tol": 0}
        with pytest.warns(ConvergenceWarning):
            theirs = sk.LabelSpreading(**options).fit(X, y)
        with pytest.warns(ConvergenceWarning):
            ours = LabelSpreading(solver="iteration", **options).fit(X, y)
        F, G = ours.label_distributions_, theirs.label_distributions_
        met = G.sum(1) > 0
        np.testing.assert_allclose(F[met], G[met], rtol=1e-9)
        assert (F[~met] == 0.5).all()  # no label has arrived yet
    theirs = sk.LabelSpreading(alpha=alpha, tol=1e-12, max_iter=2000).fit(X, y)
    ours = LabelSpreading(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(
        ours.label_distributions_, theirs.label_distributions_, atol=8e-6
    )
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=8e-6
    )


@both
def test_neighbours_are_those_of_scikit_learn_on_the_same_graph(model):
    X, y = load_iris().data, hide(load_iris().target, 3, 0)
    ours = clone(model).set_params(kernel="knn").fit(X, y)
    W = knn(torch.from_numpy(X), 7).exp().numpy()
    options = {"tol": 1e-11, "max_iter": 100_000}
    if isinstance(model, LabelSpreading):
        options["alpha"] = model.alpha
    theirs = getattr(sk, type(model).__name__)(given(W), **options).fit(X, y)
    np.testing.assert_allclose(
        ours.label_distributions_, theirs.label_distributions_, atol=1e-6
    )
    X, _, y = moons(0)
    ours.fit(X, y)
    # a new point: the mean of its neighbours, in either library
    theirs = getattr(sk, type(model).__name__)("knn")
    theirs.nn_fit, theirs.X_, theirs.n_features_in_ = None, X, 2
    theirs._get_kernel(X)
    theirs.classes_ = ours.classes_
    theirs.label_distributions_ = ours.label_distributions_
    new = X + np.random.RandomState(0).randn(*X.shape) / 10
    np.testing.assert_allclose(
        ours.predict_proba(new), theirs.predict_proba(new), atol=1e-12
    )


# -- what the methods promise -------------------------------------------------


def test_moons_with_six_labels_beat_the_labels_alone():
    right = []
    for seed in range(5):
        X, classes, y = moons(seed)
        u = y < 0
        models = (
            LabelPropagation(gamma=100),
            LabelSpreading(gamma=100, alpha=0.99),
        )
        found = [m.fit(X, y).transduction_ for m in models]
        found.append(SVC().fit(X[~u], y[~u]).predict(X))
        right.append([(f == classes)[u].mean() for f in found])
    right = np.array(right)
    assert (right[:, :2] >= 0.95).all()
    assert (right[:, :2] > right[:, 2:] + 0.05).all()


@kernels
def test_known_labels_are_clamped_by_propagation_alone(kernel):
    X, classes, y = moons(2, labels=40)
    wrong = np.where(y >= 0, X[:, 0], np.inf).argmin()  # not between the moons
    y[wrong] = 1 - classes[wrong]
    hard = LabelPropagation(kernel).fit(X, y)
    Y = y[y >= 0, None] == [0, 1]
    assert np.array_equal(hard.label_distributions_[y >= 0], Y)
    assert hard.transduction_[wrong] == y[wrong]
    soft = LabelSpreading(kernel, alpha=0.99).fit(X, y)
    assert soft.transduction_[wrong] == classes[wrong]


@both
def test_results_are_deterministic_distributions(model):
    X, _, y = moons(3)
    first, again = (clone(model).fit(X, y) for _ in range(2))
    F = first.label_distributions_
    assert np.array_equal(F, again.label_distributions_)
    assert np.array_equal(first.transduction_, again.transduction_)
    for p in (F, first.predict_proba(X[:50] + 0.1)):
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    order = np.random.RandomState(0).permutation(len(X))
    moved = clone(model).fit(X[order], y[order])
    np.testing.assert_allclose(moved.label_distributions_, F[order], atol=1e-9)


def test_classes_may_be_any_words_or_numbers():
    X, _, y = moons(0, N=60)
    plain = LabelPropagation().fit(X, y)
    words = np.where(y < 0, -1, np.array(["left", "right"], object)[y])
    model = LabelPropagation().fit(X, words)
    assert list(model.classes_) == ["left", "right"]
    assert np.array_equal(model.transduction_ == "right", plain.transduction_)
    assert model.score(X, np.array(["left", "right"])[plain.predict(X)]) == 1
    with pytest.raises(ValueError, match="must be numbers"):
        LabelPropagation().fit(torch.from_numpy(X), words)


def test_a_new_point_is_the_weighted_mean_of_the_old():
    X, _, y = moons(0, N=60)
    model = LabelSpreading().fit(X, y)
    new = np.array([[0.3, 0.2], [1000.0, 0.0]])
    w = np.exp(-20 * ((new[0] - X) ** 2).sum(1))
    expected = w @ model.label_distributions_ / w.sum()
    p = model.predict_proba(new)
    np.testing.assert_allclose(p[0], expected)
    # where every weight underflows, the nearest point is the mean's limit
    nearest = ((new[1] - X) ** 2).sum(1).argmin()
    np.testing.assert_allclose(p[1], model.label_distributions_[nearest])
    near = LabelPropagation("knn", n_neighbors=1).set_params(n_neighbors=3)
    near.fit(X, y)
    three = ((new[0] - X) ** 2).sum(1).argsort()[:3]
    np.testing.assert_allclose(
        near.predict_proba(new)[0], near.label_distributions_[three].mean(0)
    )


def test_a_given_kernel_sees_the_new_points():
    X, _, y = moons(0, N=60)

    def bell(a, b):
        return np.exp(-20 * ((a[:, None] - b) ** 2).sum(-1))

    ours, theirs = (
        LabelPropagation(k).fit(X, y).predict_proba(X + 0.1)
        for k in (bell, "rbf")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    lone = LabelPropagation(given(CHAIN)).fit(*chain([0, -1, -1, -1, 1]))
    lone.kernel = lambda a, b: np.zeros((len(a), len(b)))
    assert np.array_equal(lone.predict_proba([[9.0]]), [[0.5, 0.5]])


# -- what is refused ---------------------------------------------------------


@pytest.mark.parametrize("solver", ["direct", "iteration"])
@both
def test_a_piece_without_a_label_is_refused(model, solver):
    model = clone(model).set_params(solver=solver)
    W = np.kron(np.eye(2), 1 - np.eye(3))  # two triangles
    X, y = np.arange(6.0)[:, None], np.array([0, 1, -1, -1, -1, -1])
    lost = "3 of 6 points have no path .* row 3"
    with pytest.raises(ValueError, match=lost + ".*let the kernel join"):
        clone(model).set_params(kernel=given(W)).fit(X, y)
    X = np.array([0, 0.1, 0.2, 90, 90.1, 90.2])[:, None]
    with pytest.raises(ValueError, match=lost + r".*decrease gamma \(it is 20"):
        clone(model).fit(X, y)
    with pytest.raises(ValueError, match=lost + r".*increase n_neighbors \(it"):
        clone(model).set_params(kernel="knn", n_neighbors=2).fit(X, y)
    y[4] = 1
    F = clone(model).set_params(kernel=given(W)).fit(X, y).transduction_
    assert list(F[3:]) == [1, 1, 1]


def test_paths_are_followed_to_their_end():
    P = torch.from_numpy(CHAIN)
    known = torch.tensor([True, False, False, False, False])
    assert reached(P, known).all()
    P[2, 1] = P[1, 2] = 0
    assert reached(P, known).tolist() == [True, True, False, False, False]


def test_a_weak_link_is_followed_exactly():
    """A leak of 1e-30, split 3 to 1 between two labels, decides."""
    W = np.zeros((72, 72))
    W[:70, :70] = 1 - np.eye(70)  # more points than one block
    W[0, 70], W[1, 71] = 3e-30, 1e-30
    W = W + W.T
    X, y = np.arange(72.0)[:, None], np.r_[np.full(70, -1), 0, 1]
    F = LabelPropagation(given(W)).fit(X, y).label_distributions_
    np.testing.assert_allclose(F[:70], np.tile([0.75, 0.25], (70, 1)), 1e-12)
    W[0, 70] = W[70, 0] = 1e-320  # below the smallest normal number
    W[1, 71] = W[71, 1] = 0
    with pytest.raises(ValueError, match="too weak for the numbers"):
        LabelPropagation(given(W)).fit(X, y)


def test_a_score_that_is_rounded_to_zero_is_refused():
    """Three pairs with links of 1e-200: the last score would be 1e-400."""
    W = np.kron(np.eye(3), [[0.0, 1.0], [1.0, 0.0]])
    W[1, 2] = W[2, 1] = W[3, 4] = W[4, 3] = 1e-200
    X, y = np.arange(6.0)[:, None], np.array([0, 1, -1, -1, -1, -1])
    with pytest.raises(ValueError, match="too weak for the numbers"):
        LabelSpreading(given(W)).fit(X, y)
    F = LabelPropagation(given(W)).fit(X, y).label_distributions_
    np.testing.assert_allclose(F[2:], np.tile([0, 1], (4, 1)), atol=1e-100)


@pytest.mark.parametrize("U", [1, 63, 64, 65, 200])
def test_walks_end_as_the_linear_system_says(U):
    T = torch.rand(U, U + 3, dtype=torch.float64)
    T = T / T.sum(dim=1, keepdim=True)
    P, R = T[:, :U].clone(), T[:, U:].clone()
    truth = torch.linalg.solve(torch.eye(U).to(P) - P, R)
    torch.testing.assert_close(absorb(T), truth)


def test_an_unlabelled_outlier_pair_keeps_its_own_answer():
    """Two far points: e^-20*9 of a link, and still the nearer class."""
    X = np.array([[0.0], [1.0], [4.0], [4.1]])
    model = LabelPropagation().fit(X, [0, 1, -1, -1])
    np.testing.assert_allclose(model.label_distributions_[2:, 1], 1)
    assert (model.transduction_[2:] == 1).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda y: None, "target y is None"),
        (lambda y: y[:-1], "inconsistent numbers"),
        (lambda y: y * 0 - 1, "every entry of y is -1"),
        (lambda y: y + 0.5, "Unknown label type: continuous.* -1 where"),
        (lambda y: np.where(y < 0, np.nan, y), "NaN.*by -1"),
        (lambda y: np.where(y < 0, np.inf, y), "infinity"),
    ],
)
@both
def test_labels_that_are_none_are_refused(model, change, complaint):
    X, _, y = moons(0, N=60)
    with pytest.raises(ValueError, match=complaint):
        clone(model).fit(X, change(y))
    if change(y) is not None:
        with pytest.raises(ValueError, match=complaint):
            clone(model).fit(torch.tensor(X), torch.as_tensor(change(y)))


@both
def test_no_unlabelled_point_is_allowed_but_said(model):
    X, classes, _ = moons(0, N=60)
    with pytest.warns(UserWarning, match="no unlabelled point"):
        found = clone(model).fit(X, classes)
    assert found.score(X, classes) > 0.95


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kernel": "cosine"}, "kernel must be one of rbf, knn"),
        ({"solver": "magic"}, "solver must be one of direct, iteration"),
        ({"gamma": -1}, "gamma must be a finite number"),
        ({"gamma": np.inf}, "gamma must be a finite number"),
        ({"tol": "0"}, "tol must be a finite number"),
        ({"n_neighbors": 0}, "n_neighbors must be a whole number"),
        ({"n_neighbors": 1.5}, "n_neighbors must be a whole number"),
        ({"max_iter": 0}, "max_iter must be a whole number of at least 1"),
        ({"alpha": 0}, "alpha must lie between 0 and 1"),
        ({"alpha": 1}, "alpha must lie between 0 and 1"),
        ({"kernel": "knn", "n_neighbors": 60}, "below the number of points"),
        ({"kernel": given(np.ones((2, 2)))}, "one weight for every pair"),
        ({"kernel": given(-np.ones((60, 60)))}, "negative or not finite"),
        ({"kernel": given(np.full((60, 60), np.nan))}, "not finite"),
        ({"kernel": given(np.tri(60))}, "not symmetric"),
    ],
)
def test_wrong_options_are_refused(options, complaint):
    X, _, y = moons(0, N=60)
    with pytest.raises(ValueError, match=complaint):
        LabelSpreading(**options).fit(X, y)


# -- the border ----------------------------------------------------------------


@kernels
@both
def test_the_border_keeps_the_kind_of_array(model, kernel):
    check_border(clone(model).set_params(kernel=kernel), torch.tensor)


@pytest.mark.gpu
@kernels
@both
def test_the_methods_follow_their_input(model, kernel):
    model = clone(model).set_params(kernel=kernel)
    check_border(model, lambda a: torch.tensor(a).cuda())


def check_border(model, send):
    """Tensors give the same tensors, on their device; nothing is changed."""
    X, classes, y = moons(0, N=100)
    x, before, labels = send(X), X.copy(), send(y)
    here, there = clone(model).fit(X, y), clone(model).fit(x, labels)
    assert np.array_equal(X, before)
    assert np.array_equal(x.cpu(), before)
    assert np.array_equal(labels.cpu(), y)
    results = ("label_distributions_", "transduction_", "classes_", "history_")
    for name in results:
        ours, theirs = getattr(here, name), getattr(there, name)
        assert isinstance(ours, np.ndarray)
        assert theirs.device == x.device
        np.testing.assert_allclose(theirs.cpu(), ours, atol=1e-9)
    assert there.predict_proba(x).dtype == torch.float64
    assert there.predict(x).device == x.device
    assert there.score(x, send(classes)) == here.score(X, classes) > 0.7
    # every row as if alone; a model of one kind reads rows of the other
    alone = np.concatenate([there.predict_proba(X[i : i + 1]) for i in (3, 5)])
    np.testing.assert_allclose(alone, here.predict_proba(X)[[3, 5]], atol=1e-9)
    assert np.array_equal(there.predict(X), here.predict(X))
    kept = here.predict_proba(before)
    X += 1  # the model has a copy
    assert np.array_equal(here.predict_proba(before), kept)
    X -= 1
    assert here.predict(x).device == x.device


@pytest.mark.parametrize("name", benchmark.pairs())
def test_a_small_comparison_has_equal_answers(name):
    results = benchmark.speed(name, N=150, repeats=1)
    assert results["difference"] <= 8e-6
    assert results["course"]["wall_ratio"]["median"] > 0


def test_a_comparison_of_different_answers_is_refused(monkeypatch):
    unlike = LabelSpreading(), sk.LabelSpreading(gamma=3)
    monkeypatch.setattr(benchmark, "pairs", lambda: {"spreading": unlike})
    with pytest.raises(ValueError, match="the answers differ"):
        benchmark.speed("spreading", N=150, repeats=1)
