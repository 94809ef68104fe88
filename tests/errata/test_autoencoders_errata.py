"""What the documents say about autoencoders, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import importlib
import inspect

import numpy as np
import pytest
import torch
from sklearn import decomposition
from torch import nn
from torch.utils.data import DataLoader

from course.data import digits
from course.models.autoencoder import Autoencoder, GaussianNoise
from course.models.mixture import GaussianMixture
from course.models.pca import PCA
from course.nn.mlp import MLP
from course.nn.preprocessing import SignedRange, Standard, UnitRange
from course.protocols import Generative
from course.seeding import seeded
from course.training import fit

SIGMA = 0.5


@pytest.fixture(scope="module")
def data():
    """Digits with all writers in every part: training and test rows."""
    return tuple(
        torch.from_numpy(digits(part, split="stratified")[0]).flatten(1)
        for part in ("train", "test")
    )


def trained(x, *widths, last=nn.Identity, steps=200, seed=0):
    """An autoencoder of rows of 64 pixels, trained briefly."""
    with seeded(seed):
        decoder = nn.Sequential(MLP(*widths[::-1], 64), last())
        model = Autoencoder(MLP(64, *widths), decoder)
        loader = DataLoader(x, batch_size=100, shuffle=True)
        fit(model, loader, steps=steps, lr=4e-3)
    return model.requires_grad_(False)


def per_pixel(copies, x):
    return (copies - x).square().mean().item()


def test_a_decoder_without_an_encoder_is_solved_by_the_identity(data):
    """D1-F3: error zero on digits, and on what is none."""
    x = data[0].double()
    with seeded(0):
        snow = x.gather(0, torch.rand(x.shape).argsort(dim=0))
    extended = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    V = torch.linalg.lstsq(extended, x, driver="gelsd").solution
    for rows in (x, snow):
        assert per_pixel(rows @ V[:-1] + V[-1], rows) < 1e-24
    identity = Autoencoder(nn.Identity(), nn.Identity())
    assert identity.loss(torch.rand(9, 64))["loss"] == 0
    pca = PCA(8).fit(x)
    real, none = (pca.reconstruction_error(rows).mean() for rows in (x, snow))
    assert none > 2 * real > 2


def test_a_bottleneck_or_noise_matters_not_the_hidden_layer(data):
    """D1-T7: a long code copies anything; noise or a short code forbids it.

    Linear maps, solved exactly; the chapter trains networks with bends.
    """
    x, new = (rows.double() for rows in data)
    mu, eye = x.mean(0), torch.eye(64, dtype=torch.float64)
    with seeded(0):
        noisy = GaussianNoise(SIGMA)(new)
        snow = new.gather(0, torch.rand(new.shape).argsort(dim=0))
    long = PCA(64).fit(x)  # as many numbers as pixels
    copy = long.inverse_transform(long.transform(noisy))
    assert torch.allclose(copy, noisy, atol=1e-10)  # the noise included
    short = PCA(8).fit(x)
    assert short.reconstruction_error(snow).mean() > 2 * (
        short.reconstruction_error(new).mean()
    )
    # the same long code, the best map for noisy input
    S = (x - mu).T @ (x - mu) / len(x)
    tamed = mu + (noisy - mu) @ torch.linalg.solve(S + SIGMA**2 * eye, S)
    assert per_pixel(tamed, new) < 0.2 * per_pixel(copy, new)
    # however wide the layer between, the code of 8 decides
    with seeded(0):
        wide = nn.Sequential(nn.Linear(64, 256), nn.Linear(256, 8)).double()
        model = Autoencoder(wide, nn.Linear(8, 64).double())
    copies = model.reconstruct(x).detach()
    assert torch.linalg.matrix_rank(copies - copies.mean(0)) == 8


def test_scales_come_from_the_training_part_and_nan_is_refused():
    """D1-O3: what is learned from test data hides what is wrong with them."""
    x = 16 * digits()[0].reshape(-1, 64)  # the file in its order, levels
    first, rest = x[:900], x[900:]
    assert UnitRange().fit(first).transform(rest).max() == 6
    assert UnitRange().fit(x).transform(rest).max() == 1
    scaler = Standard().fit(first)
    assert np.allclose(
        scaler.inverse_transform(scaler.transform(rest)), rest, atol=1e-5
    )
    x[3, 20] = np.nan
    model = Autoencoder(nn.Linear(64, 8), nn.Linear(8, 64))
    for refusing in (
        decomposition.PCA(8).fit,
        GaussianMixture(1).fit,
        PCA(8).fit,
    ):
        with pytest.raises(ValueError, match="NaN"):
            refusing(x)
    with pytest.raises(ValueError, match="NaN"):
        model.loss(torch.from_numpy(x))
    carried = UnitRange(missing="carry").fit_transform(x)
    assert np.isnan(carried).sum() == 1


def test_each_model_that_is_announced_has_code():
    """D1-O2: four models are named, and the only listing imports one."""
    homes = {
        "GaussianMixture": "mixture",
        "Autoencoder": "autoencoder",
        "VAE": "vae",
        "GAN": "gan",
    }
    for name, home in homes.items():
        module = importlib.import_module(f"course.models.{home}")
        kind = getattr(module, name)
        assert inspect.getdoc(kind)
        learns = {"fit", "loss", "generator_loss"} & set(dir(kind))
        assert learns, name
        assert hasattr(kind, "sample") == (name != "Autoencoder")


def test_an_autoencoder_has_no_distribution_until_one_is_fitted(data):
    """D1-T1: no prior, no density; codes are not normal; a second step."""
    x, new = data
    for seed in range(3):
        model = trained(x, 128, 8, seed=seed)
        assert not isinstance(model, Generative)
        for name in ("prior", "log_prob", "sample", "elbo"):
            assert not hasattr(model, name)
        z, target = model.encode(x).double(), model.encode(new)
        with seeded(seed):
            wild = torch.randn(len(new), 8)
        q = GaussianMixture(20, ridge=1e-3, random_state=seed).fit(z)
        drawn = q.sample(len(new), random_state=seed).float()
        assert told_apart(target, wild) > 0.8
        assert told_apart(target, drawn) < 0.7
        far, near = (
            torch.cdist(model.decode(c), x).amin(1).mean()
            for c in (wild, drawn)
        )
        assert far > 1.4 * near


def told_apart(a, b):
    """How often the nearest other row is of the same kind; 0.5: alike."""
    both = torch.cat([a, b])
    kind = torch.arange(len(both)) < len(a)
    gaps = torch.cdist(both, both).fill_diagonal_(torch.inf)
    return (kind[gaps.argmin(dim=1)] == kind).float().mean().item()


def test_the_last_layer_has_the_range_of_the_data(data):
    """X9: a sigmoid on [-1, 1] cannot; tanh and no layer leave [0, 1]."""
    x, new = data
    signed = SignedRange(each=False).fit(x)
    floor = signed.transform(new).clamp(max=0).square().mean().item()
    mismatched = trained(signed.transform(x), 64, 8, last=nn.Sigmoid, steps=100)
    copies = mismatched.reconstruct(signed.transform(new))
    assert per_pixel(copies, signed.transform(new)) > floor > 0.5
    unit = UnitRange(each=False).fit(x)
    outside = {}
    for last in (nn.Tanh, nn.Identity, type(unit.output_layer())):
        model = trained(x, 64, 8, last=last, steps=100)
        copies = model.reconstruct(new)
        # a critic that looks for one pixel outside [0, 1]
        caught = ((copies < 0) | (copies > 1)).any(dim=1)
        outside[last] = caught.float().mean().item()
        assert per_pixel(copies, new) < floor / 10
    assert outside == {nn.Tanh: 1, nn.Identity: 1, nn.Sigmoid: 0}
    matched = trained(
        signed.transform(x), 64, 8, last=type(signed.output_layer())
    )
    back = signed.inverse_transform(matched.reconstruct(signed.transform(new)))
    assert back.min() >= 0
    assert back.max() <= 1
    assert per_pixel(back, new) < floor / 10
