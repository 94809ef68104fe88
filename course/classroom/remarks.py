"""What a submission did to the cells that it should not have touched."""

from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.classroom.cells import grade_id, marks
from course.classroom.sheet import Sheet

GRADED = ("grade", "solution", "locked", "points")


def read(file: Path) -> NotebookNode:
    """The notebook in a file.

    Raises:
        ValueError: the file is missing, or holds no notebook.
    """
    if not file.is_file():
        raise ValueError(f"there is no {file.name}")
    try:
        return nbformat.read(file, as_version=4)
    except Exception as error:
        raise ValueError(
            f"{file.name} is not a notebook: {type(error).__name__}"
        ) from error


def remarks(
    sheet: Sheet, notebook: NotebookNode, released: NotebookNode
) -> str:
    """Which graded cells were lost or changed; nothing if none was.

    All of it was mended before grading, and all of it can be an accident.
    """
    asked = {grade_id(c): c for c in released.cells if grade_id(c)}
    found = _changes(sheet, notebook, asked)
    return "; ".join(
        f"{what}: {'all' if len(names) == len(asked) else ', '.join(names)}"
        for what, names in found.items()
        if names
    )


def _changes(
    sheet: Sheet, notebook: NotebookNode, asked: dict[str, NotebookNode]
) -> dict[str, list[str]]:
    """By kind of change, the cells it concerns."""
    theirs = {grade_id(c): c for c in notebook.cells}
    counted = Counter(grade_id(c) for c in notebook.cells)
    here = {n: (asked[n], theirs[n]) for n in asked if n in theirs}
    return {
        "missing": [name for name in asked if name not in theirs],
        "copied": [name for name in here if counted[name] > 1],
        "edited": [
            name
            for name, (cell, given) in here.items()
            if name in sheet.tests and given.source != cell.source
        ],
        "other metadata": [
            name
            for name, (cell, given) in here.items()
            if any(marks(given).get(k) != marks(cell).get(k) for k in GRADED)
        ],
    }
