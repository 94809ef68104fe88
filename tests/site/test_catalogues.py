"""The catalogues of messages hold every paragraph, each as one message.

`make test` builds them before the tests, with `python -m tools.catalogues`.
"""

import re
from itertools import pairwise

import pytest
from babel.messages.pofile import read_po
from markdown_it import MarkdownIt

from tools import addresses
from tools import chapters as contents

pytestmark = pytest.mark.site
ROOT = addresses.ROOT
FOLDER = ROOT / "_build" / "gettext"
CHAPTERS = contents.chapters()


def squeeze(text):
    """Text without the accidents of line breaks."""
    return " ".join(text.split())


def paragraphs(text):
    """The plain paragraphs of a chapter, outside of directives."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^:::+.*$", "", text, flags=re.MULTILINE)
    tokens = MarkdownIt().enable("table").parse(text)
    # labels, comments, options and formulas are syntax, not prose
    syntax = re.compile(r"\([\w-]+\)=|%|:\w+:|\$\$|\\begin")
    for before, token in pairwise(tokens):
        plain = before.type == "paragraph_open" and before.level == 0
        if plain and not syntax.match(token.content):
            yield squeeze(token.content)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_paragraph_is_one_message(path):
    catalogue = FOLDER / path.relative_to(ROOT).with_suffix(".pot")
    with catalogue.open("rb") as file:
        messages = {squeeze(m.id) for m in read_po(file) if m.id}
    wanted = list(paragraphs(path.read_text(encoding="utf-8")))
    assert len(wanted) > 20
    assert [p for p in wanted if p not in messages] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_headings_are_messages(path):
    catalogue = FOLDER / path.relative_to(ROOT).with_suffix(".pot")
    with catalogue.open("rb") as file:
        messages = {m.id for m in read_po(file) if m.id}
    assert {"Motivation", "Idea", "Theory", "Pitfalls"} <= messages
