"""Pages are read as the build reads them."""

import pytest

from tools import chapters

CONFIG = "parse: {myst_enable_extensions: [amsmath, colon_fence, dollarmath]}\n"
TOC = """
root: book/index
parts:
  - chapters:
      - file: book/part/index
      - file: book/part/one
        sections:
          - file: book/part/two
      - file: genindex
"""
TEXT = """---
a: 1
---
(ch-one)=
# A title

(first)=
(second)=
## Part {index}`hidden <one>` and `code`

Four words and $x^2$ {cite:t}`a,b`.
See {term}`nats <nat>`.

| not | counted |
|---|---|
| {ref}`first` | two |

:::{admonition} Box
:class: note

Two words.

```{math}
:label: eq-a
x
```
:::

$$
y
$$ (eq-b)

$$
z
$$

```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-a}
tags: [hide-input]
---
plot()
```

````{admonition} Proof
:class: dropdown

These are not counted.

$$
w
$$
````

```{solution-start} ex-a
:class: dropdown
```

Nor are these.

```{code-cell} ipython3
secret()
```

```{solution-end}
```

Last.
"""


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "book" / "part"
    folder.mkdir(parents=True)
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "_toc.yml").write_text(TOC)
    (folder / "one.md").write_text(TEXT)
    return chapters.Page(folder / "one.md", tmp_path)


def test_headings_carry_the_labels_before_them(page):
    found = [(h.level, h.text, h.anchors) for h in page.headings]
    assert found == [
        (1, "A title", ("ch-one",)),
        (2, "Part  and code", ("first", "second")),
    ]
    lines = page.text.splitlines()
    assert lines[page.headings[1].line - 1].startswith("## Part")


def test_words_are_those_of_open_prose(page):
    # title 2, heading 3, paragraph: Four words and a,b See nats
    # box: Two words; end: Last
    assert page.words == 2 + 3 + 6 + 2 + 1


def test_labels_of_every_kind_are_found(page):
    wanted = {"ch-one", "first", "second", "eq-a", "eq-b", "fig-a"}
    assert set(page.labels) == wanted


def test_formulas_know_their_label_and_whether_they_are_folded(page):
    found = [(e.label, e.folded) for e in page.equations]
    assert found == [("eq-b", False), (None, False), (None, True)]
    lines = page.text.splitlines()
    assert lines[page.equations[1].line] == "z"


def test_cells_have_options_code_and_a_place(page):
    shown, solution = page.cells
    assert shown.tags == {"hide-input"}
    assert shown.body == "plot()"
    assert not shown.folded
    assert solution.folded
    assert "code-cell" in page.text.splitlines()[shown.line - 1]


def test_directives_nest_and_keep_their_options(page):
    names = [d.name for d in page.directives]
    assert names.index("math") == names.index("admonition") + 1
    (box, proof) = page.named("admonition")
    assert (box.argument, box.options) == ("Box", {"class": "note"})
    assert proof.argument == "Proof"
    (formula,) = page.named("math")
    lines = page.text.splitlines()
    assert "{math}" in lines[formula.line - 1]


def test_roles_give_their_targets(page):
    assert page.targets("ref") == ["first"]
    assert page.targets("term") == ["nat"]
    assert page.targets("cite:t", "cite:p") == ["a,b"]


def test_chapters_are_the_pages_in_a_part(page):
    root = page.root
    inside = [f"book/part/{name}" for name in ("index", "one", "two")]
    names = ["book/index", *inside, "genindex"]
    assert chapters.contents(root) == names
    assert [p.stem for p in chapters.pages(root)][1:] == ["index", "one", "two"]
    assert [p.stem for p in chapters.chapters(root)] == ["one", "two"]
    assert chapters.openings(root) == [root / "book" / "part" / "index.md"]
    assert page.name == "book/part/one"


def test_options_that_are_not_yaml_are_shown_with_their_line(page):
    path = page.path.with_name("two.md")
    path.write_text("# T\n\n```{code-cell}\n---\nalt: a: b\n---\n1\n```\n")
    with pytest.raises(ValueError, match=r"two\.md, line 3: .* code-cell"):
        chapters.Page(path, page.root)
