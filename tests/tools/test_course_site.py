"""The site's own scripts: addresses, repairs, docstrings, clean notebooks."""

from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import addresses, course_api, course_site, notebooks
from tools.notebook_text import Writer
from tools.serve import serving

FORK = "https://github.com/Someone/a-course"


# -- addresses ----------------------------------------------------------------


def test_every_address_follows_from_the_repository():
    assert addresses.site(FORK) == "https://someone.github.io/a-course/"
    assert addresses.colab(FORK, "book/x").endswith(
        "/github/Someone/a-course/blob/notebooks/book/x.ipynb"
    )
    assert addresses.binder(FORK, "book/x").endswith(
        "/v2/gh/Someone/a-course/notebooks?urlpath=lab/tree/book/x.ipynb"
    )


@pytest.mark.parametrize("url", ["https://github.com/one", "nothing", ""])
def test_an_address_without_owner_and_name_is_refused(url):
    with pytest.raises(ValueError, match=r"_config\.yml"):
        addresses.site(url)


def test_the_configuration_names_the_repository_once():
    text = (addresses.ROOT / "_config.yml").read_text(encoding="utf-8")
    assert text.count(addresses.repository()) == 1
    assert addresses.site(addresses.repository()) not in text


def test_addresses_of_the_site_are_derived():
    config = SimpleNamespace(
        html_theme_options={"repository_url": FORK}, html_baseurl=""
    )
    course_site.derive_addresses(None, config)
    assert config.html_baseurl == "https://someone.github.io/a-course/"
    assert config.ogp_site_url == config.html_baseurl
    assert config.notfound_urls_prefix == "/a-course/"


def test_buttons_lead_to_the_clean_notebook():
    names = ("Colab", "Binder", ".ipynb", ".md")
    group = {"buttons": [{"text": name, "url": "old"} for name in names]}
    course_site.repair_buttons([group], FORK, "book/part/x")
    urls = {b["text"]: b["url"] for b in group["buttons"]}
    assert urls == {
        "Colab": addresses.colab(FORK, "book/part/x"),
        "Binder": addresses.binder(FORK, "book/part/x"),
        ".ipynb": "../../_notebooks/book/part/x.ipynb",
        ".md": "old",
    }


# -- repairs ------------------------------------------------------------------


def test_folds_are_named_by_their_text():
    body = '<summary aria-label="Toggle hidden content">Show</summary>'
    assert course_site.repair_body(body) == "<summary>Show</summary>"


def test_entries_of_a_bibliography_are_items_of_a_list():
    body = '<div class="citation" id="a" role="doc-biblioentry">'
    assert 'role="listitem"' in course_site.repair_body(body)


def test_contents_of_exercises_share_no_id():
    body = '<section id="exercise-content"><p id="own"></p></section>' * 2
    repaired = course_site.repair_body(body)
    assert "exercise-content" not in repaired
    assert repaired.count('id="own"') == 2


def test_long_signatures_are_lines_and_not_a_list():
    body = (
        '<dt class="sig x">f(<dl>\n<dd>a,</dd>\n</dl>)</dt><dl><dd></dd></dl>'
    )
    repaired = course_site.repair_body(body)
    assert repaired.count("<dl>") == repaired.count("<dd>") == 1
    assert repaired.count('<span class="sig-line">a,</span>') == 1


def test_inline_scripts_are_loaded_once_and_thebe_never():
    class Script(str):
        def __new__(cls, name, body=None):
            made = super().__new__(cls, name)
            made.attributes = {"body": body} if body else {}
            return made

    one, again = Script("", "let a = 1"), Script("", "let a = 1")
    files = [Script("a.js"), Script("b.js"), Script("sphinx-thebe.js")]
    assert course_site.without_repeats([one, again, *files]) == [
        one,
        *files[:2],
    ]


def test_mathjax_is_shipped_with_its_fonts(tmp_path):
    course_site.copy_mathjax(tmp_path)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert (tmp_path / "tex-chtml.js").is_file()
    assert sum(p.suffix == ".woff" for p in files) > 10
    assert (tmp_path / "input/tex/extensions/boldsymbol.js").is_file()
    assert sum(p.stat().st_size for p in files) < 4e6


