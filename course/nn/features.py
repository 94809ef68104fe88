"""A small network whose hidden units describe images for comparisons."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course.protocols import Losses


class FeatureNetwork(nn.Module):
    """A classifier with one hidden layer of ReLU units, the features.

    It stands for the Inception network of the FID where images are small. Its
    features are what helped to tell the classes apart: differences that the
    classes do not depend on it may not see.

    Args:
        pixels: numbers in an image.
        classes: how many classes it is trained on.
        units: of the hidden layer.
    """

    def __init__(self, pixels: int, classes: int, *, units: int = 64):
        super().__init__()
        self.hidden = nn.Linear(pixels, units)
        self.output = nn.Linear(units, classes)

    def forward(
        self, x: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch units"]:
        """The features h = max(0, W x + b), one row an image."""
        return self.hidden(x.flatten(1)).relu()

    def loss(self, batch: Sequence[Tensor]) -> Losses:
        """Mean -log p(y | x), in nats, and the accuracy, of a batch (x, y)."""
        x, y = batch
        logits = self.output(self(x))
        right = (logits.argmax(dim=1) == y).to(logits).mean()
        return {"loss": cross_entropy(logits, y), "accuracy": right}

    @torch.no_grad()
    def features(
        self, x: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch units"]:
        """The features, without gradients, in float64 for a metric."""
        return self(x.to(self.hidden.weight)).double()
