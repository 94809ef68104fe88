"""How much work an experiment may do: a laptop's share, or a GPU's."""

import os
from typing import TypeVar

T = TypeVar("T")


def budget(*, quick: T, full: T) -> T:
    """Return `quick`, or `full` where the environment says COURSE_FULL=1.

    Quick is what the pages show: two CPU cores, less than a minute a chapter.

    >>> budget(quick=500, full=20_000)
    500

    Raises:
        ValueError: COURSE_FULL is neither 0 nor 1.
    """
    wish = os.environ.get("COURSE_FULL", "0")
    if wish not in ("0", "1"):
        raise ValueError(
            f"COURSE_FULL must be 0 (quick, the default) or 1 (full), not "
            f"{wish!r}: set it to one of these, or unset it"
        )
    return full if wish == "1" else quick
