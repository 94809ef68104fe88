"""Labels become vectors, and nothing that is no label does."""

import pytest
import torch

from course.nn.conditions import beside, one_hot, wanted


def test_vectors_are_rows_of_the_identity():
    y = torch.tensor([2, 0, 1, 2])
    like = torch.zeros(1, dtype=torch.float64)
    e = one_hot(y, 3, like)
    assert torch.equal(e, torch.eye(3, dtype=torch.float64)[y])


def test_all_classes_are_equally_far_apart():
    e = one_hot(torch.arange(5), 5, torch.zeros(1))
    apart = torch.cdist(e, e)[~torch.eye(5, dtype=bool)]
    assert torch.allclose(apart, torch.tensor(2.0).sqrt())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.tensor([1.0]), "int64"),
        (torch.tensor([[1]]), "shape"),
        (torch.tensor([0, 3]), "from 0 to 2"),
        (torch.tensor([-1]), "from 0 to 2"),
    ],
)
def test_what_is_no_label_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        one_hot(y, 3, torch.zeros(1))


def test_a_condition_stands_behind_the_flattened_example():
    x, e = torch.arange(8.0).reshape(2, 1, 2, 2), torch.eye(2) + 10
    assert beside(x, e).tolist() == [
        [0, 1, 2, 3, 11, 10],
        [4, 5, 6, 7, 10, 11],
    ]


def test_labels_are_those_given_or_uniform():
    like = torch.zeros(1)
    y = torch.tensor([3, 1])
    assert torch.equal(wanted(2, y, 5, like), y)
    assert wanted(3, 4, 5, like).tolist() == [4, 4, 4]
    share = torch.bincount(wanted(20_000, None, 5, like), minlength=5) / 20_000
    assert (share - 0.2).abs().max() < 0.015
    with pytest.raises(ValueError, match="3 examples need 3 labels"):
        wanted(3, y, 5, like)
