"""Autograding, one student at a time: a bad apple does not stop the rest.

Every submission has a process of its own with a limit of time and memory, and
its kernel runs in the sandbox. Whatever happens, the report names the student
and says what happened, and the next one is graded.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from course.classroom import remarks, sandbox
from course.classroom.gradebook import Class
from course.classroom.outcomes import Outcome, cause, keep
from course.classroom.release import surroundings

LIMIT = 900  # seconds for a submission
MEMORY = 4 * 2**30  # bytes of a grader
PATIENCE = 5  # seconds in which a grader may stop its kernel


@dataclass(frozen=True)
class Terms:
    """On what terms submissions are graded.

    Attributes:
        sandboxed: kernels in the sandbox; False trusts every submission.
        seconds: for a submission; then it is given up.
        limits: other values for the LIMITS of the sandbox.
        settings: of nbgrader, beside those of the class: {class: {name: x}}.
    """

    sandboxed: bool = True
    seconds: int = LIMIT
    limits: dict[str, int] = field(default_factory=dict)
    settings: dict[str, dict] = field(default_factory=dict)


def autograde(
    a_class: Class, sheet: str, *, terms: Terms, students: list[str] | None
) -> Iterator[Outcome]:
    """The outcome for each student who handed in the sheet, as it comes.

    All of them are kept in reports/<sheet>.csv of the class.

    Args:
        a_class: whose submissions.
        sheet: was released and collected.
        terms: how careful to be.
        students: only these; None means all.

    Raises:
        ValueError: the sandbox cannot be had, or a student is unknown.
    """
    there = a_class.collected(sheet)
    if unknown := sorted(set(students or ()) - set(there)):
        raise ValueError(
            f"expected students who handed in {sheet}, found {unknown}; "
            f"those who did: {there}"
        )
    if terms.sandboxed:
        sandbox.require()
    for student in students or there:
        outcome = _grade(a_class, sheet, student, terms=terms)
        keep(a_class, sheet, outcome)
        yield outcome


def _grade(
    a_class: Class, sheet: str, student: str, *, terms: Terms
) -> Outcome:
    """The outcome for one student."""
    released = a_class.root / "release" / sheet / f"{sheet}.ipynb"
    try:
        with surroundings():
            given = remarks.read(a_class.submission(student, sheet))
            said = remarks.remarks(
                a_class.sheet(sheet), given, remarks.read(released)
            )
    except ValueError as error:
        return Outcome(student, False, str(error))
    start = time.perf_counter()
    with TemporaryDirectory(prefix="box-", ignore_cleanup_errors=True) as box:
        task = (str(a_class.root), sheet, student, terms, box)
        found = _in_a_process(task, terms.seconds)
    seconds = round(time.perf_counter() - start, 2)
    return Outcome(student, remarks=said, seconds=seconds, **found)


def _in_a_process(task: tuple, seconds: int) -> dict:
    """What the process of a grader sends, or why it sent nothing."""
    fork = "forkserver" in get_all_start_methods()
    context = get_context("forkserver" if fork else "spawn")
    if fork:  # they start with what takes long to import
        context.set_forkserver_preload(["nbgrader.apps", __name__])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_grader, args=(there, *task))
    process.start()
    there.close()
    answer = {"graded": False, "why": f"took more than {seconds} s"}
    try:
        if here.poll(seconds):
            answer = here.recv()
    except EOFError:
        answer["why"] = "the grader itself died"
    _end(process)
    return answer


def _end(process) -> None:
    """Wait for a process, ask it to stop, and then insist."""
    for stop in (lambda: None, process.terminate, process.kill):
        stop()
        process.join(PATIENCE)
        if process.exitcode is not None:
            return


def _grader(
    answer: Connection, root: str, sheet: str, student: str, *rest
) -> None:
    """Grade one submission and send what came of it: runs in a process."""
    terms, box = rest
    os.environ["JUPYTER_PATH"] = box
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the kernel
    _bound_memory()
    log = Path(root, "reports", sheet, f"{student}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        done = _run_nbgrader(Class(root), sheet, student, terms, Path(box))
    said = f"{done.get('log', '')}\n{done.get('error', '')}"
    log.write_text(said)
    why = "" if done["success"] else cause(said)
    answer.send({"graded": done["success"], "why": why, **_used()})


def _run_nbgrader(
    a_class: Class, sheet: str, student: str, terms: Terms, box: Path
) -> dict:
    """Let nbgrader grade one student."""
    from nbgrader.apps import NbGraderAPI

    c = a_class.config()
    c.merge(
        sandbox.settings(
            box.resolve(), sandboxed=terms.sandboxed, limits=terms.limits
        )
    )
    for name, values in terms.settings.items():
        c[name].update(values)
    with surroundings():
        api = NbGraderAPI(config=c)
        return api.autograde(sheet, student, force=True, create=False)


def _bound_memory() -> None:
    """Let this process have no more memory than MEMORY, where that exists."""
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _used() -> dict:
    """What a grader and its kernel took."""
    if os.name != "posix":
        return {}
    import resource

    own = resource.getrusage(resource.RUSAGE_SELF)
    kernel = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + kernel.ru_utime + kernel.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_seconds": round(cpu, 2),
        "grader_mb": own.ru_maxrss * unit // 10**6,
        "kernel_mb": kernel.ru_maxrss * unit // 10**6,
    }
