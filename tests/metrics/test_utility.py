"""What synthetic examples are worth: three training sets, one real test."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course.metrics.utility import Utility, train_synthetic_test_real

NEAREST = KNeighborsClassifier(1)


def rows(*values):
    return np.array(values, dtype=float)[:, None]


def three_corners():
    """Real examples know class 0, synthetic ones class 1; both are tested."""
    real = rows(0, 1), np.array([0, 0])
    synthetic = rows(10, 11, 12), np.array([1, 1, 1])
    test = rows(0.4, 10.4, 11.4, 12.4), np.array([0, 1, 1, 1])
    return real, synthetic, test


def test_each_number_is_of_its_own_training_set():
    found = train_synthetic_test_real(NEAREST, [three_corners()])
    assert found.real.tolist() == [0.25]
    assert found.synthetic.tolist() == [0.75]
    assert found.both.tolist() == [1.0]
    assert found.gain.tolist() == [0.75]


def test_runs_keep_their_order_and_gains_are_paired():
    real, synthetic, test = three_corners()
    turned = synthetic, real, test
    found = train_synthetic_test_real(NEAREST, iter([three_corners(), turned]))
    assert found.real.tolist() == [0.25, 0.75]
    assert found.synthetic.tolist() == [0.75, 0.25]
    assert found.gain.tolist() == [0.75, 0.25]
    assert found.standard_error == pytest.approx(0.25)  # 0.3536 / sqrt(2)


def test_a_single_run_has_no_spread():
    found = train_synthetic_test_real(NEAREST, [three_corners()])
    assert np.isnan(found.standard_error)


def test_labels_turned_round_cost_what_they_must():
    rng = np.random.RandomState(0)
    X, y = rng.randn(300, 2), np.arange(300) % 2
    X[:, 0] += 8 * y
    part = [slice(0, 60), slice(60, 160), slice(160, 300)]
    real, made, test = ((X[s], y[s]) for s in part)
    found = train_synthetic_test_real(
        KNeighborsClassifier(15), [(real, (made[0], 1 - made[1]), test)]
    )
    assert found.real[0] == 1
    assert found.synthetic[0] == 0
    assert found.both[0] < 0.2  # 100 liars against 60


def test_it_is_what_one_would_write_by_hand():
    runs = []
    for seed in range(3):
        rng = np.random.RandomState(seed)
        X, y = rng.randn(120, 3), rng.randint(3, size=120)
        X += np.eye(3)[y]
        runs.append(tuple((X[i::3], y[i::3]) for i in range(3)))
    found = train_synthetic_test_real(LogisticRegression(), runs)
    for i, ((A, a), (S, s), (B, b)) in enumerate(runs):
        model = LogisticRegression().fit(A, a)
        assert found.real[i] == model.score(B, b)
        model = LogisticRegression().fit(np.r_[A, S], np.r_[a, s])
        assert found.both[i] == model.score(B, b)
        assert found.synthetic[i] == LogisticRegression().fit(S, s).score(B, b)
    spread = np.std(found.both - found.real, ddof=1) / np.sqrt(3)
    assert found.standard_error == pytest.approx(spread)


def test_the_classifier_is_copied_and_the_data_are_unchanged():
    model, run = KNeighborsClassifier(1), three_corners()
    before = [part.copy() for pair in run for part in pair]
    train_synthetic_test_real(model, [run])
    assert not hasattr(model, "classes_")
    after = [part for pair in run for part in pair]
    for a, b in zip(before, after, strict=True):
        assert np.array_equal(a, b)


def test_words_and_tensors_may_be_given():
    run = three_corners()
    tensors = tuple(tuple(map(torch.tensor, pair)) for pair in run)
    names = np.array(["no", "yes"])
    words = tuple((X, names[y]) for X, y in run)
    for given in (tensors, words):
        found = train_synthetic_test_real(NEAREST, [given])
        assert [*found.real, *found.both, *found.synthetic] == [0.25, 1, 0.75]


def test_it_reads_as_a_line_of_a_table():
    values = ([0.5, 0.7], [0.6, 0.7], [0.2, 0.4])
    line = str(Utility(*map(np.array, values)))
    assert line == (
        "real 0.600  both 0.650  synthetic 0.300  gain +0.050 "
        "(+0.000 to +0.100)"
    )


def test_errors_say_what_to_do():
    real, synthetic, test = three_corners()
    with pytest.raises(ValueError, match="one for each seed"):
        train_synthetic_test_real(NEAREST, [])
    wide = np.zeros((2, 3)), np.zeros(2)
    with pytest.raises(ValueError, match="not 1, 3 and 1"):
        train_synthetic_test_real(NEAREST, [(real, wide, test)])
    images = np.zeros((2, 1, 1)), np.zeros(2)
    with pytest.raises(ValueError, match="flatten images"):
        train_synthetic_test_real(NEAREST, [(images, synthetic, test)])
    short = synthetic[0], synthetic[1][:2]
    with pytest.raises(ValueError, match=r"\(3, 1\) and \(2,\)"):
        train_synthetic_test_real(NEAREST, [(real, short, test)])
    column = synthetic[0], synthetic[1][:, None]
    with pytest.raises(ValueError, match="y as one axis"):
        train_synthetic_test_real(NEAREST, [(real, column, test)])


@pytest.mark.gpu
def test_examples_may_lie_on_a_gpu():
    run = tuple(
        tuple(torch.tensor(part).cuda() for part in pair)
        for pair in three_corners()
    )
    found = train_synthetic_test_real(NEAREST, [run])
    assert [*found.real, *found.both, *found.synthetic] == [0.25, 1, 0.75]
