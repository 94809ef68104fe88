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


def kept(name):
    return json.loads((harness.RESULTS / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "path", "aim"),
    [
        ("mixture", "path.course.wall_ratio.median", 0.6),
        ("hmm", "symbols.course.wall_ratio.median", 1.0),
        ("hmm", "symbols.relative_difference", 1e-8),
        ("hmm", "signals.course.wall_ratio.median", 1.0),
        ("hmm", "signals.relative_difference", 1e-8),
        ("bayesian_network", "asia.ratio.median", 0.01),
        ("bayesian_network", "alarm.ratio.median", 0.01),
        ("bayesian_network", "alarm.difference", 1e-10),
        ("clustering", "maps.course.wall_ratio.median", 0.1),
        ("clustering", "kmeans.20000-16-32.course.wall_ratio.median", 3.0),
        ("clustering", "kmeans.20000-2-8.course.wall_ratio.median", 3.0),
        ("clustering", "kmeans.1797-64-10.course.wall_ratio.median", 3.0),
        ("clustering", "kmeans.20000-16-32.relative_difference", 1e-10),
        ("pca", "tall.course.wall_ratio.median", 1.5),
        ("likelihood", "rows.naive_bayes.nats", 99.6),
        ("likelihood", "rows.categoricals.nats", 97.3),
        ("likelihood", "rows.contexts.nats", 95.2),
        ("likelihood", "rows.copula_20.nats", 92.0),
        ("language", "average.mean", 3.5),
        ("frechet", "speed.course.wall_ratio.median", 0.25),
        ("frechet", "speed.difference", 1e-6),
        ("recommendation", "sweep.course.wall_ratio.median", 0.9),
        ("recommendation", "sweep.difference", 1e-12),
        ("training", "autoencoder.course.wall_ratio.median", 1 / 0.95),
        ("training", "convolutional.course.wall_ratio.median", 1 / 0.95),
        ("training", "vae.course.wall_ratio.median", 1 / 0.95),
        ("training", "gan.course.wall_ratio.median", 1 / 0.95),
    ],
)
def test_kept_figures_reach_their_aims(name, path, aim):
    figure = kept(name)
    for part in path.split("."):
        figure = figure[part]
    assert 0 < figure <= aim


def test_the_map_is_better_than_minisom_in_both_errors():
    for errors in kept("clustering")["maps"]["errors"].values():
        assert len(errors["minisom"]) >= 3
        assert (np.array(errors["minisom"]) > errors["course"]).all()


def test_the_average_of_language_models_is_better_than_both():
    results = kept("language")
    assert len(results["runs"]) >= 3
    for run in results["runs"]:
        assert run["average"] < min(run["network"], results["ngram"])


def test_likelihoods_that_are_known_exactly():
    rows = kept("likelihood")["rows"]
    assert rows["uniform"]["nats"] == pytest.approx(64 * np.log(17))
    assert rows["independent"]["nats"] == pytest.approx(106.37, abs=0.01)
    for name, row in rows.items():
        assert row["kind"] in ("exact", "bound"), name
        gain = rows["independent"]["nats"] - row["nats"]
        assert -row["against_independent"] == pytest.approx(gain, abs=1e-6)


def test_coded_lengths_are_those_that_the_models_promise():
    bits = kept("compression")["bits"]
    for name in ("adaptive", "independent", "mixture", "vae"):
        coded, promised = bits[name]["coded"], bits[name]["promised"]
        assert coded == pytest.approx(promised, rel=0.01), name
    files = [bits[name]["together"] for name in ("PNG", "WEBP", "zlib", "lzma")]
    assert bits["adaptive"]["coded"] < min(files)


def test_samples_come_near_the_floor_in_every_column():
    """The goals for a GAN of digits, and how the hinge loss misses them."""
    table = kept("samples")["order"]
    names = ("frechet", "precision", "recall", "coverage")
    mean = {
        k: [row[name]["mean"] for name in names]
        for k, row in table.items()
        if isinstance(row, dict)
    }
    for distance, precision in (mean["wgan_gp"][:2], mean["wgan_gp_full"][:2]):
        assert distance <= 1.2
        assert precision >= 0.65
    assert min(mean["wgan_gp_full"][1:]) >= 0.65
    assert mean["wgan_gp_full"][1] >= 0.75
    assert mean["wgan_gp_full"][2] >= 0.75
    assert mean["real"][0] == min(row[0] for row in mean.values())
    assert mean["hinge_dcgan"][1] > 0.75 > 0.1 > mean["hinge_dcgan"][2]


def test_synthetic_digits_help_a_tree_and_harm_a_support_vector_machine():
    results = kept("synthetic_data")
    assert results["seeds"] >= 10
    for labels in ("labels_50", "labels_200"):  # with 20 the loss is small
        rows = results["generators"]["naive_bayes"][labels]
        for name, sign in (("SVM", -1), ("tree", 1)):
            found = rows[name]
            assert sign * found["gain"] > 2 * found["standard_error"], name


def test_recommenders_lie_between_popularity_and_the_truth():
    planted = kept("recommendation")["planted"]
    assert planted["seeds"] >= 5
    low, high = (
        planted[name]["recall"]["mean"] for name in ("popularity", "oracle")
    )
    for name in ("item-knn", "als", "mult-vae"):
        assert 1.5 * low < planted[name]["recall"]["mean"] < high


def test_unlabelled_digits_help_most_where_labels_are_few():
    results = kept("generative_classifiers")
    for labels in ("labels_20", "labels_50", "labels_100", "labels_300"):
        rows = results[labels]
        assert rows["em"]["mean"] > rows["network"]["mean"]
    few = results["labels_20"]["em"]
    assert few["gain"] > 3 * few["gain_error"]
