"""Clean notebooks: one for every page that holds code.

As a Sphinx extension it writes them beside the pages, under `_notebooks/`,
while the site is built. As a command it gathers them for publication:

    python -m tools.notebooks           fills _build/notebooks, then checks it
    python -m tools.notebooks --check   only checks what is there

`_build/notebooks` is the content of the branch that Colab and Binder open.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import addresses, sheets
from tools.notebook_text import Writer

EXECUTED = addresses.ROOT / "_build" / "executed"
SITE = addresses.ROOT / "_build" / "html" / "_notebooks"
BRANCH = addresses.ROOT / "_build" / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SETUP = "setup"  # the tag of the one code cell that a page does not have


def opening(title: str, page: str, repository: str) -> list:
    """The first cells: where this comes from, and the package it needs."""
    note = (
        f"*This notebook was made from the page [{title}]({page}) of "
        "[Learning to Generate]"
        f"({addresses.site(repository)}). Figures, links and the results "
        "that you should see are there.*"
    )
    install = (
        "# Installs the course's package where it is missing, as on Colab.\n"
        "import importlib.util\n\n"
        'if importlib.util.find_spec("course") is None:\n'
        f"    %pip install -q git+{repository}"
    )
    code = new_code_cell(install, metadata={"tags": [SETUP]})
    return [new_markdown_cell(note), code]


def code_cell(cell):
    """The cell of a page without its outputs, folded where the page folds."""
    tags = cell.metadata.get("tags", [])
    metadata = {"tags": tags} if tags else {}
    if {"hide-input", "hide-cell", "remove-cell", "remove-input"} & set(tags):
        metadata["jupyter"] = {"source_hidden": True}
    return new_code_cell(cell.source, metadata=metadata)


class Assembly:
    """Collects the cells of a notebook, in order."""

    def __init__(self, source):
        self.source, self.done = source.cells, 0
        self.cells, self.text = [], []

    def add_text(self, text: str) -> None:
        """Add a block of Markdown; a heading begins a cell."""
        if re.match("#{1,4} ", text):
            self.flush()
        self.text.append(text)

    def flush(self) -> None:
        """Make a cell of the text collected so far."""
        if self.text:
            self.cells.append(new_markdown_cell("\n\n".join(self.text)))
            self.text = []

    def add_code(self, end: int) -> None:
        """Add the code of the page before its cell number `end`.

        That includes code which the page runs and does not show.
        """
        self.flush()
        for cell in self.source[self.done : end]:
            if cell.cell_type == "code":
                self.cells.append(code_cell(cell))
        self.done = max(self.done, end)

    def after(self, index: int) -> int:
        """The end of the hidden cells that follow a cell at once."""
        end = index + 1
        while end < len(self.source) and "remove-cell" in (
            self.source[end].metadata.get("tags", [])
        ):
            end += 1
        return end


def assemble(items, source) -> list:
    """The cells of a page: its text, and its code where the text has it."""
    book = Assembly(source)
    for item in items:
        if isinstance(item, int):
            book.add_code(book.after(item))
        else:
            book.add_text(item)
    book.add_code(len(source.cells))
    return book.cells


def notebook(cells: list):
    """A valid notebook whose cell ids do not change from build to build."""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def executed(app, docname: str) -> Path:
    """Where the build left the notebook of a page."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"


def write_page(app, doctree, docname: str) -> None:
    """Write the notebook of one page, if it has code."""
    path = executed(app, docname)
    if (
        app.builder.format != "html"
        or "kernelspec" not in (app.env.metadata[docname])
        or sheets.is_sheet(docname)  # students get one without answers
    ):
        return
    site, env = app.config.html_baseurl, app.env
    images = {uri: name for uri, (_, name) in env.images.items()}
    numbers = env.toc_fignumbers.get(docname, {})
    writer = Writer(docname, site, numbers, images)
    source = nbformat.read(path, as_version=4)
    repository = app.config.html_theme_options["repository_url"]
    first = opening(env.titles[docname].astext(), writer.page, repository)
    cells = first + assemble(writer.items(doctree), source)
    target = Path(app.outdir) / "_notebooks" / f"{docname}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook(cells), target)


LEFT_OVER = re.compile(
    r"^\s*(?:`{3,}|~{3,})\{|^\s*:{3,}|\{[\w:-]+\}`|^\s*\([\w-]+\)=\s*$",
    re.MULTILINE,
)


def left_overs(book) -> list[str]:
    """Directives and roles that show as text in a notebook."""
    text = [c.source for c in book.cells if c.cell_type == "markdown"]
    return [found for part in text for found in LEFT_OVER.findall(part)]


def code(book) -> list[str]:
    """The code of a notebook, apart from the cell that installs."""
    return [
        cell.source
        for cell in book.cells
        if cell.cell_type == "code"
        and SETUP not in cell.metadata.get("tags", [])
    ]


def complaints(path: Path, original: Path) -> list[str]:
    """What is wrong with a clean notebook; nothing, if all is well."""
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    found = [f"shows {text.strip()!r}" for text in left_overs(book)]
    if any(cell.get("outputs") for cell in book.cells):
        found.append("holds outputs")
    page = "/".join(path.with_suffix("").parts[-3:])
    if sheets.is_sheet(page):
        return found + sheets.complaints(book, page)
    if code(book) != code(nbformat.read(original, as_version=4)):
        found.append("its code is not the page's")
    return found


def gather() -> None:
    """Fill the folder that is published as a branch of its own."""
    shutil.rmtree(BRANCH, ignore_errors=True)
    shutil.copytree(SITE, BRANCH)
    repository = addresses.repository()
    (BRANCH / "requirements.txt").write_text(f"git+{repository}\n")
    (BRANCH / "README.md").write_text(
        "# Notebooks of Learning to Generate\n\nMade from the pages of "
        f"[the course]({addresses.site(repository)}) by its build; to change "
        f"one, edit [its page]({repository}).\n"
    )


def check() -> int:
    """Check every notebook; return how many are at fault."""
    faults = 0
    pages = sorted(p.relative_to(BRANCH) for p in BRANCH.rglob("*.ipynb"))
    sources = sorted(p.relative_to(EXECUTED) for p in EXECUTED.rglob("*.ipynb"))
    if pages != sources:
        print(f"pages with code: {sources}, notebooks: {pages}")
        faults += 1
    for page in sorted(set(pages) & set(sources)):
        for text in complaints(BRANCH / page, EXECUTED / page):
            print(f"{page}: {text}")
            faults += 1
    print(f"{len(pages)} notebooks, {faults} fault(s)")
    return faults


def main() -> None:
    """Read the command line; fail if a notebook is at fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        gather()
    sys.exit(1 if check() else 0)


def setup(app) -> dict:
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", write_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    main()
