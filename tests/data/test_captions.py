"""Captions say what is in the picture."""

import numpy as np
import pytest

from course import data
from course.data.captions import ROTATIONS, SCALES, STROKES, UPRIGHT

TABLES = {"scale": SCALES, "stroke": STROKES, "rotation": ROTATIONS}


def test_shapes_and_types():
    x, captions, vocabulary, factors = data.captioned_glyphs(30)
    assert x.shape == (30, 1, 28, 28)
    assert x.dtype == np.float32
    assert captions.shape == (30, 4)
    assert captions.dtype == np.int64
    assert 1 <= captions.min() <= captions.max() < len(vocabulary)
    assert all(len(values) == 30 for values in factors.values())


def test_every_word_is_true():
    characters = "ab7X"
    _, captions, vocabulary, factors = data.captioned_glyphs(
        200, seed=3, characters=characters
    )
    texts = vocabulary.decode(captions, between=" ")
    for i, text in enumerate(texts):
        *words, character = text.split(" ")
        assert character == characters[factors["character"][i]]
        for word, (name, table) in zip(words, TABLES.items(), strict=True):
            low, high = table[word]
            assert low <= factors[name][i] <= high


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_ranges_of_two_words_do_not_touch(table):
    ordered = sorted(table.values())
    assert all(b[0] > a[1] for a, b in zip(ordered, ordered[1:]))  # noqa: B905, RUF007


def test_a_picture_is_drawn_from_its_factors():
    fonts = ("cmr10", "DejaVuSans")
    x, _, _, factors = data.captioned_glyphs(
        12, seed=5, characters="gk", fonts=fonts
    )
    for i in range(12):
        row = {name: values[i] for name, values in factors.items()}
        font = data.FONTS[row.pop("font")]
        assert font in fonts
        again = data.draw_glyph("gk"[row.pop("character")], font, **row)
        assert np.array_equal(x[i], again)


def test_words_show_in_the_pictures():
    """Bold has more ink, large is larger, left leans to the other side."""
    x, captions, vocabulary, _ = data.captioned_glyphs(
        400, seed=2, characters="l", fonts=("DejaVuSans",)
    )
    said = [
        text.split(" ") for text in vocabulary.decode(captions, between=" ")
    ]
    size, weight, tilt, _ = np.array(said).T
    ink = x.sum((1, 2, 3))
    for kind in SCALES:
        rows = size == kind
        assert ink[rows & (weight == "light")].max() < (
            ink[rows & (weight == "bold")].min()
        )
    height = (x[:, 0].max(axis=2) > 0.3).sum(axis=1)
    assert height[size == "small"].max() < height[size == "large"].min()
    rows, columns = np.mgrid[:28, :28] - 13.5
    lean = (x[:, 0] * rows * columns).sum((1, 2))  # top left, bottom right
    order = [np.sign(lean[tilt == word]) for word in ("left", "right")]
    assert (order[0] == 1).all()
    assert (order[1] == -1).all()


def test_words_are_uniform_and_independent():
    _, captions, _, factors = data.captioned_glyphs(600, seed=1)
    for column, size in enumerate((2, 2, 3, 8)):
        _, counts = np.unique(captions[:, column], return_counts=True)
        assert len(counts) == size
        spread = 4.5 * np.sqrt(600 / size)
        assert np.abs(counts - 600 / size).max() < spread
    correlations = np.corrcoef([*captions.T, factors["font"]]) - np.eye(5)
    assert np.abs(correlations).max() < 4 / np.sqrt(600)
    assert {data.FONTS[f] for f in factors["font"]} == set(UPRIGHT)


def test_seeds():
    first, longer = (data.captioned_glyphs(n, seed=3) for n in (8, 12))
    other = data.captioned_glyphs(8, seed=4)
    assert np.array_equal(first.x, longer.x[:8])
    assert np.array_equal(first.captions, longer.captions[:8])
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1"),
        ({"n": 3, "characters": ""}, "characters must be"),
        ({"n": 3, "characters": "aa"}, "characters must be"),
        ({"n": 3, "fonts": ()}, "fonts must be"),
        ({"n": 3, "fonts": ("cmr10", "cmr10")}, "fonts must be"),
        ({"n": 3, "fonts": ("Arial",)}, "each of fonts must be one of"),
    ],
)
def test_bad_arguments_are_named(options, message):
    n = options.pop("n")
    with pytest.raises(ValueError, match=message):
        data.captioned_glyphs(n, **options)
