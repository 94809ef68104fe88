"""Randomness of a block of its own."""

import random

import numpy as np
import pytest
import torch

from course.seeding import seeded


def draw():
    """One number from each of the three libraries."""
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_the_same_seed_draws_the_same_numbers_from_all_libraries():
    with seeded(3):
        first = draw()
    with seeded(3):
        second = draw()
    with seeded(4):
        other = draw()
    assert first == second
    assert not set(first) & set(other)


def test_the_block_leaves_no_trace_outside():
    with seeded(0):
        expected = [draw(), draw()]
    with seeded(0):
        found = [draw()]
        with seeded(1):
            draw()
        found.append(draw())
    assert found == expected


def test_nor_does_a_block_that_fails():
    def fail():
        with seeded(1):
            draw()
            raise KeyError

    with seeded(0):
        expected = draw()
    with seeded(0):
        with pytest.raises(KeyError):
            fail()
        assert draw() == expected


@pytest.mark.gpu
def test_a_gpu_is_seeded_and_restored_too():
    def there():
        return torch.rand((), device="cuda").item()

    with seeded(0):
        expected = [there(), there()]
    with seeded(0):
        found = [there()]
        with seeded(1):
            assert there() not in expected
        found.append(there())
    assert found == expected
