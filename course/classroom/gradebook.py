"""A class: the folder in which a teacher keeps sheets, work and marks.

Its layout is nbgrader's, and its settings are those of the nbgrader_config.py
in it; nbgrader's own commands work in it too.
"""

import csv
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from traitlets.config import Config, PyFileConfigLoader

from course.classroom import library
from course.classroom.release import source, surroundings
from course.classroom.sheet import Sheet

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id")


class Class:
    """The folder of a class.

    Raises:
        ValueError: the folder has no nbgrader_config.py.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        if not (self.root / "nbgrader_config.py").is_file():
            raise ValueError(
                f"{self.root} has no nbgrader_config.py, so it is not the "
                f"folder of a class: copy classroom/nbgrader_config.py there"
            )

    def config(self) -> Config:
        """The settings in the folder's nbgrader_config.py."""
        loader = PyFileConfigLoader("nbgrader_config.py", path=str(self.root))
        c = loader.load_config()
        c.CourseDirectory.root = str(self.root)
        c.CourseDirectory.db_url = f"sqlite:///{self.root}/gradebook.db"
        return c

    @contextmanager
    def gradebook(self) -> Iterator:
        """The gradebook of nbgrader; closed after the block."""
        from nbgrader.api import Gradebook

        c = self.config().CourseDirectory
        with (
            surroundings(),
            Gradebook(c.db_url, c.get("course_id", "")) as book,
        ):
            yield book

    def run(self, command: str, *args: str) -> None:
        """Do what a command of nbgrader does.

        Raises:
            ValueError: it failed; the message is the end of its log.
        """
        from nbgrader.apps import NbGraderAPI

        with surroundings():
            api = NbGraderAPI(config=self.config())
            api.log.propagate = False
            done = getattr(api, command)(*args)
        if not done["success"]:
            raise ValueError(
                f"nbgrader {command} {' '.join(args)} failed: "
                f"{done.get('log', '')[-2000:]}"
            )

    def sheet(self, name: str) -> Sheet:
        """A sheet as it was released here.

        Raises:
            ValueError: it was not.
        """
        file = self.root / "sheets" / f"{name}.py"
        if not file.is_file():
            known = sorted(x.stem for x in file.parent.glob("*.py"))
            raise ValueError(
                f"the sheet {name!r} was not released in {self.root}, only "
                f"{known}: run `release {name}` first"
            )
        return library.load(file)

    def submission(self, student: str, sheet: str) -> Path:
        """Where the work of a student lies once it is collected."""
        return self.root / "submitted" / student / sheet / f"{sheet}.ipynb"

    def collected(self, sheet: str) -> list[str]:
        """Who handed something in, in order of their ids."""
        found = self.root.glob(f"submitted/*/{sheet}")
        return sorted(folder.parent.name for folder in found)


def roster(a_class: Class, file: Path) -> int:
    """The number of students in a CSV file, all of them in the gradebook now.

    Columns: id, and if known first_name, last_name, email and lms_user_id, the
    number that the learning management system knows a student by.

    Raises:
        ValueError: a column is unknown, an id is missing, twice there, or no
            name for a folder. Nothing is imported then.
    """
    rows = read_csv(file, needed={"id"}, known=set(COLUMNS))
    ids = [row["id"] for row in rows]
    for n, name in enumerate(ids):
        if not ID.fullmatch(name) or name in ids[:n]:
            raise ValueError(
                f"{file.name}, row {n + 2}: expected an id of letters, digits, "
                f"dots and dashes that stands there once, found {name!r}"
            )
    with a_class.gradebook() as book:
        for row in rows:
            known = {k: v for k, v in row.items() if v and k != "id"}
            book.update_or_create_student(row["id"], **known)
    return len(rows)


def read_csv(file: Path, *, needed: set[str], known: set[str]) -> list[dict]:
    """The rows of a CSV file, by the names of their columns.

    Raises:
        ValueError: a needed column is missing, or one is unknown.
    """
    with open(file, newline="", encoding="utf-8-sig") as text:
        reader = csv.DictReader(text)
        columns = set(reader.fieldnames or [])
        if not needed <= columns <= known | needed:
            raise ValueError(
                f"{file.name}: expected the columns {sorted(needed)} and "
                f"perhaps {sorted(known - needed)}, found {sorted(columns)}"
            )
        return [
            {key: (value or "").strip() for key, value in row.items() if key}
            for row in reader
        ]


def release(a_class: Class, sheet: Path, due: datetime | None = None) -> Path:
    """The notebook for students; the class keeps a copy of the sheet.

    Args:
        a_class: where.
        sheet: its .py file; the .yml lies beside it.
        due: later work is called late; without a zone it is in UTC.

    Raises:
        ValueError: the sheet breaks a rule, or would tell what is secret.
    """
    found = library.load(sheet)
    kept = a_class.root / "sheets"
    kept.mkdir(exist_ok=True)
    for file in (sheet, sheet.with_suffix(".yml")):
        if file.resolve().parent != kept:
            shutil.copy(file, kept)
    folder = a_class.root / "source" / found.name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(source(found), folder / f"{found.name}.ipynb")
    a_class.run("generate_assignment", found.name)
    if due:
        due = due.astimezone(UTC) if due.tzinfo else due
        with a_class.gradebook() as book:
            book.update_or_create_assignment(
                found.name, duedate=due.replace(tzinfo=None)
            )
    file = a_class.root / "release" / found.name / f"{found.name}.ipynb"
    if leaks := found.leaks(nbformat.read(file, 4)):
        file.unlink()
        raise ValueError(f"{found.name} would tell students {sorted(leaks)}")
    return file


def plain(name: str) -> str:
    """A name as letters only: lower case, no accents, spaces or dashes."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in bare if c.isalnum())


def who_is_who(a_class: Class) -> dict[str, set[str]]:
    """The ids that may be meant by a number or by a plain name."""
    names: dict[str, set[str]] = {}
    with a_class.gradebook() as book:
        for s in book.students:
            first, last = s.first_name or "", s.last_name or ""
            known = {plain(first + last), plain(last + first), s.id}
            for name in {*known, s.lms_user_id or ""} - {""}:
                names.setdefault(name, set()).add(s.id)
    return names
