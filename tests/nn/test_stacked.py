"""A stack of networks is as many networks."""

import pytest
import torch
from torch import nn

from course.nn.stacked import StackedMLP, deal
from course.seeding import seeded


def network(stack, s):
    """Network number s of a stack, of layers of the library."""
    layers = []
    for W, b in zip(stack.W, stack.b, strict=True):
        layer = nn.Linear(*W.shape[1:])
        layer.weight.data, layer.bias.data = W[s].mT.data, b[s, 0].data
        layers += [layer, nn.LeakyReLU(stack.slope)]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("widths", [(4, 2), (4, 7, 5, 2)])
def test_every_row_goes_through_its_own_network(networks, widths):
    with seeded(0):
        stack, x = StackedMLP(networks, *widths), torch.randn(12, 4)
    each = deal(stack(x), networks)
    for s in range(networks):
        expected = network(stack, s)(x[s::networks])
        assert torch.allclose(each[s], expected, atol=1e-6)


def test_no_network_learns_from_the_rows_of_another():
    stack, x = StackedMLP(3, 4, 5, 1), torch.randn(12, 4)
    deal(stack(x), 3)[1].sum().backward()
    for p in stack.parameters():
        assert p.grad[1].abs().sum() > 0
        assert p.grad[[0, 2]].abs().sum() == 0


@pytest.mark.parametrize("widths", [(4, 2), (4, 7, 5, 1)])
def test_it_knows_its_gradient(widths):
    """And the gradient of that by its weights, as autograd finds both."""
    with seeded(0):
        stack, x = StackedMLP(3, *widths).double(), torch.randn(12, 4).double()
    x.requires_grad_()
    (slow,) = torch.autograd.grad(stack(x).sum(), x, create_graph=True)
    quick = stack.gradient(x)
    assert torch.allclose(quick, slow)
    for found, expected in zip(
        torch.autograd.grad(quick.square().sum(), list(stack.W)),
        torch.autograd.grad(slow.square().sum(), list(stack.W)),
        strict=True,
    ):
        assert torch.allclose(found, expected)


def test_it_starts_as_the_library_does():
    with seeded(0):
        stack, layer = StackedMLP(50, 16, 64), nn.Linear(16, 64)
    for p, q in ((stack.W[0], layer.weight), (stack.b[0], layer.bias)):
        assert p.abs().max() <= 0.25
        assert p.std().item() == pytest.approx(0.25 / 3**0.5, rel=0.03)
        assert q.abs().max() <= 0.25
    assert not torch.equal(stack.W[0][0], stack.W[0][1])


def test_what_cannot_be_dealt_is_refused():
    with pytest.raises(ValueError, match="10 rows cannot be dealt to 3"):
        StackedMLP(3, 4, 1)(torch.zeros(10, 4))
    with pytest.raises(ValueError, match="10 rows cannot be dealt to 3"):
        StackedMLP(3, 4, 1).gradient(torch.zeros(10, 4))
    for wrong in ((0, 4, 1), (3, 4), (3, 4, 0)):
        with pytest.raises(ValueError, match="a network and two positive"):
            StackedMLP(*wrong)


@pytest.mark.gpu
def test_on_a_gpu_too():
    stack, x = StackedMLP(3, 4, 5, 2), torch.randn(12, 4)
    here = stack(x)
    assert torch.allclose(stack.cuda()(x.cuda()).cpu(), here, atol=1e-5)
