"""Local Sphinx extension: what pages of exercise sheets need.

Directives fill in what stands in a sheet's .yml: `{sheet-box}` under its
title, `{marking}` under a written answer, and `{sheets}`, the table of all
sheets. Beside each page the build writes the notebook for students.
"""

from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from tools import addresses, chapters, sheets
from tools.maps_ext import Map, table
from tools.notebooks import opening


class SheetDirective(SphinxDirective):
    """What the directives in a sheet share: they know which one it is."""

    def sheet(self):
        """The sheet of this page, which is made again when its .yml changes."""
        page, root = self.env.docname, Path(self.env.srcdir)
        self.env.note_dependency(str(root / f"{page}.yml"))
        return sheets.load(page, root)


class SheetBox(SheetDirective):
    """{sheet-box}: aim, prerequisites, time, points, and the notebook."""

    def run(self) -> list[nodes.Node]:
        """The box under the title of a sheet."""
        found = self.sheet()
        about = found.about
        links = [f"[](../{chapter}.md)" for chapter in about.chapters]
        lines = [
            ":::{admonition} In this sheet",
            ":class: chapter-box",
            "",
            about.aim,
            "",
            f"**You need** {' and '.join(links)}.",
            "",
            f"**Time:** about {about.minutes} minutes. "
            f"**Points:** {found.points} in {len(found.items)} exercises.",
            ":::",
        ]
        (box,) = self.parse_text_to_nodes("\n".join(lines))
        box += self.downloads()
        return [box]

    def downloads(self) -> nodes.paragraph:
        """Links to the notebook without answers."""
        page = self.env.docname
        repository = self.config.html_theme_options["repository_url"]
        file = "../" * page.count("/") + f"_notebooks/{page}.ipynb"
        colab = addresses.colab(repository, page)
        line = nodes.paragraph("", "", nodes.strong("", "Work"))
        line += nodes.Text(" in ")
        line += nodes.reference("", "the notebook of this sheet", refuri=file)
        line += nodes.Text(", on your computer or ")
        line += nodes.reference("", "in Colab", refuri=colab)
        line += nodes.Text(". It holds no answers; they are folded below.")
        return line


class Marking(SheetDirective):
    """{marking} cell: how the written answer in this cell is marked."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A list of what earns points."""
        steps = self.sheet().about.rubrics[self.arguments[0]]
        lines = ["**How it is marked:**", ""]
        for step in steps:
            unit = "point" if step.points == 1 else "points"
            lines.append(f"- {step.points} {unit}: {step.what}")
        return self.parse_text_to_nodes("\n".join(lines))


class Sheets(Map):
    """{sheets}: the table of all sheets, in the order of the book."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        root = Path(self.env.srcdir)
        pages = [p for p in chapters.contents(root) if sheets.is_sheet(p, root)]
        head = ["Sheet", "After the chapters", "Minutes", "Points"]
        return self.traced([table(head, [self.row(p, root) for p in pages])])

    def row(self, page: str, root: Path) -> list[list[nodes.Node]]:
        """One sheet: link, prerequisites, minutes, points."""
        for suffix in (".py", ".yml"):
            self.env.note_dependency(str(root / f"{page}{suffix}"))
        found = sheets.load(page, root)
        title = nodes.paragraph("", "", self.page_link(page))
        aim = nodes.paragraph("", found.about.aim)
        needed = [f"book/{c}" for c in found.about.chapters]
        numbers = (found.about.minutes, found.points)
        cells = [[nodes.paragraph("", str(n))] for n in numbers]
        return [[title, aim], self.places(tuple(needed)), *cells]


def write_notebook(app, doctree, docname: str) -> None:
    """Write the notebook for students beside the page of a sheet."""
    root = Path(app.srcdir)
    if app.builder.format != "html" or not sheets.is_sheet(docname, root):
        return
    repository = app.config.html_theme_options["repository_url"]
    page = addresses.site(repository) + docname + ".html"
    first = opening(app.env.titles[docname].astext(), page, repository)
    target = Path(app.outdir) / "_notebooks" / f"{docname}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(sheets.notebook(docname, first, root=root), target)


def setup(app) -> dict:
    """Register the directives, and the step that writes notebooks."""
    app.add_directive("sheet-box", SheetBox)
    app.add_directive("marking", Marking)
    app.add_directive("sheets", Sheets)
    app.connect("doctree-resolved", write_notebook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
