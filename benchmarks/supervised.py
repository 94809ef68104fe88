"""Support vector machines and decision trees, against scikit-learn's.

    python -m benchmarks.supervised

writes benchmarks/results/supervised.json (about a minute): seconds of a fit,
ours over theirs, on one thread, after both were seen to give the same answer.
Theirs are compiled and win on a processor; the question is by how much.

* svm: RBF kernel, ten classes (1000 digits) and two classes (2000 points), at
  scikit-learn's default tolerance;
* tree: 20 000 rows, 16 features, three classes, depth 8, Gini.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402

import numpy as np  # noqa: E402
from sklearn import svm as their_svm  # noqa: E402
from sklearn import tree as their_tree  # noqa: E402
from sklearn.datasets import make_circles  # noqa: E402

from course.data import digits  # noqa: E402
from course.models.svm import SVC  # noqa: E402
from course.models.tree import DecisionTreeClassifier  # noqa: E402


def images() -> tuple[np.ndarray, np.ndarray]:
    """A thousand digits, one image a row, and their classes."""
    x, y = digits("train")
    return x.reshape(len(x), -1).astype(float), y


def rings(N: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that overlap a little."""
    return make_circles(N, noise=0.12, factor=0.5, random_state=0)


def table(N: int = 20_000, D: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that a tree finds in part; float32 numbers, as theirs."""
    rng = np.random.RandomState(0)
    X = rng.randn(N, D).astype(np.float32).astype(float)
    score = X[:, 0] * X[:, 1] + X[:, 2] / 2 + 0.3 * rng.randn(N)
    return X, (score > 0).astype(int) + (X[:, 3] > 1)


def svm(X: np.ndarray, y: np.ndarray, *, repeats: int = 7) -> dict:
    """Seconds of a fit, after the decision functions were seen to agree.

    Raises:
        ValueError: at a tight tolerance, they differ by more than 1e-3.
    """
    ours, theirs = SVC(tol=1e-6), their_svm.SVC(tol=1e-6, break_ties=True)
    f, g = (m.fit(X, y).decision_function(X) for m in (ours, theirs))
    difference = float(np.abs(f - g).max())
    if difference > 1e-3:
        raise ValueError(
            f"decision functions differ by {difference:.1e}: find out why "
            f"before comparing times"
        )
    times = harness.contend(
        {
            "course": lambda: SVC().fit(X, y),
            "sklearn": lambda: their_svm.SVC().fit(X, y),
        },
        repeats=repeats,
    )
    size = {"N": len(X), "D": X.shape[1], "classes": len(ours.classes_)}
    return {**size, "largest_difference": difference, **times}


def tree(*, N: int = 20_000, depth: int = 8, repeats: int = 7) -> dict:
    """Seconds of a fit, after both trees were seen to predict the same.

    Raises:
        ValueError: they do not.
    """
    X, y = table(N)
    new = X[::-1] + 0.01
    options = {"max_depth": depth, "min_samples_leaf": 20}
    ours = DecisionTreeClassifier(**options).fit(X, y)
    theirs = their_tree.DecisionTreeClassifier(random_state=0, **options).fit(
        X, y
    )
    same = float((ours.predict(new) == theirs.predict(new)).mean())
    if same < 1:
        raise ValueError(
            f"predictions agree on {same:.2%} of rows: find out why before "
            f"comparing times"
        )
    times = harness.contend(
        {
            "course": lambda: DecisionTreeClassifier(**options).fit(X, y),
            "sklearn": lambda: their_tree.DecisionTreeClassifier(**options).fit(
                X, y
            ),
        },
        repeats=repeats,
    )
    size = {"N": len(X), "D": X.shape[1], "depth": depth}
    return {**size, "nodes": len(ours.feature_), "agreement": same, **times}


def main() -> dict:
    """Measure all, and keep the results."""
    results = {
        "svm_digits": svm(*images()),
        "svm_two_classes": svm(*rings()),
        "tree": tree(),
    }
    return harness.save("supervised", results)


if __name__ == "__main__":
    print(json.dumps(main()))
