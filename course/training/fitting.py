"""The short form of training, for a model that has one loss."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from course.training.checkpoint import Checkpoint
from course.training.loop import Step, Turn, train


def fit(
    model: nn.Module,
    loader: DataLoader,
    *,
    steps: int,
    lr: float = 1e-3,
    checkpoint: Checkpoint | None = None,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Train a model that has one loss, with Adam; return its losses by name.

    It trains on a GPU where there is one, or where `fabric` says, and ends on
    the device on which it began.

    A progress bar shows how far it is, unless TQDM_DISABLE=1.

    Args:
        model: has a method `loss` from a batch to named scalars.
        loader: yields batches and is started afresh whenever it runs out.
        steps: the number of optimiser steps.
        lr: the learning rate.
        checkpoint: as in `train`; it keeps the history too.
        options: `fabric` and `clip`, as in `train`.

    Returns:
        for every name an array of `steps` values, one a step.

    Raises:
        ValueError: as `train` does.
    """
    history, home = History(), next(model.parameters()).device
    if checkpoint:
        extras = {**(checkpoint.extras or {}), "history": history}
        options["checkpoint"] = replace(checkpoint, extras=extras)
    turns = [Turn("loss", Adam(model.parameters(), lr=lr))]
    with tqdm(total=steps, disable=silent()) as bar:
        for step in train(model, loader, turns, steps=steps, **options):
            history.add(step.losses)
            show(bar, step)
    model.to(home)
    return history.arrays()


def show(bar: Any, step: Step) -> None:
    """Move the bar; one that is not shown costs nothing."""
    if not bar.disable:
        bar.set_postfix_str(f"loss {step.losses['loss']:.4g}", False)
        bar.update(step.number - bar.n)


def silent() -> bool:
    """Whether TQDM_DISABLE asks for no bar; in notebooks tqdm does not look."""
    return os.environ.get("TQDM_DISABLE", "0") not in ("", "0")


class History:
    """Losses by name, one value a step, that a checkpoint can carry."""

    def __init__(self):
        self.values = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Append the losses of one step."""
        for name, value in losses.items():
            self.values.setdefault(name, []).append(value.item())

    def arrays(self) -> dict[str, np.ndarray]:
        """The values of every name."""
        return {name: np.array(v) for name, v in self.values.items()}

    def state_dict(self) -> dict:
        """All values so far."""
        return {"values": self.values}

    def load_state_dict(self, state: dict) -> None:
        """Go on from the values of an earlier run."""
        self.values = state["values"]
