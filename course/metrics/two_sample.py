"""Two-sample tests: whether two samples come from one distribution."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from course.metrics.kernel import mean_off_diagonal
from course.metrics.samples import distances, two_samples


@dataclass(frozen=True)
class TwoSampleTest:
    """What a classifier found on pairs that it was not trained on.

    Attributes:
        accuracy: the share it told apart; 1/2 where it sees no difference.
        standard_error: of the accuracy, sqrt(a (1 - a) / tested).
        z: (accuracy - 1/2) / sqrt(1 / (4 tested)), about standard normal where
            the distributions agree; above 2.33 they differ, at the 1 % level.
        tested: the number of held-out examples.
    """

    accuracy: float
    standard_error: float
    z: float
    tested: int


def classifier_test(
    x: Any,
    y: Any,
    *,
    classifier: ClassifierMixin | None = None,
    random_state: int = 0,
) -> TwoSampleTest:
    """C2ST: train a classifier to tell x from y on half of them; test the rest.

    An accuracy near 1/2 says that this classifier, with so many examples, finds
    no difference. It does not say that there is none.

    Args:
        x: shape (N, ...).
        y: shape (N, ...): as many, so that guessing is right half of the time.
            No example may stand in a sample twice, or the classifier knows the
            second copy by heart.
        classifier: any of scikit-learn's; by default a support vector machine
            with an RBF kernel.
        random_state: seed of the split.

    Raises:
        ValueError: the samples differ in size or width, or have fewer than 4
            examples each.

    Lopez-Paz & Oquab 2017 (arXiv:1610.06545), section 3.
    """
    x, y = (part.cpu().numpy() for part in two_samples(x, y, least=4))
    if len(x) != len(y):
        raise ValueError(
            f"the samples must have the same size, not {len(x)} and {len(y)}: "
            f"leave some examples of the larger one out"
        )
    both, label = np.concatenate([x, y]), np.repeat([0, 1], len(x))
    split = train_test_split(
        both, label, test_size=0.5, stratify=label, random_state=random_state
    )
    model = SVC() if classifier is None else clone(classifier)
    return _verdict(*split, model)


def energy_distance(x: Any, y: Any) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'|, each mean over different rows.

    Unbiased: zero on average where the distributions agree, and then at times
    negative. It is the squared MMD with the kernel -|x - y|.

    Raises:
        ValueError: a sample with fewer than 2 examples, or other features.

    Szekely & Rizzo 2013, Journal of Statistical Planning and Inference 143.

    >>> energy_distance([[0.0], [1.0]], [[0.0], [1.0]])
    -1.0
    """
    x, y = two_samples(x, y)
    within = mean_off_diagonal(distances(x, x))
    within = within + mean_off_diagonal(distances(y, y))
    return (2 * distances(x, y).mean() - within).item()


def _verdict(x_train, x_test, y_train, y_test, model) -> TwoSampleTest:
    """Fit on one half, and count what is right on the other."""
    right = model.fit(x_train, y_train).predict(x_test) == y_test
    a, n = float(right.mean()), len(right)
    error, z = math.sqrt(a * (1 - a) / n), (2 * a - 1) * math.sqrt(n)
    return TwoSampleTest(a, error, z, n)
