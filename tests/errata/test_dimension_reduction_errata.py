"""What document 004 says about dimension reduction, failing, and what holds.

Each test is named by the entries of book/errata.yml that it shows.
"""

import numpy as np
import pytest
from sklearn import decomposition as sk
from sklearn.neighbors import KNeighborsClassifier

from course.data import digits, faces
from course.models.pca import PCA
from course.models.ppca import PPCA

X_NEW = np.array([[0.1, 0.2], [0.3, 0.4]])  # of the document


def images(part):
    """Digits as rows of 64 pixels, and their labels."""
    x, y = digits(part)
    return x.reshape(len(x), -1).astype(float), y


def faces_as_rows():
    """The faces as rows of 625 pixels."""
    return faces().reshape(100, -1).astype(float)


def verbatim():
    """The fit of document 004, with a seed: the document sets none."""
    x = np.random.RandomState(0).rand(100, 10)
    return x, sk.PCA(n_components=2).fit(x)


def lost_share(x, W, centre):
    """The share of the variance that the plane through centre loses."""
    d = x - centre
    total = ((x - x.mean(axis=0)) ** 2).sum()
    return ((d - d @ W.T @ W) ** 2).sum() / total


def uncentred(x):
    """Without centring the first direction is the mean: b is not free."""
    mu = x.mean(axis=0)
    first = np.linalg.svd(x, full_matrices=False)[2][0]
    assert abs(first @ mu) / np.linalg.norm(mu) > 0.999
    centred = PCA(1).fit(x).components_[0]
    assert abs(centred @ mu) / np.linalg.norm(mu) < 0.5


def circle():
    """It has one coordinate, the angle, and no line keeps it."""
    angle = np.random.RandomState(0).uniform(-np.pi, np.pi, 1000)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    kept = PCA(1).fit(x).explained_variance_ratio_[0]
    assert 0.5 <= kept < 0.55
    z = np.arctan2(x[:, 1], x[:, 0])
    np.testing.assert_allclose(np.stack([np.cos(z), np.sin(z)], 1), x)


def test_the_formula_needs_a_criterion():
    """D4-F4: any W and b have the form z = Wx + b; PCA's lose least."""
    x = images("all")[0]
    model = PCA(8).fit(x)
    W, mu = model.components_, x.mean(axis=0)
    best = lost_share(x, W, mu)
    assert best == pytest.approx(0.326, abs=0.001)
    for seed in range(3):
        Q, _ = np.linalg.qr(np.random.RandomState(seed).randn(64, 8))
        assert lost_share(x, Q.T, mu) > 2 * best
    np.testing.assert_allclose(model.transform(x), x @ W.T - W @ mu, atol=1e-11)
    assert np.linalg.norm(W @ mu) > 1  # b = 0 is another plane
    assert lost_share(x, W, np.zeros(64)) > best + 0.1
    uncentred(x)
    circle()


def test_the_last_line_of_the_document_stops_twice():
    """D4-C14, D4-C15: a third axis, and then two features instead of ten."""
    _, pca = verbatim()
    with pytest.raises(ValueError, match="Found array with dim 3"):
        pca.transform(np.array([X_NEW]))
    with pytest.raises(ValueError, match="X has 2 features"):
        pca.transform(X_NEW)  # the brackets alone are no repair


def test_new_rows_have_the_features_of_the_training_rows():
    """D4-C15: two features for a model of ten; and the call that works."""
    x, pca = verbatim()
    words = "X has 2 features, but PCA is expecting 10 features as input"
    for model in (pca, PCA(2).fit(x)):
        with pytest.raises(ValueError, match=words):
            model.transform(X_NEW)
    rows = np.random.RandomState(1).rand(3, 10)
    z = PCA(2).fit(x).transform(rows)
    assert z.shape == (3, 2)
    np.testing.assert_allclose(z, pca.transform(rows), atol=1e-10)


def held_out_choice(seed):
    """For independent features the best plane is a point."""
    rows = np.random.RandomState(seed).rand(2000, 10)
    people = np.random.RandomState(seed).permutation(faces_as_rows())
    for data, N, least, most in ((rows, 100, 0, 0), (people, 80, 6, 16)):
        dims = range(0, 21, 2) if len(data.T) > 20 else range(8)
        path = PPCA().fit_path(data[:N], dims)
        best = dims[int(np.argmax([m.score(data[N:]) for m in path]))]
        assert least <= best <= most


def test_independent_features_cannot_be_reduced():
    """D4-C16: ten equal variances; correlated pixels can be."""
    x, pca = verbatim()
    ratio = pca.explained_variance_ratio_
    assert ratio.sum() == pytest.approx(0.307, abs=0.001)
    new = np.random.RandomState(1).rand(20_000, 10)
    left = PCA(2).fit(x).reconstruction_error(new).sum()
    lost = left / ((new - new.mean(axis=0)) ** 2).sum()
    assert lost == pytest.approx(0.8, abs=0.02)  # (D - M) / D, and no less
    pixels, _ = images("all")
    kept = PCA(8).fit(pixels).explained_variance_ratio_.sum()
    assert kept == pytest.approx(0.674, abs=0.001)
    assert kept > 5 * 8 / 64
    for seed in range(3):
        held_out_choice(seed)


def test_a_projection_predicts_no_target_and_loses_something():
    """D4-C17: z is a function of x alone; look at the way back."""
    x, pca = verbatim()
    model = PCA(2).fit(x)
    W = model.components_
    np.testing.assert_allclose(W @ W.T, np.eye(2), atol=1e-12)
    b = -W @ model.mean_
    np.testing.assert_allclose(pca.transform(x), x @ W.T + b, atol=1e-10)
    for y in (None, np.zeros(100), np.arange(100)):  # no target takes part
        again = PCA(2).fit(x, y).transform(x)
        np.testing.assert_array_equal(again, model.transform(x))
    back = model.inverse_transform(model.transform(x))
    relative = ((x - back) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()
    assert relative == pytest.approx(1 - 0.307, abs=0.001)


def lossy_and_leaking():
    """A third of the variance is gone, and the secret is not."""
    people, (train, y), (test, y_test) = (
        faces_as_rows(),
        images("train"),
        images("test"),
    )
    reader = PCA(8).fit(people)
    assert reader.explained_variance_ratio_.sum() < 0.65
    for seed in range(3):
        noise = 0.2 * np.random.RandomState(seed).randn(*people.shape)
        photo, archive = (
            reader.transform(people + noise),
            reader.transform(people),
        )
        gap = ((photo[:, None] - archive) ** 2).sum(axis=-1)
        assert (gap.argmin(axis=1) == np.arange(100)).mean() > 0.95
    reader = PCA(8).fit(train)
    guess = KNeighborsClassifier(5).fit(reader.transform(train), y)
    assert guess.score(reader.transform(test), y_test) > 0.9


def lossless_and_silent():
    """A one-time pad: with the key nothing is lost."""
    (train, y), (test, y_test) = images("train"), images("test")
    rng = np.random.RandomState(0)
    levels = [(16 * x).round().astype(int) for x in (train, test)]
    keys = [rng.randint(17, size=x.shape) for x in levels]
    cipher = [(x + k) % 17 for x, k in zip(levels, keys, strict=True)]
    np.testing.assert_array_equal((cipher[1] - keys[1]) % 17, levels[1])
    guess = KNeighborsClassifier(5).fit(cipher[0], y)
    assert guess.score(cipher[1], y_test) < 0.2


def test_loss_and_privacy_are_different_properties():
    """D4-T12: a lossy code leaks, and a lossless one may tell nothing."""
    lossy_and_leaking()
    lossless_and_silent()
