"""The pages of the book as they are written: headings, cells, labels, words.

The text is read by the parser of the build itself, so what counts as a heading
or a directive here counts as one on the site.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

ROOT = Path(__file__).resolve().parent.parent
SHEETS = "book/exercises"  # folder of the exercise sheets, pages of their own
TEACHERS = "book/teachers"  # folder of the pages for teachers
VERBATIM = {"code-cell", "code-block", "code", "math", "raw", "bibliography"}
DIRECTIVE = re.compile(r"\{([\w:.-]+)\}\s*(.*)", re.DOTALL)
OPTION = re.compile(r":([\w-]+):\s*(.*?)\s*")
WORD = re.compile(r"\w+(?:[’'.,-]\w+)*")
SILENT_ROLES = {"index", "label"}


@dataclass(frozen=True)
class Heading:
    """A heading, with the labels that stand right before it."""

    level: int
    text: str
    anchors: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Directive:
    """A directive: {name} argument, options, and the text inside."""

    name: str
    argument: str
    options: dict
    body: str
    line: int
    folded: bool  # it is inside something that opens only on request

    @property
    def tags(self) -> set[str]:
        """The tags of a code cell."""
        return set(self.options.get("tags") or ())

    @property
    def labels(self) -> list[str]:
        """The labels that this directive defines."""
        notebook = self.options.get("mystnb") or {}
        found = [
            self.options.get("label"),
            self.options.get("name"),
            (notebook.get("figure") or {}).get("name"),
        ]
        if self.name == "math" and not found[0]:
            found += re.findall(r"\\label\{(.+?)\}", self.body)
        return [str(name) for name in found if name]


@dataclass(frozen=True)
class Equation:
    """A displayed formula between dollar signs, or an AMS environment."""

    label: str | None
    line: int
    folded: bool


@dataclass
class Page:
    """A page of the book, read once."""

    path: Path
    root: Path = ROOT
    headings: list[Heading] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    roles: list[tuple[str, str]] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    words: int = 0  # of open prose: no code, formula, table or folded text

    def __post_init__(self):
        """Read the page."""
        self.text = self.path.read_text(encoding="utf8")
        parser = create_md_parser(config(self.root), RendererHTML)
        Reader(self, parser).read(self.text, 0, folded=False)

    @property
    def name(self) -> str:
        """The page as _toc.yml calls it, such as book/notation."""
        return self.path.relative_to(self.root).with_suffix("").as_posix()

    @cached_property
    def cells(self) -> list[Directive]:
        """The code cells, in order."""
        return [d for d in self.directives if d.name == "code-cell"]

    @cached_property
    def labels(self) -> list[str]:
        """Every label that the page defines."""
        found = list(self.anchors)
        found += [e.label for e in self.equations if e.label]
        return found + [n for d in self.directives for n in d.labels]

    def targets(self, *roles: str) -> list[str]:
        """What the roles of these names point at, or hold: {term}`x` -> x."""
        found = [text for name, text in self.roles if name in roles]
        return [re.sub(r".*<(.+)>$", r"\1", t, flags=re.S) for t in found]

    def named(self, *names: str) -> list[Directive]:
        """The directives of these names."""
        return [d for d in self.directives if d.name in names]


class Reader:
    """Walks through the tokens of a page, and into its directives."""

    def __init__(self, page: Page, parser):
        """Remember what to fill."""
        self.page, self.parser = page, parser

    def read(self, text: str, line: int, *, folded: bool) -> None:
        """Read a text that begins after line number `line`."""
        waiting, table, solution = [], 0, False
        tokens = self.parser.parse(text)
        for i, token in enumerate(tokens):
            at = line + (token.map[0] if token.map else 0) + 1
            closed = folded or solution
            if token.type == "myst_target":
                self.page.anchors.append(token.content)
                waiting.append(token.content)
                continue
            if token.type == "heading_open":
                self.heading(token, tokens[i + 1], waiting, at)
            elif token.type in ("fence", "colon_fence"):
                name = self.directive(token, at, folded=closed)
                solution = name == "solution-start" or (
                    solution and name != "solution-end"
                )
            elif token.type in ("math_block", "math_block_label", "amsmath"):
                self.equation(token, at, folded=closed)
            table += token.type.startswith("table_") * token.nesting
            if token.type == "inline":
                self.inline(token, counted=not (table or closed))
            waiting = []

    def heading(self, token: Token, text: Token, labels: list, at: int) -> None:
        """Take up a heading."""
        words = plain(text).strip()
        heading = Heading(int(token.tag[1]), words, tuple(labels), at)
        self.page.headings.append(heading)

    def equation(self, token: Token, at: int, *, folded: bool) -> None:
        """Take up a displayed formula."""
        found = re.search(r"\\label\{(.+?)\}", token.content)
        name = token.info or (found[1] if found else None)
        self.page.equations.append(Equation(name, at, folded))

    def directive(self, token: Token, at: int, *, folded: bool) -> str:
        """Take up a directive and what is inside; return its name.

        Raises:
            ValueError: its options are not YAML.
        """
        found = DIRECTIVE.fullmatch(token.info.strip())
        if not found:
            return ""
        name, argument = found[1], found[2].strip()
        try:
            options, body, skipped = split(token.content)
        except yaml.YAMLError as error:
            raise ValueError(
                f"{self.page.path.name}, line {at}: the options of {name} are "
                f"not YAML; a text with a colon needs `>-` or quotes: {error}"
            ) from error
        kept = Directive(name, argument, options, body, at, folded)
        self.page.directives.append(kept)
        inner = folded or "dropdown" in f"{name} {options.get('class')}"
        if name not in VERBATIM:
            self.read(body, at + skipped, folded=inner)
        return name

    def inline(self, token: Token, *, counted: bool) -> None:
        """Take up the roles and words of a line of text."""
        for child in token.children or []:
            if child.type == "myst_role":
                role = (child.meta["name"], child.content)
                self.page.roles.append(role)
        self.page.words += len(WORD.findall(plain(token))) if counted else 0


def split(content: str) -> tuple[dict, str, int]:
    """The options of a directive, the text after them, and their lines."""
    lines = content.splitlines()
    if lines and re.fullmatch(r"-{3,}\s*", lines[0]):
        end = next(i for i, ln in enumerate(lines[1:], 1) if ln[:3] == "---")
        options = yaml.safe_load("\n".join(lines[1:end])) or {}
        return options, "\n".join(lines[end + 1 :]), end + 1
    options, count = {}, 0
    while count < len(lines) and (m := OPTION.fullmatch(lines[count])):
        listed = m[2].startswith("[")
        options[m[1]] = yaml.safe_load(m[2]) if listed else m[2]
        count += 1
    return options, "\n".join(lines[count:]), count


def plain(token: Token) -> str:
    """The words of a line of text, without formulas and role names."""
    parts = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "myst_role":
            shown = child.meta["name"] not in SILENT_ROLES
            parts.append(child.content.split("<")[0] if shown else "")
    return "".join(parts)


def config(root: Path = ROOT) -> MdParserConfig:
    """How the build reads MyST."""
    settings = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    names = settings["parse"]["myst_enable_extensions"]
    return MdParserConfig(enable_extensions=set(names))


def contents(root: Path = ROOT) -> list[str]:
    """The pages of the book, in the order of _toc.yml."""

    def walk(node) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from walk(item)

    return list(walk(yaml.safe_load((root / "_toc.yml").read_text("utf8"))))


def pages(root: Path = ROOT) -> list[Path]:
    """The files of these pages, as far as they are text of the book."""
    sheets = {f.with_suffix(".md") for f in (root / SHEETS).glob("*.py")}
    files = [root / f"{name}.md" for name in contents(root)]
    return [f for f in files if f.parent != root and f not in sheets]


def chapters(root: Path = ROOT) -> list[Path]:
    """The files of the chapters: the pages in the folder of a part.

    The opening page of a part, index, is none.
    """
    apart = (root / "book", root / SHEETS, root / TEACHERS)
    found = [f for f in pages(root) if f.parent not in apart]
    return [f for f in found if f.stem != "index"]


def openings(root: Path = ROOT) -> list[Path]:
    """The files of the opening pages of the parts."""
    apart = (root / "book", root / SHEETS, root / TEACHERS)
    found = [f for f in pages(root) if f.parent not in apart]
    return [f for f in found if f.stem == "index"]
