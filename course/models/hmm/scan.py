"""Forward, backward and best paths by a parallel prefix, in log space.

The forward recursion is a product of K x K matrices, and a product of matrices
is associative: with enough processors all T prefixes take O(log T) rounds
(G. E. Blelloch, Prefix sums and their applications, 1990; for these models
S. S. Hassan, S. Sarkka and A. F. Garcia-Fernandez, 2021, arXiv:2102.05743).
"Plus" is logaddexp for sums over paths and maximum for the best path. Nothing
is lost in log space.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.models.hmm.layout import EndToEnd, Evidence

BLOCK = 2**20  # numbers in a block of matrices


def prefix(op: Callable, *parts: Tensor) -> tuple[Tensor, ...]:
    """All products e_1, e_1 e_2, e_1 e_2 e_3, ... along the second axis.

    Pairs of neighbours are multiplied, the prefixes of the pairs are found in
    the same way, and one more product fills the gaps.
    """
    T = parts[0].shape[1]
    if T == 1:
        return parts
    odd = prefix(
        op,
        *op(
            [p[:, 0 : T - 1 : 2] for p in parts],
            [p[:, 1::2] for p in parts],
        ),
    )
    gaps = op([p[:, : (T - 1) // 2] for p in odd], [p[:, 2::2] for p in parts])
    result = [torch.empty_like(p) for p in parts]
    for whole, p, o, g in zip(result, parts, odd, gaps, strict=True):
        whole[:, :1], whole[:, 1::2], whole[:, 2::2] = p[:, :1], o, g
    return tuple(result)


def product(P: Tensor, Q: Tensor, plus: Callable) -> Tensor:
    """Plus over k of P_ik + Q_kj: a matrix product in log space."""
    R = P[..., :, 0, None] + Q[..., None, 0, :]
    for k in range(1, Q.shape[-2]):
        R = plus(R, P[..., :, k, None] + Q[..., None, k, :])
    return R


def steady(M: Tensor) -> Tensor:
    """M less its largest entry: only differences within M matter."""
    top = M.amax((-2, -1), keepdim=True)
    return M - top.nan_to_num(neginf=0.0)


def chain(
    E: Callable,
    reset: Bool[Tensor, " L"],
    *,
    size: tuple[int, int],
    plus: Callable,
) -> Float[Tensor, "B L K"]:
    """v_t(j) = plus_i v_{t-1}(i) + E_t(i, j), up to a constant for each t.

    Args:
        E: gives E_t for a slice of the time, shape (B, l, K, K).
        reset: where v_t forgets what was before; all rows of E_t are equal.
        size: B and K.
        plus: logaddexp or maximum.
    """

    def op(p, q):
        (P, begun), (Q, begins) = p, q
        R = torch.where(begins, Q, steady(product(P, Q, plus)))
        return R, begun | begins

    (B, K), L = size, len(reset)
    length, found, v = max(BLOCK // (B * K * K), 1), [], None
    for start in range(0, L, length):
        part = slice(start, min(start + length, L))
        begins = reset[None, part, None, None]
        P, begun = prefix(op, E(part), begins.expand(B, -1, -1, -1))
        rows = P[:, :, :1]  # of a matrix whose rows are equal
        if v is not None:
            past = steady(product(v[:, None], P, plus))
            rows = torch.where(begun, rows, past)
        found.append(rows[:, :, 0])
        v = rows[:, -1]
    return torch.cat(found, dim=1)


class Scan:
    """Forward-backward by parallel prefixes, for sequences end to end."""

    def __init__(self, lengths: tuple[int, ...], device: torch.device):
        self.layout = EndToEnd(lengths, device)
        self.rows = self.layout.rows

    def log_p(self, log_b: Tensor, pi: Tensor, A: Tensor) -> Tensor:
        """Log p(x_n) of every sequence, shape (B, N), in nats."""
        return self._filter(log_b, pi.log(), A.log())[1]

    def posterior(self, log_b: Tensor, pi: Tensor, A: Tensor) -> Evidence:
        """Forward, backward, and the sums that the M-step needs."""
        log_pi, log_A = pi.log(), A.log()
        alpha, log_p = self._filter(log_b, log_pi, log_A)
        beta = self._backward(log_b, log_A)
        r = (alpha + beta).softmax(-1)
        pairs = self._pairs(alpha, log_b + beta, log_A)
        return Evidence(log_p, r, r[:, self.layout.begin].sum(1), pairs)

    def forward(self, log_b, log_pi, log_A, plus=torch.logaddexp) -> Tensor:
        """Log alpha, or log delta with plus = maximum, up to constants."""
        first = self.layout.is_first

        def E(part):
            came = torch.where(
                first[part, None, None], log_pi[:, None, None], log_A[:, None]
            )
            return came + log_b[:, part, None, :]

        size = (log_b.shape[0], log_b.shape[2])
        return chain(E, first, size=size, plus=plus)

    def _backward(self, log_b: Tensor, log_A: Tensor) -> Tensor:
        """Log beta, up to a constant for each t: the chain in reverse."""
        last = self.layout.is_first.roll(-1).flip(0)
        ahead = log_b.roll(-1, 1).flip(1)  # b_{t+1}, the latest t first

        def E(part):
            M = log_A.mT[:, None] + ahead[:, part, :, None]
            return torch.where(last[part, None, None], 0.0, M)

        size = (log_b.shape[0], log_b.shape[2])
        return chain(E, last, size=size, plus=torch.logaddexp).flip(1)

    def _filter(self, log_b, log_pi, log_A) -> tuple[Tensor, Tensor]:
        """Log p(z_t | x_1 .. x_t), and log p(x_n)."""
        alpha = self.forward(log_b, log_pi, log_A)
        alpha = alpha - alpha.logsumexp(-1, keepdim=True).nan_to_num(neginf=0.0)
        before = alpha.roll(1, 1)[:, :, None]
        came = product(before, log_A[:, None], torch.logaddexp)[:, :, 0]
        first = self.layout.is_first[:, None]
        came = torch.where(first, log_pi[:, None], came)
        return alpha, self.layout.totals((came + log_b).logsumexp(-1))

    def _pairs(self, alpha: Tensor, ahead: Tensor, log_A: Tensor) -> Tensor:
        """Sum over t of p(z_{t-1} = i, z_t = j | x)."""
        total = torch.zeros_like(log_A)
        later = (~self.layout.is_first).nonzero()[:, 0]
        for t in later.split(max(BLOCK // log_A.numel(), 1)):
            xi = alpha[:, t - 1, :, None] + ahead[:, t, None, :]
            xi = (xi + log_A[:, None]).flatten(2).softmax(-1)
            total += xi.sum(1).view_as(total)
        return total
