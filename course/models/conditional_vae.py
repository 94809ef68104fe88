"""Class-conditional VAEs (Sohn, Lee & Yan 2015; Kingma et al. 2014)."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Distribution,
    Independent,
    Normal,
    kl_divergence,
)

from course.nn.conditions import Labels, beside, one_hot, wanted
from course.nn.likelihoods import Likelihood, bernoulli
from course.nn.moments import mean_and_log_var
from course.protocols import Batch, Losses, PerExample


class ConditionalVAE(nn.Module):
    """A model p(x, z | y) = p(z) p(x | z, y) of examples given their class.

    The label y is given, so it is no part of what is explained: the bound is
    one on log p(x | y). Both networks see it as a vector e_y, one number a
    class, behind their other input.

    Args:
        encoder: maps the flattened x followed by e_y to 2 `latent_dim` numbers,
            the means of q(z | x, y) and then its log-variances.
        decoder: maps z followed by e_y to the numbers that `likelihood` wants.
        latent_dim: the dimension of z.
        classes: how many classes there are.
        likelihood: what the decoder's numbers mean, from
            `course.nn.likelihoods`.

    Sources: Sohn, Lee and Yan 2015 (NeurIPS), section 4.1; with a prior that
    does not look at y, Kingma, Rezende, Mohamed and Welling 2014
    (arXiv:1406.5298), model M2 with all labels known.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: int,
        *,
        classes: int,
        likelihood: Likelihood = bernoulli(),  # noqa: B008 - it is immutable
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.classes = classes
        self.family = likelihood
        self.register_buffer("origin", torch.zeros(latent_dim))

    def prior(self, y: Labels) -> Distribution:
        """p(z | y) = N(0, I), for every label the same.

        A subclass may learn another for each class (Sohn et al. 2015).
        """
        zeros = self.origin.expand(len(y), -1)
        return Independent(Normal(zeros, 1.0), 1)

    def posterior(self, x: Batch, y: Labels) -> Distribution:
        """q(z | x, y) = N(mu(x, y), diag(sigma(x, y)^2)).

        Raises:
            ValueError: the encoder's output has not twice the width of z.
        """
        output = self.encoder(beside(x, self.condition(y)))
        mu, log_var = mean_and_log_var(output, (len(x), len(self.origin)))
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def likelihood(
        self, z: Float[Tensor, "batch latent"], y: Labels
    ) -> Distribution:
        """p(x | z, y), a product over features."""
        return self.family(self.decoder(beside(z, self.condition(y))))

    def condition(self, y: Labels) -> Float[Tensor, "batch classes"]:
        """The vectors e_y, on the device of the model."""
        return one_hot(y, self.classes, self.origin)

    def elbo(self, x: Batch, y: Labels) -> tuple[PerExample, PerExample]:
        """Both terms: log p(x | z, y) for one z ~ q, and KL(q || p(z | y)).

        log p(x | y) >= ELBO = E_q[log p(x | z, y)] - KL(q || p(z | y)), with
        q = q(z | x, y), in nats per example (Sohn et al. 2015, section 4.1).
        """
        q = self.posterior(x, y)
        z = q.rsample()
        log_p = self.likelihood(z, y).log_prob(x)
        return log_p, kl_divergence(q, self.prior(y))

    def loss(self, batch: Sequence[Tensor]) -> Losses:
        """The negative bound, KL - log p(x | z, y), of a batch (x, y).

        Features are summed, examples averaged; nats per example.
        """
        log_p, kl = (term.mean() for term in self.elbo(*batch))
        return {"loss": kl - log_p, "reconstruction": -log_p, "kl": kl}

    @torch.no_grad()
    def iwae(self, x: Batch, y: Labels, samples: int) -> PerExample:
        """The bound on log p(x | y) of `samples` draws, in nats per example.

        log 1/S sum_s p(x, z_s | y) / q(z_s | x, y), z_s ~ q (Burda et al. 2016,
        eq. 8). Its expectation never falls with S.
        """
        q = self.posterior(x, y)
        log_w = []
        for z in q.sample((samples,)):
            log_joint = self.prior(y).log_prob(z)
            log_joint = log_joint + self.likelihood(z, y).log_prob(x)
            log_w.append(log_joint - q.log_prob(z))
        return torch.stack(log_w).logsumexp(0) - math.log(samples)

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | int | None = None) -> Batch:
        """Draw `n` examples: z from the prior, then x from p(x | z, y).

        Args:
            n: how many.
            y: the wanted class of each, shape (n,), or one for all; by default
                classes are drawn too, all with the same probability.
        """
        y = wanted(n, y, self.classes, self.origin)
        return self.likelihood(self.prior(y).sample(), y).sample()
