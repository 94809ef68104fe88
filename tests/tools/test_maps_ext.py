"""The document map and the page of systems, built from a small book."""

import re
import subprocess
import sys

import pytest

from tools.errata import ROOT

CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_parser", "tools.maps_ext"]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
html_static_path = [{static!r}]
"""
MAP = """
- document: "003"
  line: 20
  level: 1
  original: 3.核心算法
  english: Core algorithms
  treated:
    - book/part/chapter.md#pitfall-pair
    - book/part/chapter.md#pitfall-two
    - book/part/other.md
- document: "004"
  line: 45
  level: 1
  original: 3 没有
  english: Nothing
  reason: It is cut off.
"""
SYSTEMS = """
- system: A model
  named: {"003": ["3"], "004": ["3"]}
  shows: It has $x$.
  treated: [book/learning/index.md#doc004-3]
  tests: [tests/a/test_a.py::test_b_is_c, tests/a/test_a.py::test_d]
  not_covered: The other half.
- system: A later one
  named: {"003": ["3"]}
  shows: It is late.
  treated: [book/images/a.md]
  tests: [tests/test_a.py::test_e]
- system: An earlier one
  named: {"003": ["3"]}
  shows: It is early.
  treated: [book/probabilistic/a.md]
  tests: [tests/test_a.py::test_e]
- system: Nothing
  named: {}
  shows: Nothing.
  not_covered: It has no chapter yet.
"""
CHAPTER = """# The chapter

(pitfall-pair)=
## A pair

(pitfall-two)=
## Two
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build a book from the text of its chapter; return folder, complaints."""

    def run(chapter):
        root = tmp_path_factory.mktemp("book")
        for name in ("part", "learning", "probabilistic", "images"):
            (root / "book" / name).mkdir(parents=True)
        static = str(ROOT / "book" / "_static")
        pages = "document-map systems part/chapter part/other learning/index"
        pages += " probabilistic/a images/a"
        toc = "\n".join(f"book/{name}" for name in pages.split())
        texts = {
            "conf.py": CONF.format(root=str(ROOT), static=static),
            "index.md": f"# Book\n\n```{{toctree}}\n{toc}\n```\n",
            "book/document-map.md": "# Map\n\n```{document-map}\n```\n",
            "book/document-map.yml": MAP,
            "book/systems.md": "# Systems\n\n```{systems}\n```\n",
            "book/systems.yml": SYSTEMS,
            "book/part/chapter.md": chapter,
            "book/part/other.md": "# Another\n",
            "book/probabilistic/a.md": "# A\n",
            "book/images/a.md": "# B\n",
            "book/learning/index.md": "# Part\n\n(doc004-3)=\n## Three\n",
        }
        for name, text in texts.items():
            (root / name).write_text(text, encoding="utf8")
        command = [sys.executable, "-m", "sphinx", "-nqW", "--keep-going"]
        done = subprocess.run(
            [*command, ".", "out"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        return root / "out" / "book", done

    return run


@pytest.fixture(scope="module")
def built(build):
    folder, done = build(CHAPTER)
    assert done.returncode == 0, done.stderr
    return folder


def words(html):
    """The words of a page without its tags."""
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def rows(html):
    """The cells of the rows of all tables, each in its words."""
    found = re.findall(r"<tr.*?</tr>", html, re.S)
    return [
        [words(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)]
        for row in found
    ]


def test_headings_stand_under_their_document(built):
    html = (built / "document-map.html").read_text(encoding="utf8")
    head = ["Section", "Heading", "Treated in"]
    assert rows(html) == [
        head,
        [
            "3",
            "Core algorithms 核心算法 , line 20",
            "The chapter : A pair , Two Another",
        ],
        head,
        ["3", "Nothing 没有 , line 45", "It is cut off."],
    ]
    titles = ["Document 003: Prob", "Document 004: Learning"]
    places = [html.index(f"<h2>{title}") for title in titles]
    assert places == sorted(places)


def test_heads_are_heads_and_chinese_is_chinese(built):
    html = (built / "document-map.html").read_text(encoding="utf8")
    assert html.count("<th ") == 6
    assert html.count('lang="zh"') == 2


def test_a_number_leads_to_the_opening_page_if_there_is_one(built):
    for name in ("document-map", "systems"):
        html = (built / f"{name}.html").read_text(encoding="utf8")
        assert 'href="learning/index.html#doc004-3"' in html
        assert "doc003-3" not in html


def test_systems_stand_with_their_part(built):
    html = (built / "systems.html").read_text(encoding="utf8")
    titles = ["Learning", "Probabilistic", "Generating", "The whole course"]
    places = [html.index(f"<h2>{title}") for title in titles]
    assert places == sorted(places)
    assert [row[2] for row in rows(html)[3:6:2]] == ["A", "B"]
    assert rows(html)[1::6] == [
        [
            "A model Named in 003 ( 3 ); 004 ( 3 )",
            r"It has \(x\) . a/test_a.py : b is c; d",
            "Part : Three Not covered yet. The other half.",
        ],
        [
            "Nothing Nowhere named",
            "Nothing.",
            "Not covered yet. It has no chapter yet.",
        ],
    ]


def test_only_these_pages_load_the_style(built):
    for name in ("document-map", "systems"):
        assert "maps.css" in (built / f"{name}.html").read_text("utf8")
    assert "maps.css" not in (built / "part" / "chapter.html").read_text("utf8")


def test_a_broken_link_fails_the_build(build):
    _, done = build(CHAPTER.replace("(pitfall-two)=", "(pitfall-three)="))
    assert done.returncode != 0
    assert "pitfall-two" in done.stderr
