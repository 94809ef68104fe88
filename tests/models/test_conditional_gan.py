"""The conditional game against the divergences that it is to minimise."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from course.models.conditional_gan import ConditionalGAN
from course.nn.mlp import MLP
from course.protocols import Likelihood
from course.seeding import seeded

DATA = Normal(torch.tensor([-2.0, 1.0]), torch.tensor([0.5, 1.0]))
MODEL = Normal(torch.tensor([-1.0, 1.5]), torch.tensor([1.0, 0.6]))


class Affine(nn.Module):
    """G(z, y) = mean_y + scale_y z: draws from MODEL."""

    def forward(self, given):
        z, e = given[:, :1], given[:, 1:]
        return (e @ MODEL.mean)[:, None] + (e @ MODEL.stddev)[:, None] * z


class Best(nn.Module):
    """The logit log p(x | y) - log q(x | y), and an error of some size."""

    def __init__(self, error=0.0):
        super().__init__()
        self.error = error

    def forward(self, given):
        x, e = given[:, :1], given[:, 1:]
        ratio = DATA.log_prob(x) - MODEL.log_prob(x)
        return (e * ratio).sum(1) + self.error * x[:, 0].sin()


def game(discriminator=None):
    return ConditionalGAN(Affine(), discriminator or Best(), 1, classes=2)


def small():
    return ConditionalGAN(MLP(4, 8, 1), MLP(3, 8, 1), 2, classes=2)


def draw(n):
    y = torch.randint(2, (n,))
    return Normal(DATA.mean[y], DATA.stddev[y]).sample()[:, None], y


def js(label):
    """Jensen-Shannon divergence of both distributions of a class, on a grid."""
    grid = torch.linspace(-12, 12, 40_001, dtype=torch.float64)[:, None]
    log_p = DATA.log_prob(grid)[:, label]
    log_q = MODEL.log_prob(grid)[:, label]
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    kls = log_p.exp() * (log_p - log_m) + log_q.exp() * (log_q - log_m)
    return (kls.sum() * (grid[1, 0] - grid[0, 0]) / 2).item()


def test_at_the_best_judge_the_value_is_the_mean_divergence_of_the_classes():
    """-V = log 4 - E_y[2 JS(p(x|y), q(x|y))]."""
    loss = game().critic_loss(draw(200_000))["loss"].item()
    expected = math.log(4) - (js(0) + js(1))  # two classes, shares one half
    assert loss == pytest.approx(expected, abs=0.01)
    for error in (-0.5, 0.5):
        worse = game(Best(error)).critic_loss(draw(200_000))["loss"].item()
        assert worse > loss + 0.01


def test_the_judge_sees_pairs():
    """With exchanged labels the marginal of x is right and every pair wrong."""
    gan = game()
    x, y = draw(50_000)
    right, wrong = gan.critic_loss((x, y)), gan.critic_loss((x, 1 - y))
    assert wrong["real"] < right["real"] - 0.1


def test_losses_are_cross_entropies():
    gan, (x, y) = small(), draw(64)
    with seeded(1):
        critic = gan.critic_loss((x, y))
    with seeded(1):
        fake = gan.logits(gan.sample(64, y), y)
    real = gan.logits(x, y)
    one, zero = torch.ones(64), torch.zeros(64)
    assert torch.allclose(critic["loss"], bce(real, one) + bce(fake, zero))
    assert torch.allclose(critic["real"], real.sigmoid().mean())
    assert torch.allclose(critic["fake"], fake.sigmoid().mean())
    with seeded(1):
        generator = gan.generator_loss((x, y))["loss"]
    assert torch.allclose(generator, bce(fake, one))


def test_samples_are_judged_with_the_labels_of_the_batch():
    gan, seen = small(), []
    gan.discriminator.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    x, y = draw(64)
    gan.critic_loss((x, y))
    gan.generator_loss((x, y))
    e = torch.eye(2)[y]
    assert len(seen) == 3
    assert all(torch.equal(given[:, 1:], e) for given in seen)
    assert torch.equal(seen[0][:, :1], x)


def test_each_turn_moves_one_player():
    gan, batch = small(), draw(64)
    gan.critic_loss(batch)["loss"].backward()
    assert all(p.grad is None for p in gan.generator.parameters())
    assert all(p.grad.abs().sum() > 0 for p in gan.discriminator.parameters())
    gan.zero_grad(set_to_none=True)
    gan.generator_loss(batch)["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in gan.generator.parameters())
    assert all(p.grad is None for p in gan.discriminator.parameters())
    assert all(p.requires_grad for p in gan.parameters())


def test_samples_are_of_the_class_that_was_asked_for():
    gan = game()
    for label in (0, 1):
        x = gan.sample(100_000, label)
        assert x.mean().item() == pytest.approx(
            MODEL.mean[label].item(), abs=0.02
        )
        assert x.std().item() == pytest.approx(
            MODEL.stddev[label].item(), abs=0.02
        )
    y = torch.tensor([1, 0]).repeat_interleave(50_000)
    means = gan.sample(100_000, y).unflatten(0, (2, -1)).mean((1, 2))
    assert torch.allclose(means, MODEL.mean.flip(0), atol=0.03)
    mixed = gan.sample(100_000).mean().item()
    assert mixed == pytest.approx(MODEL.mean.mean().item(), abs=0.03)


def test_the_generator_moves_each_class_to_its_own_data():
    """Against the best judge, by the slope of the loss for each class."""

    class Movable(Affine):
        def __init__(self):
            super().__init__()
            self.move = nn.Parameter(torch.zeros(2))

        def forward(self, given):
            return super().forward(given) + (given[:, 1:] @ self.move)[:, None]

    gan = ConditionalGAN(Movable(), Best(), 1, classes=2)
    gan.generator_loss(draw(20_000))["loss"].backward()
    wish = DATA.mean - MODEL.mean  # -1 for one class, -0.5 for the other
    assert (gan.generator.move.grad * wish < -0.01).all()


def test_there_is_no_likelihood():
    assert not isinstance(small(), Likelihood)


def test_a_wrong_judge_is_refused():
    gan = ConditionalGAN(MLP(4, 8, 1), MLP(3, 8, 2), 2, classes=2)
    with pytest.raises(ValueError, match="one logit for each pair"):
        gan.critic_loss(draw(16))
