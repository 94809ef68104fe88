"""PCA against scikit-learn, its own theorem, and the convention of signs."""

import numpy as np
import pytest
import torch
from sklearn import decomposition as sk
from sklearn.datasets import load_digits, load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from benchmarks import pca as benchmark
from course.models.pca import PCA

IRIS = load_iris().data
DIGITS = load_digits().data
WIDE = np.random.RandomState(0).randn(12, 30) @ np.diag(np.arange(1.0, 31))


@parametrize_with_checks([PCA()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.parametrize(
    ("X", "M"), [(IRIS, 2), (IRIS, 4), (DIGITS, 10), (WIDE, 5), (WIDE, 11)]
)
def test_the_answer_is_that_of_scikit_learn(X, M):
    ours = PCA(M).fit(X)
    theirs = sk.PCA(M, svd_solver="full").fit(X)
    for name in (
        "mean_",
        "components_",  # the sign too: the largest entry is positive
        "explained_variance_",
        "explained_variance_ratio_",
    ):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), atol=1e-10
        )
    Z = ours.transform(X)
    np.testing.assert_allclose(Z, theirs.transform(X), atol=1e-9)
    np.testing.assert_allclose(
        ours.inverse_transform(Z), theirs.inverse_transform(Z), atol=1e-9
    )


def test_the_code_is_w_times_x_minus_mu():
    """D4-F4: the offset is not free, b = -W mu, and W W^T = I."""
    model = PCA(3).fit(DIGITS)
    W, mu = model.components_, DIGITS.mean(axis=0)
    np.testing.assert_allclose(W @ W.T, np.eye(3), atol=1e-12)
    b = model.transform(np.zeros((1, 64)))[0]
    np.testing.assert_allclose(b, -W @ mu, atol=1e-12)
    np.testing.assert_allclose(
        model.transform(DIGITS), DIGITS @ W.T + b, atol=1e-11
    )


def test_directions_are_eigenvectors_of_the_covariance():
    model = PCA().fit(IRIS)
    S = np.cov(IRIS.T)
    W, variance = model.components_, model.explained_variance_
    np.testing.assert_allclose(W @ S, variance[:, None] * W, atol=1e-12)
    np.testing.assert_allclose(model.explained_variance_ratio_.sum(), 1)
    assert (np.diff(variance) < 0).all()


@pytest.mark.parametrize("M", [1, 2, 3])
def test_the_error_is_the_variance_left_out(M):
    model, full = PCA(M).fit(IRIS), PCA().fit(IRIS)
    left_out = full.explained_variance_[M:].sum() * (len(IRIS) - 1)
    errors = model.reconstruction_error(IRIS)
    assert errors.sum() == pytest.approx(left_out, rel=1e-10)
    back = model.inverse_transform(model.transform(IRIS))
    np.testing.assert_allclose(errors, ((IRIS - back) ** 2).sum(axis=1))
    # and it is the distance to the best matrix of rank M (Eckart and Young)
    U, s, V = np.linalg.svd(IRIS - IRIS.mean(axis=0), full_matrices=False)
    best = U[:, :M] * s[:M] @ V[:M] + IRIS.mean(axis=0)
    np.testing.assert_allclose(back, best, atol=1e-12)


def test_no_other_plane_is_nearer():
    model = PCA(2).fit(IRIS)
    least = model.reconstruction_error(IRIS).sum()
    rng = np.random.RandomState(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(20):
            noisy = model.components_.T + size * rng.randn(4, 2)
            V, _ = np.linalg.qr(noisy)
            c = model.mean_ + size * rng.randn(4)
            lost = (IRIS - c) - (IRIS - c) @ V @ V.T
            assert (lost**2).sum() > least


def test_all_components_lose_nothing():
    model = PCA().fit(WIDE)
    assert model.components_.shape == (12, 30)
    assert model.reconstruction_error(WIDE).max() < 1e-20 * (WIDE**2).max()


def test_data_and_their_mirror_image_have_the_same_directions():
    W, mirrored = (PCA().fit(X).components_ for X in (IRIS, -IRIS))
    np.testing.assert_allclose(W, mirrored, atol=1e-12)
    peaks = np.take_along_axis(W, abs(W).argmax(1)[:, None], 1)
    assert (peaks > 0).all()


def test_a_shift_of_the_data_shifts_the_mean_alone():
    plain, shifted = PCA(2).fit(IRIS), PCA(2).fit(IRIS + 1e6)
    np.testing.assert_allclose(
        plain.components_, shifted.components_, atol=1e-7
    )
    np.testing.assert_allclose(shifted.mean_ - 1e6, plain.mean_, atol=1e-7)


def test_small_variances_survive_beside_large_ones():
    """The covariance matrix has the square of the condition number."""
    rng = np.random.RandomState(0)
    d = rng.randn(50, 3) * [1e6, 1.0, 1e-4]
    found = PCA().fit(d).explained_variance_
    Q, _ = np.linalg.qr(rng.randn(3, 3))
    turned = PCA().fit(d @ Q).explained_variance_
    np.testing.assert_allclose(turned, found, rtol=1e-4)


def test_tensors_stay_tensors():
    x = torch.tensor(IRIS, dtype=torch.float32)
    model = PCA(2).fit(x)
    for value in (
        model.components_,
        model.transform(x),
        model.inverse_transform(model.transform(x)),
        model.reconstruction_error(x),
        model.explained_variance_ratio_,
    ):
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float64
    np.testing.assert_allclose(
        model.transform(x).numpy(), PCA(2).fit_transform(IRIS), atol=1e-5
    )


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer():
    x = torch.tensor(DIGITS)
    here, there = PCA(10).fit(x), PCA(10).fit(x.cuda())
    assert there.components_.is_cuda
    assert torch.allclose(here.components_, there.components_.cpu(), atol=1e-8)
    assert torch.allclose(
        here.transform(x), there.transform(x.cuda()).cpu(), atol=1e-8
    )


def test_arguments_are_unchanged():
    X = IRIS.copy()
    model = PCA(2).fit(X)
    model.inverse_transform(model.transform(X))
    assert np.array_equal(X, IRIS)


@pytest.mark.parametrize("M", [0, 5, -1, 1.5, "two"])
def test_an_impossible_number_of_components_is_refused(M):
    with pytest.raises(ValueError, match="from 1 to min"):
        PCA(M).fit(IRIS)


def test_a_code_of_the_wrong_length_is_refused():
    model = PCA(2).fit(IRIS)
    with pytest.raises(ValueError, match="a code has 2 numbers"):
        model.inverse_transform(np.zeros((5, 3)))


def test_constant_data_have_no_variance_to_explain():
    model = PCA(1).fit(np.ones((5, 3)))
    assert model.explained_variance_[0] == 0
    assert model.explained_variance_ratio_[0] == 0


def test_the_benchmark_compares_equal_answers(monkeypatch):
    found = benchmark.speed(60, 20, repeats=1)
    assert found["relative_difference"] <= 1e-10
    monkeypatch.setattr(
        benchmark.PCA, "fit_transform", lambda self, X: X[:, :16]
    )
    with pytest.raises(ValueError, match="the codes differ"):
        benchmark.speed(60, 20, repeats=1)
