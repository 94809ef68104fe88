"""Self-organising maps against loops, k-means, MiniSom and their measures."""

import numpy as np
import pytest
import torch
from minisom import MiniSom
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import digits
from course.metrics.maps import quantisation_error, topographic_error
from course.models import som as package
from course.models.kmeans import KMeans
from course.models.som import SelfOrganisingMap

IRIS = load_iris().data


@parametrize_with_checks([SelfOrganisingMap((3, 4))])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def images():
    return digits("train")[0].reshape(-1, 64).astype(float)


def epoch_by_loops(X, codebook, sigma):
    """The batch update, written as the definition reads."""
    R, C, D = codebook.shape
    places = [(i, j) for i in range(R) for j in range(C)]
    top, below = np.zeros((R, C, D)), np.zeros((R, C))
    for x in X:
        b = min(places, key=lambda p: ((x - codebook[p]) ** 2).sum())
        for i, j in places:
            h = np.exp(-((i - b[0]) ** 2 + (j - b[1]) ** 2) / (2 * sigma**2))
            top[i, j] += h * x
            below[i, j] += h
    return top / below[..., None]


def test_epochs_are_those_of_the_definition():
    rng = np.random.RandomState(0)
    X, codebook = rng.randn(40, 3), rng.randn(3, 4, 3)
    model = SelfOrganisingMap((3, 4), n_epochs=3, width=(2.0, 0.5))
    model.set_params(init=codebook).fit(X)
    for sigma in (2.0, 1.0, 0.5):  # by a constant factor
        codebook = epoch_by_loops(X, codebook, sigma)
    np.testing.assert_allclose(model.codebook_, codebook, rtol=1e-10)


def test_history_is_the_quantisation_error():
    X = images()
    for n_epochs in range(4):
        model = SelfOrganisingMap((5, 6), n_epochs=n_epochs, width=(1.0, 1.0))
        model.fit(X)
        assert len(model.history_) == n_epochs + 1
        error = quantisation_error(X, model.codebook_)
        assert model.history_[-1] == pytest.approx(error, rel=1e-12)
        z = model.predict(X)
        away = np.linalg.norm(X - model.codebook_.reshape(-1, 64)[z], axis=1)
        assert error == pytest.approx(away.mean(), rel=1e-12)


def test_a_narrow_neighbourhood_is_k_means():
    X = images()[:300]
    start = X[:12] + 0.01 * np.random.RandomState(0).randn(12, 64)
    means = KMeans(12, init=start).fit(X)
    model = SelfOrganisingMap((3, 4), n_epochs=means.n_iter_)
    model.set_params(width=(0.01, 0.01), init=start.reshape(3, 4, 64)).fit(X)
    np.testing.assert_allclose(
        model.codebook_.reshape(12, 64), means.cluster_centers_, atol=1e-12
    )


def test_a_wide_neighbourhood_is_the_mean():
    model = SelfOrganisingMap((3, 4), n_epochs=1, width=(1e4, 1e4)).fit(IRIS)
    spread = np.abs(model.codebook_ - IRIS.mean(0)).max()
    assert spread < 1e-6


def test_the_start_is_the_plane_of_the_first_two_components():
    from sklearn.decomposition import PCA

    pca = PCA(2).fit(IRIS)
    model = SelfOrganisingMap((4, 9), n_epochs=0).fit(IRIS)
    codes = pca.transform(model.codebook_.reshape(-1, 4))
    np.testing.assert_allclose(
        pca.inverse_transform(codes), model.codebook_.reshape(-1, 4), atol=1e-10
    )
    reach = 2 * pca.explained_variance_**0.5 * (149 / 150) ** 0.5
    np.testing.assert_allclose(np.abs(codes).max(0), reach, rtol=1e-10)
    codes = codes.reshape(4, 9, 2)
    assert np.ptp(codes[..., 0], axis=0) == pytest.approx(0, abs=1e-10)
    assert np.ptp(codes[..., 1], axis=1) == pytest.approx(0, abs=1e-10)
    assert np.ptp(np.diff(codes[0, :, 0])) == pytest.approx(0, abs=1e-10)


def test_the_measures_are_those_of_minisom():
    X = images()
    for seed in range(3):
        theirs = MiniSom(6, 9, 64, random_seed=seed)
        theirs.random_weights_init(X)
        theirs.train(X, 500)
        codebook = theirs.get_weights()
        assert quantisation_error(X, codebook) == pytest.approx(
            theirs.quantization_error(X), rel=1e-12
        )
        assert topographic_error(X, codebook) == pytest.approx(
            theirs.topographic_error(X), abs=1e-12
        )


def test_a_line_in_order_has_no_topographic_error():
    x = np.linspace(0, 9, 200)[:, None]
    line = np.arange(10.0)[None, :, None]
    assert topographic_error(x, line) == 0
    assert topographic_error(x, line.swapaxes(0, 1)) == 0
    assert quantisation_error(x, line) == pytest.approx(0.25, abs=0.01)
    torn = line[:, [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]]
    assert topographic_error(x, torn) > 0.8


def test_neighbours_may_touch_at_a_corner_and_not_across_the_edge():
    codebook = np.array([[[0.0], [50.0]], [[60.0], [1.0]]])
    assert topographic_error([[0.2]], codebook) == 0  # corner
    wide = np.array([[[0.0], [40.0], [50.0]], [[1.0], [60.0], [70.0]]])
    assert topographic_error([[50.2]], wide) == 0
    wrapped = np.array([[[30.0], [40.0], [0.0]], [[1.0], [60.0], [70.0]]])
    assert topographic_error([[0.2]], wrapped) == 1  # 2 and 3 in row order


