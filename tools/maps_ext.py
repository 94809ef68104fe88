"""Local Sphinx extension: the document map, and the page of systems.

The directives `{document-map}` and `{systems}` make their pages from
book/document-map.yml and book/systems.yml. Links are ordinary references, so
the build checks them.
"""

from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from tools import document_map, errata, systems
from tools.errata_ext import reference

STYLE = "maps.css"
ELSEWHERE = "The whole course"


class Map(SphinxDirective):
    """What both pages need: sections, tables, links."""

    def file(self, name: str) -> Path:
        """A file of the book; the page is made again when it changes."""
        path = Path(self.env.srcdir) / name
        self.env.note_dependency(str(path))
        return path

    def section(self, title: str, name: str) -> nodes.section:
        """A section with a title and a label of its own."""
        section = nodes.section("", nodes.title("", title), names=[name])
        self.state.document.note_explicit_target(section)
        return section

    def traced(self, page: list[nodes.Node]) -> list[nodes.Node]:
        """The same, each part saying that it comes from here."""
        for root in page:
            for node in root.findall(nodes.Element):
                if node.source is None:
                    self.set_source_info(node)
        return page

    def page_link(self, path: str, text: str = ""):
        """A link to a page of the book."""
        target = "/" + path.removesuffix(".md")
        return reference("doc", target, self.env.docname, text)

    def places(self, links: tuple[str, ...]) -> list[nodes.Node]:
        """For each page its title, and the sections that are meant."""
        found = []
        for page, group in groupby(links, lambda k: k.split("#")[0]):
            line = nodes.paragraph("", "", self.page_link(page))
            anchors = [k.split("#")[1] for k in group if "#" in k]
            for i, anchor in enumerate(anchors):
                line += nodes.Text(", " if i else ": ")
                line += reference("ref", anchor, self.env.docname)
            found.append(line)
        return found

    def number(self, document: str, number: str) -> nodes.Node:
        """The number of a section, a link if its part has a page for it."""
        label = document_map.anchor(document, number)
        page = Path(self.env.srcdir) / document_map.opening(document)
        if page.is_file():
            return reference("ref", label, self.env.docname, number)
        return nodes.inline("", number)


class DocumentMapDirective(Map):
    """{document-map}: every heading of the documents, and who treats it."""

    def run(self):
        """The nodes of the page, to stand right under its introduction."""
        entries = document_map.read(self.file("book/document-map.yml"))
        page = []
        for name, group in groupby(entries, lambda h: h.document):
            title = f"Document {name}: {errata.DOCUMENTS[name]}"
            section = self.section(title, f"map-{name}")
            rows = [self.row(h) for h in group]
            section += table(["Section", "Heading", "Treated in"], rows)
            page.append(section)
        return self.traced(page)

    def row(self, h: document_map.Heading) -> list[list[nodes.Node]]:
        """The cells of a heading."""
        number = nodes.paragraph("", "", self.number(h.document, h.number))
        words = nodes.inline("", h.words, classes=["language-zh"])
        line = nodes.inline("", f"line {h.line}", classes=["map-line"])
        original = nodes.paragraph("", "", words, nodes.Text(", "), line)
        treated = self.places(h.treated) or [nodes.paragraph("", h.reason)]
        return [[number], [nodes.paragraph("", h.english), original], treated]


class SystemsDirective(Map):
    """{systems}: every technique that the documents name, part by part."""

    def run(self):
        """The nodes of the page, to stand right under its introduction."""
        entries = systems.read(self.file("book/systems.yml"))
        titles = {
            folder: errata.DOCUMENTS[document]
            for document, folder in document_map.PARTS.items()
        }
        titles[""] = ELSEWHERE
        page = []
        for part, title in titles.items():
            found = [s for s in entries if s.part == part]
            if found:
                section = self.section(title, f"systems-{part or 'all'}")
                head = ["Technique", "What the course shows", "Where"]
                section += table(head, [self.row(s) for s in found])
                page.append(section)
        return self.traced(page)

    def row(self, s: systems.System) -> list[list[nodes.Node]]:
        """The cells of a technique."""
        name = nodes.paragraph("", "", nodes.strong("", s.name))
        shown = [*self.parse_text_to_nodes(s.shows), *tested(s.tests)]
        places = self.places(s.treated)
        if s.not_covered:
            label = nodes.strong("", "Not covered yet.")
            text = nodes.Text(f" {s.not_covered}")
            places.append(nodes.paragraph("", "", label, text))
        return [[name, self.named(s)], shown, places]

    def named(self, s: systems.System) -> nodes.paragraph:
        """Where the documents name it."""
        line = nodes.paragraph("", "Named in" if s.named else "Nowhere named")
        for i, (document, numbers) in enumerate(s.named.items()):
            line += nodes.Text(f"; {document} (" if i else f" {document} (")
            for k, number in enumerate(numbers):
                line += nodes.Text(", " if k else "")
                line += self.number(document, number)
            line += nodes.Text(")")
        return line


def tested(names: tuple[str, ...]) -> list[nodes.paragraph]:
    """The files of these tests, and what each test says in its name."""
    found = []
    for file, group in groupby(names, lambda t: t.split("::")[0]):
        short = file.removeprefix("tests/")
        says = [t.split("::test_")[1].replace("_", " ") for t in group]
        line = nodes.paragraph("", "", nodes.literal(short, short))
        line += nodes.Text(": " + "; ".join(says))
        found.append(line)
    return found


def table(head: list[str], rows: list[list[list[nodes.Node]]]) -> nodes.table:
    """A table with worded heads; each row is a list of cells."""
    body, top = nodes.tbody(), nodes.thead()
    top += cells([[nodes.paragraph("", text)] for text in head])
    body.extend(cells(r) for r in rows)
    group = nodes.tgroup("", cols=len(head))
    group.extend(nodes.colspec("", colwidth=1) for _ in head)
    group += [top, body]
    return nodes.table("", group, classes=["map"])


def cells(contents: list[list[nodes.Node]]) -> nodes.row:
    """A row of a table."""
    return nodes.row("", *(nodes.entry("", *found) for found in contents))


def style(app, pagename, templatename, context, doctree) -> None:
    """Load the style on the pages that need it."""
    if doctree and any(doctree.findall(is_map)):
        app.add_css_file(STYLE)


def is_map(node: nodes.Node) -> bool:
    """Whether this is a table made here."""
    return isinstance(node, nodes.table) and "map" in node["classes"]


def setup(app):
    """Register the directives and the style."""
    app.add_directive("document-map", DocumentMapDirective)
    app.add_directive("systems", SystemsDirective)
    app.connect("html-page-context", style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
