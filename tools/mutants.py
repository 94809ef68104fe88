"""Break `course/models` on purpose, and count how many breaks the tests see.

`python -m tools.mutants` flips signs, drops terms and factors and shifts
indices, one at a time, and runs on each mutant the tests that import its model,
then those that all models share. The survivors must be listed, with the reason,
in tools/mutants.yml. All mutants take hours; `--sample 200` takes some at
random, the same ones each time, `--only NAME` those of one model.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import yaml

from tools import gate

ROOT = Path(__file__).parents[1]
SURVIVORS = ROOT / "tools" / "mutants.yml"
FOLDERS = ("course", "tests", "tools", "benchmarks")
COPIED = (*FOLDERS, "conftest.py", "pyproject.toml")
SHARED = "tests/test_contract.py"
LIBRARIES = (
    "beartype",
    "jupyter_client.manager",
    "lightning_fabric",
    "pytest",
    "scipy.stats",
    "sklearn.mixture",
    "sklearn.utils.estimator_checks",
    "torch",
)
SECONDS = 300  # a mutant that runs longer is stuck, hence seen
GOAL = 0.9
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:nbval")  # slow to import
FAILED = 1  # pytest's status when a test fails; others mean it did not run


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str  # from the root
    line: str  # the source line, stripped
    change: str
    number: int  # of the line
    text: str  # the whole changed file

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when lines move."""
        return self.file, self.line, self.change


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """All single changes of one node, with a description of each."""
    yield from (
        (f"sign: {short(node)} -> {short(n)}", n) for n in flipped(node)
    )
    yield from ((f"term: {short(node)} -> {short(n)}", n) for n in parts(node))
    yield from (
        (f"index: {short(node)} -> {short(n)}", n) for n in shifted(node)
    )


def flipped(node: ast.AST) -> Iterator[ast.AST]:
    """The node with plus for minus, minus for plus, or no minus in front."""
    other = {ast.Add: ast.Sub, ast.Sub: ast.Add}
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in other:
        new = copy.deepcopy(node)
        new.op = other[type(node.op)]()
        yield new
    is_minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    if is_minus and not isinstance(node.operand, ast.Constant):
        yield node.operand


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """What is left of a sum, product or quotient when one part is dropped."""
    if not isinstance(node, ast.BinOp):
        return
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        yield node.left
    if isinstance(node.op, ast.Add | ast.Mult):
        yield node.right


def shifted(node: ast.AST) -> Iterator[ast.AST]:
    """A subscript with one of its whole numbers increased by one."""
    if not isinstance(node, ast.Subscript):
        return
    for place, part in enumerate(ast.walk(node.slice)):
        if isinstance(part, ast.Constant) and type(part.value) is int:
            new = copy.deepcopy(node)
            list(ast.walk(new.slice))[place].value += 1
            yield new


def short(node: ast.AST) -> str:
    """The code of a node, on one line."""
    return " ".join(ast.unparse(node).split())


class Replace(ast.NodeTransformer):
    """Puts a new node in the place of an old one."""

    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or what stands in for it."""
        return self.new if node is self.old else self.generic_visit(node)


def code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that compute: no annotation, error message or f-string."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(
                child, ast.Raise | ast.JoinedStr
            ):
                yield from code(child)


def mutants(root: Path = ROOT, only: str = "") -> Iterator[Mutant]:
    """Every mutant of every model whose file name contains `only`."""
    for path in sorted((root / "course" / "models").rglob("*.py")):
        name, source = path.relative_to(root).as_posix(), path.read_text()
        if only not in name:
            continue
        tree, lines = ast.parse(source), source.splitlines()
        for node in code(tree):
            for change, new in changes(node):
                at = node.lineno
                text = mutated(source, node, new)
                yield Mutant(name, lines[at - 1].strip(), change, at, text)


def mutated(source: str, old: ast.AST, new: ast.AST) -> str:
    """The source with one node replaced."""
    tree = ast.parse(source)
    place = (old.lineno, old.col_offset, old.end_lineno, old.end_col_offset)
    for node in ast.walk(tree):
        if type(node) is type(old) and place == (
            node.lineno,
            node.col_offset,
            node.end_lineno,
            node.end_col_offset,
        ):
            return ast.unparse(Replace(node, new).visit(tree))
    raise AssertionError("the node is part of the source")


def watchers(file: str, root: Path | None = None) -> tuple[str, ...]:
    """The test files that import the model of a file, then the shared one."""
    model = Path(file).parts[2].removesuffix(".py")
    found = [
        path
        for path in sorted((root or ROOT).glob("tests/models/test_*.py"))
        if model in imported(path)
    ]
    names = [path.relative_to(root or ROOT).as_posix() for path in found]
    return *names, SHARED


def imported(path: Path) -> set[str]:
    """The models that a test imports, by the name of their package."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            parts = [name.split(".") for name in whole]
            names |= {p[2] for p in parts if p[:2] == ["course", "models"]}
    return names