# -- docstrings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("log p(x|z), 2 * x", r"log p(x\|z), 2 \* x"),
        ("the means_ of x_i", r"the means\_ of x_i"),
        ("call `fit` or ``a_``", "call ``fit`` or ``a_``"),
    ],
)
def test_plain_text_means_itself(text, wanted):
    assert course_api.escape(text) == wanted


def test_docstrings_keep_their_sections_and_examples():
    lines = [
        "Args:",
        "    pi_: a|b.",
        "    *widths: w_.",
        "",
        ">>> a | b_",
        "1",
    ]
    assert course_api.readable(lines) == [
        "Args:",
        r"    pi_: a\|b.",
        r"    *widths: w\_.",
        "",
        ">>> a | b_",
        "1",
    ]


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("(x: ~jaxtyping.Float[~torch.Tensor, 'batch ...'])", "(x: Batch)"),
        ("jaxtyping.Float[torch.Tensor, ' batch']", "PerExample"),
        ("dict[str, ~jaxtyping.Float[~torch.Tensor, '']]", "Losses"),
        (
            "~jaxtyping.Int[~numpy.ndarray, 'n d']",
            "Int[ndarray, 'n d']",
        ),
        ("~torch.nn.modules.module.Module", "Module"),
        ("~course.training.loop.Turn", "~course.training.Turn"),
        (None, None),
    ],
)
def test_signatures_are_readable(long, short):
    assert course_api.readable_signature(long) == short


def test_names_belong_to_the_first_chapter_that_imports_them(tmp_path):
    cell = "```{{code-cell}} ipython3\n{}\n```\n"
    front = (
        "---\njupytext:\n  text_representation:\n    extension: .md\n"
        "    format_name: myst\n"
        "kernelspec:\n  name: python3\n  display_name: Python 3\n---\n"
    )
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n- caption: A\n  chapters:\n"
        "  - file: second\n    sections:\n    - file: inner\n"
        "- caption: B\n  chapters:\n  - file: first\n"
    )
    seeded = "%matplotlib inline\nfrom course.seeding import seeded"
    mlp = "from course.nn.mlp import MLP"
    (tmp_path / "second.md").write_text(front + cell.format(seeded))
    (tmp_path / "inner.md").write_text(front + cell.format(mlp))
    (tmp_path / "first.md").write_text(front + cell.format(f"{seeded}\n{mlp}"))
    assert course_api.introductions(tmp_path) == {
        ("course.seeding", "seeded"): "second",
        ("course.nn.mlp", "MLP"): "inner",
    }


def test_a_page_lists_the_modules_that_it_asks_for():
    text = course_api.expand("before\n\n% modules: course.nn.mlp\n\nafter")
    assert ".. automodule:: course.nn.mlp" in text
    assert text.startswith("before")
    assert text.endswith("after")
    assert "course.nn.mlp" in course_api.public_modules("course")
    assert "course.training" in course_api.public_modules("course")
    assert "course.training.loop" not in course_api.public_modules("course")


def test_constants_are_documented_by_the_comment_beside_them():
    text = course_api.constant("course.plotting", "MODEL")
    assert ".. py:data:: MODEL" in text
    assert "blue" in text


# -- notebooks ----------------------------------------------------------------


def written(*children, numbers=None):
    """The blocks that the writer makes of some nodes."""
    writer = Writer("book/part/x", "https://a.b/c/", numbers or {}, {})
    return list(writer.items(nodes.section("", *children)))


def paragraph(*children):
    return nodes.paragraph("", "", *children)


def test_formulas_carry_their_number():
    block = nodes.math_block("", "a &= b \\\\ c", ids=["equation-e"])
    numbers = {"displaymath": {"equation-e": (1, 2)}}
    assert written(block, numbers=numbers) == [
        "$$\n\\begin{split}a &= b \\\\ c\\end{split}\n\\tag{1.2}\n$$"
    ]


