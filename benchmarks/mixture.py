"""Mixtures: speed against scikit-learn, memory, and likelihood of digits.

    python -m benchmarks.mixture

writes benchmarks/results/mixture.json (about two minutes):

* speed: ten EM steps from the same start, N = 20 000, D = 16, K = 32, full
  covariances, one thread, against scikit-learn's GaussianMixture, and the
  largest relative difference between the two mean log-likelihoods;
* path: 1 to 12 components with five restarts each, all at once by `fit_path`,
  against scikit-learn one fit after the other: twenty EM steps from k-means++
  starts, N = 2000, D = 8, one thread;
* memory: two EM steps with N = 1 000 000 in a process of its own;
* digits: test nats per image of a mixture of categoricals, for five seeds;
  K and the smoothing are chosen on the validation images.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.mixture import GaussianMixture as Reference  # noqa: E402

from course.data import digits  # noqa: E402
from course.models.mixture import (  # noqa: E402
    CategoricalMixture,
    GaussianMixture,
)

EM_STEPS, GIB = 10, 2**30
SMOOTHINGS, COMPONENTS, SEEDS = (0.8, 1.0, 1.25), (20, 25, 30), range(5)


def clusters(N: int, D: int, K: int) -> np.ndarray:
    """Rows of K overlapping clusters."""
    rng = np.random.RandomState(0)
    return rng.randn(N, D) + 2 * rng.randn(K, D)[rng.randint(K, size=N)]


def pair(X: np.ndarray, K: int) -> tuple[GaussianMixture, Reference]:
    """Our mixture and scikit-learn's, with the same start."""
    pi, sigma = np.full(K, 1 / K), np.stack([np.cov(X.T)] * K)
    options = {"max_iter": EM_STEPS, "tol": 0.0}
    start = {"weights_init": pi, "means_init": X[:K].copy()}
    return (
        GaussianMixture(K, covariances_init=sigma, **start, **options),
        Reference(K, precisions_init=np.linalg.inv(sigma), **start, **options),
    )


def speed(
    *, N: int = 20_000, D: int = 16, K: int = 32, repeats: int = 9
) -> dict:
    """Seconds of one EM step, ours over theirs, and how far they differ.

    Raises:
        ValueError: the likelihoods differ by more than 1e-12: times of two
            different computations say nothing.
    """
    X = clusters(N, D, K)
    ours, theirs = pair(X, K)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        times = harness.contend(
            {"course": lambda: ours.fit(X), "sklearn": lambda: theirs.fit(X)},
            repeats=repeats,
        )
    steps = np.abs(ours.history_[:-1] / theirs.lower_bounds_ - 1)
    difference = max(steps.max(), abs(ours.score(X) / theirs.score(X) - 1))
    if ours.n_iter_ != EM_STEPS or difference > 1e-12:
        raise ValueError(
            f"the likelihoods differ by {difference:.1e} after "
            f"{ours.n_iter_} steps: find out why before comparing times"
        )
    size = {"N": N, "D": D, "K": K, "steps": EM_STEPS}
    return {**size, "relative_difference": float(difference), **times}


def path(
    *, N: int = 2000, D: int = 8, steps: int = 20, repeats: int = 5
) -> dict:
    """Times of all K and all restarts, and how well both explain the data.

    The random starts differ, and so may the ends; the largest difference of
    the best mean log-likelihoods over K is reported with the times.
    """
    X, Ks = clusters(N, D, 8), range(1, 13)
    options = {"n_init": 5, "tol": 0.0, "max_iter": steps, "random_state": 0}
    ends = {}

    def ours():
        models = GaussianMixture(**options).fit_path(X, Ks)
        ends["course"] = [m.score(X) for m in models]

    def theirs():
        start = {"init_params": "k-means++"}
        models = [Reference(K, **start, **options).fit(X) for K in Ks]
        ends["sklearn"] = [m.score(X) for m in models]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        times = harness.contend(
            {"course": ours, "sklearn": theirs}, repeats=repeats
        )
    gap = np.abs(np.subtract(ends["course"], ends["sklearn"])).max()
    size = {"N": N, "D": D, "steps": steps, "fits": len(Ks) * 5}
    return {**size, "largest_gap_nats": float(gap), **times}


def million() -> dict:
    """Two EM steps of a million rows; the most memory this process had."""
    X = clusters(1_000_000, 16, 32)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianMixture(32, max_iter=2, random_state=0).fit(X)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "N": len(X),
        "peak_gib": peak / GIB,
        "seconds": seconds,
        "mean_log_likelihood": model.history_.tolist(),
    }


def memory() -> dict:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mixture", "--million"]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, cwd=root, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def images() -> dict[str, np.ndarray]:
    """The digits, as levels 0 to 16, one image a row."""
    parts = ("train", "val", "test")
    return {p: (16 * digits(p)[0].reshape(-1, 64)).round() for p in parts}


def candidates(x: np.ndarray, seed: int) -> list[CategoricalMixture]:
    """The best of ten restarts, for every K and smoothing."""
    models = [
        CategoricalMixture(
            n_categories=17,
            smoothing=smoothing,
            n_init=10,
            tol=1e-4,
            random_state=seed,
        )
        for smoothing in SMOOTHINGS
    ]
    paths = [m.fit_path(x, n_components=COMPONENTS) for m in models]
    return [model for path in paths for model in path]


def likelihood() -> dict:
    """Test nats of the digits: the mean over seeds, and every run.

    K and smoothing have the best mean over seeds on the validation images.
    Last, the mean of the densities of all seeds: a mixture of mixtures.
    """
    x = images()
    runs = [candidates(x["train"], seed) for seed in SEEDS]
    value = [[-m.score(x["val"]) for m in models] for models in runs]
    best = int(np.mean(value, axis=0).argmin())
    start = time.perf_counter()
    models = [models[best].fit(x["train"]) for models in runs]
    seconds = (time.perf_counter() - start) / len(SEEDS)
    log_p = np.stack([m.score_samples(x["test"]) for m in models])
    nats, together = -log_p.mean(axis=1), np.logaddexp.reduce(log_p)
    return {
        "K": models[0].n_components,
        "smoothing": models[0].smoothing,
        "validation_nats": np.mean(value, axis=0).min(),
        "test_nats": {"mean": nats.mean(), "sd": nats.std(ddof=1)},
        "test_nats_by_seed": nats.tolist(),
        "seconds_of_a_fit": seconds,
        "test_nats_of_the_mean": np.log(len(SEEDS)) - together.mean(),
    }


def main() -> dict:
    """Measure all, and keep the results."""
    results = {
        "speed": speed(),
        "path": path(),
        "memory": memory(),
        "digits": likelihood(),
    }
    return harness.save("mixture", results)


if __name__ == "__main__":
    print(json.dumps(million() if "--million" in sys.argv else main()))
