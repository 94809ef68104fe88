"""Catalogues of the book: lists of records in YAML, their fields checked."""

from collections.abc import Callable, Mapping
from pathlib import Path

import yaml


def read(
    path: Path,
    name: Callable[[dict], str],
    mistakes: Callable[[dict], list[str]],
) -> list[dict]:
    """The records of a file.

    Args:
        path: holds a list of mappings.
        name: what to call a record; no two may have the same name.
        mistakes: what is wrong with a record, each in a few words.

    Raises:
        ValueError: a record has a mistake or stands twice; all are listed.
    """
    records = yaml.safe_load(path.read_text(encoding="utf8"))
    wrong = [f"{name(r)}: {w}" for r in records for w in mistakes(r)]
    names = [name(r) for r in records]
    wrong += [f"{n}: twice" for n in sorted(set(names)) if names.count(n) > 1]
    if wrong:
        raise ValueError(f"correct {path.name}:\n" + "\n".join(wrong))
    return records


def misfit(
    fields: dict, needed: Mapping[str, type], optional: Mapping[str, type]
) -> list[str]:
    """Which fields are missing, unknown or of another type, in a few words."""
    known = {**needed, **optional}
    wrong = [f"{k} is missing" for k in needed if fields.get(k) in (None, "")]
    wrong += [f"{k} is unknown" for k in fields if k not in known]
    wrong += [
        f"{k} must be a {known[k].__name__}"
        for k, value in fields.items()
        if k in known and not isinstance(value, known[k])
    ]
    return wrong


def broken(rules: Mapping[str, object]) -> list[str]:
    """The rules that are not kept: those whose value is false."""
    return [rule for rule, kept in rules.items() if not kept]
