"""The mutation check changes what computes, and one thing at a time."""

import ast

import pytest

from tools import mutants

SOURCE = '''
def f(x: int, n) -> "a + b":
    """A docstring with a - b."""
    if n[0] < 0:
        raise ValueError(f"{n + 1}" + "!")
    x -= 3
    return x[1:, None] + -n * 2
'''
EXPECTED = {
    "sign: x -= 3 -> x += 3",
    "sign: x[1:, None] + -n * 2 -> x[1:, None] - -n * 2",
    "sign: -n -> n",
    "term: x[1:, None] + -n * 2 -> x[1:, None]",
    "term: x[1:, None] + -n * 2 -> -n * 2",
    "term: -n * 2 -> -n",
    "term: -n * 2 -> 2",
    "index: x[1:, None] -> x[2:, None]",
    "index: n[0] -> n[1]",
}


@pytest.fixture
def tree(tmp_path):
    """A tree with one model and one test."""
    (tmp_path / "course" / "models").mkdir(parents=True)
    (tmp_path / "course" / "__init__.py").touch()
    (tmp_path / "course" / "models" / "__init__.py").touch()
    (tmp_path / "course" / "models" / "line.py").write_text(
        "def line(x):\n    return 2 * x + 1\n"
    )
    (tmp_path / "tests" / "models").mkdir(parents=True)
    (tmp_path / "tests" / "test_contract.py").write_text("def test(): pass\n")
    (tmp_path / "tests" / "models" / "test_line.py").write_text(
        "from course.models.line import line\n\n"
        "def test_line():\n    assert line(0) == 1\n"
    )
    return tmp_path


def test_changes_are_those_of_signs_terms_and_indices():
    nodes = mutants.code(ast.parse(SOURCE))
    found = [change for node in nodes for change, _ in mutants.changes(node)]
    assert sorted(found) == sorted(EXPECTED)


def test_every_mutant_differs_in_one_line(tree):
    original = (tree / "course" / "models" / "line.py").read_text()
    found = list(mutants.mutants(tree))
    assert {m.text for m in found} == {
        original.replace("+", "-").rstrip(),
        original.replace(" + 1", "").rstrip(),
        original.replace("2 * x + ", "").rstrip(),
        original.replace("2 * ", "").rstrip(),
        original.replace("2 * x", "2").rstrip(),
    }
    assert {(m.file, m.line) for m in found} == {
        ("course/models/line.py", "return 2 * x + 1")
    }


def test_survivors_are_those_no_test_sees(tree, monkeypatch):
    monkeypatch.setattr(mutants, "COPIED", ("course", "tests"))
    monkeypatch.setattr(mutants, "ROOT", tree)
    alive = mutants.survivors(list(mutants.mutants(tree)), jobs=1)
    assert {m.change for m in alive} == {
        "term: 2 * x + 1 -> 1",  # the test looks at x = 0 only
        "term: 2 * x -> x",
    }


def test_a_mutant_meets_the_tests_that_import_its_model(tree):
    other = tree / "tests" / "models" / "test_other.py"
    other.write_text("from course.models import curve\n")
    shared = "tests/test_contract.py"
    for file, name in [("line.py", "line"), ("curve/fit.py", "other")]:
        found = mutants.watchers(f"course/models/{file}", tree)
        assert found == (f"tests/models/test_{name}.py", shared)


def test_what_the_tests_of_models_import_is_copied():
    folders = {p.name for p in mutants.ROOT.iterdir() if p.is_dir()}
    tests = mutants.ROOT / "tests"
    for path in [*tests.glob("models/*.py"), tests / "test_contract.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in getattr(node, "names", ())]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif not isinstance(node, ast.Import):
                continue
            ours = {name.split(".")[0] for name in names} & folders
            assert ours <= set(mutants.FOLDERS), path
