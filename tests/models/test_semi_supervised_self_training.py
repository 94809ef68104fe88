"""Self-training against scikit-learn, and against its own mistakes."""

import numpy as np
import pytest
import torch
from sklearn import semi_supervised as sk
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_moons
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.semi_supervised import SelfTrainingClassifier


@pytest.mark.filterwarnings("ignore:no entry of y is -1")
@parametrize_with_checks([SelfTrainingClassifier(GaussianNB())])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def partly(classes, each, seed):
    """The classes with -1 for all but so many of each."""
    rng, y = np.random.RandomState(seed), np.full(len(classes), -1)
    for k in np.unique(classes):
        kept = rng.choice(np.flatnonzero(classes == k), each, replace=False)
        y[kept] = k
    return y


@pytest.fixture(scope="module")
def digits():
    X, classes = load_digits(return_X_y=True)
    return X / 16, classes


class Nearest(ClassifierMixin, BaseEstimator):
    """Probabilities by the distance to the class means; takes tensors."""

    def fit(self, X, y):
        """Remember the means."""
        self.classes_ = np.unique(np.asarray(torch.as_tensor(y).cpu()))
        x, y = torch.as_tensor(X), torch.as_tensor(y).to(X.device)
        self.means = torch.stack([x[y == k].mean(0) for k in self.classes_])
        return self

    def predict_proba(self, X):
        """A softmax of minus the squared distances."""
        return (-4 * torch.cdist(X, self.means).square()).softmax(1)

    def predict(self, X):
        """The nearest."""
        k = self.predict_proba(X).argmax(1)
        return torch.as_tensor(self.classes_).to(X.device)[k]


@pytest.mark.parametrize("threshold", [0.0, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("max_iter", [1, 3, 20])
def test_every_round_is_that_of_scikit_learn(digits, threshold, max_iter):
    X, classes = digits[0][:400], digits[1][:400]
    y = partly(classes, 2, 0)
    options = {"threshold": threshold, "max_iter": max_iter}
    base = GaussianNB(var_smoothing=0.1)
    ours = SelfTrainingClassifier(base, **options).fit(X, y)
    theirs = sk.SelfTrainingClassifier(base, **options).fit(X, y)
    for name in ("transduction_", "labeled_iter_", "classes_"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X))
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, classes) == theirs.score(X, classes)
    counts = np.bincount(ours.labeled_iter_[ours.labeled_iter_ >= 0])
    assert np.array_equal(ours.history_, counts.cumsum())
    assert ours.n_iter_ == len(ours.history_)


def test_pseudo_labels_are_sure_and_never_taken_back(digits):
    X, classes = digits[0][:400], digits[1][:400]
    y = partly(classes, 2, 1)
    base = GaussianNB(var_smoothing=0.1)
    model = SelfTrainingClassifier(base, threshold=0.99).fit(X, y)
    t, found = model.labeled_iter_, model.transduction_
    assert np.array_equal(found[y >= 0], y[y >= 0])
    assert np.array_equal(t == 0, y >= 0)
    assert np.array_equal(t == -1, found == -1)
    for r in range(1, t.max() + 1):
        seen = (t >= 0) & (t < r)
        fit = GaussianNB(var_smoothing=0.1).fit(X[seen], found[seen])
        p = fit.predict_proba(X)
        assert (p[t == r].max(1) > 0.99).all()
        assert np.array_equal(p.argmax(1)[t == r], found[t == r])


def test_naive_bayes_gains_on_digits_by_real_labels(digits):
    X, classes = digits
    gains = []
    for seed in range(3):
        y = partly(classes, 5, seed)
        u, base = y < 0, GaussianNB(var_smoothing=0.1)
        alone = base.fit(X[~u], y[~u]).score(X[u], classes[u])
        model = SelfTrainingClassifier(base, threshold=0.95, max_iter=20)
        gains.append(model.fit(X, y).score(X[u], classes[u]) - alone)
    assert min(gains) > 0.02


def test_it_confirms_its_own_mistakes():
    """Wrong pseudo-labels, held with more confidence than at the start."""
    for seed in range(3):
        X, classes = make_moons(300, noise=0.1, random_state=seed)
        y = partly(classes, 3, seed)
        u, base = y < 0, LogisticRegression(C=100)
        before = base.fit(X[~u], y[~u])
        alone, p = before.score(X[u], classes[u]), before.predict_proba(X)
        model = SelfTrainingClassifier(base, max_iter=50).fit(X, y)
        wrong = (model.labeled_iter_ > 0) & (model.transduction_ != classes)
        assert wrong.sum() > 25
        confidence = model.predict_proba(X)[wrong].max(1).mean()
        assert confidence > p[wrong].max(1).mean()
        assert confidence > 0.9
        assert model.score(X[u], classes[u]) < alone + 0.03


