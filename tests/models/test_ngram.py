"""N-grams: against counting by hand, and as distributions over strings."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch

from course.models.ngram import NGram

V = 8


@pytest.fixture(scope="module")
def X():
    """Strings of seven symbols, ended by 0, some of them rare."""
    rng = np.random.RandomState(0)
    x = np.zeros((60, 12), dtype=int)
    for row in x:
        for t in range(rng.randint(2, 11)):
            favourite = 1 + (row[t - 1] + 2 * row[t - 2]) % 3 if t > 1 else 1
            other = 1 + rng.binomial(6, 0.3)
            row[t] = favourite if rng.rand() < 0.5 else other
    return x


def strings(X):
    """The rows up to their ends, as tuples."""
    for row in X.tolist():
        yield tuple(row[: row.index(0) + 1])


def grams(X, n):
    """All n-grams, one a symbol, with zeros before the beginning."""
    for s in strings(X):
        padded = (0,) * (n - 1) + s
        for t in range(len(s)):
            yield padded[t : t + n]


def by_definition(X, order):
    """Chen & Goodman's recursion, with dictionaries; p(w | context)."""
    plain = {k: Counter(g[-k:] for g in grams(X, order)) for k in (1, 2, 3)}
    counts = {order: plain[order]}
    for k in range(1, order):
        before = defaultdict(set)
        for g in grams(X, order):
            before[g[-k:]].add(g[-k - 1])
        counts[k] = {
            g: plain[k][g] if k > 1 and g[0] == 0 else len(before[g])
            for g in plain[k]
        }

    def discount(k, c):
        n = Counter(counts[k].values())
        if not all(n[j] for j in (1, 2, 3, 4)):
            return min(c, 3) / 2
        Y = n[1] / (n[1] + 2 * n[2])
        return [j - (j + 1) * Y * n[j + 1] / n[j] for j in (1, 2, 3)][
            min(c, 3) - 1
        ]

    def p(w, context):
        k = len(context) + 1
        lower = p(w, context[1:]) if context else 1 / V
        here = {g[-1]: c for g, c in counts[k].items() if g[:-1] == context}
        if not here:
            return lower
        total = sum(here.values())
        saved = sum(discount(k, c) for c in here.values())
        own = here[w] - discount(k, here[w]) if w in here else 0
        return own / total + saved / total * lower

    return p


@pytest.mark.parametrize("order", [1, 2, 3])
def test_kneser_ney_is_its_definition(X, order):
    model = NGram(order, n_symbols=V).fit(X)
    p = by_definition(X, order)
    if order == 3:  # the formulas for discounts were used, not their stand-in
        counts = np.bincount(list(Counter(grams(X, order)).values()))
        assert counts[1:5].min() > 0
    contexts = list(itertools.product(range(1, V), repeat=2))
    ours = model.next_probs(np.array(contexts))
    theirs = [
        [p(w, c[2 - (order - 1) :] if order > 1 else ()) for w in range(V)]
        for c in contexts
    ]
    assert np.allclose(ours, theirs, rtol=1e-12)
    beginning = p(2, (0,) * (order - 1))
    assert model.score_samples(X * 0 + 2)[0] < math.log(beginning)
    one = np.array([[2] + [0] * 11])
    rest = p(0, ((0,) * order + (2,))[-(order - 1) :] if order > 1 else ())
    assert np.isclose(
        model.score_samples(one)[0], math.log(beginning * rest), rtol=1e-12
    )


def test_kneser_ney_knows_that_francisco_follows_san():
    """A symbol in one context only is unlikely in any other one."""
    # "1 3" often; 2 after everything, less often in total
    X = np.array([[1, 3, 0, 0]] * 12 + [[2, 2, 1, 0], [2, 1, 2, 0]] * 2)
    model = NGram(2, n_symbols=5).fit(X)
    after_new = model.next_probs(np.array([[4]]))[0]
    assert after_new[2] > after_new[3]
    plain = NGram(1, smoothing="additive", alpha=0, n_symbols=5).fit(X)
    frequency = plain.next_probs(np.array([[4]]))[0]
    assert frequency[3] > frequency[2]


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_additive_smoothing_counts(X, alpha):
    model = NGram(2, smoothing="additive", alpha=alpha, n_symbols=V).fit(X)
    pairs = Counter(grams(X, 2))
    total = sum(c for g, c in pairs.items() if g[0] == 3)
    expected = [(pairs[3, w] + alpha) / (total + alpha * V) for w in range(V)]
    assert np.allclose(model.next_probs(np.array([[3]]))[0], expected)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "additive"])
