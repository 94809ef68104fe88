"""Densities are normalised, their samples are theirs, and oracles agree."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import make_moons

from course import data
from course.seeding import seeded

DENSITIES = {
    "moons": data.Moons(),
    "wide moons": data.Moons(width=0.5),
    "rings": data.Rings(),
    "one ring": data.Rings((1.5,), width=0.4),
    "pinwheel": data.Pinwheel(),
    "twisted": data.Pinwheel(3, twist=-1.5),
    "grid": data.GaussianGrid(),
    "even grid": data.GaussianGrid(2, spacing=1.0, sigma=0.4),
}
every_density = pytest.mark.parametrize(
    "density", DENSITIES.values(), ids=DENSITIES
)


def midpoints(extent, cells, fine):
    """Midpoints of fine x fine squares in each cell, and a square's area."""
    left, right, bottom, top = extent
    k = (torch.arange(cells * fine, dtype=torch.float64) + 0.5) / (cells * fine)
    grid = torch.cartesian_prod(
        left + (right - left) * k, bottom + (top - bottom) * k
    )
    return grid, (right - left) * (top - bottom) / (cells * fine) ** 2


@every_density
def test_the_integral_is_one(density):
    grid, area = midpoints(density.extent, 1, 300)
    mass = density.log_prob(grid).exp().sum() * area
    assert mass == pytest.approx(1, abs=1e-5)


@every_density
def test_samples_fill_the_cells_as_the_density_says(density):
    """A chi-square test on a 20 x 20 grid of cells."""
    n, cells, fine = 20_000, 20, 15
    grid, area = midpoints(density.extent, cells, fine)
    mass = density.log_prob(grid).exp() * area
    p = mass.reshape(cells, fine, cells, fine).sum((1, 3)).flatten().numpy()
    left, right, bottom, top = density.extent
    counts, *_ = np.histogram2d(
        *density.sample(n).numpy().T,
        bins=cells,
        range=[(left, right), (bottom, top)],
    )
    counts = counts.flatten()
    big = n * p >= 5
    found = np.append(counts[big], n - counts[big].sum())
    expected = np.append(n * p[big], n * (1 - p[big].sum()))
    keep = expected > 1e-3
    statistic = ((found - expected)[keep] ** 2 / expected[keep]).sum()
    assert stats.chi2.sf(statistic, df=keep.sum() - 1) > 1e-3


@every_density
def test_mean_log_prob_of_samples_is_minus_the_entropy(density):
    grid, area = midpoints(density.extent, 1, 300)
    log_p = density.log_prob(grid)
    entropy = -(log_p.exp() * log_p).sum() * area
    found = density.log_prob(density.sample(20_000)).double()
    error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() + entropy) < 4 * error


@every_density
def test_hardly_a_sample_leaves_the_extent(density):
    x = density.sample(100_000)
    left, right, bottom, top = density.extent
    lowest, highest = torch.tensor([left, bottom]), torch.tensor([right, top])
    outside = ((x < lowest) | (x > highest)).any(dim=1)
    assert outside.sum() <= 2


@every_density
def test_log_prob_is_finite_and_has_gradients_everywhere(density):
    special = torch.tensor(
        [[0.0, 0.0], [-0.5, -0.25], [0.5, 0.25], [30.0, -40.0], [0.0, 2.0]]
    )
    x = torch.cat([special, 3 * torch.randn(50, 2)]).requires_grad_()
    log_p = density.log_prob(x)
    log_p.sum().backward()
    assert log_p.isfinite().all()
    assert x.grad.isfinite().all()


@every_density
def test_score_is_the_finite_difference(density):
    x = density.sample(40).double().requires_grad_()
    density.log_prob(x).sum().backward()
    h, step = 1e-6, torch.eye(2, dtype=torch.float64)
    for axis in range(2):
        high, low = (
            density.log_prob(x.detach() + sign * h * step[axis])
            for sign in (1, -1)
        )
        slope = (high - low) / (2 * h)
        assert torch.allclose(x.grad[:, axis], slope, rtol=1e-4, atol=1e-4)


@every_density
def test_rows_are_independent_arguments_unchanged_samples_seeded(density):
    with seeded(3):
        x = density.sample(6)
    with seeded(3):
        assert torch.equal(x, density.sample(6))
    kept = x.clone()
    log_p = density.log_prob(x)
    alone = torch.cat([density.log_prob(row[None]) for row in x])
    assert torch.allclose(log_p, alone, atol=1e-5)
    assert torch.equal(x, kept)


@pytest.mark.gpu
@every_density
def test_densities_follow_their_buffers(density):
    x = density.sample(100)
    moved = density.to("cuda")
    try:
        assert moved.sample(3).is_cuda
        assert torch.allclose(
            moved.log_prob(x.cuda()).cpu(),
            density.to("cpu").log_prob(x),
            atol=1e-4,
        )
    finally:
        density.to("cpu")


def test_grid_is_the_mixture_of_scipy():
    density = data.GaussianGrid()
    x = density.sample(50).double().numpy()
    ticks = [-4, -2, 0, 2, 4]
    p = np.mean(
        [
            stats.multivariate_normal([a, b], 0.01).pdf(x)
            for a in ticks
            for b in ticks
        ],
        axis=0,
    )
    assert len(density.means) == 25
    found = density.log_prob(torch.from_numpy(x)).numpy()
    assert np.allclose(found, np.log(p), atol=1e-4)


def test_noiseless_moons_run_along_the_ridge():
    """On an arc, far from its ends, p = (1/2) N(0; 0, s^2) / pi."""
    s = 0.03
    x, _ = make_moons(400, noise=None)
    inner = np.abs(x[:, 1] - 0.25) > 0.5  # away from ends and the other moon
    x = torch.from_numpy(x[inner] - [0.5, 0.25])
    ridge = math.log(0.5 / (s * math.sqrt(2 * math.pi)) / math.pi)
    log_p = data.Moons(width=s).log_prob(x)
    assert torch.allclose(log_p, torch.full_like(log_p, ridge), atol=1e-4)


def test_width_of_rings_is_the_spread_of_the_radius():
    x = data.Rings((1.0, 3.0), width=0.05).sample(20_000)
    r = x.norm(dim=1)
    outer = r > 2
    # a ring is as heavy as it is long
    assert outer.float().mean() == pytest.approx(0.75, abs=0.015)
    for chosen in (outer, ~outer):
        assert r[chosen].std() == pytest.approx(0.05, rel=0.04)


def test_pinwheel_has_the_symmetry_of_its_arms():
    density = data.Pinwheel(5)
    x = density.sample(50).double()
    angle = 2 * math.pi / 5
    c, s = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    found = density.log_prob(x @ turn.T)
    assert torch.allclose(found, density.log_prob(x), atol=1e-4)
    mirrored = x * torch.tensor([1.0, -1.0])
    assert (density.log_prob(mirrored) - density.log_prob(x)).abs().max() > 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.Moons(width=0.0), "width must be positive"),
        (lambda: data.Moons(width=1.5), "width must be at most 1"),
        (lambda: data.Rings(()), "radii must hold at least one"),
        (lambda: data.Rings((1.0, -1.0)), "smallest_radius must be positive"),
        (lambda: data.Rings(width=-0.1), "width must be positive"),
        (lambda: data.Pinwheel(0), "arms must be a whole number"),
        (lambda: data.GaussianGrid(0), "side must be a whole number"),
        (lambda: data.GaussianGrid(sigma=0.0), "sigma must be positive"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
