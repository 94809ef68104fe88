"""What document 003 says and does about its GAN, failing.

Each test is named by the entries of book/errata.yml that it shows. The
document's program is written for Keras; its faults stand here in PyTorch: they
are in the recipe, not in the library.
"""

import pytest
import torch
from torch import nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    interpolate,
    logsigmoid,
)
from torch.optim import Adam
from torch.utils.data import DataLoader

from course.data import digits
from course.models.gan import GAN
from course.nn.dcgan import DCDiscriminator, DCGenerator
from course.seeding import seeded

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def pictures():
    """Digits of 28 x 28 pixels in [-1, 1], as tanh makes them."""
    x = torch.from_numpy(digits("train", split="order")[0])
    return 2 * interpolate(x.reshape(-1, 1, 8, 8), size=28, mode="bilinear") - 1


def players():
    """A narrow DCGAN."""
    judge = DCDiscriminator(SHAPE, widths=(8, 16))
    return GAN(DCGenerator(32, SHAPE, widths=(16, 8)), judge, 32)


def train(gan, x, rounds, *, lr):
    """Turns, in the mode that the GAN is in; the losses."""
    adams = [
        Adam(player.parameters(), lr, betas=(0.5, 0.999))
        for player in (gan.discriminator, gan.generator)
    ]
    assert adams[0] is not adams[1]  # each player has its own
    lost = []
    for _ in range(rounds):
        batch = x[torch.randint(len(x), (50,))]
        for loss, adam in zip(
            (gan.critic_loss, gan.generator_loss), adams, strict=True
        ):
            adam.zero_grad()
            lost.append(loss(batch)["loss"])
            lost[-1].backward()
            adam.step()
    return torch.stack(lost).detach()


def spread(x):
    """The mean standard deviation of a pixel over images."""
    return x.std(dim=0).mean().item()


@pytest.fixture(scope="module")
def runs(pictures):
    """The document's fifty steps, and five epochs as they should be."""
    found = {}
    for name, training, rounds, lr in (
        ("document", False, 50, 1e-4), ("right", True, 100, 1e-3),
    ):  # fmt: skip
        with seeded(0):
            gan = players().train(training)
            losses = train(gan, pictures, rounds, lr=lr)
            found[name] = gan, losses, gan.sample(200)
    return found


DOCUMENT = """
for epoch in range(50):
    real_images = next(train_dataset)
    fake_images = generator(noise)
"""


def test_the_loop_has_no_data_and_a_data_set_is_no_iterator(pictures):
    """D3-C1: both errors, in this order."""
    with pytest.raises(NameError, match="train_dataset"):
        exec(DOCUMENT, {})
    loader = DataLoader(pictures, batch_size=50)
    with pytest.raises(TypeError, match="not an iterator"):
        exec(DOCUMENT, {"train_dataset": loader})
    assert sum(len(batch) for batch in loader) == 1000


def test_the_loop_has_no_noise(pictures):
    """D3-C2: and made once, before the loop, it would stay the same."""
    names = {"train_dataset": iter(DataLoader(pictures, 50))}
    gan = players()
    names["generator"] = gan.generator
    with pytest.raises(NameError, match="noise"):
        exec(DOCUMENT, names)
    fixed = torch.randn(50, 32)
    assert torch.equal(gan.generator(fixed), gan.generator(fixed))
    assert not torch.equal(gan.sample(50), gan.sample(50))


def test_predict_cuts_the_gradient():
    """D3-C3: numbers for samples leave the generator without a gradient."""
    gan = players()
    weights = list(gan.generator.parameters())
    numbers = gan.generator(torch.randn(9, 32)).detach().numpy()
    for fake, reached in (
        (torch.from_numpy(numbers), False), (gan.generate(9), True),
    ):  # fmt: skip
        loss = -logsigmoid(gan.scores(fake)).mean()
        grads = torch.autograd.grad(loss, weights, allow_unused=True)
        assert all((g is not None) == reached for g in grads)
    adam = Adam(weights)
    alone = -logsigmoid(torch.from_numpy(numbers)).mean()
    with pytest.raises(RuntimeError, match="does not require grad"):
        alone.backward()
    assert not adam.state  # no step was taken


def test_fifty_epochs_of_one_batch_train_nothing(runs, pictures):
    """D3-C4, D3-C7: the samples are all alike, and no line would tell."""
    document, right = runs["document"], runs["right"]
    assert spread(document[2]) < 0.05 < 0.1 < spread(right[2])
    assert spread(pictures) > 0.3
    assert 50 * 256 / 60_000 < 0.22  # of one pass over MNIST
    assert right[1].isfinite().all()
    assert right[2].shape == (200, *SHAPE)
    assert "print" not in DOCUMENT


