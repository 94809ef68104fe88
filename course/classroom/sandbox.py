"""Kernels that can do little harm: Linux, with namespaces of their own.

A submission is a program of somebody else. In this box it runs without a
network, as another user, among its own processes, with limits, and sees of the
disk only the system, the Python that runs it and this package.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from traitlets.config import Config

from course.classroom import library

PACKAGE = Path(library.__file__).resolve().parents[1]
SCRIPT = PACKAGE.parent / "classroom" / "sandbox" / "run-kernel"
LIMITS = {
    "BOX_MEMORY": 4 * 2**30,
    "BOX_FILE": 50 * 10**6,
    "BOX_CPU": 600,
    "BOX_PROCESSES": 128,
}


def environment(root: Path, limits: dict[str, int] | None = None) -> dict:
    """The variables that run-kernel reads; `root` is an empty folder."""
    prefix = Path(sys.prefix).resolve()
    readable = [prefix, Path(sys.base_prefix).resolve(), PACKAGE]
    return {
        "BOX_ROOT": str(root),
        "BOX_PYTHON": str(prefix / "bin" / "python"),
        "BOX_PATH": str(PACKAGE.parent),
        "BOX_READ": ":".join(map(str, readable)),
        "BOX_HIDE": str(prefix / library.SHARED),  # the book's sheets
        **{name: str(n) for name, n in {**LIMITS, **(limits or {})}.items()},
    }


@cache
def obstacle() -> str:
    """Why there can be no sandbox here; nothing if there can be one."""
    if not sys.platform.startswith("linux"):
        return f"it needs the namespaces of Linux, and this is {sys.platform}"
    if not SCRIPT.is_file():
        return f"there is no {SCRIPT}: use a clone of the repository"
    with TemporaryDirectory(prefix="box-") as root:
        found = subprocess.run(
            [SCRIPT, "--probe"],
            env={**os.environ, **environment(Path(root).resolve())},
            capture_output=True,
            text=True,
        )
    lines = found.stderr.strip().splitlines() or ["no word about the cause"]
    return lines[-1] if found.returncode else ""


def require() -> None:
    """Nothing, where kernels can be sandboxed.

    Raises:
        ValueError: they cannot; grading goes on only if somebody says so.
    """
    if why := obstacle():
        raise ValueError(
            f"expected a machine that can put kernels in a sandbox: {why}. "
            f"Nothing was run. Grade on Linux as root, or where users may make "
            f"namespaces; or say --unsandboxed if you trust every submission."
        )


def settings(
    folder: Path, *, sandboxed: bool, limits: dict[str, int] | None = None
) -> Config:
    """Settings of kernels whose sockets lie in `folder`, an empty one.

    A sandboxed kernel is found if JUPYTER_PATH names the folder. Where the
    sandbox cannot be had, such a kernel does not start: see `require`.

    Args:
        folder: of one grader; its path has less than about 80 letters.
        sandboxed: in the box; otherwise as this user, with all rights.
        limits: other values for LIMITS.
    """
    c = Config()
    if os.name == "posix":
        (folder / "run").mkdir()
        c.KernelManager.transport = "ipc"
        c.KernelManager.connection_file = f"{folder}/run/kernel.json"
    if sandboxed:
        c.Execute.kernel_name = "sandbox"
        specify(folder, limits)
    return c


def specify(folder: Path, limits: dict[str, int] | None = None) -> None:
    """Write the kernel specification `sandbox` into a folder."""
    (folder / "root").mkdir()
    (folder / "kernels" / "sandbox").mkdir(parents=True)
    spec = {
        "argv": [str(SCRIPT), "{connection_file}"],
        "display_name": "Sandbox",
        "language": "python",
        "env": environment(folder / "root", limits),
    }
    file = folder / "kernels" / "sandbox" / "kernel.json"
    file.write_text(json.dumps(spec, indent=2))
