"""The rules of a sheet; what breaks one is refused with a word of help."""

from collections import Counter

from nbformat import NotebookNode

from course.classroom import cells, markers, programs
from course.classroom.about import Wrong
from course.classroom.cells import grade_id, is_answer, is_test, is_written
from course.classroom.page import slug
from course.classroom.sheet import Item, Sheet


def check(sheet: Sheet) -> None:
    """Refuse a sheet that breaks a rule of the format.

    Raises:
        ValueError: the first rule that is broken: where, what was expected,
            what was found.
    """
    _check_cells(sheet)
    _check_opening(sheet)
    for number, item in enumerate(sheet.items, 1):
        _check_item(item, number, sheet.name)
    programs.check(sheet)
    _check_rubrics(sheet)
    for wrong in sheet.about.wrong:
        _check_wrong(sheet, wrong)
    _check_cover(sheet)


def _check_cells(sheet: Sheet) -> None:
    """Refuse cells that are against the format on their own."""
    if not sheet.items:
        raise ValueError(
            f"{sheet.name}: there is no exercise; tag its Markdown cell with "
            '`# %% [markdown] tags=["exercise"]`'
        )
    first = sheet.cells.index(sheet.items[0].text)
    if early := [grade_id(c) for c in sheet.cells[:first] if grade_id(c)]:
        raise ValueError(
            f"{sheet.name}, {early[0]}: stands before any exercise; tag the "
            'Markdown cell above it with `tags=["exercise"]`'
        )
    for i, cell in enumerate(sheet.cells, 1):
        _check_cell(cell, f"{sheet.name}, cell {i} ({grade_id(cell) or '-'})")
    counted = Counter(filter(None, map(grade_id, sheet.cells)))
    if twice := [name for name, n in counted.items() if n > 1]:
        raise ValueError(
            f"{sheet.name}: the grade_id {twice[0]!r} stands in "
            f"{counted[twice[0]]} cells; every graded cell needs its own"
        )


def _check_cell(cell: NotebookNode, where: str) -> None:
    """Refuse metadata and markers that are none, or not for this cell."""
    cells.check_metadata(cell, where)
    kind = "SOLUTION" if is_answer(cell) else ""
    kind = "HIDDEN TESTS" if is_test(cell) else kind
    markers.check_markers(cell.source, kind=kind, where=where)
    if is_answer(cell) and markers.stub(cell.source) == cell.source:
        raise ValueError(
            f"{where}: an answer holds nothing between '### BEGIN SOLUTION' "
            "and '### END SOLUTION', so that students would see all of it"
        )


def _check_opening(sheet: Sheet) -> None:
    """Refuse a first cell that does not say what the sheet is."""
    facts = sheet.about
    if slug(facts.title) != sheet.name:
        raise ValueError(
            f"{sheet.name}.yml: the title {facts.title!r} would make the file "
            f"{slug(facts.title)}; title and file go by one name"
        )
    text = " ".join(sheet.cells[0].source.split())
    wanted = (
        f"# {facts.title}",
        facts.aim,
        f"{facts.minutes} minutes",
        f"{sheet.points} points",
    )
    for part in wanted:
        if part not in text:
            raise ValueError(
                f"{sheet.name}, cell 1: the text must say {part!r}, as the "
                f".yml and the exercises do; it reads {text[:300]!r}"
            )
    if sheet.cells[1].cell_type != "code" or grade_id(sheet.cells[1]):
        raise ValueError(
            f"{sheet.name}, cell 2: expected an ungraded code cell with the "
            "imports"
        )


def _check_item(item: Item, number: int, name: str) -> None:
    """Refuse an exercise without answer or test, or with other points."""
    where = f"{name}, exercise {item.number}"
    if item.number != number:
        raise ValueError(f"{where}: this is exercise number {number}")
    answers = [c for c in item.cells if is_answer(c) or is_written(c)]
    if len(answers) != 1:
        raise ValueError(
            f"{where}: expected one answer cell, found "
            f"{[grade_id(c) for c in answers]}; an exercise asks for one thing"
        )
    if not item.by_hand and not item.tests:
        raise ValueError(
            f"{where}: the answer {item.name!r} has no test; add a cell with "
            "grade true, solution false, locked true and its points"
        )
    _check_order(item, where)
    given = sum(map(cells.points, item.cells))
    if given != item.points:
        raise ValueError(
            f"{where}: the heading says {item.points} points, its cells give "
            f"{given}"
        )


def _check_order(item: Item, where: str) -> None:
    """Refuse a test above its answer, or beside words."""
    kinds = [is_test(c) for c in item.cells]
    at = item.cells.index(item.answer)
    if any(kinds[:at]) or (item.by_hand and any(kinds)):
        raise ValueError(
            f"{where}: a test cell stands before its answer, or belongs to a "
            "written one; tests come after the code that they test"
        )


def _check_rubrics(sheet: Sheet) -> None:
    """Refuse a written answer without rubric, or one that does not add up."""
    written = {i.name: i.points for i in sheet.items if i.by_hand}
    rubrics = sheet.about.rubrics
    if set(written) != set(rubrics):
        raise ValueError(
            f"{sheet.name}.yml, rubrics: expected one for each written answer, "
            f"{sorted(written)}, found {sorted(rubrics)}"
        )
    for name, steps in rubrics.items():
        total = sum(step.points for step in steps)
        if total != written[name]:
            raise ValueError(
                f"{sheet.name}.yml, rubric {name}: the points add up to "
                f"{total}, the exercise gives {written[name]}"
            )


def _check_wrong(sheet: Sheet, wrong: Wrong) -> None:
    """Refuse a wrong answer to no question, or one that loses nothing."""
    where = f"{sheet.name}.yml, wrong, {wrong.name}"
    if unknown := set(wrong.answers) - set(sheet.stubs):
        raise ValueError(
            f"{where}: there is no answer cell {sorted(unknown)}, only "
            f"{sorted(sheet.stubs)}"
        )
    for cell, got in wrong.points.items():
        if cell not in sheet.tests:
            raise ValueError(
                f"{where}: there is no test cell {cell!r}, only "
                f"{sorted(sheet.tests)}"
            )
        if got != 0:
            raise ValueError(
                f"{where}: a test cell gives all of its points or none, so "
                f"{cell} gets 0 here and not {got!r}"
            )


def _check_cover(sheet: Sheet) -> None:
    """Refuse test cells that no wrong answer fails, and names used twice."""
    names = [wrong.name for wrong in sheet.about.wrong]
    if len(set(names)) < len(names):
        raise ValueError(f"{sheet.name}.yml: wrong answers share a name")
    failed = set().union(*(set(w.points) for w in sheet.about.wrong))
    if missing := sorted(set(sheet.tests) - failed):
        raise ValueError(
            f"{sheet.name}.yml, wrong: no wrong answer fails {missing}; a test "
            "that nothing fails tests nothing"
        )
