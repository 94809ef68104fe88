"""A class of forty, graded: time and memory of each submission.

    python -m benchmarks.class_of_forty

writes benchmarks/results/class_of_forty.json (about ten minutes). Forty
students hand in the sheet on fitting and margins: 12 right, 18 wrong in the
ways that the sheet names, 4 untouched and 6 broken (a syntax error, a loop
without end, a kernel that ends itself, lost cells, copied cells, no notebook).
They are collected from one archive, graded one after the other with kernels
in the sandbox, where it can be had, and exported. Every mark is compared with
the one that the answers deserve.
"""

from benchmarks import harness

harness.one_thread()

import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from itertools import cycle, islice  # noqa: E402
from pathlib import Path  # noqa: E402
from shutil import copy  # noqa: E402
from zipfile import ZipFile  # noqa: E402

from course.classroom import library, release, sandbox  # noqa: E402
from course.classroom.cells import grade_id  # noqa: E402
from course.classroom.collect import collect  # noqa: E402
from course.classroom.gradebook import Class, roster  # noqa: E402
from course.classroom.gradebook import release as hand_out  # noqa: E402
from course.classroom.grading import Terms, autograde  # noqa: E402
from course.classroom.marks import export, marks  # noqa: E402
from course.classroom.sheet import Sheet  # noqa: E402

ROOT = Path(__file__).parents[1]
SHEET = ROOT / "book" / "exercises" / "fitting-and-margins.py"
Work = dict[str, tuple[str, float | None]]  # what is handed in, its mark


def work(sheet: Sheet, students: int = 40) -> Work:
    """What each student hands in and the points it deserves; None: a report.

    Three tenths are right and a tenth untouched; six are broken, if there are
    so many; the others are wrong in the ways that the sheet names, in turn.
    """
    blank = release.release(sheet)
    most = float(sum(sheet.tests.values()))
    right = release.fill(blank, sheet.answers)
    lots = [(right, most)] * round(0.3 * students)
    lots += [(blank, 0.0)] * round(0.1 * students)
    lots += broken(sheet, right)[: max(students - len(lots), 0)]
    for one in islice(cycle(sheet.about.wrong), students - len(lots)):
        lost = sum(sheet.tests[cell] for cell in one.points)
        filled = release.fill(blank, sheet.answers | one.answers)
        lots.append((filled, most - lost))
    return {
        f"s{n:02d}": (x if isinstance(x, str) else json.dumps(x), points)
        for n, (x, points) in enumerate(lots)
    }


def broken(sheet: Sheet, right) -> list[tuple]:
    """Six accidents, and what is left of the marks."""
    first = next(item for item in sheet.items if not item.by_hand)
    most = float(sum(sheet.tests.values()))
    rest = most - sum(first.tests.values())
    lost, copied = release.fill(right, {}), release.fill(right, {})
    lost.cells = [c for c in lost.cells if grade_id(c) not in first.tests]
    copied.cells += copied.cells[-3:]

    def instead(text):
        return release.fill(right, {first.name: text})

    return [
        (instead("def ("), rest),
        (instead("import time\nwhile True: time.sleep(0.01)"), rest),
        (instead("import os\nos._exit(0)"), None),
        (lost, most),
        (copied, most),
        ("this is no notebook", None),
    ]


def grade(sheet: Path, lots: Work, *, seconds: int = 60) -> dict:
    """What it takes to grade these, from the archive to the table.

    Args:
        sheet: its file.
        lots: what is handed in.
        seconds: for a cell.

    Raises:
        ValueError: a mark is not the one that the answers deserve.
    """
    with tempfile.TemporaryDirectory(prefix="class-") as folder:
        a_class = _class(Path(folder), sheet, lots)
        name, start = sheet.stem, time.perf_counter()
        collect(a_class, name, a_class.root / "all.zip")
        terms = Terms(
            sandboxed=not sandbox.obstacle(),
            settings={
                "Execute": {"timeout": seconds},
                # a kernel that is killed tells nobody what it took
                "KernelManager": {"shutdown_wait_time": 60.0},
            },
        )
        found = list(autograde(a_class, name, terms=terms, students=None))
        export(a_class, [name], a_class.root / "marks.csv")
        wall = time.perf_counter() - start
        given = {m.student: m.points for m in marks(a_class, name)}
    deserved = {student: points for student, (_, points) in lots.items()}
    if given != deserved:
        wrong = {s: (given[s], deserved[s]) for s in given}
        wrong = {s: pair for s, pair in wrong.items() if pair[0] != pair[1]}
        raise ValueError(f"expected other marks, (given, deserved): {wrong}")
    return {"sandboxed": terms.sandboxed, **_summary(found, wall)}


def _class(folder: Path, sheet: Path, lots: Work) -> Class:
    """A class with this roster, and an archive of their work."""
    copy(ROOT / "classroom" / "nbgrader_config.py", folder)
    a_class = Class(folder)
    table = "\n".join(f"{s},{n}" for n, s in enumerate(lots, 1000))
    (folder / "students.csv").write_text(f"id,lms_user_id\n{table}\n")
    roster(a_class, folder / "students.csv")
    hand_out(a_class, sheet)
    with ZipFile(folder / "all.zip", "w") as files:
        for n, (text, _) in enumerate(lots.values(), 1000):
            files.writestr(f"name_{n}_1_{sheet.stem}.ipynb", text)
    return a_class


def _summary(found: list, wall: float) -> dict:
    """Quartiles of times over those that were graded, and the most memory."""
    graded = [o for o in found if o.graded]
    return {
        "students": len(found),
        "graded": len(graded),
        "reported": {o.student: o.why for o in found if not o.graded},
        "wall_seconds": wall,
        "seconds": harness.quartiles([o.seconds for o in graded]),
        "slowest_seconds": max(o.seconds for o in found),
        "cpu_seconds": harness.quartiles([o.cpu_seconds for o in graded]),
        "grader_mb": max(o.grader_mb for o in found),
        "kernel_mb": max(o.kernel_mb for o in found),
    }


def main() -> dict:
    """Grade the class, and keep the results."""
    sheet = library.load(SHEET)
    facts = {"sheet": sheet.name, "cells": len(sheet.cells)}
    facts["tests"] = len(sheet.tests)
    return harness.save(
        "class_of_forty", {**facts, **grade(SHEET, work(sheet))}
    )


if __name__ == "__main__":
    print(json.dumps(main()))
