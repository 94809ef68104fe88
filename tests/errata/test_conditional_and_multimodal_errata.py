"""What the documents say of what is given to a model, and of 多模态."""

import inspect

import torch
from torch import nn
from torch.distributions import Normal
from torch.nn.functional import max_pool2d
from torch.utils.data import DataLoader, TensorDataset

from course.models.conditional_gan import ConditionalGAN
from course.models.conditional_vae import ConditionalVAE
from course.models.gan import GAN
from course.models.joint_vae import JointVAE, Modality, words
from course.models.vae import VAE
from course.nn.conditions import beside
from course.nn.likelihoods import bernoulli, gaussian
from course.nn.mlp import MLP
from course.protocols import Generative
from course.seeding import seeded
from course.training import fit


def test_a_constant_input_gives_one_sample():
    """Given "the value of a random variable", nothing is random any more."""
    gan = ConditionalGAN(MLP(5, 16, 6), MLP(9, 16, 1), 2, classes=3)
    e, value = torch.eye(3)[torch.zeros(200, dtype=int)], torch.randn(1, 2)
    with torch.no_grad():
        given = gan.generator(beside(value.expand(200, -1), e))
    drawn = gan.sample(200, 0)
    assert given.std(0).max() < 1e-6
    assert drawn.std(0).min() > 0.01


def test_generation_needs_no_input_image():
    """Sample(n) takes a number; a condition is an option, and no image."""
    plain = [VAE(MLP(6, 16, 4), MLP(2, 16, 6), 2)]
    plain += [GAN(MLP(2, 16, 6), MLP(6, 16, 1), 2)]
    told = [ConditionalVAE(MLP(9, 16, 4), MLP(5, 16, 6), 2, classes=3)]
    told += [ConditionalGAN(MLP(5, 16, 6), MLP(9, 16, 1), 2, classes=3)]
    for model in plain + told:
        assert isinstance(model, Generative)
        asked = inspect.signature(model.sample).parameters.values()
        needed = [p.name for p in asked if p.default is p.empty]
        assert needed == ["n"]
        assert model.sample(7).shape == (7, 6)
    for model in told:  # what is given is a label
        assert model.sample(7, 2).shape == (7, 6)
    mean, variance = unlabelled_moments()
    within, between = 1 + 0.25, 6.0  # the classes' means are -3, 0 and 3
    assert abs(mean) < 0.05
    assert abs(variance - within - between) < 0.15


def unlabelled_moments():
    """Mean and variance of x ~ p(x): y ~ p(y), then x ~ p(x | y)."""
    model = ConditionalVAE(
        nn.Linear(4, 2), nn.Linear(4, 1), 1, classes=3, likelihood=gaussian(0.5)
    )
    with torch.no_grad():
        model.decoder.weight.copy_(torch.tensor([[1.0, -3.0, 0.0, 3.0]]))
        model.decoder.bias.zero_()
    x = model.sample(100_000)
    return x.mean(), x.var()


def modes(log_p):
    """Local maxima of a table of log-densities."""
    top = max_pool2d(log_p[None], 3, stride=1, padding=1)[0]
    return (log_p == top).sum().item()


def test_modes_of_a_density_are_not_kinds_of_data():
    """One kind can have two modes, and two kinds one."""
    t = torch.linspace(-4, 4, 321)
    u, v = torch.meshgrid(t, t, indexing="ij")
    bells = [Normal(m, 0.5).log_prob(t) for m in (-1.5, 1.5)]
    assert modes(torch.logaddexp(*bells)[None]) == 2
    assert modes(bells[0][None]) == 1
    assert modes(-(u**2) - v**2 + 1.2 * u * v) == 1
    assert crossing() > 0.7


def crossing():
    """The poorer of two scores: word from picture, picture from word.

    Three words, and a picture of six pixels for each, every pixel wrong with
    a probability of 0.1. Chance is one third.
    """
    prototypes = torch.tensor([[1.0, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]])
    prototypes = torch.cat([prototypes, torch.tensor([[0, 0, 0, 0, 1.0, 1]])])
    read = nn.Sequential(nn.Embedding(3, 4), nn.Flatten(), MLP(4, 16, 4))
    write = nn.Sequential(MLP(2, 16, 3), nn.Unflatten(1, (1, 3)))
    with seeded(0):
        y = torch.randint(3, (1000, 1))
        flips = torch.bernoulli(torch.full((1000, 6), 0.1))
        x = (prototypes[y[:, 0]] - flips).abs()
        image = Modality(MLP(6, 16, 4), MLP(2, 16, 6), likelihood=bernoulli())
        text = Modality(read, write, likelihood=words(3), weight=3.0)
        model = JointVAE({"image": image, "text": text}, 2)
        loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
        fit(model, loader, steps=100, lr=3e-2)
        said = model.cross(image=x)["text"]
        seen = model.cross(text=y)["image"]
    nearest = torch.cdist(seen, prototypes).argmin(1, keepdim=True)
    scores = [(said == y).double().mean(), (nearest == y).double().mean()]
    return min(scores)
