"""Local Sphinx extension: the pages of the package, made from its docstrings.

Docstrings of the course are plain text with formulas in ASCII, printed in
chapters as they are. This module makes reStructuredText of them, makes the
shapes in signatures readable, and adds to each name a link to the chapter
that introduces it. A line `% modules: course.nn` on a page stands for every
public module under `course.nn`.
"""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import jupytext
import yaml
from numpy.typing import ArrayLike
from sphinx.util.typing import stringify_annotation

from tools import addresses

# -- docstrings ---------------------------------------------------------------

DOCTEST = re.compile(r"^\s*(>>>|\.\.\. )")
ENTRY = re.compile(r"^(\s+\*{0,2}[\w, ]+(?: \([^)]*\))?:)(\s.*)?$")


def escape(text: str) -> str:
    """Plain text in which `*`, `|` and a final `_` mean themselves."""
    parts = re.split(r"(``?[^`]+``?)", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"``{part.strip('`')}``"
        else:
            part = re.sub(r"([*|\\])", r"\\\1", part)
            parts[i] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", part)
    return "".join(parts)


def readable(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText that napoleon can read."""
    done, example = [], False
    for line in lines:
        example = bool(DOCTEST.match(line)) or (example and bool(line.strip()))
        entry = ENTRY.match(line)
        if example:
            done.append(line)
        elif entry and line.startswith(" "):
            done.append(entry[1] + escape(entry[2] or ""))
        else:
            done.append(escape(line))
    return done


# -- signatures ---------------------------------------------------------------

ALIASES = {  # as course.protocols names them
    "Float[Tensor, 'batch ...']": "Batch",
    "Float[Tensor, 'batch']": "PerExample",
    "dict[str, Float[Tensor, '']]": "Losses",
}
PREFIX = re.compile(r"~?\b(?:[a-z_]\w*\.)+(?=(_?[A-Z]\w*|ndarray))")
SHAPE = re.compile(r"(\[\w+, )'\s*([^']*?)\s*'\]")


def without_prefix(match: re.Match) -> str:
    """Nothing, but for a name of the course the place that documents it."""
    full = match[0].lstrip("~") + match[1]
    if not full.startswith("course.") or full not in (known := documented()):
        return ""
    return "~" + known[full].removesuffix(match[1])


def readable_signature(text: str | None) -> str | None:
    """A signature without the prefixes that only an interpreter needs.

    Names of the course keep theirs: Sphinx makes links of them.
    """
    if text is None:
        return None
    for mode in ("smart", "fully-qualified-except-typing"):
        text = text.replace(stringify_annotation(ArrayLike, mode), "ArrayLike")
    text = SHAPE.sub(r"\1'\2']", PREFIX.sub(without_prefix, text))
    for long, short in ALIASES.items():
        text = text.replace(long, short)
    return text


# -- where a name is introduced -----------------------------------------------


def pages(toc: dict) -> list[str]:
    """The pages of a table of contents, in reading order."""
    entries = list(toc.get("parts", [])) or [toc]
    chapters = [c for part in entries for c in part.get("chapters", [])]
    found = []
    for chapter in chapters:
        sections = [s["file"] for s in chapter.get("sections", [])]
        found += [chapter["file"], *sections]
    return found


def code(path: Path) -> str:
    """The code of a page, without lines for the notebook alone.

    A page without a header is no notebook: its programs are only shown.
    """
    if not path.read_text(encoding="utf8").startswith(("---\n", "# ---\n")):
        return ""
    cells = jupytext.read(path).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "code")
    return re.sub(r"^\s*[%!].*$", "", text, flags=re.MULTILINE)


def imported(path: Path) -> list[tuple[str, str]]:
    """(module, name) of all that the cells of a page import from course."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(code(path)))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] == "course"
        for alias in node.names
    ]


def identity(module: str, name: str) -> tuple[str, str]:
    """Where a name was defined, however it was imported.

    One that does not exist stands for itself: the page that imports it fails
    when it is executed, and says so better.
    """
    try:
        value = getattr(importlib.import_module(module), name, None)
    except ImportError:
        value = None
    home = getattr(value, "__module__", None) or module
    return home, getattr(value, "__qualname__", name)


@cache
def introductions(root: Path) -> dict[tuple[str, str], str]:
    """The first chapter, in the order of the book, to import each name."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    first = {}
    for page in pages(toc):
        path = root / f"{page}.md"
        for module, name in imported(path) if path.is_file() else []:
            first.setdefault(identity(module, name), page)
    return first


# -- modules ------------------------------------------------------------------


def public_modules(name: str) -> list[str]:
    """A module, or the modules of a package that does not list its names."""
    module = importlib.import_module(name)
    if not hasattr(module, "__path__") or hasattr(module, "__all__"):
        return [name]
    inner = sorted(info.name for info in pkgutil.iter_modules(module.__path__))
    public = [f"{name}.{part}" for part in inner if not part.startswith("_")]
    return [found for part in public for found in public_modules(part)]


def names(module: str) -> list[str]:
    """What a module offers: what it lists, or else what it defines."""
    loaded = importlib.import_module(module)
    return getattr(loaded, "__all__", None) or [
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module
        and hasattr(value, "__qualname__")
    ]


@cache
def documented() -> dict[str, str]:
    """Where each class and function is documented, by where it was defined."""
    places = {}
    for module in public_modules("course"):
        for name in names(module):
            home, own = identity(module, name)
            places.setdefault(f"{home}.{own}", f"{module}.{name}")
    return places


def constants(module: str) -> list[str]:
    """The names of a module that are neither classes nor functions."""
    loaded = importlib.import_module(module)
    return [n for n in names(module) if not callable(getattr(loaded, n))]


def comment(module: str, name: str) -> str:
    """What the line that defines a constant says of it."""
    start = Path(importlib.import_module(module).__file__)
    files = start.parent.glob("*.py") if start.stem == "__init__" else [start]
    wanted = re.compile(rf"^{name} = .*?(?:  # (.*))?$", re.MULTILINE)
    for path in sorted(files):
        if found := wanted.search(path.read_text(encoding="utf-8")):
            return found[1] or ""
    return ""


def constant(module: str, name: str) -> str:
    """The reStructuredText that documents a constant."""
    value = repr(getattr(importlib.import_module(module), name))
    shown = f"   :value: {value}\n" if len(value) < 40 else ""
    said = escape(comment(module, name))
    page = introductions(addresses.ROOT).get(identity(module, name))
    said += f"\n\n   Introduced in :doc:`/{page}`." if page else ""
    return f".. py:data:: {name}\n   :module: {module}\n{shown}\n   {said}\n"


def section(module: str) -> str:
    """The Markdown that documents one module."""
    found = "\n".join(constant(module, name) for name in constants(module))
    return (
        f"### `{module}`\n\n```{{eval-rst}}\n.. automodule:: {module}\n"
        f"   :members:\n   :exclude-members: {', '.join(constants(module))}\n"
        f"\n{found}```\n"
    )


def expand(text: str) -> str:
    """A page whose `% modules:` lines have become the modules themselves."""

    def sections(match):
        names = match[1].split()
        found = [module for name in names for module in public_modules(name)]
        return "\n".join(section(module) for module in found)

    return re.sub(r"^% modules: (.*)$", sections, text, flags=re.MULTILINE)


# -- events -------------------------------------------------------------------


def on_source(app, docname, source) -> None:
    """Expand the list of modules."""
    source[0] = expand(source[0])


def on_docstring(app, what, name, value, *rest) -> None:
    """Make a docstring readable and link it to its chapter."""
    lines = rest[-1]
    lines[:] = readable(lines)
    if what not in ("class", "function", "data"):
        return
    home = getattr(value, "__module__", None) or name.rpartition(".")[0]
    key = (home, getattr(value, "__qualname__", name.rpartition(".")[2]))
    page = introductions(addresses.ROOT).get(key)
    if page is not None:
        lines += ["", f"Introduced in :doc:`/{page}`.", ""]


def on_signature(app, what, name, *rest):
    """Make a signature readable."""
    *_, signature, returns = rest
    return readable_signature(signature), readable_signature(returns)


def on_member(app, what, name, value, *_):
    """Leave out plain attributes of classes: "Args" explains them.

    And methods that scikit-learn adds to every estimator, for its pipelines.
    """
    plain = not callable(value) and not isinstance(value, property)
    added = re.fullmatch(r"set_\w+_request", name) is not None
    return True if what == "class" and (plain or added) else None


def setup(app) -> dict:
    """Register the extension with Sphinx."""
    app.connect("source-read", on_source)
    # before napoleon, which reads sections such as "Args:"
    app.connect("autodoc-process-docstring", on_docstring, priority=400)
    app.connect("autodoc-process-signature", on_signature)
    app.connect("autodoc-skip-member", on_member)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
