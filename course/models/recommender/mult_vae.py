"""A variational autoencoder whose examples are users."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.distributions import (
    Distribution,
    Independent,
    Multinomial,
    Normal,
    kl_divergence,
)

from course.models.recommender.base import best_unseen
from course.nn.mlp import MLP
from course.nn.moments import mean_and_log_var
from course.protocols import Losses, PerExample

Users = Float[Tensor, "batch items"]


class MultVAE(nn.Module):
    """Each item that a user takes is drawn from rho(z), a softmax of z.

    log p(x | z) = sum_d x_d log rho_d(z): the probability of the items in one
    order, which leaves the multinomial coefficient out. The prior of z is
    standard normal; an encoder gives means and log-variances of q(z | x) from
    the row of the user, divided by its Euclidean length.

    Args:
        n_items: D.
        latent_dim: M, the length of z.
        hidden: width of the one hidden layer of encoder and decoder.
        beta: weight of the KL in the loss. Liang et al. let it rise from 0 in
            training and stop below 1; set it between the steps.
        dropout: share of the items that the encoder does not see in training.
        total: how many items a user has whom `sample` draws.

    Raises:
        ValueError: `total` is not at least 1.

    Liang, Krishnan, Hoffman & Jebara 2018, arXiv:1802.05814, with SiLU in
    place of tanh.
    """

    def __init__(  # noqa: PLR0913, the parts of a network
        self,
        n_items: int,
        latent_dim: int,
        *,
        hidden: int = 100,
        beta: float = 1.0,
        dropout: float = 0.5,
        total: int = 20,
    ):
        super().__init__()
        if total < 1:
            raise ValueError(f"total must be at least 1 item, not {total}")
        self.encoder = MLP(n_items, hidden, 2 * latent_dim)
        self.decoder = MLP(latent_dim, hidden, n_items)
        self.dropout = nn.Dropout(dropout)
        self.beta = beta
        self.total = total
        self.register_buffer("origin", torch.zeros(latent_dim))

    @property
    def prior(self) -> Distribution:
        """p(z) = N(0, I)."""
        return Independent(Normal(self.origin, 1.0), 1)

    def posterior(self, x: Users) -> Distribution:
        """q(z | x) = N(mu(x), diag(sigma(x)^2)); a row may be all zero."""
        seen = self.dropout(nn.functional.normalize(x, dim=1))
        mu, log_var = mean_and_log_var(
            self.encoder(seen), (len(x), len(self.origin))
        )
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def log_rho(
        self, z: Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch items"]:
        """Log-probabilities of the items given z; they sum to 1."""
        return self.decoder(z).log_softmax(dim=-1)

    def elbo(self, x: Users) -> tuple[PerExample, PerExample]:
        """Both terms of the bound: log p(x | z) for one z ~ q, and KL(q || p).

        In nats per user.
        """
        q = self.posterior(x)
        log_p = (x * self.log_rho(q.rsample())).sum(dim=1)
        return log_p, kl_divergence(q, self.prior)

    def loss(self, x: Users) -> Losses:
        """The mean of beta KL - log p(x | z), in nats per user."""
        log_p, kl = (term.mean() for term in self.elbo(x))
        loss = self.beta * kl - log_p
        return {"loss": loss, "reconstruction": -log_p, "kl": kl}

    @torch.no_grad()
    def scores(self, x: Users) -> Users:
        """Log rho(z) at the mean of q(z | x), without dropout, (N, D)."""
        was = self.training
        self.eval()
        scores = self.log_rho(self.posterior(x).mean)
        self.train(was)
        return scores

    def recommend(self, x: Users, k: int = 10) -> Int64[Tensor, "batch k"]:
        """The k items of highest score that a user has not taken, (N, k).

        Raises:
            ValueError: a user has fewer than k items left.
        """
        return best_unseen(self.scores(x), x, k)

    @torch.no_grad()
    def sample(self, n: int) -> Float[Tensor, "n items"]:
        """Draw n users: z from the prior, then `total` items, as counts."""
        rho = self.log_rho(self.prior.sample((n,)))
        return Multinomial(self.total, logits=rho).sample()
