"""Words and counts that a caller may give, and errors for all others."""

from collections.abc import Iterable


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raise a ValueError that lists what is allowed, unless value is in it."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, allowed))}, "
            f"not {value!r}"
        )


def check_count(name: str, value: object) -> None:
    """Raise a ValueError unless value is a whole number of at least 1."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(
            f"{name} must be a whole number of at least 1, not {value!r}"
        )


def check_positive(**values: float) -> None:
    """Raise a ValueError that names the first value that is not positive."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}")
