"""The VAE against models whose likelihood is known in closed form.

In a linear-Gaussian model, z ~ N(0, I) and x | z ~ N(W z + b, sigma^2 I), hence
x ~ N(b, W W' + sigma^2 I), and every term of the bound is quadratic in the
noise. `exact` therefore replaces the noise by points that integrate quadratic
functions without error; what remains are equalities up to rounding.
"""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from course.metrics.likelihood import (
    effective_sample_size,
    importance_weighted_bound,
)
from course.models.vae import IWAE, VAE
from course.models.vae.model import ROWS, portions
from course.nn.likelihoods import bernoulli, categorical, gaussian
from course.nn.mlp import MLP
from course.protocols import Likelihood
from course.seeding import seeded

LOG_P = Normal(0.0, math.sqrt(2)).log_prob(torch.tensor(2.0)).item()


def scalar(mu, var, kind=VAE, **options):
    """Z ~ N(0, 1), x | z ~ N(z, 1), q(z | x) = N(mu, var) for every x."""
    encoder, decoder = nn.Linear(1, 2).double(), nn.Linear(1, 1).double()
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.bias.copy_(torch.tensor([mu, math.log(var)]))
        decoder.weight.fill_(1.0)
        decoder.bias.zero_()
    options["likelihood"] = gaussian(1.0)
    return kind(encoder, decoder, 1, **options).double()


def linear(D=5, d=3, sigma=0.7, kind=VAE, **options):
    """A linear-Gaussian model with an arbitrary linear encoder."""
    encoder, decoder = nn.Linear(D, 2 * d), nn.Linear(d, D)
    options["likelihood"] = gaussian(sigma)
    return kind(encoder, decoder, d, **options).double()


def marginal(model):
    """The exact p(x) = N(b, W W' + sigma^2 I)."""
    W, b = model.decoder.weight, model.decoder.bias
    variance = model.likelihood(model.origin[None]).variance[0]
    return MultivariateNormal(b, W @ W.T + variance.diag())


def exact_posterior(model, x):
    """p(z | x) = N(S W' (x - b) / sigma^2, S), S = (I + W' W / sigma^2)^-1."""
    W, b = model.decoder.weight, model.decoder.bias
    W_scaled = W / model.likelihood(model.origin[None]).variance[0, 0]
    S = torch.linalg.inv(torch.eye(W.shape[1]).to(W) + W.T @ W_scaled)
    return MultivariateNormal((x - b) @ W_scaled @ S, S)


def to_exact_encoder(model):
    """Make q(z | x) = p(z | x); W must have orthogonal columns."""
    W, b = model.decoder.weight, model.decoder.bias
    d = W.shape[1]
    with torch.no_grad():
        bias, *weight = exact_posterior(
            model, torch.cat([b[None] * 0, torch.eye(len(b)).to(b)])
        ).mean
        S = exact_posterior(model, b).covariance_matrix
        model.encoder.weight.zero_()[:d] = (
            torch.stack(weight, 1) - bias[:, None]
        )
        model.encoder.bias.copy_(torch.cat([bias, S.diag().log()]))


@pytest.fixture
def exact(monkeypatch):
    """Replace the noise by the 2 d points +-sqrt(d) e_i; average over them.

    The function it gives evaluates a bound on x repeated for every point.
    """

    def evaluate(bound, x, d):
        unit = math.sqrt(d) * torch.eye(d).to(x)
        eps = torch.cat([unit, -unit]).repeat_interleave(len(x), 0)

        def draw(q, shape=()):
            return q.loc + q.scale * eps.expand(*shape, -1, -1)

        monkeypatch.setattr(Normal, "rsample", draw)
        value = bound(x.repeat(2 * d, 1))
        monkeypatch.undo()
        return value.unflatten(-1, (2 * d, len(x))).mean(-2)

    return evaluate


def elbo(model):
    def bound(x):
        log_p, kl = model.elbo(x)
        return log_p - kl

    return bound


def gradients(model, value):
    """The gradient with respect to all parameters, in one row."""
    grads = torch.autograd.grad(value, list(model.parameters()))
    return torch.cat([g.flatten() for g in grads])


