"""Hidden Markov models against the enumeration of all paths, and hmmlearn."""

import itertools

import numpy as np
import pytest
import torch
from hmmlearn import hmm as reference
from scipy.stats import multivariate_normal, norm

from course.models.hmm import CategoricalHMM, GaussianHMM
from course.models.hmm import scan as scan_module
from course.models.hmm.layout import SideBySide
from course.models.hmm.scaled import Scaled
from course.models.hmm.scan import Scan, prefix

K, C, T = 3, 4, 5
both = pytest.mark.parametrize("algorithm", ["scaled", "scan"])
CPU = torch.device("cpu")


def symbols(seed=0, zeros=False, **options):
    """A random model of symbols, some of whose transitions are forbidden."""
    rng = np.random.RandomState(seed)
    pi, A = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), K)
    if zeros:
        pi, A = np.array([1.0, 0, 0]), np.triu(A)
        A /= A.sum(1, keepdims=True)
    rho = rng.dirichlet(np.ones(C), K)
    return CategoricalHMM.from_parameters(pi, A, probs=rho, **options)


def signals(kind="full", seed=0):
    """A random model of plane vectors."""
    rng = np.random.RandomState(seed)
    Sigma = np.stack([np.eye(2) + 0.6 * np.eye(2)[::-1]] * K)
    if kind == "diag":
        Sigma = rng.rand(K, 2) + 0.5
    return GaussianHMM.from_parameters(
        rng.dirichlet(np.ones(K)),
        rng.dirichlet(np.ones(K), K),
        means=2 * rng.randn(K, 2),
        covariances=Sigma,
    )


def emitted(model, x):
    """p(x_t | z_t = k), shape (T, K), by another library or a look-up."""
    if isinstance(model, CategoricalHMM):
        return model.probs_[:, 0, x[:, 0].astype(int)].T
    if model.covariance_type == "diag":
        sd = np.sqrt(model.covariances_)
        return norm(model.means_, sd).pdf(x[:, None]).prod(-1)
    both_ = zip(model.means_, model.covariances_, strict=True)
    return np.stack([multivariate_normal(m, S).pdf(x) for m, S in both_], 1)


def enumerate_paths(model, x):
    """All paths, shape (K^T, T), and p(x, z) of each: the definition."""
    b = emitted(model, x)
    z = np.array(list(itertools.product(range(K), repeat=len(x))))
    p = model.start_[z[:, 0]] * b[0, z[:, 0]]
    for t in range(1, len(x)):
        p = p * model.transitions_[z[:, t - 1], z[:, t]] * b[t, z[:, t]]
    return z, p


MODELS = {
    "symbols": symbols(),
    "forbidden": symbols(zeros=True),
    "full": signals(),
    "diag": signals("diag"),
}
models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@both
@models
def test_every_answer_is_that_of_all_paths(model, algorithm):
    model.set_params(algorithm=algorithm)
    X = model.sample(T, 7, random_state=1)
    log_p, r = model.score_samples(X), model.predict_proba(X)
    value, best = model.decode(X)
    for n, x in enumerate(X):
        z, p = enumerate_paths(model, x)
        posterior = [
            [p[z[:, t] == k].sum() for k in range(K)] for t in range(T)
        ]
        assert log_p[n] == pytest.approx(np.log(p.sum()), abs=1e-10)
        np.testing.assert_allclose(r[n], posterior / p.sum(), atol=1e-10)
        assert value[n] == pytest.approx(np.log(p.max()), abs=1e-10)
        assert (best[n] == z[p.argmax()]).all()
    assert model.score(X) == pytest.approx(log_p.mean())
    assert (model.predict(X) == best).all()


