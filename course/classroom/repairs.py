"""Repairs of nbgrader 0.9.6, named in nbgrader_config.py.

A submission may have lost, copied or changed any cell and any metadata. What
the gradebook knows of a cell therefore counts, and what the submission says of
it does not. Feedback shows students their own work, not the hidden tests.
"""

import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader import utils
from nbgrader.api import Gradebook, SourceCell
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells

from course.classroom import markers

LOST = "This cell was missing; it was put back.\n\n"
QUOTES = "(removed: it quotes the tests)"


def grade_id(cell: NotebookNode) -> str | None:
    """The name of a cell in the gradebook, if it has a proper one."""
    meta = cell.metadata.get("nbgrader")
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


class DropCopiedIds(NbGraderPreprocessor):
    """Of cells with the same name the last keeps it, the others are plain.

    nbgrader's own repair leaves copies with half a name, and the whole class
    stops with a word about an old version.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple:
        """Return the notebook with one cell for each name."""
        seen = set()
        for cell in reversed(nb.cells):
            name = grade_id(cell)
            if name is None or name in seen:
                cell.metadata.pop("nbgrader", None)
            seen.add(name)
        return nb, resources


class RestoreCells(OverwriteCells):
    """Lost test cells come back, and all metadata are those of the gradebook.

    nbgrader's own repair needs the cell before the lost one and trusts the
    role that a submission gives to its cells.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple:
        """Return the notebook with every cell that is graded."""
        at = resources["nbgrader"]
        with Gradebook(at["db_url"]) as gradebook:
            known = gradebook.find_notebook(at["notebook"], at["assignment"])
            points = {c.name: c.max_score for c in known.grade_cells}
            solutions = {c.name for c in known.solution_cells}
            metas = {
                c.name: _metadata(c, points.get(c.name), c.name in solutions)
                for c in known.source_cells
            }
            for cell in nb.cells:
                if meta := metas.get(grade_id(cell) or ""):
                    cell.metadata["nbgrader"] = NotebookNode(meta)
                else:
                    cell.metadata.pop("nbgrader", None)
            self._put_back(nb, list(known.source_cells), metas)
        return super().preprocess(nb, resources)

    def _put_back(
        self, nb: NotebookNode, sources: list[SourceCell], metas: dict
    ) -> None:
        """Insert lost cells that are graded after their last predecessor."""
        order = [source.name for source in sources]
        for n, source in enumerate(sources):
            here = [grade_id(cell) for cell in nb.cells]
            if source.name in here or not metas[source.name]["grade"]:
                continue
            self.log.warning("Cell %s was missing", source.name)
            before = [here.index(x) for x in order[:n] if x in here]
            after = [here.index(x) for x in order[n:] if x in here]
            place = max(before) + 1 if before else min(after or [len(here)])
            nb.cells.insert(place, _cell(source, metas[source.name]))


def _metadata(source: SourceCell, points: float | None, solution: bool) -> dict:
    """What the gradebook knows of a cell, as nbgrader writes it."""
    meta = {
        "grade": points is not None,
        "grade_id": source.name,
        "locked": bool(source.locked),
        "solution": solution,
        "schema_version": 3,
        "task": False,
        "checksum": source.checksum,
        "cell_type": source.cell_type,
    }
    return meta | ({} if points is None else {"points": points})


def _cell(source: SourceCell, meta: dict) -> NotebookNode:
    """A lost cell; an answer says that it was lost, a test is as it was."""
    new = new_code_cell if source.cell_type == "code" else new_markdown_cell
    text = (LOST if meta["solution"] else "") + source.source
    return new(text, metadata={"nbgrader": NotebookNode(meta)})


class HideTests(NbGraderPreprocessor):
    """Feedback without hidden tests, and without what quotes them.

    A graded cell shows the name and the message of its error, no traceback. An
    output anywhere that holds a line of a hidden test is taken away.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple:
        """Return the notebook as its author may see it."""
        hidden = {
            line
            for cell in nb.cells
            if utils.is_grade(cell)
            for line in markers.hidden_lines(
                cell.source, markers.shown(cell.source)
            )
            if len(line) > 8 and line not in markers.MARKERS
        }
        for cell in nb.cells:
            if cell.cell_type == "code":
                self._clean(cell, hidden)
        return nb, resources

    def _clean(self, cell: NotebookNode, hidden: set[str]) -> None:
        """Take hidden lines out of a cell and its outputs."""
        if utils.is_grade(cell):
            shown = markers.shown(cell.source)
            more = "\n# (and hidden tests)" if shown != cell.source else ""
            cell.source = shown + more
            for output in cell.outputs:
                if output.output_type == "error":
                    said = f"{output.ename}: {output.evalue}"
                    output.traceback = [said]
        for n, output in enumerate(cell.outputs):
            if any(line in _text(output) for line in hidden):
                cell.outputs[n] = NotebookNode(
                    output_type="stream", name="stdout", text=QUOTES
                )


def _text(output: NotebookNode) -> str:
    """All that an output says, line breaks as they are printed."""
    said = [output.get("text", ""), output.get("evalue", "")]
    said += output.get("traceback", [])
    said += [str(data) for data in output.get("data", {}).values()]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(map(str, said)))
    return plain.replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"')
