"""The harness measures what it says, and the kept results reach their aims."""

import json
import time

import numpy as np
import pytest

from benchmarks import harness, mixture

KEPT = harness.RESULTS / "mixture.json"


def test_contenders_take_turns_and_ratios_are_of_the_same_turn():
    order = []
    times = harness.contend(
        {
            "slow": lambda: (order.append("slow"), time.sleep(0.02)),
            "fast": lambda: (order.append("fast"), time.sleep(0.005)),
        },
        repeats=3,
    )
    assert order == ["slow", "fast"] * 4  # the first turn is not counted
    assert times["slow"]["wall_ratio"]["median"] > 1.5
    assert times["fast"]["wall_ratio"]["median"] == 1
    assert times["slow"]["wall_seconds"]["low"] >= 0.02
    assert times["slow"]["cpu_seconds"]["median"] < 0.02  # sleep is no work


def test_quartiles():
    expected = {"median": 3, "low": 2, "high": 4}
    assert harness.quartiles([5, 1, 4, 2, 3]) == expected
    assert harness.ratios([1.0, 6.0], [2.0, 3.0]) == [0.5, 2.0]


def test_results_are_kept_with_the_machine(tmp_path):
    harness.save("nothing", {"answer": 42}, folder=tmp_path)
    kept = json.loads((tmp_path / "nothing.json").read_text())
    assert kept["answer"] == 42
    assert kept["command"] == "python -m benchmarks.nothing"
    assert kept["machine"]["torch"]
    assert kept["machine"]["cores"] >= 1


def test_a_small_comparison_has_equal_likelihoods():
    results = mixture.speed(N=300, D=3, K=4, repeats=1)
    assert results["relative_difference"] <= 1e-12


def test_a_comparison_of_different_computations_is_refused(monkeypatch):
    def unlike(X, K):
        ours, theirs = pair(X, K)
        return ours.set_params(ridge=1e-3), theirs

    pair = mixture.pair
    monkeypatch.setattr(mixture, "pair", unlike)
    with pytest.raises(ValueError, match="the likelihoods differ"):
        mixture.speed(N=300, D=3, K=4, repeats=1)


def test_kept_results_reach_their_aims():
    kept = json.loads(KEPT.read_text())
    speed, digits = kept["speed"], kept["digits"]
    assert kept["machine"]["threads"] == 1
    assert (speed["N"], speed["D"], speed["K"]) == (20_000, 16, 32)
    assert speed["relative_difference"] <= 1e-12
    assert speed["course"]["wall_ratio"]["median"] <= 0.5
    assert kept["memory"]["N"] == 1_000_000
    assert kept["memory"]["peak_gib"] < 4
    assert len(digits["test_nats_by_seed"]) >= 3
    assert digits["test_nats"]["mean"] <= 97.1
    assert digits["test_nats"]["mean"] == pytest.approx(
        np.mean(digits["test_nats_by_seed"])
    )
