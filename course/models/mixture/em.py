"""Expectation-maximisation, many runs at once (Dempster, Laird, Rubin 1977).

A run is a restart, or a number of components. Every tensor of a state has the
runs along its first axis, (B, K, ...); a run with fewer than K components has
weight zero in the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

CACHE = 2**17  # numbers in a block of rows: it then stays in the cache


class Evidence(NamedTuple):
    """What one pass over the rows leaves for the M-step.

    log_p: sum_n log p(x_n), one for each run, shape (B,).
    S: sum_n r_nk features(x_n), shape (B, K, F).
    """

    log_p: Float[Tensor, " B"]
    S: Float[Tensor, "B K F"]


def e_step(
    log_joint: Float[Tensor, "B K n"],
) -> tuple[Float[Tensor, "B n"], Float[Tensor, "B K n"]]:
    """Log p(x_n) and r_nk = p(k | x_n), by Bayes' rule, from log p(k, x_n)."""
    log_p = log_joint.logsumexp(dim=1)
    r = (log_joint - log_p[:, None]).exp()
    return log_p, r


def gather(
    x: Float[Tensor, "N D"], theta: Float[Tensor, "B K F"], features: Callable
) -> Evidence:
    """One pass over x: the E-step, and the sums that the M-step needs.

    Two matrix products, since log p(k, x) = theta_k . features(x).
    """
    B, K, F = theta.shape
    theta = theta.reshape(B * K, F)
    total, S = theta.new_zeros(B), torch.zeros_like(theta)
    for block in x.split(block_rows(B * K + F)):
        phi = features(block)  # (F, n)
        log_p, r = e_step((theta @ phi).view(B, K, -1))
        S += r.view(B * K, -1) @ phi.T
        total += log_p.sum(dim=1)
    return Evidence(total, S.view(B, K, F))


def block_rows(width: int) -> int:
    """How many rows of so many numbers fit the cache."""
    return max(CACHE // width, 32)


@dataclass
class Run:
    """One run: the objective by iteration, and the state that reached it."""

    history: list = field(default_factory=list)
    state: list = field(default_factory=list)
    converged: bool = False
    failed: bool = False

    def record(self, value: float, state: list, tol: float) -> None:
        """Note the next state; one that is worse ends the run before it."""
        rise = value - self.history[-1] if self.history else float("inf")
        self.failed = value != value  # a covariance without an inverse
        self.converged = rise < tol
        if not self.failed and rise >= 0:
            self.history.append(value)
            self.state = state

    @property
    def objective(self) -> float:
        """The last value of the objective; minus infinity after a failure."""
        return -float("inf") if self.failed else self.history[-1]


def climb(
    step: Callable, state: Any, *, tol: float, max_iter: int
) -> list[Run]:
    """Take EM steps until each run's objective rises by less than tol.

    Args:
        step: maps a state to its objective, shape (B,), and the next state.
        state: where to start; its tensors have the runs along the first axis.
        tol: the least rise, in the units of the objective.
        max_iter: the most steps.
    """
    runs = [Run() for _ in state[0]]
    active = runs
    for _ in range(max_iter + 1):
        objective, following = step(state)
        for b, value in enumerate(objective.tolist()):
            active[b].record(value, [part[b] for part in state], tol)
        keep = [b for b, run in enumerate(active) if not done(run)]
        active = [active[b] for b in keep]
        if not active:
            break
        state = select(following, keep)
    return runs


def done(run: Run) -> bool:
    """Whether a run has ended."""
    return run.converged or run.failed


def select(state: Any, runs: list[int]) -> Any:
    """The state of some of the runs."""
    index = torch.as_tensor(runs, device=state[0].device)
    return type(state)(*(part[index] for part in state))
