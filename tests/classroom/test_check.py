"""Who learns alone gets a table of help, whatever the notebook looks like."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from sheet_marks import FACTS, TEXT, small

from course.classroom import __main__ as command
from course.classroom import checking, library, release, verdicts
from tools import addresses

ROOT = addresses.ROOT
SLOW = """
def total(x):
    while True:
        pass
"""
ENDS = """
def total(x):
    import os
    os._exit(1)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the small sheet, which is also the current folder."""
    folder = tmp_path / "book" / "exercises"
    folder.mkdir(parents=True)
    (folder / "small-sums.py").write_text(TEXT, encoding="utf8")
    (folder / "small-sums.yml").write_text(FACTS, encoding="utf8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notebook(answer=None):
    """The students' notebook, with this answer."""
    made = release.release(small())
    return release.fill(made, {} if answer is None else {"total": answer})


def says(answer, seconds=10.0, change=None):
    """What is said of each test of this answer."""
    made = notebook(answer)
    if change:
        change(made)
    nbformat.write(made, "mine.ipynb")
    path = library.Path("mine.ipynb")
    lines = checking.check(small(), path, seconds=seconds)
    assert lines[-1] == checking.Line(2, "why", None, 2, verdicts.BY_HAND)
    assert all((line.got == line.of) == (not line.says) for line in lines[:-1])
    return [line.says for line in lines[:-1]]


RIGHT = "def total(x):\n    return math.fsum(x)\n"


def test_a_right_answer_gets_all_points(place):
    assert says(RIGHT) == ["", ""]


def test_a_failing_test_says_its_sentence(place):
    assert says("def total(x):\n    return sum(x)\n") == [
        "",
        "mind the rounding of each step",
    ]


def test_hidden_tests_count(place):
    first = "def total(x):\n    return math.fsum([x[0], *x[1:]])\n"
    assert says(first) == [
        "stops with IndexError in line 2 of your answer: list index out of "
        "range",
        "",
    ]


def test_nothing_runs_for_an_untouched_notebook(place, monkeypatch):
    monkeypatch.setattr(checking, "kernel", None)
    assert says(None) == ["not done yet"] * 2
    assert says("  \n") == ["not done yet"] * 2


def test_a_half_written_answer_is_not_done(place):
    half = 'def total(x):\n    raise NotImplementedError("not done yet")\n'
    assert says(half) == ["not done yet"] * 2


def test_a_syntax_error_is_named_with_its_line(place):
    broken = "def total(x):\n    return math.fsum(x\n"
    (first, _) = found = says(broken)
    assert first.startswith("does not run: SyntaxError in line 2")
    assert "'(' was never closed" in first
    assert found == [first] * 2


def test_a_loop_is_stopped_and_not_called_again(place):
    sentence = "stopped after 1 s: does a loop never end?"
    assert says(SLOW, seconds=1.0) == [sentence] * 2


def test_an_answer_that_ends_python_spoils_itself_only(place):
    assert says(ENDS) == [verdicts.DIED] * 2


# -- cells that were moved, copied, deleted ------------------------------------


def cell(made, name):
    """The cell of this grade_id."""
    marks = [c.metadata.get("nbgrader", {}) for c in made.cells]
    return made.cells[[m.get("grade_id") for m in marks].index(name)]


def test_edited_and_deleted_tests_do_not_matter(place):
    def change(made):
        cell(made, "total-value")["source"] = "pass"
        made.cells.remove(cell(made, "total-exact"))

    assert says("def total(x):\n    return 3\n", change=change) == [
        "an empty list has the sum zero",
        "mind the rounding of each step",
    ]


def test_a_copied_answer_must_be_chosen(place):
    def copy(made):
        again = nbformat.from_dict(cell(made, "total"))
        made.cells.append(nbformat.v4.new_code_cell("1", id="again"))
        made.cells[-1].metadata = again.metadata

    sentence = verdicts.TWICE.format("total")
    assert says(RIGHT, change=copy) == [sentence] * 2


def test_a_deleted_answer_is_named(place):
    def drop(made):
        cell(made, "total").metadata.nbgrader["grade_id"] = "other"
        cell(made, "other")["source"] = "1"

    nothing = verdicts.GONE.format("total")
    made = notebook(None)
    drop(made)
    made.cells.append(nbformat.v4.new_markdown_cell("x", id="x"))
    made.cells[-1].metadata["nbgrader"] = {"grade_id": "why"}
    nbformat.write(made, "mine.ipynb")
    lines = checking.check(small(), library.Path("mine.ipynb"))
    assert [line.says for line in lines[:2]] == [nothing] * 2


