"""The teacher's commands: from a sheet to marks."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from course.classroom import library
from course.classroom.gradebook import Class, release, roster


def _roster(args: argparse.Namespace) -> int:
    n = roster(Class(args.folder), args.students)
    print(f"{n} students are in the roster")
    return 0


def _release(args: argparse.Namespace) -> int:
    a_class = Class(args.folder)
    file = release(a_class, _path(args.sheet), args.due)
    print(f"hand out {file.relative_to(a_class.root)}")
    return 0


def _file(text: str) -> Path:
    """A file that exists, or an error of the command line."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)


def _path(sheet: str) -> Path:
    """The file of a sheet: a path, or the name of one of the book."""
    known = {path.stem: path for path in library.available()}
    return (
        Path(sheet) if sheet.endswith(".py") else known.get(sheet, Path(sheet))
    )


def _collect(args: argparse.Namespace) -> int:
    from course.classroom.collect import collect

    print(collect(Class(args.folder), args.sheet, args.archive, zone=args.zone))
    return 0


def _autograde(args: argparse.Namespace) -> int:
    from course.classroom.grading import Terms, autograde

    terms = Terms(sandboxed=not args.unsandboxed, seconds=args.seconds)
    found = []
    for outcome in autograde(
        Class(args.folder),
        args.sheet,
        terms=terms,
        students=args.student or None,
    ):
        print(outcome, flush=True)
        found.append(outcome.graded)
    print(f"graded {sum(found)} of {len(found)}")
    return 0 if all(found) else 1


def _written(args: argparse.Namespace) -> int:
    from course.classroom.marking import write_tables

    a_class = Class(args.folder)
    for file in write_tables(a_class, args.sheet):
        print(f"fill in {file.relative_to(a_class.root)}")
    return 0


def _marks(args: argparse.Namespace) -> int:
    from course.classroom.marking import read_table

    n = read_table(Class(args.folder), args.sheet, args.table)
    print(f"{n} written answers have marks")
    return 0


def _feedback(args: argparse.Namespace) -> int:
    from course.classroom.feedback import write_feedback

    a_class = Class(args.folder)
    for page in write_feedback(a_class, args.sheet):
        print(page.relative_to(a_class.root))
    return 0


def _export(args: argparse.Namespace) -> int:
    from course.classroom.marks import export

    n = export(Class(args.folder), args.sheets, args.to, form=args.form)
    print(f"{n} rows in {args.to}")
    return 0


def add_commands(commands) -> None:
    """Add the teacher's commands to the subparsers of argparse."""
    new = _adder(commands)
    _before_grading(new)
    _grading(new)
    _after_grading(new)


def _before_grading(new: Callable[..., argparse.ArgumentParser]) -> None:
    one = new(_roster, "roster", "take students from a CSV file")
    one.add_argument("students", type=_file)
    one = new(_release, "release", "make the notebook to hand out")
    one.add_argument("sheet", help="a name, or the path of a .py file")
    one.add_argument("--due", type=datetime.fromisoformat)
    one = new(_collect, "collect", "take work from a .zip of Canvas or Moodle")
    one.add_argument("sheet")
    one.add_argument("archive", type=_file)
    one.add_argument("--zone", default="UTC", help="of its times")


def _grading(new: Callable[..., argparse.ArgumentParser]) -> None:
    one = new(_autograde, "autograde", "run the tests, student by student")
    one.add_argument("sheet")
    one.add_argument("--student", action="append", help="only this one")
    one.add_argument("--seconds", type=int, default=900, help="for each")
    one.add_argument("--unsandboxed", action="store_true", help="trust them")
    one = new(_written, "written", "make tables to mark written answers in")
    one.add_argument("sheet")
    one = new(_marks, "marks", "take the marks from such a table")
    one.add_argument("sheet")
    one.add_argument("table", type=_file)


def _after_grading(new: Callable[..., argparse.ArgumentParser]) -> None:
    one = new(_feedback, "feedback", "write a page for each student")
    one.add_argument("sheet")
    one = new(_export, "export", "write the marks into a CSV file")
    one.add_argument("sheets", nargs="+", metavar="sheet")
    one.add_argument("--to", type=Path, default=Path("marks.csv"))
    forms = ("plain", "canvas", "moodle")
    one.add_argument("--form", choices=forms, default="plain")


def _adder(commands) -> Callable[..., argparse.ArgumentParser]:
    """A function that adds a command, all with the folder of the class."""

    def new(
        run: Callable[[argparse.Namespace], int], name: str, what: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(command=run)
        command.add_argument(
            "--folder", type=Path, default=Path(), help="of the class"
        )
        return command

    return new
