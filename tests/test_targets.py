"""Targets of supervised models at the border."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course.targets import class_numbers, labels, real_targets

X = torch.zeros(4, 2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("y", "classes", "numbers"),
    [
        (["b", "a", "b", "c"], ["a", "b", "c"], [1, 0, 1, 2]),
        (np.array([7, 7, -1, 3]), [-1, 3, 7], [2, 2, 0, 1]),
        (torch.tensor([2, 0, 0, 2]), [0, 2], [1, 0, 0, 1]),
    ],
)
def test_labels_become_numbers_and_back(y, classes, numbers):
    model = SimpleNamespace()
    k = class_numbers(model, X, y)
    assert k.tolist() == numbers
    assert k.dtype == torch.int64
    assert list(model.classes_) == classes
    assert list(labels(model, np.zeros(4), k)) == list(y)


def test_labels_of_tensors_are_tensors():
    model = SimpleNamespace()
    y = torch.tensor([2, 0, 0, 2])
    k = class_numbers(model, X, y)
    assert torch.equal(labels(model, X, k), y)


def test_targets_are_doubles():
    for y in ([1, 2, 3, 4], torch.tensor([1.0, 2, 3, 4])):
        got = real_targets(SimpleNamespace(), X, y)
        assert got.dtype == torch.float64
        assert got.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("y", "word"),
    [
        (None, "y is None"),
        ([1, 2, 3], "inconsistent"),
        ([1.5, 2.5, 3.5, 4.2], "Unknown label type"),
        ([1.0, np.nan, 1.0, 2.0], "NaN"),
        (np.ones((4, 2)), "1d"),
    ],
    ids=str,
)
def test_other_labels_are_refused(y, word):
    with pytest.raises(ValueError, match=word):
        class_numbers(SimpleNamespace(), X, y)


def test_words_are_no_numbers():
    with pytest.raises(ValueError, match="numbers"):
        real_targets(SimpleNamespace(), X, ["a", "b", "c", "d"])
