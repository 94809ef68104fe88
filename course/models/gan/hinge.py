"""GAN with the hinge loss (Lim and Ye 2017; Miyato et al. 2018)."""

from torch.nn.functional import relu

from course.models.gan.players import Players
from course.protocols import Batch, Losses


class HingeGAN(Players):
    """The discriminator asks for a margin: a(x) >= 1, and a(G(z)) <= -1.

    An example beyond its margin exerts no force. The loss is used with a
    discriminator of bounded slope; see `course.nn.dcgan` for spectral
    normalisation.

    Args:
        generator: maps z to an example.
        discriminator: maps an example to one number, its score, in the shape
            (batch,) or (batch, 1).
        latent_dim: the dimension of z.

    Source: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018,
    arXiv:1802.05957, eqs. 16 and 17.
    """

    def critic_loss(self, x: Batch) -> Losses:
        """E[max(0, 1 - a(x))] + E[max(0, 1 + a(G(z)))].

        As many samples as x has examples; they are constants here. Also
        reported: the mean score of either kind.
        """
        real, fake = self.scores(x), self.scores(self.sample(len(x)))
        loss = relu(1 - real).mean() + relu(1 + fake).mean()
        return {"loss": loss, "real": real.mean(), "fake": fake.mean()}

    def generator_loss(self, x: Batch) -> Losses:
        """-E[a(G(z))], of as many samples as x has examples.

        x itself is not used. The discriminator is held fixed.
        """
        return {"loss": -self.fake_scores(len(x)).mean()}
