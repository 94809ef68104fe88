"""The joint VAE against a model of two kinds of data that is known exactly.

With z ~ N(0, I) and x_i | z ~ N(W_i z + b_i, sigma_i^2 I), all that is seen or
missing is jointly normal. Where the columns of W_i are orthogonal, p(x_i | z)
as a function of z is a diagonal Gaussian, which an expert can be.
"""

import math
from itertools import product

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from course.models.joint_vae import (
    JointVAE,
    Modality,
    product_of_experts,
    words,
)
from course.nn.likelihoods import gaussian
from course.protocols import Likelihood
from course.seeding import seeded

M = 2
SIZES = {"a": 3, "b": 4}
SIGMAS = {"a": 0.8, "b": 0.5}
BOTH = ("a", "b")
ALL = [("a",), ("b",), BOTH]


class Averaged(JointVAE):
    """The mistake: mean and variance of experts averaged, not multiplied."""

    def product(self, experts):
        zeros = self.origin.expand_as(experts[0][0])
        mu, log_var = zip(*experts, (zeros, zeros), strict=True)
        var = torch.stack(log_var).exp().mean(0)
        return torch.distributions.Independent(
            Normal(torch.stack(mu).mean(0), var.sqrt()), 1
        )


def linear(kind=JointVAE, *, weights=None, **options):
    """A linear-Gaussian model of two kinds of data, experts arbitrary."""
    parts = {}
    for name, D in SIZES.items():
        decoder = nn.Linear(M, D).double()
        with torch.no_grad():
            Q = torch.linalg.qr(torch.randn(D, M).double()).Q
            decoder.weight.copy_(Q * torch.tensor([1.5, 0.6]))
        parts[name] = Modality(
            nn.Linear(D, 2 * M).double(),
            decoder,
            likelihood=gaussian(SIGMAS[name]),
            weight=(weights or {}).get(name, 1.0),
        )
    return kind(parts, M, **options).double()


def to_exact_experts(model):
    """Make every expert p(x | z) as a function of z."""
    for name, part in model.modalities.items():
        W, b = part.decoder.weight, part.decoder.bias
        square = W.square().sum(0)
        A = (W / square).T
        with torch.no_grad():
            part.encoder.weight.zero_()[:M] = A
            var = SIGMAS[name] ** 2 / square
            part.encoder.bias.copy_(torch.cat([-A @ b, var.log()]))
    return model


def stacked(model, names):
    """W, b and the noise's variances of these kinds, one below the other."""
    parts = [model.modalities[n].decoder for n in names]
    W = torch.cat([d.weight.detach() for d in parts])
    b = torch.cat([d.bias.detach() for d in parts])
    var = torch.cat([torch.full((SIZES[n],), SIGMAS[n] ** 2) for n in names])
    return W, b, var.double()


def marginal(model, names):
    """The exact density of these kinds together."""
    W, b, var = stacked(model, names)
    return MultivariateNormal(b, W @ W.T + var.diag())


def exact_posterior(model, x, names):
    W, b, var = stacked(model, names)
    S = torch.linalg.inv(torch.eye(M).double() + (W.T / var) @ W)
    return MultivariateNormal(((x - b) / var) @ W @ S, S)


@pytest.fixture
def data():
    return {n: torch.randn(6, D).double() for n, D in SIZES.items()}


@pytest.fixture
def exact(monkeypatch):
    """A bound with the noise replaced by +-sqrt(M) e_i, averaged."""

    def evaluate(model, observed):
        n = len(next(iter(observed.values())))
        unit = math.sqrt(M) * torch.eye(M).double()
        eps = torch.cat([unit, -unit]).repeat_interleave(n, 0)
        monkeypatch.setattr(
            Normal, "rsample", lambda q, shape=(): q.loc + q.scale * eps
        )
        many = {k: x.repeat(2 * M, 1) for k, x in observed.items()}
        log_p, kl = model.elbo(**many)
        monkeypatch.undo()
        return (sum(log_p.values()) - kl).unflatten(0, (2 * M, n)).mean(0)

    return evaluate


