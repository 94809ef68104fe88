"""Downloads, against a server on this computer that misbehaves on demand."""

import dataclasses
import gzip
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from course import data
from course.data import downloads
from course.data.idx import read_idx

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
PIXELS = np.random.default_rng(0).integers(256, size=(6, 28, 28))
CLASSES = np.array([3, 1, 4, 1, 5, 9])


def idx(array, *, kind=8, axes=None):
    """The bytes of an IDX file, written as its description says."""
    header = struct.pack(">HBB", 0, kind, array.ndim if axes is None else axes)
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return header + lengths + array.astype(np.uint8).tobytes()


FILES = {
    IMAGES: gzip.compress(idx(PIXELS), mtime=0),
    LABELS: gzip.compress(idx(CLASSES), mtime=0),
}


class Handler(BaseHTTPRequestHandler):
    """Answers /WAY/FILE: WAY says what goes wrong."""

    def do_GET(self):
        way, name = self.path.strip("/").split("/")
        server, body = self.server, FILES[name]
        server.requests.append(way)
        if way == "silent":
            time.sleep(0.3)
            return
        if way == "missing" or (way == "once" and len(server.requests) == 1):
            self.send_error(503)
            return
        if way == "short":
            body = body[:-7]
        if way == "wrong":
            body = body[:-7] + b"tampers"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if way == "cut":
            body = body[:-7]  # less than was promised
        if way == "slow":
            self.wfile.write(body[:20])
            self.wfile.flush()
            time.sleep(0.1)
            server.seen.append(server.watched.exists())
            body = body[20:]
        if way == "meet":  # half of it, and wait for the other process
            self.wfile.write(body[:20])
            server.meeting.wait(timeout=60)
            body = body[20:]
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture(scope="module")
def local():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(local, monkeypatch, tmp_path):
    """The server, with an empty cache and no proxy between."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    local.requests, local.seen = [], []
    local.meeting = threading.Barrier(2)
    local.watched = tmp_path / "cache" / "small" / IMAGES
    return local


def source(server, *ways):
    port = server.server_address[1]
    return data.Source(
        name="small",
        mirrors=tuple(f"http://127.0.0.1:{port}/{way}/" for way in ways),
        sha256={
            name: hashlib.sha256(content).hexdigest()
            for name, content in FILES.items()
        },
    )


def nobody():
    """A source on a port where no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return dataclasses.replace(
            data.MNIST,
            name="small",
            mirrors=(f"http://127.0.0.1:{closed.getsockname()[1]}/",),
            sha256={
                name: hashlib.sha256(content).hexdigest()
                for name, content in FILES.items()
            },
        )


def check(x, y):
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert np.array_equal(np.rint(x[:, 0] * 255), PIXELS)
    assert x.max() <= 1
    assert np.array_equal(y, CLASSES)


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist])
def test_a_download_is_read_and_kept(server, load):
    check(*load("train", source=source(server, "good")))
    assert server.requests == ["good", "good"]
    x, y = load("train", source=nobody())  # from the cache
    check(x, y)
    x += 1
    check(*load("train", source=nobody()))
    files = sorted(server.watched.parent.iterdir())
    assert [f.name for f in files] == [IMAGES, LABELS]
    # a class may share the folder
    assert all(f.stat().st_mode & 0o777 == 0o644 for f in files)


@pytest.mark.parametrize("way", ["short", "cut", "wrong", "missing"])
def test_a_bad_mirror_is_passed_over(server, way):
    check(*data.mnist(source=source(server, way, "good")))
    assert server.requests == [way, "good", way, "good"]


def test_a_mirror_is_tried_again(server):
    check(*data.mnist(source=source(server, "once")))
    assert server.requests == ["once", "once", "once"]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("short", "wrong checksum"),
        ("wrong", "wrong checksum"),
        ("cut", "the transfer broke off"),
        ("missing", "the server answered 503"),
        ("silent", "no answer in time"),
    ],
)
def test_bad_mirrors_alone_are_an_error(server, monkeypatch, way, reason):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    with pytest.raises(ConnectionError) as caught:
        data.mnist(source=source(server, way))
    assert f"/{way}/{IMAGES}: {reason}" in str(caught.value)
    assert server.requests == [way] * 2
    assert not list(server.watched.parent.iterdir())  # nothing is left


def test_without_a_network_the_error_says_what_to_do(server):
    asked = nobody()
    with pytest.raises(ConnectionError) as caught:
        data.mnist("train", source=asked)
    text = str(caught.value)
    assert text.startswith(f"{IMAGES} could not be downloaded. Tried:\n")
    assert f"  {asked.mirrors[0]}{IMAGES}: no connection\n" in text
    assert f"put it at {server.watched}\n" in text
    assert "digits() or glyphs(n)" in text


@pytest.mark.parametrize("bad", [b"", FILES[IMAGES][:40], b"x" * 99])
def test_a_bad_file_in_the_cache_is_never_used(server, bad):
    server.watched.parent.mkdir(parents=True)
    server.watched.write_bytes(bad)
    with pytest.raises(ConnectionError):
        data.mnist(source=nobody())
    check(*data.mnist(source=source(server, "good")))
    assert server.watched.read_bytes() == FILES[IMAGES]


def test_a_half_written_file_is_not_seen(server):
    check(*data.mnist(source=source(server, "slow")))
    assert server.seen[0] is False


