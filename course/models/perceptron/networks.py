"""Any network as a classifier, with gradients by autograd."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course.protocols import Losses


class NetworkClassifier(nn.Module):
    """Cross-entropy of a network with one output for every class.

    The network may be an MLP, or convolutions: what makes it a classifier is
    the loss. It is p(y | x) and cannot be sampled.

    Args:
        network: from a batch to shape (batch, K), the logits.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(
        self, x: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch K"]:
        """The logits: log p(y = k | x) up to a term without k."""
        return self.network(x)

    def loss(self, batch: Sequence[Tensor]) -> Losses:
        """Mean -log p(y | x), in nats, and the accuracy, of a batch (x, y)."""
        x, y = batch
        logits = self(x)
        accuracy = (logits.argmax(dim=1) == y).to(logits).mean()
        return {"loss": cross_entropy(logits, y), "accuracy": accuracy}

    @torch.no_grad()
    def predict(self, x: Float[Tensor, "batch ..."]) -> Int64[Tensor, " batch"]:
        """The most probable class of every example."""
        return self(x).argmax(dim=1)
