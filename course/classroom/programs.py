"""What the code in a sheet may look like: rules on its syntax."""

import ast
from collections.abc import Iterator

from nbformat import NotebookNode

from course.classroom import markers
from course.classroom.cells import grade_id, is_answer, is_test
from course.classroom.sheet import Sheet

DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def check(sheet: Sheet) -> None:
    """Refuse answers without docstrings, and tests that say or leak nothing.

    Raises:
        ValueError: the cell, what was expected, what was found.
    """
    defined = {item.name: set() for item in sheet.items}
    for item in sheet.items:
        if not item.by_hand:
            defined[item.name] = _check_answer(item.answer, sheet.name)
    for item in sheet.items:
        others = set().union(
            *(names for key, names in defined.items() if key != item.name)
        )
        for cell in filter(is_test, item.cells):
            where = f"{sheet.name}, {grade_id(cell)}"
            _check_test(_tree(cell.source, where), where)
            _check_alone(cell, others - defined[item.name], where)
    for cell in sheet.cells:
        if is_answer(cell) or is_test(cell):
            _tree(markers.shown(markers.stub(cell.source)), grade_id(cell))


def _tree(source: str, where: str) -> ast.Module:
    """The syntax tree of a cell.

    Raises:
        ValueError: it has none, with or without what students do not see.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ValueError(
            f"{where}: line {error.lineno} does not compile, {error.msg}; is "
            "a marker indented or placed so that the rest is no program?"
        ) from error


def _check_answer(cell: NotebookNode, sheet: str) -> set[str]:
    """The names that an answer defines; refuse it without a docstring."""
    where = f"{sheet}, {grade_id(cell)}"
    _tree(cell.source, where)
    stub = _tree(markers.stub(cell.source), where)
    found = [node for node in stub.body if isinstance(node, DEFINITIONS)]
    if not found:
        raise ValueError(
            f"{where}: an answer is a function or a class; its definition "
            "stands outside the markers, its body inside"
        )
    for node in found:
        if not ast.get_docstring(node):
            raise ValueError(
                f"{where}: {node.name} shows students no docstring; write one "
                "before '### BEGIN SOLUTION'"
            )
    return {node.name for node in found}


def _check_test(tree: ast.Module, where: str) -> None:
    """Refuse a test without asserts, without help, or with public names."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    if not found:
        raise ValueError(f"{where}: a test cell needs at least one assert")
    for node in found:
        if not _is_text(node.msg):
            raise ValueError(
                f"{where}: the assert in line {node.lineno} has no message; "
                "add one sentence of help for the student, after a comma"
            )
    if public := [n for n in _names(tree) if not n.startswith("_")]:
        raise ValueError(
            f"{where}: the name {public[0]!r} must begin with an underscore, "
            "so that a test cannot lend anything to an answer"
        )


def _is_text(node: ast.expr | None) -> bool:
    """Whether an assert's message is a text, perhaps with values in it."""
    if isinstance(node, ast.JoinedStr):
        return True
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and len(node.value.split()) > 2
    )


SCOPES = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a cell leaves behind when it has run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, DEFINITIONS):
            yield child.name
        elif isinstance(child, ast.alias):
            yield (child.asname or child.name).split(".")[0]
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif not isinstance(child, SCOPES):
            yield from _names(child)


def _check_alone(cell: NotebookNode, others: set[str], where: str) -> None:
    """Refuse a test that uses the answer to another exercise."""
    tree = _tree(cell.source, where)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    if found := sorted(used & others):
        raise ValueError(
            f"{where}: the test uses {found[0]!r}, the answer to another "
            "exercise; compute what it needs here, so that one mistake "
            "costs its own points only"
        )
