"""Curves with their spread over seeds."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course.plotting.style import MODEL


def show_curves(
    x: ArrayLike,
    ys: ArrayLike,
    *,
    label: str | None = None,
    color: str = MODEL,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean over seeds, and a band from the lowest to the highest.

    Args:
        x: shape (T,).
        ys: shape (seeds, T), or (T,) for a single run, which has no band.
        label: of the mean, for a legend.
        color: of both.
        ax: where to draw; by default on a new figure of full width.

    Raises:
        ValueError: x and ys differ in length.
    """
    x, ys = np.asarray(x), np.atleast_2d(ys)
    if ys.ndim != 2 or x.shape != ys.shape[1:]:
        raise ValueError(
            f"ys must have shape (seeds, {x.size}), one column for each x, not "
            f"{ys.shape}: transpose it, or cut x"
        )
    ax = ax or plt.subplots()[1]
    ax.plot(x, ys.mean(axis=0), color=color, label=label)
    ax.fill_between(x, ys.min(0), ys.max(0), color=color, alpha=0.2, lw=0)
    return ax