@both
def test_expected_counts_are_those_of_all_paths(algorithm):
    model = symbols(3)
    X = model.sample(T, 4, random_state=0)
    lengths = (T,) * 4
    chains = (Scaled if algorithm == "scaled" else Scan)(lengths, CPU)
    log_b = np.log(np.concatenate([emitted(model, x) for x in X]))
    log_b = torch.from_numpy(log_b)[None, chains.rows]
    pi, A = (
        torch.from_numpy(p)[None] for p in (model.start_, model.transitions_)
    )
    e = chains.posterior(log_b, pi, A)
    first, pairs = np.zeros(K), np.zeros((K, K))
    for x in X:
        z, p = enumerate_paths(model, x)
        p = p / p.sum()
        first += [p[z[:, 0] == k].sum() for k in range(K)]
        for t, i, j in itertools.product(range(1, T), range(K), range(K)):
            pairs[i, j] += p[(z[:, t - 1] == i) & (z[:, t] == j)].sum()
    np.testing.assert_allclose(e.first[0], first, atol=1e-10)
    np.testing.assert_allclose(e.pairs[0], pairs, atol=1e-10)


def test_probabilities_of_all_sequences_sum_to_one():
    X = np.array(list(itertools.product(range(C), repeat=4)))[..., None]
    for zeros in (False, True):
        total = np.exp(symbols(1, zeros=zeros).score_samples(X)).sum()
        assert total == pytest.approx(1, abs=1e-12)


def test_a_density_integrates_to_one():
    model = GaussianHMM.from_parameters(
        [0.3, 0.7],
        [[0.9, 0.1], [0.4, 0.6]],
        means=[[-1.0], [1.0]],
        covariances=[[0.5], [2.0]],
    )
    axis = np.linspace(-12, 12, 241)
    X = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2, 1)
    cell = (axis[1] - axis[0]) ** 2
    assert np.exp(model.score_samples(X)).sum() * cell == pytest.approx(1)


def test_symbols_with_two_columns_multiply():
    rng = np.random.RandomState(0)
    rho = rng.dirichlet(np.ones(3), (2, 2))
    pi, A = [0.4, 0.6], [[0.8, 0.2], [0.3, 0.7]]
    model = CategoricalHMM.from_parameters(pi, A, probs=rho)
    # the pairs of symbols are one alphabet of nine
    joint = (rho[:, 0, :, None] * rho[:, 1, None]).reshape(2, 9)
    flat = CategoricalHMM.from_parameters(pi, A, probs=joint)
    X = rng.randint(3, size=(4, 6, 2))
    single = (3 * X[..., :1] + X[..., 1:]).astype(float)
    np.testing.assert_allclose(
        model.score_samples(X), flat.score_samples(single), rtol=1e-12
    )


def theirs_like(model):
    """Hmmlearn's model with the same parameters."""
    if isinstance(model, CategoricalHMM):
        theirs = reference.CategoricalHMM(K)
        theirs.emissionprob_ = model.probs_[:, 0]
    else:
        kind = model.covariance_type
        theirs = reference.GaussianHMM(K, covariance_type=kind)
        theirs.means_, theirs.covars_ = model.means_, model.covariances_
    theirs.startprob_, theirs.transmat_ = model.start_, model.transitions_
    return theirs


@both
@models
def test_hmmlearn_agrees(model, algorithm):
    model.set_params(algorithm=algorithm)
    lengths = [7, 1, 30, 12]
    X = model.sample(sum(lengths), random_state=2)
    theirs = theirs_like(model)
    if isinstance(model, CategoricalHMM) and (model.start_ == 0).any():
        X = np.concatenate([model.sample(n, random_state=n) for n in lengths])
        theirs.implementation = "scaling"
    log_p, r = theirs.score_samples(X, lengths)
    ours = model.score_samples(X, lengths=lengths)
    assert ours.sum() == pytest.approx(log_p, rel=1e-12)
    np.testing.assert_allclose(
        model.predict_proba(X, lengths=lengths), r, atol=1e-10
    )
    value, _ = theirs.decode(X, lengths)
    path, _ = model.decode(X, lengths=lengths)
    assert path.sum() == pytest.approx(value, rel=1e-12)


# -- long and hard sequences ---------------------------------------------------


