"""The benchmark of machines and trees compares like with like."""

from functools import partial

import pytest

from benchmarks import supervised
from course.models.svm import SVC


def test_the_answers_are_compared_before_the_times():
    svm = supervised.svm(*supervised.rings(80), repeats=1)
    assert svm["largest_difference"] < 1e-3
    tree = supervised.tree(N=600, depth=2, repeats=1)
    assert tree["agreement"] == 1
    for results in (svm, tree):
        assert results["course"]["cpu_ratio"]["median"] > 0
        assert results["sklearn"]["wall_ratio"]["median"] == 1


def test_times_of_unlike_models_are_refused(monkeypatch):
    monkeypatch.setattr(supervised, "SVC", partial(SVC, C=7.0))
    with pytest.raises(ValueError, match="differ by"):
        supervised.svm(*supervised.rings(80), repeats=1)
