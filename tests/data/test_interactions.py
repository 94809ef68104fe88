"""Planted tastes, splits of them, and MovieLens from a server here."""

import hashlib
import io
import socket
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from scipy.special import logit

from course.data import MOVIELENS, PlantedTastes, downloads, hold_out, movielens
from course.metrics.ranking import ndcg_at_k, recall_at_k

TASTES = PlantedTastes(30, 3, mean=7)


def test_probabilities_are_those_of_the_draws():
    x, p = TASTES.sample(4000, seed=0)
    assert set(np.unique(x)) == {0, 1}
    np.testing.assert_allclose(p.sum(axis=1), 7, atol=1e-9)
    z = (x - p) / np.sqrt(p * (1 - p))
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 0.1
    for low, high in ((0.0, 0.1), (0.4, 0.6), (0.9, 1.0)):
        inside = (p > low) & (p < high)
        gap = abs(x[inside].mean() - p[inside].mean())
        assert gap < 4 * np.sqrt(0.25 / inside.sum())


def test_logits_are_of_the_planted_form():
    """Minus the appeal and a number for each user, they have rank 3."""
    _, p = TASTES.sample(40, seed=1)
    rest = logit(p) - TASTES.appeal
    centred = rest - rest.mean(axis=1, keepdims=True)
    s = np.linalg.svd(centred, compute_uv=False)
    assert s[2] > 1
    assert s[3] < 1e-8
    many = PlantedTastes(4000, 4, taste=3)
    assert abs(many.items.var() / (9 / 4) - 1) < 0.06
    assert abs(many.appeal.var() - 1) < 0.1
    _, same = PlantedTastes(30, 3, mean=7, taste=0).sample(5)
    np.testing.assert_allclose(same, np.tile(same[0], (5, 1)))


def test_users_have_seeds_of_their_own():
    a, b = TASTES.sample(9, seed=0), TASTES.sample(9, seed=1)
    assert np.array_equal(a.x, TASTES.sample(9, seed=0).x)
    assert not np.array_equal(a.x, b.x)
    other = PlantedTastes(30, 3, mean=7, seed=1)
    assert not np.array_equal(TASTES.appeal, other.appeal)


def test_no_ranking_beats_the_truth():
    x, p = PlantedTastes(30, 3, mean=7).sample(4000, seed=3)
    x, p = x[x.sum(1) > 1], p[x.sum(1) > 1]
    seen, held = hold_out(x)
    noise = np.random.RandomState(0).randn(*p.shape)
    for metric in (recall_at_k, ndcg_at_k):
        for k in (2, 5):
            best = metric(p, held, k, seen=seen).mean()
            for worse in (
                p + 0.1 * noise,
                p + 0.3 * noise,
                TASTES.appeal + 0 * p,
            ):
                assert metric(worse, held, k, seen=seen).mean() < best - 0.003


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"n_items": 0}, "n_items"),
        ({"rank": 0}, "rank"),
        ({"mean": 0}, "mean"),
        ({"mean": 200}, "mean"),
        ({"taste": -1}, "taste"),
    ],
)
def test_tastes_that_cannot_be(option, words):
    with pytest.raises(ValueError, match=words):
        PlantedTastes(**option)


def test_a_split_is_per_user_and_loses_nothing():
    x, _ = TASTES.sample(200, seed=0)
    x = x[x.sum(axis=1) >= 2] * 3.0
    before = x.copy()
    seen, held = hold_out(x, 0.3, seed=0)
    assert np.array_equal(x, before)
    assert np.array_equal(seen + held, x)
    assert not (seen * held).any()
    m = (x > 0).sum(axis=1)
    n = np.clip(np.round(0.3 * m), 1, m - 1)
    assert np.array_equal((held > 0).sum(axis=1), n)
    assert not np.array_equal(held, hold_out(x, 0.3, seed=1)[1])
    two = np.array([[1.0, 0, 1]])
    assert hold_out(two, 0.01)[1].sum() == hold_out(two, 0.99)[1].sum() == 1


def test_any_interaction_may_be_held_out():
    x = np.tile(np.r_[np.ones(4), np.zeros(3)], (4000, 1))
    share = hold_out(x, 0.25)[1].mean(axis=0)
    assert abs(share[:4] - 0.25).max() < 0.03
    assert share[4:].max() == 0


def test_the_last_ones_are_held_out_where_times_are_known():
    x = np.array([[1.0, 1, 1, 0, 1], [0, 1, 1, 1, 1]])
    times = np.array([[5, 9, 1, 0, 7], [99, 1, 2, 3, 4]])
    held = hold_out(x, 0.5, times=times)[1]
    assert held.tolist() == [[0, 1, 0, 0, 1], [0, 0, 0, 1, 1]]
    with pytest.raises(ValueError, match="times"):
        hold_out(x, times=times[:1])


def test_splits_that_cannot_be():
    x = np.array([[1.0, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="user 1 has 1"):
        hold_out(x)
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            hold_out(x[:1], share)


LINES = "1\t2\t5\t881250949\n3\t1\t1\t891717742\n1\t4\t3\t878887116\n"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A source on a server here that has a small archive of that form."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("ml-100k/u.data", LINES)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "ml-100k.zip").write_bytes(content.getvalue())
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setattr(
        SimpleHTTPRequestHandler, "log_message", lambda *_: None
    )
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield replace(
        MOVIELENS,
        mirrors=(f"http://127.0.0.1:{server.server_address[1]}/",),
        sha256={"ml-100k.zip": hashlib.sha256(content.getvalue()).hexdigest()},
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_movielens_is_read_as_its_description_says(served):
    stars, times = movielens(source=served)
    assert stars.shape == times.shape == (3, 4)
    assert stars.tolist() == [[0, 5, 0, 3], [0] * 4, [1, 0, 0, 0]]
    assert times[0, 1] == 881250949
    assert times[2, 0] == 891717742
    assert times.sum() == 881250949 + 891717742 + 878887116


def test_without_a_network_the_error_names_the_embedded_set(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        mirror = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(ConnectionError) as caught:
        movielens(source=replace(MOVIELENS, mirrors=(mirror,)))
    assert f"put it at {tmp_path / 'movielens' / 'ml-100k.zip'}" in str(
        caught.value
    )
    assert "PlantedTastes().sample(n)" in str(caught.value)