def test_a_hundred_thousand_steps_do_not_underflow():
    """Where all rows of A are pi, steps are independent: a closed form."""
    pi = np.array([0.3, 0.7])
    rho = np.array([[0.9, 0.1], [0.2, 0.8]])
    model = CategoricalHMM.from_parameters(pi, [pi, pi], probs=rho)
    X = model.sample(100_000, random_state=0)
    truth = np.log(pi @ rho)[X[:, 0]].sum()
    step = np.prod((pi @ rho)[X[:, 0]])
    assert step == 0.0  # the product itself underflows
    for algorithm in ("scan", "scaled"):
        model.set_params(algorithm=algorithm)
        assert model.score(X) == pytest.approx(truth, rel=1e-12)


def test_the_scan_is_the_recursion_on_long_sequences(monkeypatch):
    model = symbols(5)
    X = model.sample(3000, random_state=0)
    parts = [X[:1], X[1:1000], X[1000:]]
    model.set_params(algorithm="scaled")
    log_p, r = model.score_samples(parts), model.predict_proba(parts)
    value = model.decode(parts)[0]
    model.set_params(algorithm="scan")
    for block in (2**20, 1000):  # all at once, or in blocks with a carry
        monkeypatch.setattr(scan_module, "BLOCK", block)
        np.testing.assert_allclose(model.score_samples(parts), log_p, 1e-12)
        np.testing.assert_allclose(model.decode(parts)[0], value, 1e-12)
        for a, b in zip(model.predict_proba(parts), r, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)


def test_a_prefix_takes_logarithmically_many_rounds():
    rounds = []

    def op(p, q):
        rounds.append(p[0].shape[1])
        return (p[0] @ q[0],)

    M = torch.randn(1, 1000, 2, 2, dtype=torch.float64) / 2
    (P,) = prefix(op, M)
    one_by_one = list(itertools.accumulate(M[0], torch.matmul))
    torch.testing.assert_close(P[0], torch.stack(one_by_one))
    assert len(rounds) <= 2 * 10
    assert sum(rounds) <= 2 * 1000


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 9])
def test_a_prefix_of_any_length(n):
    x = torch.arange(1, n + 1)[None]
    (sums,) = prefix(lambda p, q: (p[0] + q[0],), x)
    assert torch.equal(sums, x.cumsum(1))


def test_a_state_that_seemed_lost_comes_back():
    """Two chains that never meet: one wins early, the other in the end."""
    rho = np.array([[0.999, 0.001], [0.001, 0.999]])
    model = CategoricalHMM.from_parameters([0.5, 0.5], np.eye(2), probs=rho)
    x = np.repeat([0, 1], [400, 900])[:, None]
    truth = np.log(rho)[:, x[:, 0]].sum(1) + np.log(0.5)
    for algorithm in ("scaled", "scan"):
        model.set_params(algorithm=algorithm)
        expected = np.logaddexp(*truth)
        assert model.score(x) == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(model.predict_proba(x)[:, 1], 1)
        assert (model.predict(x) == 1).all()


@both
def test_a_state_out_of_reach_stays_out(algorithm):
    """However much better it would explain the data."""
    rho = np.array([[0.999, 0.001], [0.001, 0.999]])
    model = CategoricalHMM.from_parameters([1.0, 0.0], np.eye(2), probs=rho)
    model.set_params(algorithm=algorithm)
    x = np.ones((400, 1), int)
    assert (model.predict_proba(x) == [1, 0]).all()
    assert model.score(x) == pytest.approx(400 * np.log(0.001), rel=1e-12)


@both
def test_emissions_far_below_the_number_range(algorithm):
    """A start that is forced, and a step 60 deviations from it."""
    model = GaussianHMM.from_parameters(
        [1.0, 0.0],
        [[0.5, 0.5], [0.0, 1.0]],
        means=[[0.0], [60.0]],
        covariances=[[1.0], [1.0]],
    )
    model.set_params(algorithm=algorithm)
    x = np.array([[60.0], [60.0]])
    b = norm([0, 60], 1).logpdf(x)
    truth = b[0, 0] + np.log(0.5) + b[1, 1]
    assert truth < -1800
    assert model.score(x) == pytest.approx(truth, rel=1e-12)
    assert model.predict(x).tolist() == [0, 1]


