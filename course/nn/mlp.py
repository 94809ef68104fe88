"""Multilayer perceptrons."""

from itertools import pairwise

from torch import nn


class MLP(nn.Sequential):
    """Linear layers of the given widths, with a SiLU between any two of them.

    Args:
        widths: of the input, the hidden layers and the output.
        dropout: the share of hidden units silenced in training.

    Raises:
        ValueError: fewer than two widths, or one that is not positive.

    >>> MLP(2, 64, 64, 4)(torch.zeros(8, 2)).shape
    torch.Size([8, 4])
    """

    def __init__(self, *widths: int, dropout: float = 0.0):
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(
                f"an MLP needs at least two positive widths, the input's and "
                f"the output's, not {widths}: write for example MLP(2, 64, 1)"
            )
        layers = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.SiLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers[: -2 if dropout else -1])

    def __getitem__(self, index: int | slice) -> nn.Module:
        """Return a layer; or, for a slice such as [:-1], a stack of some."""
        if isinstance(index, slice):
            return nn.Sequential(*list(self)[index])
        return super().__getitem__(index)