def test_statistics_never_move_in_inference_mode(runs):
    """D3-C5: they stay at 0 and 1, and the layer normalises nothing."""
    norms = {
        name: [m for m in gan.modules() if isinstance(m, nn.BatchNorm2d)]
        for name, (gan, *_) in runs.items()
    }
    for norm in norms["document"]:
        assert norm.running_mean.abs().max() == 0
        assert (norm.running_var == 1).all()
    for norm in norms["right"]:
        assert norm.running_mean.abs().max() > 0
        assert not torch.allclose(norm.running_var, torch.ones(1))
    with seeded(0):
        h, norm, drop = 5 + 10 * torch.randn(5000, 3), nn.BatchNorm1d(3), None
        assert norm.eval()(h).std() > 9
        assert norm.train()(h).std().item() == pytest.approx(1, abs=0.02)
        drop = nn.Dropout(0.3)
        assert (drop.eval()(h) == 0).sum() == 0
        silent = (drop.train()(h) == 0).float().mean().item()
    assert silent == pytest.approx(0.3, abs=0.02)


def test_a_range_alone_tells_samples_from_unscaled_data(pictures):
    """D3-C6: a pixel below zero, so it is fake."""
    with seeded(0):
        fake = players().sample(200)

    def accuracy(x):
        hits = (x.amin(dim=(1, 2, 3)) >= 0).float().mean()
        return (
            (hits + (fake.amin(dim=(1, 2, 3)) < 0).float().mean()) / 2
        ).item()

    assert accuracy((pictures + 1) / 2) == 1.0
    assert accuracy(pictures) == 0.5
    assert -1 <= pictures.min() < 0 < pictures.max() <= 1


def test_dropout_in_a_generator_is_noise_in_its_samples():
    """D3-C8: one z, many images; and the last bias is missing."""
    with seeded(0):
        plain = DCGenerator(32, (1, 8, 8)).eval()
        noisy = nn.Sequential(*list(plain)[:4], nn.Dropout(0.3), *plain[4:])
        z = torch.randn(1, 32).expand(100, -1)
        assert spread(plain(z)) == 0
        assert spread(noisy(z)) > 0
    assert plain[-2].bias is not None
    assert not any(isinstance(m, nn.Dropout) for m in plain)


def test_the_slope_of_leaky_relu_must_be_stated():
    """D3-C9: 0.01 by default here, 0.3 in Keras, 0.2 in DCGAN."""
    assert nn.LeakyReLU().negative_slope == 0.01
    f = DCDiscriminator((1, 8, 8), norm="none").double()
    leaks = [m for m in f if isinstance(m, nn.LeakyReLU)]
    assert {m.negative_slope for m in leaks} == {0.2}
    x, y = torch.rand(2, 1, 1, 8, 8, dtype=torch.float64) - 0.5
    bend = f(x + y) + f(0 * x) - f(x) - f(y)
    assert bend.abs() > 1e-7  # with it, no longer linear
    for m in leaks:
        m.negative_slope = 1.0
    bend = f(x + y) + f(0 * x) - f(x) - f(y)
    assert bend.abs() < 1e-14


def test_the_order_of_arguments_is_a_trap_too():
    """Beside D3-C9: Keras takes the labels first, and PyTorch the logits."""
    a = torch.tensor([-5.0, 0.0, 40.0], requires_grad=True)
    for y in (torch.ones(3), torch.zeros(3)):
        copied = binary_cross_entropy_with_logits(y, a)
        (slope,) = torch.autograd.grad(copied, a)
        assert torch.allclose(3 * slope, -y)
    assert binary_cross_entropy_with_logits(torch.ones(3), a) < 0


def test_the_generator_has_three_transposed_convolutions():
    """D3-T11, D3-T12: and is one of two players of a DCGAN."""
    with seeded(0):
        generator = nn.Sequential(
            nn.Linear(100, 7 * 7 * 256, bias=False),
            nn.BatchNorm1d(7 * 7 * 256), nn.LeakyReLU(0.3), nn.Dropout(0.3),
            nn.Unflatten(1, (256, 7, 7)),
            nn.ConvTranspose2d(256, 128, 5, 1, 2, bias=False),
            nn.BatchNorm2d(128), nn.LeakyReLU(0.3), nn.Dropout(0.3),
            nn.ConvTranspose2d(128, 64, 5, 2, 2, 1, bias=False),
            nn.BatchNorm2d(64), nn.LeakyReLU(0.3), nn.Dropout(0.3),
            nn.ConvTranspose2d(64, 1, 5, 2, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip
        x = generator(torch.randn(2, 100))
    counts = {
        kind: sum(isinstance(m, kind) for m in generator)
        for kind in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    }
    assert list(counts.values()) == [0, 3, 1]
    assert x.shape == (2, *SHAPE)
    assert {"generator", "discriminator"} <= dict(
        players().named_children()
    ).keys()