def test_the_map_of_digits_is_ordered_and_close():
    X, fresh = images(), digits("test")[0].reshape(-1, 64).astype(float)
    model = SelfOrganisingMap().fit(X)
    assert (np.diff(model.history_) < 0).all()
    assert model.history_[-1] < 0.75 * model.history_[0]
    for seed in range(3):
        rng = np.random.RandomState(seed)
        flat = model.codebook_.reshape(100, 64)
        shuffled = rng.permutation(flat).reshape(10, 10, 64)
        rows = rng.permutation(X)[:100].reshape(10, 10, 64)
        for x in (X, fresh):
            error = topographic_error(x, model.codebook_)
            assert error < 0.2 < topographic_error(x, shuffled)
            assert topographic_error(x, rows) > 0.8
            mine = quantisation_error(x, model.codebook_)
            assert mine < 0.9 * quantisation_error(x, rows)


def test_both_errors_are_below_those_of_minisom():
    """With the same last width; sigma falls to a third in MiniSom."""
    X = images()
    for seed in range(3):
        theirs = MiniSom(10, 10, 64, sigma=1.5, random_seed=seed)
        theirs.random_weights_init(X)
        theirs.train(X, 2 * len(X), random_order=True)
        ours = SelfOrganisingMap().fit(X).codebook_
        assert quantisation_error(X, ours) < theirs.quantization_error(X)
        assert topographic_error(X, ours) < theirs.topographic_error(X)


def test_transform_is_the_place_of_the_unit():
    model = SelfOrganisingMap((3, 5)).fit(IRIS)
    place, z = model.transform(IRIS), model.predict(IRIS)
    assert place.shape == (150, 2)
    assert np.array_equal(place[:, 0] * 5 + place[:, 1], z)
    nearest = np.linalg.norm(
        IRIS[:, None] - model.codebook_.reshape(15, 4), axis=2
    )
    assert np.array_equal(z, nearest.argmin(1))


def test_shift_and_scale_are_followed():
    near = SelfOrganisingMap((4, 4)).fit(IRIS)
    far = SelfOrganisingMap((4, 4)).fit(1000 - 3 * IRIS)
    assert far.history_[1:] == pytest.approx(3 * near.history_[1:], rel=0.1)
    moved = SelfOrganisingMap((4, 4)).fit(3 * IRIS + 1e5)
    np.testing.assert_allclose(moved.history_, 3 * near.history_, rtol=1e-8)
    np.testing.assert_allclose(
        moved.codebook_, 3 * near.codebook_ + 1e5, rtol=1e-10
    )


def test_a_unit_that_no_row_reaches_keeps_its_place():
    X = np.array([[0.0], [0.1], [1.0]])
    model = SelfOrganisingMap((1, 3), n_epochs=2, width=(0.01, 0.01))
    model.set_params(init=[[[0.0], [1.0], [77.0]]]).fit(X)
    np.testing.assert_allclose(model.codebook_.ravel(), [0.05, 1.0, 77.0])


def test_fitting_is_not_random_and_keeps_the_kind_of_array():
    X = torch.from_numpy(IRIS)
    there, here = (SelfOrganisingMap((4, 4)).fit(x) for x in (X, IRIS))
    again = SelfOrganisingMap((4, 4)).fit(IRIS)
    assert np.array_equal(here.codebook_, again.codebook_)
    for name in ("codebook_", "history_"):
        assert isinstance(getattr(there, name), torch.Tensor)
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    assert isinstance(there.transform(X), torch.Tensor)
    assert isinstance(there.predict(X), torch.Tensor)


def test_widths_shrink_by_a_constant_factor():
    assert package.widths(4.0, 0.5, 4) == pytest.approx([4, 2, 1, 0.5])
    assert package.widths(4.0, 0.5, 1) == [4.0]
    assert package.widths(4.0, 0.5, 0) == []


@pytest.mark.gpu
def test_the_map_on_a_gpu_is_that_on_a_cpu():
    X = torch.from_numpy(images())
    there, here = (SelfOrganisingMap((6, 6)).fit(x) for x in (X.cuda(), X))
    assert there.codebook_.is_cuda
    assert there.transform(X.cuda()).is_cuda
    np.testing.assert_allclose(there.history_.cpu(), here.history_, rtol=1e-8)
    assert quantisation_error(X.cuda(), there.codebook_) == pytest.approx(
        quantisation_error(X, here.codebook_), rel=1e-8
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shape": (3,)}, "two whole numbers"),
        ({"shape": 10}, "two whole numbers"),
        ({"shape": ("3", 3)}, "two whole numbers"),
        ({"n_epochs": 1.5}, "at least 0"),
        ({"width": 2.0}, "two positive numbers"),
        ({"width": (2.0, float("inf"))}, "two positive numbers"),
        ({"shape": (0, 3)}, "two whole numbers"),
        ({"shape": (2.5, 3)}, "two whole numbers"),
        ({"n_epochs": -1}, "at least 0"),
        ({"width": (0.0, 1.0)}, "two positive numbers"),
        ({"width": (1.0,)}, "two positive numbers"),
        ({"init": "random"}, "init must be 'pca'"),
        ({"init": np.zeros((2, 2, 4))}, "init must be finite"),
    ],
)
def test_a_wrong_option_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        SelfOrganisingMap(**options).fit(IRIS)


def test_measures_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="must have shape"):
        quantisation_error(IRIS, np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="must have shape"):
        quantisation_error(IRIS[0], np.zeros((2, 2, 4)))
    with pytest.raises(ValueError, match="one unit"):
        topographic_error(IRIS, np.zeros((1, 1, 4)))
