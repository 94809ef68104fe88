"""Small tables of measurements, with their classes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from sklearn import datasets


class Table(NamedTuple):
    """Measurements x, shape (N, D) float64, and classes y, shape (N,) int64.

    `feature_names` has D entries; `class_names[k]` is the name of class k.

    >>> x, y, *_ = iris()
    >>> x.shape, y.shape
    ((150, 4), (150,))
    """

    x: Float64[np.ndarray, "n d"]
    y: Int64[np.ndarray, " n"]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


def _table(load: Callable) -> Table:
    bunch = load()
    return Table(
        bunch.data.astype(np.float64),
        bunch.target.astype(np.int64),
        tuple(map(str, bunch.feature_names)),
        tuple(map(str, bunch.target_names)),
    )


def iris() -> Table:
    """Lengths and widths of 150 iris flowers, in cm; 3 species of 50 each.

    Source: R. A. Fisher (1936), as shipped with scikit-learn.
    """
    return _table(datasets.load_iris)


def wine() -> Table:
    """13 chemical measurements of 178 wines from 3 growers; units differ.

    Source: UCI Machine Learning Repository, as shipped with scikit-learn.
    """
    return _table(datasets.load_wine)


def breast_cancer() -> Table:
    """30 measurements of cell nuclei in 569 biopsies; malignant 0, benign 1.

    Source: W. H. Wolberg, W. N. Street, O. L. Mangasarian (1995), UCI
    repository, as shipped with scikit-learn.
    """
    return _table(datasets.load_breast_cancer)
