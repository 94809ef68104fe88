"""The gate executes what the book lists, and trusts no stale output."""

import textwrap

import nbformat
import pytest

from tools import execute, gate, kernels

CHAPTER = """
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{code-cell} ipython3
import os

print(os.environ["OMP_NUM_THREADS"], %s)
```
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of two chapters and a plain page, in a folder of its own."""
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "a.py").write_text("A = 1\n")
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "_toc.yml").write_text(
        textwrap.dedent("""
            format: jb-book
            root: index
            parts:
              - caption: One
                chapters:
                  - file: one
                    sections:
                      - file: two
            """)
    )
    (tmp_path / "index.md").write_text("# Plain\n")
    (tmp_path / "one.md").write_text(CHAPTER.lstrip() % 1)
    (tmp_path / "two.md").write_text(CHAPTER.lstrip() % 2)
    monkeypatch.setattr(execute, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(execute, "TIMES", tmp_path / "times.json")
    monkeypatch.setattr(execute, "EXECUTED", tmp_path / "executed")
    return tmp_path


def test_pages_come_in_the_order_of_the_contents(book):
    assert execute.pages(book) == ["index", "one", "two"]


def test_only_notebooks_are_executed(book):
    execute.drop_stale_cache(root=book)
    assert execute.read("index", book) is None
    assert sorted(execute.due(draft=False, root=book)) == ["one", "two"]


def test_longest_chapters_start_first(book):
    execute.drop_stale_cache(root=book)
    execute.TIMES.write_text('{"one": 1.0, "two": 9.0}')
    assert execute.due(draft=False, root=book) == ["two", "one"]
    execute.TIMES.write_text('{"two": 9.0}')
    assert execute.due(draft=False, root=book) == [
        "one",
        "two",
    ]  # unknown may be long


def test_a_chapter_runs_in_the_surroundings_of_the_gate(book):
    result = execute.run("one", book)
    assert result.err is None
    output = result.nb.cells[-1].outputs[0].text
    assert output == f"{gate.ENVIRONMENT['OMP_NUM_THREADS']} 1\n"


def test_a_failing_chapter_is_reported_and_not_kept(book, capsys):
    (book / "one.md").write_text(CHAPTER.lstrip() % "1 / 0")
    (book / "two.md").write_text("# Plain\n")
    assert execute.execute(jobs=1, draft=False, root=book) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert execute.due(draft=True, root=book) == ["one"]


def test_a_draft_executes_only_what_changed(book):
    (book / "two.md").write_text("# Plain\n")
    assert execute.execute(jobs=1, draft=False, root=book) == 0
    assert execute.due(draft=True, root=book) == []
    kept = nbformat.read(book / "executed" / "one.ipynb", as_version=4)
    assert kept.cells[-1].outputs[0].text == "1 1\n"
    assert kept.cells[-1].execution_count == 1  # or nbval compares nothing
    (book / "one.md").write_text(CHAPTER.lstrip() % 3)
    assert execute.due(draft=True, root=book) == ["one"]


@pytest.mark.parametrize("name", ["course/a.py", "requirements.txt"])
def test_a_changed_package_makes_every_output_stale(book, name):
    execute.drop_stale_cache(root=book)
    (execute.CACHE / "output").touch()
    execute.drop_stale_cache(root=book)
    assert (execute.CACHE / "output").exists()
    (book / name).write_text("A = 2\n")
    execute.drop_stale_cache(root=book)
    assert not (execute.CACHE / "output").exists()


def test_the_gate_starts_from_nothing(book):
    execute.drop_stale_cache(root=book)
    (execute.CACHE / "output").touch()
    execute.drop_stale_cache(draft=False, root=book)
    assert not (execute.CACHE / "output").exists()


def test_kernels_never_ask_for_the_same_port(monkeypatch):
    managers = [kernels.Kernels(), kernels.KernelsAgain(), kernels.Kernels()]
    assert {manager.transport for manager in managers} == {"ipc"}
    assert len({manager.ip for manager in managers}) == 3
    nbval_kernel = pytest.importorskip("nbval.kernel")
    monkeypatch.setattr(nbval_kernel, "KernelManager", None)
    kernels.use_in_nbval()
    assert nbval_kernel.KernelManager is kernels.KernelsAgain
