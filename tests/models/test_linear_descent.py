"""Gradient descent, its minibatches and Adam, as optimisers of anything."""

import numpy as np
import pytest
import torch

from course.data import digits
from course.models.linear import Adam, GradientDescent, descend
from course.models.linear.descent import minibatches
from course.models.linear.links import Bernoulli, Categorical, Gaussian
from course.models.linear.objective import objective
from course.seeding import seeded

OPTIONS = {"lr": 0.05, "epochs": 30}


def rosenbrock(theta):
    """A curved valley."""
    a, b = theta
    return (1 - a) ** 2 + 10 * (b - a**2) ** 2


def slope(theta, batch=None):
    """The gradient of the valley, by autograd."""
    theta = theta.detach().requires_grad_()
    return torch.autograd.grad(rosenbrock(theta), theta)[0]


@pytest.mark.parametrize("name", ["gd", "adam"])
def test_every_step_is_that_of_torch(name):
    start = torch.tensor([-1.0, 0.5], dtype=torch.float64)
    theta = start.clone().requires_grad_()
    if name == "gd":
        rule = GradientDescent(0.005, epochs=30)
        theirs = torch.optim.SGD([theta], lr=0.005)
    else:
        rule = Adam(0.05, epochs=30, beta1=0.5, beta2=0.9, eps=1e-3)
        theirs = torch.optim.Adam([theta], lr=0.05, betas=(0.5, 0.9), eps=1e-3)
    for ours in descend(slope, start, rule=rule):
        theirs.zero_grad()
        rosenbrock(theta).backward()
        theirs.step()
        torch.testing.assert_close(ours, theta, rtol=1e-12, atol=1e-12)
    assert start.tolist() == [-1.0, 0.5]  # unchanged


@pytest.mark.parametrize("rule", [GradientDescent, Adam])
def test_the_rate_falls_with_the_steps(rule):
    one = torch.tensor(1.0, dtype=torch.float64)
    path = descend(lambda t, batch: one, 0 * one, rule=rule(0.5, 4, decay=2.0))
    steps = -np.diff([0, *(t.item() for t in path)])
    np.testing.assert_allclose(steps, 0.5 / np.array([1, 3, 5, 7]), rtol=1e-6)


def test_an_epoch_uses_every_row_once():
    rng = np.random.RandomState(0)
    first, second = (minibatches(10, 4, rng) for _ in range(2))
    assert [len(b) for b in first] == [4, 4, 2]
    assert sorted(torch.cat(first).tolist()) == list(range(10))
    assert torch.cat(first).tolist() != torch.cat(second).tolist()
    assert minibatches(10, None, rng) == [slice(None)]


def test_the_seed_decides_the_order():
    def visited(seed):
        seen = []

        def gradient(theta, batch):
            seen.extend(batch.tolist())
            return theta

        rule = GradientDescent(0.1, 3, batch_size=5, random_state=seed)
        list(descend(gradient, torch.zeros(1), rule=rule, rows=12))
        return seen

    assert visited(0) == visited(0) != visited(1)
    assert len(visited(0)) == 36


@pytest.mark.parametrize("family", [Gaussian, Bernoulli, Categorical])
def test_no_step_below_the_limit_goes_up(family):
    with seeded(0):
        x = torch.randn(200, 4).double() @ torch.randn(4, 4).double()
        k = (x[:, 0] > 0.3 * torch.randn(200)).long()
    y = k[:, None] if family is not Categorical else torch.eye(2)[k]
    J = objective(x, y.double(), family, 0.01)
    theta = torch.full((5, y.shape[1]), 0.8).double()
    theta[:, 0] *= -1
    for share in (0.1, 0.5, 0.99):
        rule = GradientDescent(share * J.step_limit(), epochs=200)
        path = descend(J.gradient, theta, rule=rule)
        losses = [J.loss(t).item() for t in [theta, *path]]
        assert np.diff(losses).max() < 1e-13


