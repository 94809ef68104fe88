"""The graph of the points: weights, their normalisation, and what is joined.

Weights are kept as logarithms. Normalised weights then keep their digits where
exp(-gamma d^2) itself would be rounded to zero: only ratios count.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.arrays import like, tensor


def squared_distances(
    a: Float[Tensor, "A D"], b: Float[Tensor, "B D"]
) -> Float[Tensor, "A B"]:
    """|a_i - b_j|^2 of all pairs, as a matrix product.

    The rows are centred first: far from the origin the product would lose
    the digits that the difference needs.
    """
    centre = b.mean(dim=0)
    a, b = a - centre, b - centre
    square = b.square().sum(dim=1) - 2 * a @ b.T
    return square.add_(a.square().sum(dim=1)[:, None]).clamp_(min=0)


def rbf(x: Float[Tensor, "N D"], gamma: float | int) -> Float[Tensor, "N N"]:
    """Log W_ij = -gamma |x_i - x_j|^2; no point is its own neighbour."""
    log_W = squared_distances(x, x).mul_(-gamma)
    return log_W.fill_diagonal_(-torch.inf)


def knn(x: Float[Tensor, "N D"], k: int) -> Float[Tensor, "N N"]:
    """Log W_ij with W_ij = 1 if i is among the k nearest of j, or j of i.

    The `or` makes the graph symmetric, which the energy needs.
    """
    d = squared_distances(x, x).fill_diagonal_(torch.inf)
    nearest = d.topk(k, dim=1, largest=False).indices
    W = torch.zeros_like(d).scatter_(1, nearest, 1.0)
    return torch.maximum(W, W.T).log()


def given(x: Float[Tensor, "N D"], kernel: Callable, X) -> Tensor:
    """Log W of a function of two arrays; what it gives is checked.

    Raises:
        ValueError: W has another shape, is not symmetric, or holds numbers
            that are negative or not finite.
    """
    W = tensor(kernel(X, X), x).clone()
    if W.shape != (len(x), len(x)):
        raise ValueError(
            f"the kernel must give one weight for every pair, shape "
            f"({len(x)}, {len(x)}), not {tuple(W.shape)}"
        )
    if not W.isfinite().all() or (W < 0).any():
        raise ValueError(
            "the kernel gives weights that are negative or not finite: an "
            "edge has a weight above 0, a pair without an edge has 0"
        )
    if not torch.allclose(W, W.T, rtol=1e-9, atol=0):
        raise ValueError(
            "the kernel gives weights that are not symmetric: use the "
            "maximum or the mean of W and its transpose"
        )
    return W.fill_diagonal_(0).log()


def log_weights(model, x: Float[Tensor, "N D"], X) -> Float[Tensor, "N N"]:
    """Log W of the graph that the model's options describe."""
    if callable(model.kernel):
        return given(x, model.kernel, like(X, x))
    if model.kernel == "rbf":
        return rbf(x, float(model.gamma))
    if model.n_neighbors >= len(x):
        raise ValueError(
            f"n_neighbors must be below the number of points, {len(x)}, "
            f"not {model.n_neighbors}: a point is not its own neighbour"
        )
    return knn(x, int(model.n_neighbors))


def random_walk(log_W: Float[Tensor, "N N"]) -> Float[Tensor, "N N"]:
    """P_ij = W_ij / deg_i: the chance to step from i to j, rows sum to 1."""
    return log_W.softmax(dim=1).nan_to_num_(nan=0.0)  # no neighbour, no step


def symmetric(log_W: Float[Tensor, "N N"]) -> Float[Tensor, "N N"]:
    """W_ij / sqrt(deg_i deg_j): as P, but symmetric."""
    half = log_W.logsumexp(dim=1).nan_to_num_(neginf=0.0) / 2
    return (log_W - half).sub_(half[:, None]).exp_()


def reached(
    P: Float[Tensor, "N N"], labelled: Bool[Tensor, " N"]
) -> Bool[Tensor, " N"]:
    """Which points have a path to a labelled one."""
    now, before = labelled, None
    while before is None or not torch.equal(now, before):
        before, now = now, now | (P @ now.to(P) > 0)
    return now


def check_reached(model, P: Float[Tensor, "N N"], known: Tensor) -> None:
    """Every point has a path to a labelled one.

    Raises:
        ValueError: some have none, so that nothing is known of their class.
    """
    lost = (~reached(P, known)).nonzero().flatten()
    if len(lost):
        raise ValueError(
            f"{len(lost)} of {len(P)} points have no path to a labelled "
            f"point (the first is row {int(lost[0])}): {cure(model)}, or "
            f"label one of them"
        )


def cure(model) -> str:
    """What joins the pieces of a graph."""
    if callable(model.kernel):
        return "let the kernel join the pieces of the graph"
    if model.kernel == "knn":
        return f"increase n_neighbors (it is {model.n_neighbors})"
    return (
        f"decrease gamma (it is {model.gamma:g}), rescale the features or "
        f"set kernel='knn'"
    )


def weights_to_new(
    model, x: Float[Tensor, "M D"], seen: Float[Tensor, "N D"], X
) -> Float[Tensor, "M N"]:
    """W(x, x_j) / sum_j W(x, x_j) of new points to those of the fit.

    Zero where a given kernel joins a new point to none of them.
    """
    if callable(model.kernel):
        W = tensor(model.kernel(like(X, x), like(X, seen)), x)
        return (W / W.sum(dim=1, keepdim=True)).nan_to_num(nan=0.0)
    d = squared_distances(x, seen)
    if model.kernel == "rbf":
        return d.mul_(-model.gamma).softmax(dim=1)
    nearest = d.topk(model.n_neighbors, dim=1, largest=False).indices
    share = 1 / model.n_neighbors
    return torch.zeros_like(d).scatter_(1, nearest, share)