def status(folder: Path, tests: tuple[str, ...]) -> int:
    """Pytest's status on the tree in `folder`; in a fork of its own.

    The fork inherits the imported libraries, which saves seconds a mutant.
    """
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(SECONDS)
            run_tests(folder, tests)
        finally:
            os._exit(98)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_tests(folder: Path, tests: tuple[str, ...]) -> None:
    """In a fork: run tests quietly and leave with pytest's status."""
    import pytest

    os.chdir(folder)
    sys.path[:] = [str(folder)] + [p for p in sys.path if p != str(ROOT)]
    for name in [n for n, module in sys.modules.items() if is_ours(module)]:
        del sys.modules[name]
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    options = ["-x", "-q", *WITHOUT, *tests]
    found = pytest.main(options, plugins=[Witness(folder)])
    import course

    inside = Path(course.__file__).is_relative_to(folder)
    os._exit(int(found) if inside else 99)


class Witness:
    """A plugin of pytest that writes down which test failed."""

    def __init__(self, folder: Path):
        self.file = folder / "witness.txt"

    def pytest_runtest_logreport(self, report) -> None:
        """Note the name of a test that fails."""
        if report.failed:
            self.file.write_text(report.nodeid)


def is_ours(module) -> bool:
    """Whether a module comes from this checkout, not from a library."""
    path = Path(getattr(module, "__file__", None) or sys.executable)
    home = Path(__file__).parents[1]
    return path.is_relative_to(home) and not path.is_relative_to(sys.prefix)


class Worker:
    """Tests mutants in a copy of the tree that is its own."""

    folder: Path
    witnesses: tuple[str, ...] = ()  # tests that failed lately, to run first

    @classmethod
    def start(cls, scratch: str) -> None:
        """Make the copy of this worker process."""
        cls.folder = Path(tempfile.mkdtemp(dir=scratch))
        for name in COPIED:
            copy_of(ROOT / name, cls.folder / name)

    @classmethod
    def lives(cls, mutant: Mutant | None) -> bool:
        """Whether every test passes on the mutant; None changes nothing."""
        if mutant is None:
            return status(cls.folder, ("tests/models", SHARED)) == 0
        target, tests = cls.folder / mutant.file, watchers(mutant.file)
        original = target.read_text()
        target.write_text(mutant.text)
        seen = cls.witnesses and status(cls.folder, cls.witnesses) == FAILED
        alive = not seen and status(cls.folder, tests) == 0
        target.write_text(original)
        cls.remember(cls.folder / "witness.txt")
        return alive

    @classmethod
    def remember(cls, witness: Path) -> None:
        """Keep the last few tests that failed."""
        if witness.exists():
            name = witness.read_text()
            others = [other for other in cls.witnesses if other != name]
            cls.witnesses = (name, *others)[:4]
            witness.unlink()


def survivors(found: list[Mutant], jobs: int) -> list[Mutant]:
    """Those among the mutants on which every test passes."""
    alive = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        get_context("fork").Pool(jobs, Worker.start, (scratch,)) as pool,
    ):
        if not pool.apply(Worker.lives, (None,)):
            sys.exit("the tests fail on the code as it is: mend that first")
        verdicts = pool.imap(Worker.lives, found)
        for mutant, lived in zip(found, verdicts, strict=True):
            if lived:
                alive.append(mutant)
                print(f"{mutant.file}:{mutant.number} lives: {mutant.change}")
    return alive


def copy_of(source: Path, target: Path) -> None:
    """Copy a file or folder, without caches."""
    if source.is_file():
        shutil.copy(source, target)
    else:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(source, target, ignore=ignored)


def preload() -> None:
    """Import what the tests need, once, before forking."""
    gate.enter()
    sys.dont_write_bytecode = True
    for name in LIBRARIES:
        __import__(name)


def main() -> None:
    """Print the score and the survivors; fail on an unexplained one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", default="", help="part of a file's name")
    parser.add_argument("--sample", type=int, help="so many, at random")
    options = parser.parse_args()
    preload()
    found = list(mutants(only=options.only))
    if options.sample and options.sample < len(found):
        found = random.Random(0).sample(found, options.sample)
    alive = survivors(found, options.jobs)
    listed = yaml.safe_load(SURVIVORS.read_text()) or []
    reasons = {(s["file"], s["line"], s["change"]): s["why"] for s in listed}
    print(f"\n{len(found) - len(alive)} of {len(found)} mutants were seen")
    for mutant in alive:
        why = reasons.get(mutant.key, "NOT EXPLAINED")
        print(f"{mutant.file}:{mutant.number}\n  {mutant.change}\n  {why}")
    unexplained = [m for m in alive if m.key not in reasons]
    if len(alive) > (1 - GOAL) * len(found) or unexplained:
        sys.exit("too many survivors, or one without a reason")


if __name__ == "__main__":
    main()
