"""The quiz of a page, built by Sphinx from a small book of its own."""

import re
import subprocess
import sys

import pytest
import yaml
from babel.messages.pofile import read_po
from docutils import nodes

from tools import quiz_ext
from tools.errata import ROOT
from tools.notebook_text import Writer

CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_parser", "tools.quiz_ext"]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
html_static_path = [{static!r}]
gettext_compact = False
"""
PAGE = "# The chapter\n\n(here)=\n## Quiz\n\n```{quiz}\n```\n"
GLOSSARY = "# Glossary\n\n```{glossary}\nnat\n  A unit.\n```\n"
CHOICE = {
    "question": "What is $x^2$ for a {term}`nat`?\n\nThink twice.",
    "options": [
        {"text": "The `first`.", "why": "No, see {ref}`here`."},
        {"text": "The second.", "why": "Yes, $x^2$."},
        {"text": "The third.", "why": "Never."},
    ],
}
NUMBER = {
    "question": "How many?",
    "answer": {
        "code": "value = 0.5",
        "value": 0.5,
        "tolerance": 0.01,
        "unit": "nats",
    },
    "why": "Half of one.",
    "near": [{"value": 2, "why": "Upside down."}],
}


def quiz_text(change=None):
    """Four choices, with A, B, C, A right, and two numbers."""
    fields = yaml.safe_load(
        yaml.safe_dump([CHOICE] * 4 + [NUMBER] * 2, default_flow_style=False)
    )
    fields = [dict(f) for f in fields]
    for i, one in enumerate(fields):
        one["id"] = f"chapter-q{i}"
        if "options" in one:
            one["options"] = [dict(o) for o in one["options"]]
            one["options"][i % 3]["correct"] = True
    if change:
        change(fields)
    return yaml.safe_dump(fields)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Build a book from a quiz; return its folder and the complaints."""

    def run(text, builder="html"):
        root = tmp_path_factory.mktemp("book")
        toc = "```{toctree}\nchapter\nglossary\n```\n"
        static = str(ROOT / "book" / "_static")
        texts = {
            "conf.py": CONF.format(root=str(ROOT), static=static),
            "index.md": f"# Book\n\n{toc}",
            "chapter.md": PAGE,
            "glossary.md": GLOSSARY,
        }
        texts |= {"chapter.quiz.yml": text} if text else {}
        for name, content in texts.items():
            (root / name).write_text(content, encoding="utf8")
        command = [sys.executable, "-m", "sphinx", "-nqW", "--keep-going"]
        done = subprocess.run(
            [*command, "-b", builder, ".", "out"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        return root / "out", done

    return run


@pytest.fixture(scope="module")
def out(build):
    folder, done = build(quiz_text())
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def html(out):
    return (out / "chapter.html").read_text(encoding="utf8")


def questions(html):
    """The part of the page that belongs to each question."""
    return html.split('<div class="quiz-question"')[1:]


def test_a_page_reads_without_its_script(html):
    """Options in letters, then an answer that folds and explains all."""
    first = questions(html)[0]
    marks = ["Question 1<", "Think twice.", "upperalpha", "The second.",
             "<details", "<summary", "A is right.", "No, see", "Never.",
             "</details>"]  # fmt: skip
    places = [first.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "<details open" not in html
    assert "<input" not in "".join(questions(html)).split("quiz-words")[0]


def test_the_right_option_is_marked_and_named(html):
    found = re.findall(r'data-correct="(\d)"', html)
    assert found == ["0", "1", "2", "0"]
    assert re.findall(r"([A-D]) is right\.", html) == ["A", "B", "C", "A"]


def test_a_number_says_what_counts_and_what_leads_to_others(html):
    number = questions(html)[4]
    assert 'data-value="0.5"' in number
    assert 'data-tolerance="0.01"' in number
    assert 'data-unit="nats"' in number
    assert "0.5 nats; up to 0.01 more or less" in number
    answer = number[number.index("<details") :]
    assert answer.index("Half of one.") < answer.index("Not 2:")
    assert answer.index("Not 2:") < answer.index("Upside down.")
    assert 'data-value="2.0"' in answer


def test_texts_are_parsed(html):
    first = questions(html)[0]
    assert r"\(x^2\)" in first
    assert 'href="glossary.html#term-nat"' in first
    assert 'href="#here"' in first
    assert '<span class="pre">first</span>' in first


def test_every_word_of_the_script_is_on_the_page_and_hidden(html):
    shown = html[html.index('class="quiz-words"') - 60 :]
    assert re.search(r'<div class="quiz-words"[^>]* hidden=', shown)
    script = (ROOT / "book" / "_static" / "quiz.js").read_text()
    used = set(re.findall(r"\bwords\.(\w+)", script))
    assert used == set(quiz_ext.WORDS)
    assert all(f'data-word="{name}"' in shown for name in used)


def test_only_pages_with_a_quiz_load_style_and_script(out, html):
    for file in (quiz_ext.STYLE, quiz_ext.SCRIPT):
        assert file in html
        assert file not in (out / "glossary.html").read_text(encoding="utf8")


def test_every_text_is_a_message(build):
    folder, done = build(quiz_text(), builder="gettext")
    assert done.returncode == 0, done.stderr
    with (folder / "chapter.pot").open("rb") as file:
        messages = {m.id for m in read_po(file)}
    assert {"What is $x^2$ for a {term}`nat`?", "Think twice."} <= messages
    assert {"The `first`.", "Yes, $x^2$.", "Upside down."} <= messages
    assert {"Answer", "B is right.", "Question 3"} <= messages
    assert set(quiz_ext.WORDS.values()) <= messages


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: f[0].pop("question"), "the question needs question"),
        (lambda f: f[0].update(question="{term}`joule`"), "joule"),
        (
            lambda f: f[0]["options"][0].update(text="- a\n- b"),
            "an option must be one paragraph",
        ),
    ],
)
def test_a_mistake_fails_the_build(build, change, complaint):
    _, done = build(quiz_text(change))
    assert done.returncode != 0
    assert complaint in done.stderr


def test_a_missing_quiz_fails_the_build(build):
    _, done = build("")
    assert done.returncode != 0
    assert "chapter.quiz.yml" in done.stderr


def test_a_notebook_has_the_questions_and_folds_the_answers():
    def text(words):
        return nodes.paragraph("", words)

    whys = [[quiz_ext.box("div", "quiz-why", text(t))] for t in ("No.", "Yes.")]
    options = quiz_ext.lettered([[text("One.")], [text("Two.")]], "x")
    answer = quiz_ext.fold([quiz_ext.lettered(whys, "x")])
    title = quiz_ext.words("p", "quiz-number", "Question 1")
    inner = quiz_ext.box("div", "quiz-question", title, options, answer)
    hidden = quiz_ext.words("span", "quiz-word", "Check")
    words = quiz_ext.box("div", "quiz-words", hidden)
    intro = quiz_ext.words("p", "quiz-introduction", "Answer first.")
    quiz = quiz_ext.box("div", "quiz", intro, inner, words)
    writer = Writer("book/part/x", "https://a.b/c/", {}, {})
    assert list(writer.items(nodes.section("", quiz))) == [
        "*[Check your answers on the page]"
        "(https://a.b/c/book/part/x.html#quiz).*",
        "Answer first.",
        "**Question 1**",
        "- **A.** One.\n- **B.** Two.",
        "<details>\n<summary>Answer</summary>\n\n"
        "- **A.** No.\n- **B.** Yes.\n\n</details>",
    ]
