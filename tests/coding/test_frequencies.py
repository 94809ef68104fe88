"""Whole-number frequencies: no zeros, the right sum, and a bounded loss."""

import numpy as np
import pytest

from course.coding.frequencies import information, integer_frequencies


def tables(seed, shape, sharpness):
    """Random distributions; a large sharpness makes most of them tiny."""
    scores = sharpness * np.random.RandomState(seed).randn(*shape)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


@pytest.mark.parametrize("precision", [5, 8, 16, 31])
@pytest.mark.parametrize("sharpness", [0.1, 3.0, 100.0])
def test_no_zeros_the_right_sum_and_the_promised_loss(precision, sharpness):
    p = tables(0, (300, 17), sharpness)
    f = integer_frequencies(p, precision)
    T = 2**precision
    assert f.dtype == np.int64
    assert (f >= 1).all()
    assert (f.sum(-1) == T).all()
    with np.errstate(divide="ignore"):
        extra = np.log2(p) - np.log2(f / T)
    assert extra.max() < -np.log2(1 - 17 / T) + 1e-12


def test_the_leftover_goes_to_the_most_probable_symbol():
    # 1 + floor(p (8 - 3)) is 1, 2, 3; two are left over
    f = integer_frequencies([0.15, 0.25, 0.6], 3)
    assert f.tolist() == [1, 2, 5]
    assert integer_frequencies([0.6, 0.15, 0.25], 3).tolist() == [5, 1, 2]


def test_as_many_symbols_as_slots_get_one_each():
    assert integer_frequencies([1.0, 0, 0, 0], 2).tolist() == [1] * 4
    assert integer_frequencies([1.0], 0).tolist() == [1]


def test_each_row_as_if_alone():
    p = tables(1, (4, 5, 9), 2.0)
    f = integer_frequencies(p, 12)
    alone = [[integer_frequencies(q, 12) for q in row] for row in p]
    assert np.array_equal(f, alone)


def test_single_precision_sums_are_close_enough_to_one():
    p = tables(2, (50, 17), 3.0).astype(np.float32)
    assert (integer_frequencies(p).sum(-1) == 2**16).all()


@pytest.mark.parametrize(
    ("p", "precision", "word"),
    [
        ([0.5, 0.6], 8, "off by 0.1"),
        ([1.5, -0.5], 8, "not negative"),
        ([np.nan, 1.0], 8, "finite"),
        (np.array(1.0), 8, "last axis"),
        ([0.2] * 5, 2, "to 3 or more"),
        ([1.0], 32, "between 0 and 31"),
        ([1.0], -1, "between 0 and 31"),
    ],
)
def test_what_is_no_distribution_is_refused(p, precision, word):
    with pytest.raises(ValueError, match=word):
        integer_frequencies(p, precision)


def test_arguments_are_left_alone():
    p = np.array([0.25, 0.75])
    integer_frequencies(p)
    assert p.tolist() == [0.25, 0.75]


def test_information_by_hand():
    f = np.array([[1, 1, 2], [4, 0, 0]])
    assert information([2, 0], f).tolist() == [1, 0]
    assert information([0, 1, 2], f[0]).tolist() == [2, 2, 1]
    assert information([2], [1, 1, 2]) == 1


@pytest.mark.parametrize("symbol", [-1, 3, 0.5])
def test_information_of_no_symbol(symbol):
    with pytest.raises(ValueError, match="from 0 to 2"):
        information([symbol], np.array([[1, 1, 2]]))


def test_information_of_the_impossible():
    with pytest.raises(ValueError, match="frequency 0"):
        information([1], np.array([[4, 0, 0]]))
