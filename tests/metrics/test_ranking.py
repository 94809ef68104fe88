"""Ranking metrics against their definitions and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from course.metrics.ranking import gini, ndcg_at_k, recall_at_k


@pytest.fixture(params=range(3))
def case(request):
    """Scores without ties, and for each user one to eight held-out items."""
    rng = np.random.RandomState(request.param)
    held = np.zeros((20, 15))
    for n, row in enumerate(held):
        row[rng.permutation(15)[: 1 + n % 8]] = 1
    seen = (rng.rand(20, 15) < 0.2) * (1 - held)
    return rng.randn(20, 15), held, seen


def ranking(scores, seen):
    """Items of one user, best first, without what was seen."""
    order = sorted(range(len(scores)), key=lambda d: -scores[d])
    return [d for d in order if not seen[d]]


@pytest.mark.parametrize("k", [1, 3, 5, 15])
def test_by_definition(case, k):
    scores, held, seen = case
    recall = recall_at_k(scores, held, k, seen=seen).numpy()
    ndcg = ndcg_at_k(scores, held, k, seen=seen).numpy()
    for n in range(len(scores)):
        shown, wanted = ranking(scores[n], seen[n])[:k], held[n].sum()
        hits = [held[n, d] for d in shown]
        assert recall[n] == pytest.approx(sum(hits) / min(k, wanted))
        gain = sum(h / math.log2(r + 2) for r, h in enumerate(hits))
        best = sum(1 / math.log2(r + 2) for r in range(int(min(k, wanted))))
        assert ndcg[n] == pytest.approx(gain / best)


@pytest.mark.parametrize("k", [1, 4, 15])
def test_ndcg_is_that_of_scikit_learn(case, k):
    scores, held, _ = case
    ours = ndcg_at_k(scores, held, k)
    for n in range(len(scores)):
        theirs = ndcg_score(held[n : n + 1], scores[n : n + 1], k=k)
        assert ours[n].item() == pytest.approx(theirs, abs=1e-12)
    assert ours.mean().item() == pytest.approx(ndcg_score(held, scores, k=k))


def test_the_best_and_the_worst_ranking(case):
    _, held, _ = case
    for metric in (recall_at_k, ndcg_at_k):
        for k in (1, 5, 15):  # more and fewer than there are held out
            assert torch.allclose(
                metric(held, held, k), torch.ones(20).double()
            )
        assert metric(-held, held, 7).sum() == 0


def test_a_hit_further_up_counts_more_for_ndcg_alone():
    held = [[1, 0, 0, 0]]
    first, third = [[4.0, 3, 2, 1]], [[2.0, 4, 3, 1]]
    assert recall_at_k(first, held, 3) == recall_at_k(third, held, 3) == 1
    assert ndcg_at_k(first, held, 3).item() == 1
    assert ndcg_at_k(third, held, 3).item() == pytest.approx(1 / 2)


def test_seen_items_are_not_shown():
    scores, held, seen = [[3.0, 2, 1]], [[0, 0, 1]], [[1, 1, 0]]
    assert recall_at_k(scores, held, 1, seen=seen) == 1
    assert recall_at_k(scores, held, 1) == 0


def test_bad_arguments():
    s, held = torch.randn(2, 3), torch.tensor([[1, 0, 0], [0, 1, 0]])
    for bad, words in (
        ({"k": 0}, "from 1 to 3"),
        ({"k": 4}, "from 1 to 3"),
        ({"held_out": held[:1]}, "one shape"),
        ({"held_out": 0 * held}, "user 0 has no held-out"),
        ({"seen": held}, "item 0 of user 0 is held out and seen"),
        ({"scores": s * torch.nan}, "NaN"),
    ):
        arguments = {"scores": s, "held_out": held, "k": 2} | bad
        with pytest.raises(ValueError, match=words):
            recall_at_k(**arguments)


@pytest.mark.gpu
def test_metrics_follow_the_scores(case):
    scores, held, seen = case
    there = ndcg_at_k(torch.tensor(scores).cuda(), held, 5, seen=seen)
    assert there.is_cuda
    assert torch.allclose(there.cpu(), ndcg_at_k(scores, held, 5, seen=seen))


def test_gini_is_the_mean_difference_of_pairs():
    x = np.random.RandomState(0).poisson(3, size=30)
    pairs = np.abs(x[:, None] - x).mean()
    assert gini(x) == pytest.approx(pairs / (2 * x.mean()))
    assert gini(7 * x[::-1].copy()) == pytest.approx(gini(x))
    assert gini(np.ones(9)) == 0
    assert gini([0] * 99 + [5]) == pytest.approx(0.99)
    with pytest.raises(ValueError, match="not all zero"):
        gini([0, 0])
    with pytest.raises(ValueError, match="not negative"):
        gini([-1, 2])
