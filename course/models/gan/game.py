"""Generative adversarial networks (Goodfellow et al. 2014, arXiv:1406.2661)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from course.models.gan.players import Players
from course.protocols import Batch, Losses, PerExample

GENERATOR_LOSSES = ("non-saturating", "minimax")


class GAN(Players):
    """Two networks that play against each other: one fakes, one judges.

    The generator maps noise z ~ N(0, I) to an example. The discriminator gives
    each example a logit a(x), and D(x) = sigmoid(a(x)) is the probability that
    x is real. There is no likelihood: the model can be sampled, but it cannot
    say how probable an example is.

    Args:
        generator: maps z to an example.
        discriminator: maps an example to one number, its logit, in the shape
            (batch,) or (batch, 1). A sigmoid does not belong at its end.
        latent_dim: the dimension of z.
        loss: what the generator lowers. "non-saturating" is -E[log D(G(z))],
            "minimax" is E[log(1 - D(G(z)))], the value of the game itself.

    Train with one optimiser for each player, in turns: "critic_loss" over the
    parameters of the discriminator, "generator_loss" over the generator's.

    Raises:
        ValueError: another word for the loss.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        *,
        loss: str = "non-saturating",
    ):
        super().__init__(generator, discriminator, latent_dim)
        if loss not in GENERATOR_LOSSES:
            raise ValueError(
                f"loss must be one of {GENERATOR_LOSSES}, not {loss!r}"
            )
        self.kind = loss

    def logits(self, x: Batch) -> PerExample:
        """The logit a(x) of every example; D(x) = sigmoid(a(x)).

        Raises:
            ValueError: the discriminator gives anything but one number each.
        """
        return self.scores(x)

    def critic_loss(self, x: Batch) -> Losses:
        """The negative value, -E[log D(x)] - E[log(1 - D(G(z)))], in nats.

        That is the cross-entropy of a classifier with the label 1 for the data
        x and 0 for as many samples (Goodfellow et al. 2014, eq. 1). Samples are
        constants here. Also reported: the mean of D on either kind.
        """
        real, fake = self.logits(x), self.logits(self.sample(len(x)))
        means = {"real": real.sigmoid().mean(), "fake": fake.sigmoid().mean()}
        return {"loss": -value(real, fake)} | means

    def generator_loss(self, x: Batch) -> Losses:
        """How badly the samples fare: -E[log D(G(z))], or E[log(1 - D(G(z)))].

        As many samples as x has examples; x itself is not used. In nats. The
        discriminator is held fixed: its parameters get no gradient.
        """
        fake = self.fake_scores(len(x))
        if self.kind == "minimax":
            return {"loss": logsigmoid(-fake).mean()}
        return {"loss": -logsigmoid(fake).mean()}


def optimal_discriminator(
    log_p: Float[Tensor, "*shape"], log_q: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The best answer to a known game, D*(x) = p(x) / (p(x) + q(x)).

    It is sigmoid(log p - log q), which does not underflow.

    Args:
        log_p: log-densities, or log-probabilities, of points under the data.
        log_q: the same of these points under the generator.

    Source: Goodfellow et al. 2014, proposition 1.
    """
    return (log_p - log_q).sigmoid()


def value(
    real: Float[Tensor, " m"],
    fake: Float[Tensor, " n"],
    *,
    p: Float[Tensor, " m"] | None = None,
    q: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """The value of the game, V = E[log D(x)] + E[log(1 - D(G(z)))].

    In nats; between -log 4, which a coin reaches, and 0, which is perfect. For
    the best discriminator it is 2 JS(p, q) - log 4.

    Args:
        real: logits of D on data.
        fake: logits of D on samples.
        p: the probability of each row of `real`, where the expectation is a
            sum over an alphabet or a grid; by default rows are draws, all of
            the same weight.
        q: the same for `fake`.

    Source: Goodfellow et al. 2014, eq. 1 and theorem 1.

    >>> value(torch.zeros(5), torch.zeros(3))
    tensor(-1.3863)
    """
    return expectation(logsigmoid(real), p) + expectation(logsigmoid(-fake), q)


def expectation(
    f: Float[Tensor, " n"], p: Float[Tensor, " n"] | None
) -> Float[Tensor, ""]:
    """Sum of p f, with 0 where p = 0 even if f is infinite; or a mean."""
    if p is None:
        return f.mean()
    return torch.where(p > 0, p * f, 0.0).sum()
