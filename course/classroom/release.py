"""From a sheet to nbgrader: the source, the students' notebook, the marks."""

import copy
import logging
import os
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from course.classroom import markers, sheet
from course.classroom.cells import grade_id, is_answer
from course.classroom.sheet import Sheet

ASSIGNMENT = "sheet"  # the name of the assignment in a folder of its own
WRITE_HERE = "*Write your answer here.*"
GOES_ON = "raises-exception"  # Jupyter runs the cells below a failing one
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
Marks = dict[str, tuple[float | None, float]]


def source(one: Sheet) -> NotebookNode:
    """The instructor's version as a notebook that nbgrader can release.

    It carries no pairing with a text file, which could bring answers back.
    Cells that fail until the answers are there let Jupyter go on.
    """
    notebook, begun = copy.deepcopy(one.notebook), False
    notebook.metadata = NotebookNode(
        kernelspec=dict(KERNEL), language_info={"name": "python"}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        _tidy(cell)
        begun = begun or is_answer(cell)
        if begun and cell.cell_type == "code" and not is_answer(cell):
            cell.metadata.setdefault("tags", []).append(GOES_ON)
    return notebook


def _tidy(cell: NotebookNode) -> None:
    """Drop what text notebooks and the book's pages keep in a cell."""
    for key in ("lines_to_next_cell", "mystnb"):
        cell.metadata.pop(key, None)
    if sheet.is_exercise(cell):
        cell.metadata.pop("tags")


def settings() -> dict:
    """What nbgrader must know of the format, by class, for its config."""
    return {
        "ClearSolutions": {
            "code_stub": {"python": markers.STUB},
            "text_stub": WRITE_HERE,
        },
        "Execute": {"timeout": 60},
    }


def release(one: Sheet) -> NotebookNode:
    """The notebook for students: stubs, visible tests, no outputs.

    Made by the steps of `nbgrader generate_assignment`, in its order and
    without its data base.
    """
    from nbgrader.converters.generate_assignment import GenerateAssignment
    from nbgrader.preprocessors import InstantiateTests, SaveCells
    from traitlets.config import Config

    notebook = source(one)
    resources = {"metadata": {"path": ""}, "unique_key": one.name}
    skipped = {InstantiateTests, SaveCells}  # they need a course folder
    config = Config(settings())
    log = logging.getLogger(__name__)
    for step in GenerateAssignment(config=config).preprocessors:
        if step not in skipped:
            made = step(config=config, log=log)
            notebook, resources = made.preprocess(notebook, resources)
    return notebook


def fill(notebook: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """A copy of a notebook with these sources in these cells, by grade_id.

    Raises:
        ValueError: the notebook has no such cell.
    """
    filled = copy.deepcopy(notebook)
    cells = {grade_id(c): c for c in filled.cells if grade_id(c)}
    for name, text in answers.items():
        if name not in cells:
            raise ValueError(
                f"there is no cell {name!r} to fill in, only {sorted(cells)}"
            )
        cells[name]["source"] = text
    return filled


def grade(
    one: Sheet,
    submissions: Mapping[str, NotebookNode],
    folder: Path,
    *,
    config: Mapping | None = None,
) -> dict[str, Marks]:
    """Release a sheet in a folder and grade notebooks with nbgrader.

    Args:
        one: the sheet.
        submissions: the notebooks of students, by name.
        folder: an empty folder, with its full path.
        config: more of nbgrader's options, by class.

    Returns:
        For every student, the points of every graded cell and what it could
        give; the points are None where a person marks.

    Raises:
        RuntimeError: nbgrader failed; the message is its log.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    with surroundings() as kernels:
        options = Config(settings() | kernels | dict(config or {}))
        options.CourseDirectory.root = str(folder)
        options.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        api = NbGraderAPI(config=options)
        place = folder / "source" / ASSIGNMENT / f"{one.name}.ipynb"
        _write(source(one), place)
        _succeed(api.generate_assignment, ASSIGNMENT)
        for student, notebook in submissions.items():
            place = folder / "submitted" / student / ASSIGNMENT
            _write(notebook, place / f"{one.name}.ipynb")
        _succeed(api.autograde, ASSIGNMENT, "*")
        return _marks(options.CourseDirectory.db_url)


@contextmanager
def surroundings() -> Iterator[dict]:
    """What nbgrader needs around it; options that keep kernels apart.

    It starts a program by its name, which lies beside Python and perhaps not
    on the path. Kernels that choose network ports at the same time may choose
    the same; where there are sockets with names, they get such.
    """
    before = os.environ.get("PATH", "")
    folder = sysconfig.get_path("scripts")
    os.environ["PATH"] = os.pathsep.join([folder, before])
    with TemporaryDirectory(prefix="k-") as short, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its data base
        own = {"transport": "ipc", "ip": f"{short}/k"}
        try:
            yield {"KernelManager": own} if os.name == "posix" else {}
        finally:
            os.environ["PATH"] = before


def _write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _succeed(step: Callable, *arguments: str) -> None:
    """Take a step of nbgrader."""
    result = step(*arguments)
    if not result["success"]:
        raise RuntimeError(f"{result['log']}\n{result.get('error', '')}")


def _marks(url: str) -> dict[str, Marks]:
    """What the gradebook says."""
    from nbgrader.api import Gradebook

    with Gradebook(url) as book:
        return {
            submission.student_id: {
                grade.name: (grade.auto_score, grade.max_score)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in book.assignment_submissions(ASSIGNMENT)
        }
