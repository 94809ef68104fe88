"""Exercise sheets in the book: which pages they are, what students get."""

from pathlib import Path

from course.classroom import library, release
from course.classroom.sheet import Sheet
from tools import addresses

FOLDER = "book/exercises"


def is_sheet(page: str, root: Path = addresses.ROOT) -> bool:
    """Whether a page, such as book/exercises/hidden-states, is a sheet."""
    return page.startswith(f"{FOLDER}/") and (root / f"{page}.py").is_file()


def load(page: str, root: Path = addresses.ROOT) -> Sheet:
    """The sheet of a page."""
    return library.load(root / f"{page}.py")


def notebook(page: str, opening: list, *, root: Path = addresses.ROOT):
    """What students download: these first cells, then the released sheet."""
    made = release.release(load(page, root))
    for number, cell in enumerate(opening):
        cell["id"] = f"opening-{number}"
    made.cells = [*opening, *made.cells]
    return made


def complaints(book, page: str) -> list[str]:
    """What a student's notebook shows and should not."""
    leaks = sorted(load(page).leaks(book))
    return [f"gives away {line!r}" for line in leaks]
