"""A sheet as it is written: its exercises, its cells, what it is for."""

import re
from dataclasses import dataclass, field
from functools import cached_property

import jupytext
from nbformat import NotebookNode

from course.classroom import about, cells, markers
from course.classroom.cells import grade_id, is_answer, is_test, is_written


@dataclass
class Item:
    """One exercise: its text, its answer cell and the tests of this answer."""

    number: int
    title: str
    points: int
    text: NotebookNode
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def answer(self) -> NotebookNode:
        """The cell in which the student works."""
        return next(c for c in self.cells if is_answer(c) or is_written(c))

    @property
    def name(self) -> str:
        """The grade_id of the answer."""
        return grade_id(self.answer)

    @property
    def by_hand(self) -> bool:
        """Whether a person marks it: the answer is words."""
        return is_written(self.answer)

    @property
    def tests(self) -> dict[str, int]:
        """The points of every test cell, by grade_id."""
        found = [c for c in self.cells if is_test(c)]
        return {grade_id(c): cells.points(c) for c in found}


@dataclass
class Sheet:
    """A sheet, checked: `course.classroom.library` reads them.

    Attributes:
        name: the name of the file, such as fitting-and-margins.
        notebook: all cells, with the instructor's answers.
        about: what stands in the .yml.
        items: the exercises, in order.
    """

    name: str
    notebook: NotebookNode
    about: about.About
    items: list[Item]

    @property
    def cells(self) -> list[NotebookNode]:
        """All cells, in order."""
        return self.notebook.cells

    @property
    def points(self) -> int:
        """What a perfect sheet gets, with the answers marked by hand."""
        return sum(item.points for item in self.items)

    @cached_property
    def answers(self) -> dict[str, str]:
        """The instructor's answer in every answer cell, by grade_id."""
        found = [c for c in self.cells if is_answer(c) or is_written(c)]
        return {grade_id(c): markers.unmarked(c.source) for c in found}

    @cached_property
    def stubs(self) -> dict[str, str]:
        """What stands in every answer cell before the student begins."""
        found = [c for c in self.cells if is_answer(c)]
        return {grade_id(c): markers.stub(c.source) for c in found}

    @cached_property
    def tests(self) -> dict[str, int]:
        """The points of every test cell, by grade_id."""
        return {k: n for item in self.items for k, n in item.tests.items()}

    @cached_property
    def secrets(self) -> set[str]:
        """The lines of answers and hidden tests, none of which may leak."""
        shown = "\n".join(map(_shown, self.cells))
        return set().union(
            *(markers.hidden_lines(c.source, shown) for c in self.cells)
        )

    def leaks(self, notebook: NotebookNode) -> set[str]:
        """What a student's notebook shows of answers and hidden tests.

        Short lines are looked for as lines, longer ones anywhere in the text;
        a visible line of code may begin like a hidden one.
        """
        sources = "\n".join(cell.source for cell in notebook.cells)
        lines = {line.strip() for line in sources.splitlines()}
        long = {s for s in self.secrets if len(s) > 14 and s in sources}
        code = [_shown(c) for c in self.cells if c.cell_type == "code"]
        alike = [line.strip() for text in code for line in text.splitlines()]
        quoted = {s for s in long if not any(t.startswith(s) for t in alike)}
        words = {w for w in ("SOLUTION", "HIDDEN") if w in sources}
        return self.secrets & lines | quoted | words


def _shown(cell: NotebookNode) -> str:
    """What a student sees of a cell."""
    if is_written(cell):
        return ""
    return markers.shown(markers.stub(cell.source))


HEADING = re.compile(r"## Exercise (\d+) \((\d+) points?\): (\S.*)")


def read_text(text: str) -> NotebookNode:
    """The cells of a sheet as it is written, unchecked."""
    return jupytext.reads(text, fmt="py:percent")


def is_exercise(cell: NotebookNode) -> bool:
    """Whether this is the text of an exercise."""
    return "exercise" in cell.metadata.get("tags", [])


def items(notebook: NotebookNode) -> list[Item]:
    """The exercises of a notebook; cells before the first belong to none.

    Raises:
        ValueError: the heading of an exercise does not say number and points.
    """
    found = []
    for cell in notebook.cells:
        if is_exercise(cell):
            match = HEADING.fullmatch(cell.source.split("\n")[0].strip())
            if not match:
                raise ValueError(
                    "an exercise must begin with a line such as '## Exercise 2 "
                    f"(3 points): title', not {cell.source.split(chr(10))[0]!r}"
                )
            found.append(Item(int(match[1]), match[3], int(match[2]), cell))
        elif found:
            found[-1].cells.append(cell)
    return found
