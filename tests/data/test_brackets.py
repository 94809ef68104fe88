"""The language of brackets: what it draws, and how probable that is."""

import itertools
import math

import numpy as np
import pytest

from course.data.brackets import Brackets

LANGUAGE = Brackets()


def test_probabilities_sum_to_one():
    """All strings with up to 5 letters, and 7/8 to the fifth for the rest."""
    texts = [
        f"{o}{''.join(s)}{c}"
        for o, c in ("()", "[]")
        for k in range(1, 6)
        for s in itertools.product("ab", repeat=k)
    ]
    total = np.exp(LANGUAGE.log_prob(texts)).sum()
    assert math.isclose(total + (7 / 8) ** 5, 1, rel_tol=1e-12)


def test_what_does_not_fit_is_impossible():
    wrong = ["(ab]", "()", "(ac)", "ab", "", "(ab))", "((ab)"]
    assert (LANGUAGE.log_prob(wrong) == -np.inf).all()
    assert np.isfinite(LANGUAGE.log_prob(["(ab)", "[b]"])).all()


def test_samples_have_these_frequencies():
    texts = LANGUAGE.sample(20_000, seed=1)
    assert np.isfinite(LANGUAGE.log_prob(texts)).all()
    for text in ("(a)", "[b]", "(ab)", "[bba]"):
        p = math.exp(LANGUAGE.log_prob([text])[0])
        share = texts.count(text) / len(texts)
        assert abs(share - p) < 4 * math.sqrt(p / len(texts))
    mean = np.mean([len(t) - 2 for t in texts])
    assert abs(mean - 8) < 4 * 7.5 / math.sqrt(len(texts))


def test_a_seed_fixes_the_draw():
    assert LANGUAGE.sample(9, seed=3) == LANGUAGE.sample(9, seed=3)
    assert LANGUAGE.sample(9, seed=3) != LANGUAGE.sample(9, seed=4)
    with pytest.raises(ValueError, match="n must be"):
        LANGUAGE.sample(0)
