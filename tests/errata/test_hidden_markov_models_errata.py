"""What document 000 leaves out about hidden Markov models, working.

Each test is named by the entries of book/errata.yml that it shows.
"""

import itertools

import numpy as np
import pytest
import torch

from course.data import weather
from course.models.hmm import CategoricalHMM
from course.seeding import seeded


def test_a_named_model_becomes_one_with_definition_update_and_sampling():
    """D0-O3: a hidden Markov model is more than its name."""
    chain = weather()
    pi, A, rho = chain.start, chain.transitions, chain.probs
    x = [2, 2, 2, 0, 0]
    # the definition: a sum over all 32 paths
    total, best = 0.0, 0.0
    for z in itertools.product(range(2), repeat=5):
        p = pi[z[0]] * rho[z[0], x[0]]
        for t in range(1, 5):
            p = p * A[z[t - 1], z[t]] * rho[z[t], x[t]]
        total, best = total + p, max(best, p)
    # the update: alpha_t(j) = b_j(x_t) sum_i alpha_{t-1}(i) a_ij
    alpha = pi * rho[:, x[0]]
    for symbol in x[1:]:
        alpha = (alpha @ A) * rho[:, symbol]
    torch.testing.assert_close(alpha.sum(), total, rtol=1e-14, atol=0)
    model = CategoricalHMM.from_parameters(pi, A, probs=rho)
    X = torch.tensor(x)[:, None]
    assert model.score(X) == pytest.approx(total.log().item(), abs=1e-12)
    assert model.decode(X)[0].item() == pytest.approx(best.log().item())
    # without the transitions the sum is another number
    independent = (pi @ rho[:, x]).prod()
    assert abs(independent / total - 1) > 0.1
    # sampling, and learning from samples: the likelihood never falls
    with seeded(0):
        drawn, _ = chain.sample(200, 5)
    share = (drawn[:, 0, 0] == 0).double().mean()
    assert share == pytest.approx((pi @ rho)[0].item(), abs=0.1)
    fit = CategoricalHMM(2, tol=1e-4, random_state=0).fit(drawn)
    assert np.diff(fit.history_).min() >= 0
    assert fit.history_[-1] > fit.history_[0]
