"""The courses are made of what the book has, in an order that can be taught.

How a page shows them: tests/tools/test_syllabi_ext.py.
"""

import copy
import posixpath
import re
from functools import cache

import pytest
import yaml

from tools import chapters, syllabi
from tools.syllabi import Book

FIELDS = yaml.safe_load(syllabi.FILE.read_text(encoding="utf8"))
NAMES = list(FIELDS["courses"])
EVENINGS = [name for name in NAMES if "weeks" in FIELDS["courses"][name]]
SESSIONS = [
    (name, i)
    for name in NAMES
    for i in range(len(FIELDS["courses"][name]["sessions"]))
]
FOLDER = chapters.ROOT / "book"


@cache
def plan():
    return syllabi.read()


@cache
def known():
    return syllabi.book()


def session(name, i):
    return plan().courses[name].sessions[i]


def treated(name, i):
    """The chapters of the sessions before number i, counted from 0."""
    before = plan().courses[name].sessions[:i]
    return {c for one in before for c in one.chapters}


# -- the courses of the book ---------------------------------------------------


def test_there_are_three_courses():
    assert NAMES == ["day", "six-weeks", "twelve-weeks"]


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_a_session_is_made_of_what_there_is(name, i):
    one = session(name, i)
    for chapter in (*one.chapters, *one.assumed):
        assert (FOLDER / f"{chapter}.md").is_file()
        assert FOLDER / f"{chapter}.md" in chapters.chapters()
    if one.sheet:
        assert (FOLDER / "exercises" / f"{one.sheet}.py").is_file()


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_sections_and_exercises_are_those_of_its_chapters(name, i):
    one = session(name, i)
    pages = {c: chapters.Page(FOLDER / f"{c}.md") for c in one.chapters}
    for place in one.places:
        chapter, _, label = place.partition("#")
        anchors = {a for h in pages[chapter].headings for a in h.anchors}
        assert not label or label in anchors
    labels = {label for page in pages.values() for label in page.labels}
    assert set(one.exercises) <= labels
    assert all(e.startswith("ex-") for e in one.exercises)


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_what_a_chapter_needs_has_been_treated(name, i):
    one, ready = session(name, i), treated(name, i)
    ready |= set(one.assumed)
    for chapter in one.chapters:
        assert set(plan().needs[chapter]) <= ready
        ready.add(chapter)


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_its_minutes_add_up(name, i):
    one = session(name, i)
    assert sum(one.blocks.values()) == one.minutes
    assert one.blocks["discussion"] >= 10


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_a_lecture_is_at_most_half(name, i):
    one = session(name, i)
    assert one.blocks["lecture"] <= one.minutes / 2


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_its_aims_say_what_a_student_can_do(name, i):
    aims = session(name, i).aims
    assert len(aims) in (2, 3)
    assert all(a[0].islower() and a[-1] not in ".,;" for a in aims)


@pytest.mark.parametrize(("name", "i"), SESSIONS)
def test_a_sheet_comes_after_its_chapters(name, i):
    one = session(name, i)
    if one.sheet:
        file = FOLDER / "exercises" / f"{one.sheet}.yml"
        needed = yaml.safe_load(file.read_text(encoding="utf8"))["chapters"]
        assert set(needed) <= treated(name, i + 1)


@pytest.mark.parametrize("name", NAMES)
def test_no_sheet_is_handed_out_twice(name):
    given = [s.sheet for s in plan().courses[name].sessions if s.sheet]
    assert given
    assert len(set(given)) == len(given)


@pytest.mark.parametrize("name", EVENINGS)
def test_a_week_has_two_sessions_of_ninety_minutes(name):
    course = plan().courses[name]
    weeks = [course.week(i + 1) for i in range(len(course.sessions))]
    assert weeks == sorted(list(range(1, course.weeks + 1)) * 2)
    assert {one.minutes for one in course.sessions} == {90}


def test_the_day_fits_in_its_hours():
    course = plan().courses["day"]
    assert sum(one.minutes for one in course.sessions) <= 6 * 60
    assert course.hours(1).startswith("09:00")
    assert course.hours(len(course.sessions)).split("–")[1] <= "17:00"
    assert all(one.pause >= 15 for one in course.sessions[:-1])
    assert max(one.pause for one in course.sessions) >= 45  # a meal


def test_twelve_weeks_have_every_chapter_and_every_sheet():
    sessions = plan().courses["twelve-weeks"].sessions
    assert {c for s in sessions for c in s.chapters} == set(known().texts)
    assert {s.sheet for s in sessions} - {""} == set(known().sheets)


def test_six_weeks_let_the_last_chapter_be_exchanged():
    """The page promises it of the eleven chapters left out, but for one."""
    last = len(plan().courses["six-weeks"].sessions) - 1
    ready = treated("six-weeks", last)
    left = set(known().texts) - treated("six-weeks", last + 1)
    waiting = {c for c in left if not set(plan().needs[c]) <= ready}
    assert len(left) == 11
    assert waiting == {"fusion/text-and-recommendation"}