@pytest.mark.parametrize(
    ("mu", "var", "expected"),
    [(0.0, 1.0, -3.4189), (1.0, 1.0, -2.4189), (1.0, 0.5, -2.2655)],
)
def test_errata_d1_f4_the_bound_is_not_the_likelihood(mu, var, expected, exact):
    """Log p(x) = ELBO + KL(q || p(z | x)), and the last term is not zero."""
    x = torch.full((1, 1), 2.0, dtype=torch.float64)
    bound = exact(elbo(scalar(mu, var)), x, 1).item()
    gap = kl_divergence(Normal(mu, var**0.5), Normal(1.0, 0.5**0.5)).item()
    assert bound == pytest.approx(expected, abs=1e-4)
    assert bound == pytest.approx(LOG_P - gap, abs=1e-6)


def test_the_gap_is_the_divergence_from_the_exact_posterior(exact):
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    q = model.posterior(x)
    q = MultivariateNormal(q.mean, q.variance.diag_embed())
    gap = kl_divergence(q, exact_posterior(model, x))
    log_p = marginal(model).log_prob(x)
    assert gap.min() > 0.01
    assert torch.allclose(exact(elbo(model), x, 3), log_p - gap, atol=1e-9)


def test_random_draws_estimate_the_bound(exact):
    model, x = linear(), torch.randn(1, 5, dtype=torch.float64)
    draws = elbo(model)(x.expand(20_000, -1))
    error = draws.std() / math.sqrt(len(draws))
    assert (draws.mean() - exact(elbo(model), x, 3)).abs() < 4 * error
    weights = model.log_weights(x, 20_000)
    assert (weights.mean() - draws.mean()).abs() < 8 * error


def test_weights_of_the_exact_posterior_are_constant():
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    with torch.no_grad():
        orthogonal = torch.linalg.qr(model.decoder.weight).Q
        model.decoder.weight.copy_(orthogonal * torch.tensor([3.0, 1.0, 0.2]))
    to_exact_encoder(model)
    log_w = model.log_weights(x, 10)
    log_p = marginal(model).log_prob(x)
    assert torch.allclose(log_w, log_p.expand(10, -1), atol=1e-10)
    K = torch.tensor(10.0, dtype=torch.float64)
    assert torch.allclose(effective_sample_size(log_w), K)


