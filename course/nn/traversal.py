"""Latent traversals: one latent feature moves, the others stand still."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


@torch.no_grad()
def traverse(
    decode: Callable[[Tensor], Tensor],
    z: Float[Tensor, "N latent"],
    *,
    feature: int,
    values: Float[Tensor, " V"],
) -> Float[Tensor, "N V ..."]:
    """decode(z) with z's feature number `feature` set to each value in turn.

    Args:
        decode: from codes (batch, M) to examples (batch, ...).
        z: where each traversal passes, shape (N, M); it is not changed.
        feature: the column of z that moves.
        values: where it goes, shape (V,); for a VAE within -2 to 2, where the
            prior has most of its mass.

    Returns:
        the examples, shape (N, V, ...).

    Raises:
        ValueError: z has no such feature.

    >>> z = torch.zeros(1, 2)
    >>> traverse(lambda z: z, z, feature=1, values=torch.tensor([-1.0, 1.0]))
    tensor([[[ 0., -1.],
             [ 0.,  1.]]])
    """
    N, M = z.shape
    if not 0 <= feature < M:
        raise ValueError(
            f"feature must be a column of z, between 0 and {M - 1}, not "
            f"{feature}"
        )
    moved = z[:, None].repeat(1, len(values), 1)  # (N, V, M), a copy
    moved[..., feature] = values.to(z)
    return decode(moved.flatten(0, 1)).unflatten(0, (N, len(values)))
