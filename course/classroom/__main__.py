"""The command line: `python -m course.classroom check SHEET MINE.ipynb`."""

import argparse
import json
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

from course.classroom import checking, library, teaching
from course.classroom.checking import Line
from course.classroom.sheet import Sheet

WIDTH = 88


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and obey; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except ValueError as error:
        print(textwrap.fill(str(error), WIDTH), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m course.classroom", description="Exercise sheets."
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    one = kinds.add_parser("check", help="run all tests on your notebook")
    one.add_argument("sheet", help="its name, or the path of its .py file")
    one.add_argument("notebook", type=Path, help="your notebook")
    one.add_argument(
        "--seconds", type=float, default=10.0, help="for each cell (10)"
    )
    one.set_defaults(command=_check)
    all_of_them = kinds.add_parser("list", help="the names of the sheets")
    all_of_them.set_defaults(command=_list)
    teaching.add_commands(kinds)
    for command in (one, all_of_them):
        command.add_argument("--json", action="store_true", help="for tools")
    return parser


def _check(options: argparse.Namespace) -> int:
    """Print the report on a notebook."""
    sheet = library.find(options.sheet)
    lines = checking.check(sheet, options.notebook, seconds=options.seconds)
    got = sum(line.got or 0 for line in lines)
    of = sum(line.of for line in lines if line.got is not None)
    if options.json:
        facts = {"sheet": sheet.name, "got": got, "of": of}
        facts["by_hand"] = sheet.points - of
        facts["lines"] = [asdict(line) for line in lines]
        print(json.dumps(facts, indent=1))
        return 0
    print(f"{sheet.about.title}: {got} of {of} points by tests,", end=" ")
    print(f"{sheet.points - of} more by hand\n")
    print("\n".join(_table(lines)))
    return 0


def _table(lines: list[Line]) -> list[str]:
    """The report: exercise, cell, points, words."""
    width = max(len(line.cell) for line in lines)
    rows = []
    for line in lines:
        got = "–" if line.got is None else line.got
        head = f"{line.exercise:>2}  {line.cell:{width}}  {got}/{line.of}  "
        words = line.says or "right"
        rest = " " * len(head)
        rows += textwrap.wrap(
            words, WIDTH, initial_indent=head, subsequent_indent=rest
        )
    return rows


def _list(options: argparse.Namespace) -> int:
    """Print the sheets that there are."""
    found = [library.load(path) for path in library.available()]
    if options.json:
        print(json.dumps([_facts(sheet) for sheet in found], indent=1))
        return 0
    width = max((len(sheet.name) for sheet in found), default=0)
    for sheet in found:
        about = sheet.about
        print(f"{sheet.name:{width}}  {about.minutes} minutes,", end=" ")
        print(f"{sheet.points} points, after {', '.join(about.chapters)}")
    return 0


def _facts(sheet: Sheet) -> dict:
    """What `list` says of a sheet."""
    about = sheet.about
    return {
        "name": sheet.name,
        "title": about.title,
        "minutes": about.minutes,
        "points": sheet.points,
        "chapters": list(about.chapters),
    }


if __name__ == "__main__":
    sys.exit(main())
