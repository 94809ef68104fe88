"""The checks under the exercises tell right from wrong, and say how."""

import numpy as np
import pytest
import torch

from course.selfcheck import check


def unfinished():
    raise NotImplementedError


@pytest.mark.parametrize("stub", [lambda: None, lambda: ..., unfinished])
def test_a_stub_is_not_done_yet(stub):
    verdict = check(stub, 1.0, hint="secret")
    assert not verdict
    assert repr(verdict).startswith("Not done yet")
    assert "secret" not in repr(verdict)


@pytest.mark.parametrize(
    "answer",
    [
        2.0,
        np.float32(2.0),
        torch.tensor(2.0, dtype=torch.float64),
        2.0 + 1e-8,
    ],
)
def test_right_answers_of_every_kind(answer):
    assert check(lambda: answer, 2.0)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (2.1, "2.1 instead of 2"),
        (-2.0, "-2 instead of 2"),
        (float("nan"), "1 of 1 numbers are NaN"),
        (float("inf"), "inf instead of 2"),
        ([2.0], r"shape is (1,), it should be ()"),
        ("two", "numbers are asked for, not str"),
    ],
)
def test_wrong_answers_are_explained(answer, words):
    verdict = check(lambda: answer, 2.0, hint="Think again.")
    assert not verdict
    assert words in repr(verdict)
    assert repr(verdict).endswith("Think again.")


def test_the_worst_number_is_named():
    verdict = check(lambda: [[1.0, 2.0], [3.0, 5.0]], [[1.0, 2.5], [3.0, 4.0]])
    assert "2 of 4 numbers are off, most at [1, 1]: 5 inst" in repr(verdict)


def test_an_error_of_the_reader_is_told_not_raised():
    verdict = check(lambda: [][0], 1.0)
    assert not verdict
    assert "IndexError: list index out of range" in repr(verdict)


def test_the_tolerance_is_relative_to_the_size():
    assert check(lambda: 1e6 + 0.5, 1e6)
    assert not check(lambda: 1e6 + 2.0, 1e6)
    assert check(lambda: 1.1, 1.0, tolerance=0.1)
