"""The dual problem of the support vector machine, many at once.

Problem p has the examples with y = 1 or -1; the others have y = 0 and take no
part. Signed coefficients u, with u_n y_n between 0 and C, are to

    maximise  y . u - u . K u / 2   subject to  sum_n u_n = 0.

The gradient g = y - K u is the error of a machine without intercept. Raising
u_i and lowering u_j by the same amount keeps the sum.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Coefficients = Float[Tensor, "P N"]
FLAT = 1e-12  # the least curvature of a pair; the share of C that is no room


class Pair(NamedTuple):
    """Which coefficient rises and which falls, in every problem.

    gap: the largest g that may rise minus the smallest that may fall; at an
        optimum it is not positive.
    slope, curve: of the objective along the pair, g_i - g_j and |x_i - x_j|^2
        in the space of the features.
    """

    i: Int64[Tensor, " P"]
    j: Int64[Tensor, " P"]
    gap: Float[Tensor, " P"]
    slope: Float[Tensor, " P"]
    curve: Float[Tensor, " P"]


class Solution(NamedTuple):
    """Signed coefficients, intercepts, objectives and steps of P problems.

    history has the objectives before the first step and after every one.
    """

    u: Coefficients
    b: Float[Tensor, " P"]
    history: Float[Tensor, "T P"]
    steps: Int64[Tensor, " P"]
    converged: bool


class Dual:
    """P dual problems that share a kernel matrix, shape (N, N).

    Args:
        kernel: K_nm = kernel(x_n, x_m).
        y: shape (P, N), of 1, -1 and 0.
        C: the largest coefficient.
    """

    def __init__(
        self, kernel: Float[Tensor, "N N"], y: Coefficients, C: float | int
    ):
        self.kernel, self.y = kernel, y
        self.low, self.high = C * y.clamp(max=0), C * y.clamp(min=0)
        self.least = FLAT * C

    def movable(
        self, u: Coefficients
    ) -> tuple[Bool[Tensor, "P N"], Bool[Tensor, "P N"]]:
        """Which coefficients may rise, and which may fall."""
        return self.high - u > self.least, u - self.low > self.least

    def choose(self, u: Coefficients, g: Coefficients) -> Pair:
        """The largest g_i that may rise; j gains most with it, slope^2/curve.

        Source: Fan, Chen, Lin (2005), working set selection 2.
        """
        rise, fall = self.movable(u)
        top, i = g.masked_fill(~rise, -torch.inf).max(dim=1)
        slope = top[:, None] - g.masked_fill(~fall, torch.inf)
        square = self.kernel.diagonal()
        curve = square[i][:, None] + square - 2 * self.kernel[i]
        curve = curve.clamp(min=FLAT)
        j = (slope.clamp(min=0).square() / curve).argmax(dim=1)
        p = torch.arange(len(u), device=u.device)
        return Pair(i, j, slope.amax(dim=1), slope[p, j], curve[p, j])

    def move(
        self, u: Coefficients, g: Coefficients, pair: Pair
    ) -> tuple[Coefficients, Coefficients]:
        """U_i + t and u_j - t, with the best t in the bounds; g follows."""
        i, j = pair.i[:, None], pair.j[:, None]
        room_up = self.high.gather(1, i) - u.gather(1, i)
        room_down = u.gather(1, j) - self.low.gather(1, j)
        t = (pair.slope / pair.curve).clamp(min=0)[:, None]
        t = t.minimum(room_up).minimum(room_down)
        u = u.scatter_add(1, i, t).scatter_add(1, j, -t)
        return u, g - t * (self.kernel[pair.i] - self.kernel[pair.j])

    def objective(
        self, u: Coefficients, g: Coefficients
    ) -> Float[Tensor, " P"]:
        """Y . u - u . K u / 2, which is u . (y + g) / 2."""
        return (u * (self.y + g)).sum(dim=1) / 2

    def intercept(
        self, u: Coefficients, g: Coefficients
    ) -> Float[Tensor, " P"]:
        """The mean of g over 0 < |u| < C, or the middle of what is allowed."""
        rise, fall = self.movable(u)
        free = rise & fall
        top = g.masked_fill(~rise, -torch.inf).amax(dim=1)
        bottom = g.masked_fill(~fall, torch.inf).amin(dim=1)
        mean = (g * free).sum(dim=1) / free.sum(dim=1).clamp(min=1)
        return torch.where(free.any(dim=1), mean, (top + bottom) / 2)


def solve(dual: Dual, *, tol: float | int, max_iter: int) -> Solution:
    """Sequential minimal optimisation: pairs, until every gap is at most tol.

    Source: Platt (1999).
    """
    u, g = torch.zeros_like(dual.y), dual.y
    steps = torch.zeros(len(u), dtype=torch.int64, device=u.device)
    history = [dual.objective(u, g)]
    while True:
        pair = dual.choose(u, g)
        active = pair.gap > tol
        if len(history) > max_iter or not active.any():
            break
        still = torch.zeros_like(pair.slope)
        pair = pair._replace(slope=torch.where(active, pair.slope, still))
        u, g = dual.move(u, g, pair)
        steps += active
        history.append(dual.objective(u, g))
    return Solution(
        u,
        dual.intercept(u, g),
        torch.stack(history),
        steps,
        not active.any().item(),
    )
