"""A stack of bits that symbols are pushed onto: asymmetric numeral systems.

Duda 2009 (arXiv:0902.0271) and 2013 (arXiv:1311.2540), the range variant, with
one state: plain Python integers are exact, and quick enough for a lesson.
"""

import math

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from numpy.typing import ArrayLike

from course.coding.frequencies import (
    MOST_PRECISION,
    as_symbols,
    refuse_impossible,
)

WORD = 32  # bits that move between the state and the stack at a time
LOW, MASK = 1 << WORD, (1 << WORD) - 1


class Message:
    """A message: a whole number v, kept as a state and a stack of 32-bit words.

    push: v = (v // f) T + start + v % f, with frequency f, sum T = 2^precision
    and start = the frequencies before the symbol's. pop undoes it, so the last
    symbol in is the first one out. The state stays in [2^32, 2^64): when it
    would leave this range, a word moves to the stack or comes back.

    A new message is the state 2^32 and no word. Its 32 bits are no waste: a
    message that has been popped must arrive there again (see `finish`).
    """

    def __init__(self):
        self.state, self.words = LOW, []

    @classmethod
    def random(cls, n: int, random_state: int) -> "Message":
        """A message of n + 1 random words, to pop random symbols from.

        One of them is in the state: from a new state the first symbol popped
        would be the first of the alphabet, however improbable.
        """
        message, rng = cls(), np.random.RandomState(random_state)
        message.words = rng.randint(LOW, size=n + 1, dtype=np.uint32).tolist()
        message.state |= message.words.pop()
        return message

    @classmethod
    def from_bytes(cls, data: bytes) -> "Message":
        """The message that `to_bytes` wrote.

        Raises:
            ValueError: the bytes are cut off, or were not written by it.
        """
        message, n = cls(), len(data)
        if n < 8 or n % 4 or int.from_bytes(data[:8], "big") < LOW:
            raise ValueError(
                f"these {n} bytes are no message: a state of 8 bytes, not "
                f"below 2^32, then words of 4 bytes. Was it cut off?"
            )
        message.state = int.from_bytes(data[:8], "big")
        message.words = np.frombuffer(data[8:], ">u4")[::-1].tolist()
        return message

    def to_bytes(self) -> bytes:
        """The state in 8 bytes, then the words, the last one first."""
        words = np.array(self.words[::-1], dtype=">u4")
        return self.state.to_bytes(8, "big") + words.tobytes()

    @property
    def bits(self) -> float:
        """Length: 32 bits a word and log2 of the state; 32 when it is new."""
        return WORD * len(self.words) + math.log2(self.state)

    def push(self, symbols: ArrayLike, frequencies: ArrayLike) -> None:
        """Put symbols onto the stack, the last one first.

        Each adds log2(T / f) bits, up to a relative error of T / 2^32.

        Args:
            symbols: shape (...), whole numbers from 0 to C - 1.
            frequencies: shape (..., C), or (C,) for all symbols; each row sums
                to the same power of two, T <= 2^31.

        Raises:
            ValueError: a symbol is not one of the C or has the frequency 0, or
                the sums are not one power of two. Nothing is pushed then.
        """
        f, precision = _checked(frequencies)
        s = as_symbols(symbols, f.shape[-1])
        f = np.broadcast_to(f, (*s.shape, f.shape[-1]))
        own = np.take_along_axis(f, s[..., None], -1).ravel()
        refuse_impossible(own)
        ends = np.take_along_axis(f.cumsum(-1), s[..., None], -1).ravel()
        starts = (ends - own).tolist()
        for f_s, start in zip(own.tolist()[::-1], starts[::-1], strict=True):
            self._push(f_s, start, precision)

    def pop(self, frequencies: ArrayLike) -> Int64[ndarray, "..."]:
        """Take one symbol for each row of frequencies off, the first row first.

        Undoes `push` with the same frequencies; on random bits it draws from
        the distribution f / T.

        Raises:
            ValueError: the stack is empty: the message was cut off, damaged or
                written with other frequencies, or more is popped than pushed;
                or the sums are not one power of two.
        """
        f, precision = _checked(frequencies)
        rows = f.reshape(-1, f.shape[-1])
        ends = rows.cumsum(-1)
        symbols = [self._pop(row, precision) for row in ends]
        return np.array(symbols, dtype=np.int64).reshape(f.shape[:-1])

    def finish(self) -> None:
        """Check that every pushed symbol was popped again.

        Raises:
            ValueError: the state is not that of a new message. A decoder that
                is given another model, or a damaged message, ends here but for
                one chance in about 2^32.
        """
        if self.state != LOW or self.words:
            raise ValueError(
                "the message does not end where it began: it was damaged, "
                "written with other frequencies, or holds more symbols"
            )

    def _push(self, f: int, start: int, precision: int) -> None:
        """One symbol on: the state grows by the factor T / f."""
        if self.state >= f << (2 * WORD - precision):
            self.words.append(self.state & MASK)
            self.state >>= WORD
        q, r = divmod(self.state, f)
        self.state = (q << precision) + start + r

    def _pop(self, ends: Int64[ndarray, " C"], precision: int) -> int:
        """One symbol off: the one in whose slots v % T falls."""
        slot = self.state & ((1 << precision) - 1)
        s = int(ends.searchsorted(slot, side="right"))
        start = int(ends[s - 1]) if s else 0
        f = int(ends[s]) - start
        self.state = f * (self.state >> precision) + slot - start
        if self.state < LOW:
            if not self.words:
                raise ValueError(
                    "the message is over before the last symbol: it was cut "
                    "off, written with other frequencies, or, for bits-back, "
                    "began with too few bits"
                )
            self.state = (self.state << WORD) | self.words.pop()
        return s


def _checked(frequencies: ArrayLike) -> tuple[Int64[ndarray, "... C"], int]:
    """The frequencies as int64, and log2 of the sum of every row."""
    given = np.asarray(frequencies)
    f = given.astype(np.int64)
    totals = np.unique(f.sum(axis=-1))
    if totals.size == 0:  # no row: nothing to code
        return f, 0
    precision = max(int(totals[0]).bit_length() - 1, 0)
    if (
        (f != given).any()
        or (f < 0).any()
        or totals.tolist() != [1 << precision]
    ):
        raise ValueError(
            f"frequencies must be whole and not negative, and every row must "
            f"sum to the same power of two; these sum to {totals[:3]}: make "
            f"them with integer_frequencies"
        )
    if precision > MOST_PRECISION:
        raise ValueError(
            f"frequencies sum to 2^{precision}, above 2^{MOST_PRECISION}: "
            f"lower the precision"
        )
    return f, precision
