"""Label propagation and spreading: speed against scikit-learn.

    python -m benchmarks.semi_supervised

writes benchmarks/results/semi_supervised.json (about a minute). Two moons of
2000 points with 20 labels, one thread:

* steps: thirty steps of label spreading on the RBF graph, the same work in both
  libraries; no iteration stops early;
* spreading: the fit with the settings that each library would be used with,
  ours the closed form, theirs the iteration up to a tolerance of 1e-3;
* propagation: the same. Its iteration needs thousands of steps.

The answers are compared before anything is timed.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from sklearn import semi_supervised as reference  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import make_moons  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from course.models.semi_supervised import (  # noqa: E402
    LabelPropagation,
    LabelSpreading,
)

STEPS, GAMMA, ALPHA = 30, 100, 0.9


def moons(N: int, *, labels: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """N points on two moons, and y with -1 for all but a few of them."""
    X, classes = make_moons(N, noise=0.1, random_state=0)
    rng, y = np.random.RandomState(0), np.full(N, -1)
    for k in (0, 1):
        kept = rng.choice(np.flatnonzero(classes == k), labels // 2, False)
        y[kept] = k
    return X, y


def pairs() -> dict[str, tuple]:
    """By comparison, our model and scikit-learn's."""
    options = {"gamma": GAMMA, "alpha": ALPHA}
    steps = {"max_iter": STEPS, "tol": 0.0}
    return {
        "steps": (
            LabelSpreading(solver="iteration", **options, **steps),
            reference.LabelSpreading(**options, **steps),
        ),
        "spreading": (
            LabelSpreading(**options),
            reference.LabelSpreading(**options, max_iter=10_000),
        ),
        "propagation": (
            LabelPropagation(gamma=GAMMA),
            reference.LabelPropagation(gamma=GAMMA, max_iter=10_000),
        ),
    }


def difference(ours, theirs, data: tuple, *, exact: bool) -> float:
    """The largest difference of a share, over points that theirs reached.

    Unless theirs is `exact` as it stands, a tolerance of 1e-9 makes it so.
    """
    theirs = clone(theirs)
    if not exact:
        theirs.set_params(tol=1e-9, max_iter=100_000)
    shares = theirs.fit(*data).label_distributions_
    met = shares.sum(axis=1) > 0
    gap = clone(ours).fit(*data).label_distributions_ - shares
    return float(np.abs(gap[met]).max())


def speed(name: str, *, N: int = 2000, repeats: int = 7) -> dict:
    """Seconds of a fit, ours over theirs, and how far the answers differ.

    Raises:
        ValueError: the answers differ by more than 8e-6: times of two
            different computations say nothing.
    """
    ours, theirs = pairs()[name]
    data = moons(N)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        gap = difference(ours, theirs, data, exact=name == "steps")
        if not gap <= 8e-6:
            raise ValueError(
                f"the answers differ by {gap:.1e}: find out why before "
                f"comparing times"
            )
        times = harness.contend(
            {
                "course": lambda: ours.fit(*data),
                "sklearn": lambda: theirs.fit(*data),
            },
            repeats=repeats,
        )
    loose = theirs.label_distributions_ - ours.label_distributions_
    return {
        "N": N,
        "difference": gap,
        "difference_as_timed": float(np.abs(loose).max()),
        "sklearn_steps": int(theirs.n_iter_),
        **times,
    }


def main() -> dict:
    """Measure all, and keep the results."""
    return harness.save("semi_supervised", {n: speed(n) for n in pairs()})


if __name__ == "__main__":
    print(json.dumps(main()))
