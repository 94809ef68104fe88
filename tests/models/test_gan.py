"""The GAN against the theory of its game, and against gradients by hand."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch import nn
from torch.distributions import Normal
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.optim import Adam
from torch.utils.data import DataLoader

from course.models.gan import (
    GAN,
    expectation,
    frozen,
    optimal_discriminator,
    value,
)
from course.nn.mlp import MLP
from course.protocols import Generative, Likelihood
from course.seeding import seeded
from course.training import Turn, train

LOG_4 = math.log(4)
LOSSES = ("non-saturating", "minimax")


def small(**options):
    """A GAN of points in the plane, in double precision."""
    return GAN(MLP(3, 8, 2), MLP(2, 8, 1), 3, **options).double()


def tables(n=1):
    """Probabilities p and q over an alphabet of seven letters."""
    return torch.rand(2, n, 7, dtype=torch.float64).softmax(-1).unbind()


def js(p, q):
    """Jensen-Shannon divergence of two tables, from two KLs."""
    m = (p + q) / 2
    terms = torch.xlogy(p, p) - torch.xlogy(p, m)
    return (terms + torch.xlogy(q, q) - torch.xlogy(q, m)).sum() / 2


def gradients(loss, module):
    return torch.autograd.grad(
        loss, list(module.parameters()), allow_unused=True
    )


@pytest.mark.parametrize("zeros", [0, 2])
def test_at_the_best_discriminator_the_value_is_a_divergence(zeros):
    """Goodfellow et al. 2014, theorem 1, exactly, on an alphabet."""
    for p, q in zip(*tables(20), strict=True):
        p[:zeros], q[7 - zeros :] = 0, 0
        p, q = p / p.sum(), q / q.sum()
        a = p.log() - q.log()
        V = value(a, a, p=p, q=q)
        assert V.item() == pytest.approx(2 * js(p, q).item() - LOG_4, abs=1e-10)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ([0.5, 0.5], [0.5, 0.5], -LOG_4),
        ([1.0, 0.0], [0.0, 1.0], 0.0),
        ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5], -math.log(2)),
    ],
)
def test_known_values_of_the_game(p, q, expected):
    p, q = torch.tensor([p, q], dtype=torch.float64)
    a = p.log() - q.log()
    assert value(a, a, p=p, q=q).item() == pytest.approx(expected, abs=1e-12)


def test_for_densities_it_is_the_integral():
    """By adaptive quadrature of both KLs."""
    p, q = Normal(3.0, 0.5), Normal(2.0, 1.0)

    def density(d, x):
        return d.log_prob(torch.tensor(x, dtype=torch.float64)).exp().item()

    def integrand(x):
        a, b = density(p, x), density(q, x)
        m = (a + b) / 2
        return sum(c * math.log(c / m) for c in (a, b) if c > 0)

    two_js = quad(integrand, -7, 11, points=[2, 3], epsabs=1e-12, limit=200)[0]
    x = torch.linspace(-8, 12, 40_001, dtype=torch.float64)
    log_p, log_q = p.log_prob(x), q.log_prob(x)
    cell = x[1] - x[0]
    weights = {"p": log_p.exp() * cell, "q": log_q.exp() * cell}
    V = value(log_p - log_q, log_p - log_q, **weights)
    assert V.item() == pytest.approx(two_js - LOG_4, abs=1e-7)


def test_no_other_discriminator_does_better():
    (p,), (q,) = tables()
    best = (p.log() - q.log()).requires_grad_()
    V = value(best, best, p=p, q=q)
    (slope,) = torch.autograd.grad(V, best)
    assert slope.abs().max() < 1e-14
    for other in best.detach() + torch.randn(200, 7, dtype=torch.float64):
        assert value(other, other, p=p, q=q) < V


def test_the_best_discriminator_is_a_share():
    p, q = tables(5)
    D = optimal_discriminator(p.log(), q.log())
    assert torch.allclose(D, p / (p + q), atol=1e-15)
    far = torch.tensor([-1000.0, -1001.0])  # both densities are 0 in float32
    assert optimal_discriminator(*far).item() == pytest.approx(
        1 / (1 + 1 / math.e)
    )


def test_draws_weigh_alike_unless_told_otherwise():
    f = torch.tensor([1.0, 2.0, 6.0])
    assert expectation(f, None) == 3
    assert expectation(f, torch.tensor([0.5, 0.5, 0.0])) == 1.5
    assert expectation(-1 / torch.zeros(1), torch.zeros(1)) == 0


def test_a_trained_discriminator_comes_near_the_best():
    p, q = Normal(3.0, 0.5), Normal(2.0, 1.0)
    with seeded(0):
        gan = GAN(nn.Identity(), MLP(1, 32, 32, 1), 1)
        gan.generate = lambda n: q.sample((n, 1))
        optimizer = Adam(gan.discriminator.parameters(), lr=5e-3)
        for _ in range(300):
            optimizer.zero_grad()
            gan.critic_loss(p.sample((500, 1)))["loss"].backward()
            optimizer.step()
    x = torch.linspace(0.5, 4, 50)
    D = optimal_discriminator(p.log_prob(x), q.log_prob(x))
    assert (gan.logits(x[:, None]).sigmoid() - D).abs().mean() < 0.04


def test_the_critic_lowers_a_cross_entropy():
    gan, x = small(), torch.randn(50, 2, dtype=torch.float64)
    with seeded(1):
        losses = gan.critic_loss(x)
    with seeded(1):
        fake = gan.sample(50)
    a, b = gan.logits(x), gan.logits(fake)
    expected = bce(a, torch.ones_like(a)) + bce(b, torch.zeros_like(b))
    assert losses["loss"].item() == pytest.approx(expected.item())
    assert losses["real"].item() == pytest.approx(a.sigmoid().mean().item())
    assert losses["fake"].item() == pytest.approx(b.sigmoid().mean().item())


@pytest.mark.parametrize(("kind", "label", "sign"), [
    ("non-saturating", 1.0, 1), ("minimax", 0.0, -1),
])  # fmt: skip
def test_the_generator_wants_the_wrong_label(kind, label, sign):
    gan, x = small(loss=kind), torch.zeros(50, 2, dtype=torch.float64)
    with seeded(1):
        loss = gan.generator_loss(x)["loss"]
    with seeded(1):
        a = gan.logits(gan.sample(50))
    expected = sign * bce(a, torch.full_like(a, label))
    assert loss.item() == pytest.approx(expected.item())


class Given(nn.Module):
    """A discriminator of constant logits, a generator that is a number."""

    def __init__(self, number):
        super().__init__()
        self.number = nn.Parameter(torch.tensor(float(number)).double())

    def forward(self, x):
        """The number, once a row."""
        return self.number.expand(len(x), 1)


@pytest.mark.parametrize("logit", [-10.0, -4.0, 0.0, 3.0])
def test_errata_d1_f7_slopes_of_both_losses(logit):
    """By the logit: -D for minimax, -(1 - D) for the other."""
    D = 1 / (1 + math.exp(-logit))
    for kind, expected in (("minimax", -D), ("non-saturating", D - 1)):
        gan = GAN(Given(logit), nn.Identity(), 1, loss=kind)
        loss = gan.generator_loss(torch.zeros(5, 1))["loss"]
        (slope,) = gradients(loss, gan.generator)
        assert slope.item() == pytest.approx(expected)


class Shift(nn.Module):
    """x = z + theta."""

    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z):
        """The noise, moved."""
        return z + self.theta


def divergences(theta):
    """KL(p_theta || p) and 2 JS for p = N(0, 1), p_theta = N(theta, 1)."""
    x = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    p, q = ((-((x - m) ** 2) / 2).exp() * 1e-3 for m in (0.0, theta))
    p, q = p / p.sum(), q / q.sum()
    return theta**2 / 2, 2 * js(p, q).item()


@pytest.mark.parametrize("kind", LOSSES)
def test_at_the_optimum_gradients_are_those_of_divergences(kind, monkeypatch):
    """2 JS, or KL(p_theta || p_data) - 2 JS (Arjovsky & Bottou 2017, 2.5).

    The best discriminator between N(0, 1) and N(theta, 1) is affine in x.
    """
    theta, h, n = 1.3, 1e-4, 20_001
    gan = GAN(Shift(theta), nn.Linear(1, 1), 1, loss=kind).double()
    with torch.no_grad():
        gan.discriminator.weight.fill_(-theta)
        gan.discriminator.bias.fill_(theta**2 / 2)
    ranks = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    z = Normal(0.0, 1.0).icdf(ranks)[:, None]  # noise without chance
    monkeypatch.setattr(torch, "randn_like", lambda _: z)
    loss = gan.generator_loss(torch.zeros(n, 1))["loss"]
    (slope,) = gradients(loss, gan.generator)
    (kl, up), (lk, down) = divergences(theta + h), divergences(theta - h)
    rise = up - down
    expected = rise if kind == "minimax" else kl - lk - rise
    assert slope.item() == pytest.approx(expected / (2 * h), abs=1e-4)


def test_the_critics_turn_leaves_the_generator_alone():
    gan, x = small(), torch.randn(9, 2, dtype=torch.float64)
    gan.critic_loss(x)["loss"].backward()
    assert all(p.grad is None for p in gan.generator.parameters())
    assert all(p.grad.abs().sum() > 0 for p in gan.discriminator.parameters())


@pytest.mark.parametrize("kind", LOSSES)
def test_the_generators_turn_leaves_the_discriminator_alone(kind):
    gan, x = small(loss=kind), torch.randn(9, 2, dtype=torch.float64)
    gan.generator_loss(x)["loss"].backward()
    assert all(p.grad is None for p in gan.discriminator.parameters())
    assert all(p.grad.abs().sum() > 0 for p in gan.generator.parameters())
    assert all(p.requires_grad for p in gan.parameters())


def test_training_in_turns_moves_one_player_at_a_time():
    gan, x = small(), torch.randn(20, 2, dtype=torch.float64)
    turns = [
        Turn("critic_loss", Adam(gan.discriminator.parameters())),
        Turn("generator_loss", Adam(gan.generator.parameters())),
    ]
    before = {k: p.clone() for k, p in gan.named_parameters()}
    for step in train(gan, DataLoader(x, batch_size=10), turns, steps=6):
        after = {k: p.clone() for k, p in gan.named_parameters()}
        moved = {k for k in after if not torch.equal(after[k], before[k])}
        mover = "dis" if step.turn == "critic_loss" else "gen"
        assert moved == {k for k in after if k.startswith(mover)}
        before = after


def test_frozen_ends_even_after_an_error():
    layer = nn.Linear(2, 1)
    layer.bias.requires_grad_(False)

    def stop():
        with frozen(layer):
            assert not layer.weight.requires_grad
            raise KeyError

    with pytest.raises(KeyError):
        stop()
    assert layer.weight.requires_grad
    assert not layer.bias.requires_grad  # frozen before, and after


def test_one_dimension_is_learned():
    """Mean, width, and a discriminator that has nothing left to say."""
    data = Normal(3.0, 0.5)
    with seeded(0):
        gan = GAN(MLP(4, 32, 1), MLP(1, 64, 64, 1), 4)
        betas = 0.5, 0.9
        turns = [
            Turn(
                "critic_loss", Adam(gan.discriminator.parameters(), 4e-3, betas)
            ),
            Turn(
                "generator_loss", Adam(gan.generator.parameters(), 1e-3, betas)
            ),
        ]
        loader = DataLoader(data.sample((5000, 1)), batch_size=100)
        done = [s.number for s in train(gan, loader, turns, steps=700)]
        x, fake = data.sample((5000, 1)), gan.sample(5000)
        verdicts = [gan.logits(v).sigmoid().mean().item() for v in (x, fake)]
    assert done[-1] == 700
    assert fake.mean().item() == pytest.approx(3, abs=0.2)
    assert fake.std().item() == pytest.approx(0.5, abs=0.2)
    assert verdicts == pytest.approx([0.5, 0.5], abs=0.05)


def test_it_has_no_likelihood():
    gan = small()
    assert isinstance(gan, Generative)
    assert not isinstance(gan, Likelihood)
    assert not hasattr(gan, "elbo")


def test_a_logit_a_row_in_either_shape():
    x = torch.randn(4, 2)
    flat = GAN(MLP(3, 2), nn.Sequential(MLP(2, 1), nn.Flatten(0)), 3)
    assert flat.logits(x).shape == (4,)
    assert GAN(MLP(3, 2), MLP(2, 1), 3).logits(x).shape == (4,)
    with pytest.raises(ValueError, match=r"\(4, 1\), not \(4, 2\)"):
        GAN(MLP(3, 2), MLP(2, 2), 3).logits(x)


def test_another_loss_is_refused():
    with pytest.raises(ValueError, match="'minimax'"):
        small(loss="wasserstein")


@pytest.mark.gpu
def test_on_a_gpu_too():
    (p,), (q,) = (t.cuda() for t in tables())
    a = p.log() - q.log()
    V = value(a, a, p=p, q=q)
    assert V.is_cuda
    assert V.item() == pytest.approx(2 * js(p, q).item() - LOG_4, abs=1e-10)
    gan = GAN(Shift(1.0), nn.Linear(1, 1), 1).double().cuda()
    assert gan.critic_loss(gan.sample(4))["loss"].is_cuda
