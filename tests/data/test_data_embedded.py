"""Embedded data are those of the libraries, whole, in range, and offline."""

import socket

import numpy as np
import pytest
import skimage.data
from numpy.lib.stride_tricks import sliding_window_view
from skimage.data import _fetchers
from sklearn import datasets

from course import data

LOADERS = {
    "digits": lambda: data.digits()[0],
    "labels": lambda: data.digits()[1],
    "stratified": lambda: data.digits("val", split="stratified")[0],
    "faces": data.faces,
    "photographs": lambda: data.photographs()["china"],
    "patches": lambda: data.patches(3, size=8),
    "iris": lambda: data.iris().x,
    "wine": lambda: data.wine().y,
    "breast_cancer": lambda: data.breast_cancer().x,
    "glyphs": lambda: data.glyphs(3)[0],
}


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Any connection fails, and earlier downloads of scikit-image are gone."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("embedded data asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(_fetchers._image_fetcher, "path", tmp_path)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_no_network_and_fresh_arrays_at_each_call(load):
    first = load()
    kept = first.copy()
    first += 1
    assert np.array_equal(load(), kept)


def test_digits_are_those_of_the_file_in_its_order():
    x, y = data.digits()
    file = datasets.load_digits()
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.array_equal(x.reshape(-1, 64) * 16, file.data)
    assert np.array_equal(y, file.target)
    assert len(np.unique(x)) == 17
    assert x.min() == 0
    assert x.max() == 1


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [("train", 0, 999), ("val", 1000, 1349), ("test", 1350, 1796)],
)
def test_digits_by_file_order(part, first, last):
    x, y = data.digits(part)
    whole, labels = data.digits("all")
    assert np.array_equal(x, whole[first : last + 1])
    assert np.array_equal(y, labels[first : last + 1])


def test_independent_pixels_reach_the_published_likelihood():
    """The bar that every model of the digits is measured against."""
    train, test, val = (
        np.rint(data.digits(part)[0].reshape(-1, 64) * 16).astype(int)
        for part in ("train", "test", "val")
    )
    counts = np.stack([(train == k).sum(0) for k in range(17)])
    p = (counts + 0.5) / (len(train) + 17 * 0.5)
    pixels = np.arange(64)

    def nats(x):
        return -np.log(p[x, pixels]).sum(1).mean()

    assert nats(test) == pytest.approx(106.37, abs=0.01)
    # as the text says, the test images are by writers who are easier
    assert nats(val) - nats(test) == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("seed", [0, 1])
def test_stratified_parts_share_out_the_images_and_the_classes(seed):
    parts = [
        data.digits(part, split="stratified", seed=seed)
        for part in ("train", "val", "test")
    ]
    x = np.concatenate([x for x, _ in parts]).reshape(-1, 64)
    y = np.concatenate([y for _, y in parts])
    whole, labels = data.digits()
    found = np.column_stack([x, y])
    expected = np.column_stack([whole.reshape(-1, 64), labels])
    assert np.array_equal(
        found[np.lexsort(found.T)], expected[np.lexsort(expected.T)]
    )
    assert not np.array_equal(found, expected)
    for (_, part), n in zip(parts, (1000, 350, 447), strict=True):
        assert len(part) == n
        share = n * np.bincount(labels) / len(labels)
        assert np.abs(np.bincount(part) - share).max() <= 1


def test_stratified_split_depends_on_the_seed_alone():
    one, again, other = (
        data.digits("test", split="stratified", seed=seed)[0]
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_faces_are_the_first_hundred():
    x = data.faces()
    shipped = skimage.data.lfw_subset()
    assert x.shape == (100, 1, 25, 25)
    assert x.dtype == np.float32
    assert np.allclose(x[:, 0], shipped[:100], atol=1e-7)
    assert x.min() >= 0
    assert x.max() <= 1


def test_photographs_are_channels_first():
    found = data.photographs()
    assert np.allclose(found["camera"][0] * 255, skimage.data.camera())
    china, flower = datasets.load_sample_images().images
    sources = {"china": china, "flower": flower}
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        sources[name] = getattr(skimage.data, name)()
    assert set(found) == {"camera", *sources}
    for name, source in sources.items():
        assert found[name].dtype == np.float32
        assert np.allclose(found[name].transpose(1, 2, 0) * 255, source)


def test_a_patch_is_a_cut_of_its_photograph():
    cuts = data.patches(5, size=9, names=["camera"])
    windows = sliding_window_view(data.photographs()["camera"][0], (9, 9))
    assert cuts.shape == (5, 1, 9, 9)
    for cut in cuts[:, 0]:
        assert (windows == cut).all(axis=(2, 3)).any()


def test_patches_take_every_photograph_in_grey_or_colour():
    size = 300  # the shortest side of all: one place for a row in chelsea
    wide = data.patches(2, size=size, names=["chelsea"])
    assert wide.shape == (2, 1, 300, 300)
    red, green, blue = data.patches(1, size=5, color=True, seed=3)[0]
    names = [name for name in data.photographs() if name != "camera"]
    grey = data.patches(1, size=5, seed=3, names=names)[0, 0]
    luminance = 0.2125 * red + 0.7154 * green + 0.0721 * blue
    assert np.allclose(grey, luminance, atol=1e-6)


def test_patches_depend_on_the_seed_alone():
    one, again, other = (data.patches(4, size=6, seed=s) for s in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("table", "load"),
    [
        (data.iris, datasets.load_iris),
        (data.wine, datasets.load_wine),
        (data.breast_cancer, datasets.load_breast_cancer),
    ],
)
def test_tables(table, load):
    x, y, features, classes = table()
    assert np.array_equal(x, load().data)
    assert np.array_equal(y, load().target)
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
    assert features == tuple(load().feature_names)
    assert classes == tuple(load().target_names)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.digits("dev"), "part must be one of 'train', 'val'"),
        (lambda: data.digits(split="random"), "split must be one of 'order'"),
        (lambda: data.patches(0, size=8), "n must be a whole number"),
        (lambda: data.patches(1, size=0), "size must be a whole number"),
        (lambda: data.patches(1, size=301), "size must be at most 300"),
        (lambda: data.patches(1, size=4, names=["lena"]), "each of names"),
        (lambda: data.patches(1, size=4, names=[]), "names must list"),
        (lambda: data.patches(1, size=4, names="china"), "names must list"),
        (
            lambda: data.patches(1, size=4, names=["camera"], color=True),
            "each of names must be one of",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
