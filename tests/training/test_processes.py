"""Two processes that train together end with one and the same model."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_processes
from lightning_fabric import Fabric
from torch.optim import Adam
from torch.utils.data import DataLoader
from training_runs import Denoiser, Shaken, same

from course.training import Checkpoint, Turn, train

SCRIPT = Path(two_processes.__file__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The results of both processes, and their checkpoints."""
    folder = tmp_path_factory.mktemp("ranks")
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2"]
    subprocess.run(
        [sys.executable, *launch, "--standalone", SCRIPT, folder],
        check=True,
        timeout=120,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def ranks(folder):
    """The results of each process."""
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def test_they_see_other_data_and_agree_with_one_process_that_sees_all(ranks):
    (ours, seen), (theirs, rest) = (rank["joint"] for rank in ranks)
    one, everything = two_processes.joint(
        Fabric(accelerator="cpu", devices=1), 8
    )
    assert same(ours, theirs)
    for name, value in one.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-10, atol=1e-12)
    both = torch.stack([seen, rest], dim=2).flatten(1, 2)
    assert torch.equal(both, everything)


def test_so_do_the_two_players_of_a_game(ranks):
    ours, theirs = (rank["duel"] for rank in ranks)
    assert same(ours, theirs)
    for name, value in two_processes.duel(
        Fabric(accelerator="cpu", devices=1), 8
    ).items():
        torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=1e-11)


def test_stopped_twice_they_end_as_if_they_had_not_been(ranks):
    (ours, one), (theirs, other) = (rank["whole"] for rank in ranks)
    assert same(ours, theirs)
    assert not torch.equal(one, other), "each draws its own random numbers"
    for rank, drawn in zip(ranks, (one, other), strict=True):
        parameters, again = rank["stopped"]
        assert same(parameters, ours)
        assert torch.equal(again, drawn)


def test_the_first_process_alone_writes(ranks):
    assert [rank["writes"] for rank in ranks] == [4, 0]


def test_one_process_cannot_go_on_for_two(folder):
    keep = Checkpoint(folder / "whole", every=100)
    model = Denoiser(3, 8, 3, dropout=0.2)
    turns = [Turn("loss", Adam(model.parameters()))]
    loader = DataLoader(Shaken(), batch_size=4)
    with pytest.raises(ValueError, match="by 2 processes, this is a run of 1"):
        next(train(model, loader, turns, steps=9, checkpoint=keep))
