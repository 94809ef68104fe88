"""The errata are complete, and chapters and tests keep what they promise."""

import ast
from functools import cache

import pytest
import yaml

from tools import chapters, errata

ENTRIES = errata.read()
FIELDS = yaml.safe_load(errata.FILE.read_text(encoding="utf8"))
CHAPTERS = sorted({e.chapter for e in ENTRIES})


@cache
def page(name):
    """A page of the book, read once."""
    return chapters.Page(errata.ROOT / name)


@cache
def demonstrations(file):
    """The tests in a file, by name, with their docstrings."""
    tree = ast.parse((errata.ROOT / file).read_text(encoding="utf8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    return {
        n.name: ast.get_docstring(n) or ""
        for n in found
        if n.name.startswith("test_")
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_a_heading_of_its_chapter_takes_the_entry_up(entry):
    anchors = [a for h in page(entry.chapter).headings for a in h.anchors]
    assert entry.anchor in anchors, "put the label right before a heading"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_its_chapter_mentions_the_entry(entry):
    assert entry.id in page(entry.chapter).targets("erratum")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_the_test_exists(entry):
    if entry.test:
        file, name = entry.test.split("::")
        assert name in demonstrations(file)


def test_every_demonstration_belongs_to_an_entry():
    """An entry names it, or its first line names an entry."""
    named, known = {e.test for e in ENTRIES}, {e.id for e in ENTRIES}
    for file in sorted((errata.ROOT / "tests" / "errata").glob("test_*.py")):
        path = file.relative_to(errata.ROOT).as_posix()
        for name, text in demonstrations(path).items():
            ids = {found[0] for found in errata.ID.finditer(text)}
            assert f"{path}::{name}" in named or ids & known, name


@pytest.mark.parametrize("path", chapters.pages(), ids=lambda p: p.stem)
def test_every_mention_has_an_entry(path):
    known = {e.id for e in ENTRIES}
    mentioned = page(path.relative_to(errata.ROOT)).targets("erratum")
    assert set(mentioned) <= known


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "D5-C1"}, "D1-C3 or X8"),
        ({"id": "D2-C1"}, "does not belong"),
        ({"title": ""}, "title is missing"),
        ({"title": "A sentence."}, "full stop"),
        ({"tilte": "a slip"}, "unknown"),
        ({"place": {"section": 4}}, "needs a line"),
        ({"place": {"line": 4}}, "needs a section"),
        ({"severity": "grave"}, "critical"),
        ({"says": {"english": "only"}}, "original"),
        ({"says": {"original": "熵", "english": "熵"}}, "Chinese"),
        ({"chapter": "mixtures"}, "anchor"),
        ({"test": "test_mixtures.py"}, "test_name"),
        ({"test": "none", "severity": "major"}, "needs a test"),
        ({"test": "none", "severity": "minor"}, "reason"),
        ({"right": 3}, "must be a str"),
    ],
)
def test_a_malformed_entry_is_refused(change, complaint, tmp_path):
    good = next(f for f in FIELDS if f["id"] == "D1-C1")
    path = tmp_path / "errata.yml"
    path.write_text(yaml.safe_dump([good | change], allow_unicode=True))
    with pytest.raises(ValueError, match=complaint):
        errata.read(path)


def test_an_id_stands_once(tmp_path):
    good = next(f for f in FIELDS if f["id"] == "D1-C1")
    path = tmp_path / "errata.yml"
    path.write_text(yaml.safe_dump([good, good], allow_unicode=True))
    with pytest.raises(ValueError, match="twice"):
        errata.read(path)
