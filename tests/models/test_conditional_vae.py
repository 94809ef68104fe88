"""The conditional VAE against models whose p(x | y) is known in closed form.

With z ~ N(0, I) and x | z, y ~ N(W z + U e_y + b, sigma^2 I) every class has
x | y ~ N(U e_y + b, W W' + sigma^2 I). The fixture `exact` replaces the noise
by points that integrate quadratic functions without error.
"""

import math

import pytest
import torch
from torch import nn
from torch.distributions import (
    Independent,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from course.models.conditional_vae import ConditionalVAE
from course.nn.likelihoods import gaussian
from course.protocols import Likelihood
from course.seeding import seeded

D, M, C, SIGMA = 5, 2, 3, 0.7


class Shifted(ConditionalVAE):
    """A prior with a mean for each class."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.means = nn.Parameter(torch.randn(self.classes, len(self.origin)))

    def prior(self, y):
        return Independent(Normal(self.means[y], 1.0), 1)


def linear(kind=ConditionalVAE):
    """A linear-Gaussian model with an arbitrary encoder."""
    encoder, decoder = nn.Linear(D + C, 2 * M), nn.Linear(M + C, D)
    with torch.no_grad():  # orthogonal columns: the posterior is diagonal
        Q = torch.linalg.qr(torch.randn(D, M)).Q
        decoder.weight[:, :M] = Q * torch.tensor([2.0, 0.5])
        decoder.weight[:, M:] = 2 * torch.randn(D, C)
    family = gaussian(SIGMA)
    return kind(encoder, decoder, M, classes=C, likelihood=family).double()


def pieces(model):
    """The matrices W and U and the vector b of the decoder."""
    weight = model.decoder.weight.detach()
    return weight[:, :M], weight[:, M:], model.decoder.bias.detach()


def marginal(model, y):
    """The exact p(x | y)."""
    W, U, b = pieces(model)
    mean = U.T[y] + b + model.prior(y).mean.detach() @ W.T
    covariance = W @ W.T + SIGMA**2 * torch.eye(D).double()
    return MultivariateNormal(mean, covariance)


def exact_posterior(model, x, y):
    """The exact p(z | x, y) under a prior N(m_y, I)."""
    W, U, b = pieces(model)
    m = model.prior(y).mean.detach()
    S = torch.linalg.inv(torch.eye(M).double() + W.T @ W / SIGMA**2)
    mean = m + (x - U.T[y] - b - m @ W.T) @ W / SIGMA**2 @ S
    return MultivariateNormal(mean, S)


def to_exact_encoder(model):
    """Make q(z | x, y) = p(z | x, y), with the standard normal prior."""
    W, U, b = pieces(model)
    S = torch.linalg.inv(torch.eye(M).double() + W.T @ W / SIGMA**2)
    A = S @ W.T / SIGMA**2
    with torch.no_grad():
        model.encoder.weight.zero_()[:M] = torch.cat([A, -A @ U], 1)
        model.encoder.bias.copy_(torch.cat([-A @ b, S.diag().log()]))


@pytest.fixture
def pair():
    return torch.randn(8, D).double(), torch.randint(C, (8,))


@pytest.fixture
def exact(monkeypatch):
    """Evaluate a bound with the noise replaced by +-sqrt(M) e_i, averaged."""

    def evaluate(bound, x, y):
        unit = math.sqrt(M) * torch.eye(M).to(x)
        eps = torch.cat([unit, -unit]).repeat_interleave(len(x), 0)

        def draw(q, shape=()):
            return q.loc + q.scale * eps.expand(*shape, -1, -1)

        monkeypatch.setattr(Normal, "rsample", draw)
        value = bound(x.repeat(2 * M, 1), y.repeat(2 * M))
        monkeypatch.undo()
        return value.unflatten(0, (2 * M, len(x))).mean(0)

    return evaluate


def elbo(model):
    def bound(x, y):
        log_p, kl = model.elbo(x, y)
        return log_p - kl

    return bound


@pytest.mark.parametrize("kind", [ConditionalVAE, Shifted])
def test_the_gap_is_the_divergence_from_the_exact_posterior(kind, pair, exact):
    model = linear(kind)
    q = model.posterior(*pair)
    q = MultivariateNormal(q.mean, q.variance.diag_embed())
    gap = kl_divergence(q, exact_posterior(model, *pair))
    log_p = marginal(model, pair[1]).log_prob(pair[0])
    assert gap.min() > 0.01
    assert torch.allclose(exact(elbo(model), *pair), log_p - gap, atol=1e-9)


def test_with_the_exact_posterior_the_bound_is_the_likelihood(pair, exact):
    model = linear()
    to_exact_encoder(model)
    log_p = marginal(model, pair[1]).log_prob(pair[0])
    assert torch.allclose(exact(elbo(model), *pair), log_p, atol=1e-9)
    for samples in (1, 7):
        assert torch.allclose(model.iwae(*pair, samples), log_p, atol=1e-9)


def test_more_draws_tighten_the_bound(pair):
    model = linear()
    x, y = (v[:1].expand(4000, *v.shape[1:]) for v in pair)
    log_p = marginal(model, y[:1]).log_prob(x[:1]).item()
    one, ten, many = (model.iwae(x, y, S).mean().item() for S in (1, 10, 100))
    assert one + 0.1 < ten < many < log_p + 0.05
    assert many == pytest.approx(log_p, abs=0.1)


def test_the_loss_is_the_mean_negative_bound(pair):
    model = linear()
    with seeded(0):
        terms = model.loss(pair)
    with seeded(0):
        log_p, kl = model.elbo(*pair)
    assert torch.allclose(terms["loss"], (kl - log_p).mean())
    assert torch.allclose(terms["kl"], kl.mean())
    assert torch.allclose(terms["reconstruction"], -log_p.mean())


@pytest.mark.parametrize("kind", [ConditionalVAE, Shifted])
def test_samples_of_a_class_have_its_moments(kind):
    model = linear(kind)
    for label in range(C):
        x = model.sample(50_000, label)
        p = marginal(model, torch.tensor([label]))
        assert torch.allclose(x.mean(0), p.mean[0], atol=0.04)
        assert torch.allclose(x.T.cov(), p.covariance_matrix[0], atol=0.12)


def test_samples_without_a_class_come_from_all_of_them():
    model, labels = linear(), torch.arange(C)
    x = model.sample(50_000)
    assert torch.allclose(
        x.mean(0), marginal(model, labels).mean.mean(0), atol=0.06
    )


def test_every_row_gets_the_class_that_it_asked_for():
    model = linear()
    y = torch.tensor([2, 0, 1]).repeat_interleave(20_000)
    x = model.sample(len(y), y).unflatten(0, (3, -1))
    expected = marginal(model, torch.tensor([2, 0, 1])).mean
    assert torch.allclose(x.mean(1), expected, atol=0.06)


def test_a_wrong_label_lowers_the_bound():
    """The bound is one on p(x | y), and a classifier by Bayes' rule."""
    model = linear()
    to_exact_encoder(model)
    y = torch.randint(C, (2000,))
    x = model.sample(2000, y)
    bounds = torch.stack(
        [model.iwae(x, torch.full_like(y, c), 1) for c in range(C)], 1
    )
    exact = torch.stack(
        [marginal(model, torch.full_like(y, c)).log_prob(x) for c in range(C)],
        1,
    )
    assert torch.allclose(bounds, exact, atol=1e-8)
    assert (bounds.argmax(1) == y).double().mean() > 0.8


def test_a_bound_is_not_called_log_prob():
    assert not isinstance(linear(), Likelihood)


def test_a_wrong_width_is_refused(pair):
    model = linear()
    model.encoder = nn.Linear(D + C, M).double()
    with pytest.raises(ValueError, match="2 latent_dim"):
        model.elbo(*pair)
    with pytest.raises(ValueError, match="labels must lie from 0 to 2"):
        model.sample(2, torch.tensor([0, C]))
