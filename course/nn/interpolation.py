"""Ways between two codes, and the direction of an attribute among codes."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def lerp(
    a: Float[Tensor, "..."],
    b: Float[Tensor, "..."],
    t: Float[Tensor, " T"],
) -> Float[Tensor, "T ..."]:
    """Points of the straight line from a to b, (1 - t) a + t b.

    Halfway between two independent draws of N(0, I_M) the squared length is
    M / 2 on average: shorter than nearly every draw.

    >>> lerp(torch.zeros(2), torch.ones(2), torch.tensor([0.0, 0.5, 1.0]))
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [1.0000, 1.0000]])
    """
    t = t.view(-1, *(1,) * a.ndim)
    return (1 - t) * a + t * b


def slerp(
    a: Float[Tensor, "*batch M"],
    b: Float[Tensor, "*batch M"],
    t: Float[Tensor, " T"],
) -> Float[Tensor, "T *batch M"]:
    """Points of the arc from a to b: direction on the great circle, even pace.

    The direction is cos(t angle) u + sin(t angle) w, with u along a, and w at a
    right angle to it in the plane of a and b. The length goes straight from
    |a| to |b|. For equal lengths it is Shoemake's formula,
    (sin((1 - t) angle) a + sin(t angle) b) / sin(angle).

    Raises:
        ValueError: a or b is zero, or they are opposite, where every great
            circle is a shortest way.

    Source: K. Shoemake (1985), Animating rotation with quaternion curves;
    for latent codes T. White (2016), arXiv:1609.04468.
    """
    lengths = [v.norm(dim=-1, keepdim=True) for v in (a, b)]
    if any((length == 0).any() for length in lengths):
        raise ValueError(
            "a code of zeros has no direction to start from: use lerp, or "
            "codes that are not zero"
        )
    u, v = a / lengths[0], b / lengths[1]
    angle = 2 * torch.atan2(  # exact for small angles too (Kahan)
        (u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True)
    )
    if (angle > torch.pi - torch.finfo(a.dtype).eps ** 0.5).any():
        raise ValueError(
            "a and b are opposite, so that there is no single shortest arc: "
            "go through a third code"
        )
    w = v - (u * v).sum(dim=-1, keepdim=True) * u
    w = torch.nn.functional.normalize(w, dim=-1)  # of zeros: zeros, angle 0
    t = t.view(-1, *(1,) * a.ndim)
    arc = (t * angle).cos() * u + (t * angle).sin() * w
    return lerp(*lengths, t.flatten()) * arc


def attribute_direction(
    z: Float[Tensor, "N M"], y: Bool[Tensor, " N"] | Float[Tensor, " N"]
) -> Float[Tensor, " M"]:
    """How codes change with an attribute, on average: cov(z, y) / var(y).

    It is the slope of the regression of z on y, the change of z as y rises by
    1. For yes and no it is the mean of the codes with yes minus that of the
    codes with no.

    Args:
        z: codes of N examples.
        y: the attribute that was measured on each.

    Raises:
        ValueError: all examples have the same attribute.
    """
    y = y.to(z)
    y = y - y.mean()
    if not y.any():
        raise ValueError(
            "the attribute is the same in all examples: it has no direction"
        )
    return y @ (z - z.mean(dim=0)) / y.square().sum()
