"""The marks in a sheet between which answers and hidden tests stand."""

import re

STUB = 'raise NotImplementedError("not done yet")'
MARKERS = (
    "### BEGIN SOLUTION",
    "### END SOLUTION",
    "### BEGIN HIDDEN TESTS",
    "### END HIDDEN TESTS",
)
_SOLUTION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION$.*?^[ \t]*### END SOLUTION$", re.S | re.M
)
_HIDDEN = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS$.*?^[ \t]*### END HIDDEN TESTS$\n?",
    re.S | re.M,
)
_MARKER = re.compile(rf"^[ \t]*(?:{'|'.join(MARKERS)})$\n?", re.M)
_LOOKS_LIKE_ONE = re.compile(
    r"#\s*(?:begin|end)\b|\b(?:SOLUTIONS?|HIDDEN)\b|(?i:#.*hidden test)"
)


def stub(source: str) -> str:
    """What the student sees of an answer: its body is an error to replace."""
    return _SOLUTION.sub(lambda found: found[1] + STUB, source)


def shown(source: str) -> str:
    """What the student sees of a test cell: all but its hidden tests."""
    return _HIDDEN.sub("", source).rstrip()


def unmarked(source: str) -> str:
    """The same source without the lines of the marks."""
    return _MARKER.sub("", source).rstrip()


def hidden_lines(before: str, after: str) -> set[str]:
    """The lines of `before` that a student with `after` must not see."""
    kept = {line.strip() for line in after.splitlines()}
    lines = {line.strip() for line in before.splitlines()} - kept
    return {line for line in lines if len(line) > 3}


def check_markers(source: str, *, kind: str, where: str) -> None:
    """Refuse marks that are misspelt, not paired, or in the wrong cell.

    Args:
        source: of a cell.
        kind: "SOLUTION" or "HIDDEN TESTS", whichever may stand in this cell,
            or "" where neither may.
        where: names the cell in the message.

    Raises:
        ValueError: what is wrong with the marks, and how it should read.
    """
    found = []
    for line in source.splitlines():
        if line.strip() in MARKERS:
            found.append(line.strip())
        elif _LOOKS_LIKE_ONE.search(line):
            raise ValueError(
                f"{where}: {line.strip()!r} looks like a marker and is none; "
                f"write exactly one of {', '.join(map(repr, MARKERS))}, or "
                "other words"
            )
    allowed = [f"### BEGIN {kind}", f"### END {kind}"]
    if found and (not kind or found != allowed * (len(found) // 2)):
        rule = f"pairs of {allowed[0]!r} and {allowed[1]!r}" if kind else "none"
        raise ValueError(
            f"{where}: the markers here are {found}; expected {rule}. "
            "Solutions stand in answer cells, hidden tests in test cells"
        )
