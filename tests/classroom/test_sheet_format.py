"""What breaks a rule of the format is refused, with a word of help."""

import pytest
from sheet_marks import TEXT, expected, marks_here, small

from course.classroom import library
from course.classroom.cells import is_answer
from course.classroom.page import read_page
from course.classroom.release import fill, release, source

ANSWER = '"solution": true, "task": false}\ndef total'
ANSWER_CELL = '# %% nbgrader={"grade": false, "grade_id": "total"'
TEST_CELL = '# %% nbgrader={"grade": true, "grade_id": "total-value"'
NEXT_EXERCISE = '# %% [markdown] tags=["exercise"]\n# ## Exercise 2'


def test_the_small_sheet_is_one():
    sheet = small()
    assert (sheet.points, sheet.about.minutes) == (5, 60)
    assert [item.name for item in sheet.items] == ["total", "why"]
    assert sheet.items[1].by_hand
    assert sheet.tests == {"total-value": 2, "total-exact": 1}
    assert "raise NotImplementedError" in sheet.stubs["total"]
    assert "SOLUTION" not in sheet.answers["total"]
    assert marks_here(sheet) == expected(sheet)


BROKEN = {
    "misspelt": ("### BEGIN HIDDEN TESTS", "### BEGIN HIDDEN TEST", "marker"),
    "not-closed": ("    ### END SOLUTION\n", "", "pairs of"),
    "in-the-wrong-cell": (
        "import math",
        "### BEGIN SOLUTION\nimport math\n### END SOLUTION",
        "expected none",
    ),
    "said-in-prose": ("a list.\n", "a list.\n# SOLUTION: add.\n", "marker"),
    "unmarked": (
        "    ### BEGIN SOLUTION\n    return math.fsum(x) + 0.0\n"
        "    ### END SOLUTION",
        "    return math.fsum(x) + 0.0",
        "students would",
    ),
    "same-name": ('"total-exact"', '"total-value"', "stands in 2 cells"),
    "form-of-name": ('"total-exact"', '"total_exact"', "lower-case"),
    "no-points": ('"points": 1,', '"points": 0,', "whole number above 0"),
    "other-points": ('"points": 1,', '"points": 2,', "its cells give 4"),
    "no-kind": (ANSWER, ANSWER.replace("true", "false"), "is neither"),
    "other-keys": ('"schema_version": 3, ', "", "the keys"),
    "old-schema": ('"schema_version": 3', '"schema_version": 2', "3 and task"),
    "no-tag": ('tags=["exercise"]', "", "before any exercise"),
    "heading": ("(3 points):", "(3 marks):", "must begin with a line"),
    "number": ("## Exercise 2", "## Exercise 3", "exercise number 2"),
    "no-help": (', "mind the rounding of each step"', "", "no message"),
    "little-help": ("mind the rounding of each step", "no", "no message"),
    "no-assert": (
        'assert total([0.1] * 10) == 1, "mind the rounding of each step"',
        "total([0.1] * 10)",
        "at least one assert",
    ),
    "public-name": ("assert total([0.1]", "x = 1\nassert total([0.1]", "'x'"),
    "public-import": ("assert total([]", "import os\nassert total([]", "'os'"),
    "no-docstring": ('    """The sum of x."""\n', "", "docstring"),
    "no-function": (
        'def total(x):\n    """The sum of x."""\n    ### BEGIN SOLUTION\n'
        "    return math.fsum(x) + 0.0\n    ### END SOLUTION",
        "### BEGIN SOLUTION\ntotal = math.fsum\n### END SOLUTION",
        "a function or a class",
    ),
    "no-program": ("return math.fsum(x) + 0.0", "return (", "does not compile"),
    "no-aim": ("You add. After", "After", "must say 'You add.'"),
    "no-minutes": ("60 minutes", "an hour", "'60 minutes'"),
    "no-imports": ("# %%\nimport math\n", "", "with the imports"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_sheet_is_refused(name):
    old, new, words = BROKEN[name]
    with pytest.raises(ValueError, match=words):
        small((old, new))


def test_an_answer_needs_a_test():
    first, last = TEXT.index(TEST_CELL), TEXT.index(NEXT_EXERCISE)
    with pytest.raises(ValueError, match="has no test"):
        small((TEXT[first:last], ""))


def test_a_sheet_has_exercises():
    end = TEXT.index('# %% [markdown] tags=["exercise"]')
    with pytest.raises(ValueError, match="there is no exercise"):
        small((TEXT[end:], ""))


def test_a_test_comes_after_its_answer():
    answer, test = TEXT.index(ANSWER_CELL), TEXT.index(TEST_CELL)
    last = TEXT.index(NEXT_EXERCISE)
    order = TEXT[test:last] + TEXT[answer:test]
    with pytest.raises(ValueError, match="before its answer"):
        small((TEXT[answer:last], order))


def test_an_exercise_has_one_answer():
    test, last = TEXT.index(TEST_CELL), TEXT.index(NEXT_EXERCISE)
    answer = TEXT[TEXT.index(ANSWER_CELL) : test]
    second = answer.replace('"total"', '"again"')
    with pytest.raises(ValueError, match="one answer cell"):
        small((TEXT[test:last], second + TEXT[test:last]))


FACTS = {
    "not-yaml": ("aim: You add.", "aim: You: add.", "not YAML"),
    "no-field": ("minutes: 60\n", "", "expected the keys"),
    "unknown-field": ("minutes: 60", "minutes: 60\nhours: 1", "'hours'"),
    "empty-field": ("aim: You add.", "aim: ''", "not empty"),
    "kind-of-field": ("minutes: 60", "minutes: an hour", "expected a int"),
    "other-title": ("title: Small sums", "title: Sums", "go by one name"),
    "no-rubric": ("  why:", "  because:", "for each written answer"),
    "rubric-sum": ("- points: 2", "- points: 1", "add up to 1"),
    "rubric-points": ("- points: 2", "- points: two", "whole number"),
    "rubric-step": ("      for: Says", "      why: Says", "expected the keys"),
    "no-answer-cell": ("      total: |", "      sum: |", "no answer cell"),
    "no-test-cell": ("{total-exact: 0}", "{total-sum: 0}", "no test cell"),
    "half-marks": ("{total-exact: 0}", "{total-exact: 0.5}", "or none"),
    "loses-nothing": ("{total-exact: 0}", "{}", "at least one cell"),
    "twice-a-name": ("name: never-empty", "name: rounded", "share a name"),
    "not-covered": ("{total-value: 0}", "{total-exact: 0}", "no wrong answer"),
}


@pytest.mark.parametrize("name", FACTS)
def test_broken_facts_are_refused(name):
    old, new, words = FACTS[name]
    with pytest.raises(ValueError, match=words):
        small(facts=[(old, new)])


# -- sabotage that only the marks bring to light -------------------------------


def test_a_wrong_answer_of_the_instructor_is_noticed():
    sheet = small(("math.fsum(x) + 0.0", "math.fsum(x) + 1.0"))
    assert marks_here(sheet) != expected(sheet)


def test_a_test_that_tests_nothing_is_noticed():
    vacuous = ("assert total([0.1] * 10) == 1", "assert total or True")
    sheet = small(vacuous)
    assert marks_here(sheet)["untouched"]["total-exact"] == 1
    assert marks_here(sheet) != expected(sheet)


def test_a_missing_hidden_test_is_noticed():
    line = 'assert total([]) == 0, "an empty list has the sum zero"\n'
    sheet = small((line, ""))
    assert marks_here(sheet) != expected(sheet)


def test_an_answer_quoted_in_prose_is_noticed():
    quoted = ("the sum of a list.", "which is return math.fsum(x) + 0.0")
    sheet = small(quoted)
    assert sheet.leaks(release(sheet)) == {"return math.fsum(x) + 0.0"}
    assert small().leaks(release(small())) == set()


def test_a_test_of_another_answer_is_refused():
    second = """
# %% [markdown] tags=["exercise"]
# ## Exercise 3 (1 point): twice
#
# Write `twice(x)`.

# %% nbgrader={"grade": false, "grade_id": "twice", "locked": false, "schema_version": 3, "solution": true, "task": false}
def twice(x):
    \"\"\"Two times x.\"\"\"
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "twice-value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert twice(1) == total([1, 1]), "two times one is two"
"""  # noqa: E501
    end = "add up to a large one.\n"
    with pytest.raises(ValueError, match="the answer to another exercise"):
        small((end, end + second), ("5 points", "6 points"))


# -- the forms that are made ---------------------------------------------------


def test_the_source_goes_on_after_the_first_answer():
    cells = [c for c in source(small()).cells if c.cell_type == "code"]
    tags = [c.metadata.get("tags") for c in cells]
    assert tags == [None, None, ["raises-exception"], ["raises-exception"]]
    assert is_answer(cells[1])


def test_only_cells_that_are_there_are_filled():
    notebook = source(small())
    filled = fill(notebook, {"total": "x = 1"})
    assert [c.source for c in filled.cells].count("x = 1") == 1
    assert [c.source for c in notebook.cells].count("x = 1") == 0
    with pytest.raises(ValueError, match="no cell 'sum'"):
        fill(notebook, {"sum": "x = 1"})


def test_the_page_folds_the_answer():
    page = [c.source for c in read_page(TEXT).cells]
    assert page[0].startswith("(sheet-small-sums)=\n# Small sums")
    at = page.index('def total(x):\n    """The sum of x."""\n'
                    "    return math.fsum(x) + 0.0")  # fmt: skip
    assert page[at - 1].startswith("```{solution-start} ex-small-sums-total")
    assert page[at + 1].startswith("```{solution-end}")
    assert not any("total([])" in text for text in page)
    assert "{marking} why" in page[-1]


def test_a_sheet_needs_both_files(tmp_path):
    (tmp_path / "alone.py").write_text("")
    with pytest.raises(ValueError, match=r"alone\.yml"):
        library.load(tmp_path / "alone.py")
    with pytest.raises(ValueError, match="fitting-and-margins"):
        library.find("no-such-sheet")
