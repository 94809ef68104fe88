"""K-means against scikit-learn, its definition and its theorem."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans as Reference
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import digits
from course.models.kmeans import KMeans, lloyd, starts

IRIS = load_iris().data
CENTRES = [[-6.0, 0.0], [6.0, 0.0], [0.0, 9.0]]


@parametrize_with_checks([KMeans()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def quietly(model, X):
    """Fit without the warning that so few iterations do not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


def reference(start, iterations):
    """Scikit-learn's Lloyd from the same start."""
    return Reference(
        len(start),
        init=start,
        n_init=1,
        algorithm="lloyd",
        tol=0,
        max_iter=iterations,
    )


def somewhere(X, K, seed):
    """Centres between rows: no row is as near to two of them."""
    rng = np.random.RandomState(seed)
    return X[rng.permutation(len(X))[:K]] + 0.1 * rng.randn(K, X.shape[1])


def images():
    return digits("train")[0].reshape(-1, 64).astype(float)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("data", "K"), [("iris", 3), ("digits", 10)])
def test_every_iteration_is_that_of_scikit_learn(data, K, seed, offset):
    X = (IRIS if data == "iris" else images()) + offset
    start = somewhere(X, K, seed)
    ours = KMeans(K, init=start).fit(X)
    assert ours.n_iter_ >= 3
    for t in range(1, ours.n_iter_ + 1):
        theirs = quietly(reference(start, t), X)
        assert ours.history_[t] == pytest.approx(theirs.inertia_, rel=1e-10)
    theirs = reference(start, 300).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12)
    assert np.array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(
        ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(
        ours.transform(X), theirs.transform(X), rtol=1e-6, atol=1e-6
    )
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-10)


def test_an_empty_cluster_is_filled_as_in_scikit_learn():
    """It takes the row that is farthest from its own centre."""
    X, _ = make_blobs(100, centers=CENTRES, random_state=0)
    start = np.array([[-6.0, 0.0], [3.0, 5.0], [900.0, 900.0]])
    for t in range(1, 6):
        ours = quietly(KMeans(3, init=start, max_iter=t), X)
        theirs = quietly(reference(start, t), X)
        assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12)
        assert (np.diff(ours.history_) <= 0).all()
    assert np.bincount(ours.labels_, minlength=3).min() > 0


def test_the_first_iteration_fills_by_the_rule():
    X = np.array([[0.0], [1.0], [2.0], [10.0]])
    model = quietly(
        KMeans(2, init=[[1.0], [500.0]], max_iter=1), X
    )  # all rows go to the first; 10 is farthest from it
    assert model.cluster_centers_.tolist() == [[1.0], [10.0]]
    assert model.history_.tolist() == [83.0, 2.0]


def test_many_empty_clusters_are_all_filled():
    """Each takes a row, and none empties another cluster to do so."""
    rng = np.random.RandomState(0)
    X = rng.randn(12, 3)
    start = np.r_[X[:1], X[1:2] + 70, np.full((10, 3), 500.0)]
    model = KMeans(12, init=start).fit(X)
    assert sorted(model.labels_) == list(range(12))
    assert model.inertia_ == pytest.approx(0, abs=1e-20)
    assert (np.diff(model.history_) <= 0).all()


def test_a_row_alone_in_its_cluster_is_not_taken():
    """Even if it is the farthest: its own cluster would be empty next."""
    X = np.array([[0.0], [1.0], [2.0], [90.0]])
    model = quietly(KMeans(3, init=[[1], [60], [900]], max_iter=1), X)
    assert model.cluster_centers_[1].item() == pytest.approx(90)
    assert model.cluster_centers_[2].item() in (0.0, 2.0)


def test_fewer_different_rows_than_clusters():
    X = np.repeat([[0.0, 1.0], [5.0, 5.0]], 4, axis=0)
    model = KMeans(4, random_state=0).fit(X)
    assert model.inertia_ == pytest.approx(0, abs=1e-20)
    assert np.isfinite(model.cluster_centers_).all()
    labels = model.predict(X)
    assert len(set(labels[:4])) == len(set(labels[4:])) == 1
    assert labels[0] != labels[4]


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_the_objective_never_rises_and_is_what_it_says(init):
    X, _ = make_blobs(400, 5, centers=6, cluster_std=3.0, random_state=1)
    for seed in range(5):
        model = KMeans(7, init=init, n_init=1, random_state=seed).fit(X)
        assert model.converged_
        assert model.n_iter_ == len(model.history_) - 1
        assert (np.diff(model.history_) < 0).all()
        mu, z = model.cluster_centers_, model.labels_
        square = ((X[:, None] - mu) ** 2).sum(axis=-1)
        assert model.inertia_ == pytest.approx(square.min(1).sum(), rel=1e-12)
        assert np.array_equal(z, square.argmin(1))
        means = [X[z == k].mean(axis=0) for k in range(7)]
        np.testing.assert_allclose(mu, means, rtol=1e-10)


