"""A language with a memory, whose every string has a known probability."""

import math
import re
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64

from course.data.choices import check_count

PAIRS = {"(": ")", "[": "]"}
STRING = re.compile(r"\(([ab]+)\)|\[([ab]+)\]")


class Brackets:
    """Strings such as (abba) and [b]: letters in brackets that fit.

    A bracket opens, round or square with probability 1/2. Letters follow, a
    or b with probability 1/2; after each of them, the string goes on with
    probability 7/8. The bracket that closes is of the kind that opened. So
    the last symbol depends on the first, which may be far away.
    """

    symbols = "ab()[]"
    go_on = 7 / 8

    def sample(self, n: int, *, seed: int = 0) -> list[str]:
        """Draw n strings.

        Raises:
            ValueError: n is not a whole number of at least 1.
        """
        check_count("n", n)
        rng = np.random.RandomState(seed)
        lengths = rng.geometric(1 - self.go_on, size=n)
        opened = rng.choice(list(PAIRS), size=n)
        return [
            o + "".join(rng.choice(["a", "b"], size=k)) + PAIRS[o]
            for o, k in zip(opened.tolist(), lengths, strict=True)
        ]

    def log_prob(self, texts: Iterable[str]) -> Float64[np.ndarray, " n"]:
        """Log p(x) of every string, in nats; -inf for one outside.

        With k letters it is (k + 1) log 1/2 + (k - 1) log 7/8 + log 1/8.
        """
        return np.array([self._log_prob(text) for text in texts])

    def _log_prob(self, text: str) -> float:
        if not STRING.fullmatch(text):
            return -math.inf
        k = len(text) - 2
        stay, leave = math.log(self.go_on), math.log(1 - self.go_on)
        return (k - 1) * stay + leave - (k + 1) * math.log(2)
