"""Where runs of EM begin."""

import numpy as np
import torch

from course.models.mixture import starts as module
from course.models.mixture.starts import starts

NEAR, FAR = np.random.RandomState(0).randn(2, 90, 2)
X = torch.as_tensor(np.concatenate([NEAR[:30], FAR + 20]))


def test_a_run_starts_at_the_shares_and_means_of_clusters(monkeypatch):
    for rows in (1000, 7):  # in one block of rows, in several
        monkeypatch.setattr(module, "block_rows", lambda width, n=rows: n)
        pi, mu = starts(X, [2], runs=3, rng=np.random.RandomState(0))
        order = mu[:, :, 0].argsort(dim=1)
        for run in range(3):
            expected = torch.tensor([0.25, 0.75]).to(X)
            torch.testing.assert_close(pi[run, order[run]], expected)
            means = torch.stack([X[:30].mean(0), X[30:].mean(0)])
            torch.testing.assert_close(mu[run, order[run]], means)


def test_components_beyond_a_smaller_number_have_no_weight():
    pi, _ = starts(X, [1, 3], runs=2, rng=np.random.RandomState(0))
    assert torch.equal(pi[:2], torch.tensor([[1.0, 0, 0]] * 2).to(X))
    assert (pi[2:] > 0).all()
