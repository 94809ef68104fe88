"""Every exercise sheet of the book, end to end through nbgrader."""

import nbformat
import pytest
from sheet_marks import expected, submissions

from course.classroom import library, markers, release, submission, verdicts
from course.classroom.cells import grade_id, is_test, is_written
from course.classroom.page import read_page
from tools import addresses, chapters

FOLDER = addresses.ROOT / "book" / "exercises"
FILES = [
    pytest.param(path, id=path.stem, marks=pytest.mark.xdist_group(path.stem))
    for path in sorted(FOLDER.glob("*.py"))
]


@pytest.fixture(scope="module", params=FILES)
def sheet(request):
    return library.load(request.param)


@pytest.fixture(scope="module")
def released(sheet):
    return release.release(sheet)


@pytest.fixture(scope="module")
def graded(sheet, released, tmp_path_factory):
    """The folder in which nbgrader worked, and the marks that it gave."""
    folder = tmp_path_factory.mktemp(sheet.name).resolve()
    notebooks = {
        student: release.fill(released, answers)
        for student, answers in submissions(sheet).items()
    }
    return folder, release.grade(sheet, notebooks, folder)


# -- marks ---------------------------------------------------------------------


@pytest.mark.grading
@pytest.mark.timeout(900)
def test_every_answer_gets_the_points_that_it_deserves(sheet, graded):
    _, marks = graded
    wanted = expected(sheet)
    assert set(marks) == set(wanted)
    for student, points in wanted.items():
        got = {cell: marks[student][cell][0] for cell in sheet.tests}
        assert got == points, student


@pytest.mark.grading
def test_a_person_marks_what_is_written(sheet, graded):
    _, marks = graded
    for item in sheet.items:
        if item.by_hand:
            assert marks["instructor"][item.name] == (None, item.points)
            assert marks["untouched"][item.name] == (0, item.points)


@pytest.mark.grading
def test_nbgrader_releases_what_students_download(sheet, released, graded):
    folder, _ = graded
    path = folder / "release" / release.ASSIGNMENT / f"{sheet.name}.ipynb"
    assert nbformat.read(path, as_version=4) == released


@pytest.mark.grading
def test_an_untouched_notebook_runs_to_its_end(sheet, graded):
    folder, _ = graded
    place = folder / "autograded" / "untouched" / release.ASSIGNMENT
    notebook = nbformat.read(place / f"{sheet.name}.ipynb", as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(c.execution_count for c in code if c.source)
    failed = [
        c for c in code if any(o.output_type == "error" for o in c.outputs)
    ]
    assert failed
    for cell in failed:
        assert release.GOES_ON in cell.metadata.get("tags", []), cell.source


# -- what students see ---------------------------------------------------------


def test_students_see_neither_answers_nor_hidden_tests(sheet, released):
    assert sheet.secrets
    assert sheet.leaks(released) == set()
    assert not any(cell.get("outputs") for cell in released.cells)
    assert "jupytext" not in released.metadata


def test_the_page_shows_the_stub_that_students_get(sheet, released):
    text = (FOLDER / f"{sheet.name}.py").read_text(encoding="utf8")
    page = [c.source for c in read_page(text).cells]
    cells = {grade_id(c): c.source for c in released.cells}
    for name, stub in sheet.stubs.items():
        assert cells[name] == stub
        assert f"```python\n{stub}\n```" in page
        assert sheet.answers[name] in page


def test_the_page_shows_no_hidden_test(sheet):
    text = (FOLDER / f"{sheet.name}.py").read_text(encoding="utf8")
    page = read_page(text).cells
    lines = {ln.strip() for c in page for ln in c.source.splitlines()}
    assert not any("HIDDEN" in line or "SOLUTION" in line for line in lines)
    for cell in filter(is_test, sheet.cells):
        hidden = markers.hidden_lines(cell.source, "\n".join(lines))
        shown = markers.shown(cell.source)
        assert set(shown.splitlines()) <= {
            ln for c in page for ln in c.source.splitlines()
        }
        assert not hidden & lines


def test_who_has_not_begun_is_told_so(sheet, released, tmp_path):
    nbformat.write(released, tmp_path / "mine.ipynb")
    found = submission.read(tmp_path / "mine.ipynb", sheet)
    for item in sheet.items:
        if not item.by_hand:
            assert verdicts.missing(item, found, sheet) == verdicts.NOT_DONE


# -- what the .yml says --------------------------------------------------------


def test_prerequisites_are_chapters_and_are_named(sheet):
    known = {
        page.name: page for page in map(chapters.Page, chapters.chapters())
    }
    opening = " ".join(sheet.cells[0].source.split())
    for name in sheet.about.chapters:
        page = known[f"book/{name}"]
        assert page.headings[0].text in opening


def test_a_sheet_is_an_hour_of_varied_work(sheet):
    assert 60 <= sheet.about.minutes <= 90
    assert 4 <= len(sheet.items) <= 8
    assert 15 <= sheet.points <= 25
    written = [c for c in sheet.cells if is_written(c)]
    assert len(written) == 1
    assert 6 <= len(sheet.about.wrong) <= 14
    assert 2 <= len(sheet.about.discussion) <= 3


def test_a_sheet_is_in_the_table_of_contents(sheet):
    assert f"book/exercises/{sheet.name}" in chapters.contents()


def test_a_picture_is_described(sheet):
    for cell in sheet.cells:
        if "plt.show()" in cell.source:
            drawn = cell.metadata["mystnb"]
            assert len(drawn["image"]["alt"].split()) > 6
            assert drawn["figure"]["name"].startswith("fig-")
            assert drawn["figure"]["caption"]
