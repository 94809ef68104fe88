"""Label propagation and spreading: closed forms, iterations, energies.

F has a row for each point and a column for each class. P is the random walk on
the graph and S its symmetric twin, S_ij = W_ij / sqrt(deg_i deg_j).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

BLOCK = 64  # points that are taken out at a time
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
    walk = torch.cat([P[u][:, u], P[u][:, known] @ Y[known]], dim=1)
    F[u] = absorb(walk)
    return F


def absorb(T: Float[Tensor, "U V"]) -> Tensor:
    """Where walks end, (I - P)^-1 R from T = [P, R]; T is used up.

    Points are taken out of the walk, a block at a time: who would step to one
    steps where it would go next. Nothing is ever subtracted, so that walks
    which get away once in 1e30 steps are followed exactly (Grassmann, Taksar
    and Heyman 1985).
    """
    U, F = len(T), T[:, len(T) :]
    blocks = [slice(i, min(i + BLOCK, U)) for i in range(0, U, BLOCK)]
    for b in blocks:
        take_out(T[b, b.start :])
        T[b.stop :, b.stop :] += T[b.stop :, b] @ T[b, b.stop :]
    for b in reversed(blocks):
        F[b] += T[b, b.stop : U] @ F[b.stop :]
    return F


def take_out(T: Float[Tensor, "b V"]) -> None:
    """Take the first b points out of their own rows, in place."""
    for k in range(len(T)):
        T[k, k] = 0
        T[k] /= T[k].sum()
        to_k = T[:, k].clone()
        T[:, k] = 0
        T += to_k[:, None] * T[k]


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
