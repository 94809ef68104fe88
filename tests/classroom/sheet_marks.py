"""What the marks of a sheet must be, and a small sheet to break."""

from course.classroom import library
from course.classroom.cells import grade_id, is_answer, is_test

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
"""
TEXT = (
    HEADER
    + """
# %% [markdown]
# # Small sums
#
# You add. After *Linear models*; 60 minutes, 5 points.

# %%
import math

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): a sum
#
# Write `total(x)`, the sum of a list.

# %% nbgrader={"grade": false, "grade_id": "total", "locked": false, "schema_version": 3, "solution": true, "task": false}
def total(x):
    \"\"\"The sum of x.\"\"\"
    ### BEGIN SOLUTION
    return math.fsum(x) + 0.0
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "total-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert total([1, 2]) == 3, "add all the numbers of the list"
### BEGIN HIDDEN TESTS
assert total([]) == 0, "an empty list has the sum zero"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "total-exact", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert total([0.1] * 10) == 1, "mind the rounding of each step"

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (2 points): why
#
# Why does rounding matter?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Because small errors of many steps add up to a large one.
"""
)
FACTS = """\
title: Small sums
aim: You add.
chapters: [learning/linear-models]
minutes: 60
rubrics:
  why:
    - points: 2
      for: Says that errors add up.
wrong:
  - name: rounded
    mistake: Adds with rounding.
    answers:
      total: |
        def total(x):
            return sum(x)
    points: {total-exact: 0}
  - name: never-empty
    mistake: Begins with the first number.
    answers:
      total: |
        def total(x):
            first, *rest = x
            return math.fsum([first, *rest])
    points: {total-value: 0}
discussion:
  - question: Which order is best?
    answer: Small ones first.
"""


def small(*changes, facts=()):
    """The small sheet, with pieces of its files replaced."""
    texts = []
    for text, pairs in ((TEXT, changes), (FACTS, facts)):
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new, 1)
        texts.append(text)
    return library.parse("small-sums", texts[0], facts=texts[1])


def batches(sheet):
    """Wrong answers, as many at a time as concern different exercises."""
    groups = []
    for wrong in sheet.about.wrong:
        for group in groups:
            if not any(set(wrong.answers) & set(w.answers) for w in group):
                group.append(wrong)
                break
        else:
            groups.append([wrong])
    return groups


def submissions(sheet):
    """For every student, the answers that are filled in."""
    found = {"instructor": sheet.answers, "untouched": {}}
    for number, group in enumerate(batches(sheet)):
        answers = dict(sheet.answers)
        for wrong in group:
            answers |= wrong.answers
        found[f"wrong-{number}"] = answers
    return found


def expected(sheet):
    """For every student, the points of every test cell."""
    found = {
        "instructor": dict(sheet.tests),
        "untouched": dict.fromkeys(sheet.tests, 0),
    }
    for number, group in enumerate(batches(sheet)):
        lost = {}
        for wrong in group:
            lost |= wrong.points
        found[f"wrong-{number}"] = sheet.tests | lost
    return found


def marks_here(sheet):
    """The marks without nbgrader: run in this process, for small sheets."""
    found = {}
    for student, answers in submissions(sheet).items():
        world, found[student] = {}, {}
        for cell in sheet.cells:
            if cell.cell_type != "code":
                continue
            source = cell.source
            if is_answer(cell):
                name = grade_id(cell)
                source = answers.get(name, sheet.stubs[name])
            try:
                exec(source, world)
            except Exception:
                if is_test(cell):
                    found[student][grade_id(cell)] = 0
                continue
            if is_test(cell):
                found[student][grade_id(cell)] = sheet.tests[grade_id(cell)]
    return found