def test_an_answer_in_a_new_cell_is_to_be_moved(place):
    def add(made):
        made.cells.append(nbformat.v4.new_code_cell(RIGHT, id="mine"))

    sentence = verdicts.ELSEWHERE.format("total")
    assert says(None, change=add) == [sentence] * 2


def test_a_helper_in_a_new_cell_is_to_be_moved(place):
    def add(made):
        helper = "def plus(x):\n    return math.fsum(x)\n"
        made.cells.insert(2, nbformat.v4.new_code_cell(helper, id="mine"))

    answer = "def total(x):\n    return plus(x)\n"
    sentence = verdicts.ELSEWHERE.format("plus")
    assert says(answer, change=add) == [sentence] * 2


# -- the command line ----------------------------------------------------------


def run(*arguments, capsys):
    """The exit code, what is printed, what is complained about."""
    code = command.main([str(a) for a in arguments])
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return code, printed.out, " ".join(printed.err.split())


def test_the_report_is_a_table(place, capsys):
    nbformat.write(notebook("def total(x):\n    return sum(x)\n"), "m.ipynb")
    code, out, _ = run("check", "small-sums", "m.ipynb", capsys=capsys)
    assert code == 0
    assert out.startswith("Small sums: 2 of 3 points by tests, 2 more by hand")
    rows = [line.split(maxsplit=3) for line in out.splitlines()[2:]]
    assert rows[0] == ["1", "total-value", "2/2", "right"]
    assert rows[1][:3] == ["1", "total-exact", "0/1"]
    assert rows[2][:3] == ["2", "why", "–/2"]
    assert max(map(len, out.splitlines())) <= command.WIDTH


def test_tools_read_json(place, capsys):
    nbformat.write(notebook(None), "m.ipynb")
    sheet = place / "book" / "exercises" / "small-sums.py"
    code, out, _ = run("check", sheet, "m.ipynb", "--json", capsys=capsys)
    facts = json.loads(out)
    assert (code, facts["sheet"]) == (0, "small-sums")
    assert (facts["got"], facts["of"], facts["by_hand"]) == (0, 3, 2)
    assert facts["lines"][0] == {
        "exercise": 1,
        "cell": "total-value",
        "got": 0,
        "of": 2,
        "says": "not done yet",
    }


def test_the_sheets_are_listed(place, capsys):
    code, out, _ = run("list", capsys=capsys)
    assert code == 0
    assert out == (
        "small-sums  60 minutes, 5 points, after learning/linear-models\n"
    )
    _, out, _ = run("list", "--json", capsys=capsys)
    assert json.loads(out)[0]["name"] == "small-sums"


DAMAGED = {
    "not-there": (None, "there is no file"),
    "not-json": ("{'cells': [", "does not read as JSON"),
    "not-text": (b"\xff\xfe\x00", "does not read as JSON"),
    "no-notebook": ("[1, 2]", "has no list of cells"),
    "old": ('{"worksheets": [], "nbformat": 3}', "has no list of cells"),
    "empty": ('{"cells": []}', "none of the answer cells of small-sums"),
    "no-metadata": (
        '{"cells": [7, {"cell_type": "code", "source": ["def total"]}, '
        '{"metadata": {"nbgrader": 1}}]}',
        "none of the answer cells of small-sums",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_notebook_gets_a_sentence(place, capsys, name):
    content, words = DAMAGED[name]
    path = place / "mine.ipynb"
    if content is not None:
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(content)
    code, out, err = run("check", "small-sums", path, capsys=capsys)
    assert (code, out) == (2, "")
    assert words in err


def test_an_unknown_sheet_gets_a_sentence(place, capsys):
    code, _, err = run("check", "smal-sums", "m.ipynb", capsys=capsys)
    assert code == 2
    assert "one of small-sums" in err


def test_the_command_runs_from_the_checkout(tmp_path):
    sheet = library.load(ROOT / "book/exercises/fitting-and-margins.py")
    made = release.fill(release.release(sheet), sheet.answers)
    nbformat.write(made, tmp_path / "mine.ipynb")
    call = [sys.executable, "-m", "course.classroom", "check"]
    done = subprocess.run(
        [*call, sheet.name, tmp_path / "mine.ipynb", "--seconds", "60"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    points = sum(sheet.tests.values())
    assert f"{points} of {points} points by tests" in done.stdout
