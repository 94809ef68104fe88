"""Run in every kernel that executes a chapter: report dice nobody seeded.

A draw from a global generator without a seed prints another value each day,
and by luck the same one twice. What this prints on stderr fails the build.
"""

import sys

import numpy as np
import torch
from IPython import get_ipython


def states() -> dict:
    """Where the global generators stand, in a form that can be compared."""
    kind, keys, *rest = np.random.get_state()
    return {
        "numpy": (kind, keys.tobytes(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


class Dice:
    """Knows which generators have a seed, and where they stood before."""

    def __init__(self):
        self.known, self.called, self.first = set(), set(), torch.initial_seed()
        self.before = states()
        np.random.seed = self.noting(np.random.seed)

    def noting(self, seed):
        """The function `seed` of NumPy, which from now on leaves a note."""

        def noted(*values, **named):
            self.called.add("numpy")
            return seed(*values, **named)

        return noted

    def check(self, result) -> None:
        """Name each generator that a cell has used without a seed."""
        if torch.initial_seed() != self.first:
            self.called.add("torch")
        now = states()
        moved = {name for name in now if now[name] != self.before[name]}
        self.known |= moved & self.called  # a seed that was not taken back
        for name in sorted(moved - self.known):
            print(f"unseeded dice: {name}", file=sys.stderr)
        self.before, self.called = now, set()


if get_ipython() is not None:
    get_ipython().events.register("post_run_cell", Dice().check)
