"""What the build makes of exercise sheets."""

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell

from tools import addresses, chapters, course_site, execute, notebooks, sheets

PAGE = "book/exercises/fitting-and-margins"
FORK = "https://github.com/who/what"


def test_sheets_are_told_from_pages():
    assert sheets.is_sheet(PAGE)
    assert not sheets.is_sheet("book/exercises/index")
    assert not sheets.is_sheet("tools/execute")


def test_sheets_are_pages_of_their_own_kind():
    assert PAGE in chapters.contents()
    assert PAGE in execute.pages(addresses.ROOT)
    names = {path.stem for path in chapters.pages()}
    assert "fitting-and-margins" not in names
    folder = addresses.ROOT / sheets.FOLDER
    assert folder / "index.md" in chapters.pages()
    assert folder / "index.md" not in chapters.openings()


def test_the_build_and_the_execution_read_sheets_alike():
    text = (addresses.ROOT / "_config.yml").read_text(encoding="utf8")
    formats = yaml.safe_load(text)["sphinx"]["config"]["nb_custom_formats"]
    assert {k: (v, {}, False) for k, v in formats.items()} == execute.FORMATS
    read = execute.read(PAGE, addresses.ROOT)
    assert "{sheet-box}" in read.cells[0].source
    assert execute.source(PAGE, addresses.ROOT).suffix == ".py"


def test_students_get_the_sheet_after_a_cell_that_installs():
    first = notebooks.opening("T", "https://a.b/t.html", FORK)
    made = sheets.notebook(PAGE, first)
    nbformat.validate(made)
    assert "pip install -q git+" in made.cells[1].source
    assert made.cells[2].source.startswith("# Fitting and margins")
    assert len({cell["id"] for cell in made.cells}) == len(made.cells)
    assert sheets.complaints(made, PAGE) == []


def test_a_leak_is_a_complaint():
    made = sheets.notebook(PAGE, [])
    secret = max(sheets.load(PAGE).secrets, key=len)
    made.cells.append(new_markdown_cell(f"Write {secret}."))
    assert sheets.complaints(made, PAGE) == [f"gives away {secret!r}"]


def test_the_button_for_the_source_leads_to_the_notebook():
    source = {"text": ".py", "url": f"../../_sources/{PAGE}.py"}
    course_site.repair_buttons([{"buttons": [source]}], FORK, PAGE)
    url = f"../../_notebooks/{PAGE}.ipynb"
    assert source == {"text": ".ipynb", "url": url}
