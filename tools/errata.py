"""The errata of the documents: reading and checking book/errata.yml.

An entry has an `id` (document, kind, number: D1-C3; X8 concerns several
documents), a `title`, the `document` and the `place` in it, what it `says` in
Chinese and in English, what is `right` (MyST text), a `severity`, the `chapter`
and anchor that take it up, and the `test` in which the document's version
fails. A minor entry may have the test `none`, with a `reason`. It may name its
`source`. A note under `catalogue` is for those who keep the file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tools import records

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "book" / "errata.yml"
ID = re.compile(r"D([0-4])-([TFCQO])([1-9]\d*)|X([1-9]\d*)")
DOCUMENTS = {
    "000": "Generative models meet machine learning",
    "001": "Generating and repairing images",
    "002": "GANs and VAEs in depth",
    "003": "Probabilistic generative models",
    "004": "Learning from data",
    "cross": "Across the documents",
}
SEVERITIES = ("critical", "major", "minor")
CHAPTER = re.compile(r"book/[a-z/-]+\.md#[a-z][a-z0-9-]*")
TEST = re.compile(r"tests/[\w/]+\.py::test_\w+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NEEDED = {
    "id": str,
    "title": str,
    "document": str,
    "place": dict,
    "severity": str,
    "says": dict,
    "right": str,
    "chapter": str,
    "test": str,
}
OPTIONAL = {"reason": str, "source": str, "catalogue": str}


@dataclass(frozen=True)
class Entry:
    """One thing that a document says and that is not so."""

    id: str
    title: str
    document: str  # "000" to "004", or "cross"
    section: str
    line: int | None
    severity: str
    original: str
    english: str
    right: str
    chapter: str  # the file, from the root
    anchor: str
    test: str | None
    reason: str
    source: str

    @property
    def label(self) -> str:
        """The label of the entry on the page, such as erratum-d1-c1."""
        return label(self.id)

    @property
    def chinese(self) -> bool:
        """Whether the quotation holds Chinese, and not just code."""
        return bool(CHINESE.search(self.original))


def label(name: str) -> str:
    """The label of the entry with this id.

    >>> label("D1-C1")
    'erratum-d1-c1'
    """
    return f"erratum-{name.lower()}"


def read(path: Path = FILE) -> list[Entry]:
    """The entries in reading order: document by document, line by line.

    Raises:
        ValueError: a field is missing, unknown or malformed; all are listed.
    """
    found = records.read(path, lambda f: f"{f.get('id')}", mistakes)
    return sorted((entry(f) for f in found), key=place)


def place(one: Entry) -> tuple:
    """Where an entry stands: its document, its line, its number if neither."""
    return list(DOCUMENTS).index(one.document), one.line or int(one.id[1:])


def entry(fields: dict) -> Entry:
    """The entry with these fields, which must be free of mistakes."""
    chapter, anchor = fields["chapter"].split("#")
    test = fields["test"]
    return Entry(
        id=fields["id"],
        title=fields["title"],
        document=fields["document"],
        section=str(fields["place"]["section"]),
        line=fields["place"].get("line"),
        severity=fields["severity"],
        original=fields["says"]["original"],
        english=fields["says"]["english"],
        right=fields["right"],
        chapter=chapter,
        anchor=anchor,
        test=None if test == "none" else test,
        reason=fields.get("reason", ""),
        source=fields.get("source", ""),
    )


def mistakes(fields: dict) -> list[str]:
    """What is wrong with the fields of an entry, each in a few words."""
    wrong = records.misfit(fields, NEEDED, OPTIONAL)
    return wrong or [*misplaced(fields), *malformed(fields), *untested(fields)]


def misplaced(fields: dict) -> list[str]:
    """What is wrong with where the entry stands."""
    wrong, found = [], ID.fullmatch(fields["id"])
    document, line = fields["document"], fields["place"].get("line")
    if not found:
        return ["the id must look like D1-C3 or X8"]
    if document != (f"00{found[1]}" if found[1] else "cross"):
        wrong.append(f"document {document} does not belong to the id")
    if not fields["place"].get("section"):
        wrong.append("place needs a section")
    if bool(found[1]) != isinstance(line, int):
        wrong.append("place needs a line, unless several documents are meant")
    return wrong


def malformed(fields: dict) -> list[str]:
    """What is wrong with the form of the other fields."""
    says = fields["says"]
    rules = {
        "says must be {original, english}": set(says) == {"original", "english"}
        and all(isinstance(v, str) and v.strip() for v in says.values()),
        "the English must not be Chinese": not CHINESE.search(
            str(says.get("english"))
        ),
        f"severity must be one of {SEVERITIES}": fields["severity"]
        in SEVERITIES,
        "chapter must be book/part/chapter.md#anchor": CHAPTER.fullmatch(
            fields["chapter"]
        ),
        "the title must not end in a full stop": not fields["title"].endswith(
            "."
        ),
    }
    return records.broken(rules)


def untested(fields: dict) -> list[str]:
    """What is wrong with the test, or with the reason that there is none."""
    if fields["test"] != "none":
        good = TEST.fullmatch(fields["test"]) and "reason" not in fields
        return [] if good else ["test must be tests/file.py::test_name"]
    if fields["severity"] != "minor":
        return [f"a {fields['severity']} entry needs a test"]
    return [] if fields.get("reason") else ["no test, so give the reason"]
