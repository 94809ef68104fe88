"""Counts by context: exact probabilities, the rule by hand, real digits."""

import itertools

import numpy as np
import pytest

from course.data import digits
from course.models.context_counts import ContextCounts


@pytest.fixture(scope="module")
def X():
    """Images of 2 x 3 pixels with three levels; neighbours are alike."""
    rng = np.random.RandomState(0)
    x = np.zeros((200, 2, 3), dtype=int)
    for image in x:
        for i, j in itertools.product(range(2), range(3)):
            near = image[i - 1, j] if i else image[i, j - 1] if j else 1
            image[i, j] = near if rng.rand() < 0.6 else rng.randint(3)
    return x.reshape(-1, 6)


ALL = np.array(list(itertools.product(range(3), repeat=6)))


@pytest.mark.parametrize(
    "neighbours", [(), ("left",), ("left", "up"), ("up left", "up right", "up")]
)
def test_probabilities_sum_to_one(X, neighbours):
    model = ContextCounts(shape=(2, 3), neighbours=neighbours).fit(X)
    p = np.exp(model.score_samples(ALL))
    assert np.isclose(p.sum(), 1, rtol=1e-12)


def test_the_rule_by_hand(X):
    """Three contexts deep, with dictionaries, for one image."""
    model = ContextCounts(shape=(2, 3), strengths=(2.0, 5.0, 9.0)).fit(X)
    images = X.reshape(-1, 2, 3)

    def parts(image, d):
        i, j = divmod(d, 3)
        left = image[i, j - 1] if j else 3
        up = image[i - 1, j] if i else 3
        return {"position": d, "left": left, "up": up}

    seen = [
        (parts(image, d), image.flat[d]) for image in images for d in range(6)
    ]

    def p(c, h):
        if not h:
            return 1 / 3
        counts = [w for g, w in seen if all(g[k] == v for k, v in h.items())]
        less = [p(c, {k: v for k, v in h.items() if k != out}) for out in h]
        a = {1: 2.0, 2: 5.0, 3: 9.0}[len(h)]
        return (counts.count(c) + a * sum(less) / len(less)) / (len(counts) + a)

    image = np.array([[0, 2, 1], [1, 1, 0]])
    by_hand = sum(np.log(p(image.flat[d], parts(image, d))) for d in range(6))
    ours = model.score_samples(image.reshape(1, 6))[0]
    assert np.isclose(ours, by_hand, rtol=1e-12)


def test_samples_have_the_frequencies_of_the_model(X):
    model = ContextCounts(shape=(2, 3)).fit(X)
    n = 30_000
    drawn = model.sample(n, random_state=0)
    p = np.exp(model.score_samples(ALL))
    share = np.bincount(drawn @ 3 ** np.arange(5, -1, -1), minlength=729) / n
    assert np.abs(share - p).max() < 5 * np.sqrt(p.max() / n)
    assert ((share - p) ** 2 / p).sum() * n < 729 + 5 * np.sqrt(2 * 729)


def test_neighbours_help_on_digits():
    """Beyond independent pixels, and beyond a mixture of categoricals."""
    train, test = (
        (digits(part)[0] * 16).round().reshape(-1, 64)
        for part in ("train", "test")
    )
    options = {"shape": (8, 8), "n_categories": 17}
    near = ("left", "up", "up right")
    nats = {
        k: -ContextCounts(
            neighbours=near[:k], strengths=(2, 10, 30, 60), **options
        )
        .fit(train)
        .score(test)
        for k in (0, 2, 3)
    }
    assert 105.5 < nats[0] < 107  # independent pixels
    assert nats[3] < nats[2] < 96.5


def test_knowing_more_explains_the_training_images_better(X):
    history = ContextCounts(shape=(2, 3)).fit(X).history_
    assert len(history) == 3
    assert (np.diff(history) > 0.05).all()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shape": (2, 2)}, "multiply to the 6 columns"),
        ({"neighbours": ("right",)}, "neighbours"),
        ({"strengths": (0.0,)}, "positive"),
        ({"strengths": ()}, "positive"),
        ({"n_categories": 2}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(X, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        ContextCounts(**options).fit(X)


def test_entries_are_whole_numbers(X):
    with pytest.raises(ValueError, match="whole numbers"):
        ContextCounts().fit(X + 0.5)
