"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.models.gan.players import Players
from course.protocols import Batch, Losses, PerExample


class WassersteinGAN(Players):
    """A critic measures how far samples are from data; the generator obeys.

    The critic f maximises E[f(x)] - E[f(G(z))]. Over all functions whose slope
    is nowhere above 1, the maximum is the Wasserstein distance W1 between data
    and samples (Kantorovich and Rubinstein); a penalty keeps the slope near 1.

    Args:
        generator: maps z to an example.
        discriminator: the critic f; maps an example to one number, in the
            shape (batch,) or (batch, 1). Batch normalisation does not belong
            into it, because the penalty is about each example by itself. A
            bias at its end has no effect.
        latent_dim: the dimension of z.
        penalty: the weight of the gradient penalty; the paper takes 10.
        one_sided: whether only slopes above 1 are punished, as the theory
            asks; the paper punishes slopes below 1 as well, by which a critic
            that points the wrong way can be held there.

    Take several turns of the critic for one of the generator, such as
    `4 * [critic] + [generator]`: the theory wants the critic at its optimum.

    In several processes (DDP) Fabric needs the strategy
    `ddp_find_unused_parameters_true`: in either turn one player gets no
    gradient, and the bias at the end of a critic never does.

    Raises:
        ValueError: the penalty is negative.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1; Arjovsky,
    Chintala and Bottou 2017, arXiv:1701.07875; one-sided: Petzka, Fischer and
    Lukovnikov 2018, arXiv:1709.08894.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        *,
        penalty: float | int = 10.0,
        one_sided: bool = False,
    ):
        super().__init__(generator, discriminator, latent_dim)
        if penalty < 0:
            raise ValueError(
                f"penalty must be at least 0, not {penalty}: a negative weight "
                f"rewards slopes away from 1"
            )
        self.penalty, self.one_sided = penalty, one_sided

    def critic_loss(self, x: Batch) -> Losses:
        """E[f(G(z))] - E[f(x)] + penalty * E[(|grad f| - 1)^2] (eq. 3).

        As many samples as x has examples; they are constants here. Also
        reported: "distance" = E[f(x)] - E[f(G(z))], in the unit of x where the
        slope is 1, and "penalty", the mean without its weight.
        """
        fake = self.sample(len(x))
        real_score, fake_score = self.scores(torch.cat([x, fake])).chunk(2)
        distance = real_score.mean() - fake_score.mean()
        critic, one_sided = self.discriminator, self.one_sided
        excess = gradient_penalty(critic, x, fake, one_sided=one_sided)
        loss = self.penalty * excess - distance
        return {"loss": loss, "distance": distance, "penalty": excess}

    def generator_loss(self, x: Batch) -> Losses:
        """-E[f(G(z))], of as many samples as x has examples.

        x itself is not used. The critic is held fixed.
        """
        return {"loss": -self.fake_scores(len(x)).mean()}


def gradient_penalty(
    critic: nn.Module, x: Batch, fake: Batch, *, one_sided: bool = False
) -> Float[Tensor, ""]:
    """Mean of (|grad f(v)| - 1)^2 over points v = (1 - u) x + u fake.

    u is uniform in [0, 1], one for each example. The result has a gradient by
    the parameters of f.

    Args:
        critic: f, one number for each example.
        x: data, shape (batch, ...).
        fake: as many samples.
        one_sided: whether slopes below 1 count as 1.
    """
    u = torch.rand_like(x.flatten(1)[:, 0]).view(-1, *[1] * (x.ndim - 1))
    excess = slopes(critic, torch.lerp(x, fake, u)) - 1
    return (excess.relu() if one_sided else excess).square().mean()


def slopes(critic: nn.Module, x: Batch) -> PerExample:
    """The length of the gradient of the critic by each example, |grad f(x)|.

    Args:
        critic: f, one number for each example, which looks at no other. One
            with a method `gradient`, such as `course.nn.stacked`, is asked for
            it; of others autograd finds it.
        x: shape (batch, ...).
    """
    if hasattr(critic, "gradient"):
        return critic.gradient(x).flatten(1).norm(dim=1)
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        total = critic(x).sum()
        (grad,) = torch.autograd.grad(total, x, create_graph=True)
    return grad.flatten(1).norm(dim=1)
