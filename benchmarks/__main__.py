"""Run every benchmark of this folder: `python -m benchmarks [name ...]`."""

import sys
from importlib import import_module
from pathlib import Path

from benchmarks import harness

harness.one_thread()  # before torch is imported

for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
    wanted = sys.argv[1:] or [path.stem]
    module = import_module(f"benchmarks.{path.stem}")
    if path.stem in wanted and hasattr(module, "main"):
        print(path.stem, module.main(), flush=True)
