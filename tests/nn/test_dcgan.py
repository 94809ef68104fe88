"""The players of DCGAN: sizes, starts, and what bounds their slope."""

import pytest
import torch
from torch import nn

from course.nn.dcgan import (
    DCDiscriminator,
    DCGenerator,
    bound,
    initialise,
    smallest,
)
from course.seeding import seeded

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 16)]


def layers(network, *kinds):
    return [m for m in network if isinstance(m, kinds)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("widths", [(6,), (6, 4)])
def test_noise_becomes_images_and_images_scores(shape, widths):
    x = DCGenerator(5, shape, widths=widths)(torch.randn(3, 5))
    assert x.shape == (3, *shape)
    assert x.abs().max() <= 1
    for norm in ("batch", "spectral", "none"):
        judge = DCDiscriminator(shape, widths=widths[::-1], norm=norm)
        assert judge(x).shape == (3, 1)


def test_it_has_the_layers_of_the_paper():
    G, D = DCGenerator(5, (1, 8, 8)), DCDiscriminator((1, 8, 8))
    kinds = [type(m).__name__ for m in G]
    assert kinds == [
        "Linear", "Unflatten", "BatchNorm2d", "ReLU",
        "ConvTranspose2d", "BatchNorm2d", "ReLU",
        "ConvTranspose2d", "Tanh",
    ]  # fmt: skip
    kinds = [type(m).__name__ for m in D]
    assert kinds == [
        "Conv2d", "LeakyReLU",  # the first stage is not normalised
        "Conv2d", "BatchNorm2d", "LeakyReLU",
        "Flatten", "Linear",
    ]  # fmt: skip
    assert {m.negative_slope for m in layers(D, nn.LeakyReLU)} == {0.2}
    assert G[-2].bias is not None
    assert layers(G, nn.Linear)[0].bias is None  # the norm has one


def test_weights_start_small():
    with seeded(0):
        G = DCGenerator(100, (1, 28, 28))
        D = DCDiscriminator((1, 28, 28), widths=(64, 128))
    for m in layers(G, nn.Linear, nn.ConvTranspose2d) + layers(D, nn.Conv2d):
        assert abs(m.weight.mean()) < 0.003
        assert m.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert m.bias is None or m.bias.abs().max() == 0
    (scale,) = (m.weight for m in layers(D, nn.BatchNorm2d))
    assert scale.mean().item() == pytest.approx(1, abs=0.01)
    assert 0.01 < scale.std() < 0.03
    x = torch.ones(1, 1)
    assert torch.equal(nn.Identity().apply(initialise)(x), x)


def test_another_output_has_another_range():
    G = DCGenerator(5, (1, 8, 8), output=nn.Sigmoid)
    x = G(torch.randn(50, 5))
    assert 0 <= x.min() < x.max() <= 1


def settle(network, x, passes=100):
    """Let the power iterations converge."""
    for _ in range(passes):
        network(x)
    return network.eval()


def test_a_spectral_norm_is_the_largest_singular_value():
    shape = (1, 8, 8)
    with seeded(0):
        raw, D = (DCDiscriminator(shape, norm="none") for _ in range(2))
        D.load_state_dict(raw.state_dict())
        settle(bound(D), torch.rand(2, *shape))
    pairs = zip(
        layers(raw, nn.Conv2d, nn.Linear),
        layers(D, nn.Conv2d, nn.Linear),
        strict=True,
    )
    for before, after in pairs:
        W = before.weight.detach().flatten(1)
        top = torch.linalg.svdvals(W)[0]
        assert torch.allclose(after.weight.flatten(1), W / top, rtol=1e-3)
        assert before.weight.shape == after.weight.shape


def test_a_bounded_convolution_stretches_at_most_twice():
    """Kernel 4, stride 2: each pixel is seen by four windows."""
    with seeded(0):
        D = DCDiscriminator((1, 8, 8), norm="spectral")
        x = torch.rand(2, 1, 8, 8)
        settle(D, x)
    first = D[0]
    jacobian = torch.autograd.functional.jacobian(
        lambda v: first(v[None])[0].flatten(), x[0]
    ).flatten(1)
    top = torch.linalg.matrix_norm(jacobian, 2)
    assert 1 < top <= 2.001


def test_a_bounded_stack_of_linear_layers_has_slope_1():
    with seeded(0):
        f = nn.Sequential(nn.Linear(3, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
        f = settle(bound(f), torch.randn(2, 3))
        x, y = torch.randn(2, 500, 3)
    rise = (f(x) - f(y)).abs()[:, 0] / (x - y).norm(dim=1)
    assert rise.max() <= 1.001
    assert rise.max() > 0.1  # and it is no constant


def test_statistics_move_in_training_alone():
    """Batch normalisation: used and moved in training, used in evaluation."""
    with seeded(0):
        G = DCGenerator(5, (1, 8, 8))
        before = G[2].running_mean.clone()
        G.eval()(torch.randn(50, 5))
        assert torch.equal(G[2].running_mean, before)
        G.train()(torch.randn(50, 5))
        assert not torch.equal(G[2].running_mean, before)
        assert G[2].num_batches_tracked == 1


def test_sides_are_halved_without_a_rest():
    assert smallest((1, 28, 28), 2) == (7, 7)
    assert smallest((3, 8, 16), 3) == (1, 2)
    for shape, stages in [((1, 28, 28), 3), ((1, 25, 25), 1), ((1, 8, 8), 0)]:
        with pytest.raises(ValueError, match=f"each of {stages} stages"):
            smallest(shape, stages)
    with pytest.raises(ValueError, match="channels, height, width"):
        DCGenerator(5, (8, 8))
    with pytest.raises(ValueError, match="not 'layer'"):
        DCDiscriminator((1, 8, 8), norm="layer")
    with pytest.raises(ValueError, match="each of 0 stages"):
        DCGenerator(5, (1, 8, 8), widths=())
