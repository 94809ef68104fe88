"""Label propagation and spreading: closed forms, iterations, energies.

F has a row for each point and a column for each class. P is the random walk on
the graph and S its symmetric twin, S_ij = W_ij / sqrt(deg_i deg_j).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Square = Float[Tensor, "N N"]
Scores = Float[Tensor, "N K"]


@dataclass
class Run:
    """The scores that a solver found, the energies on its way, and the end."""

    F: Tensor
    history: list = field(default_factory=list)
    converged: bool = True


def spread(S: Square, Y: Scores, alpha: float | int) -> Scores:
    """F = (1 - alpha) (I - alpha S)^-1 Y (Zhou et al. 2004).

    I - alpha S has no positive entry beside its diagonal. In its Cholesky
    solution numbers of one sign are added, so that even a score of 1e-30, far
    from every label, is right to many digits.
    """
    A = (-alpha * S).add_(torch.eye(len(S)).to(S))
    root = torch.linalg.cholesky(A)
    return torch.cholesky_solve((1 - alpha) * Y, root)


def harmonic(P: Square, Y: Scores, known: Bool[Tensor, " N"]) -> Scores:
    """F_l = Y_l and F_u = (I - P_uu)^-1 P_ul Y_l (Zhu and Ghahramani 2002)."""
    F, u = Y.clone(), ~known
    if u.any():
        A = torch.eye(int(u.sum())).to(P) - P[u][:, u]
        right = P[u][:, known] @ Y[known]
        F[u], _ = torch.linalg.solve_ex(A, right)
        F = F.clamp(min=0)  # rounding may leave -1e-17
    return F


def spreading_step(
    S: Square, Y: Scores, alpha: float | int, F: Scores
) -> tuple[Scores, Tensor]:
    """Alpha S F + (1 - alpha) Y, and the energy of F."""
    SF = S @ F
    smooth, loyal = (F * (F - SF)).sum(), (F - Y).square().sum()
    energy = (alpha * smooth + (1 - alpha) * loyal) / 2
    return alpha * SF + (1 - alpha) * Y, energy


def propagation_step(
    P: Square, Y: Scores, known: Bool[Tensor, " N"], deg: Tensor, F: Scores
) -> tuple[Scores, Tensor]:
    """P F with the known rows put back, and the energy of F."""
    PF = P @ F
    energy = (deg * (F * (F - PF)).sum(dim=1)).sum() / 2
    return torch.where(known[:, None], Y, PF), energy


def iterate(
    step: Callable, F: Scores, *, tol: float | int, max_iter: int
) -> Run:
    """Repeat a step until no row changes by a share tol of its sum.

    A row that no label has reached is zero; its share, 0 / 0, is above any tol.
    """
    run = Run(F, converged=False)
    for _ in range(max_iter):
        new, energy = step(run.F)
        run.history.append(energy.item())
        change = (new - run.F).abs().sum(dim=1) / new.sum(dim=1)
        run.F, run.converged = new, bool((change < tol).all())
        if run.converged:
            break
    run.history.append(step(run.F)[1].item())
    return run
