"""Baum-Welch against hmmlearn, closed forms and its own promises."""

import warnings

import numpy as np
import pytest
import torch
from hmmlearn import hmm as reference
from sklearn.exceptions import ConvergenceWarning

from course.data import casino, motif
from course.models.hmm import CategoricalHMM, GaussianHMM
from course.models.hmm.categorical import Symbols
from course.models.hmm.em import baum_welch, climb, proportions
from course.models.hmm.scaled import Scaled
from course.models.hmm.scan import Scan
from course.seeding import seeded

K, C, D = 3, 5, 2
LENGTHS = [40, 1, 25, 60]
EMISSIONS = ("symbols", "full", "diag")


def quietly(model, X, **options):
    """Fit without the warning that so few steps do not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, **options)


def start(emission, seed=0):
    """Random parameters, as the options of our models name them."""
    rng = np.random.RandomState(seed)
    begin = {
        "start_init": rng.dirichlet(np.ones(K)),
        "transitions_init": rng.dirichlet(np.ones(K), K),
    }
    if emission == "symbols":
        return begin | {"probs_init": rng.dirichlet(np.ones(C), (K, 1))}
    Sigma = np.stack([np.eye(D) + 0.5 * np.eye(D)[::-1]] * K)
    return begin | {
        "means_init": rng.randn(K, D),
        "covariances_init": Sigma if emission == "full" else np.ones((K, D)),
    }


def ours_and_data(emission, **options):
    """Our model with a start, and sequences from another one."""
    begin, truth = start(emission), start(emission, seed=1)
    truth = {name[: -len("_init")]: value for name, value in truth.items()}
    if emission == "symbols":
        made = CategoricalHMM.from_parameters(**truth)
        ours = CategoricalHMM(K, n_categories=C, **begin, **options)
    else:
        truth["means"] = truth["means"] * 3 + 100  # far from the origin
        begin["means_init"] = begin["means_init"] * 3 + 100
        made = GaussianHMM.from_parameters(**truth)
        ours = GaussianHMM(
            K, covariance_type=emission, ridge=0.0, **begin, **options
        )
    X = made.sample(sum(LENGTHS), random_state=3)
    return ours, X


def theirs_from(ours, n_iter):
    """Hmmlearn's model with the same start and no prior."""
    options = {"n_iter": n_iter, "tol": -np.inf, "init_params": ""}
    if isinstance(ours, CategoricalHMM):
        theirs = reference.CategoricalHMM(K, **options)
        theirs.emissionprob_ = ours.probs_init[:, 0].copy()
    else:
        theirs = reference.GaussianHMM(
            K,
            covariance_type=ours.covariance_type,
            covars_prior=0.0,
            covars_weight=0.0,
            **options,
        )
        theirs.means_ = ours.means_init.copy()
        theirs.covars_ = ours.covariances_init.copy()
    theirs.startprob_ = ours.start_init.copy()
    theirs.transmat_ = ours.transitions_init.copy()
    return theirs


@pytest.mark.parametrize("emission", EMISSIONS)
@pytest.mark.parametrize("algorithm", ["scaled", "scan"])
def test_every_iteration_is_that_of_hmmlearn(emission, algorithm):
    steps = 10
    ours, X = ours_and_data(
        emission, algorithm=algorithm, max_iter=steps, tol=0.0
    )
    quietly(ours, X, lengths=LENGTHS)
    theirs = theirs_from(ours, steps).fit(X, LENGTHS)
    np.testing.assert_allclose(
        ours.history_[:-1] * len(X), theirs.monitor_.history, rtol=1e-10
    )
    pairs = {"start_": "startprob_", "transitions_": "transmat_"}
    if emission == "symbols":
        pairs["probs_"] = "emissionprob_"
    else:
        pairs |= {"means_": "means_", "covariances_": "covars_"}
    for mine, name in pairs.items():
        value = getattr(theirs, name)
        if name == "covars_" and emission == "diag":
            value = value.diagonal(axis1=1, axis2=2)
        np.testing.assert_allclose(
            getattr(ours, mine).reshape(value.shape), value, atol=1e-8
        )
    total = ours.score_samples(X, lengths=LENGTHS).sum()
    assert total == pytest.approx(theirs.score(X, LENGTHS), rel=1e-9)
    assert ours.history_[-1] * len(X) == pytest.approx(total, rel=1e-9)


def test_hmmlearn_hides_a_prior():
    """By default its variances are too large: 0.01 is added to the sum."""
    X = 0.01 * np.random.RandomState(0).randn(20, 1)
    hidden = reference.GaussianHMM(1).fit(X)
    plain = reference.GaussianHMM(1, covars_prior=0, covars_weight=0).fit(X)
    ours = GaussianHMM(1, ridge=0).fit(X)
    assert hidden.covars_[0, 0, 0] == pytest.approx(
        (0.01 + (20 * X.var())) / 20
    )
    assert plain.covars_[0, 0, 0] == pytest.approx(X.var())
    assert ours.covariances_[0, 0, 0] == pytest.approx(X.var())
    assert ours.score(X) > hidden.score(X) + 5


