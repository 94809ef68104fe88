"""Newton's method for a convex objective: steps that know the curvature."""

from typing import NamedTuple

import torch
from torch import Tensor

from course.models.linear.objective import Objective

HALVINGS = 40


class Run(NamedTuple):
    """Where a run ended, the objective on the way, and whether it arrived."""

    theta: Tensor
    history: list[float]
    converged: bool


def newton(
    J: Objective, theta: Tensor, *, tol: float | int, max_iter: int
) -> Run:
    """Minimise J: theta <- theta - H^+ g, halved while J does not fall enough.

    It stops after a step that promised less than `tol`: g^T H^+ g / 2, which is
    the fall of the parabola that touches J (S. Boyd, L. Vandenberghe, Convex
    Optimization, 2004, section 9.5). H^+ is the pseudo-inverse: a direction
    in which J is flat is left alone.
    """
    history, fall = [J.loss(theta).item()], torch.inf
    while fall >= tol and len(history) <= max_iter:
        g = J.gradient(theta)
        inverse = torch.linalg.pinv(J.hessian(theta), hermitian=True)
        d = (inverse @ g.flatten()).view(theta.shape)
        fall = (g * d).sum().item() / 2
        theta = theta - (d if fall < tol else shortened(J, theta, d, fall))
        history.append(J.loss(theta).item())
    return Run(theta, history, fall < tol)


def shortened(J: Objective, theta: Tensor, d: Tensor, fall: float) -> Tensor:
    """The step d, halved until J falls by a share of what d promises."""
    here = J.loss(theta)
    slack = 4 * torch.finfo(here.dtype).eps * here.abs()  # of rounding
    for _ in range(HALVINGS):
        if J.loss(theta - d) <= here - 1e-4 * fall + slack:
            break
        d, fall = d / 2, fall / 2
    return d
