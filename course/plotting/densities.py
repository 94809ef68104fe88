"""Densities and points in the plane."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from course.plotting.style import DATA, MODEL


def show_density(
    log_prob: Callable,
    *,
    extent: tuple[float | int, ...],
    ax: Axes | None = None,
    color: str = MODEL,
    resolution: int = 200,
) -> Axes:
    """Shade the plane by p(x) = exp(log_prob(x)); return the axes.

    Args:
        log_prob: from points, shape (N, 2), to log-densities, shape (N,).
        extent: left, right, bottom and top of the part that is drawn.
        ax: where to draw; by default on a new figure.
        color: of the highest density; zero density is left blank.
        resolution: pixels along each side.
    """
    ax = ax or plt.subplots(figsize=(3.5, 3.5))[1]
    left, right, bottom, top = extent
    grid = torch.cartesian_prod(
        torch.linspace(left, right, resolution),
        torch.linspace(bottom, top, resolution),
    )
    with torch.no_grad():
        density = torch.as_tensor(log_prob(grid)).exp().cpu().numpy()
    paper = plt.rcParams["axes.facecolor"]
    ax.imshow(
        density.reshape(resolution, resolution).T,
        extent=extent,
        origin="lower",
        aspect="auto",
        cmap=LinearSegmentedColormap.from_list("density", [paper, color]),
        vmin=0,
    )
    return ax


def show_points(
    x: ArrayLike | torch.Tensor,
    *,
    ax: Axes | None = None,
    color: str = DATA,
    label: str | None = None,
) -> Axes:
    """Draw points, shape (N, 2), as small discs; return the axes."""
    x = torch.as_tensor(x).detach().cpu().numpy()
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(
            f"points must have shape (N, 2), not {x.shape}: choose two "
            f"of their features"
        )
    ax = ax or plt.subplots(figsize=(3.5, 3.5))[1]
    ax.scatter(x[:, 0], x[:, 1], s=7, alpha=0.7, lw=0, color=color, label=label)
    return ax
