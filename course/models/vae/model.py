"""Variational autoencoders (Kingma & Welling 2014, arXiv:1312.6114)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Distribution,
    Independent,
    Normal,
    kl_divergence,
)

from course.nn.likelihoods import Likelihood, bernoulli
from course.nn.moments import mean_and_log_var
from course.protocols import Batch, Losses, PerExample

Samples = Float[Tensor, "samples batch"]  # one number a draw and an example
ROWS = 4096  # decoded at a time by `iwae`, so that memory stays bounded


class VAE(nn.Module):
    """A latent-variable model, p(x, z) = p(z) p(x | z), trained on a bound.

    The prior p(z) is standard normal, the approximate posterior q(z | x) a
    Gaussian with diagonal covariance, the likelihood p(x | z) a product over
    features.

    Args:
        encoder: maps x to 2 `latent_dim` numbers: the means of q(z | x), then
            its log-variances.
        decoder: maps z to the numbers that `likelihood` wants.
        latent_dim: the dimension of z.
        likelihood: what the decoder's numbers mean, from
            `course.nn.likelihoods`.
        beta: the weight of the KL in the loss; the bound has 1 (Higgins et
            al. 2017, beta-VAE). It may be changed while training.

    The log-variances are not clipped: the KL grows on both sides of its minimum
    and pulls them back.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: int,
        *,
        likelihood: Likelihood = bernoulli(),  # noqa: B008 - it is immutable
        beta: float = 1.0,
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.family = likelihood
        self.beta = beta
        self.register_buffer("origin", torch.zeros(latent_dim))

    @property
    def prior(self) -> Distribution:
        """p(z) = N(0, I)."""
        return Independent(Normal(self.origin, 1.0), 1)

    def posterior(self, x: Batch) -> Distribution:
        """q(z | x) = N(mu(x), diag(sigma(x)^2)), which stands for p(z | x).

        Raises:
            ValueError: the encoder's output has not twice the width of z.
        """
        mu, log_var = mean_and_log_var(
            self.encoder(x), (len(x), len(self.origin))
        )
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def likelihood(self, z: Float[Tensor, "... latent"]) -> Distribution:
        """p(x | z), a product over features; any axes may come before z's."""
        *front, latent = z.shape
        output = self.decoder(z.reshape(-1, latent))
        output = output.reshape(*front, *output.shape[1:])
        return self.family(output, batch_dims=len(front))

    def elbo(self, x: Batch) -> tuple[PerExample, PerExample]:
        """Both terms of the bound: log p(x | z) for one z ~ q, and KL(q || p).

        log p(x) >= ELBO = E_q[log p(x | z)] - KL(q(z | x) || p(z)), in nats per
        example. The draw is z = mu + sigma eps, so gradients reach the encoder
        (Kingma & Welling 2014, eq. 3 and 10).
        """
        q = self.posterior(x)
        z = q.rsample()
        return self.likelihood(z).log_prob(x), kl_divergence(q, self.prior)

    def loss(self, x: Batch) -> Losses:
        """The negative bound, beta KL - log p(x | z), in nats per example.

        Features are summed, examples averaged.
        """
        log_p, kl = (term.mean() for term in self.elbo(x))
        loss = self.beta * kl - log_p
        return {"loss": loss, "reconstruction": -log_p, "kl": kl}

    def log_weights(self, x: Batch, n: int) -> Samples:
        """Log-weights log p(x, z_k) - log q(z_k | x) of `n` draws z_k ~ q."""
        q = self.posterior(x)
        z = q.rsample((n,))
        log_joint = self.prior.log_prob(z) + self.likelihood(z).log_prob(x)
        return log_joint - q.log_prob(z)

    @torch.no_grad()
    def iwae(self, x: Batch, samples: int) -> PerExample:
        """The bound log 1/K sum_k p(x, z_k) / q(z_k | x), K = `samples`.

        In nats per example. Its expectation is the ELBO for K = 1, never falls
        with K and tends to log p(x) (Burda, Grosse & Salakhutdinov 2016,
        arXiv:1509.00519, eq. 8 and theorem 1). It is for evaluation, without
        gradients: the class `IWAE` trains on it.
        """
        parts = portions(samples, at_most=max(1, ROWS // len(x)))
        log_w = torch.cat([self.log_weights(x, n) for n in parts])
        return log_w.logsumexp(0) - math.log(samples)

    @torch.no_grad()
    def sample(self, n: int) -> Batch:
        """Draw `n` examples: z from the prior, then x from the likelihood."""
        return self.likelihood(self.prior.sample((n,))).sample()


class IWAE(VAE):
    """The same model, trained on the bound of K = `samples` draws.

    Importance-weighted autoencoder (Burda, Grosse & Salakhutdinov 2016,
    arXiv:1509.00519): for K = 1 the gradient is the VAE's in expectation.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        latent_dim: int,
        *,
        likelihood: Likelihood = bernoulli(),  # noqa: B008 - it is immutable
        samples: int = 5,
    ):
        super().__init__(encoder, decoder, latent_dim, likelihood=likelihood)
        portions(samples)
        self.samples = samples

    def loss(self, x: Batch) -> Losses:
        """The negative bound, -log 1/K sum_k w_k, in nats per example."""
        log_w = self.log_weights(x, self.samples)
        bound = log_w.logsumexp(0) - math.log(self.samples)
        return {"loss": -bound.mean()}


def portions(samples: int, *, at_most: int = ROWS) -> list[int]:
    """Whole numbers that sum to `samples`, none of them above `at_most`.

    >>> portions(5, at_most=2)
    [2, 2, 1]

    Raises:
        ValueError: `samples` is not positive.
    """
    if samples < 1:
        raise ValueError(f"the bound needs at least 1 draw, not {samples}")
    return [min(at_most, samples - k) for k in range(0, samples, at_most)]