@both
def test_impossible_sequences_are_named(algorithm):
    model = CategoricalHMM.from_parameters(
        [1.0, 0.0], [[1.0, 0.0], [0.5, 0.5]], probs=[[1.0, 0.0], [0.5, 0.5]]
    )
    model.set_params(algorithm=algorithm)
    good, bad = np.array([[0], [0]]), np.array([[0], [1]])
    scores = model.score_samples([good, bad, good])
    assert scores.tolist() == [0.0, -np.inf, 0.0]  # the others do not suffer
    for method in (model.predict_proba, model.predict):
        with pytest.raises(ValueError, match=r"sequences \[1\] are impossible"):
            method([good, bad, good])


def test_side_by_side_pads_nothing():
    layout = SideBySide((2, 5, 1, 5), CPU)
    assert layout.alive == [4, 3, 2, 2, 2]
    assert sorted(layout.rows.tolist()) == list(range(13))
    assert layout.rows[:4].tolist() == [2, 8, 0, 7]  # first steps, by length
    t = torch.arange(13) - layout.begin[layout.sequence[layout.rows.argsort()]]
    ahead = layout.rows[4:] - layout.rows[layout.before]
    assert (ahead == 1).all()
    assert (t >= 0).all()


# -- samples -------------------------------------------------------------------


def test_samples_have_the_frequencies_of_the_chain():
    model = symbols(2)
    x, z = model.sample(50, 4000, random_state=0, return_states=True)
    assert x.shape == (4000, 50, 1)
    assert z.shape == (4000, 50)
    first = np.bincount(z[:, 0], minlength=K) / 4000
    np.testing.assert_allclose(first, model.start_, atol=0.03)
    pairs = np.zeros((K, K))
    np.add.at(pairs, (z[:, :-1], z[:, 1:]), 1)
    pairs /= pairs.sum(1, keepdims=True)
    np.testing.assert_allclose(pairs, model.transitions_, atol=0.01)
    shown = np.zeros((K, C))
    np.add.at(shown, (z, x[..., 0]), 1)
    shown /= shown.sum(1, keepdims=True)
    np.testing.assert_allclose(shown, model.probs_[:, 0], atol=0.01)


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_samples_have_the_moments_of_the_states(kind):
    model = signals(kind)
    x, z = model.sample(30_000, random_state=0, return_states=True)
    assert x.shape == (30_000, 2)
    for k in range(K):
        mine = x[z == k]
        Sigma = model.covariances_[k]
        Sigma = np.diag(Sigma) if kind == "diag" else Sigma
        tolerance = 6 / np.sqrt(len(mine))
        np.testing.assert_allclose(
            mine.mean(0), model.means_[k], atol=tolerance
        )
        np.testing.assert_allclose(np.cov(mine.T), Sigma, atol=2 * tolerance)


def test_samples_differ_unless_the_seed_is_given():
    model = signals()
    assert not np.array_equal(model.sample(5), model.sample(5))
    seeded = [model.sample(5, 2, random_state=1) for _ in range(2)]
    assert np.array_equal(*seeded)


@pytest.mark.gpu
@both
def test_the_gpu_gives_the_same_answers(algorithm):
    for model in MODELS.values():
        model.set_params(algorithm=algorithm)
        X = model.sample(50, 5, random_state=0).astype(float)
        x = torch.tensor(X).cuda()
        for method in ("score_samples", "predict_proba"):
            there, here = getattr(model, method)(x), getattr(model, method)(X)
            assert there.is_cuda
            np.testing.assert_allclose(there.cpu(), here, atol=1e-10)
        assert model.decode(x)[1].is_cuda