def test_least_squares_diverge_above_the_limit():
    """The limit is exact where the curvature is the same everywhere."""
    with seeded(0):
        x, y = torch.randn(100, 3).double(), torch.randn(100, 1).double()
    J = objective(x, y, Gaussian, 0.1)
    # the intercept has no penalty: the bound adds it, so it may be too strict
    top = torch.linalg.eigvalsh(J.hessian(torch.zeros(4, 1).double()))[-1]
    assert J.step_limit() <= 2 / top.item()
    ends = []
    for factor in (0.98, 1.02):
        rule = GradientDescent(factor * 2 / top.item(), epochs=600)
        *_, end = descend(J.gradient, torch.ones(4, 1).double(), rule=rule)
        ends.append(end)
    exact = torch.linalg.solve(J.hessian(end), -J.gradient(0 * end))
    assert (ends[0] - exact).abs().max() < 1e-4
    assert (ends[1] - exact).abs().max() > 1e3


@pytest.mark.parametrize("rule", [GradientDescent, Adam])
def test_a_rule_refuses_what_cannot_work(rule):
    for wrong in (
        {"lr": 0.0},
        {"lr": -0.1},
        {"decay": -1.0},
        {"epochs": 0},
        {"batch_size": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            rule(**wrong)


def gaussian_slope(x):
    """The gradient of -log N(x; mu, sigma^2), by mu and log sigma."""

    def gradient(theta, batch):
        z = (x[batch] - theta[0]) / theta[1].exp()
        return torch.stack([-z.mean() / theta[1].exp(), 1 - (z * z).mean()])

    return gradient


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_minibatches_reach_the_maximum_likelihood_of_a_gaussian(seed):
    """No label is in sight."""
    with seeded(seed):
        x = 3 + 0.5 * torch.randn(500, dtype=torch.float64)
    truth = torch.stack([x.mean(), x.std(correction=0).log()])
    rule = GradientDescent(
        0.05, epochs=200, batch_size=50, decay=0.01, random_state=seed
    )
    start = torch.zeros(2, dtype=torch.float64)
    *_, theta = descend(gaussian_slope(x), start, rule=rule, rows=500)
    torch.testing.assert_close(theta, truth, rtol=0, atol=0.005)


def test_ascent_of_the_variance_finds_the_first_principal_component():
    """Oja's rule on unlabelled digits, against the SVD."""
    x = torch.from_numpy(digits()[0].reshape(-1, 64)).double()
    x = x - x.mean(dim=0)

    def oja(w, batch):
        a = x[batch] @ w
        return (a.square().mean() * w) - x[batch].T @ a / len(a)

    rule = GradientDescent(0.5, epochs=300)
    *_, w = descend(oja, torch.full((64,), 0.125).double(), rule=rule)
    first = torch.linalg.svd(x, full_matrices=False).Vh[0]
    assert (w @ first).abs().item() == pytest.approx(1, abs=1e-6)
    assert w.norm().item() == pytest.approx(1, abs=1e-6)


def test_descent_on_a_game_moves_away_from_its_solution():
    """Min over a, max over b of a b: each step multiplies the distance."""
    rule = GradientDescent(0.1, epochs=50)
    path = descend(
        lambda t, batch: torch.stack([t[1], -t[0]]),
        torch.tensor([1.0, 0.0], dtype=torch.float64),
        rule=rule,
    )
    radius = [t.norm().item() for t in path]
    growth = np.sqrt(1 + 0.1**2)
    np.testing.assert_allclose(radius, growth ** np.arange(1, 51), rtol=1e-12)


def test_a_look_ahead_wins_the_game():
    """With the gradient of the next point the distance shrinks."""

    def field(z):
        return torch.stack([z[1], -z[0]])

    eta = 0.1
    path = descend(
        lambda z, batch: field(z - eta * field(z)),
        torch.tensor([1.0, 0.0], dtype=torch.float64),
        rule=GradientDescent(eta, epochs=50),
    )
    radius = [z.norm().item() for z in path]
    shrink = np.sqrt(1 - eta**2 + eta**4)
    np.testing.assert_allclose(radius, shrink ** np.arange(1, 51), rtol=1e-12)
