"""Larger sets of faces, downloaded on demand through scikit-learn."""

import warnings
from collections.abc import Callable
from typing import Any
from urllib.error import URLError

import numpy as np
from jaxtyping import Float32, Int64
from sklearn.datasets import fetch_lfw_people, fetch_olivetti_faces

from course.data.choices import check_count
from course.data.downloads import cache

PAUSE = 0.2  # seconds before a download is tried again

Faces = tuple[Float32[np.ndarray, "n 1 h w"], Int64[np.ndarray, " n"]]


def olivetti() -> Faces:
    """400 grey faces x, shape (400, 1, 64, 64), and who they are, y, (400,).

    Ten of each of 40 people, numbered from 0, who sat for them between 1992
    and 1994. The faces of a person are alike: split by person, not by face,
    or the test is of people that the model has seen.

    Raises:
        ConnectionError: the file is not in the cache and cannot be fetched.
        OSError: what was fetched has another checksum.

    Source: F. Samaria and A. Harter (1994), Parameterisation of a stochastic
    model for human face identification; AT&T Laboratories Cambridge, through
    scikit-learn.
    """
    place = cache() / "faces"
    found = _fetched(
        fetch_olivetti_faces,
        missing=f"olivettifaces.mat could not be downloaded to {place}",
        data_home=place,
    )
    return _arrays(found)


def lfw(*, at_least: int = 1) -> Faces:
    """Faces from press photographs, x, (N, 1, 62, 47), and who they are, y.

    Labeled Faces in the Wild: 13 233 faces of 5749 people, who are numbered
    and not named here. The people were not asked. Its page says that it has
    very few children and people over 80, relatively few women, and of many
    ethnicities few people or none; and that no result on it makes an algorithm
    fit for a commercial purpose.

    Args:
        at_least: leave out people with fewer faces than this; 1 keeps all.

    Raises:
        ValueError: at_least is no positive whole number.
        ConnectionError: a file is not in the cache and cannot be fetched;
            together they have about 240 MB.
        OSError: what was fetched has another checksum.

    Source: G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller (2007), Labeled
    Faces in the Wild, University of Massachusetts, through scikit-learn.
    """
    check_count("at_least", at_least)
    place = cache() / "faces"
    found = _fetched(
        fetch_lfw_people,
        missing=f"lfw-funneled.tgz, pairs.txt, pairsDevTrain.txt or "
        f"pairsDevTest.txt could not be downloaded to {place / 'lfw_home'}",
        data_home=place,
        min_faces_per_person=at_least,
    )
    return _arrays(found)


def _arrays(found: Any) -> Faces:
    """Images, channels first, and numbers of people; fresh arrays."""
    x = np.array(found.images[:, None], dtype=np.float32, order="C")
    return x, found.target.astype(np.int64)


def _fetched(fetch: Callable, *, missing: str, **options: Any) -> Any:
    """What one of scikit-learn's fetchers finds, in the cache of the course."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of the second try
            return fetch(n_retries=1, delay=PAUSE, **options)
    except (URLError, TimeoutError, ConnectionError) as trouble:
        raise ConnectionError(
            f"{missing}: {trouble}\n"
            f"If you have the file, put it there\n"
            f"Faces that need no network: faces()"
        ) from trouble
