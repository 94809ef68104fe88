"""Dice that nobody seeded are named where they are thrown."""

import pytest
from jupyter_cache.executors.utils import single_nb_execution
from nbformat import v4

from tools.kernels import Kernels

CELLS = {
    "import numpy as np, torch; from course.seeding import seeded": "",
    "drawn = torch.rand(2)": "unseeded dice: torch\n",
    "drawn = np.random.rand(2)": "unseeded dice: numpy\n",
    "with seeded(0): drawn = np.random.rand(2), torch.rand(2)": "",
    "drawn = torch.rand(1)": "unseeded dice: torch\n",
    "drawn = torch.rand(1, generator=torch.Generator().manual_seed(0))": "",
    "drawn = np.random.default_rng(0).random()": "",
    "_ = torch.manual_seed(0)": "",
    "drawn = torch.rand(3)": "",
    "np.random.seed(0); drawn = np.random.rand()": "",
    "drawn = np.random.rand(3)": "",
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """These cells, run one after the other in one kernel."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(c) for c in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": ""}
    result = single_nb_execution(
        notebook,
        cwd=str(tmp_path_factory.mktemp("dice")),
        timeout=60,
        allow_errors=False,
        meta_override=True,
        kernel_manager_class=Kernels,
    )
    assert result.err is None
    return {
        cell.source: "".join(o.text for o in cell.outputs if o.name == "stderr")
        for cell in result.nb.cells
    }


@pytest.mark.parametrize("source", CELLS)
def test_a_cell_is_reported_when_its_dice_had_no_seed(executed, source):
    assert executed[source] == CELLS[source]
