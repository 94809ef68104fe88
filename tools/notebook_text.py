r"""A page of the book as plain Markdown and code, from its resolved doctree.

Sphinx has resolved every role, number and label by then, so nothing is left
that only the website understands: a formula carries its number as a `\tag`,
a reference its text and the address on the site, an admonition is a quotation
with a title in bold, and a solution folds away in `<details>`.
"""

import re
import textwrap
from collections.abc import Iterator
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes

Item = str | int  # a block of Markdown, or the index of a code cell

SILENT = (
    nodes.target,
    nodes.comment,
    nodes.raw,
    nodes.substitution_definition,
    nodes.transition,
    nodes.system_message,
    addnodes.index,
    addnodes.toctree,
)
SILENT_NAMES = {"sd_tab_input", "toctree"}


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = re.sub(r"([\\`*_$])", r"\\\1", text)
    return text.replace("<", "&lt;")


def quote(text: str) -> str:
    """A block quotation."""
    lines = text.splitlines()
    return "\n".join(f"> {line}".rstrip() for line in lines)


def formula(latex: str, number: str | None = None) -> str:
    """A displayed formula, as the website's typesetter would write it."""
    latex = re.sub(r"\n\s*\n", "\n", latex.strip())
    if r"\\" in latex:
        latex = f"\\begin{{split}}{latex}\\end{{split}}"
    tag = f"\n\\tag{{{number}}}" if number else ""
    return f"$$\n{latex}{tag}\n$$"


