"""A friendly word on an answer to an exercise, instead of a traceback."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found: a sentence to read, true where all is right."""

    correct: bool
    sentence: str

    def __bool__(self) -> bool:
        """Say whether the answer is right: `assert check(...)`."""
        return self.correct

    def __repr__(self) -> str:
        """The sentence alone: what a notebook shows under its cell."""
        return self.sentence


def check(
    answer: Callable[[], object],
    expected: ArrayLike | float,
    *,
    hint: str = "",
    tolerance: float = 1e-6,
) -> Verdict:
    """Compare answer() with the expected numbers; say kindly what is off.

    A notebook shows the verdict of the last line of a cell:

    >>> check(lambda: ..., 4.0)
    Not done yet: replace the dots by your lines, then run this cell again.
    >>> check(lambda: [1.0, -2.0], [1.0, 2.0], hint="Is a square missing?")
    Not yet: 1 of 2 numbers is off, most at [1]: -2 instead of 2. Is a square \
missing?
    >>> check(lambda: 2 + 2, 4.0)
    Correct.

    Args:
        answer: a function of no arguments that calls the reader's own code,
            so that its errors are caught: `lambda: mine(x)`.
        expected: the right numbers, or something that becomes an array.
        hint: a sentence for a wrong answer.
        tolerance: of each number, relative to 1 + its size.
    """
    try:
        given = answer()
    except NotImplementedError:
        given = None
    except Exception as error:
        trouble = f"your code stops with {type(error).__name__}: {error}"
        return _no(trouble, hint)
    if given is None or given is ...:
        return Verdict(False, _TODO)
    try:
        given = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return _no(f"numbers are asked for, not {type(given).__name__}", hint)
    trouble = _difference(given, np.asarray(expected, dtype=float), tolerance)
    return _no(trouble, hint) if trouble else Verdict(True, "Correct.")


_TODO = (
    "Not done yet: replace the dots by your lines, then run this cell again."
)


def _no(trouble: str, hint: str) -> Verdict:
    """A verdict of what is wrong, followed by the hint."""
    return Verdict(False, f"Not yet: {trouble}. {hint}".rstrip())


def _difference(given: np.ndarray, expected: np.ndarray, tolerance: float):
    """Say how `given` differs from `expected`; nothing where it does not."""
    if given.shape != expected.shape:
        return f"the shape is {given.shape}, it should be {expected.shape}"
    if bad := int((np.isnan(given) & ~np.isnan(expected)).sum()):
        return f"{bad} of {given.size} numbers are NaN"
    with np.errstate(invalid="ignore"):  # inf where inf is right
        error = np.abs(given - expected) / (1 + np.abs(expected))
    error = np.nan_to_num(error)
    wrong = int((error > tolerance).sum())
    if not wrong:
        return ""
    if given.ndim == 0:
        return f"{given:.6g} instead of {expected:.6g}"
    worst = np.unravel_index(error.argmax(), error.shape)
    place = "[" + ", ".join(map(str, worst)) + "]"
    verb = "is" if wrong == 1 else "are"
    return (
        f"{wrong} of {given.size} numbers {verb} off, most at {place}: "
        f"{given[worst]:.6g} instead of {expected[worst]:.6g}"
    )
