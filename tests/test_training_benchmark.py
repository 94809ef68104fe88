"""The benchmark of the training loop compares two loops that do the same."""

import os

import pytest

from benchmarks import training


@pytest.mark.parametrize("name", ["autoencoder", "gan", "vae"])
def test_both_loops_end_at_the_same_parameters(name):
    with training.no_bar():
        results = training.speed(name, steps=14, repeats=1)
    assert results["steps_per_second"]["torch"] > 0
    ratio, speed = results["course"]["wall_ratio"], results["relative_speed"]
    assert speed["median"] == pytest.approx(1 / ratio["median"])
    assert speed["low"] <= speed["median"] <= speed["high"]
    assert results["torch"]["wall_ratio"]["median"] == 1


def test_loops_that_do_not_do_the_same_are_refused(monkeypatch):
    def careless(model, loader, steps):
        by_torch(model, loader, steps - 1)

    by_torch = training.by_torch
    monkeypatch.setattr(training, "by_torch", careless)
    with (
        training.no_bar(),
        pytest.raises(ValueError, match="the autoencoder differ"),
    ):
        training.speed("autoencoder", steps=3, repeats=1)


def test_the_bar_comes_back(monkeypatch):
    for before in ("0", None):
        if before is None:
            monkeypatch.delenv("TQDM_DISABLE", raising=False)
        else:
            monkeypatch.setenv("TQDM_DISABLE", before)
        with training.no_bar():
            assert os.environ["TQDM_DISABLE"] == "1"
        assert os.environ.get("TQDM_DISABLE") == before
