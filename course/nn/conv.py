"""Small convolutional encoders and decoders of images of any size."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

from jaxtyping import Float
from torch import Tensor, nn

After = Callable[[int], nn.Module]  # from the channels to what follows them


def silu(channels: int) -> nn.Module:
    """The activation of this package, whatever the number of channels."""
    return nn.SiLU()


class Stack(nn.Sequential):
    """Layers in a row; a slice of it, such as [:-1], is a plain stack."""

    def __getitem__(self, index: int | slice) -> nn.Module:
        """Return a layer, or a stack of some."""
        if isinstance(index, slice):
            return nn.Sequential(*list(self)[index])
        return super().__getitem__(index)


class ConvEncoder(Stack):
    """From images, (batch, channels, height, width), to (batch, outputs).

    Each stage is a convolution with kernel 3 and stride 2, which halves both
    sides, rounded up: 8, 4, 2; 25, 13, 7; 28, 14, 7. A linear layer ends it.

    Args:
        shape: of an image, (channels, height, width).
        outputs: how many numbers come out: M for an autoencoder, 2 M for a
            VAE, 1 for a discriminator.
        widths: the channels after each stage.
        after: makes what follows each convolution, given its channels, such as
            `lambda C: nn.LeakyReLU(0.2)`.

    Raises:
        ValueError: a shape without three axes, or more stages than halvings.

    >>> ConvEncoder((1, 25, 25), 8)(torch.zeros(5, 1, 25, 25)).shape
    torch.Size([5, 8])
    """

    def __init__(
        self,
        shape: Sequence[int],
        outputs: int,
        *,
        widths: Sequence[int] = (16, 32),
        after: After = silu,
    ):
        channels, *_ = shape
        sizes = halvings(shape, len(widths))
        layers = []
        for n_in, n_out in pairwise((channels, *widths)):
            layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1)]
            layers += [after(n_out)]
        width = (channels, *widths)[-1] * prod(sizes[-1])
        super().__init__(*layers, nn.Flatten(), nn.Linear(width, outputs))


class ConvDecoder(Stack):
    """From codes, (batch, inputs), to images, (batch, *shape).

    The encoder backwards: a linear layer, then stages that enlarge the image
    to exactly the size the encoder had there, by repeating pixels, and
    convolve it with kernel 3. Enlarging first leaves no checkerboard, which
    transposed convolutions do (Odena, Dumoulin and Olah 2016). The last
    convolution has no activation.

    Args:
        inputs: the numbers of a code.
        shape: what comes out for each code: (channels, height, width), or
            (channels, height, width, K) for a likelihood that wants K numbers
            for each pixel.
        widths: the channels before each stage.
        after: makes what follows each layer but the last, given its channels.

    Raises:
        ValueError: a shape without three or four axes, or more stages than
            halvings.

    >>> ConvDecoder(8, (1, 28, 28, 2))(torch.zeros(5, 8)).shape
    torch.Size([5, 1, 28, 28, 2])
    """

    def __init__(
        self,
        inputs: int,
        shape: Sequence[int],
        *,
        widths: Sequence[int] = (32, 16),
        after: After = silu,
    ):
        channels, *_ = shape
        sizes = halvings(shape[:3], len(widths))[::-1]
        outputs = channels * prod(shape[3:])
        start = (widths or [outputs])[0], *sizes[0]
        layers = [nn.Linear(inputs, prod(start)), nn.Unflatten(1, start)]
        steps = zip(pairwise((*widths, outputs)), sizes[1:], strict=True)
        for (n_in, n_out), size in steps:
            layers += [after(n_in), nn.Upsample(size=size)]
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1)]
        super().__init__(*layers, *ends(shape))


def halvings(shape: Sequence[int], stages: int) -> list[tuple[int, int]]:
    """The sides of an image before the first stage and after each.

    >>> halvings((1, 25, 28), 2)
    [(25, 28), (13, 14), (7, 7)]

    Raises:
        ValueError: shape has not three axes, or nothing is left to be halved.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(
            f"the shape of an image is (channels, height, width), all of them "
            f"positive, not {tuple(shape)}"
        )
    sizes = [tuple(shape[1:])]
    for _ in range(stages):
        if max(sizes[-1]) == 1:
            raise ValueError(
                f"an image of {shape[1]} x {shape[2]} pixels can be halved "
                f"{len(sizes) - 1} times, not {stages}: give fewer widths"
            )
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


class LastAxis(nn.Module):
    """Moves the K numbers of each pixel from the channels to the last axis.

    >>> LastAxis(2)(torch.zeros(5, 6, 8, 8)).shape
    torch.Size([5, 3, 8, 8, 2])
    """

    def __init__(self, numbers: int):
        super().__init__()
        self.numbers = numbers

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch c height width K"]:
        """From (batch, c K, height, width) to (batch, c, height, width, K)."""
        return x.unflatten(1, (-1, self.numbers)).moveaxis(2, -1)


def ends(shape: Sequence[int]) -> list[nn.Module]:
    """What brings the channels of a decoder into the shape.

    Raises:
        ValueError: the shape has more than four axes.
    """
    if len(shape) > 4:
        raise ValueError(
            f"shape is (channels, height, width), with K numbers for each "
            f"pixel (channels, height, width, K), not {tuple(shape)}"
        )
    return [LastAxis(shape[3])] if len(shape) == 4 else []
