"""M2 against numerical integration, direct formulas, and training."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.utils.data import DataLoader

from course.models.m2 import M2
from course.nn.likelihoods import gaussian
from course.nn.mlp import MLP
from course.protocols import Generative
from course.seeding import seeded
from course.training import fit


def tiny(**options):
    """Three black or white pixels, two classes, one latent number."""
    with seeded(0):
        model = M2(MLP(5, 8, 2), MLP(3, 8, 3), MLP(3, 8, 2), 1, classes=2)
    for p in model.decoder.parameters():
        p.data *= 2  # so that x says something about z
    return set_options(model, **options).double()


def set_options(model, **options):
    for name, value in options.items():
        setattr(model, name, value)
    return model


PICTURES = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3))).double()


@torch.no_grad()
def exact(model):
    """Log p(x, y) of all eight pictures, by integration over z, (8, 2)."""
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    log_p = []
    for k in range(2):
        e = torch.eye(2).double()[k].expand(len(z), 2)
        logits = model.decoder(torch.cat([z[:, None], e], dim=1))
        each = Bernoulli(logits=logits).log_prob(PICTURES[:, None])
        joint = each.sum(-1) + Normal(0.0, 1.0).log_prob(z)
        log_p.append((joint.logsumexp(1) + (z[1] - z[0]).log()) - math.log(2))
    return torch.stack(log_p, dim=1)


@torch.no_grad()
def test_all_pictures_and_classes_have_the_probability_one():
    assert exact(tiny()).exp().sum() == pytest.approx(1, abs=1e-9)


@torch.no_grad()
def test_the_bounds_are_below_the_likelihoods():
    model, truth = tiny(), exact(tiny())
    with seeded(0):
        many = PICTURES.repeat(4000, 1)
        joint = model.every_elbo(many).view(4000, 8, 2)
        marginal = model.elbo(many).view(4000, 8)
    noise = 4 * joint.std(0) / math.sqrt(4000)
    assert (joint.mean(0) < truth + noise).all()
    assert (joint.mean(0) < truth - 0.005).any()  # and it is no likelihood
    evidence = truth.logsumexp(1)
    assert (marginal.mean(0) < evidence + 4 * marginal.std(0) / 63).all()
    # the gap of the second bound holds the divergence of q(y | x)
    q, p = model.class_posterior(PICTURES).probs, truth.softmax(1)
    gap = (q * (q / p).log()).sum(1)
    assert (evidence - marginal.mean(0) > gap - 4 * marginal.std(0) / 63).all()


@torch.no_grad()
def test_more_draws_close_the_gap():
    model, truth = tiny(), exact(tiny())
    with seeded(0):
        found = [
            model.every_iwae(PICTURES.repeat(100, 1), S).view(100, 8, 2).mean(0)
            for S in (1, 10, 400)
        ]
    mean = [(truth - one).mean() for one in found]
    assert mean[0] > 3 * mean[1] > 0
    torch.testing.assert_close(found[2], truth, atol=6e-3, rtol=0)


def by_hand(model, x, y):
    """L(x, y) written out, with one draw."""
    e = torch.eye(model.classes)[y]
    mu, log_var = model.encoder(torch.cat([x, e], 1)).chunk(2, 1)
    q = Normal(mu, (log_var / 2).exp())
    z = mu + q.stddev * torch.randn_like(mu)
    logits = model.decoder(torch.cat([z, e], 1))
    log_p = Bernoulli(logits=logits).log_prob(x).sum(1)
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    return log_p - kl - math.log(model.classes)


def binary(n):
    return torch.bernoulli(torch.full((n, 6), 0.3))


def small(**options):
    with seeded(1):
        model = M2(MLP(9, 16, 4), MLP(5, 16, 6), MLP(6, 16, 3), 2, classes=3)
    return set_options(model, **options)


def test_the_labelled_term_is_the_formula():
    model, y = small(), torch.tensor([0, 2, 1, 1])
    with seeded(0):
        x = binary(4)
    with seeded(3):
        expected = by_hand(model, x, y)
    with seeded(3):
        torch.testing.assert_close(model.labelled_elbo(x, y), expected)
    with seeded(3):
        terms = model.loss({"x": x, "y": y})
    log_q = model.classifier(x).log_softmax(1)[range(4), y].mean()
    torch.testing.assert_close(terms["bound"], -expected.mean())
    torch.testing.assert_close(terms["classification"], -log_q)
    torch.testing.assert_close(terms["loss"], -expected.mean() - log_q)


def test_the_unlabelled_term_sums_the_class_out():
    model = small()
    with seeded(0):
        x = binary(4)
    with seeded(3):
        rows, y = x.repeat_interleave(3, 0), torch.arange(3).repeat(4)
        L = by_hand(model, rows, y).view(4, 3)
    q = model.classifier(x).softmax(1)
    expected = (q * (L - q.log())).sum(1)
    with seeded(3):
        torch.testing.assert_close(model.elbo(x), expected)
    with seeded(3):
        terms = model.loss({"x": x, "y": torch.full((4,), -1)})
    torch.testing.assert_close(terms["loss"], -expected.mean())
    assert terms["classification"] == 0


def test_a_mixed_batch_adds_both_terms_and_alpha_weighs_the_third():
    model, y = small(alpha=7.0), torch.tensor([-1, 2, -1, 0, 0])
    # with z known for sure nothing is drawn, and the parts can be compared
    model.encoder[-1].weight.data[2:] = 0
    model.encoder[-1].bias.data[2:] = -60
    with seeded(0):
        x = binary(5)
    known = y >= 0
    with torch.no_grad():
        terms = model.loss({"x": x, "y": y})
        labelled = model.labelled_elbo(x[known], y[known]).sum()
        total = (labelled + model.elbo(x[~known]).sum()) / 5
        log_q = model.classifier(x).log_softmax(1)[known, y[known]].sum() / 5
    torch.testing.assert_close(terms["bound"], -total)
    torch.testing.assert_close(terms["loss"], -total - 7 * log_q)


def test_unknown_is_no_class():
    model, x = small(), binary(4)
    for k in (-2, 3):
        with pytest.raises(ValueError, match="labels must lie from 0 to 2"):
            model.loss({"x": x, "y": torch.tensor([0, -1, 1, k])})


def test_without_alpha_labels_do_not_reach_the_classifier():
    """L(x, y) holds no q(y | x) (Kingma et al. 2014, section 3.1.2)."""
    x, y = binary(8), torch.arange(8) % 3
    for alpha in (0.0, 1.0):
        model = small(alpha=alpha)
        model.loss({"x": x, "y": y})["loss"].backward()
        gradients = [p.grad.abs().sum() for p in model.classifier.parameters()]
        assert (sum(gradients) > 0) == (alpha > 0)
        assert all(p.grad.abs().sum() > 0 for p in model.decoder.parameters())


def test_gradients_reach_every_parameter_from_unlabelled_examples():
    model = small()
    model.loss({"x": binary(8), "y": torch.full((8,), -1)})["loss"].backward()
    for name, p in model.named_parameters():
        assert p.grad.isfinite().all()
        assert p.grad.abs().sum() > 0, name


def test_batches_are_unchanged_and_losses_reproducible():
    model, x, y = small(), binary(6), torch.tensor([0, -1, 2, -1, 1, -1])
    batch = {"x": x.clone(), "y": y.clone()}
    with seeded(2):
        first = model.loss(batch)
    with seeded(2):
        assert model.loss(batch) == first
    assert torch.equal(batch["x"], x)
    assert torch.equal(batch["y"], y)


@torch.no_grad()
def test_samples_follow_the_model():
    model = tiny()
    assert isinstance(model, Generative)
    p = exact(model).exp()
    weights = torch.tensor([4, 2, 1]).double()
    with seeded(0):
        both = (model.sample(20_000) @ weights).long()
        one = (model.sample(20_000, 1) @ weights).long()
    shares = both.bincount(minlength=8) / 20_000
    torch.testing.assert_close(shares.double(), p.sum(1), atol=0.015, rtol=0)
    shares = one.bincount(minlength=8) / 20_000
    torch.testing.assert_close(shares.double(), 2 * p[:, 1], atol=0.015, rtol=0)


class OfTheLabel(nn.Linear):
    """A decoder that does not look at z: a table of pixels for each class."""

    def forward(self, inputs):
        return super().forward(inputs[:, 1:])


def two_patterns(seed):
    """Twenty pixels about two patterns; one label for each of the two."""
    with seeded(seed):
        pattern = torch.zeros(2, 20)
        pattern[1, :12] = 1
        y = torch.arange(400) % 2
        x = (pattern[y] + torch.bernoulli(torch.full((400, 20), 0.25))) % 2
    few = torch.where(torch.arange(400) < 2, y, -1)
    return x, y, few


@pytest.mark.parametrize("seed", range(3))
def test_unlabelled_examples_teach_the_classifier(seed):
    x, y, few = two_patterns(seed)
    data = [{"x": a, "y": b} for a, b in zip(x, few, strict=True)]
    right = []
    for rows in (data[:2], data):
        with seeded(seed):
            networks = MLP(22, 2), OfTheLabel(2, 20), MLP(20, 2)
            model = M2(*networks, 1, classes=2, alpha=400.0)
            fit(model, DataLoader(rows, batch_size=400), steps=50, lr=0.1)
        with torch.no_grad():
            found = model.class_posterior(x).probs.argmax(1)
        right.append((found == y)[2:].float().mean().item())
    assert right[1] > right[0] + 0.02
    assert right[1] > 0.9


def test_wrong_widths_are_named():
    x, y = binary(4), torch.tensor([0, 1, 2, -1])
    model = small(encoder=MLP(9, 3))
    with pytest.raises(ValueError, match=r"\(batch, 2 latent_dim\) = \(4, 4\)"):
        model.posterior(x, y.clamp(min=0))
    model = small(classifier=MLP(6, 2))
    with pytest.raises(ValueError, match=r"\(batch, classes\) = \(4, 3\)"):
        model.loss({"x": x, "y": y})


@pytest.mark.gpu
def test_it_follows_its_buffers():
    model = small().cuda()
    batch = {"x": binary(4).cuda(), "y": torch.tensor([0, -1, 2, 1]).cuda()}
    assert model.loss(batch)["loss"].is_cuda
    assert model.every_iwae(batch["x"], 3).shape == (4, 3)
    assert model.sample(5).is_cuda


def test_the_loop_trains_it_on_dictionaries():
    x, y = binary(32), torch.arange(32) % 4 - 1
    data = [{"x": a, "y": b} for a, b in zip(x, y, strict=True)]
    model = small()
    before = {k: p.clone() for k, p in model.named_parameters()}
    fit(model, DataLoader(data, batch_size=16), steps=4)
    for key, p in model.named_parameters():
        assert not torch.equal(p, before[key]), key


def test_a_density_of_real_numbers():
    likelihood, networks = gaussian(0.5), (MLP(6, 4), MLP(4, 4), MLP(4, 2))
    model = M2(*networks, 2, classes=2, likelihood=likelihood)
    assert model.sample(3).shape == (3, 4)
    assert model.elbo(torch.randn(5, 4)).shape == (5,)
