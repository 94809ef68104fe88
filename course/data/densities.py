"""Mixtures of Gaussians in the plane, straight and turned: the truth is known.

Each is an `nn.Module` whose parameters are buffers, so that `.to("cuda")`
moves it. Each has `log_prob(x)`, exact and normalised, in nats per point;
`sample(n)`; and `extent` = (left, right, bottom, top), outside of which there
is less than one point in a million.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
)

from course.data.choices import check_count, check_positive


def _rotate(
    x: Float[Tensor, "n 2"], angle: Float[Tensor, " n"]
) -> Float[Tensor, "n 2"]:
    """Each point of x turned about the origin, counter-clockwise."""
    c, s = angle.cos(), angle.sin()
    return torch.stack(
        [c * x[:, 0] - s * x[:, 1], s * x[:, 0] + c * x[:, 1]], dim=-1
    )


class GaussianGrid(nn.Module):
    """An equal mixture of side^2 round Gaussians on a square grid.

    p(x) = (1 / side^2) sum_k N(x; mu_k, sigma^2 I), with neighbouring mu_k at
    a distance of `spacing`. A test of mode coverage: `means` holds the centres,
    shape (side^2, 2).

    Raises:
        ValueError: side is no positive whole number, or spacing or sigma is
            not positive.
    """

    def __init__(
        self, side: int = 5, *, spacing: float = 2.0, sigma: float = 0.1
    ):
        super().__init__()
        check_count("side", side)
        check_positive(spacing=spacing, sigma=sigma)
        ticks = (torch.arange(side) - (side - 1) / 2) * spacing
        self.register_buffer("means", torch.cartesian_prod(ticks, ticks))
        self.sigma = float(sigma)
        reach = (side - 1) / 2 * spacing + 5 * sigma
        self.extent = (-reach, reach, -reach, reach)

    @property
    def mixture(self) -> MixtureSameFamily:
        """The density as an object of torch.distributions."""
        weights = Categorical(logits=torch.zeros_like(self.means[:, 0]))
        points = Independent(Normal(self.means, self.sigma), 1)
        return MixtureSameFamily(weights, points)

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Return log p(x) of each point, in nats."""
        return self.mixture.log_prob(x)

    def sample(self, n: int) -> Float[Tensor, "n 2"]:
        """Draw n independent points, shape (n, 2)."""
        return self.mixture.sample((n,))


class Pinwheel(nn.Module):
    """Bent arms around the origin.

    A point y of an equal mixture of long Gaussians, one for each arm, is
    turned about the origin by an angle that grows with its distance from it:
    x = R(twist |y|) y. The turn keeps areas, so its Jacobian is 1 and
    p(x) = p_y(R(-twist |x|) x) exactly.

    After the pinwheel data of M. J. Johnson and others (2016),
    arXiv:1603.06277; there the angle depends on one coordinate of y alone.

    Raises:
        ValueError: arms is no positive whole number.
    """

    def __init__(self, arms: int = 5, *, twist: float = 0.6):
        super().__init__()
        check_count("arms", arms)
        self.twist = float(twist)
        angles = 2 * math.pi * torch.arange(arms) / arms
        c, s = angles.cos(), angles.sin()
        # frames[k] has the directions along and across arm k as its columns
        frames = torch.stack([c, -s, s, c], dim=-1).reshape(arms, 2, 2)
        self.register_buffer("frames", frames)
        self.register_buffer("mean", torch.tensor([2.0, 0.0]))
        self.register_buffer("scale", torch.tensor([0.5, 0.15]))
        self.extent = (-4.5, 4.5, -4.5, 4.5)

    @property
    def arm(self) -> Independent:
        """The density of a point of an arm, along and across it."""
        return Independent(Normal(self.mean, self.scale), 1)

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Return log p(x) of each point, in nats."""
        y = _rotate(x, -self.twist * x.norm(dim=-1))
        in_frames = (y[:, None, :, None] * self.frames).sum(dim=-2)
        arms = self.arm.log_prob(in_frames)
        return arms.logsumexp(dim=-1) - math.log(len(self.frames))

    def sample(self, n: int) -> Float[Tensor, "n 2"]:
        """Draw n independent points, shape (n, 2)."""
        shape, device = (n,), self.frames.device
        arm = torch.randint(len(self.frames), shape, device=device)
        y = (self.frames[arm] * self.arm.sample(shape)[:, None]).sum(dim=-1)
        return _rotate(y, self.twist * y.norm(dim=-1))
