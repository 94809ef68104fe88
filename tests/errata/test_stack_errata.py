"""What the documents' four stacks come to, and how one stack is kept."""

import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def test_names_that_libraries_removed_stop_old_code():
    """The alias of document 000 is gone; ours are pinned, and are those."""
    with pytest.raises(AttributeError, match="has no attribute 'int'"):
        np.zeros(3).astype(np.int)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    names = [x for x in lines if re.match(r"[A-Za-z]", x)]
    pinned = dict(x.split("==") for x in names)
    assert {"torch", "numpy", "scikit-learn", "jupyter-book"} <= pinned.keys()
    if version("numpy") == pinned["numpy"]:  # not in the unpinned weekly run
        found = {name: version(name).split("+")[0] for name in pinned}
        assert found == pinned