def test_separated_blobs_are_found():
    for seed in range(5):
        X, y = make_blobs(300, centers=CENTRES, random_state=seed)
        found = KMeans(3, random_state=seed).fit_predict(X)
        assert adjusted_rand_score(y, found) == 1.0


def test_one_cluster_is_the_mean_and_every_row_its_own_is_exact():
    one = KMeans(1, n_init=1).fit(IRIS)
    np.testing.assert_allclose(one.cluster_centers_[0], IRIS.mean(0))
    spread = ((IRIS - IRIS.mean(0)) ** 2).sum()
    assert one.inertia_ == pytest.approx(spread, rel=1e-12)
    every = KMeans(19, n_init=1, random_state=0).fit(IRIS[::8])
    assert every.inertia_ == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_restarts_in_a_batch_equal_one_run_at_a_time(init):
    batch = KMeans(5, init=init, n_init=4, random_state=7).fit(IRIS)
    seeds = np.random.RandomState(7).randint(2**31 - 1, size=4)
    alone = [
        KMeans(5, init=init, n_init=1, random_state=Fixed(s)).fit(IRIS)
        for s in seeds
    ]
    last = [model.inertia_ for model in alone]
    np.testing.assert_allclose(batch.inertias_, last, rtol=1e-12)
    best = alone[int(np.argmin(last))]
    assert batch.inertia_ == batch.inertias_.min()
    np.testing.assert_allclose(batch.history_, best.history_, rtol=1e-12)
    assert np.array_equal(batch.labels_, best.labels_)


class Fixed(np.random.RandomState):
    """Gives the seed it was made with to the only run."""

    def __init__(self, seed):
        super().__init__(0)
        self.given = seed

    def randint(self, *args, **options):
        """The one seed."""
        return np.array([self.given])


def test_kmeans_plus_plus_draws_by_the_squared_distance():
    """Of 3 rows, with one trial: the chance of the second is D^2 / sum D^2."""
    mass = torch.tensor([[0.0, 1.0, 9.0]], dtype=torch.float64)
    u = torch.linspace(0, 1, 10_001, dtype=torch.float64)[None, :-1]
    picks = starts.draw(mass, u)[0].bincount(minlength=3) / 10_000
    np.testing.assert_allclose(picks, [0, 0.1, 0.9], atol=1e-3)
    first = torch.zeros(1, 1, dtype=torch.float64)
    assert starts.draw(mass, first).item() == 1  # never one without mass


def test_kmeans_plus_plus_spreads_the_start():
    """The mean start is as good as scikit-learn's, and better than rows."""
    from sklearn.cluster import kmeans_plusplus

    X, _ = make_blobs(600, 2, centers=20, cluster_std=0.3, random_state=0)
    x, rng = torch.from_numpy(X), np.random.RandomState(0)

    def cost(mu):
        return lloyd.gather(lloyd.features(x), mu).J

    ours = cost(starts.plus_plus(x, 20, runs=40, rng=rng)).mean()
    rows = cost(starts.some_rows(x, 20, runs=40, rng=rng)).mean()
    theirs = [kmeans_plusplus(X, 20, random_state=s)[0] for s in range(40)]
    theirs = cost(torch.from_numpy(np.stack(theirs))).mean()
    assert ours < 0.2 * rows
    assert ours == pytest.approx(theirs.item(), rel=0.15)


def test_random_rows_are_different_rows():
    x = torch.arange(10.0, dtype=torch.float64)[:, None]
    mu = starts.some_rows(x, 10, runs=3, rng=np.random.RandomState(0))
    assert mu.shape == (3, 10, 1)
    assert torch.equal(mu.sort(dim=1).values, x.expand(3, 10, 1))
    assert not torch.equal(mu[0], mu[1])


