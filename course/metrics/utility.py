"""What synthetic examples are worth to a classifier, on real test data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.base import ClassifierMixin, clone
from torch import Tensor

Accuracies = Float64[np.ndarray, " runs"]
Labelled = tuple[Any, Any]


@dataclass(frozen=True)
class Utility:
    """Accuracies on real test data, one of each for every run.

    Attributes:
        real: trained on the real examples alone: the control.
        both: trained on real and synthetic examples.
        synthetic: trained on the synthetic examples alone ("TSTR").
    """

    real: Accuracies
    both: Accuracies
    synthetic: Accuracies

    @property
    def gain(self) -> Accuracies:
        """`both - real`, run by run: what the synthetic examples added."""
        return self.both - self.real

    @property
    def standard_error(self) -> float:
        """Of the mean gain: its standard deviation over sqrt(runs).

        NaN for a single run, which has no spread.
        """
        runs = len(self.gain)
        if runs < 2:
            return float("nan")
        return float(self.gain.std(ddof=1) / np.sqrt(runs))

    def __str__(self) -> str:
        """The means, and the gain with its lowest and highest value."""
        real, both, alone, gain = (
            v.mean() for v in (self.real, self.both, self.synthetic, self.gain)
        )
        return (
            f"real {real:.3f}  both {both:.3f}  synthetic {alone:.3f}  gain "
            f"{gain:+.3f} ({self.gain.min():+.3f} to {self.gain.max():+.3f})"
        )


def train_synthetic_test_real(
    classifier: ClassifierMixin,
    runs: Iterable[tuple[Labelled, Labelled, Labelled]],
) -> Utility:
    """Train on real, on real and synthetic, on synthetic data; test on real.

    Args:
        classifier: any of scikit-learn's kind; a copy is fitted for each of
            the three, so that all start alike.
        runs: for every seed the pairs (X, y) of real training, of synthetic
            and of real test examples; X has one example a row. No row of the
            test data may have been seen by whatever made the synthetic ones.

    Raises:
        ValueError: there is no run, or its parts do not fit together.

    Esteban, Hyland & Raetsch 2017 (arXiv:1706.02633), section 4.
    """
    rows = [_run(classifier, *map(_pair, run)) for run in runs]
    if not rows:
        raise ValueError("runs holds no run: give one for each seed")
    return Utility(*np.array(rows, dtype=np.float64).T)


def _run(classifier: ClassifierMixin, real, synthetic, test) -> list[float]:
    """The three accuracies of one run."""
    widths = [X.shape[1] for X, _ in (real, synthetic, test)]
    if len(set(widths)) > 1:
        raise ValueError(
            f"real, synthetic and test examples must have the same features, "
            f"not {widths[0]}, {widths[1]} and {widths[2]}"
        )
    both = tuple(
        np.concatenate(part) for part in zip(real, synthetic, strict=True)
    )
    fitted = [clone(classifier).fit(*part) for part in (real, both, synthetic)]
    return [float((m.predict(test[0]) == test[1]).mean()) for m in fitted]


def _pair(pair: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their labels as arrays."""
    X, y = (
        v.detach().cpu().numpy() if isinstance(v, Tensor) else np.asarray(v)
        for v in pair
    )
    if X.ndim != 2 or y.shape != (len(X),) or len(X) == 0:
        raise ValueError(
            f"examples must be rows with a label each, not of shapes "
            f"{X.shape} and {y.shape}: flatten images, and give y as one axis"
        )
    return X, y
