"""Glyphs: characters drawn from fonts, with every factor known."""

import string
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageDraw, ImageFont

from course.data.choices import check_choice, check_count

# shipped with matplotlib: DejaVu (Bitstream Vera licence), Computer Modern
# (BaKoMa), STIX (SIL Open Font Licence)
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)
SIDE = 28  # pixels of an image, as in MNIST
BOX = 20  # at scale 1 the longer side of a character, as in MNIST
EM = 100  # size of the font in the drawing from which images are made
FINE = 4  # an image is the mean of FINE x FINE finer pixels
RANGES = {"rotation": (-25.0, 25.0), "scale": (0.7, 1.0), "stroke": (0.0, 0.8)}


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    # the basic layout is the same wherever Pillow runs
    layout = ImageFont.Layout.BASIC
    return ImageFont.truetype(folder / f"{name}.ttf", EM, layout_engine=layout)


def _drawing(
    character: str, font: str, place: tuple[float, float], stroke: float = 0.0
) -> Image.Image:
    """A large black square with a character, its anchor at a place."""
    picture = Image.new("L", (2 * EM, 2 * EM))
    ImageDraw.Draw(picture).text(
        place, character, fill=255, font=_font(font), stroke_width=stroke
    )
    return picture


@cache
def _ink(character: str, font: str) -> tuple[float, float, float]:
    """Longer side of a character, and its middle (x, y) from the anchor."""
    # the box that a font reports includes space around slanted characters
    drawn = _drawing(character, font, (EM / 2, EM / 2))
    left, top, right, bottom = drawn.getbbox()
    x, y = (left + right - EM) / 2, (top + bottom - EM) / 2
    return float(max(right - left, bottom - top)), x, y


def draw_glyph(
    character: str,
    font: str = "DejaVuSans",
    *,
    rotation: float = 0.0,
    scale: float = 1.0,
    stroke: float = 0.0,
) -> Float32[np.ndarray, "1 28 28"]:
    """One character, white (1) on black (0), shape (1, 28, 28).

    Args:
        character: one printable ASCII character.
        font: one of `FONTS`.
        rotation: degrees, counter-clockwise.
        scale: the longer side of the upright character is 20 * scale pixels.
        stroke: pixels by which each outline is moved outwards.

    Raises:
        ValueError: the character or font is unknown, scale is not positive,
            or stroke is negative.
    """
    check_choice("font", font, FONTS)
    if len(character) != 1 or not "!" <= character <= "~":
        raise ValueError(
            f"character must be one printable ASCII character, "
            f"not {character!r}"
        )
    if not scale > 0 or not stroke >= 0:
        raise ValueError(
            f"scale must be positive and stroke at least 0, not {scale} "
            f"and {stroke}"
        )
    side, x, y = _ink(character, font)
    zoom = BOX * scale / side  # pixels of the image for one of the drawing
    picture = _drawing(character, font, (EM - x, EM - y), stroke / zoom)
    fine = picture.transform(
        (SIDE * FINE, SIDE * FINE),
        Image.Transform.AFFINE,
        _turn(np.deg2rad(rotation), 1 / (zoom * FINE)),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(fine.reduce(FINE), np.float32)[None] / np.float32(255)


def _turn(angle: float, step: float) -> tuple[float, ...]:
    """Affine map from pixels of the fine image to places in the drawing."""
    c, s = step * np.cos(angle), step * np.sin(angle)
    half = SIDE * FINE / 2
    # rows count downwards, so this turns the character counter-clockwise
    return (c, -s, EM - (c - s) * half, s, c, EM - (s + c) * half)


def glyphs(
    n: int, *, seed: int = 0, characters: str = string.digits
) -> tuple[Float32[np.ndarray, "n 1 28 28"], dict[str, np.ndarray]]:
    """Random glyphs x, shape (n, 1, 28, 28), and the factors that made them.

    The factors are independent and uniform; each is an array of shape (n,):

    - "character": index into `characters`, int64;
    - "font": index into `FONTS`, int64;
    - "rotation": degrees, in [-25, 25];
    - "scale": in [0.7, 1];
    - "stroke": pixels, in [0, 0.8].

    The first rows of a longer draw are those of a shorter one with its seed.

    >>> x, factors = glyphs(3, seed=1)
    >>> x.shape, sorted(factors)[:3]
    ((3, 1, 28, 28), ['character', 'font', 'rotation'])

    Raises:
        ValueError: n is no positive whole number, or a character is unknown
            or named twice.
    """
    check_count("n", n)
    if not characters or len(set(characters)) < len(characters):
        raise ValueError(
            f"characters must be different from one another and at least one, "
            f"not {characters!r}"
        )
    u = np.random.default_rng(seed).random((n, 5))
    factors = {
        "character": (u[:, 0] * len(characters)).astype(np.int64),
        "font": (u[:, 1] * len(FONTS)).astype(np.int64),
    }
    for column, (name, (low, high)) in enumerate(RANGES.items(), start=2):
        factors[name] = low + (high - low) * u[:, column]
    rows = zip(*factors.values(), strict=True)
    x = [
        draw_glyph(characters[k], FONTS[f], rotation=r, scale=a, stroke=w)
        for k, f, r, a, w in rows
    ]
    return np.stack(x), factors