@pytest.mark.parametrize("order", [1, 3])
def test_string_probabilities_sum_to_one(X, order, smoothing):
    """All strings up to length 3, and all longer ones by their beginnings."""
    model = NGram(order, smoothing=smoothing, n_symbols=V).fit(X)
    rows = []
    for n in range(4):
        ended = itertools.product(range(1, V), repeat=n)
        rows += [[*s, 0] + [0] * (11 - n) for s in ended]
    total = np.exp(model.score_samples(np.array(rows))).sum()
    begun = np.array(list(itertools.product(range(1, V), repeat=4)))
    chain = np.zeros(len(begun))
    for t in range(4):
        p = (
            model.next_probs(begun[:, :t])
            if t
            else model._next(torch.zeros(len(begun), 0, dtype=int)).numpy()
        )
        chain += np.log(p[np.arange(len(begun)), begun[:, t]])
    assert np.isclose(total + np.exp(chain).sum(), 1, atol=1e-12)


def test_a_row_without_an_end_is_a_beginning(X):
    model = NGram(3, n_symbols=V).fit(X)
    begun = np.full((V - 1, 12), 1)
    begun[:, 11] = range(1, V)
    ended = np.full((1, 12), 1)
    ended[:, 11] = 0
    both = model.score_samples(np.concatenate([begun, ended]))
    shorter = np.full((1, 12), 1)
    shorter[:, -1] = 0
    before = model.next_probs(shorter[:, :-1])[0]
    prefix = both[-1] - np.log(before[0])
    assert np.isclose(np.exp(both).sum(), np.exp(prefix))


def test_single_symbols_can_be_drawn(X):
    model = NGram(1, n_symbols=V).fit(X)
    drawn = model.sample(4000, random_state=0, max_length=1)[:, 0]
    p = np.exp(model.score_samples(np.array([[0] * 12])))[0]
    assert abs((drawn == 0).mean() - p) < 5 * math.sqrt(p / 4000)


def test_samples_have_the_frequencies_of_the_model(X):
    model = NGram(2, n_symbols=V).fit(X)
    drawn = model.sample(20_000, random_state=0, max_length=99)
    pairs = Counter(grams(drawn, 2))
    for context in range(V):
        total = sum(c for g, c in pairs.items() if g[0] == context)
        share = [pairs[context, w] / total for w in range(V)]
        p = (
            model.next_probs(np.array([[context]]))[0]
            if context
            else model._next(torch.zeros(1, 0, dtype=int))[0].numpy()
        )
        assert np.allclose(share, p, atol=4 * 0.5 / math.sqrt(total))


def test_a_low_temperature_takes_the_likeliest(X):
    model = NGram(2, n_symbols=V).fit(X)
    cold = model.sample(5, random_state=0, max_length=6, temperature=0.001)
    t = model._next(torch.zeros(1, 0, dtype=int)).argmax().item()
    assert (cold[:, 0] == t).all()
    follow = model.next_probs(np.array([[t]]))[0].argmax()
    assert (cold[:, 1] == follow).all()


def test_more_context_explains_the_training_text_better(X):
    history = NGram(4, n_symbols=V).fit(X).history_
    assert (np.diff(history) > 0).all()
    unigram = NGram(1, n_symbols=V).fit(X)
    lengths = [len(s) for s in strings(X)]
    mean = unigram.score_samples(X).sum() / sum(lengths)
    assert np.isclose(unigram.history_[0], mean)


def test_what_follows_the_end_is_ignored(X):
    model = NGram(3, n_symbols=V).fit(X)
    spoiled = X.copy()
    for row in spoiled:
        row[row.tolist().index(0) + 1 :] = 3
    assert np.array_equal(model.score_samples(X), model.score_samples(spoiled))
    again = NGram(3, n_symbols=V).fit(spoiled)
    assert np.array_equal(again.score_samples(X), model.score_samples(X))


@pytest.mark.parametrize(
    ("options", "X", "complaint"),
    [
        ({"order": 0}, [[1, 0], [1, 0]], "order"),
        ({"order": 40}, [[1, 0], [3, 0]], "64 bits"),
        ({"smoothing": "good"}, [[1, 0], [1, 0]], "kneser-ney"),
        ({"alpha": -1}, [[1, 0], [1, 0]], "alpha"),
        ({}, [[1.5, 0], [1, 0]], "whole numbers"),
        ({}, [[-1, 0], [1, 0]], "whole numbers"),
        ({"n_symbols": 2}, [[2, 0], [1, 0]], "from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(options, X, complaint):
    with pytest.raises(ValueError, match=complaint):
        NGram(**options).fit(np.array(X))


def test_temperature_is_positive(X):
    with pytest.raises(ValueError, match="temperature"):
        NGram(n_symbols=V).fit(X).sample(1, temperature=0)