def test_errata_d2_q5_more_draws_tighten_the_bound():
    """Burda et al. 2016, theorem 1; the table of the errata catalogue."""
    model = scalar(0.0, 1.0)
    expected = {1: -3.4189, 5: -2.424, 50: -2.277, 1000: -2.2665}
    bounds = []
    for K, value in expected.items():
        x = torch.full((40_000 // K + 400, 1), 2.0, dtype=torch.float64)
        draws = model.iwae(x, samples=K)
        error = (draws.std() / math.sqrt(len(draws))).item()
        assert draws.mean().item() == pytest.approx(value, abs=5 * error)
        bounds.append(draws.mean().item())
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(LOG_P, abs=0.02)


def test_gradients_are_those_of_the_closed_form(exact):
    """E log p(x | z) = log N(x; W mu + b) - tr(W' W var) / 2 sigma^2."""
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    mu, log_var = model.encoder(x).chunk(2, 1)
    W, var = model.decoder.weight, log_var.exp()
    blur = (var * W.square().sum(0)).sum(1) / (2 * 0.7**2)
    fit = Normal(model.decoder(mu), 0.7).log_prob(x).sum(1)
    kl = (var + mu.square() - 1 - log_var).sum(1) / 2
    closed_form = fit - blur - kl
    bound = exact(elbo(model), x, 3)
    assert torch.allclose(bound, closed_form, atol=1e-10)
    expected = gradients(model, closed_form.mean())
    assert torch.allclose(gradients(model, bound.mean()), expected, atol=1e-10)


def test_where_the_bound_is_tight_its_gradient_is_that_of_log_p(exact):
    model, x = linear(d=1), torch.randn(8, 5, dtype=torch.float64)
    to_exact_encoder(model)
    W = model.decoder.weight
    (grad,) = torch.autograd.grad(exact(elbo(model), x, 1).mean(), W)
    (true,) = torch.autograd.grad(marginal(model).log_prob(x).mean(), W)
    assert torch.allclose(grad, true, atol=1e-10)


def test_one_importance_sample_has_the_gradient_of_the_vae(exact):
    model, x = linear(kind=IWAE, samples=1), torch.randn(8, 5).double()
    one = exact(lambda x: model.log_weights(x, 1)[0], x, 3).mean()
    expected = gradients(model, exact(elbo(model), x, 3).mean())
    assert torch.allclose(gradients(model, one), expected, atol=1e-10)


def test_the_iwae_loss_weighs_gradients_by_normalised_weights():
    """Its gradient is sum_k w~_k grad log w_k (Burda et al. 2016, sec. 3)."""
    model, x = linear(kind=IWAE, samples=4), torch.randn(8, 5).double()
    with seeded(1):
        loss = model.loss(x)["loss"]
    with seeded(1):
        log_w = model.log_weights(x, 4)
    with seeded(1):
        assert loss.item() == pytest.approx(-model.iwae(x, 4).mean().item())
    weighted = (log_w.softmax(0).detach() * log_w).sum(0).mean()
    expected = gradients(model, -weighted)
    assert torch.allclose(gradients(model, loss), expected, atol=1e-10)


def test_without_reparametrisation_the_encoder_learns_nothing():
    """Errata D1-O6 and D4-T18: `sample` cuts the graph, `rsample` does not."""
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    z = model.posterior(x).sample()
    model.likelihood(z).log_prob(x).mean().backward()
    assert all(p.grad is None for p in model.encoder.parameters())
    model.elbo(x)[0].mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.encoder.parameters())


def principal_components(d, *, sigma, n=200):
    """Data near a plane, and the best mean log-likelihood of a linear model.

    Probabilistic PCA with a known sigma (Tipping & Bishop 1999, eq. 7): the
    covariance of the data, with its small eigenvalues replaced by sigma^2.
    """
    plane = torch.linalg.qr(torch.randn(5, d).double()).Q
    x = 1 + 2 * torch.randn(n, d).double() @ plane.T + sigma * torch.randn(n, 5)
    values, U = torch.linalg.eigh(x.T.cov(correction=0))
    values[:-d] = sigma**2
    p = MultivariateNormal(x.mean(0), U @ values.diag() @ U.T)
    return x, p.log_prob(x).mean().item()


def test_training_approaches_the_maximum_likelihood_from_below(exact):
    x, best = principal_components(2, sigma=0.5)
    model = linear(d=2, sigma=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    cooling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, 500)
    bounds = []
    for step in range(501):
        optimizer.zero_grad()
        model.loss(x)["loss"].backward()
        optimizer.step()
        cooling.step()
        if step % 50 == 0:
            bounds.append(exact(elbo(model), x, 2).mean().item())
            assert bounds[-1] <= marginal(model).log_prob(x).mean() <= best
    assert bounds[0] < best - 1
    assert bounds[-1] == pytest.approx(best, abs=0.03)


def test_the_divergence_is_its_monte_carlo_estimate():
    model, x = linear(), torch.randn(4, 5, dtype=torch.float64)
    q = model.posterior(x)
    z = q.sample((50_000,))
    draws = q.log_prob(z) - model.prior.log_prob(z)
    error = draws.std(0) / math.sqrt(50_000)
    assert ((draws.mean(0) - model.elbo(x)[1]).abs() < 4 * error).all()


def test_beta_enters_the_loss_and_nothing_else():
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    values = {}
    for beta in (1.0, 4.0):
        model.beta = beta
        with seeded(0):
            values[beta] = (model.loss(x), elbo(model)(x), model.iwae(x, 3))
    (one, *bounds), (four, *same) = values[1.0], values[4.0]
    for term in ("reconstruction", "kl"):
        assert one[term] == four[term]
    assert torch.allclose(one["loss"], one["reconstruction"] + one["kl"])
    assert torch.allclose(four["loss"], one["loss"] + 3 * one["kl"])
    assert all(map(torch.equal, bounds, same))


class Twice(nn.Module):
    """Sees only half of an example, or describes each half alike."""

    def __init__(self, net, *, first):
        super().__init__()
        self.net, self.first = net, first

    def forward(self, x):
        return self.net(x[:, :5]) if self.first else self.net(x).repeat(1, 2)


def test_features_are_summed_and_examples_averaged():
    """Twice the features cost twice the nats; twice the examples do not."""
    model, x = linear(), torch.randn(8, 5, dtype=torch.float64)
    encoder = Twice(model.encoder, first=True)
    decoder = Twice(model.decoder, first=False)
    double = VAE(encoder, decoder, 3, likelihood=gaussian(0.7)).double()
    with seeded(0):
        once = model.loss(x)
    with seeded(0):
        twice = double.loss(x.repeat(1, 2))
    assert torch.allclose(twice["reconstruction"], 2 * once["reconstruction"])
    assert torch.allclose(twice["kl"], once["kl"])
    _, kl = model.elbo(x.repeat(2, 1))
    assert torch.allclose(kl.mean(), once["kl"])


def test_every_row_as_if_alone():
    model = VAE(MLP(6, 16, 4), MLP(2, 16, 6), 2).double()
    x, z = torch.rand(5, 6).double(), torch.randn(5, 2).double()
    for i in range(5):
        q, alone = model.posterior(x), model.posterior(x[i : i + 1])
        assert torch.allclose(q.mean[i], alone.mean[0], rtol=1e-12)
        assert torch.allclose(q.variance[i], alone.variance[0], rtol=1e-12)
        p, alone = model.likelihood(z), model.likelihood(z[i : i + 1])
        assert torch.allclose(p.mean[i], alone.mean[0], rtol=1e-12)


def test_many_draws_are_decoded_in_pieces():
    model, rows = linear(), []
    model.decoder.register_forward_hook(lambda *a: rows.append(len(a[2])))
    x = torch.randn(300, 5, dtype=torch.float64)
    bound = model.iwae(x, samples=100)
    assert max(rows) <= ROWS
    assert sum(rows) == 300 * 100
    assert bound.shape == (300,)
    assert not bound.requires_grad
    with seeded(0):
        log_w = model.log_weights(x, 13)
    with seeded(0):
        bound = model.iwae(x, samples=13)
    assert torch.allclose(importance_weighted_bound(log_w), bound)


def test_portions_are_all_there():
    for samples in range(1, 20):
        for at_most in range(1, 20):
            parts = portions(samples, at_most=at_most)
            assert sum(parts) == samples
            assert 1 <= min(parts) <= max(parts) <= at_most


@pytest.mark.parametrize("log_var", [-40.0, 20.0])
def test_the_divergence_pulls_extreme_variances_back(log_var):
    """Why log-variances need no clipping."""
    model, x = scalar(0.0, math.exp(log_var)), torch.ones(8, 1).double()
    loss = model.loss(x)["loss"]
    loss.backward()
    slope = model.encoder.bias.grad[1]
    assert loss.isfinite()
    assert slope.isfinite()
    assert slope * log_var > 0.4 * abs(log_var)


def test_the_likelihood_sees_pictures_and_draws_in_front():
    family = categorical(4)
    decoder = nn.Sequential(MLP(2, 16), nn.Unflatten(1, (1, 2, 2, 4)))
    encoder = nn.Sequential(nn.Flatten(), MLP(4, 8, 4))
    model = VAE(encoder, decoder, 2, likelihood=family)
    z, x = torch.randn(3, 5, 2), model.sample(5)
    p = model.likelihood(z)
    assert p.mean.shape == (3, 5, 1, 2, 2)
    expected = model.likelihood(z[2]).log_prob(x)
    assert torch.allclose(p.log_prob(x)[2], expected)


def test_samples_come_from_the_marginal():
    model = linear(D=3)
    with seeded(0):
        x = model.sample(100_000)
    p = marginal(model)
    assert torch.allclose(x.mean(0), p.mean, atol=0.02)
    assert torch.allclose(x.T.cov(), p.covariance_matrix, atol=0.02)


def test_a_bound_is_not_called_log_prob():
    assert not isinstance(linear(), Likelihood)


def test_a_wrong_width_is_refused():
    x = torch.ones(8, 6)
    with pytest.raises(
        ValueError, match=r"latent_dim\) = \(8, 4\), not \(8, 3"
    ):
        VAE(MLP(6, 3), MLP(2, 6), 2).loss(x)
    with pytest.raises(ValueError, match="or flatten x"):
        VAE(MLP(6, 4), MLP(2, 5), 2).loss(x)
    with pytest.raises(ValueError, match="binarise x"):
        VAE(MLP(6, 4), MLP(2, 6), 2, likelihood=bernoulli()).loss(x / 2)


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="at least 1 draw, not 0"):
        linear().iwae(torch.ones(1, 5).double(), samples=0)
    with pytest.raises(ValueError, match="at least 1 draw, not -1"):
        linear(kind=IWAE, samples=-1)


@pytest.mark.gpu
def test_the_gap_on_the_gpu(exact):
    model, x = linear().cuda(), torch.randn(8, 5).double().cuda()
    q = model.posterior(x)
    q = MultivariateNormal(q.mean, q.variance.diag_embed())
    gap = kl_divergence(q, exact_posterior(model, x))
    log_p = marginal(model).log_prob(x)
    assert torch.allclose(exact(elbo(model), x, 3), log_p - gap, atol=1e-9)
    assert model.sample(3).is_cuda
    assert model.iwae(x, 100).is_cuda
