"""Figures hold what they were given, where it belongs."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course.plotting import (
    MODEL,
    show_curves,
    show_density,
    show_images,
    show_points,
    show_source,
    use_style,
)


@pytest.fixture(autouse=True)
def clean():
    """Every test leaves matplotlib as it found it."""
    with plt.rc_context():
        yield
    plt.close("all")


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    rgb = np.array(plt.matplotlib.colors.to_rgb(colour))
    linear = np.where(
        rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_stand_out_from_the_paper(dark):
    use_style(dark=dark)
    paper = plt.rcParams["figure.facecolor"]
    assert contrast(plt.rcParams["text.color"], paper) > 7
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"][:3]
    assert all(contrast(colour, paper) > 3 for colour in colours)


def test_images_stand_in_reading_order():
    images = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 2, 2) / 2
    ax = show_images(images, columns=2)
    drawn = ax.images[0].get_array().filled(-1)
    row = [[0, 0, -1, 0.5, 0.5]] * 2
    last = [[1, 1, -1, -1, -1]] * 2
    np.testing.assert_array_equal(drawn, [*row, [-1] * 5, *last])
    assert ax.images[0].get_clim() == (0, 1)  # white is 0, not the smallest


def test_colour_images_keep_their_channels():
    red = np.zeros((1, 3, 4, 4))
    red[:, 0] = 1
    drawn = show_images(red).images[0].get_array()
    np.testing.assert_array_equal(drawn[0, 0], [1, 0, 0])


@pytest.mark.parametrize("shape", [(8, 8), (0, 8, 8), (2, 2, 8, 8)])
def test_other_shapes_of_images_are_refused(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        show_images(np.zeros(shape))


def test_density_is_drawn_where_it_is():
    def log_prob(x):
        return -((x[:, 0] - 3) ** 2 + (x[:, 1] + 1) ** 2)

    image = show_density(log_prob, extent=(0, 4, -2, 2)).images[0]
    row, column = np.unravel_index(image.get_array().argmax(), (200, 200))
    assert image.origin == "lower"
    assert column / 199 * 4 == pytest.approx(3, abs=0.02)
    assert row / 199 * 4 - 2 == pytest.approx(-1, abs=0.02)


def test_points_are_drawn_where_they_are():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    ax = show_points(x, color=MODEL)
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), x.tolist())
    with pytest.raises(ValueError, match="points must have shape"):
        show_points(np.zeros((4, 3)))


def test_curves_show_mean_and_range_over_seeds():
    ax = show_curves([0, 1], [[1, 5], [2, 6], [6, 7]], label="loss")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3, 6])
    band = ax.collections[0].get_paths()[0].vertices
    at_0, at_1 = (band[band[:, 0] == x, 1] for x in (0, 1))
    assert (at_0.min(), at_0.max()) == (1, 6)
    assert (at_1.min(), at_1.max()) == (5, 7)
    with pytest.raises(ValueError, match="one column for each x"):
        show_curves([0, 1, 2], [[1, 5]])


def test_figures_are_drawn_on_the_axes_they_are_given():
    _, axes = plt.subplots(1, 4)
    drawn = [
        show_images(np.zeros((1, 2, 2)), ax=axes[0]),
        show_points(np.zeros((1, 2)), ax=axes[1]),
        show_curves([0], [0], ax=axes[2]),
        show_density(lambda x: x[:, 0], extent=(0, 1, 0, 1), ax=axes[3]),
    ]
    assert drawn == list(axes)
    assert plt.get_fignums() == [axes[0].figure.number]


class Toy:
    """A class to print.

    The rest is not shown.
    """

    @property
    def two(self):
        """The number 2.

        Not shown either.
        """
        return 2  # the code is


def test_source_is_the_code_with_the_first_line_of_its_docstring():
    shown = show_source(Toy.two, Toy).data
    assert shown.startswith("```python\n@property\ndef two(self):\n")
    assert shown.count('"""The number 2."""\n') == 2
    assert shown.count("return 2  # the code is") == 2
    assert '"""A class to print."""' in shown
    assert "not shown" not in shown.lower()
