"""The kinds of cells in a sheet, told apart by their nbgrader metadata."""

import re

from nbformat import NotebookNode

ANSWER = {"grade": False, "solution": True, "locked": False}
TEST = {"grade": True, "solution": False, "locked": True}
WRITTEN = {"grade": True, "solution": True, "locked": False}
KEYS = {"grade", "solution", "locked", "grade_id", "schema_version", "task"}
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def marks(cell: NotebookNode) -> dict:
    """The nbgrader metadata of a cell; empty for an ordinary one."""
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def grade_id(cell: NotebookNode) -> str:
    """The name under which a cell is graded; "" for an ordinary one."""
    return str(marks(cell).get("grade_id", ""))


def points(cell: NotebookNode) -> int:
    """The points of a cell; 0 for one that is not graded."""
    return marks(cell).get("points", 0)


def _flags(cell: NotebookNode) -> dict:
    """The three flags that say what a cell is for."""
    found = marks(cell)
    return {key: found.get(key, False) for key in ANSWER} if found else {}


def is_answer(cell: NotebookNode) -> bool:
    """Whether a student writes code here."""
    return cell.cell_type == "code" and _flags(cell) == ANSWER


def is_test(cell: NotebookNode) -> bool:
    """Whether this cell tests an answer."""
    return cell.cell_type == "code" and _flags(cell) == TEST


def is_written(cell: NotebookNode) -> bool:
    """Whether a student writes words here, which a person marks."""
    return cell.cell_type == "markdown" and _flags(cell) == WRITTEN


def check_metadata(cell: NotebookNode, where: str) -> None:
    """Refuse nbgrader metadata that are none of the three kinds.

    Raises:
        ValueError: what the metadata are, and what they may be.
    """
    found = marks(cell)
    if not found:
        return
    if not (is_answer(cell) or is_test(cell) or is_written(cell)):
        raise ValueError(
            f"{where}: a {cell.cell_type} cell with {_flags(cell)} is neither "
            f"an answer (code, {ANSWER}), nor a test (code, {TEST}), nor a "
            f"written answer (markdown, {WRITTEN})"
        )
    wanted = KEYS | ({"points"} if found["grade"] else set())
    if set(found) != wanted:
        raise ValueError(
            f"{where}: the nbgrader metadata have the keys {sorted(found)}; "
            f"expected {sorted(wanted)}"
        )
    if found["schema_version"] != 3 or found["task"] is not False:
        raise ValueError(f"{where}: write schema_version 3 and task false")
    _check_name_and_points(cell, where)


def _check_name_and_points(cell: NotebookNode, where: str) -> None:
    """Refuse a grade_id or points of another form."""
    if not ID.fullmatch(grade_id(cell)):
        raise ValueError(
            f"{where}: the grade_id {grade_id(cell)!r} must be lower-case "
            "words with dashes between them, such as ridge-value"
        )
    number = points(cell)
    whole = isinstance(number, int) and not isinstance(number, bool)
    if marks(cell)["grade"] and not (whole and number > 0):
        raise ValueError(
            f"{where}: points must be a whole number above 0, not {number!r}"
        )
