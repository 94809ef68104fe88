"""What can be wrong with a plan of training, said before it costs time."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from torch import Tensor, nn


def check_plan(
    model: nn.Module, turns: Sequence, *, steps: int, clip: float | None
) -> None:
    """Raise a ValueError where training cannot begin."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    if clip is not None and not clip > 0:
        raise ValueError(
            f"clip is the longest gradient allowed and must be positive, not "
            f"{clip}: leave it out to clip nothing"
        )
    if not turns:
        raise ValueError(
            "there are no turns, so nothing would move: give at least one, for "
            'example [Turn("loss", Adam(model.parameters()))]'
        )
    for turn in turns:
        check_turn(model, turn)


def check_turn(model: nn.Module, turn: Any) -> None:
    """Raise a ValueError where a turn has no loss, or moves nothing."""
    kind = type(model).__name__
    if not callable(getattr(model, turn.loss, None)):
        known = [n for n in dir(model) if n.endswith("loss")] or "none"
        raise ValueError(
            f"{kind} has no method {turn.loss!r} to lower (its losses: "
            f"{known}): name one of these in the Turn"
        )
    moved = [
        p for group in turn.optimizer.param_groups for p in group["params"]
    ]
    if {id(p) for p in moved}.isdisjoint(id(p) for p in model.parameters()):
        raise ValueError(
            f"the optimiser that should lower {turn.loss!r} holds no parameter "
            f"of this {kind}: build it from this very model's parameters()"
        )


def check_losses(losses: Any, name: str) -> Mapping[str, Tensor]:
    """Return `losses`, or raise a ValueError unless they are named scalars."""
    if not isinstance(losses, Mapping) or "loss" not in losses:
        found = list(losses) if isinstance(losses, Mapping) else type(losses)
        raise ValueError(
            f'{name} must return a dict with the key "loss", for example '
            f'{{"loss": loss}}; it returned {found}'
        )
    for term, value in losses.items():
        if not isinstance(value, Tensor) or value.ndim:
            found = getattr(value, "shape", type(value))
            raise ValueError(
                f"{name} must return scalar tensors, but {term!r} is {found}: "
                f"average over the batch, for example with .mean()"
            )
    return losses


def check_value(losses: Mapping[str, Tensor], name: str, number: int) -> None:
    """Raise a ValueError where the loss is not finite, naming the terms."""
    if isfinite(losses["loss"].item()):
        return
    terms = {k: v.item() for k, v in losses.items() if not v.isfinite()}
    raise ValueError(
        f"step {number}: {name} is not finite: {terms}. The parameters are "
        f"those of step {number - 1}: try a lower learning rate, clip=1.0, or "
        f"look for a log or a division of zero"
    )
