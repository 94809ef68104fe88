"""A student's answers against all tests of a sheet, in words of help."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course.classroom import submission, verdicts
from course.classroom.cells import grade_id, is_test
from course.classroom.running import DIED, TOO_LONG, Runner, Trouble, kernel
from course.classroom.sheet import Item, Sheet
from course.classroom.submission import Submission

START = 120.0  # seconds for the imports: a slow machine is nobody's fault


@dataclass(frozen=True)
class Line:
    """One line of the report.

    Attributes:
        exercise: its number.
        cell: the grade_id of the test or of the written answer.
        got: points, None where a person marks.
        of: the points there are.
        says: a sentence.
    """

    exercise: int
    cell: str
    got: int | None
    of: int
    says: str


def check(sheet: Sheet, path: Path, *, seconds: float = 10.0) -> list[Line]:
    """The report on a notebook: a line for every test and written answer.

    Args:
        sheet: the sheet.
        path: the student's notebook.
        seconds: for a cell; an answer that takes longer is not called again.

    Raises:
        ValueError: the notebook cannot be read; the message is a sentence.
    """
    found = submission.read(path, sheet)
    said: dict[str, str] = {}
    for item in sheet.items:
        reason = not item.by_hand and verdicts.missing(item, found, sheet)
        if reason:
            said |= dict.fromkeys(item.tests, reason)
    while set(said) < set(sheet.tests):  # once, unless an answer ends Python
        with kernel() as runner:
            _Pass(sheet, found, runner, seconds).run(said)
    return list(_lines(sheet, said))


class _Pass:
    """One run through a sheet with a student's answers."""

    def __init__(self, sheet, found: Submission, runner: Runner, seconds):
        """Remember what to run, and for how long."""
        self.sheet, self.found, self.runner = sheet, found, runner
        self.seconds = seconds

    def run(self, said: dict[str, str]) -> None:
        """Fill in what is said of each test, until the kernel is gone."""
        first = self.sheet.cells.index(self.sheet.items[0].text)
        self._given(self.sheet.cells[:first])
        for item in self.sheet.items:
            self._given(item.cells[: item.cells.index(item.answer)])
            if set(item.tests) <= set(said):
                continue  # in an earlier pass, or there is nothing to run
            if not self._item(item, said):
                return

    def _given(self, given: list[NotebookNode]) -> None:
        """Run cells that are given: imports, data, a faulty model."""
        for cell in given:
            if cell.cell_type == "code":
                self.runner.run(cell.source, START)

    def _item(self, item: Item, said: dict[str, str]) -> bool:
        """Run an answer and its tests; False if the kernel is gone."""
        reason, number = self._answer(item)
        for cell in filter(is_test, item.cells):
            trouble = None
            if not reason:
                trouble = self.runner.run(cell.source, self.seconds)
            words = reason or self._words(trouble, number)
            said[grade_id(cell)] = words
            if trouble and trouble.kind in (TOO_LONG, DIED):
                reason = words  # its other tests would fare no better
        return reason != verdicts.DIED

    def _answer(self, item: Item) -> tuple[str, int]:
        """Run an answer: why its tests need not run, and its number."""
        source = self.found.answers[item.name]
        trouble = self.runner.run(source, self.seconds)
        number = self.runner.count
        if trouble is None:
            return "", number
        return verdicts.of_answer(trouble, source, number), number

    def _words(self, trouble: Trouble | None, number: int) -> str:
        """What is said of a test that ended so; "" if it passed."""
        if trouble is None:
            return ""
        moved = _defined_elsewhere(trouble, self.found)
        if moved:
            return verdicts.ELSEWHERE.format(moved)
        return verdicts.of_test(trouble, number)


def _defined_elsewhere(trouble: Trouble, found: Submission) -> str:
    """The name that is missing, if a cell outside the sheet defines it."""
    if trouble.kind != "NameError" or "'" not in trouble.text:
        return ""
    name = trouble.text.split("'")[1]
    return name if name in verdicts.defined("\n\n".join(found.others)) else ""


def _lines(sheet: Sheet, said: dict[str, str]) -> Iterator[Line]:
    """The lines of the report, in the order of the sheet."""
    for item in sheet.items:
        if item.by_hand:
            words = verdicts.BY_HAND
            yield Line(item.number, item.name, None, item.points, words)
        for cell, points in item.tests.items():
            got = 0 if said[cell] else points
            yield Line(item.number, cell, got, points, said[cell])
