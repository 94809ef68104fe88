"""What the documents say about families of models, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import itertools

import numpy as np
import pytest

from course.data import sprinkler
from course.models.bayesian_network import BayesianNetwork
from course.models.mixture import CategoricalMixture
from course.models.vae import VAE

NETWORK = sprinkler()
GANS_AND_VAES = (VAE,)  # a GAN has critic_loss and generator_loss
ALPHABET = np.array(list(itertools.product(range(2), repeat=4)))


@pytest.fixture
def rows():
    """Rows of the garden."""
    model = BayesianNetwork.from_tables(NETWORK.parents, NETWORK.tables)
    return model.sample(4000, random_state=0)


def test_objective_estimator_and_sampling_rule(rows):
    """D0-O1: what document 000 promises and leaves out, for one model."""
    model = BayesianNetwork(NETWORK.parents, smoothing=0).fit(rows)
    tables = model.tables_
    # the objective: a sum of N log theta over the entries of all tables
    objective = 0.0
    for name, above in NETWORK.parents.items():
        family = [NETWORK.names.index(v) for v in (*above, name)]
        N = np.zeros_like(tables[name])
        np.add.at(N, tuple(rows[:, family].T), 1)
        # the estimator: counts over their sum
        np.testing.assert_allclose(
            tables[name], N / N.sum(-1, keepdims=True), rtol=1e-12
        )
        seen = N > 0
        objective += (N[seen] * np.log(tables[name][seen])).sum()
    assert model.score_samples(rows).sum() == pytest.approx(objective)
    # any other table of sprinkler is worse
    for shift in (-0.05, 0.05):
        moved = tables["sprinkler"] + [[shift, -shift], [0, 0]]
        other = BayesianNetwork.from_tables(
            NETWORK.parents, tables | {"sprinkler": moved}
        )
        assert other.score(rows) < model.score(rows) - 1e-3
    # the sampling rule: parents first; the joint comes out
    p = np.exp(model.score_samples(ALPHABET))
    drawn = model.sample(40_000, random_state=1) @ [8, 4, 2, 1]
    share = np.bincount(drawn, minlength=16) / 40_000
    assert np.abs(share - p).max() < 4 * 0.5 / 40_000**0.5
    # drawing every column by itself, without the rule, gives another joint
    alone = np.random.default_rng(0).permuted(rows, axis=0) @ [8, 4, 2, 1]
    share = np.bincount(alone, minlength=16) / len(rows)
    assert np.abs(share - p).max() > 0.05


def naive_bayes():
    """The first column is the class of the others."""
    return BayesianNetwork({0: (), 1: (0,), 2: (0,), 3: (0,)})


def autoregressive():
    """Every column depends on all before it."""
    return BayesianNetwork({d: tuple(range(d)) for d in range(4)})


FAMILIES = {
    "naive Bayes": naive_bayes,
    "autoregressive": autoregressive,
    "Bayesian network": lambda: BayesianNetwork(NETWORK.parents),
    "mixture": lambda: CategoricalMixture(3, n_init=3, random_state=0),
}


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_models_that_are_neither_gan_nor_vae(rows, make):
    """D2-T7: they learn a distribution and draw from it."""
    model = make().fit(rows)
    assert not isinstance(model, GANS_AND_VAES)
    assert not any(
        hasattr(model, name)
        for name in ("critic_loss", "generator_loss", "elbo", "encoder")
    )
    p = np.exp(model.score_samples(ALPHABET))
    assert p.sum() == pytest.approx(1)  # a likelihood, not a bound
    drawn = model.sample(20_000, random_state=0) @ [8, 4, 2, 1]
    share = np.bincount(drawn, minlength=16) / 20_000
    assert np.abs(share - p).max() < 4 * 0.5 / 20_000**0.5
    # and what they draw is like the data: more so than independent columns
    data = np.bincount(rows @ [8, 4, 2, 1], minlength=16) / len(rows)
    alone = np.exp(BayesianNetwork().fit(rows).score_samples(ALPHABET))
    assert np.abs(share - data).sum() < 0.8 * np.abs(alone - data).sum()
