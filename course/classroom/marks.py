"""Marks as tables: for people, for Canvas and for Moodle."""

import csv
from dataclasses import dataclass
from pathlib import Path

from course.classroom.gradebook import Class
from course.classroom.outcomes import outcomes

FORMS = ("plain", "canvas", "moodle")


@dataclass(frozen=True)
class Mark:
    """What a student has for a sheet; `points` is None where none can be said.

    Attributes:
        student: the id; then the names, the address and the number that the
            learning management system goes by, each perhaps empty.
        points, of: those reached, and the most there are.
        remark: absent, late, not graded and why, or what waits for a marker.
    """

    student: str
    last_name: str
    first_name: str
    email: str
    lms_user_id: str
    points: float | None
    of: float
    remark: str


def marks(a_class: Class, sheet: str) -> list[Mark]:
    """What every student of the roster has for a sheet, by last name.

    Who handed in nothing has zero. Who handed in something that could not be
    graded has no points here, not zero: somebody must look at it.

    Raises:
        ValueError: the sheet was not released.
    """
    a_class.sheet(sheet)
    graded = outcomes(a_class, sheet)
    handed_in = a_class.collected(sheet)
    with a_class.gradebook() as book:
        of = float(book.find_assignment(sheet).max_score)
        works = {s.student_id: s for s in book.assignment_submissions(sheet)}
        found = []
        for s in book.students:
            points, remark = 0.0, "absent"
            if s.id in handed_in:
                points, remark = _result(graded.get(s.id), works.get(s.id))
            names = (s.last_name, s.first_name, s.email, s.lms_user_id)
            found.append(
                Mark(s.id, *(x or "" for x in names), points, of, remark)
            )
    return sorted(found, key=lambda m: (m.last_name, m.first_name, m.student))


def _result(outcome, work) -> tuple[float | None, str]:
    """Points and remark for work that was handed in."""
    if outcome is None:
        return None, "not graded yet"
    if not outcome.graded or work is None:
        return None, f"not graded: {outcome.why}"
    remarks = ["late"] if work.total_seconds_late > 0 else []
    if work.needs_manual_grade:
        remarks += ["waits for a marker"]
    return float(work.score), ", ".join(remarks)


def export(
    a_class: Class, sheets: list[str], file: Path, *, form: str = "plain"
) -> int:
    """The number of rows written into a CSV file.

    Args:
        a_class: whose marks.
        sheets: which; each is a column, and in the plain form a row a student.
        file: to be written, over an older one.
        form: plain, canvas or moodle. Canvas and Moodle match students by
            lms_user_id and by address; a field that is empty changes nothing.

    Raises:
        ValueError: a sheet was not released, or the form is unknown.
    """
    if form not in FORMS:
        raise ValueError(f"expected a form of {FORMS}, found {form!r}")
    tables = {s: marks(a_class, s) for s in sheets}
    titles = {s: a_class.sheet(s).about.title for s in sheets}
    writers = {"plain": _plain, "canvas": _canvas, "moodle": _moodle}
    rows = writers[form](tables, titles)
    with open(file, "w", newline="", encoding="utf8") as text:
        csv.writer(text).writerows(rows)
    return len(rows) - 1


def _plain(tables: dict[str, list[Mark]], titles: dict[str, str]) -> list:
    """One row for each student and sheet, with remarks."""
    names = ("student", "last_name", "first_name", "email")
    rows = [["id", *names[1:], "sheet", "points", "of", "remark"]]
    for sheet, table in tables.items():
        for m in table:
            who = [getattr(m, name) for name in names]
            result = [_number(m.points), _number(m.of), m.remark]
            rows.append([*who, sheet, *result])
    return rows


def _columns(tables: dict[str, list[Mark]]) -> list[tuple[Mark, list[str]]]:
    """For each student, the points for all sheets."""
    return [
        (row[0], [_number(m.points) for m in row])
        for row in zip(*tables.values(), strict=True)
    ]


def _canvas(tables: dict[str, list[Mark]], titles: dict[str, str]) -> list:
    """The columns of a Canvas gradebook, and its row of possible points."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    most = [_number(table[0].of) if table else "" for table in tables.values()]
    rows = []
    for m, points in _columns(tables):
        name = f"{m.last_name}, {m.first_name}"
        rows.append([name, m.lms_user_id, "", m.student, "", *points])
    possible = ["    Points Possible", "", "", "", "", *most]
    return [[*head, *titles.values()], possible, *rows]


def _moodle(tables: dict[str, list[Mark]], titles: dict[str, str]) -> list:
    """Columns for the import of marks in Moodle."""
    head = ["First name", "Last name", "ID number", "Email address"]
    rows = [
        [m.first_name, m.last_name, m.student, m.email, *points]
        for m, points in _columns(tables)
    ]
    return [[*head, *titles.values()], *rows]


def _number(points: float | None) -> str:
    """Points as one writes them; nothing for None."""
    return "" if points is None else f"{points:g}"
