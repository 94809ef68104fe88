"""Surroundings of every test: threads, a fixed seed, names for doctests."""

from tools import gate, kernels

gate.enter()  # before torch is imported

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402


def pytest_collection_modifyitems(items):
    """Tests marked `gpu` run wherever CUDA is."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="there is no CUDA device here")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)


def pytest_configure(config):
    """Chapters run again side by side: their kernels must not meet."""
    if config.pluginmanager.hasplugin("nbval"):
        kernels.use_in_nbval()


def pytest_collectstart(collector):
    """A second run of a notebook must draw the same figures, byte by byte.

    nbval leaves images out of the comparison unless told otherwise.
    """
    if collector.path and collector.path.suffix == ".ipynb":
        images = {"image/png", "image/jpeg", "image/svg+xml"}
        collector.skip_compare = tuple(set(collector.skip_compare) - images)


@pytest.fixture(autouse=True)
def surroundings(doctest_namespace):
    """Every test starts from the same random state."""
    doctest_namespace["np"] = np
    doctest_namespace["torch"] = torch
    np.random.seed(0)
    torch.manual_seed(0)
