"""PCA: speed against scikit-learn's full singular value decomposition.

    python -m benchmarks.pca

writes benchmarks/results/pca.json (less than a minute). For a tall matrix, a
wide one and a square one: fit and transform on one thread, after an assertion
that both gave the same codes. The largest difference is kept.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import numpy as np  # noqa: E402
from sklearn.decomposition import PCA as SklearnPCA  # noqa: E402, N811

from course.models.pca import PCA  # noqa: E402

M = 16
SHAPES = {"tall": (20_000, 64), "wide": (100, 4096), "square": (1000, 625)}


def rows(N: int, D: int) -> np.ndarray:
    """Rows with M strong directions of different strength, and noise."""
    rng = np.random.RandomState(0)
    strength = np.linspace(8, 2, M)
    return rng.randn(N, M) * strength @ rng.randn(M, D) + rng.randn(N, D)


def speed(N: int, D: int, *, repeats: int = 9) -> dict:
    """Seconds of a fit with its codes, and how far the codes differ.

    Raises:
        ValueError: the codes differ by more than 1e-10 of the largest: times
            of two different computations say nothing.
    """
    X = rows(N, D)
    ours, theirs = PCA(M), SklearnPCA(M, svd_solver="full")
    codes = [model.fit_transform(X) for model in (ours, theirs)]
    difference = abs(codes[0] - codes[1]).max() / abs(codes[1]).max()
    if difference > 1e-10:
        raise ValueError(
            f"the codes differ by {difference:.1e} of the largest: find out "
            f"why before comparing times"
        )
    times = harness.contend(
        {
            "course": lambda: ours.fit_transform(X),
            "sklearn": lambda: theirs.fit_transform(X),
        },
        repeats=repeats,
    )
    size = {"N": N, "D": D, "M": M}
    return {**size, "relative_difference": float(difference), **times}


def main() -> dict:
    """Measure all, and keep the results."""
    results = {name: speed(*shape) for name, shape in SHAPES.items()}
    return harness.save("pca", results)


if __name__ == "__main__":
    main()
