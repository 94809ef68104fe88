"""Cells run in a kernel of their own, one after the other, each for a time."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TOO_LONG = "CellTimeoutError"
DIED = "DeadKernelError"


@dataclass(frozen=True)
class Trouble:
    """The error with which a cell ended.

    Attributes:
        kind: the name of the error, or TOO_LONG, or DIED.
        text: its message; of TOO_LONG the seconds that it had.
        lines: of the answer cells that it went through, (cell, line), where
            cells are counted as the kernel counts them.
    """

    kind: str
    text: str = ""
    lines: tuple[tuple[int, int], ...] = ()


class Runner:
    """Runs code in a kernel and says what went wrong."""

    def __init__(self, client: NotebookClient):
        """Keep the client of a kernel that is up."""
        self.client, self.count = client, 0

    def run(self, source: str, seconds: float) -> Trouble | None:
        """Run a cell for so many seconds at most; None if all went well."""
        cell = new_code_cell(source)
        self.client.nb.cells = [cell]
        self.client.timeout = max(1, round(seconds))
        self.count += 1
        try:
            self.client.execute_cell(cell, 0)
        except DeadKernelError:
            return Trouble(DIED)
        return _trouble(cell, seconds)


def _trouble(cell: NotebookNode, seconds: float) -> Trouble | None:
    """The error in the outputs of a cell."""
    found = [o for o in cell.outputs if o.output_type == "error"]
    if any(o.ename in (TOO_LONG, "KeyboardInterrupt") for o in found):
        return Trouble(TOO_LONG, f"{seconds:g}")
    if not found:
        return None
    trace = COLOUR.sub("", "\n".join(found[0].traceback))
    pairs = re.findall(r"In ?\[(\d+)\], line (\d+)", trace)
    lines = tuple((int(cell), int(line)) for cell, line in pairs)
    return Trouble(found[0].ename, COLOUR.sub("", found[0].evalue), lines)


@contextmanager
def kernel() -> Iterator[Runner]:
    """A fresh kernel, with a folder of its own to work in."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        client = NotebookClient(
            new_notebook(),
            resources={"metadata": {"path": folder}},
            kernel_name="python3",
            allow_errors=True,
            interrupt_on_timeout=True,
            startup_timeout=120,
            error_on_timeout={"ename": TOO_LONG, "evalue": "", "traceback": []},
        )
        client.log.setLevel("CRITICAL")
        client.km = _manager(folder)
        with client.setup_kernel(env=_environment()):
            yield Runner(client)


def _manager(folder: str) -> AsyncKernelManager:
    """A manager of kernels; sockets with names cannot meet another's."""
    manager = AsyncKernelManager(kernel_name="python3")
    if os.name == "posix":
        manager.transport, manager.ip = "ipc", os.path.join(folder, "s")
    return manager


def _environment() -> dict[str, str]:
    """The kernel's environment: no window is opened, no notes are printed."""
    quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "MPLBACKEND": "agg"}
    return os.environ | quiet
