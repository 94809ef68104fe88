"""Recommenders against counting, loops, least squares and distributions."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch.distributions import Multinomial
from torch.utils.data import DataLoader

from benchmarks import recommendation as benchmark
from course.data import PlantedTastes, hold_out
from course.metrics.ranking import recall_at_k
from course.models.recommender import (
    ImplicitALS,
    ItemKNN,
    MultVAE,
    Popularity,
)
from course.models.recommender import als as package
from course.models.recommender.base import best_unseen
from course.seeding import seeded
from course.training import Turn, train

CLASSICAL = [Popularity(), ItemKNN(), ImplicitALS(3, max_iter=5)]


@pytest.fixture(scope="module")
def x():
    """Counts: how often 30 users took each of 12 items."""
    rng = np.random.RandomState(0)
    return rng.poisson(rng.rand(30, 12)).astype(float)


@parametrize_with_checks(CLASSICAL)
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.parametrize("model", CLASSICAL)
def test_a_user_is_scored_as_if_alone_and_the_border_keeps_the_kind(model, x):
    model.set_params(
        **{"random_state": 0} if "n_components" in vars(model) else {}
    )
    before = x.copy()
    scores = model.fit(x).scores(x)
    assert scores.shape == x.shape
    alone = np.concatenate([model.scores(row[None]) for row in x])
    np.testing.assert_allclose(scores, alone, rtol=1e-10, atol=1e-12)
    there = model.fit(torch.tensor(x)).scores(torch.tensor(x))
    assert isinstance(there, torch.Tensor)
    np.testing.assert_allclose(there.numpy(), scores, rtol=1e-10, atol=1e-12)
    assert isinstance(model.recommend(torch.tensor(x), 2), torch.Tensor)
    assert np.array_equal(x, before)


@pytest.mark.gpu
@pytest.mark.parametrize("model", CLASSICAL)
def test_it_follows_its_input(model, x):
    there = model.fit(torch.tensor(x).cuda()).scores(torch.tensor(x).cuda())
    assert there.is_cuda
    if not isinstance(model, ImplicitALS) or model.random_state is not None:
        here = model.fit(x).scores(x)
        np.testing.assert_allclose(there.cpu().numpy(), here, rtol=1e-8)


def test_popularity_counts(x):
    model = Popularity().fit(x)
    assert np.array_equal(model.counts_, x.sum(axis=0))
    assert np.array_equal(model.scores(x[:3]), [x.sum(axis=0)] * 3)


def test_recommendations_are_the_best_unseen_in_order():
    scores = torch.tensor([[5.0, 4, 3, 2], [1, 1, 2, 1]])
    seen = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    assert best_unseen(scores, seen, 3).tolist() == [[1, 2, 3], [2, 0, 1]]
    with pytest.raises(ValueError, match="from 1 to 3"):
        best_unseen(scores, seen, 4)
    with pytest.raises(ValueError, match="not 0"):
        best_unseen(scores, seen, 0)


def test_ties_go_to_the_lower_number():
    """A sort without a rule for ties would make pages differ."""
    flat = Popularity().fit(np.ones((2, 50)))
    assert flat.recommend(np.zeros((1, 50)), 7).tolist() == [[*range(7)]]


@pytest.mark.parametrize("model", CLASSICAL)
def test_negative_interactions_are_refused(model):
    with pytest.raises(ValueError, match=r"set a threshold"):
        model.fit(np.array([[1.0, -2.0], [0.0, 1.0]]))


@pytest.mark.parametrize("k", [1, 3, 50, None])
def test_item_knn_is_the_double_loop(x, k):
    D = x.shape[1]
    S = cosine_similarity(x.T)
    np.fill_diagonal(S, 0)
    expected = np.zeros_like(x)
    for j in range(D):
        near = sorted(range(D), key=lambda i: (-S[i, j], i))[: k or D]
        for n in range(len(x)):
            expected[n, j] = sum(x[n, i] * S[i, j] for i in near)
    model = ItemKNN(k).fit(x)
    np.testing.assert_allclose(model.scores(x), expected, atol=1e-12)
    assert ((model.similarity_ != 0).sum(axis=0) <= (k or D)).all()
    assert np.array_equal(np.diag(model.similarity_), np.zeros(D))


def test_shrinking_lowers_the_resemblance_of_rare_items():
    x = np.array([[1, 1, 1, 1]] + [[0, 0, 1, 1]] * 8, dtype=float)
    plain, shrunk = (ItemKNN(shrink=s).fit(x).similarity_ for s in (0, 3))
    assert plain[0, 1] == pytest.approx(1)
    assert plain[2, 3] == pytest.approx(1)
    assert shrunk[0, 1] == pytest.approx(1 / 4)
    assert shrunk[2, 3] == pytest.approx(9 / 12)


def test_an_item_that_nobody_took_resembles_nothing():
    x = np.array([[1.0, 0, 1], [1, 0, 0]])
    S = ItemKNN().fit(x).similarity_
    assert np.array_equal(S[1], np.zeros(3))
    assert np.isfinite(S).all()


def test_options_of_knn_are_checked(x):
    with pytest.raises(ValueError, match="n_neighbors"):
        ItemKNN(0).fit(x)
    with pytest.raises(ValueError, match="n_neighbors"):
        ItemKNN(1.5).fit(x)
    with pytest.raises(ValueError, match="shrink"):
        ItemKNN(shrink=-1).fit(x)


def test_als_solves_a_weighted_ridge_regression_for_each_user(x):
    rng = np.random.RandomState(1)
    W, alpha, penalty = rng.randn(12, 4), 3.0, 0.7
    Z = package.solve(
        torch.tensor(x), torch.tensor(W), alpha=alpha, penalty=penalty
    )
    for row, z in zip(x, Z.numpy(), strict=True):
        root = np.sqrt(1 + alpha * row)
        A = np.vstack([root[:, None] * W, np.sqrt(penalty) * np.eye(4)])
        b = np.concatenate([root * (row > 0), np.zeros(4)])
        by_numpy = np.linalg.lstsq(A, b, rcond=None)[0]
        np.testing.assert_allclose(z, by_numpy, atol=1e-10)


def test_the_objective_is_the_sum_of_its_formula(x):
    rng = np.random.RandomState(1)
    Z, W = rng.randn(30, 4), rng.randn(12, 4)
    expected = 0.5 * (np.square(Z).sum() + np.square(W).sum())
    for n in range(30):
        for d in range(12):
            error = float(x[n, d] > 0) - Z[n] @ W[d]
            expected += (1 + 2 * x[n, d]) * error**2
    J = package.objective(*map(torch.tensor, (x, Z, W)), alpha=2.0, penalty=0.5)
    assert J.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_als_never_goes_up(x, seed):
    """Not in a sweep, and not in the half of one."""
    options = {"alpha": 5.0, "penalty": 0.3}
    t, rng = torch.tensor(x), np.random.RandomState(seed)
    Z, W = torch.tensor(rng.randn(30, 3)), torch.tensor(rng.randn(12, 3))
    J = [package.objective(t, Z, W, **options)]
    for _ in range(10):
        Z = package.solve(t, W, **options)
        J.append(package.objective(t, Z, W, **options))
        W = package.solve(t.T, Z, **options)
        J.append(package.objective(t, Z, W, **options))
    J = torch.stack(J)
    assert (J.diff() < 1e-9).all()
    assert J[-1] < 0.9 * J[0]
    history = ImplicitALS(3, tol=0.0, random_state=seed).fit(x).history_
    assert (np.diff(history) < 1e-9).all()


def test_at_the_end_all_derivatives_vanish(x):
    model = ImplicitALS(3, alpha=4, penalty=0.5, tol=0.0, max_iter=3000)
    model.set_params(random_state=0).fit(x)
    Z, W = (
        torch.tensor(f, requires_grad=True)
        for f in (model.user_factors_, model.item_factors_)
    )
    J = package.objective(torch.tensor(x), Z, W, alpha=4.0, penalty=0.5)
    J.backward()
    assert J.item() == pytest.approx(model.history_[-1], rel=1e-12)
    assert max(Z.grad.abs().max(), W.grad.abs().max()) < 1e-6
    np.testing.assert_allclose(
        model.scores(x), model.user_factors_ @ model.item_factors_.T, atol=1e-6
    )
    np.testing.assert_allclose(model.factors(x), model.user_factors_, atol=1e-6)


def test_als_stops_when_it_has_settled(x):
    model = ImplicitALS(3, max_iter=500, random_state=0).fit(x)
    assert model.n_iter_ == len(model.history_) < 500
    last, before = model.history_[-1], model.history_[-2]
    assert before - last <= 1e-4 * before
    assert np.all(-np.diff(model.history_[:-1]) > 1e-4 * model.history_[:-2])


def test_copies_of_all_users_are_a_smaller_penalty():
    """R copies of every user equal penalty / sqrt(R), up to the scale."""
    x, _ = PlantedTastes(40, 2, mean=8).sample(60, seed=0)
    options = {"tol": 0.0, "max_iter": 500, "random_state": 0}
    many = ImplicitALS(2, penalty=6.0, **options).fit(np.tile(x, (4, 1)))
    weak = ImplicitALS(2, penalty=3.0, **options).fit(x)
    np.testing.assert_allclose(
        many.user_factors_[:60] @ many.item_factors_.T,
        weak.user_factors_ @ weak.item_factors_.T,
        atol=1e-5,
    )
    strong = ImplicitALS(2, penalty=6.0, **options).fit(x)
    assert abs(strong.scores(x) - weak.scores(x)).max() > 0.01


@pytest.mark.parametrize(
    "option",
    [
        {"n_components": 0},
        {"max_iter": 0},
        {"penalty": 0.0},
        {"penalty": -1.0},
        {"alpha": -1.0},
        {"tol": float("nan")},
    ],
)
def test_options_of_als_are_checked(x, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        ImplicitALS(**option).fit(x)


def test_als_finds_planted_tastes():
    """Below the truth, above kNN, which is above popularity, each time."""
    tastes = PlantedTastes(120, 3, mean=15)
    for seed in range(3):
        x, probs = tastes.sample(300, seed=seed)
        seen, held = hold_out(x, seed=seed)
        models = (
            Popularity(),
            ItemKNN(),
            ImplicitALS(4, penalty=20, random_state=seed),
        )
        scores = [m.fit(seen).scores(seen) for m in models] + [probs]
        pop, knn, als, truth = (
            recall_at_k(s, held, seen=seen).mean() for s in scores
        )
        assert pop + 0.05 < knn < als + 0.02
        assert als < truth - 0.03


@pytest.fixture
def vae():
    with seeded(0):
        return MultVAE(6, 2, hidden=8, dropout=0.0, total=7)


def users():
    return torch.tensor([[1.0, 0, 1, 1, 0, 0], [0, 2, 0, 0, 1, 0]])


def test_the_multinomial_is_that_of_torch_up_to_its_coefficient(vae):
    x, z = users(), torch.tensor([[0.5, -1.0], [0.1, 2.0]])
    log_rho = vae.log_rho(z)
    assert torch.allclose(log_rho.exp().sum(dim=1), torch.ones(2))
    for row, logits in zip(x, log_rho, strict=True):
        n = int(row.sum())
        coefficient = math.lgamma(n + 1) - sum(
            math.lgamma(c + 1) for c in row.tolist()
        )
        whole = Multinomial(n, logits=logits).log_prob(row)
        assert (row @ logits).item() == pytest.approx(
            whole.item() - coefficient, abs=1e-5
        )


def test_the_loss_is_the_bound_by_formula(vae):
    x = users()
    with seeded(3):
        log_p, kl = vae.elbo(x)
    with seeded(3):
        mu, log_var = vae.encoder(x / x.norm(dim=1, keepdim=True)).chunk(2, 1)
        eps = torch.randn(2, 2)
        z = mu + (log_var / 2).exp() * eps
    by_hand = (mu**2 + log_var.exp() - log_var - 1).sum(dim=1) / 2
    assert torch.allclose(kl, by_hand, atol=1e-6)
    assert torch.allclose(
        log_p, (x * vae.decoder(z).log_softmax(1)).sum(1), atol=1e-5
    )
    vae.beta = 0.3
    with seeded(3):
        loss = vae.loss(x)
    assert torch.allclose(loss["loss"], (0.3 * kl - log_p).mean(), atol=1e-5)
    assert torch.allclose(loss["reconstruction"], -log_p.mean(), atol=1e-5)
    assert torch.allclose(loss["kl"], kl.mean(), atol=1e-6)


def test_the_bound_is_below_the_log_probability(vae):
    """Log p(x) by Monte Carlo over the prior, for one user."""
    x = users()[:1]
    with seeded(0), torch.no_grad():
        z = vae.prior.sample((20_000,))
        log_p = (vae.log_rho(z) @ x[0]).logsumexp(0) - math.log(20_000)
        terms = vae.elbo(x.expand(20_000, -1))
        bound = (terms[0] - terms[1]).mean()
    assert bound < log_p + 1e-3


def test_scores_have_no_dice_and_recommendations_no_seen_items():
    with seeded(0):
        vae = MultVAE(30, 2, dropout=0.9)
        x = torch.bernoulli(torch.full((5, 30), 0.3))
    assert torch.equal(vae.scores(x), vae.scores(x))
    assert vae.training
    chosen = vae.recommend(x, 4)
    assert chosen.shape == (5, 4)
    assert x.gather(1, chosen).sum() == 0
    vae.eval()
    vae.scores(x)
    assert not vae.training


def test_drawn_users_have_so_many_items(vae):
    with seeded(0):
        x = vae.sample(400)
        z = vae.prior.sample((100_000,))
    assert x.shape == (400, 6)
    assert torch.equal(x.sum(dim=1), torch.full((400,), 7.0))
    shares = vae.log_rho(z).exp().mean(dim=0)
    assert torch.allclose(x.mean(dim=0) / 7, shares, atol=0.04)
    with pytest.raises(ValueError, match="total"):
        MultVAE(6, 2, total=0)


def test_a_trained_mult_vae_beats_popularity():
    tastes = PlantedTastes(120, 3, mean=15)
    x, _ = tastes.sample(300, seed=0)
    seen, held = hold_out(x, seed=0)
    rows = torch.tensor(seen, dtype=torch.float32)
    with seeded(0):
        vae = MultVAE(120, 8)
        loader = DataLoader(rows, batch_size=100, shuffle=True)
        turns = [Turn("loss", torch.optim.Adam(vae.parameters(), lr=3e-3))]
        for step in train(vae, loader, turns, steps=100):
            vae.beta = min(0.2, step.number / 250)
    popular = Popularity().fit(seen).scores(seen)
    ours, theirs = (
        recall_at_k(s, held, seen=seen).mean()
        for s in (vae.scores(rows), popular)
    )
    assert ours > theirs + 0.05


def test_the_benchmark_compares_equal_answers(monkeypatch):
    found = benchmark.sweep(N=60, D=30, M=3, repeats=1)
    assert found["difference"] < 1e-12
    assert found["course"]["cpu_ratio"]["median"] > 0
    monkeypatch.setattr(benchmark, "batched", lambda x, W: x @ W)
    with pytest.raises(ValueError, match="factors differ"):
        benchmark.sweep(N=60, D=30, M=3, repeats=1)


def test_the_benchmark_makes_its_table(monkeypatch):
    monkeypatch.setattr(benchmark, "SEEDS", range(2))
    found = benchmark.planted(N=60, steps=2)
    assert found["seeds"] == 2
    recall = {
        name: found[name]["recall"]["mean"]
        for name in ("popularity", "item-knn", "als", "mult-vae", "oracle")
    }
    assert max(recall, key=recall.get) == "oracle"
