"""Glyphs with captions: the same thing twice, as a picture and in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from course.data.choices import check_choice, check_count
from course.data.lettering import FONTS, draw_glyph
from course.data.text import Vocabulary

# one bold or slanted by design would contradict its caption
UPRIGHT = (
    "DejaVuSans",
    "DejaVuSansMono",
    "DejaVuSerif",
    "STIXGeneral",
    "cmr10",
    "cmss10",
    "cmtt10",
)
SCALES = {"small": (0.6, 0.7), "large": (0.9, 1.0)}
STROKES = {"light": (0.0, 0.2), "bold": (0.7, 0.9)}  # pixels
ROTATIONS = {  # degrees, counter-clockwise
    "left": (14.0, 24.0),
    "straight": (-5.0, 5.0),
    "right": (-24.0, -14.0),
}


class Captioned(NamedTuple):
    """Pictures and captions, row by row.

    Attributes:
        x: pictures, shape (n, 1, 28, 28).
        captions: four symbols a row: size, weight, tilt, character.
        vocabulary: says which word a symbol is.
        factors: what the pictures were drawn from, arrays of shape (n,).
    """

    x: Float32[np.ndarray, "n 1 28 28"]
    captions: Int64[np.ndarray, "n 4"]
    vocabulary: Vocabulary
    factors: dict[str, np.ndarray]


def captioned_glyphs(
    n: int,
    *,
    seed: int = 0,
    characters: str = "abdegkrs",
    fonts: Sequence[str] = UPRIGHT,
) -> Captioned:
    """Random glyphs with captions such as "small bold left a".

    A caption tells the size, the weight, the tilt and the character, each drawn
    uniformly. It leaves out the font, and where in the range of its word a
    size, weight or tilt lies: so many pictures fit one caption. The ranges of
    two words do not touch. Scale 0.6 to 0.7 is "small", 0.9 to 1 "large"; a
    stroke up to 0.2 pixels "light", 0.7 to 0.9 "bold"; a rotation of 14 to 24
    degrees counter-clockwise "left", within 5 "straight", clockwise "right".

    The first rows of a longer draw are those of a shorter one with its seed.

    Args:
        n: how many.
        seed: of the draws.
        characters: to choose from, each one printable ASCII character.
        fonts: to choose from, of `FONTS`; by default seven that are upright
            and of normal weight.

    >>> x, captions, vocabulary, factors = captioned_glyphs(2, seed=1)
    >>> x.shape, captions.shape
    ((2, 1, 28, 28), (2, 4))
    >>> vocabulary.decode(captions, between=" ")
    ['small light right g', 'large light left g']

    Raises:
        ValueError: n is no positive whole number; characters or fonts are
            none, unknown, or named twice.
    """
    check_count("n", n)
    for name, given in {"characters": characters, "fonts": fonts}.items():
        if not given or len(set(given)) < len(given):
            raise ValueError(
                f"{name} must be different from one another and at least one, "
                f"not {given!r}"
            )
    for font in fonts:
        check_choice("each of fonts", font, FONTS)
    u = np.random.default_rng(seed).random((n, 8))
    factors = {
        "character": (u[:, 0] * len(characters)).astype(np.int64),
        "font": np.array([FONTS.index(f) for f in fonts])[
            (u[:, 1] * len(fonts)).astype(np.int64)
        ],
    }
    ranges = {"scale": SCALES, "stroke": STROKES, "rotation": ROTATIONS}
    said = {}
    for column, (name, table) in enumerate(ranges.items(), start=1):
        said[name], factors[name] = _choose(u[:, 2 * column :], table)
    said["character"] = np.array(list(characters))[factors["character"]]
    vocabulary = Vocabulary([*SCALES, *STROKES, *ROTATIONS, *characters])
    texts = list(zip(*said.values(), strict=True))
    captions = vocabulary.encode(texts)[:, :-1]  # all of one length: no end
    return Captioned(_draw(factors, characters), captions, vocabulary, factors)


def _choose(
    u: np.ndarray, table: dict[str, tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """A word for each row by its first number, by the next a value in range.

    The numbers of u are uniform in [0, 1].
    """
    k = (u[:, 0] * len(table)).astype(np.int64)
    low, high = np.array(list(table.values()))[k].T
    return np.array(list(table))[k], low + (high - low) * u[:, 1]


def _draw(
    factors: dict[str, np.ndarray], characters: str
) -> Float32[np.ndarray, "n 1 28 28"]:
    """One picture for each row of the factors."""
    rows = [
        dict(zip(factors, values, strict=True))
        for values in zip(*factors.values(), strict=True)
    ]
    return np.stack(
        [
            draw_glyph(
                characters[row["character"]],
                FONTS[row["font"]],
                rotation=float(row["rotation"]),
                scale=float(row["scale"]),
                stroke=float(row["stroke"]),
            )
            for row in rows
        ]
    )
