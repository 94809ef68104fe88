"""Kernels that talk through files of their own, not through network ports.

Kernels that start at the same time in different processes may pick the same
free port, and then one of them dies. Each of these has sockets with names of
its own, so that any number can start at once.
"""

import os
from functools import cache
from tempfile import TemporaryDirectory
from uuid import uuid4

from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import HasTraits, default


@cache
def folder() -> TemporaryDirectory:
    """Where this process keeps sockets; it is removed when the process ends."""
    return TemporaryDirectory(prefix="kernels-")


class OwnSockets(HasTraits):
    """Mixed into a kernel manager: sockets in a folder of this process."""

    @default("transport")
    def _transport(self) -> str:
        return "ipc"

    @default("connection_file")
    def _connection_file(self) -> str:
        return os.path.join(folder().name, f"{uuid4().hex}.json")


class Kernels(OwnSockets, AsyncKernelManager):
    """For nbclient, which executes the chapters."""


class KernelsAgain(OwnSockets, KernelManager):
    """For nbval, which executes them again."""


def use_in_nbval() -> None:
    """Let nbval start such kernels; it has no option for it."""
    import nbval.kernel

    nbval.kernel.KernelManager = KernelsAgain