@pytest.mark.parametrize("emission", EMISSIONS)
def test_the_likelihood_never_falls(emission):
    ours, X = ours_and_data(emission, tol=0.0, max_iter=25)
    for seed in range(2):
        ours.set_params(
            random_state=seed, **dict.fromkeys(start(emission), None)
        )
        quietly(ours, X, lengths=LENGTHS)
        assert np.diff(ours.history_).min() >= 0
        assert ours.history_[-1] > ours.history_[0] + 0.02
        assert len(ours.history_) == ours.n_iter_ + 1


def test_a_ridge_that_lowers_the_likelihood_ends_the_run():
    X = np.random.RandomState(0).randn(40, 2)
    start = {"means_init": [X.mean(0)], "covariances_init": [np.cov(X.T)]}
    model = GaussianHMM(1, ridge=1.0, **start).fit(X)
    assert model.n_iter_ == 0
    assert model.converged_
    np.testing.assert_allclose(model.covariances_[0], np.cov(X.T))


def test_before_any_run_is_cut_the_likelihood_rises_too():
    """Without the guard that ends a run: steps fall by rounding alone."""
    x, _ = casino_rolls(0, n=20, n_steps=50)
    chains = Scaled((50,) * 20, x.device)
    rows = x.reshape(-1, 1).double()[chains.rows]
    emission = Symbols(rows, 6, 0.0)
    state = random_state(2, 6, seed=0)
    value = []
    for _ in range(40):
        goal, state = baum_welch(chains, emission, state)
        value.append(goal.item())
    assert np.diff(value).min() > -1e-13
    assert value[-1] > value[0] + 0.01


def random_state(K, C, seed, B=1):
    """Random pi, A and probs for B runs."""
    rng = np.random.RandomState(seed)
    parts = (
        rng.dirichlet(np.ones(K), B),
        rng.dirichlet(np.ones(K), (B, K)),
        rng.dirichlet(np.ones(C), (B, K, 1)),
    )
    return tuple(map(torch.from_numpy, parts))


def casino_rolls(seed, *, n, n_steps):
    with seeded(seed):
        return casino().sample(n, n_steps)


@pytest.mark.parametrize("kind", [Scaled, Scan])
def test_runs_in_a_batch_are_runs_alone(kind):
    lengths = (30, 7, 18)
    chains = kind(lengths, torch.device("cpu"))
    rng = np.random.RandomState(0)
    x = torch.from_numpy(rng.randint(C, size=(55, 1)).astype(float))
    emission = Symbols(x[chains.rows], C, 0.0)
    state = random_state(K, C, seed=1, B=3)
    options = {"tol": 1e-3, "max_iter": 100}
    together = climb(chains, emission, state, **options)
    assert len({len(run.history) for run in together}) > 1
    for b, run in enumerate(together):
        alone = [part[b : b + 1] for part in state]
        (single,) = climb(chains, emission, tuple(alone), **options)
        np.testing.assert_allclose(run.history, single.history, rtol=1e-12)
        for mine, its in zip(run.state, single.state, strict=True):
            torch.testing.assert_close(mine, its)


def test_the_best_restart_is_kept():
    x, _ = casino_rolls(0, n=5, n_steps=100)
    ends = []
    for n_init in (1, 8):
        model = CategoricalHMM(2, n_init=n_init, tol=1e-4, random_state=4)
        ends.append(model.fit(x).history_[-1].item())
        value = model.score_samples(x).sum() / 500
        assert ends[-1] == pytest.approx(value.item(), abs=1e-10)
    assert ends[1] >= ends[0] - 1e-12


def test_unequal_sequences_are_counted_as_they_are():
    """Each sequence weighs as much as it is long; fits do not see padding."""
    ours, X = ours_and_data("symbols", max_iter=5, tol=0.0)
    quietly(ours, X, lengths=LENGTHS)
    ends = np.cumsum(LENGTHS)[:-1]
    parts = np.split(X, ends)
    padded = np.full((4, 60, 1), np.nan)
    for n, part in enumerate(parts):
        padded[n, : len(part)] = part
    for given, lengths in ((parts, None), (padded, LENGTHS)):
        other, _ = ours_and_data("symbols", max_iter=5, tol=0.0)
        quietly(other, given, lengths=lengths)
        np.testing.assert_allclose(other.probs_, ours.probs_, rtol=1e-12)
        np.testing.assert_allclose(other.history_, ours.history_, rtol=1e-12)
    # the first step of each sequence, and no other, makes pi
    r = ours.predict_proba(parts)
    nxt, _ = ours_and_data("symbols", max_iter=1, tol=0.0)
    nxt.set_params(
        start_init=ours.start_,
        transitions_init=ours.transitions_,
        probs_init=ours.probs_,
    )
    quietly(nxt, parts)
    np.testing.assert_allclose(nxt.start_, np.mean([p[0] for p in r], axis=0))


