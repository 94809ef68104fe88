"""BLEU against sacrebleu and by hand; perplexity; distinct n-grams."""

import math
import random

import pytest
import sacrebleu
import torch

from course.metrics.text import bleu, distinct_n, perplexity

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "under",
    "mat",
    "tree",
    "and",
]


def corpus(seed, n=40):
    """Hypotheses that share some of their words with three references."""
    rng = random.Random(seed)
    references = [
        [rng.choices(WORDS, k=rng.randint(5, 14)) for _ in range(3)]
        for _ in range(n)
    ]
    hypotheses = [
        [w if rng.random() < 0.7 else rng.choice(WORDS) for w in refs[0]]
        + rng.choices(WORDS, k=rng.randint(0, 3))
        for refs in references
    ]
    return hypotheses, references


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shorten", [0, 3])
def test_bleu_is_that_of_sacrebleu(seed, shorten):
    hypotheses, references = corpus(seed)
    hypotheses = [h[: len(h) - shorten] for h in hypotheses]
    metric = sacrebleu.BLEU(tokenize="none", smooth_method="none", force=True)
    theirs = metric.corpus_score(
        [" ".join(h) for h in hypotheses],
        [[" ".join(refs[i]) for refs in references] for i in range(3)],
    )
    assert math.isclose(
        100 * bleu(hypotheses, references), theirs.score, rel_tol=1e-9
    )
    assert theirs.score > 10


def test_bleu_by_hand():
    """Papineni et al.: the seven 'the' count twice, as in reference 1."""
    hypothesis = ["the", "the", "the", "the", "the", "the", "the"]
    references = [
        ["the", "cat", "is", "on", "the", "mat"],
        ["there", "is", "a", "cat", "on", "the", "mat"],
    ]
    assert math.isclose(bleu([hypothesis], [references], order=1), 2 / 7)


def test_bleu_punishes_short_texts():
    whole = ["the", "cat", "sat", "on", "the", "mat"]
    short = whole[:4]
    assert math.isclose(bleu([short], [[whole]]), math.exp(1 - 6 / 4))


def test_of_two_lengths_equally_near_the_shorter_counts():
    h = ["a", "b", "c", "d"]
    longer, shorter = ["a", "b", "c", "d", "e"], ["a", "b", "c"]
    assert bleu([h], [[longer, shorter]], order=2) == 1.0


def test_without_a_common_four_gram_bleu_is_zero():
    assert bleu([["a", "b", "c"]], [[["a", "b", "c"]]]) == 0.0


@pytest.mark.parametrize(
    ("hypotheses", "references"),
    [([], []), ([["a"]], []), ([["a"]], [[]])],
)
def test_bleu_needs_references(hypotheses, references):
    with pytest.raises(ValueError, match="reference"):
        bleu(hypotheses, references)


def test_perplexity_of_a_uniform_choice_is_their_number():
    log_prob = torch.tensor([5.0, 3.0]) * -math.log(7)
    assert math.isclose(perplexity(log_prob, 8), 7, rel_tol=1e-6)
    with pytest.raises(ValueError, match="per symbol"):
        perplexity(log_prob, 0)


def test_distinct_counts_different_grams():
    assert distinct_n(["aaaa"], 2) == 1 / 3
    assert distinct_n([["a", "b"], ["a", "b"], ["b", "a"]], 2) == 2 / 3
    assert distinct_n(["abc"], 1) == 1.0
    with pytest.raises(ValueError, match="3 symbols"):
        distinct_n(["ab"], 3)
