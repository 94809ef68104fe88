"""Autoencoders against PCA, closed forms, and the promises of a model.

An autoencoder cannot stand in the table of generative models of
tests/test_contract.py, since it has no `sample`; the promises that it shares
with them are checked here in the same words.
"""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from course.data import digits
from course.models.autoencoder import (
    Autoencoder,
    GaussianNoise,
    MaskingNoise,
)
from course.models.pca import PCA
from course.nn.conv import ConvDecoder, ConvEncoder
from course.nn.mlp import MLP
from course.protocols import Generative, Likelihood
from course.seeding import seeded
from course.training import Turn, train

SHAPE = (1, 6, 6)


def flat(channels=1, **options):
    encoder = nn.Sequential(nn.Flatten(), MLP(36 * channels, 16, 3))
    decoder = nn.Sequential(MLP(3, 16, 36), nn.Unflatten(1, SHAPE))
    return Autoencoder(encoder, decoder, **options)


CASES = {
    "plain": flat,
    "denoising": lambda: flat(noise=GaussianNoise(0.3)),
    "masking": lambda: flat(noise=MaskingNoise(0.3)),
    "missing": lambda: flat(channels=2, missing="mask"),
    "convolutional": lambda: Autoencoder(
        ConvEncoder(SHAPE, 3, widths=(4,)), ConvDecoder(3, SHAPE, widths=(4,))
    ),
}


@pytest.fixture(params=CASES)
def make(request):
    return CASES[request.param]


@pytest.fixture
def model(make):
    return make()


@pytest.fixture
def batch():
    return torch.rand(16, *SHAPE)


def linear(D=5, M=2, **options):
    """Enc(x) = A x, Dec(z) = B z, in float64."""
    maps = nn.Linear(D, M, bias=False), nn.Linear(M, D, bias=False)
    return Autoencoder(*maps, **options).double()


# -- the promises of every model ----------------------------------------------


def test_it_is_not_generative(model):
    assert not isinstance(model, Generative)
    assert not isinstance(model, Likelihood)
    for name in ("sample", "log_prob", "prior", "elbo"):
        assert not hasattr(model, name)


def test_losses_are_finite_reproducible_scalars(model, batch):
    with seeded(1):
        first = model.loss(batch)
    with seeded(1):
        again = model.loss(batch)
    assert first == again
    assert first["loss"].shape == ()
    assert first["loss"].isfinite()


def test_gradients_reach_every_parameter(model, batch):
    model.loss(batch)["loss"].backward()
    for key, p in model.named_parameters():
        assert p.grad.isfinite().all(), key
        assert p.grad.abs().sum() > 0, key


def test_arguments_are_unchanged(model, batch):
    batch[0, 0, 0, 0] = torch.nan if model.missing == "mask" else 0.5
    before = batch.clone()
    model.loss(batch)
    model.reconstruct(batch)
    assert torch.equal(batch.nan_to_num(-1), before.nan_to_num(-1))
    assert not batch.requires_grad


def test_state_dict_round_trip(make, batch):
    model, twin = make(), make()
    assert not torch.equal(model.reconstruct(batch), twin.reconstruct(batch))
    twin.load_state_dict(model.state_dict())
    assert torch.equal(model.reconstruct(batch), twin.reconstruct(batch))


def test_the_loop_trains_every_parameter(model, batch):
    before = {k: p.clone() for k, p in model.named_parameters()}
    turns = [Turn("loss", torch.optim.Adam(model.parameters()))]
    for step in train(model, DataLoader(batch, 8), turns, steps=4):
        assert step.losses["loss"].isfinite()
    for key, p in model.named_parameters():
        assert not torch.equal(p, before[key]), key


def test_every_row_as_if_alone(model, batch):
    together = model.reconstruct(batch)
    alone = torch.cat([model.reconstruct(row[None]) for row in batch])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.equal(together, model.decode(model.encode(batch)))


@pytest.mark.gpu
def test_the_model_follows_its_input(model, batch):
    there = model.cuda().reconstruct(batch.cuda())
    assert there.is_cuda
    here = model.cpu().reconstruct(batch)
    assert torch.allclose(there.cpu(), here, atol=1e-4)


# -- the loss is the formula --------------------------------------------------


def test_the_loss_sums_features_and_averages_examples():
    """E |x - B A x|^2 = tr((I - BA) S (I - BA)'), S = mean of x x'."""
    model, x = linear(), torch.randn(40, 5).double()
    A, B = model.encoder.weight, model.decoder.weight
    R = torch.eye(5) - B @ A
    expected = torch.trace(R @ (x.T @ x / 40) @ R.T)
    assert torch.allclose(model.loss(x)["loss"], expected)


def test_the_target_of_denoising_is_the_clean_image():
    """E |x - B A (x + sigma eps)|^2 = |x - B A x|^2 + sigma^2 |B A|_F^2."""
    noise = GaussianNoise(0.7)
    model = linear(noise=noise)
    x = torch.randn(1, 5).double()
    BA = model.decoder.weight @ model.encoder.weight
    expected = (x - x @ BA.T).square().sum() + 0.49 * BA.square().sum()
    draws = 60_000
    with seeded(0), torch.no_grad():
        errors = model.reconstruct(noise(x.expand(draws, -1))) - x
    spread = errors.square().sum(1).std() / draws**0.5
    with seeded(0), torch.no_grad():
        loss = model.loss(x.expand(draws, -1))["loss"]
    assert abs(loss - expected) < 5 * spread
    against_noisy = (x - x @ BA.T).square().sum()
    against_noisy += 0.49 * (BA - torch.eye(5)).square().sum()
    assert abs(loss - against_noisy) > 20 * spread