def test_prerequisites_are_those_of_the_boxes():
    """Read from the pages in another way than the tool does."""
    for chapter, needs in plan().needs.items():
        page = chapters.Page(FOLDER / f"{chapter}.md")
        box = page.directives[0].body.split("**Afterwards")[0]
        links = re.findall(r"\(([\w./-]+\.md)\)", " ".join(box.split()))
        folder = posixpath.dirname(chapter)
        found = {posixpath.normpath(f"{folder}/{link}"[:-3]) for link in links}
        said = {*needs, *plan().helps[chapter]}
        assert said == found & set(known().texts)


def test_the_page_shows_every_course():
    page = chapters.Page(FOLDER / "teachers" / "syllabi.md")
    shown = [d.argument for d in page.named("syllabus")]
    assert shown == NAMES
    assert len(page.named("prerequisites")) == 1


# -- times ---------------------------------------------------------------------


def test_hours_count_the_pauses():
    one = plan().courses["day"].sessions[0]
    pair = (one, one)
    course = syllabi.Course("x", "X", 150, pair, begins="09:30")
    assert course.hours(1) == "09:30–10:45"
    assert course.hours(2) == "11:00–12:15"
    assert course.week(2) == 0
    assert plan().courses["six-weeks"].hours(1) == ""


# -- mistakes ------------------------------------------------------------------

BOX = "# T\n\n**You need** {}.\n\n**Afterwards you can**\n\n(sec)=\n## S\n"
TEXTS = {
    "a/one": BOX.format("nothing") + ":label: ex-one\n",
    "a/two": BOX.format("[one](one.md)"),
    "b/three": BOX.format("[two](../a/two.md), [notation](../notation.md)"),
}
BOOK = Book(TEXTS, {"sheet": ("a/one", "a/two"), "other": ("b/three",)})
ONE = {
    "title": "One",
    "chapters": ["a/one#sec"],
    "minutes": 60,
    "blocks": {"lecture": 30, "quiz": 10, "exercise": 20},
    "quiz": True,
    "exercises": ["ex-one"],
    "aims": ["say what it is", "say what it is not"],
}
TWO = {
    "title": "Two",
    "chapters": ["a/two"],
    "minutes": 60,
    "blocks": {"lecture": 30, "discussion": 30},
    "quiz": False,
    "aims": ["say what it is", "say what it is not"],
    "sheet": "sheet",
}
SMALL = {
    "prerequisites": {
        "a/one": None,
        "a/two": {"needs": ["a/one"]},
        "b/three": {"helps": ["a/two"]},
    },
    "courses": {
        "x": {"title": "X", "minutes": 120, "weeks": 2, "sessions": [ONE, TWO]}
    },
}


@pytest.fixture
def small():
    return copy.deepcopy(SMALL)


@pytest.fixture
def complaint(tmp_path):
    """What is said of these fields."""

    def run(fields):
        file = tmp_path / "syllabi.yml"
        file.write_text(yaml.safe_dump(fields), encoding="utf8")
        with pytest.raises(ValueError, match=r"correct syllabi\.yml") as error:
            syllabi.read(file, BOOK)
        return str(error.value)

    return run


def test_a_small_file_is_read(tmp_path, small):
    file = tmp_path / "syllabi.yml"
    file.write_text(yaml.safe_dump(small), encoding="utf8")
    found = syllabi.read(file, BOOK)
    assert found.needs == {"a/one": (), "a/two": ("a/one",), "b/three": ()}
    assert found.helps["b/three"] == ("a/two",)
    first, second = found.courses["x"].sessions
    assert (first.chapters, first.places) == (("a/one",), ("a/one#sec",))
    assert (first.sheet, second.sheet, second.exercises) == ("", "sheet", ())


def test_what_is_no_yaml_is_refused(tmp_path):
    file = tmp_path / "syllabi.yml"
    file.write_text("title: a: b", encoding="utf8")
    with pytest.raises(ValueError, match="not YAML; a text with a colon"):
        syllabi.read(file, BOOK)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([], "two fields, prerequisites and courses"),
        ({"courses": {}}, "two fields, prerequisites and courses"),
        ({"prerequisites": [], "courses": {}}, "prerequisites by chapter"),
    ],
)
def test_a_file_has_its_two_parts(complaint, fields, said):
    assert said in complaint(fields)


@pytest.mark.parametrize(
    ("chapter", "entry", "said"),
    [
        ("a/none", None, "there is no chapter a/none"),
        ("a/two", None, "the box of a/two links to a/one, its entry has no ch"),
        ("a/one", {"needs": ["a/two"]}, "links to no chapter, its entry has a"),
        ("a/two", {"needs": ["a/one"], "helps": ["a/one"]}, "a/one, a/one: na"),
        ("a/two", {"wants": ["a/one"]}, "the unknown field 'wants' (known: ne"),
        ("a/two", {"needs": "a/one"}, "entry of a/two must be a list"),
        ("a/two", ["a/one"], "the entry of a/two must have the fields needs"),
    ],
)
def test_prerequisites_with_a_mistake(complaint, small, chapter, entry, said):
    small["prerequisites"][chapter] = entry
    assert said in complaint(small)


