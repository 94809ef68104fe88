"""The page of errata, built by Sphinx from a small book of its own."""

import subprocess
import sys

import pytest

from tools.errata import ROOT

CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_parser", "tools.errata_ext"]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
html_static_path = [{static!r}]
"""
ENTRIES = """
- id: D1-C2
  title: A pair
  document: "001"
  place: {section: 4, line: 9}
  severity: major
  says: {original: Z = gmm.sample(100), english: Draw points.}
  right: It is a pair, $(x, z)$; see {erratum}`D1-F5`.
  chapter: book/part/chapter.md#pitfall-pair
  test: tests/errata/test_mixtures_errata.py::test_a_sample_is_a_pair
- id: D1-F5
  title: No difference
  document: "001"
  place: {section: 3, line: 8}
  severity: minor
  says: {original: $x$ 是熵之差, english: A difference.}
  right: It is not.
  chapter: book/part/chapter.md#pitfall-pair
  test: none
  reason: It is shown by hand.
"""
CHAPTER = """# The chapter

(pitfall-pair)=
## A pitfall

See {erratum}`D1-C2`.
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build a book from the text of its chapter; return page and complaints."""

    def run(chapter):
        root = tmp_path_factory.mktemp("book")
        (root / "book" / "part").mkdir(parents=True)
        static = str(ROOT / "book" / "_static")
        conf = CONF.format(root=str(ROOT), static=static)
        toc = "```{toctree}\nbook/errata\nbook/part/chapter\n```\n"
        texts = {
            "conf.py": conf,
            "index.md": f"# Book\n\n{toc}",
            "book/errata.md": "# Errata\n\n```{errata}\n```\n",
            "book/errata.yml": ENTRIES,
            "book/part/chapter.md": chapter,
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
        page = root / "out" / "book" / "errata.html"
        return page, done

    return run


@pytest.fixture(scope="module")
def built(build):
    page, done = build(CHAPTER)
    assert done.returncode == 0, done.stderr
    return page


@pytest.fixture(scope="module")
def html(built):
    return built.read_text(encoding="utf8")


def test_entries_stand_in_reading_order_under_their_document(html):
    marks = ["By chapter<", "<h2>Document 001", 'id="erratum-d1-f5"']
    marks += ['id="erratum-d1-c2"']
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "<h3>D1-C2. A pair<" in html


def test_entries_are_listed_by_severity_the_gravest_first(html):
    listed = html[html.index('id="errata-by-severity"') :]
    marks = [">critical<", ">major<", 'href="#erratum-d1-c2"', ">minor<"]
    marks += ['href="#erratum-d1-f5"', "<h2>Document 001"]
    places = [listed.index(mark) for mark in marks]
    assert places == sorted(places)


def test_an_entry_says_all_it_knows(html):
    entry = html[html.index('id="erratum-d1-c2"') :]
    assert ">major</span> section 4, line 9" in entry
    assert "gmm.sample(100)" in entry
    assert "Draw points." in entry
    assert r"\((x, z)\)" in entry
    assert 'href="#erratum-d1-f5"' in entry
    assert 'href="part/chapter.html#pitfall-pair"' in entry
    assert "test_a_sample_is_a_pair" in entry


def test_chinese_is_marked_as_chinese_and_code_is_not(html):
    assert html.count('lang="zh"') == 1
    chinese = html[html.index('lang="zh"') :]
    assert chinese.index("是熵之差") < chinese.index("</p>")


def test_a_missing_test_gives_its_reason(html):
    assert "None. It is shown by hand." in html


def test_the_table_counts(html):
    row = html[html.index("001 Generating") :]
    cells = [c.split("</p>")[0] for c in row.split("<td><p>")[1:5]]
    assert cells == ["0", "1", "1", "2"]


def test_only_this_page_loads_the_style(built, html):
    assert "errata.css" in html
    chapter = built.parent / "part" / "chapter.html"
    assert "errata.css" not in chapter.read_text(encoding="utf8")
    assert "../errata.html#erratum-d1-c2" in chapter.read_text(encoding="utf8")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("`D1-C2`", "`D1-C9`", "erratum-d1-c9"),
        ("`D1-C2`", "`the pair`", "not the id of an erratum"),
        ("(pitfall-pair)=", "(pitfall-other)=", "pitfall-pair"),
    ],
)
def test_a_broken_link_fails_the_build(build, old, new, complaint):
    _, done = build(CHAPTER.replace(old, new))
    assert done.returncode != 0
    assert complaint in done.stderr
