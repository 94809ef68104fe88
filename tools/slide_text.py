"""Text of a built page, cut to the size of a slide: all of it is HTML."""

import html
import posixpath
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

FOLDED = {"dropdown", "solution", "toggle"}
LETTERS = re.compile("[\ue000-\uf8ff]")  # each stands for an element
END = re.compile(
    "(?<=[.!?])(?<!e[.]g[.])(?<!i[.]e[.]) (?=[“‘(A-Z0-9★\ue000-\uf8ff])"
)
FORMULA = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
HEADINGS = ["h1", "h2", "h3"]


def deck_name(page: str) -> str:
    """The deck of a page: slides/part/chapter for book/part/chapter."""
    return "slides/" + page.removeprefix("book/")


def moved(link: str, page: str, deck: str) -> str:
    """A link of a page, as a deck has to write it."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    path = posixpath.join(posixpath.dirname(page), parts.path)
    path = posixpath.normpath(path) if parts.path else f"{page}.html"
    path = posixpath.relpath(path, posixpath.dirname(deck))
    return path + (f"#{parts.fragment}" if parts.fragment else "")


def classes(tag: Tag) -> set[str]:
    """The classes of an element; the tags of a cell are among them."""
    return {name.removeprefix("tag_") for name in tag.get("class", [])}


def inner(tag: Tag | None) -> str:
    """What an element holds."""
    return tag.decode_contents().strip() if tag else ""


def join(tags: Iterable[Tag]) -> str:
    """Several elements."""
    return "".join(map(str, tags))


def plain(text: str) -> str:
    """HTML that may be shown twice: without anchors, and without our tags."""
    soup = BeautifulSoup(text, "html.parser")
    for tag in soup.select(".slide, .no-slide"):
        tag["class"] = [name for name in tag["class"] if "slide" not in name]
    for tag in soup.find_all(id=True):
        del tag["id"]
    for tag in soup.select("span.pre, span.doc, span.std"):
        tag.unwrap()
    return str(soup)


def words(text: str) -> int:
    """How many words a text has, every formula counted as one."""
    shown = FORMULA.sub("x", BeautifulSoup(text, "html.parser").get_text())
    return len(re.findall(r"\w[\w'’.-]*", shown))


def sentences(paragraph: Tag) -> list[str]:
    """The sentences of a paragraph."""
    marks, text = {}, ""
    for number, child in enumerate(paragraph.children):
        if isinstance(child, Tag):
            marks[chr(0xE000 + number)] = str(child)
            text += chr(0xE000 + number)
        else:
            text += html.escape(child, quote=False)
    parts = END.split(" ".join(text.split()))
    return [LETTERS.sub(lambda m: marks[m[0]], part) for part in parts if part]


def complete(paragraph: Tag) -> list[str]:
    """Its sentences, without a last one that leads to what is not here."""
    found = sentences(paragraph)
    last = BeautifulSoup(found[-1], "html.parser").get_text() if found else ""
    return found if re.search(r"[.!?][”’)]*$", last) else found[:-1]


def shorten(parts: list[str], most: int, *, last: bool = False) -> str:
    """Whole sentences up to so many words: the first, or the last ones.

    One sentence is kept even if it is longer.
    """
    kept: list[str] = []
    for part in reversed(parts) if last else parts:
        if kept and words(" ".join([*kept, part])) > most:
            break
        kept = [part, *kept] if last else [*kept, part]
    return " ".join(kept)


def fits(text: str, size: tuple[int, int]) -> bool:
    """Whether a plain text has at most so many lines and columns."""
    lines = text.splitlines()
    return len(lines) <= size[0] and max(map(len, lines), default=0) <= size[1]


def home(block: Tag) -> Tag | None:
    """The section of the page that a block stands in."""
    for section in block.find_parents("section"):
        if section.find(HEADINGS, recursive=False):
            return section
    return None


def own(block: Tag, section: Tag) -> bool:
    """Whether a block stands open in a section, and in no part of it."""
    if home(block) is not section or "no-slide" in classes(block):
        return False
    return not any(
        parent.name == "details" or FOLDED & classes(parent)
        for parent in block.parents
    )


def parts(section: Tag) -> Iterator[Tag]:
    """A section, and the sections in it."""
    yield section
    yield from section.find_all("section", recursive=False)


def neighbour(block: Tag, step: int) -> Tag | None:
    """The paragraph right after a block (step 1) or before it (-1)."""
    found = (
        block.find_next_sibling() if step > 0 else block.find_previous_sibling()
    )
    return found if found and found.name == "p" else None


def beyond(cell: Tag, step: int) -> Tag | None:
    """The paragraph after a run of cells, or before it."""
    found = cell
    while found and "cell" in classes(found):
        last = found
        found = (
            last.find_next_sibling()
            if step > 0
            else last.find_previous_sibling()
        )
    return neighbour(last, step)


def around(block: Tag) -> str:
    """The paragraph before a block, and those that follow it."""
    before, found = neighbour(block, -1), []
    after = neighbour(block, 1)
    while after:
        found.append(after)
        after = neighbour(after, 1)
    return join([before, *found] if before else found)


def printed(cell: Tag) -> str:
    """The text that a cell prints."""
    return "\n".join(
        pre.get_text().rstrip() for pre in cell.select(".cell_output pre")
    )


def bold(section: Tag) -> dict[str, list[str]]:
    """Words in bold that begin a sentence, and the sentences they head."""
    found: dict[str, list[str]] = {}
    for paragraph in section.find_all("p", recursive=False):
        name = ""
        for sentence in complete(paragraph) or sentences(paragraph):
            start = re.match("<strong>(.+?)</strong>", sentence)
            name = start[1] if start else name
            if name:
                found.setdefault(name, []).append(sentence)
    return found
