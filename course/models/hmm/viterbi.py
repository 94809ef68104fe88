"""The most probable path of states (Viterbi 1967), for one model.

max over z of log p(x, z): the forward recursion with maximum for the sum, then
back along the best predecessors. Both have a step-by-step form and a parallel
one: maximum and plus make a chain of matrices, and the predecessors a chain of
maps, whose composition is associative.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.models.hmm.layout import EndToEnd, SideBySide
from course.models.hmm.scan import Scan, prefix, steady

Path = Int[Tensor, " L"]


def best_path(
    log_b: Float[Tensor, "L K"],
    log_pi: Float[Tensor, " K"],
    log_A: Float[Tensor, "K K"],
    *,
    layout: SideBySide,
) -> Path:
    """The best state at every step; the rows of log_b are side by side."""
    delta, psi = torch.empty_like(log_b), torch.zeros_like(log_b).long()
    spans = list(zip(layout.alive, layout.offset, strict=True))
    delta[: spans[0][0]] = log_pi + log_b[: spans[0][0]]
    for t in range(1, len(spans)):
        (n, now), (_, previous) = spans[t], spans[t - 1]
        came = delta[previous : previous + n, :, None] + log_A
        top, psi[now : now + n] = came.max(dim=1)
        top = top + log_b[now : now + n]
        delta[now : now + n] = steady(top[..., None])[..., 0]
    z = delta.argmax(-1)
    for t in range(len(spans) - 1, 0, -1):
        (n, now), (_, previous) = spans[t], spans[t - 1]
        after = z[now : now + n, None]
        back = psi[now : now + n].gather(1, after)
        z[previous : previous + n] = back[:, 0]
    return z


def best_path_by_scan(
    log_b: Float[Tensor, "L K"],
    log_pi: Float[Tensor, " K"],
    log_A: Float[Tensor, "K K"],
    *,
    scan: Scan,
) -> Path:
    """The best state at every step; the rows of log_b are end to end."""
    delta = scan.forward(log_b[None], log_pi[None], log_A[None], torch.maximum)
    came = delta[0, :, :, None] + log_A
    psi = came.argmax(dim=1)  # at t, for every z_{t+1}
    last = scan.layout.is_first.roll(-1)[:, None]
    psi = torch.where(last, delta[0].argmax(-1, keepdim=True), psi)

    def compose(p, q):
        """First the maps p, then the maps q."""
        return (q[0].gather(-1, p[0]),)

    (maps,) = prefix(compose, psi.flip(0)[None])
    return maps[0, :, 0].flip(0)  # at an end all entries of psi are equal


def log_joint(
    z: Path,
    log_b: Float[Tensor, "L K"],
    log_pi: Float[Tensor, " K"],
    log_A: Float[Tensor, "K K"],
    *,
    layout: EndToEnd,
) -> Float[Tensor, " N"]:
    """Log p(x_n, z_n) of every sequence and its path, end to end, in nats."""
    came = log_A[z.roll(1), z]
    came = torch.where(layout.is_first, log_pi[z], came)
    emitted = log_b.gather(-1, z[:, None])[:, 0]
    return layout.totals((came + emitted)[None])[0]
