"""MNIST and Fashion-MNIST: downloaded once, checked, kept in a cache.

The cache is the folder that COURSE_DATA names, or the usual place for caches
of this computer. A file is used only if its SHA-256 is the known one; any
other (truncated, tampered with, half written) is fetched again.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pooch
import requests
from jaxtyping import Float32, Int64
from tqdm.auto import tqdm

from course.data.choices import check_choice
from course.data.idx import read_idx
from course.data.sources import FASHION_MNIST, MNIST, Source

ROUNDS = 2  # how often each mirror is tried
PAUSE = 1.0  # seconds between the rounds
TIMEOUT = 20  # seconds without a byte

pooch.get_logger().setLevel("WARNING")  # a bar shows the progress instead


def cache() -> Path:
    """The folder for downloaded data: COURSE_DATA, or this computer's own."""
    place = os.environ.get("COURSE_DATA") or pooch.os_cache(
        "learning-to-generate"
    )
    return Path(place).expanduser().absolute()


def _download(url: str, file: str, _: object) -> None:
    """Write what is at url to file, readable by all who share the cache."""
    with (
        requests.Session() as session,
        session.get(url, stream=True, timeout=TIMEOUT) as response,
        open(file, "wb") as out,
    ):
        response.raise_for_status()
        size = int(response.headers.get("Content-Length", 0)) or None
        name = url.rpartition("/")[2]
        with tqdm(total=size, desc=name, unit="B", unit_scale=True) as bar:
            for piece in response.iter_content(2**16):
                bar.update(out.write(piece))
    os.chmod(file, 0o644)  # made by pooch for one user alone


def _attempts(source: Source) -> Iterator[str]:
    for number in range(ROUNDS):
        if number:
            time.sleep(PAUSE)
        yield from source.mirrors


def fetch(source: Source, file: str) -> Path:
    """The path of a file in the cache, downloaded first if need be.

    The mirrors are tried in turn, twice. A download appears in the cache
    only when it is complete and its checksum right.

    Raises:
        ConnectionError: no mirror gave the file.
        OSError: the cache cannot be read or written.
    """
    check_choice("file", file, source.sha256)
    folder = cache() / source.name
    reasons = {}
    for mirror in _attempts(source):
        try:
            found = pooch.retrieve(
                mirror + file,
                known_hash=source.sha256[file],
                fname=file,
                path=folder,
                downloader=_download,
            )
        except (requests.RequestException, ValueError) as trouble:
            reasons[mirror] = _reason(trouble)
        except OSError as trouble:
            raise _no_cache(folder / file, source) from trouble
        else:
            return Path(found)
    raise _no_network(folder / file, source, reasons)


def _no_cache(place: Path, source: Source) -> OSError:
    return OSError(
        f"the cache cannot hold {place}: let the environment variable "
        f"COURSE_DATA name a folder that can be read and written, or use data "
        f"that need no network: {source.instead}"
    )


def _no_network(
    place: Path, source: Source, reasons: dict[str, str]
) -> ConnectionError:
    tried = "".join(
        f"\n  {mirror}{place.name}: {reason}"
        for mirror, reason in reasons.items()
    )
    return ConnectionError(
        f"{place.name} could not be downloaded. Tried:{tried}\n"
        f"If you have the file, put it at {place}\n"
        f"Data that need no network: {source.instead}"
    )


def _reason(trouble: Exception) -> str:
    """A few words on why a mirror did not give the file."""
    if isinstance(trouble, requests.HTTPError):
        return f"the server answered {trouble.response.status_code}"
    if isinstance(trouble, requests.Timeout):
        return "no answer in time"
    if isinstance(trouble, requests.ConnectionError):
        return "no connection"
    if isinstance(trouble, requests.exceptions.ChunkedEncodingError):
        return "the transfer broke off"
    if "hash" in str(trouble):  # as pooch says it
        return "wrong checksum"
    return f"{type(trouble).__name__}: {trouble}"


def _load(
    source: Source, part: str
) -> tuple[Float32[np.ndarray, "n 1 h w"], Int64[np.ndarray, " n"]]:
    check_choice("part", part, ("train", "test"))
    stem = {"train": "train", "test": "t10k"}[part]
    x = read_idx(fetch(source, f"{stem}-images-idx3-ubyte.gz"), axes=3)
    y = read_idx(fetch(source, f"{stem}-labels-idx1-ubyte.gz"), axes=1)
    if len(x) != len(y):
        raise ValueError(
            f"{source.name} has {len(x)} images but {len(y)} labels: the "
            f"checksums of the source must be those of files that match"
        )
    return x[:, None] / np.float32(255), y.astype(np.int64)


def mnist(
    part: str = "train", *, source: Source = MNIST
) -> tuple[Float32[np.ndarray, "n 1 h w"], Int64[np.ndarray, " n"]]:
    """Handwritten digits x, shape (N, 1, 28, 28), and labels y, shape (N,).

    `part` is "train" (N = 60 000) or "test" (N = 10 000).

    Raises:
        ValueError: part is neither.
        ConnectionError: the files are not in the cache and no mirror answers.
        OSError: the cache cannot be read or written.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), Gradient-based
    learning applied to document recognition, Proceedings of the IEEE 86(11).
    """
    return _load(source, part)


def fashion_mnist(
    part: str = "train", *, source: Source = FASHION_MNIST
) -> tuple[Float32[np.ndarray, "n 1 h w"], Int64[np.ndarray, " n"]]:
    """Articles of clothing, shaped like `mnist` and with the same errors.

    Labels: 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal,
    6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Source: H. Xiao, K. Rasul, R. Vollgraf (2017), arXiv:1708.07747.
    """
    return _load(source, part)
