"""Stopping and going on: a run that was killed ends as if it had not been."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer

from course.training import files
from course.training.batches import Batches

FORMAT = "course.training 1"  # tells our files from others


@runtime_checkable
class Stateful(Protocol):
    """Can give its state away and take it back, as modules can."""

    def state_dict(self) -> dict[str, Any]:
        """The state, in tensors, numbers, strings and containers of these."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Return to a state."""
        ...


@dataclass(frozen=True)
class Run:
    """What a run of `train` consists of."""

    fabric: Fabric
    model: nn.Module
    optimizers: list[Optimizer]
    batches: Batches

    def parts(self) -> dict[str, Stateful]:
        """All that changes from step to step, by name.

        What may refuse a state comes before the model, which must not move
        unless all goes well.
        """
        optimizers = enumerate(self.optimizers, start=1)
        return {
            "data": self.batches,
            **{f"optimiser {i}": optimizer for i, optimizer in optimizers},
            "precision": self.fabric.strategy.precision,
            "model": self.model,
        }


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often `train` keeps what it needs to go on after a stop.

    Kept are the model, the optimisers (with their learning rates), the number
    of the step, the position in the data, all random states, and the extras.
    A run whose file exists goes on from there, and on a CPU it ends with the
    same parameters, bit for bit, as a run that was never stopped.

    The state of step n is kept once the body of the reader's loop has run for
    step n, so that what the body changes belongs in the extras. The file is
    replaced as a whole: a run that is killed while writing finds the file
    before. In several processes the first one reads and writes.

    Attributes:
        path: the file; its folder is made where needed.
        every: after how many steps it is written, besides after the last.
        extras: further things with `state_dict` and `load_state_dict`, by
            name: an average of the parameters, a schedule.

    Raises:
        ValueError: `every` is not positive, or an extra cannot be kept.
    """

    path: str | Path
    _: KW_ONLY
    every: int
    extras: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every must be at least 1 step, not {self.every}")
        for name, extra in (self.extras or {}).items():
            if not isinstance(extra, Stateful):
                raise ValueError(
                    f"extras[{name!r}] is a {type(extra).__name__}, which has "
                    f"no state_dict and load_state_dict: wrap it in a class "
                    f"that has"
                )

    def load(self, run: Run, steps: int) -> int:
        """Bring `run` to the step in the file; return its number, or else 0.

        Raises:
            ValueError: the file is damaged, or of another run, or beyond
                `steps`.
        """
        ours = run.fabric.is_global_zero and Path(self.path).exists()
        state = run.fabric.broadcast(self.read() if ours else None)
        if state is None:
            return 0
        if state["step"] > steps:
            raise self.refusal(
                f"holds step {state['step']}, beyond the {steps} asked for"
            )
        parts = self.parts(run)
        self.compare(parts, state["parts"])
        for name, part in parts.items():
            try:
                part.load_state_dict(state["parts"][name])
            except (RuntimeError, ValueError, LookupError) as error:
                raise self.refusal(
                    f"does not fit the {name}: {error}"
                ) from error
        return state["step"]

    def save(self, run: Run, number: int) -> None:
        """Write the state of `run` after step `number`; all processes call."""
        parts = {k: v.state_dict() for k, v in self.parts(run).items()}
        if run.fabric.is_global_zero:
            state = {"format": FORMAT, "step": number, "parts": parts}
            files.write(self.path, state)

    def parts(self, run: Run) -> dict[str, Stateful]:
        """The parts of the run and then the extras, by name."""
        extras = (self.extras or {}).items()
        return run.parts() | {f"extras[{k!r}]": v for k, v in extras}

    def read(self) -> dict[str, Any]:
        """Return the content of the file, its checksums verified."""
        try:
            state = files.read(self.path)
        except Exception as error:  # damage shows in many ways
            raise self.refusal(f"cannot be read ({error})") from error
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise self.refusal("was not written by course.training")
        return state

    def compare(self, parts: Mapping[str, Any], saved: Mapping) -> None:
        """Refuse other parts, or modules of other shapes, before any moves."""
        if parts.keys() != saved.keys():
            raise self.refusal(
                f"holds {list(saved)}, this run consists of {list(parts)}"
            )
        for name, part in parts.items():
            if not isinstance(part, nn.Module):
                continue
            ours, theirs = shapes(part.state_dict()), shapes(saved[name])
            for key in ours | theirs:
                if ours.get(key) != theirs.get(key):
                    raise self.refusal(
                        f"is of another {name}: {key} was "
                        f"{theirs.get(key, 'absent')} and now is "
                        f"{ours.get(key, 'absent')}"
                    )

    def refusal(self, why: str) -> ValueError:
        """The error that says why the file is of no use, and what to do."""
        return ValueError(
            f"cannot go on from the checkpoint {self.path}: it {why}. Delete "
            f"the file to start afresh, or give this run another path"
        )


def shapes(state: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of every tensor, by name; of anything else its type."""
    return {k: getattr(v, "shape", type(v)) for k, v in state.items()}
