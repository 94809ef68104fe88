"""The Wasserstein GAN against distances that are known."""

import math

import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import nn
from torch.autograd.functional import jacobian
from torch.nn.functional import relu
from torch.optim import Adam
from torch.utils.data import DataLoader

from course.models.gan import (
    HingeGAN,
    WassersteinGAN,
    gradient_penalty,
    slopes,
)
from course.nn.mlp import MLP
from course.nn.stacked import StackedMLP
from course.protocols import Generative, Likelihood
from course.seeding import seeded
from course.training import Turn, train


def double(*shape, seed=0):
    with seeded(seed):
        return torch.randn(*shape, dtype=torch.float64)


def linear(*weights):
    """The critic f(x) = w x."""
    f = nn.Linear(len(weights), 1, bias=False).double()
    f.weight.data = torch.tensor([weights], dtype=torch.float64)
    return f


def pair(kind=WassersteinGAN, **options):
    """A small game of points in the plane, in double precision."""
    with seeded(0):
        return kind(MLP(3, 8, 2), MLP(2, 8, 8, 1), 3, **options).double()


class Bowl(nn.Module):
    """f(v) = |v|^2 / 2, whose slope is |v|."""

    def forward(self, v):
        """One number a row."""
        return v.square().sum(1) / 2


@pytest.mark.parametrize("w", [(3.0, 4.0), (0.6, 0.8), (0.1, 0.0)])
def test_the_penalty_of_a_linear_critic_is_known(w):
    """(|w| - 1)^2, wherever the points are."""
    x, fake = double(2, 9, 2).unbind()
    found = gradient_penalty(linear(*w), x, fake)
    assert found.item() == pytest.approx((math.hypot(*w) - 1) ** 2)


def test_slopes_are_those_of_finite_differences():
    f, x, h = pair().discriminator, double(7, 2), 1e-6
    steps = h * torch.eye(2, dtype=torch.float64)
    with torch.no_grad():
        rises = [f(x + e) - f(x - e) for e in steps]
    expected = (torch.cat(rises, dim=1) / (2 * h)).norm(dim=1)
    assert torch.allclose(slopes(f, x), expected, atol=1e-8)


def test_slopes_are_those_of_every_example_alone():
    f, x = pair().discriminator, double(7, 2)
    alone = [jacobian(f, v[None])[0, 0, 0].norm() for v in x]
    assert torch.allclose(slopes(f, x), torch.stack(alone))


def test_a_critic_that_knows_its_gradient_is_believed():
    f, x = linear(3.0, 4.0), double(5, 2)
    f.gradient = lambda v: 2 * v
    assert torch.allclose(slopes(f, x), 2 * x.norm(dim=1))
    stack = StackedMLP(1, 2, 8, 1).double()
    plain = nn.Sequential(stack)  # which hides the method
    assert torch.allclose(slopes(stack, x), slopes(plain, x))


def test_slopes_of_images_count_all_pixels():
    f = nn.Sequential(nn.Flatten(), linear(*[2.0] * 9))
    x = double(4, 1, 3, 3)
    assert slopes(f, x).tolist() == pytest.approx([6.0] * 4)
    assert gradient_penalty(f, x, -x).item() == pytest.approx(25.0)


def test_slopes_are_found_even_where_gradients_are_off():
    with torch.no_grad():
        assert slopes(linear(3.0, 4.0), double(2, 2)).tolist() == [5.0, 5.0]


def test_the_penalty_is_taken_between_data_and_samples(monkeypatch):
    """With |grad f| = |v| for f = v^2 / 2, at v = (1 - u) x + u fake."""
    x = torch.tensor([[2.0], [8.0]], dtype=torch.float64)
    fake = torch.tensor([[4.0], [0.0]], dtype=torch.float64)
    u = torch.tensor([0.25, 0.5], dtype=torch.float64)
    monkeypatch.setattr(torch, "rand_like", lambda _: u)
    found = gradient_penalty(Bowl(), x, fake)
    assert found.item() == pytest.approx(((2.5 - 1) ** 2 + (4 - 1) ** 2) / 2)


def test_each_example_has_a_point_of_its_own():
    """The mean of (v - 1)^2 for v uniform in [0, 6]; on a line it is 7."""
    x, fake = torch.zeros(20_000, 1), torch.full((20_000, 1), 6.0)
    with seeded(0):
        found = gradient_penalty(Bowl(), x, fake)
    assert found.item() == pytest.approx(7, abs=0.2)


