"""Every heading of the documents is mapped, and every link leads somewhere."""

import hashlib
from functools import cache

import pytest
import yaml

from tools import chapters, document_map, errata

ENTRIES = document_map.read()
FIELDS = yaml.safe_load(document_map.FILE.read_text(encoding="utf8"))
LINKS = sorted({link for h in ENTRIES for link in h.treated})
# How many headings each document has, and a digest of all of them: the line,
# the level and the words of each, in order. Taken from the documents.
HEADINGS = {
    "000": (18, "c57aaa2651c08cd0e167de98bd431340"),
    "001": (6, "c2462c583dba8c91ebd820966d921b10"),
    "002": (14, "1bf73942bb7aeb142e5d78cd40180cb0"),
    "003": (6, "35fffa7266b62a6c975ecc0fabc23a3d"),
    "004": (46, "f5398b274057ae199a8a07977b416774"),
}


@cache
def page(name):
    """A page of the book, read once."""
    return chapters.Page(errata.ROOT / name)


def digest(headings):
    """The first 32 digits of the digest of these headings."""
    lines = [f"{h.line} {h.level} {h.original}" for h in headings]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


@pytest.mark.parametrize("document", HEADINGS)
def test_no_heading_is_missing_and_none_invented(document):
    found = [h for h in ENTRIES if h.document == document]
    assert (len(found), digest(found)) == HEADINGS[document]


def test_the_digest_sees_every_heading_its_place_and_its_level():
    found = [h for h in ENTRIES if h.document == "003"]
    moved = [found[1], found[0], *found[2:]]
    for other in (found[:-1], moved, [*found, found[0]]):
        assert digest(other) != digest(found)


def test_the_levels_are_those_of_the_numbers():
    """1.1 stands one level below 1."""
    for h in ENTRIES:
        assert h.level == h.number.count(".") + 1, h


def test_numbers_stand_once_in_a_document():
    names = [h.anchor for h in ENTRIES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("link", LINKS)
def test_a_place_exists(link):
    name, _, anchor = link.partition("#")
    path = errata.ROOT / name
    assert path in chapters.pages(), "the page is not in _toc.yml"
    if anchor:
        assert anchor in page(name).labels


@pytest.mark.parametrize("path", chapters.openings(), ids=lambda p: p.parent)
def test_an_opening_page_mirrors_its_document(path):
    """An anchor for each heading, in order, right before a heading."""
    name = path.relative_to(errata.ROOT).as_posix()
    (document,) = (d for d in HEADINGS if document_map.opening(d) == name)
    anchors = [a for h in page(name).headings for a in h.anchors]
    mirrored = [a for a in anchors if a.startswith("doc")]
    assert mirrored == [h.anchor for h in ENTRIES if h.document == document]


@pytest.mark.parametrize("path", chapters.openings(), ids=lambda p: p.parent)
def test_an_opening_page_names_each_entry_of_its_document_once(path):
    name = path.relative_to(errata.ROOT).as_posix()
    (document,) = (d for d in HEADINGS if document_map.opening(d) == name)
    mentioned = page(name).targets("erratum")
    own = sorted(n for n in mentioned if n.startswith(f"D{document[-1]}-"))
    assert own == sorted(e.id for e in errata.read() if e.document == document)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"document": "005"}, "document must be one of"),
        ({"line": "3"}, "line must be a int"),
        ({"english": ""}, "english is missing"),
        ({"english": "背景"}, "must not be Chinese"),
        ({"original": "背景介绍"}, "begin with a number"),
        ({"treated": []}, "treated must not be empty"),
        ({"treated": ["mixtures"]}, "anchor"),
        ({"treated": ["book/notation.md"] * 2}, "twice"),
        ({"reason": "It is cut off."}, "either treated or a reason"),
        ({"chapter": "a slip"}, "unknown"),
    ],
)
def test_a_malformed_heading_is_refused(change, complaint, tmp_path):
    path = tmp_path / "map.yml"
    path.write_text(yaml.safe_dump([FIELDS[0] | change], allow_unicode=True))
    with pytest.raises(ValueError, match=complaint):
        document_map.read(path)


def test_a_heading_that_nothing_treats_says_why(tmp_path):
    path = tmp_path / "map.yml"
    one = {k: v for k, v in FIELDS[0].items() if k != "treated"}
    path.write_text(yaml.safe_dump([one | {"reason": "It is cut off."}]))
    (found,) = document_map.read(path)
    assert (found.treated, found.reason) == ((), "It is cut off.")
