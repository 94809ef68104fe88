"""The modules of `course` form layers: imports only ever point downwards."""

import ast
from pathlib import Path

import pytest

import course

ROOT = Path(course.__file__).parent
BASE = {"protocols", "arrays", "seeding", "budget", "selfcheck", "targets"}
ALLOWED = {
    "__init__": set(),
    **{part: set() for part in BASE},
    "data": BASE,
    "nn": BASE,
    "metrics": BASE,
    "plotting": BASE,
    "training": BASE,
    "coding": BASE,
    "selfcheck": set(),  # exercises on pages; nobody imports it
    "models": BASE | {"nn"},
    "classroom": set(),  # sheets and grading know no model
}
FILES = sorted(ROOT.rglob("*.py"))


def home(path):
    """The part of the package that a file belongs to; each model is one."""
    first, *rest = path.relative_to(ROOT).with_suffix("").parts
    return f"models.{rest[0]}" if first == "models" and rest else first


def imports(path):
    """The parts of `course` that a file imports: course.nn.mlp means nn."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full, from the root"
            names += [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [n.split(".")[1:] for n in names if n.split(".")[0] == "course"]
    return {".".join(p[:2]) if p[0] == "models" else p[0] for p in parts}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = home(path)
    allowed = ALLOWED[here.split(".")[0]] | {here}
    assert imports(path) <= allowed, f"{here} may import only {allowed}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 200, "one idea a file: split it"
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef):
            continue
        body = node.body[bool(ast.get_docstring(node)) :]
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert length <= 25, f"{node.name} has {length} lines of code"
