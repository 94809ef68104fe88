"""Forward and backward step by step, many sequences side by side.

L. R. Rabiner, A tutorial on hidden Markov models, 1989, section V.A. After
every step the forward probabilities are divided by their sum,
scale_t = p(x_t | x_1 .. x_{t-1}), so that no number underflows. In this module
b_t(k) is divided by its largest value over k, which `top` keeps.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.hmm.layout import Evidence, SideBySide
from course.models.hmm.scan import Scan

TINY = 1e-140  # its square is still a number
NEVER = 1e-100  # a transition that is less probable counts as forbidden


class Scaled:
    """The step-by-step algorithm, for sequences of these lengths."""

    def __init__(self, lengths: tuple[int, ...], device: torch.device):
        self.layout = SideBySide(lengths, device)
        self.rows = self.layout.rows
        self.exact = Scan(lengths, device)

    def log_p(
        self,
        log_b: Float[Tensor, "B L K"],
        pi: Float[Tensor, "B K"],
        A: Float[Tensor, "B K K"],
    ) -> Float[Tensor, "B N"]:
        """Log p(x_n) of every sequence, in nats."""
        b, top = shifted(log_b)
        alpha, scale = forward(b, pi, A, layout=self.layout)
        if self._lost(alpha, scale, log_b=log_b, pi=pi, A=A):
            return self.exact.log_p(self.layout.undo(log_b), pi, A)
        return self.layout.totals(scale.log() + top)

    def posterior(
        self,
        log_b: Float[Tensor, "B L K"],
        pi: Float[Tensor, "B K"],
        A: Float[Tensor, "B K K"],
    ) -> Evidence:
        """Forward, backward, and the sums that the M-step needs."""
        layout, N = self.layout, len(self.layout.lengths)
        b, top = shifted(log_b)
        alpha, scale = forward(b, pi, A, layout=layout)
        if self._lost(alpha, scale, log_b=log_b, pi=pi, A=A):
            e = self.exact.posterior(layout.undo(log_b), pi, A)
            return e._replace(r=e.r[:, self.rows])
        log_p = layout.totals(scale.log() + top)
        w = b.div_(scale.clamp(min=TINY)[..., None]).mul_(alpha > 0)
        r = backward(w, A, layout=layout).mul_(alpha)
        # w is now b_t(j) beta_t(j) / scale_t, and r is alpha times beta
        pairs = layout.earlier(alpha).mT @ w[:, N:] * A
        return Evidence(log_p, r, r[:, :N].sum(1), pairs)

    def _lost(self, alpha, scale, *, log_b, pi, A) -> bool:
        """Whether a probability that matters fell out of the number range.

        Where every transition is possible none matters: what is tiny now has
        a posterior below TINY / NEVER.
        """
        if (scale < TINY).any():
            return True
        if (A > NEVER).all() or not (small := alpha < TINY).any():
            return False
        reached = reachable(log_b > -torch.inf, pi, A, layout=self.layout)
        return bool((small & reached).any())


def shifted(log_b: Tensor) -> tuple[Tensor, Tensor]:
    """exp(log_b - top) with top = max_k log_b, and top."""
    top = log_b.amax(-1).clamp(min=torch.finfo(log_b.dtype).min)
    return (log_b - top[..., None]).exp_(), top


def forward(
    b: Float[Tensor, "B L K"],
    pi: Float[Tensor, "B K"],
    A: Float[Tensor, "B K K"],
    *,
    layout: SideBySide,
) -> tuple[Float[Tensor, "B L K"], Float[Tensor, "B L"]]:
    """alpha_t(j) = b_t(j) sum_i alpha_{t-1}(i) a_ij / scale_t, and scale."""
    alpha, scale = torch.empty_like(b), torch.empty_like(b[..., :1])
    previous = 0
    for n, now in zip(layout.alive, layout.offset, strict=True):
        a, s = alpha[:, now : now + n], scale[:, now : now + n]
        if now:
            torch.bmm(alpha[:, previous : previous + n], A, out=a)
            a.mul_(b[:, now : now + n])
        else:
            torch.mul(pi[:, None], b[:, :n], out=a)
        torch.sum(a, -1, keepdim=True, out=s)
        a.div_(s)
        previous = now
    return alpha, scale[..., 0]


def backward(
    w: Float[Tensor, "B L K"], A: Float[Tensor, "B K K"], *, layout: SideBySide
) -> Float[Tensor, "B L K"]:
    """beta_t(i) = sum_j a_ij w_{t+1}(j), where w = b beta / scale.

    On entry w is b / scale; every beta is multiplied into it in passing.
    """
    beta, back = torch.ones_like(w), A.mT.contiguous()
    spans = list(zip(layout.alive, layout.offset, strict=True))
    for t in range(len(spans) - 1, 0, -1):
        (n, now), (_, previous) = spans[t], spans[t - 1]
        here = w[:, now : now + n]
        here.mul_(beta[:, now : now + n])
        torch.bmm(here, back, out=beta[:, previous : previous + n])
    return beta


def reachable(
    possible: Tensor, pi: Tensor, A: Tensor, *, layout: SideBySide
) -> Tensor:
    """Whether some path of positive probability leads to (t, k)."""
    reach, step = torch.zeros_like(possible), (A > 0).to(A)
    previous = 0
    for n, now in zip(layout.alive, layout.offset, strict=True):
        if now:
            came = reach[:, previous : previous + n].to(A) @ step > 0
        else:
            came = (pi > 0)[:, None]
        reach[:, now : now + n] = came & possible[:, now : now + n]
        previous = now
    return reach
