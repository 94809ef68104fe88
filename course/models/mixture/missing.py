"""Mixtures of rows with missing entries (Ghahramani and Jordan 1994).

Rows with the same entries present form a pattern, M_d = 1 where x_d is
present. Missing entries hold zero, and Sigma_oo the identity where either is
missing: no index then changes the shape of a matrix, and all is batched.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.models.mixture.covariances import LOG_2PI, Full, cholesky, vech
from course.models.mixture.em import e_step
from course.models.mixture.gaussian_em import GaussianEM, Parameters

BATCH = 2**21  # numbers in the covariances of a group of patterns


def observed(
    M: Float[Tensor, "p D"], Sigma: Float[Tensor, "*runs D D"]
) -> Float[Tensor, "p *runs D D"]:
    """Sigma_oo for every pattern; the identity where an entry is missing."""
    M = M.view(len(M), *(1,) * (Sigma.ndim - 2), -1)
    both = M[..., :, None] * M[..., None, :]
    return both * Sigma + torch.diag_embed(1 - M)


def regression(
    M: Float[Tensor, "p D"], Sigma: Float[Tensor, "*runs D D"]
) -> tuple[Float[Tensor, "p *runs D D"], Float[Tensor, "p *runs D D"]]:
    """G and C with E[x | x_o] = mu + G (x - mu)_o and Cov[x | x_o] = C.

    G = Sigma_:o Sigma_oo^-1 and C = Sigma - G Sigma_o:; G is the identity,
    and C zero, for entries that are present.
    """
    P = torch.cholesky_inverse(cholesky(observed(M, Sigma)))
    M = M.view(len(M), *(1,) * (Sigma.ndim - 2), -1)
    G = Sigma @ (M[..., :, None] * P)
    return G, Sigma - G @ Sigma


def completed(
    S: Float[Tensor, "*runs F"], mu: Tensor, *, G: Tensor, C: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Expected N_k, sum r x and sum r x x^T of the complete rows.

    From the same sums S over rows with zeros: E[x | x_o] = G x + h, and the
    covariance C comes on top, once for every row.
    """
    D = mu.shape[-1]
    i, j = vech(D)
    N_k, s = S[..., -1], S[..., :D, None]
    square = S.new_zeros(*S.shape[:-1], D, D)
    square[..., i, j] = square[..., j, i] = S[..., D:-1]
    h = mu[..., None] - G @ mu[..., None]
    N_k, Gs = N_k[..., None, None], G @ s
    square = G @ square @ G.mT + Gs @ h.mT + h @ Gs.mT + N_k * (h @ h.mT + C)
    return N_k, Gs + N_k * h, square


class MissingEM(GaussianEM):
    """The EM step where entries are missing: those are integrated out."""

    def __init__(self, x: Float[Tensor, "N D"], kind: type, ridge: float):
        super().__init__(x, kind, ridge)
        here = (~x.isnan()).to(x)
        self.loss = (here * self.scale.log()).sum() / self.N
        self.M, which, size = here.unique(
            dim=0, return_inverse=True, return_counts=True
        )
        self.z = self.z.nan_to_num(nan=0.0)
        self.blocks = self.z[which.argsort()].split(size.tolist())

    def mean(self, log_p: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """The mean log-likelihood of the entries present, in their units."""
        return log_p / self.N - self.loss

    def within(self, pi: Tensor, mu: Tensor) -> Tensor:
        """The variances of all rows: one, in units of the columns."""
        one = torch.ones_like(mu)
        return self.kind.matrix(one)

    def groups(self, size: int) -> Iterator[tuple[Tensor, tuple]]:
        """Some patterns at a time, each with its block of rows."""
        step = max(BATCH // size, 1)
        for p in range(0, len(self.M), step):
            yield self.M[p : p + step], self.blocks[p : p + step]

    def step(self, state: Parameters) -> tuple[Tensor, Parameters]:
        """The mean log-likelihood of each mixture, and the next mixtures."""
        pi, mu, Sigma = state
        Sigma = self.kind.dense(Sigma)
        total, sums = 0, (0, 0, 0)
        for M, blocks in self.groups(Sigma.numel()):
            log_p, S = gather_observed(blocks, M, Parameters(pi, mu, Sigma))
            G, C = regression(M, Sigma)
            more = completed(S, mu.expand(len(M), *mu.shape), G=G, C=C)
            sums = [a + b.sum(0) for a, b in zip(sums, more, strict=True)]
            total = total + log_p
        return self.mean(total), self.from_sums(*sums)

    def from_sums(self, N_k: Tensor, s: Tensor, square: Tensor) -> Parameters:
        """The M-step, as for complete rows."""
        i, j = vech(self.D)
        S = [s[..., 0], square[..., i, j], N_k[..., 0]]
        N_k, mu, Sigma = Full.moments(torch.cat(S, dim=-1), self.D)
        return self.from_moments(N_k, mu, self.kind.sparse(Sigma))


def gather_observed(
    blocks: tuple, M: Float[Tensor, "p D"], state: Parameters
) -> tuple[Float[Tensor, " B"], Float[Tensor, "p B K F"]]:
    """As `gather`, for every pattern: log p(x_o), and the sums over x_o."""
    pi, mu, Sigma = state
    p, (B, K) = len(M), pi.shape
    theta = Full.theta(
        pi.expand(p, B, K), M[:, None, None] * mu, observed(M, Sigma)
    )
    theta[..., -1] += LOG_2PI / 2 * (1 - M).sum(dim=1)[:, None, None]
    theta, total, S = theta.view(p, B * K, -1), 0, []
    for block, weights in zip(blocks, theta, strict=True):
        phi = Full.features(block)  # (F, n)
        log_p, r = e_step((weights @ phi).view(B, K, -1))
        S.append((r.view(B * K, -1) @ phi.T).view(B, K, -1))
        total = total + log_p.sum(dim=1)
    return total, torch.stack(S)


def patterns(
    x: Float[Tensor, "N D"],
) -> Iterator[tuple[Bool[Tensor, " N"], Bool[Tensor, " D"]]]:
    """For each pattern, which rows have it and which entries are present."""
    seen, which = (~x.isnan()).unique(dim=0, return_inverse=True)
    for p, o in enumerate(seen):
        yield which == p, o


def log_joint_observed(
    x: Float[Tensor, "N D"], parameters: Parameters
) -> Float[Tensor, "K N"]:
    """Log pi_k + log N(x_o | mu_o, Sigma_oo), over the entries present."""
    pi, mu, Sigma = parameters
    log_p = x.new_empty(len(pi), len(x))
    for rows, o in patterns(x):
        Sigma_oo = Sigma[:, o][:, :, o]
        log_p[:, rows] = Full.log_joint(x[rows][:, o], pi, mu[:, o], Sigma_oo)
    return log_p
