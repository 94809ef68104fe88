"""Missing pixels of a VAE, where p(x_m | x_o) is known.

In a linear-Gaussian model it is normal; with one latent number it is an
integral over a line, whatever the decoder. Thousands of chains run side by
side from one image, so their last states are independent draws.
"""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from torch import nn
from torch.distributions import Normal

from course.models.gaussian import Gaussian
from course.models.vae import (
    VAE,
    importance_completion,
    metropolis_within_gibbs,
    pseudo_gibbs,
)
from course.nn.likelihoods import bernoulli, categorical, gaussian
from course.nn.mlp import MLP
from course.seeding import seeded

SIGMA, NAN = 0.6, math.nan
CHAINS = 6000
ROW = torch.tensor([0.8, NAN, -0.3, NAN, 1.5], dtype=torch.float64)
GONE = ROW.isnan()
W = torch.tensor(
    [[0.9, 0.2], [-0.7, 0.8], [0.4, -0.5], [0.6, 0.9], [0.1, -0.3]]
).double()
W[:, 1] -= W[:, 0] * (W[:, 0] @ W[:, 1]) / W[:, 0].square().sum()
B = torch.tensor([0.1, -0.4, 0.3, 0.5, 0.2]).double()


def linear(wrong=0.0):
    """X = W z + b + noise, with the exact encoder or one that is off.

    A wrong encoder moves the mean, and makes the deviation larger.
    """
    encoder, decoder = nn.Linear(5, 4), nn.Linear(2, 5)
    model = VAE(encoder, decoder, 2, likelihood=gaussian(SIGMA)).double()
    V = 1 / (1 + W.square().sum(dim=0) / SIGMA**2)  # W'W is diagonal
    A = V[:, None] * W.T / SIGMA**2
    with torch.no_grad():
        decoder.weight.copy_(W)
        decoder.bias.copy_(B)
        encoder.weight.zero_()[:2] = A * (1 + wrong / 2)
        encoder.bias[:2] = -A @ B + wrong
        encoder.bias[2:] = V.log() + wrong
    return model


def exact():
    """Mean and covariance of the missing entries, by conditioning."""
    S = W @ W.T + SIGMA**2 * torch.eye(5).double()
    seen = (~GONE).nonzero()[:, 0].tolist()
    given = Gaussian.from_moments(B, S).conditional(seen, ROW[seen])
    return given.mean_, given.covariance_


def stationary(model):
    """What pseudo-Gibbs ends at: x_m is followed by F x_m + c + noise."""
    A, a = (p.detach()[:2] for p in model.encoder.parameters())
    V = model.encoder.bias.detach()[2:].exp()
    F = W[GONE] @ A[:, GONE]
    c = W[GONE] @ (A[:, ~GONE] @ ROW[~GONE] + a) + B[GONE]
    noise = W[GONE] * V @ W[GONE].T + SIGMA**2 * torch.eye(2).double()
    mean = torch.linalg.solve(torch.eye(2) - F, c)
    return mean, torch.from_numpy(solve_discrete_lyapunov(F, noise))


def assert_moments(drawn, mean, S):
    """The draws have them, up to five standard errors."""
    n = len(drawn)
    error = (S.diagonal() / n).sqrt()
    assert ((drawn.mean(dim=0) - mean).abs() < 5 * error).all()
    error = ((S.square() + S.diagonal().outer(S.diagonal())) / n).sqrt()
    assert ((drawn.T.cov() - S).abs() < 5 * error).all()


def last(fill, model, steps=60, **options):
    """The last states of many chains from one image."""
    with seeded(0):
        found = fill(model, ROW.expand(CHAINS, -1), steps, **options)
    return found.images[-1][:, GONE]


@pytest.mark.parametrize("fill", [pseudo_gibbs, metropolis_within_gibbs])
def test_with_the_exact_encoder_both_chains_are_exact(fill):
    assert_moments(last(fill, linear(), 20), *exact())


def test_with_the_exact_encoder_no_draw_is_refused():
    with seeded(0):
        found = metropolis_within_gibbs(linear(), ROW.expand(50, -1), 20)
    assert found.accepted.all()


def test_with_a_wrong_encoder_pseudo_gibbs_is_biased_as_computed():
    model = linear(wrong=0.4)
    drawn = last(pseudo_gibbs, model, 20)
    assert_moments(drawn, *stationary(model))
    mean, S = exact()
    error = (S.diagonal() / CHAINS).sqrt()
    assert ((drawn.mean(dim=0) - mean).abs() > 20 * error).any()
    with pytest.raises(AssertionError):
        assert_moments(drawn, mean, S)


