"""Multilayer perceptrons."""

import pytest
import torch
from torch import nn

from course.nn.mlp import MLP


def test_it_is_linear_silu_linear_silu_linear():
    net = MLP(3, 5, 4, 2).double()
    x = torch.randn(7, 3, dtype=torch.float64)
    (w1, b1), (w2, b2), (w3, b3) = (
        (layer.weight, layer.bias)
        for layer in net
        if isinstance(layer, nn.Linear)
    )
    h = x @ w1.T + b1
    h = h / (1 + torch.exp(-h))
    h = h @ w2.T + b2
    h = h / (1 + torch.exp(-h))
    torch.testing.assert_close(net(x), h @ w3.T + b3, rtol=1e-12, atol=1e-12)


def test_two_widths_make_a_linear_map():
    assert [type(layer) for layer in MLP(3, 2)] == [nn.Linear]
    assert [type(layer) for layer in MLP(3, 2, dropout=0.5)] == [nn.Linear]


def test_dropout_silences_a_share_of_the_hidden_units_in_training_alone():
    net = MLP(1, 20_000, 1, dropout=0.3)
    layers = [nn.Linear, nn.SiLU, nn.Dropout, nn.Linear]
    assert [type(layer) for layer in net] == layers
    hidden, x = net[:3], torch.ones(1, 1)
    assert (hidden(x) == 0).double().mean().item() == pytest.approx(
        0.3, abs=0.02
    )
    assert (hidden.eval()(x) != 0).all()
    assert not any(isinstance(layer, nn.Dropout) for layer in MLP(1, 9, 1))


def test_a_slice_is_a_stack_of_the_same_layers():
    net = MLP(3, 5, 2)
    x = torch.randn(4, 3)
    features = net[:-1]
    assert torch.equal(net[-1](features(x)), net(x))
    assert features[0] is net[0]


@pytest.mark.parametrize("widths", [(), (3,), (3, 0), (3, -1, 2), (0, 3)])
def test_widths_that_make_no_network_are_refused(widths):
    with pytest.raises(
        ValueError, match=r"at least two positive widths.*write"
    ):
        MLP(*widths)
