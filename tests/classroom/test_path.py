"""The path from release to marks, as the page for teachers shows it."""

import contextlib
import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import nbformat
import pytest

from course.classroom import library, release, sandbox
from course.classroom.__main__ import main
from course.classroom.collect import collect
from course.classroom.gradebook import Class, roster
from course.classroom.grading import Terms
from course.classroom.marking import read_table, write_tables
from course.classroom.marks import export, marks

pytestmark = [
    pytest.mark.grading,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("classroom-path"),
]
ROOT = Path(__file__).parents[2]
KIT = ROOT / "classroom"
PAGE = ROOT / "book" / "teachers" / "grading.md"
SHEET = "means-and-spreads"
ONE = library.load(KIT / "private" / "sheets" / f"{SHEET}.py")
TABLE = f"marks/{SHEET}/which-spread.csv"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


def work(**answers):
    """A notebook with the instructor's answers, or others."""
    names = {name.replace("-", "_"): name for name in ONE.answers}
    changed = {names[key]: text for key, text in answers.items()}
    return release.fill(release.release(ONE), ONE.answers | changed)


def wrong(name):
    """The answers of a wrong answer of the sheet."""
    (found,) = (w for w in ONE.about.wrong if w.name == name)
    return {k.replace("-", "_"): text for k, text in found.answers.items()}


def archive(file, members):
    """A .zip file of names with times, and what they hold."""
    with ZipFile(file, "w") as files:
        for (name, when), content in members.items():
            info = ZipInfo(name, date_time=when)
            if not isinstance(content, str):
                content = json.dumps(content)
            files.writestr(info, content)


SAID = {
    "ada": "The median deviation. Stray values hardly move it, but without "
    "them it is the less certain of the two.",
    "bo": "The median deviation, because stray values hardly move it.",
    "cleo": "The median deviation; half of the values may be anywhere.",
    "finn": "The standard deviation, as always.",
}


def edited():
    """Wrong answers, with tests that let them pass."""
    notebook = work(**wrong("distance-from-mean"), which_spread=SAID["finn"])
    for cell in notebook.cells:
        if "assert" in cell.source:
            cell.source = "assert True"
    return notebook


WEEK_END = (2026, 11, 1)
CANVAS = {
    ("byströmada_4711_90211_means-and-spreads.ipynb", (*WEEK_END, 9, 2, 0)): (
        work(which_spread=SAID["ada"])
    ),
    ("chenbo_4712_90212_means-and-spreads.ipynb", (*WEEK_END, 11, 58, 0)): (
        work(**wrong("divides-by-n"), which_spread=SAID["bo"])
    ),
    (
        "dufourcleo_4713_90213_means-and-spreads.ipynb",
        (*WEEK_END, 10, 30, 0),
    ): work(**wrong("median-for-mean")),
    (
        "dufourcleo_LATE_4713_90299_means-and-spreads-1.ipynb",
        (*WEEK_END, 12, 40, 0),
    ): work(which_spread=SAID["cleo"]),
    ("ezedan_4714_90214_means-and-spreads.ipynb", (*WEEK_END, 8, 0, 0)): (
        work(mean_and_sd="import os\nos._exit(0)")
    ),
    ("fischereva_4715_90215_my answers.docx", (*WEEK_END, 8, 0, 0)): "?",
    ("grayfinn_4716_90216_means-and-spreads.ipynb", (*WEEK_END, 8, 0, 0)): (
        edited()
    ),
}
POINTS = {"ada": (1, 1), "bo": (1, 0), "cleo": (1, 0)}  # of the rubric


def fill_in(folder):
    """Do what a marker does between two commands of the page."""
    with open(folder / TABLE, newline="") as text:
        head, *rows = csv.reader(text)
    for row in rows:
        row[3:5] = POINTS.get(row[0], (0, 0))
    rows[1][5] = "What does it cost?"
    with open(folder / TABLE, "w", newline="") as text:
        csv.writer(text).writerows([head, *rows])


def commands(page):
    """Commands of the page, and what it says that they print."""
    for block in BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, printed = part.partition("\n")
            while command.endswith("\\"):
                more, _, printed = printed.partition("\n")
                command = f"{command[:-1]}{more.lstrip('> ')}"
            yield command, printed


MODULE = "python -m course.classroom "