def test_a_file_put_there_by_hand_needs_no_network(server):
    server.watched.parent.mkdir(parents=True)
    for name, content in FILES.items():
        (server.watched.parent / name).write_bytes(content)
    check(*data.mnist(source=nobody()))


def test_a_cache_that_cannot_be_is_an_error(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(OSError, match="COURSE_DATA name a folder") as caught:
        data.mnist(source=source(server, "good"))
    assert not isinstance(caught.value, ConnectionError)


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert downloads.cache() == tmp_path
    monkeypatch.delenv("COURSE_DATA")
    assert downloads.cache().name == "learning-to-generate"
    assert downloads.cache().is_absolute()


def python(script, asked):
    argument = json.dumps(dataclasses.asdict(asked))
    return subprocess.run(
        [sys.executable, "-c", DOWNLOADS_ALONE + script, argument],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# only the downloads: the rest of course.data takes seconds to import
DOWNLOADS_ALONE = """
import json, os, sys, types
import requests
import course
package = types.ModuleType("course.data")
package.__path__ = [os.path.join(os.path.dirname(course.__file__), "data")]
sys.modules["course.data"] = package
from course.data.downloads import mnist
from course.data.sources import Source
source = Source(**json.loads(sys.argv[1]))
"""

TWO_AT_ONCE = """
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        x, y = mnist("train", source=source)
        os._exit(0 if (len(x), y.sum()) == (6, 23) else 1)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


def test_two_processes_at_once(server):
    done = python(TWO_AT_ONCE, source(server, "meet"))
    assert done.returncode == 0, done.stderr
    assert server.requests == ["meet"] * 4  # each fetched both files
    names = {f.name for f in server.watched.parent.iterdir()}
    assert names == {IMAGES, LABELS}
    check(*data.mnist(source=nobody()))


READ_ONLY = """
if os.getuid() == 0:  # the superuser may write anywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    open(os.path.join(os.environ["COURSE_DATA"], "small", "new"), "w")
except PermissionError:
    print("read-only")
x, y = mnist("train", source=source)
print(len(x), y.sum())
try:
    mnist("test", source=source)
except OSError as error:
    print(type(error).__name__, error)
"""


def test_a_read_only_cache_serves_what_it_has(server, monkeypatch):
    asked = source(server, "good")
    asked.sha256["t10k-images-idx3-ubyte.gz"] = "0" * 64
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "small"
        folder.mkdir()
        for name, content in FILES.items():
            (folder / name).write_bytes(content)
        folder.chmod(0o555)
        Path(place).chmod(0o555)
        monkeypatch.setenv("COURSE_DATA", place)
        done = python(READ_ONLY, asked)
        Path(place).chmod(0o755)
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    refused, read, error = done.stdout.splitlines()
    assert refused == "read-only"
    assert read == "6 23"
    assert error.startswith("OSError the cache cannot hold")
    assert not server.requests


@pytest.mark.parametrize(
    ("content", "axes", "message"),
    [
        (idx(CLASSES), 3, "08 03, not 00 00 08 01"),
        (idx(PIXELS), 1, "08 01, not 00 00 08 03"),
        (idx(CLASSES, kind=13), 1, "not 00 00 0d 01"),
        (b"\x01" + idx(CLASSES)[1:], 1, "not 01 00 08 01"),
        (b"", 1, "must begin like an IDX file"),
        (idx(CLASSES)[:6], 1, "must begin like an IDX file"),
        (idx(CLASSES)[:-1], 1, "must hold 6 entries.* not 5"),
        (idx(CLASSES) + b"x", 1, "must hold 6 entries.* not 7"),
        (idx(PIXELS)[:-28], 3, "must hold 4704 entries.* not 4676"),
    ],
)
def test_files_of_another_format_are_refused(tmp_path, content, axes, message):
    path = tmp_path / "some.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=message):
        read_idx(path, axes=axes)


@pytest.mark.parametrize("raw", [FILES[IMAGES][:-20], b"plain", b"\x1f\x8bxx"])
def test_files_that_are_not_gzip_are_refused(tmp_path, raw):
    path = tmp_path / "some.gz"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="not a whole gzip file"):
        read_idx(path, axes=3)


def test_the_longest_axis_comes_first_byte_first(tmp_path):
    """300 needs two bytes: their order matters."""
    path = tmp_path / "some.gz"
    array = np.arange(600).reshape(300, 2) % 256
    path.write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(path, axes=2), array)


def test_images_and_labels_must_match(server, monkeypatch):
    monkeypatch.setitem(FILES, LABELS, gzip.compress(idx(CLASSES[:5])))
    with pytest.raises(ValueError, match="6 images but 5 labels"):
        data.mnist(source=source(server, "good"))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="part must be one of 'train', 'test'"):
        data.mnist("val")
    with pytest.raises(ValueError, match="file must be one of"):
        downloads.fetch(data.MNIST, "mnist.npz")
    with pytest.raises(ValueError, match="ending with a slash"):
        dataclasses.replace(data.MNIST, mirrors=("https://example.org",))


@pytest.mark.parametrize("known", [data.MNIST, data.FASHION_MNIST])
def test_sources_name_the_four_files_and_several_mirrors(known):
    assert set(known.sha256) == {
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    }
    assert all(len(bytes.fromhex(h)) == 32 for h in known.sha256.values())
    assert len(set(known.mirrors)) > 1
    assert all(m.startswith("https://") for m in known.mirrors)
    assert os.path.basename(known.name) == known.name
