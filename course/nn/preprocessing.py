"""Scaling: learned from the training part, inverted for display.

A scaler's range is that of the layer at the end of a decoder: [0, 1] and a
sigmoid, [-1, 1] and tanh, standardised features and a linear layer. Every
scaler makes that layer by `output_layer`, so that the two cannot differ.

Missing entries (NaN) are refused, or, with missing="carry", left where they
are: then the scale is learned from what was seen.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from course.arrays import like, rows, tensor

Numbers = Float[Tensor, " D"]
MISSING = ("refuse", "carry")


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """What scalers share: x' = (x - offset) / scale.

    Arrays may be NumPy or tensors, of shape (N, D) or, for images, with more
    axes; results have the kind, the shape and the floating type of the input.
    Nothing is clipped: new data may leave the range, which is worth knowing.

    Args:
        each: whether every feature has an offset and a scale of its own;
            otherwise all share one of each, which keeps a picture a picture.
        missing: what NaN means: "refuse" raises an error, "carry" learns from
            the other entries and leaves NaN where it is.

    Attributes:
        offset_: shape (D,).
        scale_: shape (D,); 1 for a feature that is constant in the training
            part, which so is moved and not stretched.
    """

    output = nn.Identity  # the layer whose range is that of scaled data

    def __init__(self, *, each=True, missing="refuse"):
        self.each = each
        self.missing = missing

    def fit(self, X: Any, y: Any = None) -> "Scaler":
        """Learn offset and scale from X, which should be the training part.

        Args:
            X: shape (N, ...), two examples or more.
            y: ignored.

        Raises:
            ValueError: NaN that is refused, a feature that was never seen, or
                another word for `missing`.
        """
        x = self._read(X, fit=True)
        D = x.shape[1]
        x = x if self.each else x.reshape(-1, 1)
        seen = ~x.isnan()
        if unseen := int((~seen.any(dim=0)).sum()):
            raise ValueError(
                f"{unseen} of {x.shape[1]} features are missing in every "
                f"example, so they have no scale: drop them, or set each=False"
            )
        offset, scale = self._learn(x, seen)
        low, high = extremes(x, seen)
        scale = torch.where(low == high, 1.0, scale)
        offset = torch.where(low == high, low, offset)
        self.offset_ = like(X, offset.expand(D).clone())
        self.scale_ = like(X, scale.expand(D).clone())
        return self

    def transform(self, X: Any) -> Any:
        """The scaled data (x - offset) / scale, in the shape of X."""
        check_is_fitted(self)
        x = self._read(X)
        x = (x - tensor(self.offset_, x)) / tensor(self.scale_, x)
        return alike(X, x)

    def inverse_transform(self, X: Any) -> Any:
        """Back to the units of the data, offset + scale x."""
        check_is_fitted(self)
        x = self._read(X)
        x = tensor(self.offset_, x) + tensor(self.scale_, x) * x
        return alike(X, x)

    def output_layer(self) -> nn.Module:
        """The layer for the end of a decoder, whose range is the data's."""
        return self.output()

    def _read(self, X: Any, *, fit: bool = False) -> Float[Tensor, "N D"]:
        if self.missing not in MISSING:
            raise ValueError(
                f"missing must be one of {MISSING}, not {self.missing!r}"
            )
        if getattr(X, "ndim", 2) > 2:
            X = X.reshape(len(X), -1)
        return rows(self, X, fit=fit, missing=self.missing == "carry")

    def _learn(
        self, x: Float[Tensor, "N D"], seen: Bool[Tensor, "N D"]
    ) -> tuple[Numbers, Numbers]:
        """Offset and scale of features that vary."""
        raise NotImplementedError

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "carry"
        return tags


class UnitRange(Scaler):
    """To [0, 1], x' = (x - min) / (max - min); for a sigmoid.

    A constant feature becomes 0.
    """

    output = nn.Sigmoid

    def _learn(self, x, seen):
        low, high = extremes(x, seen)
        return low, high - low


class SignedRange(Scaler):
    """To [-1, 1], x' = (2 x - max - min) / (max - min); for tanh.

    A constant feature becomes 0, the middle.
    """

    output = nn.Tanh

    def _learn(self, x, seen):
        low, high = extremes(x, seen)
        return (low + high) / 2, (high - low) / 2


class Standard(Scaler):
    """To mean 0 and variance 1, x' = (x - mean) / sd; for a linear layer.

    The variance has N in its denominator, as in scikit-learn. A constant
    feature becomes 0.
    """

    def _learn(self, x, seen):
        count = seen.sum(dim=0)
        mean = x.nansum(dim=0) / count
        return mean, ((x - mean).square().nansum(dim=0) / count).sqrt()


def extremes(
    x: Float[Tensor, "N D"], seen: Bool[Tensor, "N D"]
) -> tuple[Numbers, Numbers]:
    """The smallest and the largest entry of every column that was seen."""
    low = torch.where(seen, x, torch.inf).amin(dim=0)
    return low, torch.where(seen, x, -torch.inf).amax(dim=0)


def alike(X: Any, x: Float[Tensor, "N D"]) -> Any:
    """The result in the kind, the shape and the floating type of X."""
    shape = getattr(X, "shape", x.shape)
    result = like(X, x.reshape(tuple(shape)))
    if isinstance(X, Tensor):
        return result.to(X.dtype) if X.is_floating_point() else result
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    return result.astype(X.dtype) if kind == "f" else result
