"""Every chapter has a quiz, its keys are computed, and no habit gives it away.

How a page shows a quiz: tests/tools/test_quiz_ext.py, and in a browser
tests/site/test_quiz_browser.py.
"""

import re
from collections import Counter
from functools import cache
from math import sqrt

import pytest

from tools import chapters, errata, quiz

CHAPTERS = chapters.chapters()
QUIZZES = [quiz.path(p) for p in CHAPTERS if quiz.path(p).is_file()]
ROLES = {"erratum", "term", "ref", "eq", "numref"}  # that a quiz may use
ROLE = re.compile(r"\{([\w:]+)\}`(?:[^`]*<([^`>]+)>|([^`]+))`")
SIGMAS = 2.5  # how far chance may go, over all questions of the book


@cache
def read(path):
    return quiz.read(path)


def questions():
    """Every question that has been written."""
    return [one for path in QUIZZES for one in read(path)]


def short(path):
    return path.name.split(".")[0]


NUMERIC = [one for one in questions() if one.answer]
CHOICES = [one for one in questions() if one.options]


# -- format -------------------------------------------------------------------


@pytest.mark.parametrize("page", CHAPTERS, ids=short)
def test_a_chapter_has_a_quiz(page):
    assert len(read(quiz.path(page))) >= quiz.LEAST


@pytest.mark.parametrize("page", CHAPTERS, ids=short)
def test_its_section_holds_the_directive_and_no_more(page):
    text = page.read_text(encoding="utf8")
    (section,) = re.findall(r"^## Quiz\n(.*?)^## ", text, re.M | re.S)
    assert section.split() == ["```{quiz}", "```"]


def test_a_quiz_belongs_to_a_chapter():
    files = set((chapters.ROOT / "book").rglob(f"*{quiz.SUFFIX}"))
    assert files == set(QUIZZES)


def test_an_id_stands_once_in_the_book():
    names = Counter(one.id for one in questions())
    assert [name for name, n in names.items() if n > 1] == []


@pytest.mark.parametrize("path", QUIZZES, ids=short)
def test_what_a_quiz_mentions_exists(path):
    """The build checks it too; this says it sooner, and file by file."""
    known = {"erratum": {e.id for e in errata.read()}, "term": glossary()}
    for one in read(path):
        for name, target, plain in ROLE.findall("\n".join(one.texts)):
            assert name in ROLES, f"{one.id}: no {{{name}}} in a quiz"
            found = " ".join((target or plain).split())
            found = found.lower() if name == "term" else found
            assert found in known.get(name, {found}), f"{one.id}: {found}"


@cache
def glossary():
    """The terms that the glossary explains."""
    page = chapters.Page(chapters.ROOT / "book" / "glossary.md")
    (listed,) = page.named("glossary")
    return {t.lower() for t in re.findall(r"^\S.*", listed.body, re.M)}


@pytest.mark.parametrize("path", QUIZZES, ids=short)
def test_explanations_are_sentences_and_labels_stay_in_chapters(path):
    for one in read(path):
        whys = [one.why, *(o.why for o in one.options)]
        whys += [n.why for n in one.near]
        for why in filter(None, whys):
            assert len(why.split()) >= 4, f"{one.id}: {why}"
            assert why.endswith((".", "$$")), f"{one.id}: {why}"
        for text in one.texts:  # a notebook could not show these
            assert not re.search(r"^```|^:::|^\([\w-]+\)=", text, re.M)
            assert not re.search(r"\$\$ *\([\w-]+\)", text)


# -- keys ---------------------------------------------------------------------


@pytest.mark.parametrize("one", NUMERIC, ids=lambda one: one.id)
def test_a_key_is_what_its_code_computes(one):
    names = {}
    exec(compile(one.answer.code, one.id, "exec"), names)
    off = abs(float(names["value"]) - one.answer.value)
    assert off <= one.answer.tolerance / 10


@pytest.mark.parametrize("one", NUMERIC, ids=lambda one: one.id)
def test_wrong_numbers_are_outside_of_the_tolerance(one):
    """Else a reader would be told that the right number is a mistake."""
    for near in one.near:
        off = abs(near.value - one.answer.value)
        assert off > one.answer.tolerance, near.value


@pytest.mark.parametrize("one", NUMERIC, ids=lambda one: one.id)
def test_a_key_rounded_to_three_digits_counts(one):
    """The tolerance leaves room for three significant digits of the key."""
    rounded = float(f"{one.answer.value:.3g}")
    assert abs(rounded - one.answer.value) <= one.answer.tolerance


# -- habits that would give answers away ---------------------------------------


def excess(events):
    """How many sigmas more events came than their chances let expect."""
    seen, chances = zip(*events, strict=True)
    spread = sqrt(sum(p * (1 - p) for p in chances))
    return (sum(seen) - sum(chances)) / spread


def test_right_options_stand_everywhere():
    placed = Counter(one.correct for one in CHOICES)
    for place in range(max(quiz.OPTIONS)):
        events = [
            (one.correct == place, 1 / len(one.options))
            for one in CHOICES
            if len(one.options) > place
        ]
        assert abs(excess(events)) < SIGMAS, f"{place} in {dict(placed)}"


@pytest.mark.parametrize("path", QUIZZES, ids=short)
def test_right_options_of_a_quiz_move(path):
    places = [one.correct for one in read(path) if one.options]
    assert len(set(places)) > 1
    assert max(Counter(places).values()) <= (len(places) + 1) // 2


def length(text):
    """The length of an option as a reader sees it, about."""
    return len(re.sub(r"[$\\{}`*]|\s+", " ", text).strip())


@pytest.mark.parametrize("extreme", [max, min])
def test_the_length_of_an_option_does_not_give_it_away(extreme):
    events = []
    for one in CHOICES:
        lengths = [length(o.text) for o in one.options]
        longest = lengths.index(extreme(lengths)) == one.correct
        events.append((longest, 1 / len(lengths)))
    assert excess(events) < SIGMAS


def test_habits_would_be_noticed():
    """Forty questions with the right answer at A, or three in five times."""
    always = [(True, 0.25)] * 40
    often = [(i % 5 < 3, 0.25) for i in range(40)]
    fair = [(i % 4 == 0, 0.25) for i in range(40)]
    assert excess(always) > excess(often) > SIGMAS > abs(excess(fair))
