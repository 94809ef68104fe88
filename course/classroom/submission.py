"""A student's notebook as it comes in: read with care, whatever its state."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from course.classroom.sheet import Sheet

ADVICE = "take a fresh copy of the sheet's notebook and paste your answers in"


@dataclass
class Submission:
    """What was found in a notebook.

    Attributes:
        answers: the source of every answer cell, by grade_id.
        doubled: answers that stand in several cells and differ.
        others: the code of cells that the sheet does not know.
    """

    answers: dict[str, str] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)

    def add(self, name: str, source: str) -> None:
        """Take up the answer in a cell of this grade_id."""
        if self.answers.get(name, source) != source:
            self.doubled.add(name)
        self.answers[name] = source


def read(path: Path, sheet: Sheet) -> Submission:
    """The answers in a notebook.

    Raises:
        ValueError: it cannot be read, or holds no answer cell of this sheet;
            the message says so in a sentence and what to do.
    """
    found = Submission()
    names = {item.name for item in sheet.items}
    for cell in _cells(path):
        name, source = _grade_id(cell), _source(cell)
        if name in names:
            found.add(name, source)
        elif name not in sheet.tests and cell.get("cell_type") == "code":
            found.others.append(source)
    if not found.answers:
        raise ValueError(
            f"{path.name} has none of the answer cells of {sheet.name}: is it "
            "the notebook of another sheet, or were the cells copied into a "
            f"new one? Otherwise {ADVICE}."
        )
    return found


def _cells(path: Path) -> list[dict]:
    """The cells of the file."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}: is the name right?")
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path.name} is not a notebook: it does not read as JSON. Save it "
            f"again from Jupyter, or {ADVICE}."
        ) from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise ValueError(
            f"{path.name} is not a notebook of a kind known here: it has no "
            f"list of cells. Open it in Jupyter and save it, or {ADVICE}."
        )
    return [cell for cell in cells if isinstance(cell, dict)]


def _grade_id(cell: dict) -> str:
    """The name of a cell, "" where its metadata are gone."""
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return str(marks.get("grade_id", "")) if isinstance(marks, dict) else ""


def _source(cell: dict) -> str:
    """The text of a cell, which files keep as one string or as lines."""
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return "".join(str(line) for line in lines)
