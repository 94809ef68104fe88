"""Reproducible randomness without a generator in every call."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block with randomness of its own, then restore the outer state.

    Python, NumPy and torch (on every device) are seeded.

    >>> with seeded(0):
    ...     first = torch.randn(3)
    >>> with seeded(0):
    ...     second = torch.randn(3)
    >>> torch.equal(first, second)
    True
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
