"""A class full of accidents and malice: everybody gets a mark or a report.

All submissions are graded once. Where the sandbox cannot be had, those that
need it are left out, and the refusal is tested instead.
"""

import html
import json
import os
import re
import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
from nbformat.v4 import new_code_cell

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
    pytest.mark.xdist_group("classroom-hostile"),
]
KIT = Path(__file__).parents[2] / "classroom"
SHEET = "means-and-spreads"
BOXED = not sandbox.obstacle()
SECONDS = 15  # for a cell: other programs may keep the machine busy
TOKEN = f"survivor-{os.getpid()}"
FULL = 6.0  # of 8: two are for the written answer
needs_box = pytest.mark.skipif(not BOXED, reason=f"{sandbox.obstacle()}")


def code(text):
    """A submission whose first line of work is this."""

    def change(notebook, answers):
        at = next(i for i, c in enumerate(notebook.cells) if grade_id(c))
        notebook.cells.insert(at, new_code_cell(dedent(text)))

    return change


def answer(name, text):
    """A submission with this in place of an answer."""

    def change(notebook, answers):
        cell(notebook, name).source = dedent(text)

    return change


def cell(notebook, name):
    return next(c for c in notebook.cells if grade_id(c) == name)


def delete(notebook, answers):
    gone = {"mean-and-sd", "median-deviation-value"}
    notebook.cells = [c for c in notebook.cells if grade_id(c) not in gone]


def copy(notebook, answers):
    notebook.cells = [
        nbformat.from_dict(c) for c in notebook.cells for _ in range(2)
    ]


def edit_tests(notebook, answers):
    cell(notebook, "mean-and-sd").source = "mean_and_sd = lambda x: (0, 0)"
    for c in notebook.cells:
        if (
            c.metadata.get("nbgrader", {}).get("points", 0)
            and "assert" in c.source
        ):
            c.source = "assert True"


def raise_points(notebook, answers):
    for c in notebook.cells:
        if "points" in c.metadata.get("nbgrader", {}):
            c.metadata.nbgrader.points = 100


def unlock(notebook, answers):
    """Call every test cell an answer, and let it pass."""
    cell(notebook, "mean-and-sd").source = "mean_and_sd = lambda x: (0, 0)"
    test = cell(notebook, "mean-and-sd-spread")
    test.metadata.nbgrader.update(grade=False, solution=True, locked=False)
    test.source = "pass"


def strip(notebook, answers):
    for c in notebook.cells:
        c.metadata = {}


def nonsense(notebook, answers):
    for n, c in enumerate(notebook.cells):
        c.metadata["nbgrader"] = [7, "x", {"grade": True}, None][n % 4]


def untouched(notebook, answers):
    for c in notebook.cells:
        c.source = answers.get(grade_id(c), c.source)