def test_the_penalty_has_the_gradient_of_finite_differences():
    """By the weights: the derivative of a derivative."""
    gan, (x, fake), h = pair(), double(2, 9, 2).unbind(), 1e-6
    f = gan.discriminator

    def penalty():
        with seeded(3):
            return gradient_penalty(f, x, fake)

    penalty().backward()
    for p in (f[0].weight, f[2].weight, f[4].weight, f[0].bias):
        at = (0,) * p.ndim
        p.data[at] += h
        up = penalty().item()
        p.data[at] -= 2 * h
        down = penalty().item()
        p.data[at] += h
        assert p.grad[at].item() == pytest.approx((up - down) / (2 * h), 1e-5)


def test_the_critic_lowers_what_the_paper_says():
    gan, x = pair(penalty=3.0), double(50, 2)
    with seeded(1):
        losses = gan.critic_loss(x)
    with seeded(1):
        fake = gan.sample(50)
        penalty = gradient_penalty(gan.discriminator, x, fake)
    distance = gan.scores(x).mean() - gan.scores(fake).mean()
    assert losses["distance"].item() == pytest.approx(distance.item())
    assert losses["penalty"].item() == pytest.approx(penalty.item())
    expected = -distance + 3 * penalty
    assert losses["loss"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("kind", [WassersteinGAN, HingeGAN])
def test_the_generator_raises_the_score_of_its_samples(kind):
    gan = pair(kind)
    with seeded(1):
        loss = gan.generator_loss(double(50, 2))["loss"]
    with seeded(1):
        score = gan.scores(gan.sample(50)).mean()
    assert loss.item() == pytest.approx(-score.item())


def test_the_hinge_asks_for_a_margin():
    gan = HingeGAN(nn.Identity(), linear(1.0), 1).double()
    x = torch.tensor([[3.0], [0.5], [-2.0]], dtype=torch.float64)
    gan.generate = lambda n: x[:n]
    losses = gan.critic_loss(x)
    real, fake = (0 + 0.5 + 3) / 3, (4 + 1.5 + 0) / 3
    assert losses["loss"].item() == pytest.approx(real + fake)
    assert losses["real"] == losses["fake"] == x.mean()
    assert relu(1 - x).mean().item() == pytest.approx(real)


@pytest.mark.parametrize("kind", [WassersteinGAN, HingeGAN])
def test_turns_leave_the_other_player_alone(kind):
    gan, x = pair(kind), double(9, 2)
    gan.critic_loss(x)["loss"].backward()
    assert all(p.grad is None for p in gan.generator.parameters())
    weights = [p for p in gan.discriminator.parameters() if p.ndim == 2]
    assert all(p.grad.abs().sum() > 0 for p in weights)
    gan.zero_grad()
    gan.generator_loss(x)["loss"].backward()
    assert all(p.grad is None for p in gan.discriminator.parameters())
    assert all(p.grad.abs().sum() > 0 for p in gan.generator.parameters())
    assert all(p.requires_grad for p in gan.parameters())


def test_a_bias_at_the_end_of_the_critic_has_no_effect():
    gan = pair()
    gan.critic_loss(double(9, 2))["loss"].backward()
    assert gan.discriminator[-1].bias.grad.abs().item() < 1e-15


def steepest(f, x):
    """A bound of the slope of an MLP with SiLU: 1.1 for each activation."""
    layers = [m for m in f if isinstance(m, nn.Linear)]
    tops = [torch.linalg.matrix_norm(m.weight, 2).item() for m in layers]
    return math.prod(tops) * 1.1 ** (len(tops) - 1)


def test_no_critic_of_slope_1_exceeds_the_distance():
    """Kantorovich and Rubinstein: 50 critics, three pairs of samples."""
    for seed, scale in enumerate((0.1, 1.0, 3.0)):
        x, y = double(200, 1, seed=seed), scale * double(200, 1, seed=9) + 1
        W1 = wasserstein_distance(x[:, 0], y[:, 0])
        for k in range(50):
            with seeded(k):
                f = MLP(1, 16, 16, 1).double()
            with torch.no_grad():
                value = (f(x).mean() - f(y).mean()).abs() / steepest(f, x)
            assert value.item() <= W1
    best = torch.tensor(W1)
    assert best > 0


def test_for_a_shift_a_straight_critic_reaches_the_distance():
    x = double(200, 1)
    y = x - 1.7
    f = linear(1.0)
    with torch.no_grad():
        value = (f(x).mean() - f(y).mean()).item()
    assert value == pytest.approx(1.7)
    assert wasserstein_distance(x[:, 0], y[:, 0]) == pytest.approx(1.7)


@pytest.mark.parametrize("shift", [0.5, 3.0, -6.0])
def test_a_trained_critic_measures_a_shift(shift):
    """W1 = |shift|; and at most that, divided by the steepest slope."""
    with seeded(0):
        f = MLP(1, 32, 32, 1)
        gan = WassersteinGAN(nn.Identity(), f, 1, penalty=20, one_sided=True)
        gan.generate = lambda n: torch.randn(n, 1) + shift
        adam = Adam(f.parameters(), 1e-2)
        for _ in range(150):
            adam.zero_grad()
            gan.critic_loss(torch.randn(200, 1))["loss"].backward()
            adam.step()
        distance = gan.critic_loss(torch.randn(5000, 1))["distance"].item()
    top = slopes(f, torch.linspace(-12, 12, 2000)[:, None]).max().item()
    assert distance == pytest.approx(abs(shift), rel=0.2, abs=0.05)
    assert 0.75 * abs(shift) < distance / top < abs(shift) + 0.05


def slope_of(start, **options):
    """Where a straight critic ends; data lie 3 above the samples."""
    f, x = linear(start), double(50, 1)
    gan = WassersteinGAN(nn.Identity(), f, 1, **options).double()
    gan.generate = lambda n: x - 3
    adam = Adam(f.parameters(), 0.05)
    for _ in range(200):
        adam.zero_grad()
        gan.critic_loss(x)["loss"].backward()
        adam.step()
    return f.weight.item()


@pytest.mark.parametrize("one_sided", [False, True])
def test_the_penalised_optimum_is_a_little_too_steep(one_sided):
    """max_s 3 s - lambda (s - 1)^2 is at s = 1 + 3 / (2 lambda)."""
    s = slope_of(0.5, penalty=10, one_sided=one_sided)
    assert s == pytest.approx(1 + 3 / 20, abs=1e-3)


def test_two_sides_can_hold_a_critic_that_points_the_wrong_way():
    """3 s - lambda (|s| - 1)^2 has a second top at s = -1 + 3 / (2 lambda)."""
    held, free = (
        slope_of(-0.5, penalty=10, one_sided=one_sided)
        for one_sided in (False, True)
    )
    assert held == pytest.approx(-1 + 3 / 20, abs=1e-3)
    assert free == pytest.approx(1 + 3 / 20, abs=1e-2)


@pytest.mark.parametrize("one_sided", [False, True])
def test_one_sided_means_that_flat_is_free(one_sided):
    x, fake = double(2, 9, 2).unbind()
    for w, expected in ((0.3, 0.0 if one_sided else 0.49), (4.0, 9.0)):
        found = gradient_penalty(linear(w, 0.0), x, fake, one_sided=one_sided)
        assert found.item() == pytest.approx(expected)


class Shift(nn.Module):
    """x = z + theta."""

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(1))

    def forward(self, z):
        """The noise, moved."""
        return z + self.theta


