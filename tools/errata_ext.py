"""Local Sphinx extension: the page of errata, and links to its entries.

The directive `{errata}` makes the page from book/errata.yml; the role
{erratum}`D1-C1` links to an entry. Links from an entry to the chapter that
takes it up are ordinary references, so the build checks them.
"""

import re
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tools import errata, execute

INTRODUCTION = "By chapter"
STYLE, SCRIPT = "errata.css", "errata.js"
FORMULA = re.compile(r"\$(.+?)\$")


def reference(domain_type: str, target: str, docname: str, text: str = ""):
    """A link that Sphinx resolves, or warns about; its title if no text."""
    return pending_xref(
        "",
        nodes.inline("", text or target, classes=["std", "std-ref"]),
        refdomain="std",
        reftype=domain_type,
        reftarget=target,
        refexplicit=bool(text),
        refwarn=True,
        refdoc=docname,
    )


def link(name: str, docname: str) -> pending_xref:
    """A link to the entry with this id."""
    return reference("ref", errata.label(name), docname, name)


class ErratumRole(SphinxRole):
    """{erratum}`D1-C1` links to the entry of this id."""

    def run(self):
        """The link; the build fails if there is no such entry."""
        if not errata.ID.fullmatch(self.text):
            message = self.inliner.reporter.error(
                f"{self.text!r} is not the id of an erratum, such as D1-C1"
            )
            return [nodes.inline("", self.text)], [message]
        return [link(self.text, self.env.docname)], []


class ErrataDirective(SphinxDirective):
    """{errata}: counts, indexes by chapter and severity, and every entry."""

    def run(self):
        """The nodes of the page, to stand right under its title."""
        source = Path(self.env.srcdir) / "book" / "errata.yml"
        self.env.note_dependency(str(source))
        entries = errata.read(source)
        page = [*self.text(counts(entries)), self.index(entries)]
        page.append(self.severities(entries))
        for document, group in groupby(entries, lambda e: e.document):
            page.append(self.document(document, list(group)))
        for node in page:
            self.trace(node)
        return page

    def trace(self, root: nodes.Node) -> None:
        """Say of every part that it comes from here, for translators."""
        for node in root.findall(nodes.Element):
            if node.source is None:
                self.set_source_info(node)

    def text(self, text: str) -> list[nodes.Node]:
        """Nodes of a piece of MyST text."""
        return self.parse_text_to_nodes(text)

    def section(self, title: str, name: str) -> nodes.section:
        """A section with a title and a label of its own."""
        section = nodes.section("", nodes.title("", title), names=[name])
        self.state.document.note_explicit_target(section)
        return section

    def index(self, entries: list[errata.Entry]) -> nodes.section:
        """Chapters, the places in them, and the entries taken up there."""
        section = self.section(INTRODUCTION, "errata-by-chapter")
        outer = nodes.bullet_list()
        places: dict[str, dict[str, list[str]]] = {}
        for e in entries:
            chapter = places.setdefault(e.chapter, {})
            chapter.setdefault(e.anchor, []).append(e.id)
        for chapter in sorted(places, key=contents(Path(self.env.srcdir))):
            anchors, page = places[chapter], "/" + chapter.removesuffix(".md")
            head = nodes.paragraph()
            head += reference("doc", page, self.env.docname)
            inner = nodes.bullet_list()
            for anchor in sorted(anchors, key=self.order(chapter)):
                inner += self.taken(anchor, anchors[anchor])
            outer += nodes.list_item("", head, inner)
        section += outer
        return section

    def severities(self, entries: list[errata.Entry]) -> nodes.section:
        """The names of all entries, the gravest first."""
        section = self.section("By severity", "errata-by-severity")
        for severity in errata.SEVERITIES:
            line = nodes.paragraph("", "", badge(severity))
            for e in entries:
                if e.severity == severity:
                    line += [nodes.Text(" "), link(e.id, self.env.docname)]
            section += line
        return section

    def order(self, chapter: str):
        """Where a label stands in the text of a chapter."""
        path = Path(self.env.srcdir) / chapter
        self.env.note_dependency(str(path))
        text = path.read_text(encoding="utf8") if path.is_file() else ""
        return lambda anchor: text.find(f"({anchor})=")

    def taken(self, anchor: str, ids: list[str]) -> nodes.list_item:
        """A place in a chapter, and the entries that it takes up."""
        line = nodes.paragraph()
        line += reference("ref", anchor, self.env.docname)
        for i, name in enumerate(ids):
            line += nodes.Text(", " if i else ": ")
            line += link(name, self.env.docname)
        return nodes.list_item("", line)

    def document(self, name: str, entries: list) -> nodes.section:
        """All entries of one document."""
        number = "" if name == "cross" else f"Document {name}: "
        title = number + errata.DOCUMENTS[name]
        section = self.section(title, f"errata-{name}")
        section.extend(self.entry(e) for e in entries)
        return section

    def entry(self, e: errata.Entry) -> nodes.section:
        """One entry: what is said, what is right, where it is shown."""
        section = self.section(f"{e.id}. {e.title}", e.label)
        rows = [
            ("The document", quotation(e)),
            ("In English", [nodes.paragraph("", e.english)]),
            ("What is right", self.text(e.right)),
            ("Shown in", [self.chapter(e)]),
            ("Test", [tested(e)]),
        ]
        if e.source:
            rows.append(("Source", self.text(e.source)))
        section += [heading(e), definitions(rows)]
        return section

    def chapter(self, e: errata.Entry) -> nodes.paragraph:
        """A link to the place that takes the entry up."""
        link = reference("ref", e.anchor, self.env.docname)
        return nodes.paragraph("", "", link)