def test_with_a_wrong_encoder_metropolis_within_gibbs_is_exact():
    model = linear(wrong=0.4)
    assert_moments(last(metropolis_within_gibbs, model), *exact())
    with seeded(0):
        found = metropolis_within_gibbs(model, ROW.expand(500, -1), 30)
    assert 0.2 < found.accepted.double().mean() < 0.95


def test_the_start_is_forgotten_and_the_means_average_to_the_same():
    mean, S = exact()
    start = torch.where(GONE, 5.0, ROW).expand(400, -1)
    with seeded(0):
        found = metropolis_within_gibbs(
            linear(wrong=0.4), ROW.expand(400, -1), 150, start=start
        )
    images, means = found.images[50:, :, GONE], found.means[50:, :, GONE]
    for chains in (images, means):  # each chain is one independent number
        each = chains.mean(dim=0)
        error = each.std(dim=0) / math.sqrt(400)
        assert ((each.mean(dim=0) - mean).abs() < 5 * error).all()
    below = means.mean(dim=0).var(dim=0) < images.mean(dim=0).var(dim=0)
    assert below.all()
    inside = S.diagonal() - SIGMA**2  # of E[x_m | z], without pixel noise
    spread = means.flatten(0, 1).var(dim=0)
    assert torch.allclose(spread, inside, rtol=0.1)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("wrong", [0.0, 0.4])
def test_weighted_draws_are_exact_whatever_the_encoder(guided, wrong):
    """Twenty separate estimates scatter around the closed form."""
    mean, S = exact()
    x = ROW[None]
    start = x.nan_to_num(0.5) if guided else None
    with seeded(0):
        each = [
            importance_completion(linear(wrong), x, 4000, start=start, n=50)
            for _ in range(20)
        ]
    estimates = torch.cat([e.mean for e in each])[:, GONE]
    error = estimates.std(dim=0) / math.sqrt(20)
    assert ((estimates.mean(dim=0) - mean).abs() < 4 * error).all()
    assert (error < 0.02).all()
    drawn = torch.cat([e.images[:, 0] for e in each])[:, GONE]
    assert_moments(drawn, mean, S)
    assert all(100 < e.effective < 4000 for e in each)


def test_without_a_start_images_share_the_draws_of_z():
    x = torch.stack([ROW, ROW, torch.where(GONE, NAN, ROW + 1)])
    with seeded(0):
        found = importance_completion(linear(), x, 500)
    assert torch.equal(found.mean[0], found.mean[1])
    assert not torch.equal(found.mean[0], found.mean[2])
    with seeded(0):
        first = importance_completion(linear(), x[:1], 500)
    assert torch.allclose(first.mean[0], found.mean[0], atol=0.1)


def test_an_encoder_that_knows_where_to_look_wastes_fewer_draws():
    x = torch.tensor([[3.0, -3.0, 2.0, NAN, 0.5]]).double()
    start = x.nan_to_num(2.0)
    with seeded(0):
        far = importance_completion(linear(), x, 2000)
        near = importance_completion(linear(), x, 2000, start=start)
    assert near.effective > 5 * far.effective


def crooked(family=None, width=1):
    """One latent number, an arbitrary decoder and an arbitrary encoder."""
    family = family or bernoulli()
    with seeded(3):
        decoder = MLP(1, 8, 4 * width)
        with torch.no_grad():
            for p in decoder.parameters():
                p.mul_(4)
        shape = (2, 2, width) if width > 1 else (2, 2)
        encoder = nn.Sequential(nn.Flatten(), MLP(4, 8, 2))
        decoder = nn.Sequential(decoder, nn.Unflatten(1, shape))
        return VAE(encoder, decoder, 1, likelihood=family).double()


def integrated(model, x, values):
    """P(x_m = v | x_o) for the one missing pixel, by a sum over a grid of z."""
    z = torch.linspace(-8, 8, 4001).double()[:, None]
    prior = Normal(0.0, 1.0).log_prob(z[:, 0])
    rows = torch.stack([x.masked_fill(x.isnan(), v) for v in values])
    p = [model.likelihood(z).log_prob(row) + prior for row in rows]
    p = torch.stack(p).logsumexp(dim=1)
    return p.softmax(dim=0)


