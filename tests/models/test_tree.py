"""Decision trees against scikit-learn and against trying every cut."""

import numpy as np
import pytest
import torch
from sklearn import tree
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.tree import DecisionTreeClassifier
from course.models.tree.splits import Level, best_splits, entropy, gini

CRITERIA = {"gini": gini, "entropy": entropy}
criteria = pytest.mark.parametrize("criterion", CRITERIA)


@parametrize_with_checks([DecisionTreeClassifier()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def table(seed, n=300):
    """Three classes; float32 numbers, since scikit-learn's trees see those."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 5).astype(np.float32).astype(float)
    score = X[:, 0] * X[:, 1] + X[:, 2] / 2 + 0.3 * rng.randn(n)
    y = (score > 0).astype(int) + (X[:, 3] > 1)
    return X, np.where(rng.rand(n) < 0.2, rng.randint(3, size=n), y)


def costs(x, y, measure):
    """Feature, threshold and impurity of every cut, one after the other."""
    found = []
    for d in range(x.shape[1]):
        values = np.unique(x[:, d])
        for t in (values[:-1] + values[1:]) / 2:
            sides = y[x[:, d] <= t], y[x[:, d] > t]
            found.append((sum(map(measure, sides)), d, t, len(sides[0])))
    return sorted(found)


def by_hand(name):
    """N times the impurity of labels, from the shares of their classes."""

    def measure(y):
        p = np.bincount(y) / len(y)
        p = p[p > 0]
        shape = 1 - p @ p if name == "gini" else -p @ np.log(p)
        return len(y) * shape

    return measure


@criteria
@pytest.mark.parametrize("leaf", [1, 20])
def test_the_best_cut_is_the_best_of_all(criterion, leaf):
    for seed in range(3):
        X, y = table(seed, n=60)
        node = np.arange(60) % 2  # two nodes whose rows are mixed
        hot = torch.eye(3, dtype=torch.float64)[y]
        counts = torch.stack([hot[node == m].sum(0) for m in (0, 1)])
        level = Level(torch.tensor(X), hot, torch.tensor(node), counts)
        got = best_splits(level, impurity=CRITERIA[criterion], leaf=leaf // 2)
        for m in (0, 1):
            mine = node == m
            cuts = costs(X[mine], y[mine], by_hand(criterion))
            cost, d, t, _ = next(
                c for c in cuts if leaf // 2 <= c[3] <= 30 - leaf // 2
            )
            assert got.cost[m].item() == pytest.approx(cost)
            assert got.feature[m].item() == d
            assert got.threshold[m].item() == pytest.approx(t)


def least_lead(model, X, y, measure):
    """By how much the best cut of a node leads; 0 where two are equal."""
    leads, members = [], {0: np.arange(len(X))}
    for m in np.flatnonzero(model.feature_ >= 0):  # parents come first
        x, least = X[members[m]], model.min_samples_leaf
        cuts = costs(x, y[members[m]], measure)
        cuts = [c for c in cuts if least <= c[3] <= len(x) - least]
        leads.append(cuts[1][0] - cuts[0][0])
        right = x[:, model.feature_[m]] > model.threshold_[m]
        for child, side in zip(
            model.children_[m], (~right, right), strict=True
        ):
            members[child] = members[m][side]
    return min(leads)


@criteria
@pytest.mark.parametrize(
    "options",
    [
        {"max_depth": 1},
        {"max_depth": 3},
        {"max_depth": 5, "min_samples_leaf": 10},
        {"min_samples_split": 60, "min_samples_leaf": 4},
    ],
    ids=str,
)
def test_the_tree_is_that_of_scikit_learn(criterion, options):
    """Where no two cuts are equal: there scikit-learn would draw one."""
    compared = 0
    for seed in range(20):
        X, y = table(seed, n=200)
        new = table(seed + 100)[0]
        ours = DecisionTreeClassifier(criterion=criterion, **options).fit(X, y)
        if least_lead(ours, X, y, by_hand(criterion)) < 1e-9:
            continue
        theirs = tree.DecisionTreeClassifier(
            criterion=criterion, random_state=seed, **options
        ).fit(X, y)
        assert len(ours.feature_) == theirs.tree_.node_count
        np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
        np.testing.assert_allclose(
            ours.predict_proba(new), theirs.predict_proba(new), atol=1e-12
        )
        assert questions(ours.feature_, ours.threshold_) == pytest.approx(
            questions(theirs.tree_.feature, theirs.tree_.threshold)
        )
        compared += 1
        if compared == 3:
            return
    pytest.fail("fewer than three tables without ties")


def questions(feature, threshold):
    """The questions of the inner nodes, in an order of their own."""
    inner = feature >= 0
    asked = zip(feature[inner], threshold[inner], strict=True)
    return [number for pair in sorted(asked) for number in pair]


@criteria
def test_a_full_tree_repeats_its_training_labels(criterion):
    X, y = table(0)
    model = DecisionTreeClassifier(criterion=criterion).fit(X, y)
    assert model.score(X, y) == 1
    assert model.history_[-1] == pytest.approx(0, abs=1e-12)


@criteria
def test_the_history_is_the_impurity_of_the_leaves(criterion):
    X, y = table(1)
    deep = DecisionTreeClassifier(criterion=criterion, max_depth=5).fit(X, y)
    assert (np.diff(deep.history_) <= 1e-12).all()
    for depth in range(1, 6):
        model = DecisionTreeClassifier(criterion=criterion, max_depth=depth)
        leaf = model.fit(X, y).apply(X)
        parts = [by_hand(criterion)(y[leaf == m]) for m in np.unique(leaf)]
        assert sum(parts) / 300 == pytest.approx(deep.history_[depth])


def test_counts_add_up_and_rows_end_where_they_were_counted():
    X, y = table(2)
    model = DecisionTreeClassifier(max_depth=4).fit(X, y)
    inner = model.feature_ >= 0
    np.testing.assert_array_equal(
        model.counts_[inner],
        model.counts_[model.children_[inner]].sum(axis=1),
    )
    leaf = model.apply(X)
    assert not inner[leaf].any()
    for m in np.unique(leaf):
        np.testing.assert_array_equal(
            np.bincount(y[leaf == m], minlength=3), model.counts_[m]
        )


def test_no_single_cut_solves_xor_and_two_levels_do():
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = [0, 1, 1, 0]
    assert DecisionTreeClassifier(max_depth=1).fit(X, y).score(X, y) == 0.5
    assert DecisionTreeClassifier(max_depth=2).fit(X, y).score(X, y) == 1


def test_words_are_labels_and_equal_rows_share_a_leaf():
    X = np.array([[1.0], [1.0], [1.0], [2.0]])
    model = DecisionTreeClassifier().fit(X, ["b", "a", "b", "c"])
    assert model.predict(X).tolist() == ["b", "b", "b", "c"]
    np.testing.assert_allclose(model.predict_proba(X)[0], [1 / 3, 2 / 3, 0])


def test_neighbouring_numbers_are_told_apart():
    """The middle of two neighbours rounds to the upper one."""
    low = np.nextafter(1.0, 2.0)
    X = np.array([[low], [np.nextafter(low, 2.0)]])
    assert DecisionTreeClassifier().fit(X, [0, 1]).score(X, [0, 1]) == 1


def test_tensors_stay_tensors():
    X, y = table(3)
    here = DecisionTreeClassifier(max_depth=4).fit(X, y)
    x = torch.tensor(X)
    there = DecisionTreeClassifier(max_depth=4).fit(x, torch.tensor(y))
    for method in ("predict", "predict_proba", "apply"):
        value = getattr(there, method)(x)
        assert isinstance(value, torch.Tensor)
        np.testing.assert_array_equal(value.numpy(), getattr(here, method)(X))
    assert isinstance(there.threshold_, torch.Tensor)


@pytest.mark.gpu
@criteria
def test_on_a_gpu_the_tree_is_that_of_scikit_learn(criterion):
    X, y = table(0)
    x, options = torch.tensor(X).cuda(), {"criterion": criterion}
    ours = DecisionTreeClassifier(max_depth=4, **options)
    share = ours.fit(x, torch.tensor(y).cuda()).predict_proba(x)
    assert share.is_cuda
    assert ours.predict(x).is_cuda
    theirs = tree.DecisionTreeClassifier(max_depth=4, **options).fit(X, y)
    np.testing.assert_allclose(share.cpu().numpy(), theirs.predict_proba(X))


@pytest.mark.parametrize(
    "options",
    [
        {"criterion": "luck"},
        {"max_depth": 0},
        {"min_samples_leaf": 0},
        {"min_samples_split": 1},
        {"min_samples_leaf": 0.1},
    ],
    ids=str,
)
def test_options_that_cannot_be_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be"):
        DecisionTreeClassifier(**options).fit(*table(0))
