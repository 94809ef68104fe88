"""Settings of nbgrader for a folder of a class: copy this file there.

`python -m course.classroom` reads it, and so does nbgrader itself.
"""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    GetGrades,
    OverwriteKernelspec,
)

from course.classroom.release import settings
from course.classroom.repairs import DropCopiedIds, HideTests, RestoreCells

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "generative-models"

# What students see in place of an answer, and how long a cell may take. A cell
# that takes longer is stopped and counts as wrong.
for name, values in settings().items():
    c[name].update(values)
c.Execute.iopub_timeout = 10

# Whatever a submission lost, copied or changed: the gradebook knows better.
c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    DropCopiedIds,
    OverwriteKernelspec,
    RestoreCells,
    CheckCellMetadata,
]

# A warning is no error: nbgrader gives nothing for a test that writes to
# stderr, so what was written there is dropped before marks are given.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "^"

# Feedback without hidden tests, and without scripts of students.
c.GenerateFeedback.preprocessors = [
    GetGrades,
    HideTests,
    CSSHTMLHeaderPreprocessor,
]
c.HTMLExporter.sanitize_html = True