WRONG = "    def mean_and_sd(x):\n        return 0, 0\n"
# name -> what was done to a right submission, and its points; None: a report
ALWAYS = {
    "ada": (lambda notebook, answers: None, FULL),
    "empty": (untouched, 0),
    "infinite-loop": (
        answer("mean-and-sd", "import time\nwhile True: time.sleep(0.01)"),
        3,
    ),
    "ignores-interrupts": (
        code("""
            import signal, time
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True:
                time.sleep(0.1)
            """),
        None,
    ),
    "exits": (code("import os\nos._exit(0)"), None),
    "syntax": (answer("mean-and-sd", "def mean_and_sd(x)"), 3),
    "deleted": (delete, 3),
    "copied": (copy, FULL),
    "edited-tests": (edit_tests, 3),
    "raised-points": (raise_points, FULL),
    "unlocked": (unlock, 3),
    "stripped": (strip, FULL),
    "nonsense": (nonsense, FULL),
    "no-notebook": (None, None),
    "much-output": (code("print('x' * 10_000_000)"), FULL),
    "warns": (code("import warnings\nwarnings.warn('careful')"), FULL),
    "noisy-answer": (
        answer(
            "mean-and-sd",
            """
            import sys
            def mean_and_sd(x):
                print("thinking", file=sys.stderr)
                return np.mean(x), np.std(x, ddof=1)
            """,
        ),
        FULL,
    ),
    "quotes-tests": (
        lambda notebook, answers: notebook.cells.append(
            new_code_cell("print(In)\nIn")
        ),
        FULL,
    ),
    "scripts": (
        code("""
            from IPython.display import HTML, Javascript, display
            display(HTML("<script>alert('html')</script><img src=x"
                         " onerror=alert('image')>"))
            display(Javascript("alert('javascript')"))
            """),
        FULL,
    ),
    # What no sandbox stops: see the page for teachers.
    "cheats": (
        answer("mean-and-sd", "np.isclose = lambda *args, **kwargs: True"),
        3,
    ),
    "cheats-better": (
        code("""
            np.isclose = lambda *args, **kwargs: True
            mean_and_sd = median_deviation = lambda x: (x, x)
            """),
        FULL,
    ),
}
IN_THE_BOX = {
    "reads-tests": (
        code("""
            import os, pathlib
            for place in {places!r}:
                for path in pathlib.Path(place).rglob("*"):
                    try:
                        if "HIDDEN TESTS" in path.read_text():
                            print("found", path)
                    except (OSError, UnicodeDecodeError):
                        pass
            """),
        FULL,
    ),
    "writes-marks": (
        code("""
            import pathlib
            for name in {places!r}:
                place = pathlib.Path(name)
                try:
                    place.mkdir(parents=True, exist_ok=True)
                    (place / "gradebook.db").write_bytes(b"")
                    print("wrote", place)
                except OSError as error:
                    print("could not write", type(error).__name__)
            """),
        FULL,
    ),
    "calls-home": (
        code("""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {port}), timeout=2)
                print("connected")
            except OSError as error:
                print("no network", type(error).__name__)
            """),
        FULL,
    ),
    "leaves-a-child": (
        code("""
            import subprocess, sys
            subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"]
                + ["{token}"],
                start_new_session=True,
            )
            """),
        FULL,
    ),
    "takes-memory": (
        answer(
            "mean-and-sd",
            "def mean_and_sd(x):\n    return np.ones(2**30), 0\n",
        ),
        3,
    ),
    "fills-the-disk": (
        code("""
            try:
                with open("/tmp/large", "wb") as file:
                    for _ in range(200):
                        file.write(bytes(2**20))
                print("filled")
            except OSError as error:
                print("could not fill", type(error).__name__)
            """),
        FULL,
    ),
    "forks-for-ever": (
        code("""
            import os, signal, time
            children = []
            try:
                while len(children) < 5000:
                    if child := os.fork():
                        children.append(child)
                    else:
                        time.sleep(600)
            except OSError:
                pass
            print("processes", len(children) < 200)
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            """),
        FULL,
    ),
}
LAST = {"zoe": (lambda notebook, answers: None, FULL)}
CLASS = ALWAYS | (IN_THE_BOX if BOXED else {}) | LAST


def write(a_class, name, change, facts):
    """Hand in the work of one student."""
    one = a_class.sheet(SHEET)
    file = a_class.submission(name, SHEET)
    file.parent.mkdir(parents=True)
    if change is None:
        file.write_text("this is no notebook")
        return
    notebook = nbformat.read(a_class.root / f"release/{SHEET}/{SHEET}.ipynb", 4)
    blank = {grade_id(c): c.source for c in notebook.cells}
    for c in notebook.cells:
        c.source = one.answers.get(grade_id(c), c.source)
    change(notebook, blank)
    for c in notebook.cells:
        for key, value in facts.items():
            c.source = c.source.replace("{" + key + "}", str(value))
            c.source = c.source.replace("{" + key + "!r}", repr(value))
    file.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def server():
    """A port that would like to be called."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        yield listening


def outside():
    """Folders that are not the submission's business."""
    return [KIT.parent / "book", KIT, Path.home()]


@pytest.fixture(scope="module")
def a_class(tmp_path_factory, server):
    """The class, graded."""
    root = tmp_path_factory.mktemp("class")
    shutil.copy(KIT / "nbgrader_config.py", root)
    a_class = Class(root)
    students = root / "students.csv"
    students.write_text("id\n" + "\n".join(CLASS))
    assert roster(a_class, students) == len(CLASS)
    release(a_class, KIT / "private" / "sheets" / f"{SHEET}.py")
    facts = {
        "places": [str(root), *map(str, outside())],
        "port": server.getsockname()[1],
        "token": TOKEN,
    }
    for name, (change, _) in CLASS.items():
        write(a_class, name, change, facts)
    terms = Terms(
        sandboxed=BOXED,
        seconds=120,
        settings={"Execute": {"timeout": SECONDS, "iopub_timeout": 5}},
    )
    graded = list(autograde(a_class, SHEET, terms=terms, students=None))
    assert [o.student for o in graded] == sorted(CLASS)
    return a_class


