"""Texts with classes: what they hold, how they are split, where from."""

import codecs
import pickle
import socket

import numpy as np
import pytest
from sklearn.datasets import _twenty_newsgroups as sk
from sklearn.datasets._base import RemoteFileMetadata
from sklearn.utils import Bunch

from course.data import labelled_prose, newsgroups, prose


def test_every_text_is_a_paragraph_of_prose_and_stands_once():
    texts, y, names = labelled_prose()
    assert len(set(texts)) == len(texts) == len(y) > 500
    assert set(texts) <= set(prose())
    assert y.dtype == np.int64
    assert len(names) == 5
    assert np.bincount(y).min() >= 60
    said = {
        "statements": "The basic import statement",
        "debugger": "breakpoint",
        "containers": "Return a copy of the string",
    }
    for name, words in said.items():
        k = {y[i] for i, t in enumerate(texts) if words in t}
        assert names.index(name) in k
        assert len(k) <= 2


def test_the_parts_share_nothing_and_neighbours_stay_together():
    everything = labelled_prose()
    train, test = labelled_prose("train"), labelled_prose("test")
    assert not set(train.texts) & set(test.texts)
    assert sorted(train.texts + test.texts) == sorted(everything.texts)
    assert 0.3 < len(test.texts) / len(everything.texts) < 0.45
    assert np.bincount(test.y).min() >= 20
    for k in range(5):
        own = [t for t, c in zip(*everything[:2], strict=True) if c == k]
        inside = [t in set(test.texts) for t in own]
        changes = np.flatnonzero(np.diff(inside)) + 1
        assert (changes % 8 == 0).all()
    with pytest.raises(ValueError, match="'train'"):
        labelled_prose("val")


POST = "From: a@b.c\n\nI see.\n> quoted\nThe end.\n\n-- \nA. Nonymous"


def test_newsgroups_come_from_the_copy_of_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    part = Bunch(
        data=[POST] * 3,
        target=np.array([0, 1, 1]),
        filenames=np.array(["a", "b", "c"]),
        target_names=["sci.med", "sci.space"],
    )
    content = pickle.dumps({"train": part, "test": part})
    place = tmp_path / "newsgroups" / "20news-bydate_py3.pkz"
    place.parent.mkdir()
    place.write_bytes(codecs.encode(content, "zlib_codec"))
    texts, y, names = newsgroups("test")
    assert names == ("sci.med", "sci.space")
    assert sorted(y) == [0, 1, 1]
    assert y.dtype == np.int64
    for text in texts:
        assert "I see." in text
        for word in ("a@b.c", "quoted", "Nonymous"):
            assert word not in text
    assert len(newsgroups("all").texts) == 6


def test_without_a_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
    there = RemoteFileMetadata(sk.ARCHIVE.filename, url, sk.ARCHIVE.checksum)
    monkeypatch.setattr(sk, "ARCHIVE", there)
    with pytest.raises(ConnectionError) as caught:
        newsgroups()
    for words in (
        "20news-bydate.tar.gz could not be downloaded",
        f"put it at {tmp_path / 'newsgroups'}",
        "labelled_prose()",
    ):
        assert words in str(caught.value)
    with pytest.raises(ValueError, match="'train'"):
        newsgroups("dev")
