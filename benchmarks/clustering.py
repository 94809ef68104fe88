"""Clustering: maps against MiniSom, k-means against scikit-learn's Lloyd.

    python -m benchmarks.clustering

writes benchmarks/results/clustering.json (about five minutes):

* maps: 10 x 10 units on all digits, 20 epochs from the principal plane, one
  thread. MiniSom takes the rows one at a time, in an order of the seed, and
  its width falls to a third; ours is given the same last width. Both errors
  for each width and seed, and the time of an epoch;
* kmeans: ten iterations from the same start, one start, one thread, against
  scikit-learn with algorithm="lloyd", for three sizes of problem, and the
  largest relative difference between the two inertias at any iteration.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from minisom import MiniSom  # noqa: E402
from sklearn.cluster import KMeans as Reference  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from course.data import digits  # noqa: E402
from course.metrics.maps import (  # noqa: E402
    quantisation_error,
    topographic_error,
)
from course.models.kmeans import KMeans  # noqa: E402
from course.models.som import SelfOrganisingMap  # noqa: E402

SIDE, EPOCHS, ITERATIONS = 10, 20, 10
SIGMAS, SEEDS = (1.0, 1.5, 2.0, 3.0), range(3)
SIZES = ((20_000, 16, 32), (20_000, 2, 8), (1797, 64, 10))


def images() -> np.ndarray:
    """All digits, one image a row."""
    return digits()[0].reshape(-1, 64).astype(float)


def minisom(X: np.ndarray, *, sigma: float, seed: int, epochs: int) -> MiniSom:
    """A trained map of MiniSom, from the principal plane."""
    model = MiniSom(SIDE, SIDE, X.shape[1], sigma=sigma, random_seed=seed)
    model.pca_weights_init(X)
    model.train(X, epochs * len(X), random_order=True)
    return model


def course_map(X: np.ndarray, *, sigma: float, epochs: int) -> np.ndarray:
    """Our codebook, with the last width that MiniSom comes to."""
    model = SelfOrganisingMap(
        (SIDE, SIDE), n_epochs=epochs, width=(2.0, sigma / 3)
    )
    return model.fit(X).codebook_


def errors(X: np.ndarray, codebook: np.ndarray) -> list[float]:
    """Quantisation error and topographic error."""
    return [quantisation_error(X, codebook), topographic_error(X, codebook)]


def maps(*, repeats: int = 5, epochs: int = EPOCHS) -> dict:
    """Errors of both by width and seed, and times of an epoch."""
    X, found = images(), {}
    for sigma in SIGMAS:
        theirs = [
            minisom(X, sigma=sigma, seed=seed, epochs=epochs).get_weights()
            for seed in SEEDS
        ]
        found[f"sigma-{sigma:g}".replace(".", "_")] = {
            "course": errors(X, course_map(X, sigma=sigma, epochs=epochs)),
            "minisom": [errors(X, codebook) for codebook in theirs],
        }
    times = harness.contend(
        {
            "course": lambda: course_map(X, sigma=1.5, epochs=EPOCHS),
            "minisom": lambda: minisom(X, sigma=1.5, seed=0, epochs=1),
        },
        repeats=repeats,
    )
    size = {"N": len(X), "D": X.shape[1], "side": SIDE, "epochs": epochs}
    return {**size, "errors": found, **per_epoch(times)}


def per_epoch(times: dict) -> dict:
    """Ours passed many epochs and theirs one: seconds and ratios of one."""
    for clock in ("wall", "cpu"):
        for what in ("seconds", "ratio"):
            values = times["course"][f"{clock}_{what}"]
            values.update({k: v / EPOCHS for k, v in values.items()})
    return times


def points(N: int, D: int, K: int) -> np.ndarray:
    """Rows of K overlapping clusters; digits where the size is theirs."""
    if (N, D) == (1797, 64):
        return images()
    rng = np.random.RandomState(0)
    return rng.randn(N, D) + 2 * rng.randn(K, D)[rng.randint(K, size=N)]


def pair(X: np.ndarray, K: int, iterations: int) -> tuple[KMeans, Reference]:
    """Our k-means and scikit-learn's, from the same start."""
    rng = np.random.RandomState(0)  # between rows: no distance is a tie
    start = X[rng.permutation(len(X))[:K]] + 0.1 * rng.randn(K, X.shape[1])
    options = {"init": start, "n_init": 1, "tol": 0, "max_iter": iterations}
    return KMeans(K, **options), Reference(K, algorithm="lloyd", **options)


def difference(X: np.ndarray, K: int) -> float:
    """The largest relative difference of the inertias, at any iteration.

    Raises:
        ValueError: it is more than 1e-10: times of two different computations
            say nothing.
    """
    ours = pair(X, K, ITERATIONS)[0].fit(X)
    theirs = [
        pair(X, K, t)[1].fit(X).inertia_ for t in range(1, ours.n_iter_ + 1)
    ]
    worst = float(np.abs(ours.history_[1:] / theirs - 1).max())
    if worst > 1e-10 or ours.n_iter_ != ITERATIONS:
        raise ValueError(
            f"the inertias differ by {worst:.1e} in {ours.n_iter_} "
            f"iterations: find out why before comparing times"
        )
    return worst


def kmeans(*, sizes: tuple = SIZES, repeats: int = 15) -> dict:
    """Times of the same iterations, and how far the answers differ."""
    found = {}
    for N, D, K in sizes:
        X = points(N, D, K)
        ours, theirs = pair(X, K, ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found[f"{N}-{D}-{K}"] = {
                "N": N,
                "D": D,
                "K": K,
                "iterations": ITERATIONS,
                "relative_difference": difference(X, K),
                **harness.contend(
                    {
                        "course": lambda: ours.fit(X),  # noqa: B023
                        "sklearn": lambda: theirs.fit(X),  # noqa: B023
                    },
                    repeats=repeats,
                ),
            }
    return found


def main() -> dict:
    """Measure all, and keep the results."""
    results = {"maps": maps(), "kmeans": kmeans()}
    return harness.save("clustering", results)


if __name__ == "__main__":
    print(json.dumps(main()))