@pytest.mark.parametrize("experts", [1, 2, 4])
def test_the_product_is_that_of_the_densities_on_a_grid(experts):
    mu = torch.randn(experts, 1, 1).double()
    log_var = torch.randn(experts, 1, 1).double()
    grid = torch.linspace(-25, 25, 200_001, dtype=torch.float64)
    log_f = Normal(mu, (log_var / 2).exp()).log_prob(grid).sum(0).flatten()
    log_f = log_f - (log_f.logsumexp(0) + (grid[1] - grid[0]).log())
    mean, log_variance = product_of_experts(mu, log_var)
    ours = Normal(mean, (log_variance / 2).exp()).log_prob(grid).flatten()
    near = log_f > -30
    assert torch.allclose(ours[near], log_f[near], atol=1e-8)


def test_the_product_is_surer_than_each_expert_and_than_any_average():
    mu, log_var = torch.randn(2, 3, 50, M).double()
    _, together = product_of_experts(mu, log_var)
    assert (together < log_var.min(0).values).all()


def test_extreme_experts_do_not_overflow():
    mu = torch.tensor([[3.0], [5.0]])
    mean, log_var = product_of_experts(mu, torch.tensor([[-300.0], [300.0]]))
    assert (mean.item(), log_var.item()) == (3.0, -300.0)


@pytest.mark.parametrize("names", ALL, ids="+".join)
def test_with_exact_experts_every_bound_is_the_likelihood(names, data, exact):
    model = to_exact_experts(linear())
    observed = {n: data[n] for n in names}
    x = torch.cat(list(observed.values()), 1)
    q = model.posterior(**observed)
    p = exact_posterior(model, x, names)
    assert torch.allclose(q.mean, p.mean, atol=1e-10)
    assert torch.allclose(
        q.variance.diag_embed(), p.covariance_matrix, atol=1e-10
    )
    log_p = marginal(model, names).log_prob(x)
    assert torch.allclose(exact(model, observed), log_p, atol=1e-9)


@pytest.mark.parametrize("names", ALL, ids="+".join)
def test_the_gap_is_the_divergence_from_the_exact_posterior(names, data, exact):
    model = linear()
    observed = {n: data[n] for n in names}
    x = torch.cat(list(observed.values()), 1)
    q = model.posterior(**observed)
    q = MultivariateNormal(q.mean, q.variance.diag_embed())
    gap = kl_divergence(q, exact_posterior(model, x, names))
    log_p = marginal(model, names).log_prob(x)
    assert gap.min() > 0.01
    assert torch.allclose(exact(model, observed), log_p - gap, atol=1e-9)


def test_averaged_experts_lose_nats(data, exact):
    with seeded(0):
        right = to_exact_experts(linear())
    wrong = linear(Averaged)
    wrong.load_state_dict(right.state_dict())
    assert (exact(right, data) > exact(wrong, data) + 0.1).all()


def test_the_order_of_what_is_observed_does_not_matter(data):
    model = linear()
    one = model.posterior(a=data["a"], b=data["b"])
    two = model.posterior(b=data["b"], a=data["a"])
    assert torch.allclose(one.mean, two.mean)
    assert torch.allclose(one.variance, two.variance)


@pytest.mark.parametrize("subsets", [None, [BOTH], [("b",), BOTH]])
def test_the_loss_adds_the_bounds_of_the_subsets(subsets, data, monkeypatch):
    model = linear(weights={"a": 3.0}, subsets=subsets)
    monkeypatch.setattr(Normal, "rsample", lambda q, shape=(): q.loc + 0.3)
    terms = model.loss([data["a"], data["b"]])
    expected = {}
    for names in subsets or ALL:
        log_p, kl = model.elbo(**{n: data[n] for n in names})
        sums = sum({"a": 3.0, "b": 1.0}[n] * v for n, v in log_p.items())
        expected["+".join(names)] = (kl - sums).mean()
    assert terms.keys() == expected.keys() | {"loss"}
    for name, value in expected.items():
        assert torch.allclose(terms[name], value)
    assert torch.allclose(terms["loss"], sum(expected.values()))


