"""A small harness: contenders take turns, and results say where they ran."""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread() -> None:
    """One thread for every library; call it before torch is imported."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def contend(
    contenders: dict[str, Callable[[], object]], *, repeats: int = 7
) -> dict[str, dict]:
    """Times of functions that take turns, and their ratios to the last one.

    Taking turns lets a busy machine slow all alike. One turn of each comes
    first and is not counted. A ratio is that of two neighbouring turns, on the
    clock on the wall and in time of the processor; both are given as quartiles.
    """
    clocks = {"wall": time.perf_counter, "cpu": time.process_time}
    spent = {name: {clock: [] for clock in clocks} for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            start = {clock: now() for clock, now in clocks.items()}
            run()
            for clock, now in clocks.items():
                if turn:
                    spent[name][clock].append(now() - start[clock])
    last = spent[list(contenders)[-1]]
    return {
        name: {
            f"{clock}_{what}": quartiles(values)
            for clock in clocks
            for what, values in (
                ("seconds", times[clock]),
                ("ratio", ratios(times[clock], last[clock])),
            )
        }
        for name, times in spent.items()
    }


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """Each of our times over the one of theirs in the same turn."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def quartiles(values: list[float]) -> dict[str, float]:
    """The median, and the quartiles about it."""
    import numpy as np  # threads are set before the first import

    low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"median": median, "low": low, "high": high}


def machine() -> dict:
    """Where and with what the numbers came about."""
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    """The model of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [x.split(":")[1].strip() for x in lines if "model name" in x]
    return names[0] if names else platform.processor()


def save(name: str, results: dict, *, folder: Path = RESULTS) -> dict:
    """Keep results as NAME.json with the machine and the command."""
    results = {
        "command": f"python -m benchmarks.{name}",
        "machine": machine(),
        **results,
    }
    folder.mkdir(exist_ok=True)
    text = json.dumps(results, indent=2)
    (folder / f"{name}.json").write_text(text + "\n")
    return results
