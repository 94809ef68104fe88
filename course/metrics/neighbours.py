"""What the nearest neighbours say: fidelity, diversity and copies.

Every real example has a ball that reaches to its k-th nearest real neighbour.
Together the balls stand for where real data live; those of the generated
examples for where the model's live.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.metrics.samples import Rows, distances, rows_of, two_samples


@dataclass(frozen=True)
class Neighbourhoods:
    """Shares of examples that lie in balls of the other sample.

    Attributes:
        precision: generated examples inside at least one real ball.
        recall: real examples inside at least one generated ball.
        density: real balls that hold a generated example, over k; the mean may
            exceed 1.
        coverage: real balls that hold at least one generated example.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: Any, generated: Any, *, k: int = 5) -> Neighbourhoods:
    """Precision, recall, density and coverage of generated examples.

    A ball is open, |x - y| < radius, as in the package `prdc`. Memory grows as
    the product of the sizes.

    Args:
        real: shape (N, ...), pixels or features.
        generated: shape (M, ...). Exchanging the two exchanges precision with
            recall.
        k: the balls reach to the k-th neighbour, the example itself not
            counted.

    Raises:
        ValueError: a sample has not more than k examples, or other features.

    Precision and recall: Kynkaanniemi et al. 2019 (arXiv:1904.06991). Density
    and coverage: Naeem et al. 2020 (arXiv:2002.09797).
    """
    real, generated = two_samples(real, generated)
    d = distances(real, generated)
    in_real = d < radii(real, k)[:, None]
    in_generated = d < radii(generated, k)
    return Neighbourhoods(
        precision=_share(in_real.any(dim=0)),
        recall=_share(in_generated.any(dim=1)),
        density=in_real.sum(dim=0).double().mean().item() / k,
        coverage=_share(in_real.any(dim=1)),
    )


def radii(x: Rows, k: int) -> Float[Tensor, " N"]:
    """The distance from every row to its k-th nearest other row.

    A copy of a row is another row, at distance 0.

    Raises:
        ValueError: k is not between 1 and N - 1.
    """
    if not 1 <= k < len(x):
        raise ValueError(
            f"k must lie between 1 and {len(x) - 1}, the number of other "
            f"examples, not {k}"
        )
    return _between(x).kthvalue(k, dim=1).values


def nearest_distances(x: Any, among: Any) -> Float[Tensor, " N"]:
    """The distance from every row of x to the nearest row of another set.

    Args:
        x: shape (N, ...).
        among: shape (M, ...).

    Raises:
        ValueError: an empty sample, or other features.

    >>> nearest_distances([[0.0], [5.0]], [[1.0], [5.0]])
    tensor([1., 0.], dtype=torch.float64)
    """
    x, among = two_samples(x, among, least=1)
    return distances(x, among).amin(dim=1)


def copying_score(generated: Any, train: Any, held_out: Any) -> float:
    """P(a generated example is nearer to the training data than held-out data).

    Nearer means: the distance to the nearest training example is smaller; ties
    count one half. 1/2 is what new draws from the data's distribution get; 1
    says that the model copies; well below 1/2, that it draws something else.

    Args:
        generated: shape (N, ...).
        train: what the model has seen.
        held_out: real examples that it has not seen, drawn in the same way as
            the training examples: with other writers or days the score is off.

    Raises:
        ValueError: an empty sample, or other features.

    The statistic U / (N M) of Mann and Whitney, which Meehan, Chaudhuri &
    Dasgupta 2020 (arXiv:2004.05675) use within cells.
    """
    of_generated = nearest_distances(generated, train)[:, None]
    of_held_out = nearest_distances(held_out, train)
    nearer = (of_generated < of_held_out).double()
    ties = (of_generated == of_held_out).double()
    return (nearer + ties / 2).mean().item()


def copied_share(generated: Any, train: Any) -> float:
    """The share of generated examples that equal a training example."""
    return _share(nearest_distances(generated, train) == 0)


def distinct_share(generated: Any) -> float:
    """Different rows among the generated, as a share of all; 1: no repeats."""
    x = rows_of(generated)
    return len(torch.unique(x, dim=0)) / len(x)


def _between(x: Rows) -> Float[Tensor, "N N"]:
    """Distances between rows, infinite from a row to itself."""
    d = distances(x, x)
    return d.fill_diagonal_(torch.inf)


def _share(truths: Tensor) -> float:
    """How many are true, over all."""
    return truths.double().mean().item()
