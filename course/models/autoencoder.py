"""Autoencoders, plain and denoising; they copy, and generate nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.protocols import Batch, Losses

MISSING = ("refuse", "mask")


class Autoencoder(nn.Module):
    """Two networks that copy x through a code, z = Enc(x), x' = Dec(z).

    Trained on E |x - Dec(Enc(x))|^2 (Bourlard and Kamp 1988). With `noise` it
    is a denoising autoencoder: the encoder sees a damaged x, and the copy is
    compared with the clean one (Vincent et al. 2008, section 2.3).

    There is no distribution over codes, hence no `sample` and no likelihood.

    Args:
        encoder: maps x to a code.
        decoder: maps a code to the shape of x.
        noise: damages a batch, for example `GaussianNoise(0.3)`; it belongs to
            the loss, in training and evaluation alike. None is no damage.
        missing: what NaN in x means. "refuse" takes it for an error. "mask"
            takes it for a missing pixel: the encoder gets twice the channels
            (axis 1), x with 0 where it is missing and then 1 where it was
            seen, 0 elsewhere, and missing pixels do not count in the loss.

    Raises:
        ValueError: another word for `missing`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        noise: Callable[[Tensor], Tensor] | None = None,
        missing: str = "refuse",
    ):
        super().__init__()
        if missing not in MISSING:
            raise ValueError(f"missing must be one of {MISSING}, not {missing}")
        self.encoder, self.decoder = encoder, decoder
        self.noise = noise
        self.missing = missing

    def encode(self, x: Batch) -> Float[Tensor, "batch ..."]:
        """The codes z = Enc(x).

        Raises:
            ValueError: x holds NaN, which `missing="refuse"` does not allow.
        """
        seen = ~x.isnan()
        if self.missing == "mask":
            visible = torch.where(seen, x, 0.0)
            return self.encoder(torch.cat([visible, seen.to(x)], dim=1))
        if not seen.all():
            raise ValueError(
                'x holds NaN, but missing="refuse": fill the gaps, or build '
                'the model with missing="mask" and an encoder for twice the '
                "channels"
            )
        return self.encoder(x)

    def decode(self, z: Float[Tensor, "batch ..."]) -> Batch:
        """The examples Dec(z) that codes stand for."""
        return self.decoder(z)

    def reconstruct(self, x: Batch) -> Batch:
        """The copy Dec(Enc(x)); no noise is added, and no pixel is missing.

        Raises:
            ValueError: the copy has not the shape of x.
        """
        copy = self.decode(self.encode(x))
        if copy.shape != x.shape:
            raise ValueError(
                f"the decoder returns the shape {tuple(copy.shape)} for x of "
                f"{tuple(x.shape)}: let it end in nn.Unflatten, or flatten x"
            )
        return copy

    def loss(self, x: Batch) -> Losses:
        """The squared error |x - Dec(Enc(noise(x)))|^2.

        Features are summed, examples averaged; missing pixels count nothing.
        """
        copy = self.reconstruct(self.noise(x) if self.noise else x)
        error = torch.where(x.isnan(), 0.0, copy - x).square()
        return {"loss": error.flatten(1).sum(1).mean()}


@dataclass(frozen=True)
class GaussianNoise:
    """Adds noise, x + sigma eps with eps ~ N(0, I).

    Raises:
        ValueError: sigma is negative.
    """

    sigma: float | int

    def __post_init__(self):
        """Refuse a negative width."""
        if not self.sigma >= 0:
            raise ValueError(f"sigma must not be negative, not {self.sigma}")

    def __call__(self, x: Batch) -> Batch:
        """A noisy copy of x."""
        return x + self.sigma * torch.randn_like(x)


@dataclass(frozen=True)
class MaskingNoise:
    """Replaces each feature by `value` with the probability `share`.

    Args:
        share: from 0 to 1.
        value: 0 in the paper; NaN for a model with `missing="mask"`, which then
            is told where something was taken away.

    Raises:
        ValueError: the share is no probability.
    """

    share: float | int
    value: float | int = 0.0

    def __post_init__(self):
        """Refuse what is no probability."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in [0, 1], not {self.share}")

    def __call__(self, x: Batch) -> Batch:
        """A copy of x with holes."""
        hit = torch.rand_like(x) < self.share
        return x.masked_fill(hit, self.value)
