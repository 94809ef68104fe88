"""A stack of bits: exact round trips, and lengths equal to the information."""

import math

import numpy as np
import pytest
from scipy.stats import chisquare

from course.coding.frequencies import information, integer_frequencies
from course.coding.rans import LOW, Message


def trial(seed, n=400):
    """Random symbols, each with frequencies of its own; some are very rare."""
    rng = np.random.RandomState(seed)
    C, precision = rng.randint(1, 40), rng.randint(6, 25)
    p = rng.dirichlet(np.full(C, 10.0 ** rng.uniform(-2, 1)), size=n)
    f = integer_frequencies(p, precision)
    cells = rng.randint(2**precision, size=n)
    s = (cells[:, None] >= f.cumsum(1)).sum(1)  # drawn from f
    odd = rng.rand(n) < 0.1
    s[odd] = rng.randint(C, size=odd.sum())  # or from anything
    return s, f


@pytest.mark.parametrize("seed", range(30))
def test_what_is_pushed_is_popped_and_costs_its_information(seed):
    s, f = trial(seed)
    message = Message()
    message.push(s, f)
    ideal = information(s, f).sum()
    assert abs(message.bits - 32 - ideal) < 0.05 + 0.001 * ideal
    data = message.to_bytes()
    assert 0 <= 8 * len(data) - message.bits <= 32
    again = Message.from_bytes(data)
    assert np.array_equal(again.pop(f), s)
    again.finish()


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_stack_of_one_big_number(seed):
    # the same recursion on an integer of any size, without words
    s, f = trial(seed)
    T, x = int(f[0].sum()), 1 << 32
    for row, symbol in zip(f[::-1], s[::-1], strict=True):
        f_s, start = int(row[symbol]), int(row[:symbol].sum())
        x = (x // f_s) * T + start + x % f_s
    message = Message()
    message.push(s, f)
    assert abs(message.bits - math.log2(x)) < 0.05 + 1e-4 * message.bits


def test_by_hand():
    message = Message()
    f = np.array([[3, 1]])
    message.push([0], f)
    x = (LOW // 3) * 4 + 0 + LOW % 3
    assert message.state == x
    message.push([1], f)
    assert message.state == x * 4 + 3
    assert message.pop(f).tolist() == [1]
    assert message.state == x


def test_last_in_is_first_out_and_one_push_is_many():
    s, f = trial(3, n=20)
    at_once, one_by_one = Message(), Message()
    at_once.push(s, f)
    for k in reversed(range(20)):
        one_by_one.push(s[k], f[k])
    assert at_once.to_bytes() == one_by_one.to_bytes()
    assert [one_by_one.pop(row).item() for row in f] == s.tolist()


def test_shapes_are_kept():
    s, f = trial(4, n=60)
    s, f = s.reshape(3, 4, 5), f.reshape(3, 4, 5, -1)
    message = Message()
    message.push(s, f)
    assert np.array_equal(message.pop(f), s)
    message.push([[0, 1], [1, 1]], [1, 3])
    assert message.pop(np.broadcast_to([1, 3], (2, 2, 2))).tolist() == [
        [0, 1],
        [1, 1],
    ]
    message.push([], np.zeros((0, 4), int))
    assert message.pop(np.zeros((0, 4), int)).shape == (0,)
    message.finish()


def test_a_certain_symbol_is_free():
    message = Message()
    message.push([0] * 100, [256])
    assert message.bits == 32
    assert (message.pop([[256]] * 100) == 0).all()


def test_random_bits_are_popped_as_draws():
    f = integer_frequencies([0.5, 0.25, 0.15, 0.09, 0.01], 12)
    message = Message.random(4000, random_state=0)
    drawn = message.pop(np.broadcast_to(f, (20_000, 5)))
    counts = np.bincount(drawn, minlength=5)
    assert chisquare(counts, 20_000 * f / f.sum()).pvalue > 0.01
    pairs = np.bincount(5 * drawn[::2] + drawn[1::2], minlength=25)
    expected = 10_000 * np.outer(f, f).ravel() / f.sum() ** 2
    common = expected > 5  # neighbours are independent
    expected = expected[common] / expected[common].sum()
    assert (
        chisquare(pairs[common], pairs[common].sum() * expected).pvalue > 0.01
    )


def test_popping_and_pushing_back_leaves_random_bits_alone():
    _, f = trial(5)
    message = Message.random(500, random_state=1)
    before = message.to_bytes()
    s = message.pop(f)
    assert message.bits < 32 * 501
    message.push(s, f)
    assert message.to_bytes() == before


def test_random_messages_are_reproducible():
    a, b, c = (Message.random(9, k).to_bytes() for k in (0, 0, 1))
    assert a == b != c
    assert len(a) == 8 + 9 * 4
    first = [Message.random(1, k).pop([[1] * 16]).item() for k in range(99)]
    assert len(set(first)) > 10  # the state is random, too


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_is_noticed(seed):
    s, f = trial(seed, n=60)
    message = Message()
    message.push(s, f)
    data = message.to_bytes()
    for bit in range(0, 8 * len(data), 3):
        bad = bytearray(data)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"message|no message"):
            decoded(bytes(bad), f)


def decoded(data, f):
    message = Message.from_bytes(data)
    s = message.pop(f)
    message.finish()
    return s


def test_a_message_cut_off_is_noticed():
    s, f = trial(7)
    message = Message()
    message.push(s, f)
    data = message.to_bytes()
    for n in (0, 7, 9, len(data) - 1):
        with pytest.raises(ValueError, match="cut off"):
            decoded(data[:n], f)
    for n in (8, len(data) - 4):
        with pytest.raises(ValueError, match="over before"):
            decoded(data[:n], f)
    with pytest.raises(ValueError, match="does not end"):
        decoded(data + b"1234", f)
    with pytest.raises(ValueError, match="no message"):
        decoded(b"\0" * 8, f)


def test_another_model_is_noticed():
    s, f = trial(8)
    message = Message()
    message.push(s, f)
    other = np.roll(f, 1, axis=0)
    with pytest.raises(ValueError, match="other frequencies"):
        decoded(message.to_bytes(), other)


@pytest.mark.parametrize(
    ("symbols", "frequencies", "word"),
    [
        ([1], [4, 0], "frequency 0"),
        ([2], [3, 1], "from 0 to 1"),
        ([-1], [3, 1], "from 0 to 1"),
        ([0.5], [3, 1], "whole numbers"),
        ([0], [2, 1], "power of two"),
        ([0], [5, -1], "not negative"),
        ([0], [0.5, 0.5], "whole"),
        ([0, 0], [[2, 2], [4, 4]], "same power"),
        ([0], [2**32, 2**32], "lower the precision"),
        ([0], [0, 0], "power of two"),
    ],
)
def test_what_cannot_be_coded_is_refused_and_nothing_is_pushed(
    symbols, frequencies, word
):
    message = Message()
    with pytest.raises(ValueError, match=word):
        message.push(symbols, frequencies)
    assert message.to_bytes() == Message().to_bytes()


def test_the_largest_precision_and_the_rarest_symbol():
    f = np.array([1, 2**31 - 1])
    s = np.array([0, 1, 0, 0, 1] * 20)
    message = Message()
    message.push(s, f)
    assert np.array_equal(message.pop(np.broadcast_to(f, (100, 2))), s)
    message.finish()


def test_frequencies_are_left_alone():
    f = np.array([[3, 1], [2, 2]])
    message = Message()
    message.push([0, 1], f)
    message.pop(f)
    assert f.tolist() == [[3, 1], [2, 2]]


def test_the_state_never_reaches_its_upper_end():
    message = Message()
    message.state = 1 << 48  # f << (64 - precision): a word has to move
    message.push([0], [1, 2**16 - 1])
    assert LOW <= message.state < 1 << 64
    assert len(message.words) == 1
    assert message.pop([[1, 2**16 - 1]]).tolist() == [0]
    assert message.state == 1 << 48
