"""Label propagation and label spreading, with scikit-learn's manners."""

from functools import partial

from course.models.semi_supervised.base import Graph
from course.models.semi_supervised.graph import random_walk, symmetric
from course.models.semi_supervised.solve import (
    harmonic,
    propagation_step,
    spread,
    spreading_step,
)


class LabelPropagation(Graph):
    """Known labels stay; every other point is the mean of its neighbours.

    Minimises 1/4 sum_ij W_ij |F_i - F_j|^2 with F_l = Y_l held fixed. The
    minimum is F_u = (I - P_uu)^-1 P_ul Y_l with P_ij = W_ij / sum_j W_ij
    (Zhu and Ghahramani 2002; Zhu, Ghahramani and Lafferty 2003).

    Args:
        kernel: rbf (W_ij = exp(-gamma |x_i - x_j|^2)), knn (W_ij = 1 if one
            is among the n_neighbors nearest of the other, itself not
            counted: symmetric, unlike scikit-learn's), or a function of two
            arrays that gives W.
        gamma: of the kernel rbf, in 1 / (unit of the features)^2.
        n_neighbors: of the kernel knn.
        solver: direct (a linear system), or iteration (F <- P F with the
            known labels put back).
        tol, max_iter: the iteration stops once no row of F changes by a share
            tol of its sum.

    Attributes:
        classes_: shape (K,), in order.
        label_distributions_: F, shape (N, K); rows sum to 1.
        transduction_: the class of every row of the fit, shape (N,).
        history_: the energy, at the start F = Y and after each step (the
            last value is that of the result). It never rises.
        n_iter_, converged_: steps taken; whether they ended by tol.
        X_: the rows of the fit.

    Raises:
        ValueError: in `fit`, if labels are continuous or all -1, or if a
            point has no path to a label.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        kernel="rbf",
        *,
        gamma=20,
        n_neighbors=7,
        solver="direct",
        max_iter=10_000,
        tol=1e-9,
    ):
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol

    def _problem(self, log_W, Y, known):
        P, deg = random_walk(log_W), log_W.logsumexp(dim=1).exp()
        step = partial(propagation_step, P, Y, known, deg)
        return P, step, partial(harmonic, P, Y, known)


class LabelSpreading(Graph):
    """Every point takes a share alpha of its scores from its neighbours.

    Minimises alpha/4 sum_ij W_ij |F_i / sqrt(deg_i) - F_j / sqrt(deg_j)|^2
    + (1 - alpha)/2 sum_i |F_i - Y_i|^2. The minimum is
    F = (1 - alpha) (I - alpha S)^-1 Y, S_ij = W_ij / sqrt(deg_i deg_j)
    (Zhou, Bousquet, Lal, Weston and Schoelkopf 2004). Known labels may
    change.

    Args:
        alpha: between 0 (keep the labels) and 1 (only the neighbours count).
        kernel, gamma, n_neighbors, solver, tol, max_iter: as those of
            `LabelPropagation`; the iteration is F <- alpha S F + (1-alpha) Y.

    Attributes:
        classes_, transduction_, history_, n_iter_, converged_, X_: as those
            of `LabelPropagation`.
        label_distributions_: F with each row divided by its sum.

    Raises:
        ValueError: as in `LabelPropagation`.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        kernel="rbf",
        *,
        gamma=20,
        n_neighbors=7,
        alpha=0.2,
        solver="direct",
        max_iter=10_000,
        tol=1e-9,
    ):
        self.kernel = kernel
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol

    def _problem(self, log_W, Y, known):
        S, alpha = symmetric(log_W), float(self.alpha)
        step = partial(spreading_step, S, Y, alpha)
        return S, step, partial(spread, S, Y, alpha)
