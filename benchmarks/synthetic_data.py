"""What synthetic digits are worth to a classifier, over ten seeds.

    python -m benchmarks.synthetic_data

writes benchmarks/results/synthetic_data.json (about ten minutes). All are
accuracies on real test images, or differences of two; a gain is what training
on real and synthetic images has over training on real ones.

* generators: for 20, 50 and 200 labelled digits, the gain of 500 draws of naive
  Bayes (a Gaussian with independent pixels for each class), of full Gaussians,
  and of groups found in 1000 unlabelled images, for four classifiers;
* amounts: the gain of 0.5 to 20 times as many draws of naive Bayes as labels,
  50 labels;
* glyphs: printed digits, five of each, 500 images by naive Bayes, by turning
  through up to 20 degrees, and by turning upside down.

Each is given as mean, standard error, lowest and highest over the seeds.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402

import numpy as np  # noqa: E402
from scipy.ndimage import rotate  # noqa: E402
from scipy.spatial.distance import cdist  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

from course.data import digits, glyphs  # noqa: E402
from course.metrics.utility import (  # noqa: E402
    Utility,
    train_synthetic_test_real,
)
from course.models.class_conditional import ClassConditional  # noqa: E402
from course.models.mixture import GaussianMixture  # noqa: E402
from course.models.perceptron import MLPClassifier  # noqa: E402
from course.models.svm import SVC  # noqa: E402
from course.models.tree import DecisionTreeClassifier  # noqa: E402

Pair = tuple[np.ndarray, np.ndarray]
Maker = Callable[[Pair, int, int], Pair]  # real examples, how many, seed

COUNTS, AMOUNTS, SEEDS, DRAWS = (20, 50, 200), (25, 100, 400, 1000), 10, 500
CLASSIFIERS = {
    "SVM": SVC(C=10),
    "MLP": MLPClassifier(hidden=(32,), max_iter=150, random_state=0),
    "tree": DecisionTreeClassifier(),
    "logistic": LogisticRegression(max_iter=2000),
}


def rows(part: str, seed: int) -> Pair:
    """Digits as rows of pixels, stratified by class."""
    x, y = digits(part, split="stratified", seed=seed)
    return x.reshape(len(x), -1).astype(float), y


def labelled(n: int, seed: int) -> Pair:
    """So many labelled digits of the training part."""
    X, y = rows("train", seed)
    few, _, y_few, _ = train_test_split(
        X, y, train_size=n, stratify=y, random_state=seed
    )
    return few, y_few


def bells(kind: str) -> Maker:
    """Draws of one Gaussian for each class, of this kind of covariance."""

    def make(real: Pair, n: int, seed: int) -> Pair:
        density = GaussianMixture(1, covariance_type=kind, ridge=0.02)
        return ClassConditional(density).fit(*real).sample(n, seed)

    return make


def groups(real: Pair, n: int, seed: int) -> Pair:
    """Draws of thirty groups of unlabelled digits, named by the nearest label.

    Near in the Mahalanobis distance of the covariance that all groups share.
    """
    X, _ = rows("train", seed)
    m = GaussianMixture(
        30, covariance_type="tied", ridge=1e-3, tol=1e-2, random_state=seed
    ).fit(X)
    inverse = np.linalg.inv(m.covariances_)
    d = cdist(m.means_, real[0], "mahalanobis", VI=inverse)
    made = m.sample(n, random_state=seed)
    return made, real[1][d.argmin(axis=1)][m.predict(made)]


def turned(low: float, high: float) -> Maker:
    """Real glyphs, each turned by an angle between two, in degrees."""

    def make(real: Pair, n: int, seed: int) -> Pair:
        rng = np.random.RandomState(seed)
        k, angles = rng.randint(len(real[1]), size=n), rng.uniform(low, high, n)
        images = [
            rotate(x.reshape(14, 14), t, reshape=False, order=1).ravel()
            for x, t in zip(real[0][k], angles, strict=True)
        ]
        return np.array(images), real[1][k]

    return make


def printed(n: int, seed: int) -> Pair:
    """Glyphs at 14 x 14 pixels, and which digit each is."""
    x, factors = glyphs(n, seed=seed)
    x = x.reshape(n, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(n, -1)
    return x.astype(float), factors["character"]


def five_of_each(seed: int) -> Pair:
    """Five glyphs of each digit."""
    X, y = printed(300, seed)
    keep = [np.flatnonzero(y == k)[:5] for k in range(10)]
    return X[np.concatenate(keep)], y[np.concatenate(keep)]


def digit_runs(
    n: int, maker: Maker, draws: int, seeds: int
) -> Iterator[tuple[Pair, Pair, Pair]]:
    """Real, synthetic and test digits for every seed."""
    for seed in range(seeds):
        real = labelled(n, seed)
        yield real, maker(real, draws, seed), rows("test", seed)


def summary(found: Utility) -> dict[str, float]:
    """What is kept of the runs."""
    return {
        "real": found.real.mean(),
        "both": found.both.mean(),
        "synthetic": found.synthetic.mean(),
        "gain": found.gain.mean(),
        "standard_error": found.standard_error,
        "lowest": found.gain.min(),
        "highest": found.gain.max(),
    }


def generators(
    *,
    counts: Sequence[int] = COUNTS,
    draws: int = DRAWS,
    seeds: int = SEEDS,
    names: Sequence[str] = tuple(CLASSIFIERS),
) -> dict:
    """Gains by generator, label count and classifier."""
    makers = {"naive_bayes": bells("diag"), "full": bells("full")}
    results = {}
    for name, maker in {**makers, "groups": groups}.items():
        for n in counts:
            runs = list(digit_runs(n, maker, draws, seeds))
            results.setdefault(name, {})[f"labels_{n}"] = {
                who: summary(train_synthetic_test_real(CLASSIFIERS[who], runs))
                for who in names
            }
    return results


def amounts(
    *,
    n: int = 50,
    draws: Sequence[int] = AMOUNTS,
    seeds: int = SEEDS,
    names: Sequence[str] = ("SVM", "tree"),
) -> dict:
    """Gains of naive Bayes by the number of its draws."""
    results = {}
    for M in draws:
        runs = list(digit_runs(n, bells("diag"), M, seeds))
        results[f"draws_{M}"] = {
            who: summary(train_synthetic_test_real(CLASSIFIERS[who], runs))
            for who in names
        }
    return {"labels": n, **results}


def invariances(
    *,
    draws: int = DRAWS,
    seeds: int = SEEDS,
    names: Sequence[str] = ("SVM", "MLP", "tree"),
) -> dict:
    """Gains on printed digits, by what made the synthetic ones."""
    test, results = printed(1000, 10_000), {}
    makers = {"naive_bayes": bells("diag"), "turned": turned(-20, 20)}
    for name, maker in {**makers, "upside_down": turned(160, 200)}.items():
        runs = [
            (real, maker(real, draws, seed), test)
            for seed, real in enumerate(map(five_of_each, range(seeds)))
        ]
        results[name] = {
            who: summary(train_synthetic_test_real(CLASSIFIERS[who], runs))
            for who in names
        }
    return results


def main() -> dict:
    """Measure all, and keep the results."""
    results = {
        "seeds": SEEDS,
        "draws": DRAWS,
        "generators": generators(),
        "amounts": amounts(),
        "glyphs": invariances(),
    }
    return harness.save("synthetic_data", results)


if __name__ == "__main__":
    print(json.dumps(main()))
