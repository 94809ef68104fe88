"""What the documents name: reading and checking book/systems.yml.

An entry is a `system` (a model, a method, a measure, a task) with the sections
in which documents have it `named`, one sentence on what the course `shows` of
it, the places that are `treated`, best first, and the `tests` in which it is
seen to work. What the course has not got to yet stands under `not_covered`; if
that is all of it, there are no places and tests.
"""

from dataclasses import dataclass
from pathlib import Path

from tools import records
from tools.document_map import LINK, NUMBER, PARTS
from tools.errata import ROOT, TEST

FILE = ROOT / "book" / "systems.yml"
NEEDED = {"system": str, "named": dict, "shows": str}
COVERED = {"treated": list, "tests": list}
OPTIONAL = COVERED | {"not_covered": str}


@dataclass(frozen=True)
class System:
    """One thing that the documents name, and where the course shows it."""

    name: str
    named: dict[str, list[str]]  # document: sections
    shows: str  # MyST text
    treated: tuple[str, ...]  # book/part/chapter.md#anchor
    tests: tuple[str, ...]  # tests/file.py::test_name
    not_covered: str

    @property
    def part(self) -> str:
        """The folder of the part that treats it first, or "" if none does."""
        folder = self.treated[0].split("/")[1] if self.treated else ""
        return folder if folder in PARTS.values() else ""


def read(path: Path = FILE) -> list[System]:
    """The systems in the order of the file.

    Raises:
        ValueError: a field is missing, unknown or malformed; all are listed.
    """
    found = records.read(path, lambda f: f"{f.get('system')}", mistakes)
    return [system(f) for f in found]


def system(fields: dict) -> System:
    """The system with these fields, which must be free of mistakes."""
    return System(
        name=fields["system"],
        named=fields["named"],
        shows=fields["shows"],
        treated=tuple(fields.get("treated", ())),
        tests=tuple(fields.get("tests", ())),
        not_covered=fields.get("not_covered", ""),
    )


def mistakes(fields: dict) -> list[str]:
    """What is wrong with the fields of a system, each in a few words."""
    return records.misfit(fields, NEEDED, OPTIONAL) or malformed(fields)


def malformed(fields: dict) -> list[str]:
    """What is wrong with the form of the fields."""
    links, tests = (fields.get(k, []) for k in COVERED)
    rules = {
        "named must be {document: [sections]}": all(
            k in PARTS and v and all(NUMBER.fullmatch(str(n)) for n in v)
            for k, v in fields["named"].items()
        ),
        "sections must be in quotes": all(
            isinstance(n, str) for v in fields["named"].values() for n in v
        ),
        "shows must be a sentence": fields["shows"].rstrip().endswith("."),
        "give treated and tests, or say what is not_covered": (
            bool(links) == bool(tests) and (links or fields.get("not_covered"))
        ),
        "treated must be book/part/chapter.md#anchor": all(
            isinstance(k, str) and LINK.fullmatch(k) for k in links
        ),
        "tests must be tests/file.py::test_name": all(
            isinstance(t, str) and TEST.fullmatch(t) for t in tests
        ),
    }
    return records.broken(rules)
