"""Scalers against scikit-learn's, their ranges, their refusals."""

import numpy as np
import pytest
import torch
from sklearn import preprocessing as sk
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from course.data import digits
from course.nn.preprocessing import Scaler, SignedRange, Standard, UnitRange

KINDS = (UnitRange, SignedRange, Standard)
THEIRS = {
    UnitRange: sk.MinMaxScaler(),
    SignedRange: sk.MinMaxScaler((-1, 1)),
    Standard: sk.StandardScaler(),
}


@pytest.fixture
def X():
    """Rows without constant columns, with zeros and negative numbers."""
    rng = np.random.RandomState(0)
    return rng.randn(50, 4) * [1, 5, 0.1, 30] + [0, 3, -2, 100]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@parametrize_with_checks([kind() for kind in KINDS])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


def test_the_answer_is_that_of_scikit_learn(kind, X):
    ours, theirs = kind().fit(X), clone(THEIRS[kind]).fit(X)
    new = X[:7] * 2 - 1
    assert np.allclose(ours.transform(new), theirs.transform(new), atol=1e-12)
    back = ours.inverse_transform(new)
    assert np.allclose(back, theirs.inverse_transform(new), atol=1e-12)


def test_one_scale_for_all_features(kind, X):
    ours = kind(each=False).fit(X)
    theirs = clone(THEIRS[kind]).fit(X.reshape(-1, 1))
    expected = theirs.transform(X.reshape(-1, 1)).reshape(X.shape)
    assert np.allclose(ours.transform(X), expected, atol=1e-12)
    assert ours.scale_.shape == ours.offset_.shape == (4,)


def test_missing_entries_are_carried_as_scikit_learn_does(kind, X):
    X[::3, 1], X[5, 0] = np.nan, np.nan
    ours = kind(missing="carry").fit(X)
    theirs = clone(THEIRS[kind]).fit(X)
    for method in ("transform", "inverse_transform"):
        expected = getattr(theirs, method)(X)
        given = getattr(ours, method)(X)
        assert np.allclose(given, expected, atol=1e-12, equal_nan=True)
        assert np.array_equal(np.isnan(given), np.isnan(X))


def test_the_range_is_that_of_the_layer(X):
    scaled = UnitRange().fit_transform(X)
    assert np.allclose([scaled.min(0), scaled.max(0)], [[0] * 4, [1] * 4])
    scaled = SignedRange().fit_transform(X)
    assert np.allclose([scaled.min(0), scaled.max(0)], [[-1] * 4, [1] * 4])
    scaled = Standard().fit_transform(X)
    assert np.allclose(scaled.mean(0), 0, atol=1e-12)
    assert np.allclose(scaled.std(0), 1)
    layers = [kind().output_layer() for kind in KINDS]
    assert [type(x) for x in layers] == [nn.Sigmoid, nn.Tanh, nn.Identity]
    far = torch.tensor([-50.0, 50.0])
    assert layers[0](far).tolist() == pytest.approx([0, 1])
    assert layers[1](far).tolist() == pytest.approx([-1, 1])


@pytest.mark.parametrize("each", [True, False])
def test_images_keep_shape_type_and_values_both_ways(kind, each):
    x = digits("train")[0]
    scaler = kind(each=each).fit(x)
    for images in (x, torch.from_numpy(x), torch.from_numpy(x).double()):
        scaled = scaler.transform(images)
        back = scaler.inverse_transform(scaled)
        for result in (scaled, back):
            assert type(result) is type(images)
            assert result.dtype == images.dtype
            assert result.shape == images.shape
        assert np.allclose(np.asarray(back), x, atol=1e-6)


def test_a_constant_pixel_is_moved_and_not_stretched(kind):
    """0.1 + 0.2 - 0.3 is not zero: neither may a rounded deviation be one."""
    X = np.full((1000, 3), 0.1)
    X[:, 1] = np.arange(1000)
    X[:, 2] = 1e9 + 0.1
    scaler = kind().fit(X)
    scaled = scaler.transform(X)
    assert np.array_equal(scaled[:, 0], np.zeros(1000))
    assert np.array_equal(scaled[:, 2], np.zeros(1000))
    assert scaler.scale_[0] == scaler.scale_[2] == 1
    assert np.allclose(scaler.inverse_transform(scaled), X)
    new = scaler.transform(np.full((1, 3), 0.6))
    assert new[0, 0] == pytest.approx(0.5)


def test_new_data_may_leave_the_range_and_come_back(X):
    scaler = UnitRange().fit(X[:20])
    scaled = scaler.transform(X)
    assert scaled.max() > 1 and scaled.min() < 0  # noqa: PT018
    assert np.allclose(scaler.inverse_transform(scaled), X)


def test_only_the_rows_of_fit_matter(kind, X):
    scaler = kind().fit(X[:20])
    before = scaler.scale_.copy()
    one = scaler.transform(X[20:21])
    assert np.allclose(scaler.transform(X)[20], one[0])
    assert np.array_equal(scaler.scale_, before)


def test_arguments_are_unchanged(kind, X):
    X[3, 1] = np.nan
    before = X.copy()
    scaler = kind(missing="carry").fit(X)
    scaler.inverse_transform(scaler.transform(X))
    assert np.array_equal(X, before, equal_nan=True)


def test_missing_entries_are_refused_by_default(kind, X):
    for there in (X, torch.tensor(X)):
        scaler = kind().fit(there)
        holes = there + 0
        holes[2, 2] = float("nan")
        for method in (scaler.fit, scaler.transform):
            with pytest.raises(ValueError, match="NaN"):
                method(holes)


def test_what_makes_no_sense_is_refused(kind, X):
    holes = X.copy()
    holes[:, 2] = np.nan
    with pytest.raises(ValueError, match="1 of 4 features are missing"):
        kind(missing="carry").fit(holes)
    assert kind(missing="carry", each=False).fit(holes).scale_.shape == (4,)
    with pytest.raises(ValueError, match="missing must be one of"):
        kind(missing="drop").fit(X)
    with pytest.raises(ValueError, match="infinity"):
        kind(missing="carry").fit(np.full((3, 2), np.inf))
    with pytest.raises(ValueError, match="3 features, but"):
        kind().fit(X).transform(X[:, :3])
    with pytest.raises(NotImplementedError):
        Scaler().fit(X)


@pytest.mark.gpu
def test_scalers_follow_their_input(kind, X):
    there = torch.tensor(X).cuda()
    scaled = kind().fit(there).transform(there)
    assert scaled.is_cuda
    assert np.allclose(scaled.cpu().numpy(), kind().fit_transform(X))