@pytest.fixture(scope="module")
def found(a_class):
    return {m.student: m for m in marks(a_class, SHEET)}


@pytest.mark.parametrize("name", CLASS)
def test_each_has_the_right_mark_or_a_report(a_class, found, name):
    expected = CLASS[name][1]
    outcome = outcomes(a_class, SHEET)[name]
    assert (found[name].points, outcome.graded) == (
        expected,
        expected is not None,
    ), outcome
    assert found[name].of == 8


def printed(a_class, name):
    file = a_class.root / f"autograded/{name}/{SHEET}/{SHEET}.ipynb"
    outputs = [c.get("outputs", []) for c in nbformat.read(file, 4).cells]
    return "".join(o.get("text", "") for part in outputs for o in part)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("exits", "the kernel died"),
        ("no-notebook", "is not a notebook"),
        ("ignores-interrupts", "interrupted"),
    ],
)
def test_the_report_says_why_there_is_no_mark(a_class, found, name, why):
    assert why in outcomes(a_class, SHEET)[name].why
    assert why in found[name].remark


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("deleted", "missing: mean-and-sd, median-deviation-value"),
        ("copied", "copied: all"),
        (
            "edited-tests",
            "edited: mean-and-sd-mean, mean-and-sd-spread, median",
        ),
        ("raised-points", "other metadata: mean-and-sd-mean, "),
        ("unlocked", "other metadata: mean-and-sd-spread"),
        ("stripped", "missing: all"),
        ("ada", ""),
    ],
)
def test_the_report_says_what_was_mended(a_class, name, remark):
    said = outcomes(a_class, SHEET)[name].remarks
    assert remark in said
    assert bool(remark) == bool(said)


@needs_box
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reads-tests", ""),
        ("calls-home", "no network"),
        ("fills-the-disk", "could not fill"),
        ("forks-for-ever", "processes True"),
    ],
)
def test_the_box_holds(a_class, name, words):
    said = printed(a_class, name)
    assert words in said
    assert not any(w in said for w in ("found", "connected", "filled"))


@needs_box
def test_what_is_written_in_the_box_stays_there(a_class):
    """In its own /tmp it may make folders of any name; they vanish with it."""
    said = printed(a_class, "writes-marks").split()
    assert {"wrote", "could"} & set(said)  # it has tried
    assert (a_class.root / "gradebook.db").stat().st_size > 0
    for place in outside():
        assert not (place / "gradebook.db").exists(), place


@needs_box
def test_nobody_called_and_no_child_survived(a_class, server):
    with pytest.raises(TimeoutError):
        server.accept()
    lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline")]
    assert not [line for line in lines if TOKEN.encode() in line]


@pytest.mark.skipif(BOXED, reason="there is a sandbox here")
def test_without_a_sandbox_nothing_is_graded_unless_asked_for(a_class):
    with pytest.raises(ValueError, match="expected a machine that can put"):
        next(autograde(a_class, SHEET, terms=Terms(), students=["ada"]))


class Tags(HTMLParser):
    """What in a page may run or load something."""

    def __init__(self, page):
        super().__init__()
        self.active = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            address = str(value).split(":")[0].lower().strip()
            if name.startswith("on") or address in LOADING:
                self.active.append((tag, name, value))
        if tag in ("script", "iframe", "object", "embed", "link"):
            self.active.append((tag, attributes))


LOADING = ("http", "https", "javascript", "ftp")


def test_feedback_tells_no_secret_and_runs_no_script(a_class):
    one = a_class.sheet(SHEET)
    released = nbformat.read(a_class.root / f"release/{SHEET}/{SHEET}.ipynb", 4)
    shown = "".join(c.source for c in released.cells)
    hidden = {s for s in one.secrets if s.startswith("_")}
    assert len(hidden) == 3
    assert not any(line in shown for line in hidden)
    pages = write_feedback(a_class, SHEET)
    graded = [o for o in outcomes(a_class, SHEET).values() if o.graded]
    assert len(pages) == len(graded)
    for page in pages:
        text = page.read_text()
        words = html.unescape(re.sub(r"<[^>]*>", "", text))
        assert not [line for line in hidden if line in words], page
        assert Tags(text).active == [], page
        assert "default-src 'none'" in text, page