def test_one_state_has_a_closed_form():
    rng = np.random.RandomState(0)
    X = rng.randn(50, 2) @ [[1.0, 0.4], [0.0, 2.0]] + 7
    full = GaussianHMM(1, ridge=0.25).fit(X)
    np.testing.assert_allclose(full.means_[0], X.mean(0))
    np.testing.assert_allclose(
        full.covariances_[0], np.cov(X.T, bias=True) + 0.25 * np.eye(2)
    )
    diag = GaussianHMM(1, covariance_type="diag", ridge=0.25).fit(X)
    np.testing.assert_allclose(diag.covariances_[0], X.var(0) + 0.25)
    x = np.array([[0], [0], [2], [0]])
    model = CategoricalHMM(1, n_categories=4, smoothing=0.5).fit(x)
    np.testing.assert_allclose(
        model.probs_[0, 0], [3.5 / 6, 0.5 / 6, 0.25, 0.5 / 6]
    )
    prior = 0.5 * np.log(model.probs_).sum()
    assert model.history_[-1] == pytest.approx((model.score(x) + prior) / 4)


def test_smoothing_keeps_unseen_symbols_possible():
    x = np.array([[0], [1], [0], [1], [1], [0]])
    for smoothing, possible in ((0.0, False), (0.1, True)):
        model = CategoricalHMM(
            2, n_categories=3, smoothing=smoothing, random_state=0
        ).fit(x)
        assert np.isfinite(model.score([np.array([0, 2])])) == possible
        assert np.diff(model.history_).min() >= 0


def test_zeros_of_the_start_stay():
    chain = motif(every=10)
    with seeded(0):
        x, _ = chain.sample(30, 60)
    model = CategoricalHMM(
        7,
        start_init=chain.start,
        transitions_init=chain.transitions,
        max_iter=20,
        random_state=0,
    )
    quietly(model, x)
    assert torch.equal(model.transitions_ > 0, chain.transitions > 0)
    assert torch.equal(model.start_, chain.start)


def test_a_state_that_is_never_visited_stays():
    old = torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    counts = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    expected = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    assert torch.equal(proportions(counts, old), expected)
    X = np.random.RandomState(0).randn(30, 1)
    model = GaussianHMM(
        2,
        start_init=[1.0, 0.0],
        transitions_init=np.eye(2),
        means_init=[[0.0], [9.0]],
        covariances_init=[[[1.0]], [[4.0]]],
    ).fit(X)
    assert model.means_[1, 0] == pytest.approx(9.0)
    assert model.covariances_[1, 0, 0] == pytest.approx(4.0)
    assert model.means_[0, 0] == pytest.approx(X.mean())


def test_baum_welch_finds_the_casino():
    x, z = casino_rolls(0, n=50, n_steps=150)
    model = CategoricalHMM(2, n_init=3, tol=1e-5, random_state=0).fit(x)
    order = model.probs_[:, 0, 5].argsort()
    truth = casino()
    np.testing.assert_allclose(model.probs_[order, 0], truth.probs, atol=0.03)
    np.testing.assert_allclose(
        model.transitions_[order][:, order], truth.transitions, atol=0.03
    )
    exact = CategoricalHMM.from_parameters(
        truth.start, truth.transitions, probs=truth.probs
    )
    assert model.score(x) > exact.score(x)  # it was fitted to these rolls
    assert (order.argsort()[model.predict(x)] == z).double().mean() > 0.75


def test_starts_are_as_good_as_those_of_hmmlearn():
    rng = np.random.RandomState(0)
    made = GaussianHMM.from_parameters(
        np.ones(4) / 4,
        0.8 * np.eye(4) + 0.05,
        means=1.5 * rng.randn(4, 2),
        covariances=np.stack([np.eye(2)] * 4),
    )
    X, gains = made.sample(400, random_state=0), []
    for seed in range(3):
        ours = GaussianHMM(4, n_init=2, tol=1e-4)
        ours.set_params(random_state=seed).fit(X)
        theirs = reference.GaussianHMM(
            4, covariance_type="full", n_iter=200, tol=1e-2, random_state=seed
        ).fit(X)
        gains.append(ours.score(X) - theirs.score(X))
    assert np.mean(gains) > -2  # nats for 400 steps


def test_parameters_are_counted():
    X = np.random.RandomState(0).randn(60, 3)
    for kind, free in {"full": 9, "diag": 6}.items():
        model = GaussianHMM(2, covariance_type=kind, tol=0.1).fit(X)
        assert model.n_parameters_ == 1 + 2 + 2 * free
    x = np.random.RandomState(0).randint(4, size=(60, 2))
    assert CategoricalHMM(3, tol=0.1).fit(x).n_parameters_ == 2 + 6 + 3 * 2 * 3


@pytest.mark.gpu
@pytest.mark.parametrize("emission", EMISSIONS)
@pytest.mark.parametrize("algorithm", ["scaled", "scan"])
def test_a_fit_on_the_gpu_is_the_same(emission, algorithm):
    ours, X = ours_and_data(emission, algorithm=algorithm, max_iter=5, tol=0)
    quietly(ours, X, lengths=LENGTHS)
    history = ours.history_
    quietly(ours, torch.tensor(X).cuda(), lengths=LENGTHS)
    assert ours.transitions_.is_cuda
    np.testing.assert_allclose(ours.history_.cpu(), history, rtol=1e-9)
