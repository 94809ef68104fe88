"""Files that are either whole or not there."""

import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint


def write(path: str | Path, state: Any) -> None:
    """Replace the file by `state`, at one stroke, its folder made if needed.

    Raises:
        ValueError: the state would not load again; the file is as before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    with draft.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    verify(draft)
    os.replace(draft, path)


def read(path: str | Path) -> Any:
    """Return what `write` wrote, its checksums verified.

    Only tensors, numbers, strings and their containers are loaded: no code.
    """
    with zipfile.ZipFile(path) as file:
        damaged = file.testzip()
    if damaged:
        raise zipfile.BadZipFile(f"{damaged} is not what was written")
    if code := get_unsafe_globals_in_checkpoint(path):
        raise TypeError(f"loading it would run code: {', '.join(code)}")
    return torch.load(path, map_location="cpu", weights_only=True)


def verify(draft: Path) -> None:
    """Raise a ValueError if a new file cannot be read: it must replace none."""
    try:
        read(draft)
    except Exception as error:
        draft.unlink()
        raise ValueError(
            f"a checkpoint would not load again: {error}. States may hold "
            f"tensors, Python's numbers, strings and their containers: look at "
            f"what the state_dict of each of the extras returns"
        ) from error
