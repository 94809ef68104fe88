"""Numbers on a page that come from the committed results of benchmarks.

The role {measured}`mixture:speed.course.wall_ratio.median:.2f` prints a value
of benchmarks/results/mixture.json, in a format of Python; without a format it
prints the value as it is. Whole numbers get spaces between thousands.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def measured(text: str, results: Path = RESULTS) -> str:
    """The value that `name:path.to.value:format` means.

    Raises:
        ValueError: there is no such file, or no such value in it.
    """
    name, path, *form = text.split(":", 2)
    file = results / f"{name}.json"
    if not file.is_file():
        raise ValueError(f"there are no results named {name}: run make bench")
    value: Any = json.loads(file.read_text(encoding="utf8"))
    for key in path.split("."):
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file.name} holds no {path}: {key!r} is none of "
                f"{list(value) if isinstance(value, dict) else value!r}"
            ) from error
    if form:
        return format(value, form[0])
    return (
        f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")
        if type(value) is int
        else str(value)
    )


class Measured(SphinxRole):
    """The role: a value, or an error of the build."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the value as text."""
        self.env.note_dependency(
            str(RESULTS / f"{self.text.split(':')[0]}.json")
        )
        try:
            return [nodes.inline(self.text, measured(self.text))], []
        except ValueError as error:
            return [], [self.inliner.reporter.error(str(error))]


def setup(app) -> dict:
    """Register the role."""
    app.add_role("measured", Measured())
    return {"version": "1", "parallel_read_safe": True}