def run(command, folder):
    """What a command prints in the folder of the class.

    The first command of the course runs as a program, the others in here,
    which is faster.
    """
    if sandbox.obstacle() and " autograde " in command:
        command += " --unsandboxed"
    if command.startswith(MODULE) and " roster " not in command:
        said = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(said):
            main(shlex.split(command.removeprefix(MODULE)))
        return said.getvalue()
    beside = os.path.dirname(sys.executable)
    path = f"{beside}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """For each command of the page, what it says and what came."""
    place = tmp_path_factory.mktemp("page")
    (place / "learning-to-generate").symlink_to(ROOT)
    folder = place / "my-class"
    found = []
    for command, said in commands(PAGE.read_text()):
        inside = folder if folder.exists() else place
        if " collect " in command:
            archive(folder / "submissions.zip", CANVAS)
        if command == f"cat {TABLE}":
            fill_in(folder)
        found.append((command, said, run(command, inside)))
    return folder, found


def test_the_page_shows_what_its_commands_print(printed):
    _, found = printed
    assert len(found) > 10
    for command, said, came in found:
        assert came.replace("\r", "") == said, command


def test_marks_are_those_that_the_answers_deserve(printed):
    found = {m.student: m for m in marks(Class(printed[0]), SHEET)}
    points = {name: m.points for name, m in found.items()}
    assert points == {
        "ada": 8.0,
        "bo": 5.0,
        "cleo": 7.0,
        "dan": None,
        "eva": 0.0,
        "finn": 3.0,
    }
    assert found["eva"].remark == "absent"
    assert found["cleo"].remark == "late"
    assert "the kernel died" in found["dan"].remark


def test_feedback_shows_the_rubric_and_the_comment(printed):
    page = printed[0] / f"feedback/bo/{SHEET}/{SHEET}.html"
    text = page.read_text()
    assert "1 of 1: Chooses the median deviation" in text
    assert "What does it cost?" in text
    assert "default_rng" not in text


def test_work_that_changed_after_marking_waits_for_a_marker(printed):
    folder = printed[0]
    run(f"python -m course.classroom autograde {SHEET} --student bo", folder)
    found = {m.student: m for m in marks(Class(folder), SHEET)}
    assert found["bo"].remark == "waits for a marker"
    again = read_table(Class(folder), SHEET, folder / TABLE)
    found = {m.student: m for m in marks(Class(folder), SHEET)}
    assert (again, found["bo"].remark, found["bo"].points) == (4, "", 5.0)


def test_the_page_names_the_limits_of_the_code():
    text = " ".join(PAGE.read_text().split())
    box = sandbox.LIMITS
    minutes = (Terms().seconds // 60, box["BOX_CPU"] // 60)
    assert f"a limit of {minutes[0]} minutes" in text
    row = f"{box['BOX_MEMORY'] // 2**30} GiB a process, {minutes[1]} minutes"
    row += f", {box['BOX_PROCESSES']} processes"
    assert f"{row}, files of {box['BOX_FILE'] // 10**6} MB" in text
    assert release.settings()["Execute"]["timeout"] == 60  # "one minute"


# -- one step at a time --------------------------------------------------------


@pytest.fixture
def a_class(printed, tmp_path):
    """A class with the same gradebook, and nothing handed in."""
    for name in ("gradebook.db", "nbgrader_config.py"):
        shutil.copy(printed[0] / name, tmp_path)
    for name in ("sheets", "release"):
        shutil.copytree(printed[0] / name, tmp_path / name)
    return Class(tmp_path)


NOON = (2026, 10, 30, 12, 0, 0)
MOODLE = {
    (f"Ada Byström_1203_assignsubmission_file_/{SHEET}.ipynb", NOON): "ada",
    (f"Chen Bo_1204_assignsubmission_file_{SHEET}.ipynb", NOON): "bo",
    ("Cleo Dufour_1205_assignsubmission_file/mine.ipynb", NOON): "cleo",
    ("Dan Eze_1206_assignsubmission_onlinetext_/text.html", NOON): "text",
    ("Eve Fisher_1207_assignsubmission_file_/x.ipynb", NOON): "eve",
    ("__MACOSX/._Ada.ipynb", NOON): "x",
    ("../../outside.ipynb", NOON): "x",
}


def test_moodle_knows_students_by_name(a_class, tmp_path):
    archive(tmp_path / "moodle.zip", MOODLE)
    report = collect(a_class, SHEET, tmp_path / "moodle.zip")
    assert list(report.taken) == ["ada", "bo", "cleo"]
    for name in report.taken:
        assert a_class.submission(name, SHEET).read_text() == name
    said = {Path(k).name: why for k, why in report.skipped.items()}
    assert said == {
        "text.html": "not a notebook",
        "x.ipynb": "looked for Eve Fisher in the roster: not there",
        "._Ada.ipynb": "a file of an operating system",
        "outside.ipynb": "a name neither of Canvas nor of Moodle",
    }
    assert "skipped ../../outside.ipynb" in str(report)
    assert not (tmp_path.parent.parent / "outside.ipynb").exists()


def test_an_older_archive_does_not_undo_a_newer_one(a_class, tmp_path):
    name = f"chenbo_4712_1_{SHEET}.ipynb"
    for day, text in ((20, "new"), (19, "old"), (20, "same time")):
        archive(tmp_path / "c.zip", {(name, (2026, 10, day, 9, 0, 0)): text})
        report = collect(a_class, SHEET, tmp_path / "c.zip")
        if text == "old":
            assert report.skipped == {name: "bo has a newer one"}
    assert a_class.submission("bo", SHEET).read_text() == "same time"


def test_two_of_one_name_are_told_apart_by_number_only(a_class, tmp_path):
    with a_class.gradebook() as book:
        book.update_or_create_student("bo2", first_name="Bo", last_name="Chen")
    named = f"Bo Chen_7_assignsubmission_file_/{SHEET}.ipynb"
    numbered = f"chenbo_4712_1_{SHEET}.ipynb"
    archive(tmp_path / "x.zip", {(named, NOON): "?", (numbered, NOON): "bo"})
    report = collect(a_class, SHEET, tmp_path / "x.zip")
    assert list(report.taken) == ["bo"]
    assert "may be bo or bo2" in report.skipped[named]


def test_large_files_and_other_files_are_refused(a_class, tmp_path):
    name = f"chenbo_4712_1_{SHEET}.ipynb"
    archive(tmp_path / "x.zip", {(name, NOON): "x" * 20_000_001})
    report = collect(a_class, SHEET, tmp_path / "x.zip")
    assert report.skipped == {name: "larger than 20 MB"}
    (tmp_path / "not.zip").write_text("x")
    with pytest.raises(ValueError, match=r"expected a \.zip file"):
        collect(a_class, SHEET, tmp_path / "not.zip")
    with pytest.raises(ValueError, match=r"time zone such as .*'Mars'"):
        collect(a_class, SHEET, tmp_path / "x.zip", zone="Mars")
    with pytest.raises(ValueError, match="was not released"):
        collect(a_class, "other", tmp_path / "x.zip")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\nada\n", r"expected the columns \['id'\]"),
        ("id,phone\nada,1\n", "phone"),
        ("id\nada\nada\n", "row 3: .*found 'ada'"),
        ("id\n../etc\n", "row 2: .*found '../etc'"),
    ],
)
def test_a_roster_with_a_mistake_is_refused(a_class, tmp_path, text, words):
    file = tmp_path / "roster.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        roster(a_class, file)


def test_a_table_of_marks_with_a_mistake_changes_nothing(printed, tmp_path):
    a_class = Class(printed[0])
    before = marks(a_class, SHEET)
    rows = list(csv.reader(io.StringIO((printed[0] / TABLE).read_text())))
    for place, text, words in (
        ((2, 3), "2", "expected points from 0 to 1 .*found '2'"),
        ((2, 4), "", "expected points from 0 to 1 .*found ''"),
        ((2, 0), "eva", "eva handed in no"),
        ((2, 1), "other", "one of \\['which-spread'\\], found 'other'"),
        ((0, 3), "first", "first"),
    ):
        changed = [list(row) for row in rows]
        changed[1][3] = "0"  # a mark that must not arrive
        changed[place[0]][place[1]] = text
        with open(tmp_path / "x.csv", "w", newline="") as file:
            csv.writer(file).writerows(changed)
        with pytest.raises(ValueError, match=words):
            read_table(a_class, SHEET, tmp_path / "x.csv")
        assert marks(a_class, SHEET) == before
    with pytest.raises(ValueError, match="is there already"):
        write_tables(a_class, SHEET)


def test_an_unknown_form_and_a_folder_of_no_class_are_refused(
    printed, tmp_path
):
    with pytest.raises(ValueError, match="expected a form"):
        export(Class(printed[0]), [SHEET], tmp_path / "x.csv", form="paper")
    with pytest.raises(ValueError, match="copy classroom/nbgrader_config"):
        Class(tmp_path)


def test_what_is_handed_out_has_no_answer(printed):
    file = printed[0] / f"release/{SHEET}/{SHEET}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    assert ONE.leaks(notebook) == set()
    ours = release.release(ONE)
    assert [c.source for c in notebook.cells] == [c.source for c in ours.cells]