def test_a_shift_is_learned_in_turns_of_five():
    with seeded(0):
        f = MLP(1, 16, 1)
        gan = WassersteinGAN(Shift(), f, 1, penalty=1, one_sided=True)
        judge = Turn("critic_loss", Adam(f.parameters(), 1e-2))
        forger = Turn("generator_loss", Adam([gan.generator.theta], 0.1))
        loader = DataLoader(3 + torch.randn(1000, 1), batch_size=50)
        turns = 4 * [judge] + [forger]
        names = [s.turn for s in train(gan, loader, turns, steps=400)]
    assert names[:5] == 4 * ["critic_loss"] + ["generator_loss"]
    assert gan.generator.theta.item() == pytest.approx(3, abs=0.4)


@pytest.mark.parametrize("kind", [WassersteinGAN, HingeGAN])
def test_they_can_be_sampled_and_have_no_likelihood(kind):
    gan = pair(kind)
    assert isinstance(gan, Generative)
    assert not isinstance(gan, Likelihood)


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="at least 0, not -1"):
        pair(penalty=-1)


@pytest.mark.gpu
def test_the_critic_on_a_gpu_is_the_same():
    x, fake = double(2, 9, 2).unbind()
    f = pair().discriminator
    here = slopes(f, x)
    there = slopes(f.cuda(), x.cuda())
    assert there.is_cuda
    assert torch.allclose(here, there.cpu())
    found = gradient_penalty(linear(3.0, 4.0).cuda(), x.cuda(), fake.cuda())
    assert found.item() == pytest.approx(16.0)
