"""What nbgrader does without our repairs, and with them.

If one of the first tests fails, nbgrader has mended itself: a repair can go.
"""

import html
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.converters import GenerateFeedback
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteCells,
    OverwriteKernelspec,
)

from course.classroom import release as released
from course.classroom import sandbox
from course.classroom.cells import grade_id
from course.classroom.feedback import write_feedback
from course.classroom.gradebook import Class, release, roster
from course.classroom.grading import Terms, autograde
from course.classroom.marks import marks
from course.classroom.outcomes import outcomes

pytestmark = [
    pytest.mark.grading,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("classroom-repairs"),
]
KIT = Path(__file__).parents[2] / "classroom"
SHEET = "means-and-spreads"
SECRET = "rng(1).standard_normal(21)"
STOCK = {
    "Autograde": {
        "sanitize_preprocessors": [
            ClearOutput,
            DeduplicateIds,
            OverwriteKernelspec,
            OverwriteCells,
            CheckCellMetadata,
        ]
    },
    "IgnorePattern": {"enabled": False},
}
NOISY = """
import sys
def mean_and_sd(x):
    print("thinking", file=sys.stderr)
    return np.mean(x), np.std(x, ddof=1)
"""


def hand_in(a_class, student, change):
    one = a_class.sheet(SHEET)
    notebook = released.fill(released.release(one), one.answers)
    change(notebook)
    file = a_class.submission(student, SHEET)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(notebook))


def copied(notebook):
    notebook.cells += [
        c for c in notebook.cells if grade_id(c) == "mean-and-sd"
    ]


def deleted(notebook):
    lost = "mean-and-sd-mean"
    notebook.cells = [c for c in notebook.cells if grade_id(c) != lost]


def relabelled(notebook):
    for c in notebook.cells:
        if grade_id(c) == "mean-and-sd-mean":
            c.metadata.nbgrader.update(grade=False, solution=True, locked=False)


def noisy(notebook):
    for c in notebook.cells:
        if grade_id(c) == "mean-and-sd":
            c.source = NOISY


def fails(notebook):
    for c in notebook.cells:
        if grade_id(c) == "median-deviation":
            c.source = "median_deviation = np.std"


CHANGES = {
    "copied": copied,
    "deleted": deleted,
    "relabelled": relabelled,
    "noisy": noisy,
    "fails": fails,
}


def graded(root, settings):
    """A class of these, graded with some settings."""
    shutil.copy(KIT / "nbgrader_config.py", root)
    a_class = Class(root)
    (root / "students.csv").write_text("id\n" + "\n".join(CHANGES))
    roster(a_class, root / "students.csv")
    release(a_class, KIT / "private" / "sheets" / f"{SHEET}.py")
    for student, change in CHANGES.items():
        hand_in(a_class, student, change)
    terms = Terms(sandboxed=not sandbox.obstacle(), settings=settings)
    list(autograde(a_class, SHEET, terms=terms, students=None))
    return a_class


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    return graded(tmp_path_factory.mktemp("stock"), STOCK)


@pytest.fixture(scope="module")
def mended(tmp_path_factory):
    return graded(tmp_path_factory.mktemp("mended"), {})


def points(a_class):
    return {m.student: m.points for m in marks(a_class, SHEET)}


def test_without_repairs_honest_work_loses_its_marks(stock):
    assert points(stock) == {
        "copied": None,  # "old version": in one batch nobody gets a mark
        "deleted": 5.0,  # the point of the lost test waits for ever
        "relabelled": None,  # "inconsistent checksums"
        "noisy": 3.0,  # printing to stderr counts as an error
        "fails": 3.0,
    }
    said = (stock.root / "reports" / SHEET / "copied.log").read_text()
    assert "nbgrader update" in said


def test_with_repairs_each_gets_what_the_answers_deserve(mended):
    assert points(mended) == {
        "copied": 6.0,
        "deleted": 6.0,
        "relabelled": 6.0,
        "noisy": 6.0,
        "fails": 3.0,
    }
    assert all(o.graded for o in outcomes(mended, SHEET).values())


def test_without_repairs_feedback_prints_hidden_tests(mended, monkeypatch):
    stock_steps = GenerateFeedback.preprocessors.default_args[0]
    config = mended.config()
    config.GenerateFeedback.preprocessors = stock_steps
    monkeypatch.setattr(Class, "config", lambda self: config)
    mended.run("generate_feedback", SHEET, "fails")
    assert SECRET in words(mended, "fails")


def test_with_repairs_feedback_prints_the_message_only(mended):
    write_feedback(mended, SHEET)
    said = words(mended, "fails")
    assert SECRET not in said
    assert "AssertionError: For 1, 2, 4 and 9 the distances" in said
    assert "Traceback" not in said
    assert "(and hidden tests)" in said


def words(a_class, student):
    page = a_class.root / f"feedback/{student}/{SHEET}/{SHEET}.html"
    text = re.sub(r"<style.*?</style>", "", page.read_text(), flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def test_cells_come_back_in_their_places(mended):
    file = mended.root / f"autograded/deleted/{SHEET}/{SHEET}.ipynb"
    cells = nbformat.read(file, as_version=4).cells
    assert [grade_id(c) for c in cells if grade_id(c)] == [
        "mean-and-sd",
        "mean-and-sd-mean",
        "mean-and-sd-spread",
        "median-deviation",
        "median-deviation-value",
        "which-spread",
    ]
