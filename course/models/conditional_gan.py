"""Conditional adversarial networks (Mirza & Osindero 2014, arXiv:1411.1784)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from course.nn.conditions import Labels, beside, one_hot, wanted
from course.protocols import Batch, Losses, PerExample


class ConditionalGAN(nn.Module):
    """A forger that is told what to forge, and a judge who is told it too.

    The generator maps noise z ~ N(0, I) and a label to an example. The
    discriminator gives a pair (x, y) a logit a(x, y): are this example and
    this label a pair from the data? Both see the label as a vector e_y behind
    their other input (concatenation).

    Args:
        generator: maps z followed by e_y to an example.
        discriminator: maps the flattened x followed by e_y to one number, its
            logit, in the shape (batch,) or (batch, 1).
        latent_dim: the dimension of z.
        classes: how many classes there are.

    Train with one optimiser for each player, in turns: "critic_loss" over the
    parameters of the discriminator, "generator_loss" over the generator's.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        *,
        classes: int,
    ):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.classes = classes
        self.register_buffer("origin", torch.zeros(latent_dim))

    def logits(self, x: Batch, y: Labels) -> PerExample:
        """The logit a(x, y) of every pair; the best is log p(x|y) - log q(x|y).

        q is the distribution of the generator's examples (Goodfellow et al.
        2014, proposition 1, for each y).

        Raises:
            ValueError: the discriminator gives anything but one number each.
        """
        e = one_hot(y, self.classes, self.origin)
        output, batch = self.discriminator(beside(x, e)), len(x)
        if output.shape not in ((batch,), (batch, 1)):
            raise ValueError(
                f"the discriminator must return one logit for each pair, in "
                f"the shape ({batch},) or ({batch}, 1), not "
                f"{tuple(output.shape)}: change its last layer"
            )
        return output.reshape(batch)

    def critic_loss(self, batch: Sequence[Tensor]) -> Losses:
        """-E[log D(x, y)] - E[log(1 - D(G(z, y), y))] of a batch (x, y), nats.

        The samples have the labels of the batch, so that labels alone tell
        nothing; they are constants here (Mirza & Osindero 2014, eq. 2). Also
        reported: the mean of D on either kind.
        """
        x, y = batch
        real, fake = self.logits(x, y), self.logits(self.sample(len(y), y), y)
        loss = -logsigmoid(real).mean() - logsigmoid(-fake).mean()
        means = {"real": real.sigmoid().mean(), "fake": fake.sigmoid().mean()}
        return {"loss": loss} | means

    def generator_loss(self, batch: Sequence[Tensor]) -> Losses:
        """The non-saturating loss -E[log D(G(z, y), y)], in nats.

        The labels y of the batch are used, its examples are not. The
        discriminator is held fixed: its parameters get no gradient.
        """
        y = batch[1]
        with frozen(self.discriminator):
            fake = self.logits(self.generate(y), y)
        return {"loss": -logsigmoid(fake).mean()}

    def generate(self, y: Labels) -> Batch:
        """Examples G(z, y) that let gradients through to the generator."""
        z = torch.randn_like(self.origin.expand(len(y), -1))
        return self.generator(beside(z, one_hot(y, self.classes, self.origin)))

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | int | None = None) -> Batch:
        """Draw `n` examples: z from N(0, I), then x = G(z, y).

        Args:
            n: how many.
            y: the wanted class of each, shape (n,), or one for all; by default
                classes are drawn too, all with the same probability.
        """
        return self.generate(wanted(n, y, self.classes, self.origin))


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Build graphs in which the parameters of `module` are constants."""
    moving = [p for p in module.parameters() if p.requires_grad]
    for p in moving:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in moving:
            p.requires_grad_(True)
