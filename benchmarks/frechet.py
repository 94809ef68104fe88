"""The Frechet distance of 2048 features: eigenvalues against scipy's root.

    python -m benchmarks.frechet

writes benchmarks/results/frechet.json (about five minutes): the time of
tr (S1 S2)^(1/2) from eigenvalues of a symmetric matrix, and from
scipy.linalg.sqrtm, one thread, for two covariances of 2048 features, and how
far apart the two distances are. 2048 is the width of the features of a FID.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402

import numpy as np  # noqa: E402
from scipy.linalg import sqrtm  # noqa: E402

from course.metrics.frechet import gaussian_frechet  # noqa: E402

MOST = 1e-6  # by which the distances may differ


def features(N: int, D: int, seed: int) -> np.ndarray:
    """Rows that look like features: correlated, and never negative."""
    rng = np.random.RandomState(seed)
    mix = rng.randn(D, D) / np.sqrt(D)
    return np.maximum(rng.randn(N, D) @ mix + 0.1 * seed, 0)


def by_root(mu_1, Sigma_1, mu_2, Sigma_2) -> float:
    """The formula as it is most often programmed."""
    root = sqrtm(Sigma_1 @ Sigma_2)
    spread = np.trace(Sigma_1) + np.trace(Sigma_2)
    return float(np.sum((mu_1 - mu_2) ** 2) + spread - 2 * np.trace(root).real)


def speed(*, N: int = 4096, D: int = 2048, repeats: int = 3) -> dict:
    """Seconds of one distance, ours over theirs, and how far they differ.

    Raises:
        ValueError: they differ by more than 1e-6: times of two different
            computations say nothing.
    """
    x, y = features(N, D, 0), features(N, D, 1)
    gaussians = x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T)
    found = {}
    times = harness.contend(
        {
            "course": lambda: found.update(ours=gaussian_frechet(*gaussians)),
            "scipy": lambda: found.update(theirs=by_root(*gaussians)),
        },
        repeats=repeats,
    )
    difference = abs(found["ours"] - found["theirs"])
    if not difference <= MOST:
        raise ValueError(
            f"the distances differ by {difference:.1e}: find out why before "
            f"comparing times"
        )
    return {"N": N, "D": D, **found, "difference": difference, **times}


def main() -> dict:
    """Measure, and keep the results."""
    return harness.save("frechet", {"speed": speed()})


if __name__ == "__main__":
    print(json.dumps(main()))
