"""Lloyd's iterations, many runs at once (Lloyd 1982).

Every run has its own centres mu, shape (K, D); a batch of runs is (B, K, D).
Both halves of an iteration are matrix products: the distances to all centres,
and the sums over all clusters.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

CACHE = 2**17  # numbers in a block of rows: it then stays in the cache
LOSS = 1000  # a difference may be so much smaller than its terms, no more


class Evidence(NamedTuple):
    """What one pass over the rows says about the centres mu of each run.

    J: sum_n |x_n - mu_{z_n}|^2, the objective, shape (B,).
    z: the nearest centre of every row, shape (B, N).
    S: sum_n r_nk [x_n, |x_n|^2, 1], with r_nk = 1 where z_n = k and else 0,
        shape (B, K, D + 2).
    """

    J: Float[Tensor, " B"]
    z: Int[Tensor, "B N"]
    S: Float[Tensor, "B K F"]


def features(x: Float[Tensor, "N D"]) -> Float[Tensor, "F N"]:
    """[x_n, |x_n|^2, 1] of every row, as a column."""
    square = x.square().sum(dim=1, keepdim=True)
    return torch.cat([x, square, torch.ones_like(square)], 1).T.contiguous()


def gather(phi: Float[Tensor, "F N"], mu: Float[Tensor, "B K D"]) -> Evidence:
    """Assign every row to its nearest centre; sum up each cluster.

    The nearest centre is the closest, with the largest product
    mu_k . x - |mu_k|^2 / 2 = (|x|^2 - |x - mu_k|^2) / 2.
    """
    (B, K, D), zs = mu.shape, []
    theta, c = mu.reshape(B * K, D), mu.square().sum(dim=2).view(-1, 1) / -2
    J, S = phi[-2].sum().repeat(B), mu.new_zeros(B, K, len(phi))
    for block in phi.split(block_rows(B * K + len(phi)), dim=1):
        score = torch.addmm(c, theta, block[:-2]).view(B, K, -1)
        closest, z = score.max(dim=1)
        J -= 2 * closest.sum(dim=1)
        S += sums(block, z, K)
        zs.append(z)
    z = torch.cat(zs, dim=1)
    return Evidence(careful(J, phi, mu=mu, z=z), z, S)


def sums(
    phi: Float[Tensor, "F n"], z: Int[Tensor, "B n"], K: int
) -> Float[Tensor, "B K F"]:
    """The product r phi^T, with r_nk = 1 where z_n = k and else 0.

    On a processor, adding columns is faster than multiplying zeros; on a GPU
    it would be slow, and its rounding would change from run to run.
    """
    return product(phi, z, K) if phi.is_cuda else added(phi, z, K)


def product(phi: Tensor, z: Tensor, K: int) -> Tensor:
    """The sums of columns of each cluster, by a matrix product."""
    r = phi.new_zeros(len(z), K, z.shape[1]).scatter_(1, z[:, None], 1.0)
    return r @ phi.T


def added(phi: Tensor, z: Tensor, K: int) -> Tensor:
    """The same sums, one column added after the other."""
    B, F = len(z), len(phi)
    slot = z + K * torch.arange(B, device=z.device)[:, None]
    S = phi.new_zeros(F, B * K)
    columns = phi[:, None].expand(F, B, -1).reshape(F, -1)
    S.index_add_(1, slot.flatten(), columns)
    return S.T.view(B, K, F)


def careful(
    J: Float[Tensor, " B"], phi: Float[Tensor, "F N"], *, mu: Tensor, z: Tensor
) -> Float[Tensor, " B"]:
    """J, term by term where it is small beside sum_n |x_n|^2.

    There |x|^2 - 2 mu . x + |mu|^2 has lost digits.
    """
    x, least = phi[:-2].T, phi[-2].sum() / LOSS
    for b in J.lt(least).nonzero().flatten().tolist():
        J[b] = (x - mu[b, z[b]]).square().sum()
    return J


def block_rows(width: int) -> int:
    """How many rows of so many numbers fit the cache."""
    return max(CACHE // width, 32)


def means(
    phi: Float[Tensor, "F N"], mu: Float[Tensor, "B K D"], found: Evidence
) -> Float[Tensor, "B K D"]:
    """The next centres: mu_k = sum_n r_nk x_n / N_k with N_k = sum_n r_nk."""
    S = found.S
    if (S[..., -1] == 0).any():
        S = refill(phi, mu, z=found.z, S=S)
    return S[..., :-2] / S[..., -1:]


def refill(
    phi: Float[Tensor, "F N"], mu: Float[Tensor, "B K D"], *, z, S
) -> Float[Tensor, "B K F"]:
    """S, after each empty cluster took the row farthest from its centre.

    A row that is alone in its cluster is not taken. The objective cannot rise:
    the row's own term becomes zero, and those it leaves get a better mean.
    """
    x, z, S = phi[:-2].T, z.clone(), S.clone()
    for b, k in (S[..., -1] == 0).nonzero().tolist():
        distance = (x - mu[b, z[b]]).square().sum(dim=1)
        alone = S[b, z[b], -1] < 2
        n = distance.masked_fill(alone, -1).argmax()
        S[b, z[b, n]] -= phi[:, n]
        S[b, k] += phi[:, n]
        z[b, n] = k
    return S


@dataclass
class Run:
    """One run: the objective by iteration, and the centres that reached it."""

    mu: Tensor
    history: list = field(default_factory=list)
    z: Tensor | None = None
    converged: bool = False

    def record(self, J: float, mu: Tensor, z: Tensor, tol: float) -> None:
        """Note the next centres; stop where they change nothing any more."""
        if self.history:
            same = torch.equal(z, self.z)
            fall = self.history[-1] - J
            self.converged = same or fall <= tol * self.history[0]
            if fall < 0:  # by rounding alone
                return
        self.history.append(J)
        self.mu, self.z = mu, z


def lloyd(
    x: Float[Tensor, "N D"],
    mu: Float[Tensor, "B K D"],
    *,
    tol: float,
    max_iter: int,
) -> list[Run]:
    """Iterate from the centres mu until each run has converged.

    Args:
        x: the rows.
        mu: where each run starts.
        tol: a run ends when J falls by no more than tol times its first value.
        max_iter: the most iterations.
    """
    runs = active = [Run(start) for start in mu]
    phi = features(x)
    for _ in range(max_iter + 1):
        found = gather(phi, mu)
        for b, J in enumerate(found.J.tolist()):
            active[b].record(J, mu[b], found.z[b], tol)
        keep = [b for b, run in enumerate(active) if not run.converged]
        if not keep:
            break
        active = [active[b] for b in keep]
        mu = means(phi, mu[keep], Evidence(*(part[keep] for part in found)))
    return runs
