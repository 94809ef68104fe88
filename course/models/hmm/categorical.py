"""Hidden Markov models of symbols."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from course.arrays import check_categories, like, tensor
from course.models.hmm.base import HMM
from course.models.hmm.em import State, proportions
from course.models.hmm.options import parameter, probabilities


class CategoricalHMM(HMM):
    """Hidden states that emit symbols, b_k(x) = prod_d p(x_d | z = k).

    Sequences take the forms of `course.models.hmm.sequences`; entries are
    whole numbers from 0. Given the state, the columns are independent.

    Args:
        n_states: the number of hidden states, K.
        n_categories: C; the largest entry plus one where it is None.
        smoothing: pseudo-counts of every symbol in every state.
        n_init: how many restarts; the one with the best objective is kept.
        tol: stop once the objective rises by less, in nats per step.
        max_iter: stop after so many Baum-Welch steps in any case.
        algorithm: "scaled" (step by step), "scan" (a parallel prefix in log
            space, O(log T) rounds) or "auto"; the answers are the same.
        start_init, transitions_init, probs_init: an explicit start. What is
            zero there stays zero.
        random_state: seed of the restarts.

    Attributes:
        start_: pi, p(z_1 = k), shape (K,).
        transitions_: a_ij = p(z_t = j | z_{t-1} = i), shape (K, K).
        probs_: p(x_d = c | z = k), shape (K, D, C).
        history_: the objective at the start and after every step, in nats per
            step in time: log-likelihood plus smoothing times the sum of log
            probs_. It never falls. Without smoothing the last value is
            N / L times the score, for N sequences with L steps in all.
        restarts_: the last objective of every restart, shape (n_init,).
        n_iter_, converged_: steps taken; whether the rise fell below tol.
        n_parameters_: the number of free parameters.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        n_states=2,
        *,
        n_categories=None,
        smoothing=0.0,
        n_init=1,
        tol=1e-6,
        max_iter=500,
        algorithm="auto",
        start_init=None,
        transitions_init=None,
        probs_init=None,
        random_state=None,
    ):
        self.n_states = n_states
        self.n_categories = n_categories
        self.smoothing = smoothing
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.algorithm = algorithm
        self.start_init = start_init
        self.transitions_init = transitions_init
        self.probs_init = probs_init
        self.random_state = random_state

    def __sklearn_tags__(self):
        """Entries are categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    @classmethod
    def from_parameters(
        cls, start: Any, transitions: Any, *, probs: Any, **options: Any
    ) -> "CategoricalHMM":
        """A model with these parameters, ready to use: nothing is fitted.

        Shapes (K,), (K, K) and (K, D, C), or (K, C) where D = 1.
        """
        rho = parameter(probs)
        rho = rho[:, None] if rho.ndim == 2 else rho
        options = {"n_categories": rho.shape[2]} | options
        probabilities(rho, rho[None], "probs")
        return cls._from(start, transitions, rho, **options)

    def _emission(self, x: Tensor) -> "Symbols":
        C = self.n_categories or int(x.max().item()) + 1
        return Symbols(x, C, float(self.smoothing))

    def _start(self, emission: "Symbols", rng: Any) -> State:
        """Random proportions about those of all symbols."""
        B, K = self.n_init, self.n_states
        share = emission.hot.mean(0).view(emission.sizes) + 1e-3
        noise = rng.dirichlet([2.0] * share.shape[1], (B, K, len(share)))
        rho = share * tensor(noise, share)
        rho = rho / rho.sum(-1, keepdim=True)
        return (probabilities(self.probs_init, rho, "probs_init"),)

    def _set_emission(self, X: Any, probs: Tensor) -> None:
        self.probs_ = like(X, probs)

    def _log_b(self, x: Tensor) -> Float[Tensor, "L K"]:
        rho = tensor(self.probs_, x)
        return look_up(checked(x, rho.shape[2]), rho[None].log())[0]

    def _count(self) -> int:
        K, D, C = self.probs_.shape
        return K * D * (C - 1)

    def _draw(self, z: Tensor, rng: Any) -> Tensor:
        """The inverse of the distribution function, at uniform numbers."""
        rho = tensor(self.probs_, torch.empty(0))
        edges = rho.cumsum(-1)
        edges = edges[..., :-1] / edges[..., -1:]
        u = tensor(rng.random_sample((len(z), rho.shape[1], 1)), rho)
        return (edges[z] <= u).sum(-1)


class Symbols:
    """The emission of symbols, for the rows of x; theta is probs."""

    def __init__(self, x: Tensor, n_categories: int, smoothing: float):
        self.x = checked(x, n_categories)
        self.sizes = x.shape[1], n_categories
        self.hot = one_hot(self.x, n_categories).to(x).flatten(1)  # (L, D C)
        self.smoothing = smoothing

    def log_b(self, probs: Float[Tensor, "B K D C"]) -> Float[Tensor, "B L K"]:
        """Sum_d log p(x_d | z = k), looked up."""
        return look_up(self.x, probs.log())

    def m_step(self, r: Float[Tensor, "B L K"], probs: Tensor) -> State:
        """Expected counts over their sum."""
        counts = (r.mT @ self.hot).unflatten(-1, self.sizes)
        return (proportions(counts + self.smoothing, probs),)

    def log_prior(self, probs: Tensor) -> float | Float[Tensor, " B"]:
        """Smoothing times the sum of log probs."""
        if not self.smoothing:
            return 0.0
        return self.smoothing * probs.log().sum((1, 2, 3))

    def restore(self, probs: Tensor) -> State:
        """The parameters as they are."""
        return (probs,)


def look_up(x: Tensor, log_rho: Float[Tensor, "B K D C"]) -> Tensor:
    """Sum over d of log_rho[:, :, d, x_d], shape (B, L, K)."""
    tables = log_rho.permute(2, 0, 3, 1).contiguous()  # (D, B, C, K)
    return sum(table.index_select(1, x[:, d]) for d, table in enumerate(tables))


def checked(x: Tensor, C: int) -> Tensor:
    """The rows as whole numbers 0 .. C-1.

    Raises:
        ValueError: an entry is not.
    """
    check_categories(x, C)
    return x.long()
