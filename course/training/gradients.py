"""Gradients by finite differences: the check of every other gradient."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def finite_difference_gradient(
    f: Callable[[Tensor], Tensor],
    theta: Float[Tensor, "*shape"],
    *,
    eps: float | int = 1e-6,
) -> Float[Tensor, "*shape"]:
    """g_i = (f(theta + eps e_i) - f(theta - eps e_i)) / (2 eps).

    Central differences in float64. The error is of order eps^2 from the third
    derivative of f, and 1e-16 |f| / eps from rounding: 1e-6 balances the two.
    It calls f twice for each number in theta, so it is a check, and no way to
    train.

        >>> theta = torch.tensor([1.0, -2.0], dtype=torch.float64)
        >>> finite_difference_gradient(lambda t: t.square().sum(), theta)
        tensor([ 2.0000, -4.0000], dtype=torch.float64)

    Args:
        f: from a float64 tensor shaped like theta to a scalar tensor; its
            randomness, if any, must be the same in every call.
        theta: where; any shape. It is not changed.
        eps: half the distance between the two points.

    Raises:
        ValueError: eps is not positive, or f returns no scalar.
    """
    if not eps > 0:
        raise ValueError(f"eps must be positive, not {eps}: try 1e-6")
    at = theta.detach().to(torch.float64)
    steps = eps * torch.eye(at.numel(), dtype=at.dtype, device=at.device)
    with torch.no_grad():
        slopes = [
            (scalar(f, at + e) - scalar(f, at - e)) / (2 * eps)
            for e in steps.view(at.numel(), *at.shape)
        ]
    return torch.stack(slopes).view(at.shape) if slopes else at.clone()


def scalar(f: Callable, theta: Tensor) -> Tensor:
    """F(theta), or a ValueError unless it is one number."""
    value = f(theta)
    if not isinstance(value, Tensor):
        raise ValueError(
            f"f must return a scalar tensor, not {type(value).__name__}: leave "
            f"out .item() and .numpy()"
        )
    if value.numel() != 1:
        raise ValueError(
            f"f must return a scalar tensor, not {tuple(value.shape)}: sum or "
            f"average the losses"
        )
    return value.detach().to(theta).reshape(())
