"""What became of submissions: kept in reports/<sheet>.csv of a class."""

import csv
import re
from dataclasses import asdict, dataclass, fields

from course.classroom.gradebook import Class

CAUSES = {
    "No student with ID": "nobody of this id is in the roster",
    "DeadKernelError": "the kernel died: the code ended it or met a limit",
    "UnresponsiveKernelError": "a cell would not be interrupted",
    "Timeout waiting for IOPub": "a cell would not be interrupted",
    "Kernel died before replying": "no kernel started",
    "MemoryError": "more output than the grader can hold",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a submission.

    Attributes:
        student: the id.
        graded: whether the tests ran to the end.
        why: if not, the reason.
        remarks: cells that were lost or changed, and mended before grading.
        seconds: on the clock on the wall.
        cpu_seconds: of grader and kernel.
        grader_mb, kernel_mb: the most memory each of them had.
    """

    student: str
    graded: bool
    why: str = ""
    remarks: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    grader_mb: int = 0
    kernel_mb: int = 0

    def __str__(self) -> str:
        """A line for the teacher."""
        said = "graded" if self.graded else f"NOT GRADED: {self.why}"
        mended = f" (mended: {self.remarks})" if self.remarks else ""
        return f"{self.student}: {said}{mended}"


def cause(log: str) -> str:
    """In few words why a log of nbgrader ends without marks."""
    for sign, meaning in CAUSES.items():
        if sign in log:
            return meaning
    errors = re.findall(r"^(?:\w+\.)*(\w*Error: .*)$", log, re.MULTILINE)
    return errors[-1][:200] if errors else "nbgrader failed: see its log"


def outcomes(a_class: Class, sheet: str) -> dict[str, Outcome]:
    """By student, the outcomes that were kept; none before autograding."""
    file = a_class.root / "reports" / f"{sheet}.csv"
    if not file.is_file():
        return {}
    kinds = {f.name: f.type for f in fields(Outcome)}
    with open(file, newline="", encoding="utf8") as text:
        rows = list(csv.DictReader(text))
    for row in rows:
        row["graded"] = row["graded"] == "True"
        row |= {k: kinds[k](row[k]) for k in kinds if k != "graded"}
    return {row["student"]: Outcome(**row) for row in rows}


def keep(a_class: Class, sheet: str, outcome: Outcome) -> None:
    """Write an outcome into the report, in place of an older one."""
    kept = outcomes(a_class, sheet) | {outcome.student: outcome}
    file = a_class.root / "reports" / f"{sheet}.csv"
    file.parent.mkdir(exist_ok=True)
    with open(file, "w", newline="", encoding="utf8") as text:
        writer = csv.DictWriter(text, [f.name for f in fields(Outcome)])
        writer.writeheader()
        writer.writerows(asdict(kept[name]) for name in sorted(kept))
