"""What is said of an answer: one sentence instead of a traceback."""

import ast
import re

from course.classroom import markers
from course.classroom.running import DIED as DEAD
from course.classroom.running import TOO_LONG, Trouble
from course.classroom.sheet import Item, Sheet
from course.classroom.submission import Submission

NOT_DONE = "not done yet"
BY_HAND = "marked by hand: see the rubric on the sheet's page"
GONE = (
    "its answer cell {!r} is missing: take it from a fresh copy of the notebook"
)
TWICE = (
    "two different cells go by the name {!r}, as when a cell is copied: delete "
    "the one that is not your answer"
)
ELSEWHERE = (
    "{!r} is defined in a cell of your own: move it into the answer cell, "
    "since only that one is marked"
)
DIED = "your code ends Python itself: does it call exit, or ask for a file?"
SYNTAX = {"SyntaxError", "IndentationError", "TabError"}


def missing(item: Item, found: Submission, sheet: Sheet) -> str:
    """Why there is no answer to run; "" if there is one."""
    if item.name not in found.answers:
        return GONE.format(item.name)
    if item.name in found.doubled:
        return TWICE.format(item.name)
    source = found.answers[item.name]
    wanted = defined(sheet.stubs[item.name])
    moved = sorted(wanted & defined("\n\n".join(found.others)))
    empty = not source.strip() or markers.STUB in source
    if moved and (empty or not wanted & defined(source)):
        return ELSEWHERE.format(moved[0])
    untouched = source.strip() == sheet.stubs[item.name].strip()
    return NOT_DONE if untouched or not source.strip() else ""


def defined(source: str) -> set[str]:
    """The functions and classes that a piece of code defines."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set(re.findall(r"^(?:def|class) (\w+)", source, re.M))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def of_answer(trouble: Trouble, source: str, number: int) -> str:
    """What is said of an answer cell that fails before any test.

    Args:
        trouble: the error.
        source: of the cell.
        number: of the cell, as the kernel counts.
    """
    if trouble.kind not in SYNTAX:
        return of_test(trouble, number)
    try:
        ast.parse(source)
    except SyntaxError as error:  # Python's own words say more than IPython's
        kind = type(error).__name__
        return f"does not run: {kind} in line {error.lineno} ({error.msg})"
    return f"does not run: {trouble.kind}, {trouble.text}"


def of_test(trouble: Trouble, number: int) -> str:
    """What is said of a test that ends with an error.

    Args:
        trouble: the error.
        number: of the answer cell, as the kernel counts.
    """
    if trouble.kind == TOO_LONG:
        return f"stopped after {trouble.text} s: does a loop never end?"
    if trouble.kind == DEAD:
        return DIED
    if trouble.kind == "NotImplementedError":
        return NOT_DONE
    text = " ".join(trouble.text.split())
    if trouble.kind == "AssertionError" and text:
        return text
    lines = [line for cell, line in trouble.lines if cell == number]
    where = f" in line {lines[-1]} of your answer" if lines else ""
    return f"stops with {trouble.kind}{where}: {text or 'it says no more'}"
