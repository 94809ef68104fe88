"""Real images that come with the installed libraries: no network."""

from collections.abc import Sequence

import numpy as np
import skimage.data
from jaxtyping import Float32, Int64
from skimage.color import rgb2gray
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import train_test_split

from course.data.choices import check_choice, check_count

PARTS = {"train": slice(0, 1000), "val": slice(1000, 1350)}
PARTS |= {"test": slice(1350, 1797), "all": slice(0, 1797)}


def digits(
    part: str = "all", *, split: str = "order", seed: int = 0
) -> tuple[Float32[np.ndarray, "n 1 8 8"], Int64[np.ndarray, " n"]]:
    """Handwritten digits x, shape (N, 1, 8, 8), and labels y, shape (N,).

    Pixels have 17 levels, x = k / 16 with k = 0, ..., 16. Parts: 1000 train,
    350 val, 447 test, or all 1797 images in the order of the file.

    There are two splits because the file is ordered by writer:

    - "order" cuts the file at 1000 and 1350, so the test images are by other
      writers than the training images. Likelihoods are compared on it, here
      and elsewhere. Its parts differ in distribution: under independent
      pixels the test images are 4 nats easier than those for validation.
    - "stratified" shuffles with `seed` and keeps the share of each class.
      Use it where distributions are compared (samples against test images):
      there a difference between writers would pass for an error of the model.

    `seed` matters for "stratified" alone.

    Raises:
        ValueError: part or split is not one of the words above.

    Source: E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten
    Digits, UCI repository; its test set, as shipped with scikit-learn.
    """
    check_choice("part", part, PARTS)
    check_choice("split", split, ("order", "stratified"))
    bunch = load_digits()
    x = (bunch.images[:, None] / 16).astype(np.float32)
    y = bunch.target.astype(np.int64)
    rows = np.arange(len(y))
    if split == "stratified" and part != "all":
        rows = _stratified(y, seed)
    rows = rows[PARTS[part]]
    return x[rows], y[rows]


def _stratified(y: np.ndarray, seed: int) -> np.ndarray:
    """Shuffled row numbers: each part has the class shares of the whole."""
    rows = np.arange(len(y))
    rest, test = train_test_split(
        rows, test_size=447, stratify=y, random_state=seed
    )
    train, val = train_test_split(
        rest, test_size=350, stratify=y[rest], random_state=seed
    )
    return np.concatenate([train, val, test])


def faces() -> Float32[np.ndarray, "100 1 25 25"]:
    """100 grey faces, shape (100, 1, 25, 25).

    Source: G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller (2007), Labeled
    Faces in the Wild; the crops that scikit-image ships.
    """
    # the second hundred of the file is cut from backgrounds
    return skimage.data.lfw_subset()[:100, None].astype(np.float32)


def photographs() -> dict[str, Float32[np.ndarray, "c h w"]]:
    """Photographs by name, shape (C, H, W); C is 3, or 1 for "camera".

    Sources: scikit-image ("astronaut", "camera", "chelsea", "coffee",
    "rocket") and scikit-learn ("china", "flower"). Sizes differ.
    """
    names = ("astronaut", "camera", "chelsea", "coffee", "rocket")
    found = {name: getattr(skimage.data, name)() for name in names}
    found |= zip(("china", "flower"), load_sample_images().images, strict=True)
    return {
        name: np.ascontiguousarray(
            np.moveaxis(np.atleast_3d(pixels), -1, 0) / np.float32(255)
        )
        for name, pixels in found.items()
    }


def patches(
    n: int,
    *,
    size: int,
    seed: int = 0,
    color: bool = False,
    names: Sequence[str] | None = None,
) -> Float32[np.ndarray, "n c size size"]:
    """Random square cuts of photographs, shape (n, C, size, size).

    A photograph is drawn uniformly, then a place in it.

    Args:
        n: how many.
        size: pixels along each side.
        seed: of the draws.
        color: C = 3 if true; otherwise C = 1, the luminance.
        names: of the photographs to cut from; by default all that have
            the wanted channels. Cut training and test patches from different
            photographs, or they overlap.

    Raises:
        ValueError: n or size is no positive whole number, a patch is larger
            than a photograph, a name is unknown, or color is asked of a
            photograph that has none.
    """
    check_count("n", n)
    check_count("size", size)
    pictures = _pictures(names, color)
    smallest = min(min(picture.shape[1:]) for picture in pictures)
    if size > smallest:
        raise ValueError(
            f"size must be at most {smallest}, the shortest side of these "
            f"photographs, not {size}"
        )
    rng = np.random.default_rng(seed)
    cuts = []
    for k in rng.integers(len(pictures), size=n):
        height, width = pictures[k].shape[1:]
        i, j = rng.integers((height - size + 1, width - size + 1))
        cuts.append(pictures[k][:, i : i + size, j : j + size])
    return np.stack(cuts)


def _pictures(names: Sequence[str] | None, color: bool) -> list[np.ndarray]:
    """The photographs to cut from, all with three channels or all with one."""
    known = photographs()
    if color:
        known = {name: x for name, x in known.items() if len(x) == 3}
    if isinstance(names, str) or (names is not None and not len(names)):
        raise ValueError(f"names must list photographs, not be {names!r}")
    for name in names or ():
        check_choice("each of names", name, known)
    chosen = [known[name] for name in names or known]
    if color:
        return chosen
    return [
        x if len(x) == 1 else rgb2gray(x, channel_axis=0)[None] for x in chosen
    ]
