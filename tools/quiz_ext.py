"""Local Sphinx extension: the quiz of a chapter.

The directive `{quiz}` puts the questions of <chapter>.quiz.yml on the page of
the chapter. What it writes needs no script: lists of options, and answers
that fold. book/_static/quiz.js makes fields and buttons of that. Every word
that the script shows stands on the page too, so that it can be translated.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from tools import quiz

STYLE, SCRIPT = "quiz.css", "quiz.js"
INTRODUCTION = (
    "Answer first, then look. Every answer is explained, the wrong ones too. "
    "Nothing is stored or sent."
)
WORDS = {
    "question": "Question {number} of {all}",
    "yours": "Your answer",
    "check": "Check",
    "right": "Right.",
    "wrong": "Not right.",
    "choose": "Choose an answer first.",
    "write": "Write a number, such as 0.69 or 1e-3.",
    "again": "Where might this number come from? Check each step again.",
    "score": "{right} of {all} right, {first} of them at the first try.",
    "show": "Show all answers",
    "hide": "Hide all answers",
}


class QuizBox(nodes.General, nodes.Element):
    """A box of the page with a tag and attributes of its own."""


class QuizWords(nodes.General, nodes.TextElement):
    """Words in such a box; they are a message for translators."""


def box(tag: str, name: str, *children, **attributes) -> QuizBox:
    """A box with this tag and class; data-... attributes by their names."""
    made = QuizBox("", *children, classes=[name], tag=tag)
    made["attributes"] = {f"data-{k}": str(v) for k, v in attributes.items()}
    return made


def words(tag: str, name: str, text: str, **attributes) -> QuizWords:
    """Words with this tag and class."""
    made = QuizWords(text, text, classes=[name], tag=tag)
    made["attributes"] = {f"data-{k}": str(v) for k, v in attributes.items()}
    return made


class QuizDirective(SphinxDirective):
    """{quiz}: the questions of the page, and their answers, folded."""

    def run(self):
        """The nodes of the quiz; the build fails if it has mistakes."""
        page = Path(self.env.doc2path(self.env.docname))
        file = quiz.path(page)
        self.env.note_dependency(str(file))
        try:
            questions = quiz.read(file)
        except ValueError as error:
            raise self.error(str(error)) from error
        intro = words("p", "quiz-introduction", INTRODUCTION)
        made = box("div", "quiz", intro)
        for i, one in enumerate(questions, 1):
            made += self.question(one, i)
        shown = [
            words("span", "quiz-word", t, word=k) for k, t in WORDS.items()
        ]
        made += box("div", "quiz-words", *shown)
        self.trace(made)
        return [made]

    def trace(self, root: nodes.Node) -> None:
        """Say of every part that it comes from here, for translators."""
        for node in root.findall(nodes.Element):
            if node.source is None:
                self.set_source_info(node)

    def why(self, text: str, **attributes) -> QuizBox:
        """An explanation, which the script shows with a verdict."""
        parsed = self.parse_text_to_nodes(text)
        return box("div", "quiz-why", *parsed, **attributes)

    def question(self, one: quiz.Question, number: int) -> QuizBox:
        """One question with everything that belongs to it."""
        text = self.parse_text_to_nodes(one.text)
        parts = [
            words("p", "quiz-number", f"Question {number}"),
            box("div", "quiz-text", *text),
        ]
        if one.answer:
            data = {"value": one.answer.value, "unit": one.answer.unit}
            data |= {"tolerance": one.answer.tolerance}
            made = box("div", "quiz-question", *parts, **data)
            made += fold(self.computed(one))
        else:
            data = {"correct": one.correct}
            made = box("div", "quiz-question", *parts, **data)
            made += self.choices(one)
            made += fold(self.chosen(one))
        made["ids"] = [f"quiz-{one.id}"]
        return made

    def choices(self, one: quiz.Question) -> nodes.enumerated_list:
        """The options, lettered."""
        items = [self.parse_text_to_nodes(o.text) for o in one.options]
        if any(not single(item) for item in items):
            raise self.error(f"{one.id}: an option must be one paragraph")
        return lettered(items, "quiz-options")

    def chosen(self, one: quiz.Question) -> list[nodes.Node]:
        """The letter of the right option, and what is to say of each."""
        letter = quiz.LETTERS[one.correct]
        whys = [[self.why(o.why)] for o in one.options]
        key = words("p", "quiz-key", f"{letter} is right.")
        return [key, lettered(whys, "quiz-whys")]

    def computed(self, one: quiz.Question) -> list[nodes.Node]:
        """The right number, how to get it, and what leads to others."""
        a = one.answer
        key = f"{a.value:g} {a.unit}".strip()
        key += f"; up to {a.tolerance:g} more or less counts as right."
        found = [words("p", "quiz-key", key), self.why(one.why)]
        for n in one.near:
            head = words("p", "quiz-near", f"Not {n.value:g}:")
            data = {"value": n.value, "tolerance": n.tolerance}
            found += [head, self.why(n.why, **data)]
        return found


def single(parsed: list[nodes.Node]) -> bool:
    """Whether this is one paragraph."""
    return len(parsed) == 1 and isinstance(parsed[0], nodes.paragraph)


def lettered(items: list[list[nodes.Node]], name: str) -> nodes.enumerated_list:
    """A list with the letters A, B, C..."""
    listed = nodes.enumerated_list("", classes=[name])
    listed.attributes |= {"enumtype": "upperalpha", "prefix": "", "suffix": "."}
    listed.extend(nodes.list_item("", *item) for item in items)
    return listed


def fold(content: list[nodes.Node]) -> QuizBox:
    """An answer that opens on request."""
    summary = words("summary", "quiz-summary", "Answer")
    return box("details", "quiz-answer", summary, *content)


def open_tag(self, node) -> None:
    """The start of a box; the words of the script are not shown."""
    attributes = dict(node["attributes"])
    if "quiz-words" in node["classes"]:
        attributes["hidden"] = "hidden"
    self.body.append(self.starttag(node, node["tag"], "", **attributes))


def close_tag(self, node) -> None:
    """The end of a box."""
    self.body.append(f"</{node['tag']}>\n")


def nothing(self, node) -> None:
    """In other formats only what is inside counts."""


def load(app, pagename, templatename, context, doctree) -> None:
    """Load style and script on the pages that need them."""
    if doctree and any(doctree.findall(QuizBox)):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app) -> dict:
    """Register the nodes, the directive, the style and the script."""
    plain = (nothing, nothing)
    for node in (QuizBox, QuizWords):
        formats = {"latex": plain, "text": plain, "man": plain}
        app.add_node(node, html=(open_tag, close_tag), **formats)
    app.add_directive("quiz", QuizDirective)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
