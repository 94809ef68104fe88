"""Prose in three parts that share nothing, and symbols as numbers."""

import numpy as np
import pytest

from course.data.text import Vocabulary, prose


def test_prose_is_english_and_split_without_overlap():
    parts = {name: prose(name) for name in ("train", "val", "test")}
    everything = prose()
    assert sorted(p for part in parts.values() for p in part) == sorted(
        everything
    )
    low = [p.lower() for p in everything]
    assert len(set(low)) == len(low)
    assert sum(map(len, everything)) > 100_000
    assert len(parts["train"]) > 2 * len(parts["test"]) > 100
    for paragraph in everything:
        assert paragraph[0].isupper()
        assert paragraph[-1] in ".:"
        assert paragraph.isascii()
    assert sum(" the " in p for p in low) > 0.5 * len(low)


def test_no_part_of_that_name():
    with pytest.raises(ValueError, match="'train'"):
        prose("dev")


def test_a_vocabulary_goes_there_and_back():
    texts = ["banana", "", "cab"]
    v = Vocabulary.of(texts)
    rows = v.encode(texts)
    assert v.symbols == ("a", "b", "c", "n")
    assert len(v) == 5
    assert rows.dtype == np.int64
    assert rows.shape == (3, 7)
    assert v.decode(rows) == texts
    assert v.decode(v.encode(texts, length=9)) == texts
    assert v.decode(np.array([[1, 2, 0, 3]])) == ["ab"]
    assert v.decode(np.array([[1, 2, 1]])) == ["aba"]


def test_words_are_symbols_too():
    texts = [["to", "be"], ["not", "to", "be"]]
    v = Vocabulary.of(texts, least=2)
    assert v.symbols == ("?", "be", "to")
    rows = v.encode([["to", "live"]])
    assert v.decode(rows, between=" ") == ["to ?"]


def test_symbols_that_cannot_be_encoded():
    v = Vocabulary("ab")
    with pytest.raises(ValueError, match="'c' is not in the vocabulary"):
        v.encode(["abc"])
    with pytest.raises(ValueError, match="3 or more"):
        v.encode(["ab"], length=2)
    with pytest.raises(ValueError, match="twice"):
        Vocabulary("aba")
    with pytest.raises(ValueError, match="least"):
        Vocabulary.of(["ab"], least=0)
