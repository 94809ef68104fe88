"""Naive Bayes against scikit-learn, enumeration and counting."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import multinomial, norm
from sklearn import naive_bayes as sk
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import digits
from course.models.naive_bayes import (
    BernoulliNaiveBayes,
    CategoricalNaiveBayes,
    GaussianNaiveBayes,
    MultinomialNaiveBayes,
)

PAIRS = {
    "gaussian": (GaussianNaiveBayes(), sk.GaussianNB()),
    "gaussian-wide": (
        GaussianNaiveBayes(var_smoothing=0.1),
        sk.GaussianNB(var_smoothing=0.1),
    ),
    "multinomial": (MultinomialNaiveBayes(), sk.MultinomialNB()),
    "multinomial-less": (
        MultinomialNaiveBayes(smoothing=0.3),
        sk.MultinomialNB(alpha=0.3),
    ),
    "bernoulli": (
        BernoulliNaiveBayes(smoothing=0.3, threshold=7),
        sk.BernoulliNB(alpha=0.3, binarize=7),
    ),
    "categorical": (
        CategoricalNaiveBayes(n_categories=17, smoothing=0.3),
        sk.CategoricalNB(min_categories=17, alpha=0.3),
    ),
}
KINDS = [
    GaussianNaiveBayes(),
    GaussianNaiveBayes(tied=True),
    MultinomialNaiveBayes(),
    BernoulliNaiveBayes(),
    CategoricalNaiveBayes(),
]


@parametrize_with_checks([k for k in KINDS if not getattr(k, "tied", False)])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture(scope="module")
def images():
    """Digits as 64 whole numbers from 0 to 16, in the order of the file."""
    found = {}
    for part in ("train", "test"):
        x, y = digits(part)
        found[part] = (x * 16).round().astype(int).reshape(-1, 64), y
    return found


@pytest.fixture
def small():
    """Two classes of three small counts, with unequal shares."""
    rng = np.random.RandomState(0)
    y = (rng.rand(60) < 0.3).astype(int)
    return np.minimum(rng.poisson(1 + y[:, None], size=(60, 3)), 4), y


@pytest.mark.parametrize("kind", PAIRS)
def test_the_joint_is_that_of_scikit_learn(images, kind):
    (x, y), (new, labels) = images["train"], images["test"]
    ours, theirs = PAIRS[kind]
    ours.fit(x, y)
    theirs.fit(x, y)
    joint = theirs.predict_joint_log_proba(new)
    np.testing.assert_allclose(ours.joint_log_prob(new), joint, rtol=1e-10)
    np.testing.assert_allclose(
        ours.score_samples(new), np.logaddexp.reduce(joint, axis=1), rtol=1e-10
    )
    np.testing.assert_allclose(
        ours.predict_proba(new), theirs.predict_proba(new), atol=1e-8
    )
    assert (ours.predict(new) == theirs.predict(new)).all()
    assert ours.score(new, labels) == theirs.score(new, labels)
    own = ours.joint_log_prob(x)[np.arange(len(x)), y].mean()
    assert ours.history_ == pytest.approx([own])


def test_the_density_of_digits_in_file_order(images):
    """The figure that every likelihood on digits is compared with."""
    (x, y), (new, _) = images["train"], images["test"]
    fit = CategoricalNaiveBayes(n_categories=17, smoothing=0.3).fit(x, y)
    assert -fit.score_samples(new).mean() == pytest.approx(99.55, abs=0.005)
    one = CategoricalNaiveBayes(n_categories=17, smoothing=0.5)
    one.fit(x, np.zeros(len(x), int))  # one class: independent pixels
    assert -one.score_samples(new).mean() == pytest.approx(106.37, abs=0.005)


@pytest.mark.parametrize("model", KINDS[:4:3] + KINDS[4:])
def test_probabilities_are_those_of_bayes_rule(small, model):
    x, y = small
    model.fit(x, y)
    joint = np.exp(model.joint_log_prob(x))
    np.testing.assert_allclose(
        model.predict_proba(x), joint / joint.sum(1, keepdims=True), rtol=1e-9
    )


def test_log_densities_are_sums_over_features(small):
    x, y = small
    fit = GaussianNaiveBayes(var_smoothing=0).fit(x, y)
    for k in (0, 1):
        own = x[y == k]
        np.testing.assert_allclose(fit.means_[k], own.mean(axis=0))
        np.testing.assert_allclose(fit.variances_[k], own.var(axis=0))
        log_p = norm(own.mean(axis=0), own.std(axis=0)).logpdf(x).sum(axis=1)
        np.testing.assert_allclose(
            fit.joint_log_prob(x)[:, k], log_p + np.log(np.mean(y == k))
        )
    assert fit.n_parameters_ == 1 + 2 * 2 * 3


def test_tied_variances_make_a_straight_border(small):
    x, y = small
    fit = GaussianNaiveBayes(tied=True, var_smoothing=0).fit(x, y)
    within = (x - fit.means_[y]) ** 2
    for row in fit.variances_:
        np.testing.assert_allclose(row, within.mean(axis=0))
    w = (fit.means_[1] - fit.means_[0]) / fit.variances_[0]
    b = np.log(fit.class_prior_[1] / fit.class_prior_[0])
    b -= w @ fit.means_.mean(axis=0)
    log_p = fit.predict_log_proba(x)
    np.testing.assert_allclose(log_p[:, 1] - log_p[:, 0], x @ w + b)
    assert fit.n_parameters_ == 1 + 2 * 3 + 3


@pytest.mark.parametrize("smoothing", [0, 0.7])
def test_probabilities_of_an_alphabet_sum_to_one(small, smoothing):
    x, y = small
    categorical = CategoricalNaiveBayes(n_categories=6, smoothing=smoothing)
    alphabet = np.array(list(itertools.product(range(6), repeat=3)))
    p = np.exp(categorical.fit(x, y).joint_log_prob(alphabet))
    np.testing.assert_allclose(p.sum(axis=0), categorical.class_prior_)
    assert categorical.n_parameters_ == 1 + 2 * 3 * 5
    bernoulli = BernoulliNaiveBayes(smoothing=smoothing, threshold=1).fit(x, y)
    binary = 2 * np.array(list(itertools.product((0, 1), repeat=3)))
    p = np.exp(bernoulli.joint_log_prob(binary))
    np.testing.assert_allclose(p.sum(axis=0), bernoulli.class_prior_)
    assert bernoulli.n_parameters_ == 1 + 2 * 3
    words = MultinomialNaiveBayes(smoothing=smoothing).fit(x, y)
    texts = alphabet[alphabet.sum(axis=1) == 4]
    orders = np.exp(multinomial.logpmf(texts, 4, [1 / 3] * 3)) * 3**4
    p = np.exp(words.joint_log_prob(texts)) * orders[:, None]
    np.testing.assert_allclose(p.sum(axis=0), words.class_prior_)
    assert words.n_parameters_ == 1 + 2 * 2


def test_smoothing_counts_each_value_once_more(small):
    x, y = small
    fit = CategoricalNaiveBayes(n_categories=6, smoothing=0.5).fit(x, y)
    seen = (x[y == 1] == 2).sum(axis=0)
    expected = (seen + 0.5) / ((y == 1).sum() + 3)
    np.testing.assert_allclose(fit.probs_[1, :, 2], expected)
    assert CategoricalNaiveBayes().fit(x, y).probs_.shape == (2, 3, 5)


def test_what_was_never_seen_is_impossible_without_smoothing():
    x, y = np.array([[1, 0], [2, 0], [0, 1], [0, 2]]), np.array([0, 0, 1, 1])
    for model in (
        MultinomialNaiveBayes(smoothing=0),
        BernoulliNaiveBayes(smoothing=0),
        CategoricalNaiveBayes(smoothing=0),
    ):
        joint = model.fit(x, y).joint_log_prob(np.array([[1, 0], [1, 1]]))
        assert joint[0, 1] == -np.inf < joint[0, 0]
        assert (joint[1] == -np.inf).all()
        proba = model.predict_proba(np.array([[1, 0], [1, 1]]))
        np.testing.assert_allclose(proba, [[1, 0], [0.5, 0.5]])
        assert model.score_samples(np.array([[1, 1]]))[0] == -np.inf
        kinder = model.set_params(smoothing=1.0).fit(x, y)
        assert np.isfinite(kinder.joint_log_prob(np.array([[1, 1]]))).all()


@pytest.mark.parametrize("model", KINDS)
def test_pairs_are_drawn_from_the_joint(small, model):
    x, y = small
    model.fit(x, y)
    x_new, y_new = model.sample(40_000, random_state=0)
    share = np.bincount(y_new) / 40_000
    np.testing.assert_allclose(share, model.class_prior_, atol=0.01)
    # features are independent in a class, and have its means
    again = type(model)(**model.get_params()).fit(x_new, y_new)
    for name in ("means_", "variances_", "probs_"):
        if hasattr(model, name):
            learned = getattr(again, name)
            learned = learned[..., : getattr(model, name).shape[-1]]
            np.testing.assert_allclose(learned, getattr(model, name), atol=0.1)
    if not isinstance(model, MultinomialNaiveBayes):
        rest = np.corrcoef(x_new[y_new == 1].T) - np.eye(3)
        assert np.abs(rest).max() < 0.04
    assert (np.diff(y_new) != 0).mean() > 0.3  # in no order


def test_frequencies_of_categories_are_their_probabilities(small):
    model = CategoricalNaiveBayes(n_categories=6).fit(*small)
    x, y = model.sample(60_000, random_state=1)
    seen = np.stack([(x[y == 1] == c).mean(axis=0) for c in range(6)], axis=1)
    np.testing.assert_allclose(seen, model.probs_[1], atol=0.015)


def test_texts_have_the_lengths_of_the_training_texts(small):
    x, y = small
    model = MultinomialNaiveBayes().fit(x, y)
    np.testing.assert_array_equal(model.totals_, x.sum(axis=1))
    drawn = model.sample(20_000, random_state=0)[0].sum(axis=1)
    expected = np.bincount(x.sum(axis=1)) / len(x)
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, expected, atol=0.02)
    x_new, y_new = model.sample(40_000, random_state=2)
    own = x_new[y_new == 0].sum(axis=0)
    np.testing.assert_allclose(own / own.sum(), model.probs_[0], atol=0.01)


@pytest.mark.parametrize("model", KINDS)
def test_a_class_can_be_asked_for(small, model):
    x, y = small
    words = np.array(["no", "yes"])[y]
    model.fit(x, words)
    x_new, y_new = model.sample(300, 0, y="yes")
    assert (y_new == "yes").all()
    assert x_new.shape == (300, 3)
    wanted = np.array(["yes", "no", "no"])
    assert (model.sample(3, y=wanted)[1] == wanted).all()
    with pytest.raises(ValueError, match="one class or n = 2"):
        model.sample(2, y="maybe")
    with pytest.raises(ValueError, match="one class or n = 2"):
        model.sample(2, y=wanted)
    first, second = model.sample(50)[0], model.sample(50)[0]
    assert not np.array_equal(first, second)
    again = model.sample(50, 3)[0]
    np.testing.assert_array_equal(model.sample(50, 3)[0], again)


@pytest.mark.parametrize("model", KINDS)
def test_tensors_stay_tensors(small, model):
    x, y = small
    here = model.fit(x, y).joint_log_prob(x)
    X, Y = torch.tensor(x), torch.tensor(y)
    there = model.fit(X, Y).joint_log_prob(X)
    assert there.dtype == torch.float64
    np.testing.assert_allclose(there, here, rtol=1e-12)
    parts = [model.predict(X), model.score_samples(X), model.predict_proba(X)]
    parts += [model.classes_, model.class_prior_, *model.sample(4)]
    assert all(isinstance(part, torch.Tensor) for part in parts)
    assert isinstance(model.predict(x), np.ndarray)
    assert (model.predict(X).numpy() == model.predict(x)).all()
    y_new = model.sample(4, y=1)[1]
    assert torch.equal(y_new, torch.ones(4, dtype=y_new.dtype))


@pytest.mark.parametrize("model", KINDS)
def test_every_row_is_scored_as_if_alone(small, model):
    x, y = small
    before = x.copy(), y.copy()
    joint = model.fit(x, y).joint_log_prob(x)
    alone = [model.joint_log_prob(row[None])[0] for row in x]
    np.testing.assert_allclose(joint, alone, rtol=1e-12)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize(
    ("model", "x", "complaint"),
    [
        (GaussianNaiveBayes(var_smoothing=-1), [[1.0], [2.0]], "var_smoo"),
        (GaussianNaiveBayes(var_smoothing=0), [[1.0], [2.0]], "constant"),
        (MultinomialNaiveBayes(smoothing=-1), [[1], [2]], "smoothing"),
        (MultinomialNaiveBayes(smoothing=0), [[0], [2]], "no counts"),
        (MultinomialNaiveBayes(), [[-1], [2]], "Negative"),
        (BernoulliNaiveBayes(threshold=None), [[0.5], [1]], "0 or 1"),
        (BernoulliNaiveBayes(smoothing=None), [[0], [1]], "smoothing"),
        (CategoricalNaiveBayes(), [[0.5], [1]], "whole"),
        (CategoricalNaiveBayes(n_categories=2), [[0], [2]], "from 0 to 1"),
        (CategoricalNaiveBayes(), [[-1], [2]], "Negative"),
        (CategoricalNaiveBayes(smoothing="a"), [[1], [2]], "smoothing"),
    ],
)
def test_what_does_not_suit_is_refused(model, x, complaint):
    with pytest.raises(ValueError, match=complaint):
        model.fit(np.array(x), np.array([0, 1]))


@pytest.mark.parametrize(
    ("y", "complaint"),
    [
        (None, "models p"),
        ([0, 1], "one label for each of the 3"),
        (torch.tensor([0, 1]), "one label for each of the 3"),
        (torch.tensor([0.5, 1, 2]), "fractions"),
        ([0.5, 1.5, 2], "Unknown label type"),
        ([0, 1, np.nan], "NaN"),
    ],
)
def test_labels_are_needed_and_are_classes(y, complaint):
    with pytest.raises(ValueError, match=complaint):
        GaussianNaiveBayes().fit(np.eye(3), y)


def test_a_new_value_is_refused():
    model = CategoricalNaiveBayes().fit(np.eye(3), [0, 1, 1])
    with pytest.raises(ValueError, match="from 0 to 1"):
        model.predict(np.array([[2, 0, 0]]))


@pytest.mark.gpu
@pytest.mark.parametrize("model", KINDS)
def test_cuda_gives_the_same_answers(small, model):
    x, y = small
    here = model.fit(x, y).joint_log_prob(x)
    X, Y = torch.tensor(x).cuda(), torch.tensor(y).cuda()
    there = model.fit(X, Y).joint_log_prob(X)
    assert there.is_cuda
    assert model.predict(X).is_cuda
    assert all(part.is_cuda for part in model.sample(3))
    np.testing.assert_allclose(there.cpu(), here, rtol=1e-9)