def contents(root: Path):
    """Where a chapter stands in _toc.yml; as it comes where there is none."""
    pages = execute.pages(root) if (root / "_toc.yml").is_file() else []
    places = {f"{page}.md": i for i, page in enumerate(pages)}
    return lambda chapter: places.get(chapter, len(places))


def counts(entries: list[errata.Entry]) -> str:
    """A table: entries by document and severity."""
    head = " | ".join(errata.SEVERITIES)
    lines = [f"| document | {head} | together |", "|---" * 5 + "|"]
    for name, title in errata.DOCUMENTS.items():
        found = [e.severity for e in entries if e.document == name]
        number = "" if name == "cross" else f"{name} "
        lines.append(row(number + title, found))
    return "\n".join([*lines, row("**all**", [e.severity for e in entries])])


def row(title: str, severities: list[str]) -> str:
    """A row of this table."""
    numbers = [severities.count(s) for s in errata.SEVERITIES]
    cells = [title, *numbers, len(severities)]
    return "| " + " | ".join(str(c) for c in cells) + " |"


def heading(e: errata.Entry) -> nodes.paragraph:
    """The line under the title: how bad it is, and where it stands."""
    section = f"section {e.section}" if e.line else e.section
    place = section + (f", line {e.line}" if e.line else "")
    return nodes.paragraph("", "", badge(e.severity), nodes.Text(f" {place}"))


def badge(severity: str) -> nodes.inline:
    """The word for how bad an entry is, in its colour."""
    classes = ["erratum-severity", f"erratum-{severity}"]
    return nodes.inline("", severity, classes=classes)


def quotation(e: errata.Entry) -> list[nodes.Node]:
    """The words of the document; code and formulas as they stand there."""
    if not e.chinese:
        kind = nodes.math if "-F" in e.id else nodes.literal
        return [nodes.paragraph("", "", kind(e.original, e.original))]
    words = nodes.inline("", "", classes=["language-zh"])
    for i, part in enumerate(FORMULA.split(e.original)):
        words += nodes.math(part, part) if i % 2 else nodes.Text(part)
    return [nodes.paragraph("", "", words)]


def tested(e: errata.Entry) -> nodes.paragraph:
    """The test in which the document's version fails, or why there is none."""
    if e.test is None:
        return nodes.paragraph("", f"None. {e.reason}")
    return nodes.paragraph("", "", nodes.literal("", e.test))


def definitions(rows: list[tuple[str, list]]) -> nodes.definition_list:
    """Terms with their descriptions."""
    listed = nodes.definition_list(classes=["erratum"])
    for term, content in rows:
        item = nodes.definition_list_item("", nodes.term("", term))
        item += nodes.definition("", *content)
        listed += item
    return listed


def style(app, pagename, templatename, context, doctree) -> None:
    """Load style and script on the one page that needs them."""
    if doctree and any(doctree.findall(is_listing)):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def is_listing(node: nodes.Node) -> bool:
    """Whether this is the description of an entry."""
    listed = isinstance(node, nodes.definition_list)
    return listed and "erratum" in node["classes"]


def setup(app):
    """Register the role, the directive and the style."""
    app.add_role("erratum", ErratumRole())
    app.add_directive("errata", ErrataDirective)
    app.connect("html-page-context", style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