def test_text_shows_as_it_is():
    inner = [
        nodes.Text("a_b * 2 < $3 "),
        nodes.math("", "x_i"),
        nodes.strong("", "bold"),
        nodes.literal("", "f(x)"),
    ]
    assert written(paragraph(*inner)) == [
        r"a\_b \* 2 &lt; \$3 $x_i$**bold**`f(x)`"
    ]


def test_links_lead_to_the_site():
    link = nodes.reference("", "there", refuri="../y.html#z")
    formula = nodes.reference("", "(1.1)", refid="equation-e")
    assert written(paragraph(link)) == ["[there](https://a.b/c/book/y.html#z)"]
    assert written(paragraph(formula)) == ["(1.1)"]


def test_boxes_are_quotations_and_tables_are_tables():
    note = nodes.note("", paragraph(nodes.Text("Mind.")))
    assert written(note) == ["> **Note**\n>\n> Mind."]
    rows = [
        nodes.row("", *(nodes.entry("", paragraph(n)) for n in pair))
        for pair in (
            (nodes.Text("p"), nodes.Text("q")),
            (nodes.math("", "a|b"), nodes.Text("c")),
        )
    ]
    table = nodes.table(
        "",
        nodes.tgroup(
            "", nodes.thead("", rows[0]), nodes.tbody("", rows[1]), cols=2
        ),
    )
    assert written(table) == [
        "| p | q |\n| --- | --- |\n| $a\\vert b$ | c |"
    ] or written(table) == ["| p | q |\n| --- | --- |\n| $a\\vert  b$ | c |"]


def test_code_cells_keep_their_place_and_hidden_ones_are_not_lost():
    hidden = {"tags": ["remove-cell"]}
    source = new_notebook(
        cells=[
            new_markdown_cell("text"),
            new_code_cell("a = 1"),
            new_code_cell("assert a", metadata=hidden),
            new_markdown_cell("text"),
            new_code_cell("b = a"),
        ]
    )
    cells = notebooks.assemble(["# T", 1, "caption", "## S", 4], source)
    assert [c.source for c in cells] == [
        "# T",
        "a = 1",
        "assert a",
        "caption",
        "## S",
        "b = a",
    ]


def clean_page():
    """A notebook as the build makes it, from a page of one cell."""
    source = new_notebook(cells=[new_code_cell("x = 6 * 7\nprint(x)")])
    first = notebooks.opening("T", "https://a.b/t.html", FORK)
    cells = first + notebooks.assemble(["# T", 0], source)
    return notebooks.notebook(cells), source


def test_a_notebook_runs():
    book, _ = clean_page()
    NotebookClient(book, timeout=60).execute()
    assert book.cells[-1].outputs[0].text == "42\n"
    assert not book.cells[1].outputs  # course is installed here


def test_the_first_cells_lead_back_and_install():
    book, _ = clean_page()
    assert "https://a.b/t.html" in book.cells[0].source
    assert f"%pip install -q git+{FORK}" in book.cells[1].source


def test_the_check_finds_what_is_wrong(tmp_path):
    book, source = clean_page()
    made, page = tmp_path / "made.ipynb", tmp_path / "page.ipynb"
    nbformat.write(source, page)
    nbformat.write(book, made)
    assert notebooks.complaints(made, page) == []
    for text in ("see {eq}`eq-a`", "```{note}\na\n```", ":::{tip}", "(ch-a)="):
        bad, _ = clean_page()
        bad.cells[2].source = text
        nbformat.write(bad, made)
        assert len(notebooks.complaints(made, page)) == 1, text
    bad, _ = clean_page()
    bad.cells[-1].source = "x = 6 * 8"
    nbformat.write(bad, made)
    assert notebooks.complaints(made, page) == ["its code is not the page's"]


# -- serving ------------------------------------------------------------------


def test_a_folder_is_served_on_this_machine_alone(tmp_path):
    from urllib.request import urlopen

    (tmp_path / "a.html").write_text("hello")
    with serving(tmp_path) as address, urlopen(f"{address}a.html") as reply:
        assert address.startswith("http://127.0.0.1:")
        assert reply.read() == b"hello"
