"""Texts with classes: one set that ships with Python, one to download."""

import re
import warnings
from pydoc_data.topics import topics
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from jaxtyping import Int64
from sklearn.datasets import fetch_20newsgroups

from course.data.choices import check_choice
from course.data.downloads import cache
from course.data.text import prose

BLOCK, CYCLE, TEST = 8, 5, (1, 3)  # blocks number 1 and 3 of five are tests
PAUSE = 0.2  # seconds before the download is tried again

# The help pages of each class, by the structure of the language reference.
# Pages on names and scopes belong to several classes and are left out.
CLASSES = {
    "statements": """assert assignment async augassign break class compound
        context-managers continue del else for function global if import
        nonlocal pass raise return try while with""",
    "expressions": """atom-identifiers atom-literals attribute-references await
        binary bitwise booleans calls comparisons conversions dict exprlists
        floating identifiers imaginary in integers lambda lists numbers
        operator-summary power shifting slicings strings subscriptions truth
        unary yield""",
    "objects": """attribute-access bltin-code-objects bltin-ellipsis-object
        bltin-null-object bltin-type-objects callable-types customization
        id-classes numeric-types objects sequence-types specialattrs
        specialnames types typesfunctions typesmethods typesmodules""",
    "containers": """formatstrings string-methods typesmapping typesseq
        typesseq-mutable""",
    "debugger": "debugger",
}


class Texts(NamedTuple):
    """Texts, their classes y, shape (N,) int64, and the names of these."""

    texts: list[str]
    y: Int64[np.ndarray, " n"]
    class_names: tuple[str, ...]


def labelled_prose(part: str = "all") -> Texts:
    """The paragraphs of `prose`, and what they are about, in five classes.

    They come from the help pages that Python ships: on statements, on
    expressions, on objects and their special methods, on containers and
    strings, and on the debugger. A paragraph that stands in pages of several
    classes is left out. Pages repeat themselves, so neighbours stay together:
    the paragraphs of a class are cut into blocks of eight, and two blocks of
    five are for the test. The text differs a little between versions of
    Python.

    Source: Python Software Foundation, `pydoc_data.topics`, PSF licence.

    Args:
        part: "all", "train" or "test".

    Raises:
        ValueError: there is no such part.
    """
    check_choice("part", part, ("all", "train", "test"))
    homes = _homes()
    own = [[t for t in prose() if homes.get(t) == {k}] for k in CLASSES]
    found = [
        (text, k)
        for k, texts in enumerate(own)
        for i, text in enumerate(texts)
        if part in ("all", "test" if i // BLOCK % CYCLE in TEST else "train")
    ]
    texts, y = zip(*found, strict=True)
    return Texts(list(texts), np.array(y, "int64"), tuple(CLASSES))


def _homes() -> dict[str, set[str]]:
    """By paragraph, the classes of all pages in which it stands."""
    homes = {}
    for name, pages in CLASSES.items():
        for page in pages.split():  # a version of Python may lack one
            for block in re.split(r"\n\s*\n", topics.get(page, "")):
                homes.setdefault(" ".join(block.split()), set()).add(name)
    return homes


def newsgroups(part: str = "train") -> Texts:
    """Posts to twenty newsgroups, without headers, footers and quotations.

    Fetched and kept by scikit-learn, in the cache of this course. The test
    posts are later than those for training. What is cut off would give the
    class away: addresses and the names of groups.

    Args:
        part: "train", "test" or "all".

    Raises:
        ValueError: there is no such part.
        ConnectionError: the file is not in the cache and cannot be fetched.
        OSError: what was fetched has another checksum.

    Source: K. Lang (1995), Newsweeder, through scikit-learn.
    """
    check_choice("part", part, ("train", "test", "all"))
    place = cache() / "newsgroups"
    try:
        with warnings.catch_warnings(action="ignore"):  # of the second try
            found = fetch_20newsgroups(
                subset=part,
                remove=("headers", "footers", "quotes"),
                data_home=place,
                n_retries=1,
                delay=PAUSE,
            )
    except (URLError, TimeoutError) as trouble:
        raise ConnectionError(
            f"20news-bydate.tar.gz could not be downloaded: {trouble}\n"
            f"If you have scikit-learn's copy, 20news-bydate_py3.pkz, put it "
            f"at {place}\n"
            f"Labelled text that needs no network: labelled_prose()"
        ) from trouble
    y = found.target.astype(np.int64)
    return Texts(list(found.data), y, tuple(found.target_names))
