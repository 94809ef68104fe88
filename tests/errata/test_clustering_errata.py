"""What the documents say about clustering, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, minimize
from sklearn import cluster as sk
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score, silhouette_score

from course.data import digits
from course.models.kmeans import KMeans

SEEDS = range(3)


def blobs(seed):
    """Three clouds far apart, and which cloud each point is from."""
    centres = [[-4, 0], [4, 0], [0, 5]]
    return make_blobs(300, centers=centres, cluster_std=0.8, random_state=seed)


def even(seed):
    """The data of document 004, with a seed."""
    return np.random.RandomState(seed).rand(100, 2)


def single(X, seed, K=3):
    """One start, as the library takes it by default."""
    return sk.KMeans(n_clusters=K, random_state=seed).fit(X)


def test_clusters_of_digits_are_not_their_classes():
    """D3-T1, D4-T3, X11: numbers agree by accident, pairs in earnest."""
    X, y = digits()
    X = X.reshape(-1, 64)
    for seed in SEEDS:
        z = KMeans(10, random_state=seed).fit_predict(X)
        assert (z == y).mean() < 0.3
        assert 0.6 < adjusted_rand_score(y, z) < 0.75  # and not 1
        counts = np.zeros((10, 10))
        np.add.at(counts, (y, z), 1)
        rows, columns = linear_sum_assignment(counts, maximize=True)
        # only the labels themselves can name the clusters
        assert 0.7 < counts[rows, columns].sum() / len(y) < 0.85


def test_perfect_clusters_have_any_accuracy():
    """D4-T10: ARI 1, and accuracies from 0 to 1 by renumbering alone."""
    for seed in SEEDS:
        X, y = blobs(seed)
        z = KMeans(3, random_state=seed).fit_predict(X)
        assert adjusted_rand_score(y, z) == 1.0
        numberings = [np.roll(np.arange(3), s)[y] for s in range(3)]
        accuracy = sorted((y == other).mean() for other in numberings)
        assert accuracy == [0, 0, 1]
        agree = [adjusted_rand_score(z, other) for other in numberings]
        assert agree == [1.0] * 3


def test_cluster_numbers_change_with_the_seed():
    """D4-C13: the document's lines print other numbers for other seeds."""
    x_new = np.array([[0.1, 0.2], [0.3, 0.4]])
    printed = {
        tuple(single(even(0), seed).predict(x_new).tolist())
        for seed in range(10)
    }
    assert len(printed) >= 4
    X, _ = blobs(0)
    runs = [single(X, seed) for seed in range(6)]
    assert len({tuple(m.labels_) for m in runs}) > 1
    for m in runs:
        assert adjusted_rand_score(runs[0].labels_, m.labels_) == 1.0


def first_with_enough(X, Ks=range(1, 6), n_even=6):
    """The K that the gap statistic chooses."""

    def log_inertia(X):
        fits = [KMeans(K, n_init=2, random_state=0).fit(X) for K in Ks]
        return np.log([m.inertia_ for m in fits])

    rng, box = np.random.RandomState(0), (X.min(axis=0), X.max(axis=0))
    null = [log_inertia(rng.uniform(*box, X.shape)) for _ in range(n_even)]
    gap = np.mean(null, axis=0) - log_inertia(X)
    error = np.std(null, axis=0) * np.sqrt(1 + 1 / n_even)
    return 1 + np.argmax(gap[:-1] >= gap[1:] - error[1:])


def test_even_data_have_no_clusters_and_are_cut_all_the_same():
    """D4-C11, D4-T21: three groups, other ones for another seed."""
    for seed in SEEDS:
        X = even(seed)
        runs = [single(X, r).labels_ for r in range(8)]
        assert all(set(z) == {0, 1, 2} for z in runs)
        agree = [adjusted_rand_score(runs[0], z) for z in runs]
        assert min(agree) < 0.6
        for K in range(2, 7):  # the silhouette finds nothing amiss
            z = KMeans(K, n_init=3, random_state=0).fit_predict(X)
            assert silhouette_score(X, z) > 0.3
        assert first_with_enough(X) == 1
        X, _ = blobs(seed)
        runs = [single(X, r).labels_ for r in range(8)]
        assert min(adjusted_rand_score(runs[0], z) for z in runs) == 1.0
        assert first_with_enough(X) == 3


def test_the_mean_is_best_for_squares_alone():
    """D4-F3: with another distance, another centre; a Lloyd step goes up."""
    x = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    grid = np.linspace(-10, 110, 12_001)[:, None]
    assert grid[((x - grid) ** 2).sum(1).argmin()] == pytest.approx(x.mean())
    assert grid[np.abs(x - grid).sum(1).argmin()] == pytest.approx(2)
    assert np.abs(x - x.mean()).sum() == pytest.approx(157.6)
    assert np.abs(x - np.median(x)).sum() == 102
    # from the median, the step to the mean raises the sum of distances
    assert np.abs(x - 21.2).sum() > np.abs(x - 2).sum() + 50
    # in the plane, with the plain distance: the geometric median
    X = np.r_[np.random.RandomState(0).randn(20, 2), [[40.0, 40.0]]]

    def distances(c):
        return np.linalg.norm(X - c, axis=1).sum()

    best = minimize(distances, X.mean(0), method="Nelder-Mead")
    assert best.fun < distances(X.mean(0)) - 5
    # the clusters alone do not fix the sum: centres are minimised too
    z = np.array([0, 0, 0, 0, 1])
    worse, ours = np.array([9.0, 100.0]), np.array([1.5, 100.0])
    assert ((x - worse[z]) ** 2).sum() > 20 * ((x - ours[z]) ** 2).sum()
    fitted = KMeans(2, random_state=0).fit(x[:, None])
    assert sorted(fitted.cluster_centers_.ravel()) == pytest.approx(ours)


def test_only_k_means_depends_on_its_start():
    """D4-T11: hierarchical clustering and DBSCAN have none."""
    X = even(0)
    runs = [single(X, seed).labels_ for seed in range(10)]
    assert min(adjusted_rand_score(runs[0], z) for z in runs) < 0.6
    for method in (sk.AgglomerativeClustering(3), sk.DBSCAN(eps=0.1)):
        first = method.fit_predict(X)
        assert len(set(first)) > 1
        assert np.array_equal(first, method.fit_predict(X))
    for seed in SEEDS:
        X, y = make_moons(300, noise=0.05, random_state=seed)
        dense = sk.DBSCAN(eps=0.2).fit_predict(X)
        assert adjusted_rand_score(y, dense) == 1.0
        z = KMeans(2, random_state=seed).fit_predict(X)
        assert adjusted_rand_score(y, z) < 0.4


def test_one_start_is_a_lottery():
    """D4-C12: one start by default, and ten are far more alike."""
    X = digits("train")[0].reshape(-1, 64)
    fit = single(X, 0, K=10)
    assert fit._n_init == 1
    ends = KMeans(10, n_init=30, random_state=0).fit(X).inertias_
    best = ends.reshape(3, 10).min(axis=1)
    assert ends.max() > 1.03 * ends.min()
    assert best.max() < 1.01 * best.min()
