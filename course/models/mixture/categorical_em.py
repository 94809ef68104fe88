"""EM for mixtures of categoricals, with one-hot features.

Log pi_k + sum_d log p(x_d | k) is a product theta_k . features(x): the E- and
the M-step are again two matrix products. A missing entry is a column of zeros,
which sums over its values: sum_c p(x_d = c | k) = 1.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from course.models.mixture.em import gather

NEVER = -1e5  # stands for log 0: a product with minus infinity would be NaN


class Parameters(NamedTuple):
    """Weights (B, K) and category probabilities (B, K, D, C)."""

    pi: Tensor
    probs: Tensor


def features(
    x: Float[Tensor, "n D"], n_categories: int
) -> Float[Tensor, "F n"]:
    """[x_d = c for every d and c, 1] of every row, as a column."""
    C = n_categories
    hot = one_hot(x.nan_to_num(nan=C).long(), C + 1)[..., :C]
    hot = hot.to(x).flatten(1).T
    return torch.cat([hot, torch.ones_like(hot[:1])])


def natural(pi: Tensor, probs: Tensor) -> Float[Tensor, "B K F"]:
    """What multiplies the features: [log p(x_d = c | k), log pi_k]."""
    log_probs = probs.log().clamp(min=NEVER).flatten(2)
    return torch.cat([log_probs, pi.log()[..., None]], dim=-1)


def m_step(
    S: Float[Tensor, "B K F"], prior: Float[Tensor, "D C"], *, N: int
) -> Parameters:
    """The mode of the posterior, from counts: (counts + prior) / their sum.

    The prior is a Dirichlet for each component and column, with
    parameters 1 + prior.
    """
    counts = S[..., :-1].unflatten(-1, prior.shape) + prior  # (B, K, D, C)
    total = counts.sum(dim=-1, keepdim=True)
    probs = torch.where(total > 0, counts / total, 1 / counts.shape[-1])
    return Parameters(S[..., -1] / N, probs)


class CategoricalEM:
    """The EM step for rows x of categories 0 .. C-1."""

    def __init__(self, x: Float[Tensor, "N D"], prior: Float[Tensor, "D C"]):
        self.x, self.prior = x, prior

    def features(self, x: Float[Tensor, "n D"]) -> Float[Tensor, "F n"]:
        """One-hot features of some rows."""
        return features(x, self.prior.shape[1])

    def step(self, state: Parameters) -> tuple[Tensor, Parameters]:
        """The mean log-likelihood plus the log-prior over N, and the next."""
        log_p, S = gather(self.x, natural(*state), self.features)
        N = len(self.x)
        log_prior = (self.prior * state.probs.log()).nan_to_num(nan=0.0)
        real = state.pi[..., None, None] > 0
        penalty = torch.where(real, log_prior, 0).sum(dim=(1, 2, 3))
        return (log_p + penalty) / N, m_step(S, self.prior, N=N)

    def restore(self, pi: Tensor, probs: Tensor) -> Parameters:
        """One mixture."""
        return Parameters(pi, probs)
