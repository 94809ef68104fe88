"""Feedback pages: marks, comments and help; no hidden test and no script."""

import re
from pathlib import Path

from course.classroom.gradebook import Class
from course.classroom.outcomes import outcomes

POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src '
    "'none'; style-src 'unsafe-inline'; img-src data:\">"
)
SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)


def write_feedback(a_class: Class, sheet: str) -> list[Path]:
    """The pages, one for each graded student: feedback/<id>/<sheet>/*.html.

    Raises:
        ValueError: nobody was graded, or a page could not be written.
    """
    graded = [o.student for o in outcomes(a_class, sheet).values() if o.graded]
    if not graded:
        raise ValueError(
            f"nobody's {sheet} was graded in {a_class.root}: run `autograde`"
        )
    pages = []
    for student in graded:
        a_class.run("generate_feedback", sheet, student)
        page = a_class.root / "feedback" / student / sheet / f"{sheet}.html"
        page.write_text(harden(page.read_text("utf8")), "utf8")
        pages.append(page)
    return pages


def harden(page: str) -> str:
    """The page without scripts, and with an order to browsers to load none.

    nbgrader's page asks another site for programs that draw formulas; here
    they stay as they were typed.
    """
    page = SCRIPT.sub("", page)
    return re.sub(r"(<head\b[^>]*>)", rf"\1\n{POLICY}", page, count=1)
