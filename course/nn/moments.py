"""The two halves of what an encoder returns: means and log-variances."""

from jaxtyping import Float
from torch import Tensor

Latent = Float[Tensor, "batch latent"]


def mean_and_log_var(
    output: Tensor, shape: tuple[int, int], *, network: str = "the encoder"
) -> tuple[Latent, Latent]:
    """Split the output of a network into mu and log sigma^2 of N(mu, sigma^2).

    Args:
        output: the means, then the log-variances, shape (batch, 2 latent_dim).
        shape: of either half, (batch, latent_dim).
        network: what to call it in the message.

    Raises:
        ValueError: the output has another shape.

    >>> import torch
    >>> output = torch.tensor([[1.0, 2.0, 0.0, 3.0]])
    >>> mu, log_var = mean_and_log_var(output, (1, 2))
    >>> mu, log_var
    (tensor([[1., 2.]]), tensor([[0., 3.]]))
    """
    wanted = shape[0], 2 * shape[1]
    if output.shape != wanted:
        raise ValueError(
            f"{network} must return means and log-variances side by side, in "
            f"the shape (batch, 2 latent_dim) = {wanted}, not "
            f"{tuple(output.shape)}: change its last layer or latent_dim"
        )
    mu, log_var = output.chunk(2, dim=1)
    return mu, log_var
