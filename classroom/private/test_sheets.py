"""Every sheet here, graded with answers whose marks are known: `pytest`."""

from pathlib import Path

import pytest

from course.classroom import library, release

SHEETS = sorted(Path(__file__).parent.glob("sheets/*.py"))


@pytest.fixture(scope="module", params=SHEETS, ids=lambda path: path.stem)
def sheet(request):
    """A sheet; one that breaks the format is refused."""
    return library.load(request.param)


@pytest.fixture(scope="module")
def marks(sheet, tmp_path_factory):
    """What nbgrader gives for each answer to each test cell."""
    blank = release.release(sheet)
    answers = {"instructor": sheet.answers, "untouched": {}}
    answers |= {w.name: sheet.answers | w.answers for w in sheet.about.wrong}
    notebooks = {name: release.fill(blank, a) for name, a in answers.items()}
    folder = tmp_path_factory.mktemp(sheet.name).resolve()
    return release.grade(sheet, notebooks, folder)


def test_each_answer_gets_the_points_that_it_deserves(sheet, marks):
    """Right answers get everything, wrong ones lose exactly their points."""
    deserved = {w.name: sheet.tests | w.points for w in sheet.about.wrong}
    deserved["instructor"] = sheet.tests
    deserved["untouched"] = dict.fromkeys(sheet.tests, 0)
    for name, points in deserved.items():
        assert {cell: marks[name][cell][0] for cell in points} == points, name


def test_students_see_neither_answers_nor_hidden_tests(sheet):
    """What is handed out keeps the secrets."""
    assert sheet.leaks(release.release(sheet)) == set()
