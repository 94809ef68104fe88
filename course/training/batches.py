"""Batches without end, and the randomness that decides which they are."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import distributed
from torch.utils.data import DataLoader

END = object()


class Batches:
    """The batches of a loader, epoch after epoch, that know where they are.

    A position in shuffled data is the random state in which the epoch began,
    with the number of batches taken since: begun again from that state and
    led past as many batches, the loader goes on as it would have gone on.

    A data set that draws from a generator of its own is not rewound; one that
    draws from those of Python, NumPy or torch is.

    Args:
        loader: yields batches and is started afresh whenever it runs out.
        fabric: the device, and the processes that share the data.
        kept: whether the position will be asked for. Only then is the random
            state noted at every epoch; a small network would feel it.
    """

    def __init__(
        self, loader: DataLoader, fabric: Fabric, *, kept: bool = True
    ):
        elsewhere = fabric.device.type != "cpu"
        self.loader = fabric.setup_dataloaders(loader, move_to_device=elsewhere)
        self.fabric = fabric
        self.randomness = Randomness(fabric.device, generators(self.loader))
        self.kept, self.start = kept, None
        self.epoch, self.consumed = -1, 0
        self.iterator = iter(())

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        batch = next(self.iterator, END)
        if batch is END:
            self.begin(self.epoch + 1)
            batch = next(self.iterator, END)
        if batch is END:
            raise ValueError(
                "the loader yields no batch: its data are empty, or drop_last "
                "leaves out the only one, being smaller than batch_size"
            )
        self.consumed += 1
        return batch

    def begin(self, epoch: int) -> None:
        """Start an epoch, from the present random state."""
        self.epoch, self.consumed = epoch, 0
        if self.kept:
            self.start = self.randomness.state_dict()
        # Processes that share the data shuffle them by the epoch's number,
        # which Fabric takes from how often its loader was started.
        self.loader._num_iter_calls = epoch
        self.iterator = iter(self.loader)

    def state_dict(self) -> dict:
        """The position of every process, and its random state.

        All processes must call it, since they tell each other.
        """
        mine = {
            "length": length(self.loader),
            "epoch": self.epoch,
            "consumed": self.consumed,
            "start": self.start,
            "now": self.randomness.state_dict(),
        }
        everyone = [mine] * self.fabric.world_size
        if len(everyone) > 1:
            distributed.all_gather_object(everyone, mine)
        return {"processes": everyone}

    def load_state_dict(self, state: dict) -> None:
        """Go to a position, and to its random state.

        Raises:
            ValueError: the position is one of other data, or processes.
        """
        processes, size = state["processes"], self.fabric.world_size
        if len(processes) != size:
            raise ValueError(
                f"it was written by {len(processes)} processes, this is a run "
                f"of {size}"
            )
        mine, here = processes[self.fabric.global_rank], length(self.loader)
        if mine["length"] != here:
            raise ValueError(
                f"an epoch had {mine['length']} batches, now it has {here}"
            )
        self.randomness.load_state_dict(mine["start"])
        self.begin(mine["epoch"])
        for _ in range(mine["consumed"]):
            next(self)
        if self.epoch != mine["epoch"]:
            raise ValueError("an epoch has fewer batches than it had")
        self.randomness.load_state_dict(mine["now"])


class Randomness:
    """The random states that a run depends on, as one thing to keep.

    They are those of Python, of NumPy, of torch on the CPU and on the device
    of the run, and of generators of its own that a loader was given.
    """

    def __init__(
        self, device: torch.device, own: Iterable[torch.Generator] = ()
    ):
        self.kind = device.type
        self.own = list(own)

    def state_dict(self) -> dict:
        """The present states, in types that load without running code."""
        name, keys, *rest = np.random.get_state()
        state = {
            "python": random.getstate(),
            "numpy": (name, torch.from_numpy(keys.astype(np.int64)), *rest),
            "cpu": torch.get_rng_state(),
            "own": [generator.get_state() for generator in self.own],
        }
        if self.kind != "cpu":
            device = torch.get_device_module(self.kind)
            state[self.kind] = device.get_rng_state()
        return state

    def load_state_dict(self, state: dict) -> None:
        """Return to these states; a device without one keeps its own.

        Raises:
            ValueError: the loader had more generators, or fewer.
        """
        before, now = len(state["own"]), len(self.own)
        if before != now:
            raise ValueError(
                f"its loader was given {before} generators, now it has {now}"
            )
        random.setstate(state["python"])
        name, keys, *rest = state["numpy"]
        np.random.set_state((name, np.asarray(keys), *rest))
        torch.set_rng_state(state["cpu"])
        for generator, own in zip(self.own, state["own"], strict=True):
            generator.set_state(own)
        if self.kind != "cpu" and self.kind in state:
            torch.get_device_module(self.kind).set_rng_state(state[self.kind])


def generators(loader: Any) -> list[torch.Generator]:
    """The generators that a loader and its samplers were given, each once."""
    holders = (loader, loader.sampler, loader.batch_sampler)
    found = [getattr(holder, "generator", None) for holder in holders]
    return list(dict.fromkeys(g for g in found if g is not None))


def length(loader: Any) -> int | None:
    """Batches in an epoch, or None where the data have no known end."""
    try:
        return len(loader)
    except TypeError:
        return None
