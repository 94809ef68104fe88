"""Baum-Welch: expectation-maximisation for hidden Markov models.

L. E. Baum, T. Petrie, G. Soules and N. Weiss, 1970. Restarts run together:
every tensor of a state has the runs along its first axis.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

State = tuple[Tensor, ...]  # pi (B, K), A (B, K, K), then the emission's


@runtime_checkable
class Emission(Protocol):
    """How states emit; theta are its parameters, runs along the first axis."""

    def log_b(self, *theta: Tensor) -> Float[Tensor, "B L K"]:
        """Log p(x_t | z_t = k)."""

    def m_step(self, r: Float[Tensor, "B L K"], *theta: Tensor) -> State:
        """Parameters that maximise sum_tk r_tk log b_k(x_t)."""

    def log_prior(self, *theta: Tensor) -> float | Float[Tensor, " B"]:
        """What is added to the log-likelihood; zero without a prior."""


def baum_welch(
    chains: Any, emission: Emission, state: State
) -> tuple[Float[Tensor, " B"], State]:
    """The objective of a state, in nats per step, and the next state."""
    pi, A, *theta = state
    log_b = emission.log_b(*theta)
    e = chains.posterior(log_b, pi, A)
    goal = e.log_p.sum(-1) + emission.log_prior(*theta)
    following = (
        proportions(e.first, pi),
        proportions(e.pairs, A),
        *emission.m_step(e.r, *theta),
    )
    return goal / log_b.shape[1], following


def proportions(
    counts: Float[Tensor, "... K"], old: Float[Tensor, "... K"]
) -> Float[Tensor, "... K"]:
    """Counts over their sum; the old ones where nothing was counted."""
    total = counts.sum(-1, keepdim=True)
    return (counts / total).where(total > 0, old)


@dataclass
class Run:
    """One run: the objective by iteration, and the state that reached it."""

    history: list = field(default_factory=list)
    state: list = field(default_factory=list)
    converged: bool = False
    failed: bool = False

    def record(self, value: float, state: list, tol: float) -> None:
        """Note the next state; one that is worse ends the run before it."""
        rise = value - self.history[-1] if self.history else math.inf
        self.failed = not math.isfinite(value)
        self.converged = rise < tol
        if not self.failed and rise >= 0:
            self.history.append(value)
            self.state = state

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self.converged or self.failed

    @property
    def objective(self) -> float:
        """The last value; minus infinity where the run never had one."""
        return self.history[-1] if self.history else -math.inf


def climb(
    chains: Any, emission: Emission, state: State, *, tol: float, max_iter: int
) -> list[Run]:
    """Take steps until the objective of each run rises by less than tol."""
    runs = [Run() for _ in state[0]]
    active = runs
    for _ in range(max_iter + 1):
        goal, following = baum_welch(chains, emission, state)
        for b, value in enumerate(goal.tolist()):
            active[b].record(value, [part[b] for part in state], tol)
        keep = [b for b, run in enumerate(active) if not run.done]
        if not keep:
            break
        if len(keep) < len(active):
            following = tuple(part[keep] for part in following)
        active, state = [active[b] for b in keep], following
    return runs


def best(runs: list[Run], model: Any) -> Run:
    """The run with the highest objective."""
    run = max(runs, key=lambda run: run.objective)
    if run.objective == -math.inf:
        raise ValueError(
            f"no run of {model} found a likelihood above zero: the start "
            f"gives a sequence the probability 0, or a covariance is not "
            f"positive definite (increase ridge); change the start"
        )
    return run
