"""Figures in one style: data grey, model blue, a second model orange."""

from course.plotting.curves import show_curves
from course.plotting.densities import show_density, show_points
from course.plotting.images import show_images
from course.plotting.source import show_source
from course.plotting.style import DATA, MODEL, SECOND, use_style

__all__ = [
    "DATA",
    "MODEL",
    "SECOND",
    "show_curves",
    "show_density",
    "show_images",
    "show_points",
    "show_source",
    "use_style",
]