class Writer:
    """Turns the doctree of one page into Markdown blocks and cell indices."""

    def __init__(self, docname: str, site: str, numbers: dict, images: dict):
        """Keep what the text refers to.

        Args:
            docname: the page, for example book/notation.
            site: the address of the site.
            numbers: of figures, formulas, exercises..., by kind and id.
            images: the published file name of each image.
        """
        self.page = urljoin(site, f"{docname}.html")
        self.site, self.numbers, self.images = site, numbers, images
        self.level = 0

    # -- inline ------------------------------------------------------------

    def inline(self, node: nodes.Node) -> str:
        """The children of a node, as one run of text."""
        return "".join(self.span(child) for child in node.children)

    def span(self, node: nodes.Node) -> str:
        """One inline node."""
        if isinstance(node, nodes.Text):
            return escape(node.astext())
        if isinstance(node, SILENT) and not node.children:
            return ""
        if isinstance(node, nodes.literal):
            fence = "``" if "`" in node.astext() else "`"
            return f"{fence}{node.astext()}{fence}"
        if isinstance(node, nodes.math):
            return f"${' '.join(node.astext().split())}$"
        if isinstance(node, (nodes.reference, addnodes.number_reference)):
            return self.link(node)
        if isinstance(node, nodes.image):
            return self.image(node)
        return self.marked(node)

    def marked(self, node: nodes.Node) -> str:
        """An inline node that wraps its children in a mark."""
        if isinstance(node, nodes.raw):
            return ""
        inner = self.inline(node)
        if isinstance(node, nodes.emphasis):
            return f"*{inner}*"
        if isinstance(node, nodes.strong):
            return f"**{inner}**"
        if isinstance(node, (nodes.superscript, nodes.footnote_reference)):
            return f"<sup>{inner}</sup>"
        if isinstance(node, nodes.subscript):
            return f"<sub>{inner}</sub>"
        return inner

    def link(self, node: nodes.Element) -> str:
        """A link; one to a formula of this page is its number alone."""
        text = self.inline(node).strip()
        target = node.get("refuri") or f"#{node.get('refid', '')}"
        if target.startswith("#equation-"):
            return text
        return f"[{text}]({urljoin(self.page, target)})"

    def image(self, node: nodes.Element) -> str:
        """A picture of the page, fetched from the site."""
        name = self.images.get(node["uri"], node["uri"].rsplit("/", 1)[-1])
        alt = " ".join(node.get("alt", "").split())
        return f"![{alt}]({urljoin(self.site, '_images/' + name)})"

    # -- blocks ------------------------------------------------------------

    def items(self, node: nodes.Node) -> Iterator[Item]:
        """The blocks of a node and the code cells among them, in order."""
        if isinstance(node, nodes.Element) and "cell_index" in node:
            yield int(node["cell_index"])
            yield from self.captions(node)
            return
        kind = type(node).__name__
        if isinstance(node, SILENT) or kind in SILENT_NAMES:
            return
        method = getattr(self, f"write_{kind}", None)
        if method is None and isinstance(node, nodes.Admonition):
            method = self.write_admonition
        yield from (method or self.write_children)(node)

    def write_children(self, node: nodes.Node) -> Iterator[Item]:
        """What has no form of its own is the sum of its children."""
        if isinstance(node, nodes.TextElement):
            text = self.inline(node).strip()
            if text:
                yield text
            return
        for child in node.children:
            if isinstance(child, nodes.Element):
                yield from self.items(child)

    def text(self, node: nodes.Node) -> str:
        """The blocks of a node that holds no code cell, as one text."""
        items = self.write_children(node)
        return "\n\n".join(item for item in items if isinstance(item, str))

    def number(self, kind: str, node: nodes.Element) -> str:
        """The number of a figure, formula or exercise; "" without one."""
        for name in node.get("ids", []):
            if name in self.numbers.get(kind, {}):
                return ".".join(map(str, self.numbers[kind][name]))
        return ""

    def captions(self, cell: nodes.Element) -> Iterator[str]:
        """The captions of the figures that a cell draws."""
        for figure in cell.findall(nodes.figure):
            yield from self.caption(figure)

    def caption(self, figure: nodes.Element) -> Iterator[str]:
        """The caption of a figure, with its number."""
        for caption in figure.findall(nodes.caption):
            label = f"Fig. {self.number('figure', figure)}".rstrip(". ")
            yield f"**{label}.** {self.inline(caption).strip()}"

    def write_section(self, node: nodes.Element) -> Iterator[Item]:
        """A section: its headings are one level deeper."""
        self.level += 1
        yield from self.write_children(node)
        self.level -= 1

    def write_title(self, node: nodes.Element) -> Iterator[Item]:
        """A heading."""
        yield f"{'#' * max(self.level, 1)} {self.inline(node).strip()}"

    def write_paragraph(self, node: nodes.Element) -> Iterator[Item]:
        """A paragraph; a mark of a list or heading at its start is text."""
        text = self.inline(node).strip()
        text = re.sub(r"^([#+-]|\d+\.)(?=\s)", r"\\\1", text)
        if text:
            yield text

    def write_image(self, node: nodes.Element) -> Iterator[Item]:
        """A picture on its own."""
        yield self.image(node)

    def write_figure(self, node: nodes.Element) -> Iterator[Item]:
        """A drawn figure and its caption."""
        for image in node.findall(nodes.image):
            yield self.image(image)
        yield from self.caption(node)

    def write_math_block(self, node: nodes.Element) -> Iterator[Item]:
        """A displayed formula and its number."""
        latex = node.astext()
        if node.get("nowrap"):
            yield latex.strip()
            return
        yield formula(latex, self.number("displaymath", node))

    def write_literal_block(self, node: nodes.Element) -> Iterator[Item]:
        """Code that is shown and not run."""
        language = node.get("language", "")
        language = "python" if language == "ipython3" else language
        fence = "````" if "```" in node.astext() else "```"
        yield f"{fence}{language}\n{node.astext()}\n{fence}"

    def write_bullet_list(self, node: nodes.Element) -> Iterator[Item]:
        """A list of points."""
        yield "\n".join(self.entry(child, "-") for child in node.children)

    def write_enumerated_list(self, node: nodes.Element) -> Iterator[Item]:
        """A numbered list."""
        if node.get("enumtype") == "upperalpha":  # Markdown has no letters
            yield "\n".join(
                f"- **{chr(ord('A') + i)}.** {self.entry(child, '-')[2:]}"
                for i, child in enumerate(node.children)
            )
            return
        start = node.get("start", 1)
        yield "\n".join(
            self.entry(child, f"{start + i}.")
            for i, child in enumerate(node.children)
        )

    def entry(self, node: nodes.Element, mark: str) -> str:
        """One entry of a list, its later lines indented."""
        body = textwrap.indent(self.text(node), " " * (len(mark) + 1))
        return f"{mark} {body.lstrip()}"

    def write_definition_list_item(self, node: nodes.Element) -> Iterator[Item]:
        """A term in bold, and what it means."""
        term, *rest = node.children
        meaning = "\n\n".join(self.text(child) for child in rest)
        yield f"**{self.inline(term).strip()}**: {meaning}"

    def write_block_quote(self, node: nodes.Element) -> Iterator[Item]:
        """A quotation."""
        yield quote(self.text(node))

    def write_footnote(self, node: nodes.Element) -> Iterator[Item]:
        """A footnote, at the end of the page."""
        label, *rest = node.children
        text = "\n\n".join(self.text(child) or "" for child in [*rest])
        text = text or self.text(nodes.section("", *rest))
        yield f"<sup>{label.astext()}</sup> {text}"

    def write_table(self, node: nodes.Element) -> Iterator[Item]:
        """A table; its first row is the head."""
        rows = [
            [self.cell(entry) for entry in row.findall(nodes.entry)]
            for row in node.findall(nodes.row)
        ]
        rule = ["---"] * len(rows[0])
        lines = [rows[0], rule, *rows[1:]]
        for title in node.findall(nodes.title):
            yield f"**{self.inline(title)}**"
        yield "\n".join("| " + " | ".join(row) + " |" for row in lines)

    def cell(self, entry: nodes.Element) -> str:
        """One entry of a table, on one line, free of the column mark."""
        text = " ".join(self.text(entry).split())
        text = re.sub(r"\\\|", r"\\Vert ", text)
        return re.sub(r"(?<!\\)\|", r"\\vert ", text)

    # -- boxes -------------------------------------------------------------

    def box(self, title: str, node: nodes.Element) -> Iterator[Item]:
        """A titled box: quoted as a whole, or open if it holds a code cell."""
        body = [n for n in node.children if not isinstance(n, nodes.title)]
        items = [item for child in body for item in self.items(child)]
        if any(isinstance(item, int) for item in items):
            yield f"**{title}**"
            yield from items
        else:
            yield quote("\n\n".join([f"**{title}**", *items]))

    def heading(self, node: nodes.Element, default: str) -> str:
        """The title of a box, without the spaces that themes rely on."""
        title = node.next_node(nodes.title, descend=True)
        text = self.inline(title) if title in node.children else default
        return " ".join(text.split())

    def write_admonition(self, node: nodes.Element) -> Iterator[Item]:
        """A note, a tip, a title box."""
        kind = getattr(node, "tagname", "note").capitalize()
        if "proof" in node.get("classes", []):
            yield from self.write_children(node)
        else:
            yield from self.box(self.heading(node, kind), node)

    def write_exercise_node(self, node: nodes.Element) -> Iterator[Item]:
        """An exercise without a number."""
        yield from self.open_box(f"{self.heading(node, 'Exercise')}", node)

    def write_exercise_enumerable_node(self, node: nodes.Element):
        """An exercise: open, since the reader works in it."""
        label = f"Exercise {self.number('exercise', node)}"
        title = f"{label} {self.heading(node, '')}".strip()
        yield from self.open_box(title, node)

    def open_box(self, title: str, node: nodes.Element) -> Iterator[Item]:
        """A heading of the lowest rank, and the contents."""
        yield f"#### {title}"
        for child in node.children:
            if not isinstance(child, nodes.title):
                yield from self.items(child)

    def write_solution_node(self, node: nodes.Element) -> Iterator[Item]:
        """A solution: folded, unless it has code to run."""
        yield from self.fold(node["title"], node)

    def write_dropdown_main(self, node: nodes.Element) -> Iterator[Item]:
        """Something folded away."""
        head, *rest = node.children
        title = " ".join(head.astext().split())
        for raw in head.findall(nodes.raw):
            title = title.replace(" ".join(raw.astext().split()), "")
        yield from self.fold(title.strip(), nodes.container("", *rest))

    def fold(self, title: str, node: nodes.Element) -> Iterator[Item]:
        """A fold that Jupyter and Colab understand."""
        body = [n for n in node.children if not isinstance(n, nodes.title)]
        items = [item for child in body for item in self.items(child)]
        if any(isinstance(item, int) for item in items):
            yield f"**{escape(title)}**"
            yield from items
            return
        inner = "\n\n".join(items)
        summary = f"<summary>{escape(title)}</summary>"
        yield f"<details>\n{summary}\n\n{inner}\n\n</details>"

    def write_QuizBox(self, node: nodes.Element) -> Iterator[Item]:
        """A part of a quiz: questions are numbered, answers fold."""
        if "quiz-words" in node["classes"]:  # of the script on the page
            return
        if "quiz" in node["classes"]:
            yield f"*[Check your answers on the page]({self.page}#quiz).*"
        for child in node.children:
            if "quiz-answer" in child.get("classes", []):
                summary, *rest = child.children
                body = nodes.container("", *[n.deepcopy() for n in rest])
                yield from self.fold(summary.astext(), body)
            else:
                yield from self.items(child)

    def write_QuizWords(self, node: nodes.Element) -> Iterator[Item]:
        """A line of a quiz: the number of a question and a key are bold."""
        text = self.inline(node).strip()
        plain = "quiz-introduction" in node["classes"]
        yield text if plain else f"**{text}**"

    def write_sd_tab_label(self, node: nodes.Element) -> Iterator[Item]:
        """The label of a tab."""
        yield f"**{self.inline(node).strip()}**"

    def write_proof_node(self, node: nodes.Element) -> Iterator[Item]:
        """A proof."""
        yield from self.write_children(node)

    def theorem(self, node: nodes.Element) -> Iterator[Item]:
        """A theorem, definition, algorithm...: its kind, number and name."""
        number = self.number(node["countertype"], node)
        title = f"{node['realtype'].capitalize()} {number}"
        yield from self.box(f"{title} {self.heading(node, '')}".strip(), node)

    def __getattr__(self, name: str):
        """Every kind of theorem is written by one method."""
        if name.startswith("write_") and name.endswith("_node"):
            return self.theorem
        raise AttributeError(name)
