"""The page of courses, built by Sphinx from a small book of its own."""

import re
import subprocess
import sys

import pytest
import yaml

from tools.errata import ROOT

CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = [
    "myst_parser", "sphinx_exercise", "tools.maps_ext", "tools.syllabi_ext"
]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
html_static_path = [{static!r}]
gettext_compact = False

def setup(app):
    if {slides}:
        app.extensions["tools.slides_ext"] = app.extensions["tools.maps_ext"]
"""
CONFIG = "parse: {myst_enable_extensions: [dollarmath]}\n"
TOC = """
root: index
chapters:
  - file: book/a/one
  - file: book/a/two
  - file: book/exercises/sheet
  - file: book/teachers/syllabi
"""
CHAPTER = """# Chapter {name}

**You need** {needs}.

**Afterwards you can** go on.

(part-{name})=
## The part of {name}

```{{exercise}}
:label: ex-{name}
Count.
```

## Quiz
"""
ONE = {
    "title": "A beginning",
    "chapters": ["a/one#part-one"],
    "minutes": 60,
    "blocks": {"lecture": 30, "quiz": 10, "exercise": 20},
    "quiz": True,
    "exercises": ["ex-one"],
    "aims": ["say what $x^2$ is", "say what it is not"],
    "pause": 15,
}
TWO = {
    "title": "An end",
    "chapters": ["a/two"],
    "minutes": 60,
    "blocks": {"lecture": 30, "discussion": 30},
    "quiz": False,
    "aims": ["say what it is", "say what it is not"],
    "sheet": "sheet",
}
LATE = TWO | {"assumed": ["a/one"], "quiz": True}
del LATE["sheet"]
FIELDS = {
    "prerequisites": {"a/one": None, "a/two": {"needs": ["a/one"]}},
    "courses": {
        "day": {
            "title": "A day",
            "minutes": 120,
            "begins": "09:00",
            "sessions": [ONE, TWO],
        },
        "weeks": {
            "title": "Weeks",
            "minutes": 60,
            "weeks": 1,
            "sessions": [LATE],
        },
    },
}
PAGE = """# Courses

## A day

```{syllabus} day
```

## Weeks

```{syllabus} weeks
```

## Before

```{prerequisites}
```
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build a book; return the folder of its pages, and the complaints."""

    def run(fields=FIELDS, *, page=PAGE, slides=False, builder="html"):
        root = tmp_path_factory.mktemp("book")
        static = str(ROOT / "book" / "_static")
        names = ("book/a/one", "book/a/two", "book/exercises/sheet")
        listed = "\n".join([*names, "book/teachers/syllabi"])
        needs = {"one": "nothing", "two": "[the first](one.md)"}
        texts = {
            "conf.py": CONF.format(
                root=str(ROOT), static=static, slides=slides
            ),
            "_toc.yml": TOC,
            "_config.yml": CONFIG,
            "index.md": f"# Book\n\n```{{toctree}}\n{listed}\n```\n",
            "book/exercises/sheet.md": "# The sheet\n",
            "book/exercises/sheet.yml": "chapters: [a/one, a/two]",
            "book/teachers/syllabi.md": page,
            "classroom/syllabi.yml": yaml.safe_dump(fields, sort_keys=False),
        }
        for name, need in needs.items():
            text = CHAPTER.format(name=name, needs=need)
            texts[f"book/a/{name}.md"] = text
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf8")
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-nqW", "--keep-going",
             "-b", builder, ".", "out"],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return root / "out" / "book", done

    return run


@pytest.fixture(scope="module")
def folder(build):
    out, done = build()
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "teachers" / "syllabi.html").read_text(encoding="utf8")


def part(html, name):
    """The text of the section with this id, up to the next one."""
    return html.split(f'id="{name}"')[1].split("<section")[0]


def words(html):
    """What is read of a part of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_overview_leads_to_the_sessions(html):
    day = part(html, "a-day")
    heads = re.findall(r"<th[^>]*><p>(.*?)</p>", day)
    assert heads == ["Time", "Session", "To hand out"]
    assert 'href="#syllabus-day-2"' in day
    assert 'href="../exercises/sheet.html"' in day
    assert "09:00–10:00 1. A beginning" in words(day)
    assert "10:15–11:15 2. An end" in words(day)
    weeks = part(html, "weeks")
    assert re.findall(r"<th[^>]*><p>(.*?)</p>", weeks)[0] == "Week"
    assert "1 1. An end Chapter two none" in words(weeks)


