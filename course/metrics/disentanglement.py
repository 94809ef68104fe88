"""Whether each latent feature stands for one known factor of the data."""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestRegressor
from torch import Tensor
from torch.nn.functional import one_hot

from course.metrics.samples import rows_of

Table = Float[Tensor, "M K"]  # one number for a latent feature and a factor
PerFactor = Float[Tensor, " K"]


def mutual_information(z: Any, v: Any, *, n_bins: int = 10) -> Table:
    """I(z_m; v_k) = sum p(a, b) log [p(a, b) / (p(a) p(b))], in nats.

    Each column is cut into bins of equal count; a column with at most `n_bins`
    values keeps them as they are. Shares stand for probabilities, so that two
    independent columns get about (bins - 1)^2 / 2N in place of 0.

    Args:
        z: latent features, shape (N, M).
        v: factors, shape (N, K), numbers or labels as numbers.
        n_bins: how many bins a continuous column gets.

    Raises:
        ValueError: z and v differ in their number of rows, a column of v never
            changes, or there are fewer rows than bins.
    """
    z, v = paired(z, v)
    a, b = cells(z, n_bins), cells(v, n_bins)
    joint = torch.einsum("nma,nkb->mkab", indicators(a), indicators(b))
    joint = joint / len(z)
    apart = joint.sum(3, keepdim=True) * joint.sum(2, keepdim=True)
    ratio = torch.where(joint > 0, joint / apart, 1.0)
    return (joint * ratio.log()).sum(dim=(2, 3))


def entropy(v: Any, *, n_bins: int = 10) -> PerFactor:
    """H(v_k) of the binned factors, -sum p(b) log p(b), in nats."""
    p = indicators(cells(paired(v, v)[1], n_bins)).mean(dim=0)
    return torch.special.entr(p).sum(dim=1)


def mutual_information_gap(z: Any, v: Any, *, n_bins: int = 10) -> PerFactor:
    """[I(z_i; v_k) - I(z_j; v_k)] / H(v_k), i and j the best two features.

    One number a factor, in [0, 1]; their mean is the MIG. It is 1 where one
    feature alone tells the factor exactly, and 0 where two tell it as well.
    Arguments and errors are those of `mutual_information`; z has two features
    or more.

    Chen, Li, Grosse & Duvenaud 2018 (arXiv:1802.04942).

    >>> v = torch.arange(100.0)[:, None]
    >>> mutual_information_gap(torch.cat([v, v], dim=1), v)
    tensor([0.], dtype=torch.float64)
    """
    found = mutual_information(z, v, n_bins=n_bins)
    if len(found) < 2:
        raise ValueError(
            "a gap needs two latent features or more, and z has one: the "
            "information of a single feature is `mutual_information`"
        )
    first, second = found.topk(2, dim=0).values
    return (first - second) / entropy(v, n_bins=n_bins)


class DCI(NamedTuple):
    """Three numbers in [0, 1] (informativeness may fall below 0).

    Attributes:
        disentanglement: each feature predicts one factor.
        completeness: each factor is predicted by one feature.
        informativeness: the predictors' mean score on the second half.
        importance: how much feature m counts in predicting factor k, (M, K).
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Table


def dci(z: Any, v: Any, *, predictor: BaseEstimator | None = None) -> DCI:
    """Disentanglement, completeness, informativeness of features z.

    A predictor of each factor is trained on the first half of the rows. With
    P_mk the share of factor k in the importances of feature m, feature m scores
    1 - H(P_m) / log K; features are weighed by their part of all importance.
    Completeness is the same for factors, over features.

    Args:
        z: latent features, shape (N, M), M >= 2, the rows in random order.
        v: factors, shape (N, K), K >= 2.
        predictor: scikit-learn's, with `feature_importances_`; by default a
            random forest for continuous factors, whose score is R^2.

    Raises:
        ValueError: as `mutual_information`, or M or K is 1.

    Eastwood & Williams 2018 (ICLR).
    """
    z, v = paired(z, v)
    if min(z.shape[1], v.shape[1]) < 2:
        raise ValueError(
            f"DCI compares features and factors: it needs two of each or more, "
            f"not {z.shape[1]} and {v.shape[1]}"
        )
    forest = RandomForestRegressor(20, min_samples_leaf=5, random_state=0)
    fits = [_predict(z, v_k, predictor or forest) for v_k in v.T]
    importance = torch.stack([weight for weight, _ in fits], dim=1)
    score = sum(score for _, score in fits) / len(fits)
    D, C = focus(importance), focus(importance.T)
    return DCI(D, C, score, importance)


def focus(importance: Table) -> float:
    """1 - H(row) / log(columns), mean over rows, weighed by their sums."""
    weight = importance.sum(dim=1, keepdim=True)
    share = importance / torch.where(weight > 0, weight, 1.0)
    H = torch.special.entr(share).sum(dim=1)
    scores = 1 - H / math.log(share.shape[1])
    return (weight[:, 0] @ scores / weight.sum()).item()


def _predict(z: Tensor, v: Tensor, predictor) -> tuple[Tensor, float]:
    """Importances of the features, and the score on the second half."""
    half = len(z) // 2
    z, v = z.cpu().numpy(), v.cpu().numpy()
    fitted = clone(predictor).fit(z[:half], v[:half])
    weight = torch.as_tensor(fitted.feature_importances_)
    return weight.double(), float(fitted.score(z[half:], v[half:]))


def paired(z: Any, v: Any) -> tuple[Tensor, Tensor]:
    """Features and factors as float64 rows that belong together.

    Raises:
        ValueError: their rows differ in number, or a factor never changes.
    """
    z, v = rows_of(z), rows_of(v)
    if len(z) != len(v):
        raise ValueError(
            f"features and factors must have one row for each example, not "
            f"{len(z)} and {len(v)} rows"
        )
    still = (v == v[0]).all(dim=0).nonzero().flatten().tolist()
    if still:
        raise ValueError(
            f"columns {still} of the factors never change, so nothing can be "
            f"said about them: leave them out"
        )
    return z, v.to(z.device)


def cells(x: Float[Tensor, "N D"], n_bins: int) -> Int[Tensor, "N D"]:
    """The bin of every number: bins of equal count, column by column."""
    if not 2 <= n_bins <= len(x):
        raise ValueError(
            f"n_bins must lie between 2 and the {len(x)} rows, not {n_bins}"
        )
    return torch.stack([_cells(column, n_bins) for column in x.T], dim=1)


def _cells(x: Float[Tensor, " N"], n_bins: int) -> Int[Tensor, " N"]:
    values, index = x.unique(return_inverse=True)
    if len(values) <= n_bins:
        return index
    edges = x.quantile(torch.linspace(0, 1, n_bins + 1).to(x)[1:-1])
    return torch.searchsorted(edges, x.contiguous(), right=True)


def indicators(index: Int[Tensor, "N D"]) -> Float[Tensor, "N D B"]:
    """One for the bin a number lies in, zero for the others."""
    return one_hot(index).double()
