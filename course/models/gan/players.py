"""What all adversarial networks share: two players, noise, whose turn it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from course.protocols import Batch, PerExample


class Players(nn.Module):
    """A generator of examples, and a discriminator that scores them.

    A game is a subclass: it says by `critic_loss` what the discriminator
    lowers and by `generator_loss` what the generator does. Train with one
    optimiser for each player, in turns. There is no likelihood: the model can
    be sampled, but it cannot say how probable an example is.

    Args:
        generator: maps noise z ~ N(0, I) to an example.
        discriminator: maps an example to one number, its score, in the shape
            (batch,) or (batch, 1). A sigmoid does not belong at its end.
        latent_dim: the dimension of z.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
    ):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.register_buffer("origin", torch.zeros(latent_dim))

    def scores(self, x: Batch) -> PerExample:
        """The score a(x) of every example; the higher, the more like data.

        Raises:
            ValueError: the discriminator gives anything but one number each.
        """
        output, batch = self.discriminator(x), len(x)
        if output.shape not in ((batch,), (batch, 1)):
            raise ValueError(
                f"the discriminator must return one score for each example, in "
                f"the shape ({batch},) or ({batch}, 1), not "
                f"{tuple(output.shape)}: change its last layer"
            )
        return output.reshape(batch)

    def fake_scores(self, n: int) -> PerExample:
        """The scores of `n` samples, for the generator's turn.

        Gradients reach the generator; the discriminator is held fixed: its
        parameters get no gradient.
        """
        with frozen(self.discriminator):
            return self.scores(self.generate(n))

    def generate(self, n: int) -> Batch:
        """`n` examples x = G(z) that let gradients through to the generator."""
        return self.generator(torch.randn_like(self.origin.expand(n, -1)))

    @torch.no_grad()
    def sample(self, n: int) -> Batch:
        """Draw `n` examples: z from N(0, I), then x = G(z)."""
        return self.generate(n)


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