@pytest.mark.parametrize("levels", [2, 3])
def test_nonlinear_decoders_by_integration_over_a_line(levels):
    if levels == 2:
        model, values = crooked(), [0.0, 1.0]
    else:
        model, values = crooked(categorical(3), 3), [0.0, 0.5, 1.0]
    x = torch.tensor([[1.0, 0.0], [NAN, 1.0]]).double()
    with torch.no_grad():
        p = integrated(model, x, values)
    many, at = x.expand(3000, 2, 2), torch.tensor(values)
    with seeded(0):
        found = metropolis_within_gibbs(model, many, 50)
        weighted = importance_completion(model, many[:1], 9000, n=3000)
        biased = pseudo_gibbs(model, many, 50)
    error = 5 * (p * (1 - p) / 3000).sqrt()

    def shares(images):
        return (images.flatten()[:, None] == at).double().mean(dim=0)

    drawn = shares(found.images[-1][:, 1, 0])
    assert ((drawn - p).abs() < error).all()
    assert ((shares(biased.images[-1][:, 1, 0]) - p).abs() > error).any()
    mean = (p * at).sum().item()
    assert abs(found.means[-30:, :, 1, 0].mean().item() - mean) < 0.01
    assert abs(weighted.mean[0, 1, 0].item() - mean) < 0.02
    assert ((shares(weighted.images[..., 1, 0]) - p).abs() < 0.05).all()


FILLS = [pseudo_gibbs, metropolis_within_gibbs, importance_completion]
fills = pytest.mark.parametrize("fill", FILLS)


@fills
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_known_stays_bit_for_bit(fill, dtype):
    model = linear(wrong=0.4).to(dtype)
    with seeded(0):
        x = model.sample(30)
        holes = x.masked_fill(torch.rand(x.shape) < 0.5, NAN)
        holes[0], holes[1], x[1, 0] = x[0], NAN, x[1, 0]
        before = holes.clone()
        found = fill(model, holes, 5)
    here = ~holes.isnan()
    assert holes.numpy().tobytes() == before.numpy().tobytes()
    pictures = [*found.images, *getattr(found, "means", [found[1]])]
    for picture in pictures:
        assert picture.dtype == dtype
        assert picture[here].numpy().tobytes() == x[here].numpy().tobytes()
        assert picture.isfinite().all()
        assert not picture.requires_grad


@fills
def test_where_nothing_is_known_the_model_is_sampled(fill):
    model, nothing = linear(wrong=0.4), torch.full((CHAINS, 5), NAN).double()
    S = W @ W.T + SIGMA**2 * torch.eye(5).double()
    options = {"n": CHAINS} if fill is importance_completion else {}
    rows = 1 if options else CHAINS
    with seeded(0):
        found = fill(
            model, nothing[:rows], CHAINS if options else 40, **options
        )
    drawn = found.images[:, 0] if options else found.images[-1]
    if fill is pseudo_gibbs:
        with pytest.raises(AssertionError):
            assert_moments(drawn, B, S)
    else:
        assert_moments(drawn, B, S)


@fills
def test_results_repeat_with_a_seed_and_only_then(fill):
    model, x = linear(), ROW.expand(4, -1)
    with seeded(1):
        one, two = fill(model, x, 9), fill(model, x, 9)
    with seeded(1):
        again = fill(model, x, 9)
    assert torch.equal(one.images, again.images)
    assert not torch.equal(one.images, two.images)
    steps = 1 if fill is importance_completion else 9
    assert one.images.shape == (steps, 4, 5)


@fills
def test_errors_say_what_to_do(fill):
    model, x = linear(), ROW[None]
    with pytest.raises(ValueError, match="at least 1"):
        fill(model, x, 0)
    full = x.nan_to_num(0.0)
    for start in (x, full[:, :4]):
        with pytest.raises(ValueError, match="start must be complete"):
            fill(model, x, 3, start=start)
    with pytest.raises(ValueError, match="change no other"):
        fill(model, x, 3, start=full + 0.1)


@pytest.mark.gpu
@fills
def test_it_follows_the_model(fill):
    x = ROW.expand(3, -1).cuda()
    with seeded(0):
        found = fill(linear().cuda(), x, 4, start=x.nan_to_num(0.0))
    assert found.images.is_cuda
    assert np.array_equal(found.images[0, :, 0].cpu(), x[:, 0].cpu())
