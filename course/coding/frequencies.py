"""Probabilities as whole numbers: what coder and decoder must share exactly."""

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray
from numpy.typing import ArrayLike

MOST_PRECISION = 31
TOLERANCE = 1e-4  # of the sum of a row: single precision is enough


def integer_frequencies(
    p: ArrayLike, precision: int = 16
) -> Int64[ndarray, "... C"]:
    """Whole numbers f_c >= 1 near 2^precision p_c that sum to 2^precision.

    f_c = 1 + floor(p_c (T - C)), T = 2^precision; what is left over goes to the
    most probable symbol. As 1 + floor(y) > y, a symbol costs at most
    -log2(1 - C / T) bits more than -log2 p_c, and even p_c = 0 can be coded.

    Args:
        p: probabilities along the last axis, shape (..., C).
        precision: log2 of the sum T, up to 31; at least C must fit.

    >>> integer_frequencies([0.5, 0.5, 0.0], precision=4)
    array([8, 7, 1])

    Raises:
        ValueError: a number is negative or not finite, a row does not sum to
            one, or there are more symbols than 2^precision.
    """
    p = np.asarray(p, dtype=np.float64)
    _check_probabilities(p)
    C, total = p.shape[-1], 1 << _checked(precision)
    if total < C:
        raise ValueError(
            f"{C} symbols do not fit into frequencies that sum to {total}: "
            f"raise the precision from {precision} to {(C - 1).bit_length()} "
            f"or more"
        )
    p = p / p.sum(axis=-1, keepdims=True)
    f = 1 + np.floor(p * (total - C)).astype(np.int64)
    top = p.argmax(axis=-1)[..., None]
    left = total - f.sum(axis=-1, keepdims=True)
    np.put_along_axis(f, top, np.take_along_axis(f, top, -1) + left, -1)
    return f


def information(
    symbols: ArrayLike, frequencies: ArrayLike
) -> Float[ndarray, "..."]:
    """Bits log2(T / f_s) of every symbol s under its frequencies f.

    T is the sum of a row. The sum of these numbers is what a message gains.

    Args:
        symbols: shape (...), whole numbers from 0 to C - 1.
        frequencies: shape (..., C), or (C,) for all symbols.

    Raises:
        ValueError: a symbol is not one of the C, or has the frequency zero.
    """
    f = np.asarray(frequencies)
    s = as_symbols(symbols, f.shape[-1])
    f = np.broadcast_to(f, (*s.shape, f.shape[-1]))
    own = np.take_along_axis(f, s[..., None], -1)[..., 0]
    refuse_impossible(own)
    return np.log2(f.sum(axis=-1) / own)


def as_symbols(symbols: ArrayLike, C: int) -> Int64[ndarray, "..."]:
    """The symbols as int64, if they are whole numbers from 0 to C - 1.

    Raises:
        ValueError: they are not.
    """
    given = np.asarray(symbols)
    s = given.astype(np.int64)
    if (s != given).any() or (s < 0).any() or (s >= C).any():
        raise ValueError(
            f"symbols must be whole numbers from 0 to {C - 1}, but they range "
            f"from {given.min()} to {given.max()}: round or shift them, or "
            f"give frequencies for more symbols"
        )
    return s


def refuse_impossible(f: Int64[ndarray, "..."]) -> None:
    """Check that no frequency is zero.

    Raises:
        ValueError: one is.
    """
    if (f == 0).any():
        raise ValueError(
            "a symbol has the frequency 0: it would take infinitely many bits. "
            "Make frequencies with integer_frequencies, which gives every "
            "symbol at least 1"
        )


def _check_probabilities(p: Float[ndarray, "..."]) -> None:
    """Every row is a distribution."""
    if p.ndim < 1 or p.shape[-1] < 1:
        raise ValueError(
            f"probabilities must lie along a last axis, not in the shape "
            f"{p.shape}: give one row for each symbol that is coded"
        )
    if not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(
            "probabilities must be finite and not negative: apply softmax to "
            "scores, and look for NaN in the model's output"
        )
    error = np.abs(p.sum(axis=-1) - 1)
    if (error > TOLERANCE).any():
        raise ValueError(
            f"probabilities must sum to one along the last axis; a sum is off "
            f"by {error.max():.2g}: normalise them"
        )


def _checked(precision: int) -> int:
    """The precision, if it is in range."""
    if not 0 <= precision <= MOST_PRECISION:
        raise ValueError(
            f"the precision must lie between 0 and {MOST_PRECISION} bits, not "
            f"at {precision}: 16 suits most models"
        )
    return precision
