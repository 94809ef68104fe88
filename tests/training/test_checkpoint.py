"""A run that was stopped, at any moment, ends as if it had not been."""

import multiprocessing
import random
import signal
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import training_runs
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from torch import nn
from torch.optim import SGD, Adam
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    WeightedRandomSampler,
)
from training_runs import STEPS, Denoiser, Shaken, same, seed_all

from course.training import Checkpoint, Turn, files, train
from course.training.batches import Randomness

# A server that has imported torch once forks a fresh process for each run.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["course.training"])


def launch(target, *args):
    """Start a process that runs `target`."""
    process = SERVER.Process(target=target, args=args)
    process.start()
    return process


def finish(target, *args):
    """Run `target` in a process to its end; return its exit code."""
    process = launch(target, *args)
    process.join(60)
    return process.exitcode


def go_on(path, out):
    """Run a game, from its file if there is one; leave what it learned."""
    training_runs.play(path, out=out)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a game learns that is never stopped and writes no file."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert finish(go_on, None, out) == 0
    return torch.load(out)


@pytest.mark.parametrize(
    ("where", "number", "found"),
    [
        ("before the body", 2, None),
        ("before the body", 7, 6),
        ("after the body", 7, 6),
        ("before the body", 9, 6),
        ("after the body", 9, 6),
        ("half a draft", 9, 6),
        ("a whole draft", 9, 6),
        ("a whole draft", 2, None),
        ("the new file", 9, 9),
        ("the new file", 18, 18),
        ("after the body", STEPS, 18),
        ("the new file", STEPS, STEPS),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    where, number, found, tmp_path, uninterrupted
):
    path, out = tmp_path / "run" / "state", tmp_path / "out"
    code = finish(training_runs.play_and_die, where, number, path, out)
    assert code == -signal.SIGKILL
    assert path.exists() == (found is not None)
    if found:
        assert files.read(path)["step"] == found
    assert finish(go_on, path, out) == 0
    assert same(torch.load(out), uninterrupted)
    assert [p.name for p in path.parent.iterdir()] == ["state"]


def test_a_run_killed_from_outside_again_and_again(tmp_path, uninterrupted):
    path, out = tmp_path / "state", tmp_path / "out"
    progress, steps = SERVER.Value("i", 0), []
    for target in (1, 4, 8, 9, 15, 19):
        run = launch(training_runs.play_and_tell, progress, path, out)
        while run.is_alive() and progress.value < target:
            time.sleep(0.0005)
        time.sleep(random.random() / 200)  # at no particular place
        run.kill()
        run.join()
        steps.append(files.read(path)["step"] if path.exists() else 0)
    assert steps == sorted(steps)
    assert steps[3] > 0
    assert finish(training_runs.play_and_tell, progress, path, out) == 0
    assert same(torch.load(out), uninterrupted)


class Stream(IterableDataset):
    """Numbers without end, drawn as they are asked for."""

    def __iter__(self):
        while True:
            yield torch.rand(3)


def weighted(data):
    """A loader whose sampler has a generator of its own."""
    own = torch.Generator().manual_seed(7)
    sampler = WeightedRandomSampler(torch.ones(22), 22, generator=own)
    return DataLoader(data, batch_size=4, sampler=sampler)


def shared(data, **options):
    """A loader with a generator that the reader draws from as well."""
    own = torch.Generator().manual_seed(7)
    return DataLoader(data, batch_size=4, generator=own, **options)


class Fours(BatchSampler):
    """Batches of four random examples, drawn by a generator of its own."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(7)

    def __iter__(self):
        order = torch.randperm(22, generator=self.generator)
        return iter(order[:20].view(5, 4).tolist())

    def __len__(self):
        return 5


LOADERS = {
    "in order": lambda: DataLoader(Shaken(), batch_size=4),
    "shuffled": lambda: DataLoader(Shaken(), batch_size=4, shuffle=True),
    "own generator": lambda: shared(Shaken(), shuffle=True),
    "own generator, in order": lambda: shared(Shaken()),
    "own sampler": lambda: weighted(Shaken()),
    "own batches": lambda: DataLoader(Shaken(), batch_sampler=Fours()),
    "stream": lambda: DataLoader(Stream(), batch_size=4),
}


def learn(loader, *, steps=16, seed=0, wide=8, **options):
    """Train a denoiser; return its parameters and what would come next."""
    seed_all(seed)
    model, loader = Denoiser(3, wide, 3, dropout=0.2), loader()
    device = options.get("fabric") and options["fabric"].device
    turns = [Turn("loss", Adam(model.to(device).parameters(), lr=1e-2))]
    for _ in train(model, loader, turns, steps=steps, **options):
        if loader.generator:
            torch.rand((), generator=loader.generator)
    then = {"cpu": torch.rand(2), "numpy": torch.tensor(np.random.rand())}
    then["device"] = torch.rand(2, device=device)
    then["own"] = torch.rand(2, generator=loader.generator)
    return {**model.state_dict(), **then}


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("stop", [5, 6, 8])
def test_a_run_goes_on_in_the_middle_of_its_data(kind, stop, tmp_path):
    keep = Checkpoint(tmp_path / "state", every=100)
    whole = learn(LOADERS[kind])
    learn(LOADERS[kind], steps=stop, checkpoint=keep)
    again = learn(LOADERS[kind], seed=1, checkpoint=keep)
    assert same(again, whole)


def test_a_run_goes_on_with_batches_made_by_another_process(tmp_path):
    def loader():
        worker = {"num_workers": 1, "multiprocessing_context": SERVER}
        return DataLoader(Shaken(), batch_size=4, shuffle=True, **worker)

    keep = Checkpoint(tmp_path / "state", every=100)
    whole = learn(loader, steps=9)
    learn(loader, steps=3, checkpoint=keep)
    assert same(learn(loader, steps=9, seed=1, checkpoint=keep), whole)


@pytest.mark.gpu
def test_a_run_goes_on_on_a_gpu(tmp_path):
    gpu = {"fabric": Fabric(accelerator="cuda", devices=1)}
    gpu["checkpoint"] = Checkpoint(tmp_path / "state", every=100)
    whole = learn(LOADERS["shuffled"], fabric=gpu["fabric"])
    learn(LOADERS["shuffled"], steps=8, **gpu)
    assert same(learn(LOADERS["shuffled"], seed=1, **gpu), whole)


def test_the_scale_of_half_precision_goes_on(tmp_path):
    def half():
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=3)
        plugin = MixedPrecision("16-mixed", "cpu", scaler)
        return Fabric(accelerator="cpu", devices=1, plugins=plugin)

    keep, fabrics = Checkpoint(tmp_path / "state", every=100), []
    for steps in (8, 8, 9):
        fabrics.append(half())
        learn(
            LOADERS["shuffled"],
            steps=steps,
            fabric=fabrics[-1],
            checkpoint=keep,
            clip=1.0,
        )
    states = [fabric.strategy.precision.state_dict() for fabric in fabrics]
    assert [state["scale"] for state in states] == [16.0, 16.0, 32.0]
    assert states[0] == states[1]


def test_a_finished_run_stays_as_it_is(tmp_path):
    keep = Checkpoint(tmp_path / "state", every=4)
    whole = learn(LOADERS["shuffled"], steps=7, checkpoint=keep)
    before = keep.path.stat().st_mtime_ns
    model = Denoiser(3, 8, 3, dropout=0.2)
    turns = [Turn("loss", Adam(model.parameters()))]
    loader = LOADERS["shuffled"]()
    assert not list(train(model, loader, turns, steps=7, checkpoint=keep))
    assert not model.training
    assert all(torch.equal(v, whole[k]) for k, v in model.state_dict().items())
    assert keep.path.stat().st_mtime_ns == before


def test_it_writes_every_so_many_steps_and_at_the_end(tmp_path, monkeypatch):
    written, write = [], files.write
    monkeypatch.setattr(
        files,
        "write",
        lambda path, state: (written.append(state["step"]), write(path, state)),
    )
    keep = Checkpoint(tmp_path / "state", every=3)
    learn(LOADERS["shuffled"], steps=7, checkpoint=keep)
    assert written == [3, 6, 7]
    learn(LOADERS["shuffled"], steps=9, checkpoint=keep)
    assert written == [3, 6, 7, 9]


def test_a_reader_who_stops_early_leaves_the_last_regular_state(tmp_path):
    keep, numbers = Checkpoint(tmp_path / "state", every=3), []
    for stop in (5, 8):
        model = Denoiser(3, 8, 3)
        turns = [Turn("loss", SGD(model.parameters(), lr=0.01))]
        loader = LOADERS["shuffled"]()
        for step in train(model, loader, turns, steps=99, checkpoint=keep):
            numbers.append(step.number)
            if step.number == stop:
                break
    assert numbers == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8]


def keep_of(path):
    """A checkpoint of a short run with one extra, and the run's state."""
    keep = Checkpoint(path, every=2, extras={"copy": nn.Linear(2, 2)})
    learn(LOADERS["shuffled"], steps=4, checkpoint=keep)
    return keep


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("kept") / "state"
    keep_of(path)
    return path.read_bytes()


def refused(path, told, *, loader="shuffled", extras=None, **options):
    """Check that a run refuses a file, naming it, and changes nothing."""
    extras = {"copy": nn.Linear(2, 2)} if extras is None else extras
    model = Denoiser(3, options.pop("wide", 8), 3, dropout=0.2)
    loader = LOADERS[loader]() if isinstance(loader, str) else loader
    turns = [Turn("loss", Adam(model.parameters()))]
    turns = options.pop("turns", lambda _: turns)(model)
    keep = Checkpoint(path, every=2, extras=extras)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    run = train(
        model, loader, turns, **({"steps": 9} | options), checkpoint=keep
    )
    with pytest.raises(ValueError, match=told) as error:
        next(run)
    assert str(path) in str(error.value)
    assert "Delete the file to start afresh" in str(error.value)
    assert same(model.state_dict(), before)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(share, tmp_path, kept):
    path = tmp_path / "state"
    path.write_bytes(kept[: int(share * len(kept))])
    refused(path, "cannot be read")


def test_a_file_with_one_bit_flipped_is_refused(tmp_path, kept):
    path = tmp_path / "state"
    path.write_bytes(kept)
    with zipfile.ZipFile(path) as file:
        place = next(i for i in file.infolist() if "/data/0" in i.filename)
    head, damaged = place.header_offset, bytearray(kept)
    lengths = struct.unpack("<HH", kept[head + 26 : head + 30])
    damaged[head + 30 + sum(lengths)] ^= 1  # the first byte of a tensor
    path.write_bytes(damaged)
    refused(path, "cannot be read .*not what was written")


def test_other_files_are_refused(tmp_path, kept):
    path = tmp_path / "state"
    path.write_text("a poem")
    refused(path, "cannot be read")
    torch.save({"format": "another", "step": 3}, path)
    refused(path, "was not written by course.training")
    torch.save([1, 2], path)
    refused(path, "was not written by course.training")
    torch.save({"model": nn.Linear(1, 1)}, path)  # would run code to load
    refused(path, "cannot be read .*would run code: torch.nn.modules")
    path.unlink()
    path.mkdir()
    refused(path, "cannot be read")


def frozen(model):
    """Turns whose optimiser holds fewer parameters than it did."""
    return [Turn("loss", Adam(list(model.parameters())[1:]))]


def split(model):
    """Turns with two optimisers."""
    first, *rest = model.parameters()
    return [Turn("loss", Adam([first])), Turn("loss", Adam(rest))]


class Short(IterableDataset):
    """A stream of eight numbers, or of as many as asked."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        yield from torch.rand(self.n, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"wide": 9}, r"of another model: 0.weight .*\[8, 3\].*now.*\[9, 3\]"),
        ({"steps": 3}, "holds step 4, beyond the 3 asked for"),
        ({"turns": frozen}, "does not fit the optimiser 1: .*group"),
        ({"turns": split}, "this run consists of .*'optimiser 2'"),
        ({"extras": {}}, r"holds .*extras\['copy'\]"),
        (
            {"extras": {"copy": nn.Linear(2, 3)}},
            r"of another extras\['copy'\]: weight .*now.*\[3, 2\]",
        ),
        (
            {"extras": {"copy": nn.Linear(2, 2, bias=False)}},
            r"of another extras\['copy'\]: bias .* now is absent",
        ),
        (
            {"loader": DataLoader(torch.rand(9, 3), batch_size=4)},
            "does not fit the data: an epoch had 6 batches, now it has 3",
        ),
        (
            {"loader": "own generator"},
            "data: its loader was given 0 generators, now it has 1",
        ),
    ],
)
def test_a_file_of_another_run_is_refused(change, told, tmp_path, kept):
    path = tmp_path / "state"
    path.write_bytes(kept)
    refused(path, told, **change)


def test_a_stream_that_became_shorter_is_refused(tmp_path):
    keep = Checkpoint(tmp_path / "state", every=9)
    learn(lambda: DataLoader(Short(16), batch_size=4), steps=3, checkpoint=keep)
    refused(
        keep.path,
        "does not fit the data: an epoch has fewer batches",
        loader=DataLoader(Short(8), batch_size=4),
        extras={},
    )


def test_a_state_that_would_not_load_again_is_refused_at_once(tmp_path):
    keep = keep_of(tmp_path / "state")
    good = keep.path.read_bytes()

    class Strange(nn.Linear):
        def get_extra_state(self):
            return {"path": Path("here")}

        def set_extra_state(self, state):
            pass

    strange = Checkpoint(
        tmp_path / "other", every=1, extras={"a": Strange(1, 1)}
    )
    with pytest.raises(
        ValueError, match=r"would not load again: .*pathlib.*extras"
    ):
        learn(LOADERS["shuffled"], checkpoint=strange)
    assert [p.name for p in tmp_path.iterdir()] == ["state"]
    assert keep.path.read_bytes() == good


def test_arguments_that_make_no_sense_are_refused():
    with pytest.raises(
        ValueError, match="every must be at least 1 step, not 0"
    ):
        Checkpoint("state", every=0)
    with pytest.raises(ValueError, match=r"extras\['log'\] is a list, .* wrap"):
        Checkpoint("state", every=1, extras={"log": []})


def test_randomness_returns_whence_it_came():
    own = torch.Generator().manual_seed(3)
    randomness = Randomness(torch.device("cpu"), [own])
    np.random.randn()  # NumPy keeps the second of a pair of normal numbers

    def draw():
        return (
            random.gauss(0, 1),
            np.random.randn(),
            torch.rand(()).item(),
            torch.rand((), generator=own).item(),
        )

    state = randomness.state_dict()
    first, second = draw(), draw()
    randomness.load_state_dict(state)
    assert (draw(), draw()) == (first, second)
    assert len(set(first + second)) == 8
