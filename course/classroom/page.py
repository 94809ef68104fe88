"""A sheet as a page of the book: stubs shown, answers folded and executed."""

import copy
import re

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course.classroom import cells, markers, sheet
from course.classroom.cells import is_answer, is_test, is_written

FOLDED = ":class: dropdown"


def slug(title: str) -> str:
    """A title as the name of a file: lower-case words joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def read_page(text: str) -> NotebookNode:
    """The notebook that makes the page of a sheet.

    Sphinx calls it for every `.py` page (`nb_custom_formats`). Each exercise
    is a box; under it stand the stub, the folded answer, which runs, and the
    visible tests. Hidden tests are left out. What the .yml says is filled in
    by directives of the book, which know the name of the page.
    """
    notebook = sheet.read_text(text)
    first, *rest = notebook.cells
    title = first.source.split("\n")[0].removeprefix("# ").strip()
    name = slug(title)
    top = f"(sheet-{name})=\n# {title}\n\n```{{sheet-box}}\n```"
    made = [new_markdown_cell(top)]
    items = sheet.items(notebook)
    at = -1
    for cell in rest:
        if sheet.is_exercise(cell):
            at += 1
            made.append(_exercise(items[at], _label(name, items[at])))
        elif at < 0:
            made.append(_plain(cell))
        else:
            made += _worked(cell, _label(name, items[at]))
    notebook.cells = made
    return notebook


def _label(name: str, item: sheet.Item) -> str:
    """The label of an exercise, unique in the book."""
    return f"ex-{name}-{item.name}"


def _exercise(item: sheet.Item, label: str) -> NotebookNode:
    """The text of an exercise, in a box under a heading."""
    title = f"Exercise {item.number}: {item.title}"
    body = item.text.source.partition("\n")[2].strip()
    points = f"{item.points} point{'s' * (item.points > 1)}"
    return new_markdown_cell(
        f"## {title}\n\n:::::{{exercise}} {points}\n"
        f":label: {label}\n:nonumber:\n\n{body}\n:::::"
    )


def _worked(cell: NotebookNode, label: str) -> list[NotebookNode]:
    """What the page shows of a cell that belongs to an exercise."""
    if is_answer(cell):
        return _answer(cell, label)
    if is_written(cell):
        name = cells.grade_id(cell)
        text = f":::::{{solution}} {label}\n{FOLDED}\n\n{cell.source}\n\n"
        marking = f"```{{marking}} {name}\n```\n:::::"
        return [new_markdown_cell(text + marking)]
    return [_test(cell) if is_test(cell) else _plain(cell)]


def _answer(cell: NotebookNode, label: str) -> list[NotebookNode]:
    """The stub, and the answer folded."""
    solved = _plain(cell)
    solved.source = markers.unmarked(cell.source)
    start = f"```{{solution-start}} {label}\n{FOLDED}\n```"
    return [
        new_markdown_cell(f"```python\n{markers.stub(cell.source)}\n```"),
        new_markdown_cell(start),
        solved,
        new_markdown_cell("```{solution-end}\n```"),
    ]


def _test(cell: NotebookNode) -> NotebookNode:
    """The visible tests, folded."""
    shown, points = _plain(cell), cells.points(cell)
    shown.source = markers.shown(cell.source)
    prompt = f"Show the tests ({points} point{'s' * (points > 1)})"
    shown.metadata["tags"] = ["hide-input"]
    shown.metadata["mystnb"] = {"code_prompt_show": prompt}
    return shown


def _plain(cell: NotebookNode) -> NotebookNode:
    """A copy of a cell without what nbgrader and jupytext say of it."""
    kept = copy.deepcopy(cell)
    for key in ("nbgrader", "lines_to_next_cell"):
        kept.metadata.pop(key, None)
    return kept
