"""Where sheets are found, and how they are read."""

import sysconfig
from pathlib import Path

from course.classroom import about, rules
from course.classroom.sheet import Sheet, items, read_text

SHARED = "share/learning-to-generate/exercises"  # where pip puts the sheets


def load(path: Path | str) -> Sheet:
    """The sheet in the file <sheet>.py, with the <sheet>.yml beside it.

    Raises:
        ValueError: a file is missing or against the format; the message names
            the cell, what was expected, and what to do.
    """
    path = Path(path)
    for file in (path, path.with_suffix(".yml")):
        if not file.is_file():
            raise ValueError(
                f"there is no file {file}: a sheet is a pair of files, "
                f"{path.stem}.py and {path.stem}.yml, in one folder"
            )
    text, facts = (
        file.read_text(encoding="utf8")
        for file in (path, path.with_suffix(".yml"))
    )
    return parse(path.stem, text, facts=facts)


def parse(name: str, text: str, *, facts: str) -> Sheet:
    """The sheet of this name, from the text of its two files.

    Raises:
        ValueError: as `load`.
    """
    notebook = read_text(text)
    sheet = Sheet(name, notebook, about.parse(facts, name), items(notebook))
    rules.check(sheet)
    return sheet


def folders() -> list[Path]:
    """Where sheets are looked for: here and above, then the package's own."""
    here = Path.cwd().resolve()
    around = [p / "book" / "exercises" for p in (here, *here.parents)]
    beside = Path(__file__).parents[2] / "book" / "exercises"
    return [*around, beside, Path(sysconfig.get_path("data")) / SHARED]


def available() -> list[Path]:
    """The files of the sheets that can be called by their names."""
    for folder in folders():
        if found := sorted(folder.glob("*.py")):
            return found
    return []


def find(name: str) -> Sheet:
    """The sheet of this name, or in the file at this path.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name.endswith(".py"):
        return load(name)
    known = {path.stem: path for path in available()}
    if name not in known:
        raise ValueError(
            f"there is no sheet {name!r}: give the path of its .py file or one "
            f"of {', '.join(sorted(known)) or 'none found here'}"
        )
    return load(known[name])