def test_a_session_says_all_it_knows(html):
    one = part(html, "syllabus-day-1")
    assert "<h3>Session 1: A beginning" in one
    assert 'href="../a/one.html"' in one
    assert 'href="../a/one.html#part-one"' in one
    assert r"say what <span" in one
    assert r"\(x^2\)" in one
    read = words(one)
    marks = ["09:00–10:00. 60 minutes.", "The part of one", "Afterwards a st"]
    marks += ["Minutes What", "30 Lecture", "10 Quiz", "20 Exercises: Exe"]
    places = [read.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "Hand out" not in read


def test_an_exercise_is_linked(html):
    one = part(html, "syllabus-day-1")
    assert re.search(r'href="../a/one\.html#ex-one"[^>]*>.*?Exercise', one)


def test_a_sheet_is_handed_out_at_the_end(html):
    two = part(html, "syllabus-day-2")
    assert "Hand out: The sheet" in words(two)
    assert 'href="../exercises/sheet.html"' in two


def test_the_quiz_is_where_the_plan_says(html):
    assert 'href="../a/one.html#quiz"' in part(html, "syllabus-day-1")
    assert "No quiz." in words(part(html, "syllabus-day-2"))
    late = part(html, "syllabus-weeks-1")
    assert 'href="../a/two.html#quiz"' in late
    assert "Quiz: at home, before the session." in words(late)


def test_what_is_assumed_is_named(html):
    assert "Assumed: Chapter one" in words(part(html, "syllabus-weeks-1"))


def test_every_chapter_has_its_row(html):
    rows = part(html, "before").split("<tr")[1:]
    read = [words("<" + row) for row in rows]
    assert "Chapter, and its sessions Needs" in read[0]
    assert "Chapter one A day: 1 no other chapter" in read[1]
    assert "Chapter two A day: 2 Weeks: 1 Chapter one" in read[2]


def test_slides_are_linked_where_the_site_has_them(build, html):
    assert "slides" not in part(html, "syllabus-day-1")
    out, done = build(slides=True)
    assert done.returncode == 0, done.stderr
    text = (out / "teachers" / "syllabi.html").read_text(encoding="utf8")
    assert 'href="../../slides/a/one.html"' in part(text, "syllabus-day-1")
    assert "(quiz, slides)" in words(part(text, "syllabus-day-1")).replace(
        " ,", ","
    ).replace("( ", "(").replace(" )", ")")


def test_only_this_page_loads_the_style(folder, html):
    assert "syllabi.css" in html
    other = (folder / "a" / "one.html").read_text(encoding="utf8")
    assert "syllabi.css" not in other


def test_the_words_are_messages_for_translators(build):
    out, done = build(builder="gettext")
    assert done.returncode == 0, done.stderr
    text = (out / "teachers" / "syllabi.pot").read_text(encoding="utf8")
    for message in ("say what $x^2$ is", "Session 1: A beginning", "Minutes"):
        assert f'msgid "{message}"' in text


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```{syllabus} year\n```", "no course 'year': choose of day, weeks"),
        ("```{syllabus}\n```", "syllabus"),
    ],
)
def test_an_unknown_course_fails_the_build(build, page, said):
    _, done = build(page=f"# Courses\n\n{page}\n")
    assert done.returncode != 0
    assert said in done.stderr


def test_a_mistake_in_the_file_fails_the_build(build):
    fields = FIELDS | {"prerequisites": {"a/one": None}}
    _, done = build(fields)
    assert done.returncode != 0
    assert "prerequisites: a/two is missing" in done.stderr
