"""Pages of exercise sheets offer the notebook and keep hidden tests hidden."""

import nbformat
import pytest

from course.classroom import library, markers
from course.classroom.cells import is_test
from tools import addresses, sheets

pytestmark = pytest.mark.site
SITE = addresses.ROOT / "_build" / "html"
FILES = sorted((addresses.ROOT / sheets.FOLDER).glob("*.py"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def sheet(request):
    return library.load(request.param)


def test_the_box_offers_the_notebook_and_colab(sheet, pages):
    stem = f"{sheets.FOLDER}/{sheet.name}"
    links = [a.get("href") for a in pages[f"{stem}.html"].all("a")]
    assert links.count(f"../../_notebooks/{stem}.ipynb") >= 2  # box and button
    assert links.count(addresses.colab(addresses.repository(), stem)) >= 2
    assert not any("_sources" in str(link) for link in links)


def test_the_notebook_holds_no_answers(sheet):
    path = SITE / "_notebooks" / sheets.FOLDER / f"{sheet.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert sheet.leaks(notebook) == set()
    text = "\n".join(c.source for c in notebook.cells)
    assert all(stub in text for stub in sheet.stubs.values())
    assert "pip install" in text


def test_the_source_is_not_published():
    assert not list((SITE / "_sources").rglob("*.py*"))


def test_the_executed_page_holds_no_hidden_test(sheet):
    path = addresses.ROOT / "_build/executed" / sheets.FOLDER
    cells = nbformat.read(path / f"{sheet.name}.ipynb", as_version=4).cells
    lines = {line.strip() for c in cells for line in c.source.splitlines()}
    for cell in filter(is_test, sheet.cells):
        shown = "\n".join(lines)
        assert not markers.hidden_lines(cell.source, shown) & lines
        assert set(map(str.strip, markers.shown(cell.source).splitlines())) <= {
            *lines,
            "",
        }


def test_every_sheet_is_in_the_table(sheet, pages):
    links = [
        a.get("href") for a in pages[f"{sheets.FOLDER}/index.html"].all("a")
    ]
    assert f"{sheet.name}.html" in links
