"""Glyphs are what their factors say."""

import numpy as np
import pytest
from scipy import ndimage

from course import data

BOX, SIDE = 20, 28


def extent(x):
    """Height and width of the part of an image that is at least half white."""
    rows, columns = np.nonzero(x[0] > 0.5)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def slope(x):
    """Degrees, counter-clockwise from upright, of a stroke's long axis."""
    rows, columns = np.nonzero(x[0] > 0.5)
    covariance = np.cov(columns, -rows)
    axis = np.linalg.eigh(covariance)[1][:, -1]
    return (np.rad2deg(np.arctan2(axis[1], axis[0])) % 180) - 90


def test_shape_type_range_and_time_of_many():
    x, factors = data.glyphs(300)
    assert x.shape == (300, 1, SIDE, SIDE)
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    assert {len(values) for values in factors.values()} == {300}
    assert factors["character"].dtype == factors["font"].dtype == np.int64


def test_every_glyph_stays_within_its_image():
    x, _ = data.glyphs(400, seed=2)
    edge = np.ones((SIDE, SIDE), bool)
    edge[1:-1, 1:-1] = False
    assert x[:, 0, edge].max() == 0
    assert x.max(axis=(1, 2, 3)).min() > 0.5  # none is blank


def test_an_image_is_drawn_from_its_factors():
    x, factors = data.glyphs(20, seed=5, characters="AbX7")
    for i in range(20):
        row = {name: values[i] for name, values in factors.items()}
        again = data.draw_glyph(
            "AbX7"[row.pop("character")], data.FONTS[row.pop("font")], **row
        )
        assert np.array_equal(x[i], again)


def test_factors_fill_their_ranges_and_are_independent():
    n = 500
    _, factors = data.glyphs(n, seed=1)
    assert set(factors["character"]) == set(range(10))
    assert set(factors["font"]) == set(range(len(data.FONTS)))
    ranges = {"rotation": (-25, 25), "scale": (0.7, 1), "stroke": (0, 0.8)}
    for name, (low, high) in ranges.items():
        place = (factors[name] - low) / (high - low)
        assert 0 <= place.min() < 0.02 < 0.98 < place.max() <= 1
        assert abs(place.mean() - 0.5) < 4 * np.sqrt(1 / 12 / n)
    correlations = np.corrcoef(list(factors.values())) - np.eye(5)
    assert np.abs(correlations).max() < 4 / np.sqrt(n)


def test_seeds():
    x, factors = data.glyphs(8, seed=3)
    longer, more = data.glyphs(12, seed=3)
    other, _ = data.glyphs(8, seed=4)
    assert np.array_equal(x, longer[:8])
    assert all(np.array_equal(factors[k], more[k][:8]) for k in factors)
    assert not np.array_equal(x, other)


@pytest.mark.parametrize("font", data.FONTS)
def test_every_font_draws_every_character_at_its_size_and_centred(font):
    drawn = [data.draw_glyph(c, font) for c in "0123456789"]
    assert len({x.tobytes() for x in drawn}) == 10
    for x in drawn:
        assert abs(max(extent(x)) - BOX) <= 1
        rows, columns = np.nonzero(x[0] > 0.5)
        middle = (SIDE - 1) / 2
        assert abs((rows.min() + rows.max()) / 2 - middle) <= 1
        assert abs((columns.min() + columns.max()) / 2 - middle) <= 1


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.2])
def test_scale_is_the_longer_side(scale):
    height, _ = extent(data.draw_glyph("8", scale=scale))
    assert abs(height - BOX * scale) <= 1


@pytest.mark.parametrize("rotation", [-25, -10, 15, 25])
def test_rotation_is_counter_clockwise_in_degrees(rotation):
    upright = slope(data.draw_glyph("|"))
    turned = slope(data.draw_glyph("|", rotation=float(rotation)))
    assert turned - upright == pytest.approx(rotation, abs=2)


def test_rotation_is_that_of_scipy():
    ours = data.draw_glyph("5", rotation=20.0)[0]
    theirs = ndimage.rotate(
        data.draw_glyph("5")[0], 20.0, reshape=False, order=1
    )
    assert np.abs(ours - theirs).mean() < 0.02


@pytest.mark.parametrize("stroke", [0.4, 0.8])
def test_stroke_moves_each_outline_outwards(stroke):
    """A bar of height h and width w grows by 2 stroke in both."""
    plain, thick = (
        data.draw_glyph("|", stroke=s)[0].astype(float) for s in (0.0, stroke)
    )
    middle = slice(10, 18)  # rows far from the ends
    grown = thick[middle].sum(1) - plain[middle].sum(1)
    assert grown == pytest.approx(2 * stroke, abs=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.glyphs(0), "n must be a whole number of at least 1"),
        (lambda: data.glyphs(3, characters=""), "characters must be"),
        (lambda: data.glyphs(3, characters="aa"), "characters must be"),
        (lambda: data.draw_glyph("é"), "character must be one printable"),
        (lambda: data.draw_glyph("ab"), "character must be one printable"),
        (lambda: data.draw_glyph(" "), "character must be one printable"),
        (lambda: data.draw_glyph("a", "Arial"), "font must be one of"),
        (lambda: data.draw_glyph("a", scale=0.0), "scale must be positive"),
        (lambda: data.draw_glyph("a", stroke=-1.0), "stroke at least 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
