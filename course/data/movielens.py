"""MovieLens 100K: what people thought of films, downloaded on demand."""

import zipfile
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from course.data.downloads import fetch
from course.data.sources import Source

# The archive has not changed since 1998. GroupLens gives its MD5,
# 0e33842e24a9c977be4e0107933c0723; many projects list this SHA-256 beside it.
MOVIELENS = Source(
    name="movielens",
    mirrors=("https://files.grouplens.org/datasets/movielens/",),
    sha256={
        "ml-100k.zip": (
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"
        ),
    },
    instead="PlantedTastes().sample(n)",
)


class Ratings(NamedTuple):
    """Stars from 1 to 5, 0 where there are none, and when they were given.

    Both have shape (users, items); times are in seconds, 0 where there are
    none.
    """

    stars: Float64[np.ndarray, "n d"]
    times: Int64[np.ndarray, "n d"]


def movielens(*, source: Source = MOVIELENS) -> Ratings:
    """100 000 ratings of 1682 films by 943 people, at least 20 of each.

    GroupLens lets the data be used for research and not be redistributed; so
    they are fetched from there, once.

    Raises:
        ConnectionError: the file is not in the cache and no mirror answers.
        OSError: the cache cannot be read or written.

    Source: F. M. Harper and J. A. Konstan (2015), The MovieLens datasets:
    history and context, ACM Transactions on Interactive Intelligent Systems 5.
    """
    (file,) = source.sha256
    with zipfile.ZipFile(fetch(source, file)) as archive:
        lines = archive.read("ml-100k/u.data").decode().splitlines()
    user, item, stars, time = np.array([r.split() for r in lines], "int64").T
    shape = user.max(), item.max()
    out = Ratings(np.zeros(shape), np.zeros(shape, "int64"))
    out.stars[user - 1, item - 1] = stars
    out.times[user - 1, item - 1] = time
    return out