@pytest.mark.parametrize(("given", "asked"), [("a", "b"), ("b", "a")])
def test_crossing_draws_from_the_exact_conditional(given, asked, data):
    model = to_exact_experts(linear())
    x = data[given][:1]
    V, U = (stacked(model, [name]) for name in (given, asked))
    R = U[0] @ V[0].T @ torch.linalg.inv(V[0] @ V[0].T + V[2].diag())
    mean = U[1] + (x[0] - V[1]) @ R.T
    cov = U[0] @ U[0].T + U[2].diag() - R @ (V[0] @ U[0].T)
    drawn = model.cross(**{given: x.expand(80_000, -1)})
    assert list(drawn) == [asked]
    assert torch.allclose(drawn[asked].mean(0), mean, atol=0.03)
    assert torch.allclose(drawn[asked].T.cov(), cov, atol=0.05)


def test_samples_are_joint():
    model = linear()
    drawn = model.sample(80_000)
    x, p = torch.cat([drawn["a"], drawn["b"]], 1), marginal(model, BOTH)
    assert torch.allclose(x.mean(0), p.mean, atol=0.03)
    assert torch.allclose(x.T.cov(), p.covariance_matrix, atol=0.06)
    assert p.covariance_matrix[:3, 3:].abs().max() > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_complete_pairs_do_not_determine_the_experts(seed, data, exact):
    """Moved from one expert to the other, what each knows stays in the product.

    In natural parameters (mu / var, 1 / var) the product is a sum. Add (c, d)
    to one expert, take it from the other: the bound of pairs does not notice,
    that of each kind alone does. So bounds of pairs cannot teach the experts.
    """
    with seeded(seed):
        model = to_exact_experts(linear())
        before = {n: exact(model, {k: data[k] for k in n}) for n in ALL}
        shift, c = {"a": 0.5, "b": -0.5}, torch.randn(M).double()
    for name, sign in shift.items():
        encoder = model.modalities[name].encoder
        with torch.no_grad():
            precision = (-encoder.bias[M:]).exp()
            moved = precision + sign
            scale = precision / moved
            encoder.weight[:M] *= scale[:, None]
            encoder.bias[:M] = encoder.bias[:M] * scale + 2 * sign * c / moved
            encoder.bias[M:] = -moved.log()
    after = {n: exact(model, {k: data[k] for k in n}) for n in ALL}
    assert torch.allclose(after[BOTH], before[BOTH], atol=1e-9)
    assert (after[("a",)] < before[("a",)] - 1e-3).all()
    assert (after[("b",)] < before[("b",)] - 1e-3).all()


def test_texts_have_probabilities_that_sum_to_one():
    p = words(3)(torch.randn(1, 2, 3))
    texts = torch.tensor(list(product(range(3), repeat=2)))
    total = p.log_prob(texts).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-6)
    assert p.sample().dtype == torch.int64


@pytest.mark.parametrize("asked", [{}, {"c": torch.zeros(1, 3)}])
def test_what_is_no_modality_is_refused(asked):
    with pytest.raises(ValueError, match="at least one of"):
        linear().cross(**asked)


def test_wrong_plans_are_refused(data):
    with pytest.raises(ValueError, match="at least one of"):
        linear(subsets=[("a", "c")])
    model = linear()
    model.modalities["a"].encoder = nn.Linear(3, M).double()
    with pytest.raises(ValueError, match="encoder of 'a'"):
        model.posterior(a=data["a"])


def test_a_bound_is_not_called_log_prob():
    assert not isinstance(linear(), Likelihood)