def test_without_confidence_nothing_is_labelled(digits):
    X, y = digits[0][:100], partly(digits[1][:100], 2, 0)
    base = LogisticRegression(C=1e-3)
    model = SelfTrainingClassifier(base, threshold=0.99).fit(X, y)
    assert list(model.history_) == [20]
    assert np.array_equal(model.transduction_, y)
    assert np.array_equal(
        model.predict(X), base.fit(X[y >= 0], y[y >= 0]).predict(X)
    )


def test_a_probability_at_the_threshold_is_not_above_it(digits):
    X, y = digits[0][:200], partly(digits[1][:200], 4, 0)
    base = KNeighborsClassifier(4)  # probabilities 0, 1/4, ..., 1
    ours, theirs = (
        kind(base, threshold=0.75, max_iter=1).fit(X, y)
        for kind in (SelfTrainingClassifier, sk.SelfTrainingClassifier)
    )
    p = base.fit(X[y >= 0], y[y >= 0]).predict_proba(X[y < 0]).max(axis=1)
    assert (p == 0.75).any()
    assert ours.history_[-1] - ours.history_[0] == (p == 1).sum()
    assert np.array_equal(ours.transduction_, theirs.transduction_)


def test_words_as_classes(digits):
    X, y = digits[0][:100], partly(digits[1][:100], 2, 0)
    names = np.array([f"digit {k}" for k in range(10)], object)
    words = np.where(y < 0, -1, names[y])
    base = GaussianNB(var_smoothing=0.1)
    model = SelfTrainingClassifier(base, threshold=0.9999999).fit(X, words)
    plain = SelfTrainingClassifier(base, threshold=0.9999999).fit(X, y)
    assert (plain.transduction_ == -1).any()
    for ours, number in zip(
        model.transduction_, plain.transduction_, strict=True
    ):
        assert ours == (-1 if number == -1 else names[number])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"threshold": 1.0}, "threshold must be at least 0 and below 1"),
        ({"threshold": -0.1}, "threshold must be"),
        ({"max_iter": 0}, "max_iter must be a whole number"),
        ({"estimator": RidgeClassifier()}, "needs an estimator with predict_p"),
    ],
)
def test_wrong_options_are_refused(options, complaint, digits):
    model = SelfTrainingClassifier(GaussianNB()).set_params(**options)
    y = partly(digits[1][:100], 2, 0)
    with pytest.raises(ValueError, match=complaint):
        model.fit(digits[0][:100], y)


def test_labels_are_checked_and_a_full_set_is_said(digits):
    X, classes = digits[0][:50], digits[1][:50]
    model = SelfTrainingClassifier(GaussianNB(var_smoothing=0.1))
    with pytest.raises(ValueError, match="every entry of y is -1"):
        model.fit(X, np.full(50, -1))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, classes + 0.5)
    with pytest.warns(UserWarning, match="no unlabelled point"):
        assert model.fit(X, classes).n_iter_ == 1


def check_border(digits, send):
    X, classes = digits[0][:200], digits[1][:200]
    y = partly(classes, 2, 0)
    x, labels = send(X), send(y)
    model = SelfTrainingClassifier(Nearest(), threshold=0.9).fit(x, labels)
    assert len(model.history_) > 2
    assert (model.labeled_iter_ == -1).any()
    for value in (
        model.transduction_,
        model.labeled_iter_,
        model.history_,
        model.predict(x),
        model.predict_proba(x),
        model.classes_,
    ):
        assert value.device == x.device
    assert np.array_equal(x.cpu(), X)
    assert np.array_equal(labels.cpu(), y)
    assert torch.equal(model.transduction_[labels >= 0], labels[labels >= 0])
    assert model.score(x, send(classes)) > 0.6


def test_tensors_reach_an_estimator_that_takes_them(digits):
    check_border(digits, torch.tensor)


@pytest.mark.gpu
def test_it_follows_its_input(digits):
    check_border(digits, lambda a: torch.tensor(a).cuda())
