"""Class labels as what a network is given beside its other input."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

Labels = Int64[Tensor, " batch"]


def one_hot(
    y: Tensor, classes: int, like: Tensor
) -> Float[Tensor, "batch classes"]:
    """The vectors e_y: 1 at the place of the label, 0 elsewhere.

    A label is a name, not a quantity. As one number, class 3 would lie between
    2 and 4; as vectors all classes are equally far apart.

    Args:
        y: labels 0 ... classes - 1, int64, shape (batch,).
        classes: how many there are.
        like: a tensor of the wanted type and device.

    Raises:
        ValueError: y is not int64 of one axis, or a label does not exist.

    >>> one_hot(torch.tensor([2, 0]), 3, torch.zeros(1))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if y.dtype != torch.int64 or y.ndim != 1:
        raise ValueError(
            f"labels must be int64 in the shape (batch,), not {y.dtype} in "
            f"{tuple(y.shape)}: give the numbers of the classes"
        )
    if len(y) and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(
            f"labels must lie from 0 to {classes - 1}, but range from "
            f"{y.min().item()} to {y.max().item()}: renumber them, or change "
            f"`classes`"
        )
    return functional.one_hot(y.to(like.device), classes).to(like)


def beside(
    x: Float[Tensor, "batch ..."], e: Float[Tensor, "batch classes"]
) -> Float[Tensor, "batch width"]:
    """The rows of x, flattened, each followed by its condition."""
    return torch.cat([x.flatten(1), e], dim=1)


def wanted(
    n: int, y: Tensor | int | None, classes: int, like: Tensor
) -> Labels:
    """`n` labels: those given, n times the one given, or n drawn uniformly.

    Raises:
        ValueError: as many labels as n were expected, and others came.

    >>> wanted(3, 7, 10, torch.zeros(1))
    tensor([7, 7, 7])
    """
    if y is None:
        return torch.randint(classes, (n,), device=like.device)
    if not isinstance(y, Tensor):
        return torch.full((n,), y, device=like.device)
    if y.shape != (n,):
        raise ValueError(
            f"{n} examples need {n} labels, in the shape ({n},), not "
            f"{tuple(y.shape)}: give one for each, or a single number for all"
        )
    return y.to(like.device)
