"""What the documents say about compression, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import numpy as np
import pytest

from course.coding import Message, information, integer_frequencies
from course.data import digits
from course.models.pca import PCA


def pixels(part):
    """Rows of 64 pixels in [0, 1]."""
    return digits(part)[0].reshape(-1, 64).astype(float)


@pytest.fixture(scope="module")
def x():
    """All 1797 digits."""
    return np.concatenate([pixels(p) for p in ("train", "val", "test")])


def test_a_bottleneck_returns_an_approximation(x):
    """D2-T6: the copy is not the original, and its error is what was cut."""
    spectrum = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    for M, error in [(2, 0.0524), (8, 0.0239), (16, 0.0110)]:
        pca = PCA(M).fit(x)
        copy = pca.inverse_transform(pca.transform(x))
        mse = np.square(copy - x).mean()
        assert mse == pytest.approx(error, abs=5e-5)
        assert mse == pytest.approx(spectrum[M:].sum() / 64)
        assert (np.abs(copy - x).max(axis=1) > 1 / 32).all()  # not one image
    levels = (16 * x).round().astype(int)
    counts = (levels[:, :, None] == np.arange(17)).sum(0) + 0.5
    f = integer_frequencies(counts / counts.sum(1, keepdims=True))
    message = Message()
    message.push(levels[:50], np.broadcast_to(f, (50, 64, 17)))
    back = message.pop(np.broadcast_to(f, (50, 64, 17)))
    assert np.array_equal(back / 16, x[:50])  # the original, in fewer bits
    assert information(levels[:50], f[None]).sum() / 50 < 64 * np.log2(17) - 90
