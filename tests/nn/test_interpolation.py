"""Lines and arcs between codes, and directions of attributes."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation, Slerp

from course.nn.interpolation import attribute_direction, lerp, slerp
from course.seeding import seeded

T = torch.linspace(0, 1, 9, dtype=torch.float64)


@pytest.fixture
def pair():
    with seeded(0):
        return torch.randn(2, 5, 40, dtype=torch.float64)


@pytest.mark.parametrize("way", [lerp, slerp])
def test_a_way_begins_at_a_and_ends_at_b(pair, way):
    a, b = pair
    path = way(a, b, T)
    assert path.shape == (9, 5, 40)
    assert torch.allclose(path[0], a, atol=1e-12)
    assert torch.allclose(path[-1], b, atol=1e-12)
    back = way(b, a, T)
    assert torch.allclose(path, back.flip(0), atol=1e-12)
    # every pair as if alone, whatever its shape
    assert torch.allclose(path[:, 2], way(a[2], b[2], T), atol=1e-12)


def test_the_line_is_even_and_straight(pair):
    steps = lerp(*pair, T).diff(dim=0)
    assert torch.allclose(steps, (pair[1] - pair[0]).expand(8, 5, 40) / 8)
    scalar = lerp(torch.tensor(2.0), torch.tensor(4.0), torch.tensor([0.25]))
    assert scalar.item() == 2.5


def test_the_arc_is_shoemakes_formula_for_equal_lengths(pair):
    a, b = (3 * v / v.norm(dim=-1, keepdim=True) for v in pair)
    angle = ((a * b).sum(-1, keepdim=True) / 9).acos()
    t = T.view(-1, 1, 1)
    expected = ((1 - t) * angle).sin() * a + (t * angle).sin() * b
    path = slerp(a, b, T)
    assert torch.allclose(path, expected / angle.sin(), atol=1e-12)
    assert torch.allclose(path.norm(dim=-1), torch.full((9, 5), 3.0).double())


def test_the_arc_has_even_pace_and_lengths_between(pair):
    a, b = pair
    path = slerp(a, b, T)
    lengths = path.norm(dim=-1)
    assert torch.allclose(
        lengths, lerp(a.norm(dim=-1), b.norm(dim=-1), T), atol=1e-12
    )
    unit = path / lengths[..., None]
    cosines = (unit[1:] * unit[:-1]).sum(dim=-1)
    assert torch.allclose(cosines, cosines[:1].expand(8, 5), atol=1e-12)
    # it stays in the plane of a and b
    for n in range(5):
        plane = torch.stack([a[n], b[n], *path[:, n]])
        assert torch.linalg.svdvals(plane)[2] < 1e-10


def test_quaternions_turn_as_scipy_turns_them():
    first, last = Rotation.random(2, random_state=3).as_quat(canonical=True)
    if first @ last < 0:
        last = -last
    theirs = Slerp([0, 1], Rotation.from_quat([first, last]))(T.numpy())
    ours = slerp(torch.tensor(first), torch.tensor(last), T).numpy()
    same = np.abs((ours * theirs.as_quat()).sum(axis=1))
    np.testing.assert_allclose(same, 1, atol=1e-12)


def test_parallel_codes_need_no_arc(pair):
    a = pair[0]
    assert torch.allclose(slerp(a, 2 * a, T), lerp(a, 2 * a, T), atol=1e-12)
    assert torch.allclose(slerp(a, a, T), a.expand(9, 5, 40), atol=1e-12)
    near = a + 1e-9 * pair[1]
    assert torch.allclose(slerp(a, near, T), lerp(a, near, T), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opposite_codes_and_zeros_are_refused(pair, dtype):
    a, t = pair[0].to(dtype), T.to(dtype)
    with pytest.raises(ValueError, match="opposite"):
        slerp(a, -2 * a, t)
    with pytest.raises(ValueError, match="no direction"):
        slerp(a, torch.zeros_like(a), t)
    almost = -a[0] + 0.1 * a[1]
    assert slerp(a[0], almost, t).isfinite().all()


def test_the_middle_of_a_line_is_short_in_high_dimension():
    """Half the squared length of a draw; the arc keeps its length."""
    M = 400
    with seeded(0):
        a, b = torch.randn(2, 500, M)
    half = torch.tensor([0.5])
    ratio = [
        (way(a, b, half).square().sum(-1) / M).mean().item()
        for way in (lerp, slerp)
    ]
    assert ratio[0] == pytest.approx(0.5, abs=0.01)
    assert ratio[1] == pytest.approx(1.0, abs=0.01)
    shortest = a.norm(dim=-1).min()
    assert lerp(a, b, half).norm(dim=-1).max() < shortest
    assert a.norm(dim=-1).std() < 1 < math.sqrt(M) / 10


def test_a_direction_is_the_slope_of_a_regression():
    with seeded(0):
        a = torch.randn(300, dtype=torch.float64)
        z = 2 + a[:, None] * torch.tensor([1.0, -2.0, 0.0]).double()
        z = z + 0.1 * torch.randn(300, 3, dtype=torch.float64)
    A = torch.stack([a, torch.ones_like(a)], dim=1)
    expected = torch.linalg.lstsq(A, z).solution[0]
    found = attribute_direction(z, a)
    assert torch.allclose(found, expected, atol=1e-12)
    assert torch.allclose(attribute_direction(z, 5 * a), expected / 5)
    yes = a > 0.7
    means = z[yes].mean(dim=0) - z[~yes].mean(dim=0)
    assert torch.allclose(attribute_direction(z, yes), means, atol=1e-12)


def test_an_attribute_that_never_changes_has_no_direction():
    with pytest.raises(ValueError, match="no direction"):
        attribute_direction(torch.randn(4, 2), torch.ones(4))
