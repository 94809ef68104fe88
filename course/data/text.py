"""English prose, and the border between words and numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pydoc_data.topics import topics

import numpy as np
from jaxtyping import Int64

from course.data.choices import check_choice, check_count

PARTS = ("all", "train", "val", "test")
UNKNOWN = "?"


def prose(part: str = "all") -> list[str]:
    """Paragraphs of English technical prose, one string each.

    The running text of the help pages that Python ships: every paragraph that
    is a sentence or more, once. Code, tables and headings are left out. Of six
    topics four are for training, one for validation and one for the test, so
    that a paragraph's neighbours are in its own part. The text differs a
    little between versions of Python.

    Source: Python Software Foundation, `pydoc_data.topics`, PSF licence.

    Args:
        part: "all", "train", "val" or "test".

    Raises:
        ValueError: there is no such part.
    """
    check_choice("part", part, PARTS)
    seen, found = set(), {"all": [], "train": [], "val": [], "test": []}
    for number, name in enumerate(sorted(topics)):
        kind = {1: "val", 3: "test"}.get(number % 6, "train")
        for block in re.split(r"\n\s*\n", topics[name]):
            text = " ".join(block.split())
            if _is_prose(text) and text.lower() not in seen:
                seen.add(text.lower())
                found["all"].append(text)
                found[kind].append(text)
    return found[part]


def _is_prose(text: str) -> bool:
    """A sentence at least: a capital first, a stop last, hardly any signs."""
    words = sum(c.isalpha() or c == " " for c in text)
    sentence = re.fullmatch(r"[A-Z][\x20-\x7e]{38,}[.:]", text)
    return sentence is not None and words >= 0.9 * len(text)


class Vocabulary:
    """The symbols of a language, numbered from 1; 0 ends every sequence.

    A symbol is a character of a string, or a word of a list of words.

    Args:
        symbols: all of them, each once. Where "?" is among them, it stands
            for every symbol that is not.

    Raises:
        ValueError: a symbol stands twice.

    >>> v = Vocabulary("ab")
    >>> v.encode(["ab", "b"])
    array([[1, 2, 0],
           [2, 0, 0]])
    >>> v.decode(v.encode(["ab", "b"]))
    ['ab', 'b']
    """

    def __init__(self, symbols: Iterable[str]):
        self.symbols = tuple(symbols)
        self.index = {s: i for i, s in enumerate(self.symbols, start=1)}
        if len(self.index) < len(self.symbols):
            twice = [s for s, n in Counter(self.symbols).items() if n > 1]
            raise ValueError(f"symbols stand twice: {twice}: give each once")

    def __len__(self) -> int:
        """The number of symbols, the end of a sequence included."""
        return len(self.symbols) + 1

    @classmethod
    def of(
        cls, texts: Iterable[Sequence[str]], *, least: int = 1
    ) -> "Vocabulary":
        """All symbols that the texts use at least so often, in order.

        With `least` above 1 the rarer ones become "?", the unknown symbol.
        """
        check_count("least", least)
        counts = Counter(s for text in texts for s in text)
        kept = {s for s, n in counts.items() if n >= least}
        return cls(sorted(kept | ({UNKNOWN} if least > 1 else set())))

    def encode(
        self, texts: Sequence[Sequence[str]], *, length: int | None = None
    ) -> Int64[np.ndarray, "n length"]:
        """The numbers of the symbols, a text a row, each followed by zeros.

        Args:
            texts: strings, or lists of words.
            length: of the rows; the longest text plus 1 where it is None.

        Raises:
            ValueError: a symbol is not in the vocabulary, which has no "?";
                or a text has no room for its end.
        """
        least = 1 + max(map(len, texts), default=0)
        length = least if length is None else length
        if length < least:
            raise ValueError(
                f"rows of {length} are too short for a text of {least - 1} "
                f"symbols and its end: let length be {least} or more"
            )
        out = np.zeros((len(texts), length), "int64")
        for row, text in zip(out, texts, strict=True):
            row[: len(text)] = [self._number(s) for s in text]
        return out

    def _number(self, symbol: str) -> int:
        """The number of a symbol, or of the unknown one."""
        number = self.index.get(symbol, self.index.get(UNKNOWN))
        if number is None:
            raise ValueError(
                f"{symbol!r} is not in the vocabulary: build it from all "
                f"texts, or with least=2, so that it has the symbol '?'"
            )
        return number

    def decode(
        self, rows: Int64[np.ndarray, "n length"], *, between: str = ""
    ) -> list[str]:
        """The texts, each up to its end; `between` goes between symbols."""
        texts = []
        for row in rows:
            ends = np.flatnonzero(row == 0)
            numbers = row[: ends[0]] if len(ends) else row
            texts.append(between.join(self.symbols[i - 1] for i in numbers))
        return texts
