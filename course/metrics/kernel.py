"""Kernel distances between samples: unbiased squared MMD.

MMD, the maximum mean discrepancy, is the distance between the mean features of
two distributions, in the space of features that belongs to a kernel.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from course.metrics.samples import (
    Distances,
    Others,
    Rows,
    distances,
    two_samples,
)

Kernel = Callable[[Tensor, Tensor], Tensor]


def squared_mmd(x: Any, y: Any, kernel: Kernel) -> float:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), each mean over different rows.

    Unbiased: zero on average where the distributions agree, and so at times
    negative. That is no mistake, and it must not be cut off.

    Args:
        x: shape (N, ...).
        y: shape (M, ...).
        kernel: from rows (N, D) and (M, D) to values, shape (N, M).

    Raises:
        ValueError: a sample with fewer than 2 examples, or other features.

    Gretton et al. 2012, Journal of Machine Learning Research 13, eq. 3.
    """
    x, y = two_samples(x, y)
    within = mean_off_diagonal(kernel(x, x)) + mean_off_diagonal(kernel(y, y))
    return (within - 2 * kernel(x, y).mean()).item()


def kernel_distance(x: Any, y: Any) -> float:
    """KID: the squared MMD with the kernel (x'y / D + 1)^3, unbiased.

    With Inception features this is the kernel Inception distance; with others
    name them. Published values are often means over subsets of the samples,
    which estimate the same number with more noise.

    Raises:
        ValueError: as `squared_mmd`.

    Binkowski, Sutherland, Arbel & Gretton 2018 (arXiv:1801.01401).
    """
    return squared_mmd(x, y, cubic_kernel)


def rbf_mmd(x: Any, y: Any, *, gamma: float | int | None = None) -> float:
    """The squared MMD with the kernel exp(-gamma |x - y|^2), unbiased.

    Unlike the polynomial one, this kernel sees every difference between two
    distributions, given enough examples.

    Args:
        x: shape (N, ...).
        y: shape (M, ...).
        gamma: with None 1 / (2 h^2), where h is the median distance between
            the rows of x and y.

    Raises:
        ValueError: gamma is not positive, or all rows are equal; and as
            `squared_mmd`.
    """
    x, y = two_samples(x, y)
    if gamma is None:
        gamma = 1 / (2 * distances(x, y).median().item() ** 2 or float("nan"))
    if not 0 < gamma < float("inf"):
        raise ValueError(
            f"gamma must be positive and finite, not {gamma}: where most rows "
            f"are equal the median distance is 0, and you must choose it"
        )
    return squared_mmd(x, y, partial(rbf_kernel, gamma=float(gamma)))


def cubic_kernel(x: Rows, y: Others) -> Distances:
    """(x'y / D + 1)^3: it compares moments up to the third."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def rbf_kernel(x: Rows, y: Others, *, gamma: float) -> Distances:
    """exp(-gamma |x - y|^2)."""
    return (-gamma * distances(x, y) ** 2).exp()


def mean_off_diagonal(K: Float[Tensor, "N N"]) -> Float[Tensor, ""]:
    """The mean of the entries off the diagonal: pairs of different rows."""
    return (K.sum() - K.trace()) / (len(K) * (len(K) - 1))
