"""Finite differences against derivatives known by hand and by autograd."""

import pytest
import torch

from course.seeding import seeded
from course.training.gradients import finite_difference_gradient


def skew(theta):
    """A function whose every derivative differs."""
    a, b, c = theta.flatten()[:3]
    return a**3 - 2 * a * b + b.sin() * c.exp()


def test_the_gradient_is_the_one_by_hand():
    theta = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64)
    a, b, c = theta
    truth = [3 * a**2 - 2 * b, -2 * a + b.cos() * c.exp(), b.sin() * c.exp()]
    g = finite_difference_gradient(skew, theta)
    torch.testing.assert_close(g, torch.stack(truth), rtol=0, atol=1e-8)


def test_the_gradient_is_that_of_autograd_for_any_shape():
    with seeded(0):
        theta = torch.randn(2, 3, dtype=torch.float64)
        W = torch.randn(3, 2, dtype=torch.float64)

    def f(t):
        return torch.logsumexp((t @ W).flatten(), 0) * t[1, 2]

    leaf = theta.clone().requires_grad_()
    (truth,) = torch.autograd.grad(f(leaf), leaf)
    g = finite_difference_gradient(f, leaf)
    torch.testing.assert_close(g, truth, rtol=0, atol=1e-8)
    assert not g.requires_grad
    assert torch.equal(leaf, theta)  # unchanged


def test_central_differences_are_exact_for_a_square_at_any_step():
    """A one-sided difference would be off by eps."""
    theta = torch.tensor([1.5, -0.5], dtype=torch.float64)
    g = finite_difference_gradient(lambda t: t.square().sum(), theta, eps=0.5)
    torch.testing.assert_close(g, 2 * theta)


def test_single_precision_is_taken_as_double():
    theta = torch.tensor([0.7, -1.2, 0.4])
    g = finite_difference_gradient(skew, theta)
    assert g.dtype == torch.float64
    exact = finite_difference_gradient(skew, theta.double())
    assert torch.equal(g, exact)


def test_a_single_number_and_none_at_all():
    g = finite_difference_gradient(torch.exp, torch.tensor(0.0).double())
    assert g.shape == ()
    assert g.item() == pytest.approx(1, abs=1e-9)
    empty = torch.zeros(0, dtype=torch.float64)
    assert finite_difference_gradient(torch.sum, empty).shape == (0,)


def test_what_cannot_be_differentiated_is_refused():
    theta = torch.zeros(2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"scalar tensor, not \(2,\)"):
        finite_difference_gradient(torch.exp, theta)
    with pytest.raises(ValueError, match="not float"):
        finite_difference_gradient(lambda t: t.sum().item(), theta)
    for eps in (0.0, -1e-6):
        with pytest.raises(ValueError, match="eps must be positive"):
            finite_difference_gradient(torch.sum, theta, eps=eps)


@pytest.mark.gpu
def test_the_gradient_is_on_the_device_of_theta():
    theta = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64)
    there = finite_difference_gradient(skew, theta.cuda())
    assert there.is_cuda
    here = finite_difference_gradient(skew, theta)
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-8)
