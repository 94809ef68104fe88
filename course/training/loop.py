"""The loop itself.

Training is a cycle of turns. In each, one optimiser takes one step down one of
the model's losses. Most models have a single loss, hence a single kind of turn.
A GAN has two, because generator and critic want opposite things. The loop is a
Python generator: logging, samples, a schedule or stopping early are ordinary
code in the body of a `for` statement.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from course.protocols import Losses
from course.training.batches import Batches
from course.training.checkpoint import Checkpoint, Run
from course.training.checks import check_plan, check_value
from course.training.engine import Alone, AsForward


@dataclass(frozen=True)
class Turn:
    """Lower one of the model's losses, by moving some of its parameters.

    Attributes:
        loss: the name of the model's method.
        optimizer: holds the parameters that move.
    """

    loss: str
    optimizer: Optimizer


@dataclass(frozen=True)
class Step:
    """What the loop reports after every step.

    Attributes:
        number: counts the optimiser's steps from 1, across restarts.
        turn: the name of the method that was lowered.
        losses: what that method returned, without gradients; in several
            processes, about the examples that this process saw.
    """

    number: int
    turn: str
    losses: Losses


def train(
    model: nn.Module,
    loader: DataLoader,
    turns: Sequence[Turn],
    *,
    steps: int,
    fabric: Fabric | None = None,
    clip: float | None = None,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Step]:
    """Train `model` in place and yield after every optimiser step.

    While the body of the reader's loop runs, and afterwards, the model is in
    evaluation mode, on the device of `fabric`.

    Args:
        model: has, for every turn, a method from a batch to named scalars; the
            one called "loss" is lowered, the others are only reported.
        loader: yields batches and is started afresh whenever it runs out.
        turns: who moves, in which order; the sequence is repeated.
        steps: the number of optimiser steps, those before a restart included.
        fabric: device, precision, processes; by default one device, float32.
        clip: the longest gradient, in Euclidean norm over all parameters of
            the turn's optimiser; longer ones are shortened to it.
        checkpoint: where to keep what is needed to go on after a stop; a run
            whose file exists goes on from there.

    Raises:
        ValueError: a plan that cannot be carried out (no turns, no steps, no
            batches, no such method, a checkpoint of another run), losses
            without a scalar called "loss", or one that is not finite.

    >>> from course.nn.mlp import MLP
    >>> class Line(MLP):
    ...     def loss(self, batch):
    ...         x, y = batch
    ...         return {"loss": (self(x) - y).square().mean()}
    >>> x = torch.linspace(-1, 1, 64).unsqueeze(1)
    >>> loader = DataLoader(list(zip(x, 3 * x)), batch_size=64)
    >>> model = Line(1, 1)
    >>> turns = [Turn("loss", torch.optim.Adam(model.parameters(), lr=0.1))]
    >>> for step in train(model, loader, turns, steps=300):
    ...     if step.losses["loss"] < 1e-4:
    ...         break
    >>> round(model[0].weight.item(), 1)
    3.0
    """
    check_plan(model, turns, steps=steps, clip=clip)
    fabric = fabric or Fabric(devices=1)
    engine = Alone(fabric) if Alone.suffices(fabric) else fabric
    forward = engine.setup_module(AsForward(model))
    movers = set_up(engine, turns)
    batches = Batches(loader, fabric, kept=checkpoint is not None)
    run = Run(fabric, model, list(movers), batches)
    done = checkpoint.load(run, steps) if checkpoint else 0
    switch = mode_switch(model)

    for number in range(done + 1, steps + 1):
        turn = turns[(number - 1) % len(turns)]
        optimizer = movers[turn.optimizer]
        with training_mode(switch):
            optimizer.zero_grad()  # first, so that its memory is used again
            call = partial(getattr(model, turn.loss), next(batches))
            losses = forward(turn.loss, call)
            check_value(losses, turn.loss, number)
            engine.backward(losses["loss"])
            if clip:
                shorten(fabric, forward, optimizer, clip)
            optimizer.step()
        yield Step(number, turn.loss, detached(losses))
        if checkpoint and (number % checkpoint.every == 0 or number == steps):
            checkpoint.save(run, number)


def set_up(engine: Any, turns: Sequence[Turn]) -> dict[Optimizer, Any]:
    """Every optimiser of the turns once, with what the engine makes of it."""
    optimizers = dict.fromkeys(turn.optimizer for turn in turns)
    return {o: engine.setup_optimizers(o) for o in optimizers}


def detached(losses: Losses) -> Losses:
    """The same values, without gradients."""
    return {name: value.detach() for name, value in losses.items()}


def mode_switch(model: nn.Module) -> Callable[[bool], Any]:
    """Put a model in evaluation mode; return the switch to training and back.

    The switch does what `model.train` does. That one looks every part up by
    its name, twice a step, which in a small network takes a tenth of the step;
    this one has listed them. A part that says itself what its mode means is
    asked.
    """
    model.eval()
    parts = list(model.modules())
    own = any(type(part).train is not nn.Module.train for part in parts)
    if own or not all("training" in vars(part) for part in parts):
        return model.train

    def switch(mode: bool) -> None:
        for part in parts:
            vars(part)["training"] = mode

    return switch


@contextmanager
def training_mode(switch: Callable[[bool], Any]) -> Iterator[None]:
    """Put the model in training mode, and back even if a step is cut short."""
    switch(True)
    try:
        yield
    finally:
        switch(False)


def shorten(
    fabric: Fabric, model: nn.Module, optimizer: Optimizer, clip: float
) -> None:
    """Scale the gradient g of all parameters by min(1, clip / |g|).

    A gradient that is not finite is left to the scaler of half precision,
    which skips such steps, or to the check of the next loss.
    """
    fabric.clip_gradients(
        model, optimizer, max_norm=clip, error_if_nonfinite=False
    )
