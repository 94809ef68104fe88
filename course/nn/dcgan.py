"""Convolutional players of a GAN (Radford, Metz and Chintala 2016)."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from course.nn.conv import Stack, halvings

NORMS = ("batch", "spectral", "none")


class DCGenerator(Stack):
    """From noise, (batch, inputs), to images, (batch, *shape).

    A linear layer makes a small image with many channels; each stage doubles
    its sides by a transposed convolution with kernel 4 and stride 2: 2, 4, 8;
    7, 14, 28. Batch normalisation and ReLU follow every layer but the last,
    which has a bias and ends in `output`. Weights start as N(0, 0.02^2).

    Args:
        inputs: the dimension of z.
        shape: of an image, (channels, height, width).
        widths: the channels before each stage.
        output: makes the last layer: its range must be that of the data. Tanh
            wants images in [-1, 1].

    Raises:
        ValueError: a shape without three axes, no stage, or a side that so
            many doublings cannot give.

    Source: Radford, Metz and Chintala 2016, arXiv:1511.06434, section 3.

    >>> DCGenerator(100, (1, 28, 28))(torch.zeros(5, 100)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        inputs: int,
        shape: Sequence[int],
        *,
        widths: Sequence[int] = (64, 32),
        output: Callable[[], nn.Module] = nn.Tanh,
    ):
        sides = smallest(shape, len(widths))
        start = widths[0], *sides
        layers = [nn.Linear(inputs, prod(start), bias=False)]
        layers += [nn.Unflatten(1, start), nn.BatchNorm2d(start[0]), nn.ReLU()]
        for n_in, n_out in pairwise(widths):
            layers += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(n_out), nn.ReLU()]
        layers += [nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1), output()]
        super().__init__(*layers)
        self.apply(initialise)


class DCDiscriminator(Stack):
    """From images, (batch, *shape), to scores, (batch, 1).

    Each stage halves both sides by a convolution with kernel 4 and stride 2,
    followed by a LeakyReLU of slope 0.2; a linear layer ends it, without
    sigmoid. Weights start as N(0, 0.02^2).

    Args:
        shape: of an image, (channels, height, width).
        widths: the channels after each stage.
        norm: "batch" normalises every stage but the first, as the paper does;
            "spectral" divides every weight, the last layer's included, by its
            largest singular value (Miyato et al. 2018); "none" does neither
            and is for a gradient penalty.

    Raises:
        ValueError: another word for the norm, or a shape as above.

    >>> DCDiscriminator((1, 8, 8))(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        widths: Sequence[int] = (32, 64),
        norm: str = "batch",
    ):
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {NORMS}, not {norm!r}")
        pixels = prod(smallest(shape, len(widths)))
        layers = []
        for n_in, n_out in pairwise((shape[0], *widths)):
            batch = norm == "batch" and bool(layers)
            layers += [nn.Conv2d(n_in, n_out, 4, 2, 1, bias=not batch)]
            layers += [nn.BatchNorm2d(n_out)] if batch else []
            layers += [nn.LeakyReLU(0.2)]
        super().__init__(
            *layers, nn.Flatten(), nn.Linear(widths[-1] * pixels, 1)
        )
        self.apply(initialise)
        if norm == "spectral":
            bound(self)


def initialise(module: nn.Module) -> None:
    """Set the start of DCGAN in one layer: weights N(0, 0.02^2), biases 0.

    Scales of batch normalisation are drawn from N(1, 0.02^2). For a network
    write `network.apply(initialise)`.
    """
    kinds = nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d
    if isinstance(module, kinds):
        mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
        nn.init.normal_(module.weight, mean, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def bound(network: nn.Sequential) -> nn.Sequential:
    """Divide each weight by its largest singular value, from now on.

    Each linear layer then has slope 1 at most, and so has a stack of them with
    activations of slope 1 at most; a convolution, whose weight is flattened to
    a matrix here, at most the square root of how many windows see a pixel.

    Returns:
        The network itself, its layers parametrised in place.

    Source: Miyato et al. 2018, arXiv:1802.05957, section 2.1.
    """
    for layer in network:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            spectral_norm(layer, n_power_iterations=1)
    return network


def smallest(shape: Sequence[int], stages: int) -> tuple[int, int]:
    """The sides of an image after as many halvings, none with a rest.

    >>> smallest((1, 28, 28), 2)
    (7, 7)

    Raises:
        ValueError: shape has not three axes, no stage, or a rest is left.
    """
    sizes = halvings(shape, stages)
    if stages < 1 or any(side % 2 for size in sizes[:-1] for side in size):
        raise ValueError(
            f"each of {stages} stages halves the sides of an image, which "
            f"{tuple(shape[1:])} does not allow: give sides that "
            f"{2**stages} divides, and at least one width"
        )
    return sizes[-1]
