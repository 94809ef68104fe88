"""Convolutional encoders and decoders: sizes, symmetry, what a stage does."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from course.nn.conv import ConvDecoder, ConvEncoder, LastAxis, halvings
from course.nn.likelihoods import bernoulli, categorical
from course.seeding import seeded


@pytest.mark.parametrize("side", [8, 12, 25, 28, 5])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("widths", [(), (4,), (4, 6)])
def test_images_become_numbers_and_numbers_images(side, channels, widths):
    shape = (channels, side, side + 1)
    z = ConvEncoder(shape, 7, widths=widths)(torch.rand(2, *shape))
    assert z.shape == (2, 7)
    x = ConvDecoder(7, shape, widths=widths[::-1])(z)
    assert x.shape == (2, *shape)


def test_a_decoder_may_give_several_numbers_a_pixel():
    z = torch.randn(5, 3)
    decoder = ConvDecoder(3, (2, 8, 8, 17), widths=(4,))
    assert categorical(17)(decoder(z)).event_shape == (2, 8, 8)
    assert bernoulli()(ConvDecoder(3, (2, 8, 8))(z)).event_shape == (2, 8, 8)


def test_numbers_of_one_pixel_stay_together():
    x = torch.arange(6.0).reshape(1, 6, 1, 1).expand(2, 6, 3, 4)
    assert LastAxis(2)(x)[0, :, 0, 0].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_parameters_are_counted():
    """Two stages of the digits: the numbers that the book compares."""
    encoder, decoder = ConvEncoder((1, 8, 8), 8), ConvDecoder(8, (1, 8, 8))
    first = (9 * 1 + 1) * 16 + (9 * 16 + 1) * 32 + (4 * 32 + 1) * 8
    second = (8 + 1) * 4 * 32 + (9 * 32 + 1) * 16 + (9 * 16 + 1) * 1
    for module, expected in ((encoder, first), (decoder, second)):
        assert sum(p.numel() for p in module.parameters()) == expected


def test_an_encoder_is_its_layers_written_out():
    x = torch.rand(3, 1, 5, 5).double()
    model = ConvEncoder((1, 5, 5), 4, widths=(2,)).double()
    h = conv2d(x, model[0].weight, model[0].bias, stride=2, padding=1)
    assert h.shape == (3, 2, 3, 3)
    h = (h * h.sigmoid()).flatten(1)
    expected = h @ model[-1].weight.T + model[-1].bias
    assert torch.allclose(model(x), expected)


def test_a_decoder_is_its_layers_written_out():
    z = torch.randn(3, 4).double()
    model = ConvDecoder(4, (1, 5, 5), widths=(2,)).double()
    h = (z @ model[0].weight.T + model[0].bias).reshape(3, 2, 3, 3)
    h = h * h.sigmoid()
    nearest = torch.tensor([0, 0, 1, 1, 2])  # floor(3 i / 5)
    h = h[:, :, nearest][:, :, :, nearest]
    expected = conv2d(h, model[-1].weight, model[-1].bias, padding=1)
    assert torch.allclose(model(z), expected)


def test_the_last_layer_is_linear_and_every_other_is_followed():
    made = []

    def after(channels):
        made.append(channels)
        return nn.Sequential(nn.BatchNorm2d(channels), nn.LeakyReLU(0.2))

    ConvEncoder((3, 8, 8), 1, widths=(4, 6), after=after)(
        torch.rand(2, 3, 8, 8)
    )
    assert made == [4, 6]
    made.clear()
    decoder = ConvDecoder(2, (3, 8, 8), widths=(6, 4), after=after)
    assert made == [6, 4]
    assert isinstance(decoder[-1], nn.Conv2d)


def test_moving_the_image_moves_the_features():
    """By two pixels, one step of the stride; borders aside."""
    with seeded(0):
        stages = ConvEncoder((1, 16, 16), 1, widths=(3,))[:2]
        x = torch.zeros(1, 1, 16, 16)
        x[:, :, 5:9, 5:9] = torch.rand(4, 4)
    moved = stages(x.roll(2, dims=3))
    assert torch.allclose(
        stages(x)[..., 1:6, 1:6], moved[..., 1:6, 2:7], atol=1e-6
    )
    assert not torch.allclose(stages(x), moved, atol=1e-3)


def test_a_decoder_leaves_no_checkerboard():
    """A flat code stays flat inside; a transposed convolution's does not."""
    with seeded(0):
        ours = ConvDecoder(1, (1, 16, 16), widths=(4,), after=nn.Identity)
        theirs = nn.ConvTranspose2d(
            4, 1, 3, stride=2, padding=1, output_padding=1
        )
    with torch.no_grad():
        inside = ours[3:](torch.ones(1, 4, 8, 8))[0, 0, 2:-2, 2:-2]
        tiled = theirs(torch.ones(1, 4, 8, 8))[0, 0, 2:-2, 2:-2]
    assert inside.std() < 1e-6
    assert tiled.std() > 1e-2


@pytest.mark.parametrize(
    ("shape", "stages", "complaint"),
    [
        ((8, 8), 1, "channels, height, width"),
        ((1, 0, 8), 1, "positive"),
        ((1, 8, 8), 4, "halved 3 times, not 4"),
    ],
)
def test_impossible_shapes_are_refused(shape, stages, complaint):
    with pytest.raises(ValueError, match=complaint):
        halvings(shape, stages)


def test_impossible_modules_are_refused():
    with pytest.raises(ValueError, match="halved 3 times"):
        ConvEncoder((1, 8, 8), 2, widths=(2, 2, 2, 2))
    with pytest.raises(ValueError, match="halved 3 times"):
        ConvDecoder(2, (1, 8, 8), widths=(2, 2, 2, 2))
    with pytest.raises(ValueError, match="K numbers"):
        ConvDecoder(2, (1, 8, 8, 2, 2))