def test_masking_noise_hits_the_share_and_only_the_input():
    noise = MaskingNoise(0.3)
    model = linear(noise=noise)
    x = torch.randn(1, 5).double()
    BA = model.decoder.weight @ model.encoder.weight
    mean, var = 0.7 * x, 0.21 * x.square()
    expected = (x - mean @ BA.T).square().sum()
    expected += (var * BA.square().sum(0)).sum()
    with seeded(0), torch.no_grad():
        loss = model.loss(x.expand(60_000, -1))["loss"]
    assert loss == pytest.approx(expected.item(), rel=0.02)


def test_noise_belongs_to_the_loss_not_to_the_mode(batch):
    model = flat(noise=GaussianNoise(0.5)).eval()
    with seeded(0):
        first, second = model.loss(batch)["loss"], model.loss(batch)["loss"]
    assert first != second
    assert torch.equal(model.reconstruct(batch), model.reconstruct(batch))


def test_a_linear_autoencoder_learns_the_plane_of_pca():
    """Baldi and Hornik 1989: no minimum but the principal plane."""
    x = torch.from_numpy(digits("train")[0]).flatten(1).double()
    pca = PCA(5).fit(x)
    with seeded(0):
        maps = nn.Linear(64, 5), nn.Linear(5, 64)
        model = Autoencoder(*maps).double()
    adam = torch.optim.LBFGS(
        model.parameters(), max_iter=400, line_search_fn="strong_wolfe"
    )

    def closure():
        adam.zero_grad()
        loss = model.loss(x)["loss"]
        loss.backward()
        return loss

    adam.step(closure)
    best = pca.reconstruction_error(x).mean()
    excess = model.loss(x)["loss"] / best - 1
    assert 0 <= excess < 1e-4
    Q = torch.linalg.qr(model.decoder.weight.detach()).Q
    assert torch.linalg.svdvals(pca.components_ @ Q).min() > 0.9999
    six = PCA(6).fit(x).reconstruction_error(x).mean()
    assert model.loss(x)["loss"] > 1.05 * six


# -- missing pixels -----------------------------------------------------------


def test_missing_pixels_are_refused_unless_there_is_a_mask(batch):
    batch[3, 0, 2, 2] = torch.nan
    with pytest.raises(ValueError, match='missing="mask"'):
        flat().loss(batch)
    assert flat(channels=2, missing="mask").loss(batch)["loss"].isfinite()


def test_a_missing_pixel_counts_nothing_and_says_nothing(batch):
    model = flat(channels=2, missing="mask")
    holes = batch.clone()
    holes[:, :, 2:4] = torch.nan
    copies = model.reconstruct(holes)
    seen = ~holes.isnan()
    expected = (copies - batch).square()[seen].sum() / len(batch)
    assert torch.allclose(model.loss(holes)["loss"], expected)
    gradient = torch.autograd.grad(model.loss(holes)["loss"], copies_of(model))
    assert all(g.isfinite().all() for g in gradient)


def copies_of(model):
    return list(model.parameters())


def test_the_encoder_sees_a_black_pixel_and_a_missing_one_apart(batch):
    model = flat(channels=2, missing="mask")
    model.encoder = nn.Flatten()
    batch[0, 0, 0, 0], batch[1, 0, 0, 0] = 0.0, torch.nan
    z = model.encode(batch)
    assert z.shape == (16, 72)
    assert z[:2, 0].tolist() == [0, 0]
    assert z[:2, 36].tolist() == [1, 0]
    assert torch.equal(z[2:, :36], batch[2:].flatten(1))


def test_masking_noise_may_say_where_it_was(batch):
    with seeded(0):
        holes = MaskingNoise(0.4, value=torch.nan)(batch)
    assert 0.3 < holes.isnan().float().mean() < 0.5
    kept = ~holes.isnan()
    assert torch.equal(holes[kept], batch[kept])
    noise = MaskingNoise(0.4, value=torch.nan)
    model = flat(channels=2, missing="mask", noise=noise)
    with seeded(0):
        holes = noise(batch)
    full = (model.reconstruct(holes) - batch).square().sum() / len(batch)
    with seeded(0):
        assert torch.allclose(model.loss(batch)["loss"], full)


# -- errors -------------------------------------------------------------------


def test_a_copy_of_another_shape_is_refused(batch):
    model = Autoencoder(
        nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), MLP(2, 36)
    )
    with pytest.raises(ValueError, match=r"nn\.Unflatten"):
        model.loss(batch)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: flat(missing="drop"),
        lambda: GaussianNoise(-0.1),
        lambda: GaussianNoise(float("nan")),
        lambda: MaskingNoise(1.5),
        lambda: MaskingNoise(-0.1),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong()


def test_noise_without_width_is_none(batch):
    assert torch.equal(GaussianNoise(0)(batch), batch)
    assert torch.equal(MaskingNoise(0)(batch), batch)
    assert torch.equal(MaskingNoise(1)(batch), torch.zeros_like(batch))
