"""The document map: reading and checking book/document-map.yml.

An entry is a heading of a document: the `document` and the `line` and `level`
of the heading in it, its `original` words, the same in `english`, and where it
is `treated`: pages of the book, each with an anchor if one section is meant.
Where nothing treats it, a `reason` stands instead.

The opening page of the part that belongs to a document has an anchor for each
of its headings: doc004-3-4-1 for section 3.4.1 of document 004.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tools import records
from tools.errata import CHINESE, ROOT

FILE = ROOT / "book" / "document-map.yml"
PARTS = {  # in the order of the parts
    "004": "learning",
    "003": "probabilistic",
    "001": "images",
    "002": "depth",
    "000": "fusion",
}
NUMBER = re.compile(r"\d+(?:\.\d+)*")
LINK = re.compile(r"book/[a-z/-]+\.md(?:#[a-z][a-z0-9-]*)?")
FIELDS = {
    "document": str,
    "line": int,
    "level": int,
    "original": str,
    "english": str,
}
CHOICE = {"treated": list, "reason": str}


@dataclass(frozen=True)
class Heading:
    """A heading of a document, and where the course treats it."""

    document: str  # "000" to "004"
    line: int
    level: int
    original: str
    english: str
    treated: tuple[str, ...] = ()  # book/part/chapter.md#anchor
    reason: str = ""

    @property
    def number(self) -> str:
        """The number that the document gives it, such as 3.4.1."""
        return NUMBER.match(self.original)[0]

    @property
    def anchor(self) -> str:
        """Its anchor on the opening page of the part."""
        return anchor(self.document, self.number)

    @property
    def words(self) -> str:
        """The heading without its number."""
        return self.original.removeprefix(self.number).lstrip(". ")


def anchor(document: str, number: str) -> str:
    """The anchor of a section of a document on the opening page of its part.

    >>> anchor("004", "3.4.1")
    'doc004-3-4-1'
    """
    return f"doc{document}-{number.replace('.', '-')}"


def opening(document: str) -> str:
    """The opening page of the part that belongs to a document.

    >>> opening("004")
    'book/learning/index.md'
    """
    return f"book/{PARTS[document]}/index.md"


def read(path: Path = FILE) -> list[Heading]:
    """The headings in the order of the documents.

    Raises:
        ValueError: a field is missing, unknown or malformed; all are listed.
    """
    fields = records.read(
        path,
        lambda f: f"document {f.get('document')}, line {f.get('line')}",
        mistakes,
    )
    found = [
        Heading(**f | {"treated": tuple(f.get("treated", ()))}) for f in fields
    ]
    return sorted(found, key=lambda h: (h.document, h.line))


def mistakes(fields: dict) -> list[str]:
    """What is wrong with the fields of a heading, each in a few words."""
    return records.misfit(fields, FIELDS, CHOICE) or malformed(fields)


def malformed(fields: dict) -> list[str]:
    """What is wrong with the form of the fields."""
    links = fields.get("treated", [])
    rules = {
        f"document must be one of {tuple(PARTS)}": fields["document"] in PARTS,
        "original must begin with a number": NUMBER.match(fields["original"]),
        "the English must not be Chinese": not CHINESE.search(
            fields["english"]
        ),
        "give either treated or a reason": len(fields.keys() & CHOICE) == 1,
        "treated must not be empty": links or "treated" not in fields,
        "treated must be book/part/chapter.md#anchor": all(
            isinstance(k, str) and LINK.fullmatch(k) for k in links
        ),
        "treated names a place twice": len(links) == len(set(links)),
    }
    return records.broken(rules)