def test_a_chapter_without_an_entry(complaint, small):
    del small["prerequisites"]["b/three"]
    assert "prerequisites: b/three is missing" in complaint(small)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": None}, "x: the course needs title"),
        ({"sessions": []}, "the course needs sessions"),
        ({"hours": 6}, "the unknown field 'hours' (known: title, minutes"),
        ({"weeks": "2"}, "weeks of the course must be a whole number"),
        ({"minutes": 90}, "its sessions take 120 minutes, the course has 90"),
        ({"begins": "09:00"}, "give weeks, or the time when the day begins"),
        ({"weeks": 3}, "2 sessions cannot be shared among 3 weeks"),
        ({"weeks": 0}, "2 sessions cannot be shared among 0 weeks"),
        ({"begins": "9"}, "begins must be a time of day in quotes"),
        ({"begins": "24:00"}, "begins must be a time of day in quotes"),
    ],
)
def test_a_course_with_a_mistake(complaint, small, change, said):
    small["courses"]["x"] |= change
    assert said in complaint(small)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"aims": []}, "x: session 1: it needs aims"),
        ({"room": 5}, "it has the unknown field 'room' (known: title, chap"),
        ({"quiz": "yes"}, "quiz of it must be yes or no"),
        ({"quiz": False}, "there is a block for the quiz, and quiz is no"),
        ({"minutes": 61}, "its blocks take 60 minutes, the session has 61"),
        ({"blocks": {"nap": 60}}, "the unknown block 'nap' (known: lecture"),
        ({"blocks": {"quiz": 0}}, "of a block must be a positive number"),
        ({"blocks": {"quiz": True}}, "of a block must be a positive number"),
        ({"blocks": {"lecture": 60}}, "a block exercise and a list of exerc"),
        ({"exercises": []}, "a block exercise and a list of exercises go"),
        ({"exercises": ["ex-no"]}, "of its chapters has an exercise ex-no"),
        ({"chapters": ["a/no"]}, "session 1: there is no chapter a/no"),
        ({"chapters": [7]}, "there is no chapter 7"),
        ({"chapters": ["a/one#no"]}, "a/one has no section no"),
        ({"assumed": ["a/no"]}, "there is no chapter a/no"),
        ({"assumed": ["a/two"]}, "a/two need not be assumed here: leave it"),
        ({"sheet": "no"}, "session 1: there is no sheet no"),
        ({"sheet": "sheet"}, "session 1: sheet comes before a/two"),
        ({"aims": ["say what it is"]}, "give 2 or 3 aims, not 1"),
        ({"aims": ["know", "know more"]}, "an aim is a text: what a student"),
        ({"aims": [1, 2]}, "an aim is a text: what a student can do"),
    ],
)
def test_a_session_with_a_mistake(complaint, small, change, said):
    small["courses"]["x"]["sessions"][0] |= change
    assert said in complaint(small)


def test_a_session_is_a_mapping(complaint, small):
    small["courses"]["x"]["sessions"][0] = "a/one"
    assert "session 1: it must have the fields title" in complaint(small)


def test_a_chapter_before_what_it_needs(complaint, small):
    small["courses"]["x"]["sessions"].reverse()
    said = complaint(small)
    assert "session 1: a/two needs a/one: treat it before, or name it" in said
    assert "session 1: sheet comes before a/one" in said


def test_the_order_within_a_session_counts(complaint, small):
    first = small["courses"]["x"]["sessions"][0]
    first["chapters"] = ["a/two", "a/one"]
    assert "session 1: a/two needs a/one" in complaint(small)
    first["chapters"] = ["a/one", "a/two"]
    assert syllabi.mistakes(small, BOOK) == []


def test_what_is_assumed_is_not_asked_for_again(complaint, small):
    sessions = small["courses"]["x"]["sessions"]
    sessions[0] |= {"chapters": ["a/two"], "assumed": ["a/one"]}
    del sessions[0]["exercises"], sessions[0]["blocks"]["exercise"]
    sessions[0]["blocks"]["lecture"] = 50
    # A sheet still waits for a chapter that was assumed and not treated.
    assert complaint(small).splitlines()[1:] == [
        "x: session 2: sheet comes before a/one"
    ]
    del sessions[1]["sheet"]
    assert syllabi.mistakes(small, BOOK) == []


def test_a_sheet_twice(complaint, small):
    course = small["courses"]["x"]
    course["sessions"].append(course["sessions"][1])
    course |= {"minutes": 180, "weeks": 1}
    assert "session 3: sheet is handed out again" in complaint(small)


def test_all_mistakes_are_listed_at_once(complaint, small):
    first, second = small["courses"]["x"]["sessions"]
    first["minutes"], second["aims"] = 50, ["one aim only"]
    assert len(complaint(small).splitlines()) == 3
