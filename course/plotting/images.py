"""Grids of pictures."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import ArrayLike


def show_images(
    images: ArrayLike | torch.Tensor,
    *,
    columns: int = 10,
    ax: Axes | None = None,
    cmap: str = "gray_r",
) -> Axes:
    """Draw images row by row in a grid; return its axes.

    Args:
        images: in [0, 1], shape (N, H, W), (N, 1, H, W) or (N, 3, H, W).
        columns: how many stand side by side.
        ax: where to draw; by default on a new figure of full width.
        cmap: the colours of one-channel images; by default ink on paper.

    Raises:
        ValueError: another shape, or no image.
    """
    grid = tile(as_images(images), columns)
    if ax is None:
        width = plt.rcParams["figure.figsize"][0]
        height = width * grid.shape[0] / grid.shape[1]
        _, ax = plt.subplots(figsize=(width, height))
    ax.imshow(np.ma.masked_invalid(grid), cmap=cmap, vmin=0, vmax=1)
    ax.set_axis_off()
    return ax


def as_images(images: ArrayLike | torch.Tensor) -> np.ndarray:
    """Copy images to shape (N, H, W, C), clipped to [0, 1], on the CPU."""
    if isinstance(images, torch.Tensor):
        images = images.detach().cpu().numpy()
    x = np.asarray(images, dtype=float)
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or x.shape[1] not in (1, 3) or len(x) == 0:
        raise ValueError(
            f"images must have shape (N, H, W), (N, 1, H, W) or (N, 3, H, W) "
            f"with N > 0, not {np.shape(images)}: reshape them first"
        )
    return np.moveaxis(x, 1, -1).clip(0, 1)


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay images of shape (N, H, W, C) out in a grid, with gaps of NaN."""
    N, H, W, C = images.shape
    columns = min(columns, N)
    rows = -(-N // columns)
    gap = max(1, round(W / 16))
    shape = rows * (H + gap) - gap, columns * (W + gap) - gap, C
    grid = np.full(shape, np.nan if C == 1 else 1.0)
    for n, image in enumerate(images):
        top, left = n // columns * (H + gap), n % columns * (W + gap)
        grid[top : top + H, left : left + W] = image
    return grid[..., 0] if C == 1 else grid
