"""Densities in the plane that are simple in polar coordinates.

They have the interface of `course.data.densities`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical, LogNormal, MixtureSameFamily

from course.data.choices import check_positive


def _from_polar(
    r: Float[Tensor, " n"], angle: Float[Tensor, " n"]
) -> Float[Tensor, "n 2"]:
    return torch.stack([r * angle.cos(), r * angle.sin()], dim=-1)


class Rings(nn.Module):
    """Concentric rings, equally dense along each.

    The angle is uniform and the radius r = |x| a mixture of log-normals around
    `radii`, so that p(x) = p(r) / (2 pi r): dividing by r is the change from
    polar coordinates to the plane. `width` is roughly the standard deviation
    of the distance from the nearest ring.

    Raises:
        ValueError: there are no radii, or a radius or width is not positive.
    """

    def __init__(
        self, radii: tuple[float, ...] = (1.0, 2.0, 3.0), *, width: float = 0.1
    ):
        super().__init__()
        if not len(radii):
            raise ValueError("radii must hold at least one number")
        check_positive(smallest_radius=min(radii), width=width)
        self.register_buffer("radii", torch.tensor(radii, dtype=torch.float32))
        self.width = float(width)
        reach = max(r * math.exp(5 * width / r) for r in radii)
        self.extent = (-reach, reach, -reach, reach)

    @property
    def radius(self) -> MixtureSameFamily:
        """The density of r; a ring weighs as much as it is long."""
        rings = LogNormal(self.radii.log(), self.width / self.radii)
        return MixtureSameFamily(Categorical(probs=self.radii), rings)

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Return log p(x) = log p(r) - log(2 pi r) of each point, in nats."""
        r = x.norm(dim=-1).clamp_min(1e-9)  # the origin has no angle
        return self.radius.log_prob(r) - (2 * math.pi * r).log()

    def sample(self, n: int) -> Float[Tensor, "n 2"]:
        """Draw n independent points, shape (n, 2)."""
        r = self.radius.sample((n,))
        angle = 2 * math.pi * torch.rand_like(r)
        return _from_polar(r, angle)


class Moons(nn.Module):
    """Two interleaved half circles of radius 1.

    Around the centre of each moon, in polar coordinates (r, angle), the radius
    is log-normal around 1 and the angle is uniform over half the circle, plus
    normal noise, wrapped: p(x) = mean over moons of p(r) p(angle) / r. The
    noise has the standard deviation `width` across and along the arc.

    The arcs are those of `sklearn.datasets.make_moons`, centred at the origin.
    The first moon opens downwards.

    Raises:
        ValueError: width is not positive, or above 1, where moons dissolve.
    """

    def __init__(self, *, width: float = 0.1):
        super().__init__()
        check_positive(width=width)
        if width > 1:
            raise ValueError(f"width must be at most 1, not {width}")
        centres = torch.tensor([[-0.5, -0.25], [0.5, 0.25]])
        self.register_buffer("centres", centres)
        # the direction from a centre to the middle of its arc
        middles = torch.tensor([math.pi / 2, -math.pi / 2])
        self.register_buffer("middles", middles)
        self.width = float(width)
        reach = math.exp(5 * width)
        wide, high = 0.5 + reach, 0.25 + reach
        self.extent = (-wide, wide, -high, high)

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Return log p(x) of each point, in nats."""
        offset = x[:, None] - self.centres
        r = offset.norm(dim=-1).clamp_min(1e-9)
        angle = torch.atan2(offset[..., 1], offset[..., 0])
        radius = LogNormal(torch.zeros_like(r), self.width)
        moons = radius.log_prob(r) + self._log_angle(angle) - r.log()
        return moons.logsumexp(dim=-1) - math.log(2)

    def _log_angle(self, angle: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Return log p(angle), uniform over a half circle, plus noise, wrapped.

        On the line, at a distance u from the middle of the arc, the density
        is [Phi((pi/2 - u) / s) - Phi((-pi/2 - u) / s)] / pi.
        """
        turn, s = 2 * math.pi, self.width
        u = (angle - self.middles).abs()
        u = torch.minimum(u, (turn - u).abs())
        # once around in either direction; further terms vanish for s <= 1
        u = torch.stack([u, turn - u, turn + u])
        high = torch.special.log_ndtr((math.pi / 2 - u) / s)
        low = torch.special.log_ndtr((-math.pi / 2 - u) / s)
        line = high + torch.log1p(-(low - high).exp())
        return line.logsumexp(dim=0) - math.log(math.pi)

    def sample(self, n: int) -> Float[Tensor, "n 2"]:
        """Draw n independent points, shape (n, 2)."""
        moon = torch.randint(2, (n,), device=self.centres.device)
        angle = self.middles[moon]
        angle = angle + math.pi * (torch.rand_like(angle) - 0.5)
        angle = angle + self.width * torch.randn_like(angle)
        r = (self.width * torch.randn_like(angle)).exp()
        return self.centres[moon] + _from_polar(r, angle)
