"""Marks for written answers: a table out, and the same table in with points."""

import csv
from pathlib import Path

import nbformat

from course.classroom.cells import grade_id
from course.classroom.gradebook import Class, read_csv
from course.classroom.outcomes import outcomes
from course.classroom.release import surroundings

FIXED = ("student", "item", "answer")


def steps(a_class: Class, sheet: str, item: str) -> list[tuple[str, int]]:
    """For each step of a rubric, the head of its column and its points.

    Raises:
        ValueError: there is no such written answer.
    """
    rubrics = a_class.sheet(sheet).about.rubrics
    if item not in rubrics:
        raise ValueError(
            f"expected a written answer of {sheet}, one of {sorted(rubrics)}, "
            f"found {item!r}"
        )
    return [(f"({s.points}) {s.what}", s.points) for s in rubrics[item]]


def write_tables(a_class: Class, sheet: str) -> list[Path]:
    """The files to write points into: marks/<sheet>/<item>.csv, one an answer.

    Raises:
        ValueError: a file is there already; it may hold somebody's work.
    """
    graded = [o.student for o in outcomes(a_class, sheet).values() if o.graded]
    files = []
    for item in a_class.sheet(sheet).about.rubrics:
        file = a_class.root / "marks" / sheet / f"{item}.csv"
        if file.exists():
            raise ValueError(
                f"{file} is there already; move it away to get a new one"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        heads = [head for head, _ in steps(a_class, sheet, item)]
        with open(file, "w", newline="", encoding="utf8") as text:
            writer = csv.writer(text)
            writer.writerow([*FIXED, *heads, "comment"])
            for student in graded:
                said = answer(a_class, sheet, student, item)
                writer.writerow([student, item, said] + [""] * (len(heads) + 1))
        files.append(file)
    return files


def answer(a_class: Class, sheet: str, student: str, item: str) -> str:
    """What a student wrote, made safe for a program of tables."""
    place = a_class.root / "autograded" / student / sheet
    with surroundings():
        notebook = nbformat.read(place / f"{sheet}.ipynb", as_version=4)
    said = [c.source for c in notebook.cells if grade_id(c) == item]
    text = "\n".join(said).strip()
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def read_table(a_class: Class, sheet: str, file: Path) -> int:
    """The number of answers that a filled-in table gave marks to.

    A row without points is left for later. The rubric with the points, and the
    comment, become the comment that the student reads.

    Raises:
        ValueError: a column is missing, or a number is not one of those that
            the rubric allows. No mark is changed then.
    """
    marks = []
    for n, row in enumerate(_rows(a_class, sheet, file), 2):
        rubric = steps(a_class, sheet, row["item"])
        given = [row[head] for head, _ in rubric]
        if any(given):
            where = f"{file.name}, row {n}, {row['student']}"
            points = [
                _points(text, most, where)
                for text, (_, most) in zip(given, rubric, strict=True)
            ]
            marks.append((row, points, _comment(row, rubric, points)))
    _enter(a_class, sheet, marks)
    return len(marks)


def _rows(a_class: Class, sheet: str, file: Path) -> list[dict]:
    """The rows of a table of one written answer."""
    heads = {"comment", *FIXED}
    rubrics = a_class.sheet(sheet).about.rubrics
    any_head = {h for i in rubrics for h, _ in steps(a_class, sheet, i)}
    rows = read_csv(file, needed={"student", "item"}, known=heads | any_head)
    for row in rows:
        needed = {head for head, _ in steps(a_class, sheet, row["item"])}
        if missing := sorted(needed - set(row)):
            raise ValueError(f"{file.name}: expected the columns {missing}")
    return rows


def _points(text: str, most: int, where: str) -> float:
    """The points in a field."""
    try:
        points = float(text)
    except ValueError:
        points = -1.0
    if not 0 <= points <= most:
        raise ValueError(
            f"{where}: expected points from 0 to {most} for every step of the "
            f"rubric, found {text!r}"
        )
    return points


def _comment(row: dict, rubric: list, points: list[float]) -> str:
    """What the student reads."""
    lines = [
        f"* {got:g} of {most}: {head.partition(' ')[2]}"
        for got, (head, most) in zip(points, rubric, strict=True)
    ]
    return "\n".join([*lines, "", row.get("comment", "")]).strip()


def _enter(a_class: Class, sheet: str, marks: list) -> None:
    """Write marks and comments into the gradebook, all or none."""
    from nbgrader.api import MissingEntry

    with a_class.gradebook() as book:
        found = []
        for row, points, said in marks:
            key = (row["item"], sheet, sheet, row["student"])
            try:
                entry = book.find_grade(*key), book.find_comment(*key)
            except MissingEntry as error:
                raise ValueError(
                    f"{row['student']} handed in no {sheet}: take the row away"
                ) from error
            found.append((*entry, sum(points), said))
        for grade, comment, total, said in found:
            grade.manual_score, grade.needs_manual_grade = total, False
            comment.manual_comment = said
        book.db.commit()