def test_blocks_of_rows_change_nothing(monkeypatch):
    x = torch.from_numpy(IRIS)
    mu = x[:12].view(3, 4, 4)
    whole = lloyd.gather(lloyd.features(x), mu)
    monkeypatch.setattr(lloyd, "block_rows", lambda width: 40)
    parts = lloyd.gather(lloyd.features(x), mu)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=0)


def test_both_ways_to_sum_are_the_definition():
    x = torch.from_numpy(IRIS)
    phi = lloyd.features(x)
    z = torch.from_numpy(np.random.RandomState(0).randint(3, size=(2, 150)))
    for way in (lloyd.product, lloyd.added):
        S = way(phi, z, 4)
        assert S.shape == (2, 4, 6)
        for b in range(2):
            for k in range(4):
                rows = x[z[b] == k]
                square = rows.square().sum()[None]
                count = torch.tensor([float(len(rows))]).double()
                truth = torch.cat([rows.sum(dim=0), square, count])
                torch.testing.assert_close(S[b, k], truth)


def test_tight_clusters_far_apart_lose_no_digits():
    """Width 1e-6 of the distance: a difference of squares would be wrong."""
    rng = np.random.RandomState(0)
    X = 1e-6 * rng.randn(200, 2) + np.repeat([[0.0, 0.0], [1.0, 1.0]], 100, 0)
    model = KMeans(2, random_state=0).fit(X)
    truth = sum(((c - c.mean(0)) ** 2).sum() for c in (X[:100], X[100:]))
    assert model.inertia_ == pytest.approx(truth, rel=1e-6)
    assert -model.score(X) == pytest.approx(truth, rel=1e-6)


def test_tol_stops_early_and_zero_goes_on():
    X = images()
    start = somewhere(X, 10, 0)
    exact = KMeans(10, init=start).fit(X)
    early = KMeans(10, init=start, tol=1e-3).fit(X)
    falls = -np.diff(exact.history_) / exact.history_[0]
    stop = int((falls <= 1e-3).argmax()) + 1
    assert early.n_iter_ == stop < exact.n_iter_
    np.testing.assert_allclose(early.history_, exact.history_[: stop + 1])


def test_too_few_iterations_are_reported():
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        KMeans(10, n_init=1, max_iter=1, random_state=0).fit(images())


def test_tensors_stay_tensors():
    X = torch.from_numpy(IRIS)
    there, here = (KMeans(3, random_state=0).fit(x) for x in (X, IRIS))
    for name in ("cluster_centers_", "labels_", "history_", "inertias_"):
        assert isinstance(getattr(there, name), torch.Tensor)
        value = getattr(there, name).numpy()
        assert np.array_equal(value, getattr(here, name))
    assert torch.equal(there.predict(X), there.labels_)
    assert isinstance(there.transform(X), torch.Tensor)
    assert isinstance(here.transform(IRIS), np.ndarray)


@pytest.mark.gpu
def test_the_answer_on_a_gpu_is_that_on_a_cpu():
    X = torch.from_numpy(images())
    start = somewhere(images(), 10, 0)
    there = KMeans(10, init=start).fit(X.cuda())
    here = KMeans(10, init=start).fit(X)
    assert there.cluster_centers_.is_cuda
    assert there.labels_.is_cuda
    np.testing.assert_allclose(there.history_.cpu(), here.history_, rtol=1e-10)
    seeded = KMeans(10, random_state=0).fit(X.cuda())
    assert seeded.inertias_.is_cuda
    assert seeded.predict(X.cuda()).is_cuda


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"n_clusters": 0}, "n_clusters must be a whole number"),
        ({"n_clusters": 2.5}, "n_clusters must be a whole number"),
        ({"n_clusters": 200}, "decrease n_clusters"),
        ({"n_init": 0}, "n_init must be a whole number"),
        ({"max_iter": -1}, "max_iter must be a whole number"),
        ({"tol": -0.1}, "tol must be a number"),
        ({"tol": float("nan")}, "tol must be a number"),
        ({"init": "best"}, "init must be one of k-means"),
        ({"init": np.zeros((3, 4))}, "init must have shape"),
        ({"n_clusters": 1, "init": [[np.nan] * 4]}, "init contains NaN"),
    ],
)
def test_a_wrong_option_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        KMeans(**options).fit(IRIS)


def test_the_start_is_left_as_it_is():
    start = somewhere(IRIS, 3, 0)
    before = start.copy()
    model = KMeans(3, init=start)
    model.fit(IRIS)
    assert np.array_equal(start, before)
    assert np.array_equal(clone(model).init, before)
