"""Faces through scikit-learn's fetchers, without a network."""

import hashlib
import socket

import joblib
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from sklearn.datasets import _lfw, _olivetti_faces
from sklearn.datasets._base import RemoteFileMetadata

from course import data

PIXELS = np.random.default_rng(0).integers(256, size=(400, 4096))
TEXTS = ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache, and no server where scikit-learn looks for files."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"

    def elsewhere(remote, checksum=None):
        checksum = checksum or remote.checksum
        return RemoteFileMetadata(remote.filename, url, checksum)

    file = tmp_path / "faces" / "olivettifaces.mat"
    file.parent.mkdir()
    savemat(file, {"faces": PIXELS.T.astype(np.uint8)})
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    there = elsewhere(_olivetti_faces.FACES, checksum)
    monkeypatch.setattr(_olivetti_faces, "FACES", there)
    file.rename(tmp_path / "kept.mat")
    for name in ("FUNNELED_ARCHIVE", "ARCHIVE"):
        monkeypatch.setattr(_lfw, name, elsewhere(getattr(_lfw, name)))
    targets = tuple(elsewhere(t) for t in _lfw.TARGETS)
    monkeypatch.setattr(_lfw, "TARGETS", targets)
    return tmp_path / "faces"


def upright(rows):
    """The images of a file that stores pixels column by column."""
    scaled = (rows - rows.min()) / (rows.max() - rows.min())
    return scaled.reshape(-1, 64, 64).transpose(0, 2, 1)


def test_olivetti_faces_are_images_of_forty_people(place):
    (place.parent / "kept.mat").rename(place / "olivettifaces.mat")
    x, y = data.olivetti()  # from the file that the error asks for
    assert (x.shape, x.dtype) == ((400, 1, 64, 64), np.float32)
    assert (y.dtype, x.min(), x.max()) == (np.int64, 0, 1)
    assert np.bincount(y).tolist() == [10] * 40
    np.testing.assert_allclose(x[:, 0], upright(PIXELS), atol=1e-6)
    x += 1
    again, _ = data.olivetti()  # from scikit-learn's copy
    assert not (place / "olivettifaces.mat").exists()
    np.testing.assert_allclose(again, x - 1, atol=1e-6)


def test_the_copy_of_scikit_learn_is_used(place):
    copy = place / "olivetti_py3.pkz"
    joblib.dump(PIXELS[::-1].astype(np.uint8), copy)
    np.testing.assert_allclose(
        data.olivetti()[0][:, 0], upright(PIXELS[::-1]), atol=1e-6
    )


def make_lfw(place, people):
    """A folder like the unpacked archive: grey pictures of some people."""
    home = place / "lfw_home"
    home.mkdir()
    for name in TEXTS:
        (home / name).write_text("")
    for grey, (name, n) in enumerate(people.items()):
        folder = home / "lfw_funneled" / name
        folder.mkdir(parents=True)
        for k in range(n):
            colour = (80 * grey + 20 * k + 10,) * 3
            Image.new("RGB", (250, 250), colour).save(folder / f"{k}.jpg")


def test_faces_in_the_wild_are_numbered_by_person(place):
    make_lfw(place, {"A_First": 1, "B_Second": 3, "C_Third": 2})
    x, y = data.lfw()
    assert (x.shape, x.dtype) == ((6, 1, 62, 47), np.float32)
    assert (y.dtype, sorted(y)) == (np.int64, [0, 1, 1, 1, 2, 2])
    grey = np.sort(x.mean(axis=(1, 2, 3)) * 255)
    expected = [10, 90, 110, 130, 170, 190]
    np.testing.assert_allclose(grey, expected, atol=2)
    few, them = data.lfw(at_least=2)
    assert len(few) == 5
    assert sorted(them) == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (data.olivetti, ("olivettifaces.mat", "{place}")),
        (data.lfw, ("lfw-funneled.tgz", "pairs.txt", "{place}/lfw_home")),
    ],
)
def test_without_a_network_the_error_says_what_to_do(place, load, words):
    with pytest.raises(ConnectionError) as caught:
        load()
    assert caught.value.__cause__ is not None
    for word in (*words, "put it there", "no network: faces()"):
        assert word.format(place=place) in str(caught.value)


def test_a_tampered_file_is_not_used(place):
    """It is fetched again, and here that fails."""
    (place / "olivettifaces.mat").write_bytes(b"tampered")
    with pytest.raises(ConnectionError, match="could not be downloaded"):
        data.olivetti()


@pytest.mark.parametrize("at_least", [0, -1, True])
def test_a_count_of_faces_is_a_whole_number(place, at_least):
    with pytest.raises(ValueError, match="whole number"):
        data.lfw(at_least=at_least)
