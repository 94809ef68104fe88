"""What the documents say about VAEs, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows. The
documents' recipes stand here in PyTorch: the fault is in the recipe, not in the
library that they use.
"""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader

from course.data import digits
from course.models.vae import VAE
from course.nn.likelihoods import gaussian
from course.nn.mlp import MLP
from course.protocols import Generative
from course.seeding import seeded
from course.training import Turn, train

M = 8  # features of the code
STEPS = 400


class Constant(nn.Module):
    """An encoder that gives one normal distribution for every x."""

    def __init__(self, mu, sigma):
        super().__init__()
        output = torch.tensor([mu, 2 * math.log(sigma)])
        self.output = nn.Parameter(output)

    def forward(self, x):
        """The same mean and log-variance in every row."""
        return self.output.expand(len(x), 2)


def linear_gaussian(mu, sigma):
    """p(z) = N(0, 1), p(x | z) = N(z, 1), q(z | x) = N(mu, sigma^2)."""
    encoder, decoder = Constant(mu, sigma), nn.Identity()
    return VAE(encoder, decoder, 1, likelihood=gaussian(1.0))


EXACT = Normal(0.0, math.sqrt(2)).log_prob(torch.tensor(2.0)).item()
TWO = torch.full((50_000, 1), 2.0)  # the example x = 2, many times


def new_vae(**options):
    return VAE(MLP(64, 128, 2 * M), MLP(M, 128, 64), M, **options)


@pytest.fixture(scope="module")
def data():
    """Black and white digits: 1000 for training, 447 for the test."""
    return tuple(
        torch.from_numpy(digits(part)[0]).reshape(-1, 64).round()
        for part in ("train", "test")
    )


def descend(loss, parameters, x, steps=STEPS):
    """Adam on `loss` of minibatches of x."""
    optimiser = torch.optim.Adam(parameters, lr=4e-3)
    for _ in range(steps):
        batch = x[torch.randint(len(x), (64,))]
        optimiser.zero_grad()
        loss(batch).backward()
        optimiser.step()


class Pair(nn.Module):
    """An encoder and a decoder as the documents have them: points to points."""

    def __init__(self, last=None):
        super().__init__()
        self.encoder = MLP(64, 128, M)
        layers = [MLP(M, 128, 64)] + ([last] if last else [])
        self.decoder = nn.Sequential(*layers)

    def forward(self, x):
        """The reconstruction."""
        return self.decoder(self.encoder(x))


def document_004_recipe(x):
    """Document 004, with the shapes repaired: reconstruction alone."""
    pair = Pair()
    descend(lambda b: mse_loss(pair(b), b), pair.parameters(), x)
    return pair, pair.decoder


def autoencoder_recipe(x):
    """The networks of the VAE, without noise and without the KL term."""
    vae = new_vae()

    def loss(b):
        z = vae.posterior(b).mean
        return -vae.likelihood(z).log_prob(b).mean()

    descend(loss, vae.parameters(), x)
    return partial(reconstruct, vae), lambda z: vae.likelihood(z).mean


def encoder_to_zero_recipe(x):
    """Document 002, section 4.2: targets 0 for the encoder, x for a code."""
    pair = Pair(nn.Sigmoid())

    def loss(b):
        z = pair.encoder(b)
        apart = mse_loss(z, torch.zeros_like(z))
        return apart + mse_loss(pair.decoder(z.detach()), b)

    descend(loss, pair.parameters(), x)
    return pair, pair.decoder


def adversarial_recipe(x):
    """Document 002, section 3.1.2: the inverted loop of a GAN."""
    pair, critic = Pair(nn.Sigmoid()), MLP(64, 128, 1)
    for network, sign in 2 * [(pair.decoder, 1), (critic, -1)]:

        def loss(b, sign=sign):
            fake = pair.decoder(torch.randn(len(b), M))
            return sign * critic(fake).sigmoid().mean()

        descend(loss, network.parameters(), x, steps=STEPS // 4)
    return pair, pair.decoder


def plain_draw_recipe(x):
    """A VAE whose draw is not reparametrised, as in document 001."""
    vae = new_vae()

    def loss(b):
        q = vae.posterior(b)
        log_p = vae.likelihood(q.sample()).log_prob(b)
        return (kl_divergence(q, vae.prior) - log_p).mean()

    descend(loss, vae.parameters(), x)
    return partial(reconstruct, vae), lambda z: vae.likelihood(z).mean


def bound_recipe(x):
    """What holds: one loss, one reparametrised draw, one backward pass."""
    vae = new_vae()
    descend(lambda b: vae.loss(b)["loss"], vae.parameters(), x)
    return partial(reconstruct, vae), lambda z: vae.likelihood(z).mean


def reconstruct(vae, x):
    """The mean image of the code's mean."""
    return vae.likelihood(vae.posterior(x).mean).mean


RECIPES = {
    "document 004": document_004_recipe,
    "autoencoder": autoencoder_recipe,
    "encoder to zero": encoder_to_zero_recipe,
    "adversarial": adversarial_recipe,
    "plain draw": plain_draw_recipe,
    "bound": bound_recipe,
}


@pytest.fixture(scope="module")
def models(data):
    """Every recipe, trained: how it reconstructs, and how it decodes."""
    with seeded(0):
        return {name: recipe(data[0]) for name, recipe in RECIPES.items()}


@pytest.fixture(scope="module")
def scores(models, data):
    """Test error of the reconstruction; distance of samples to real images."""
    found = {}
    x, new = data
    for name, (rebuild, decode) in models.items():
        with torch.no_grad(), seeded(1):
            fake = decode(torch.randn(400, M))
            error = mse_loss(rebuild(new), new).item()
        near = torch.cdist(fake, x).amin(1).mean().item()
        found[name] = (error, near)
    return found


@pytest.fixture(scope="module")
def mean_image(data):
    """The test error of showing the same image for every input."""
    x, new = data
    return mse_loss(x.mean(0).expand_as(new), new).item()


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_the_bound_misses_the_divergence_to_the_posterior(mu):
    """D1-F4, D2-T11: the right side is not log p(x)."""
    bound = sum_of_terms(linear_gaussian(mu, 1.0))
    gap = kl_divergence(Normal(mu, 1.0), Normal(1.0, math.sqrt(0.5))).item()
    assert gap > 0.15
    assert bound < EXACT - 0.1
    assert bound + gap == pytest.approx(EXACT, abs=0.03)


def sum_of_terms(vae):
    """The bound at x = 2, averaged over many draws."""
    log_p, kl = vae.elbo(TWO)
    return (log_p - kl).mean().item()


def test_a_divergence_is_no_difference_of_entropies():
    """D1-F5: equal entropies, yet far apart."""
    p = Normal(0.0, 1.0)
    for m in (1.0, 3.0):
        q = Normal(m, 1.0)
        assert q.entropy() - p.entropy() == 0
        x = q.sample((100_000,))
        cross_entropy = -p.log_prob(x).mean()
        kl = kl_divergence(q, p)
        assert kl == m**2 / 2
        assert (cross_entropy - q.entropy()).item() == pytest.approx(
            kl.item(), abs=0.05
        )


def test_the_best_approximation_is_the_posterior():
    """D1-T10: what is inferred is z; there the bound is tight."""
    vae = linear_gaussian(0.0, 1.0)
    assert sum_of_terms(vae) < EXACT - 1
    optimiser = torch.optim.Adam(vae.parameters(), lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        vae.loss(TWO[:500])["loss"].backward()
        optimiser.step()
    mu, log_var = vae.encoder.output.tolist()
    assert mu == pytest.approx(1, abs=0.05)
    assert math.exp(log_var) == pytest.approx(0.5, abs=0.05)
    assert sum_of_terms(vae) == pytest.approx(EXACT, abs=0.01)


def test_a_plain_draw_gives_the_encoder_no_gradient(data, scores, mean_image):
    """D1-O6, D4-T18: without the trick the encoder does not learn."""
    vae, x = new_vae(), data[0][:64]
    z = vae.posterior(x).sample()
    (-vae.likelihood(z).log_prob(x).mean()).backward()
    assert all(p.grad is None for p in vae.encoder.parameters())
    assert all(p.grad is not None for p in vae.decoder.parameters())
    vae.zero_grad()
    vae.loss(x)["reconstruction"].backward()
    assert all(p.grad.abs().sum() > 0 for p in vae.encoder.parameters())
    assert scores["plain draw"][0] > 0.9 * mean_image
    assert scores["bound"][0] < 0.6 * mean_image


def test_a_decoder_trained_alone_gives_the_encoder_no_gradient(data):
    """D2-F5, D2-C17: two losses do not make one."""
    pair, x = Pair(nn.Sigmoid()), data[0][:64]
    mse_loss(pair.decoder(pair.encoder(x).detach()), x).backward()
    assert all(p.grad is None for p in pair.encoder.parameters())
    vae = new_vae()
    vae.loss(x)["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in vae.parameters())


def test_the_adversarial_loop_never_sees_the_data(data, scores):
    """D2-F4: nothing in that loop depends on the data."""
    x = data[0][:64].clone().requires_grad_()
    pair, critic = Pair(nn.Sigmoid()), MLP(64, 128, 1)
    loss = critic(pair.decoder(torch.randn(len(x), M))).sigmoid().mean()
    (slope,) = torch.autograd.grad(loss, x, allow_unused=True)
    assert slope is None
    assert scores["adversarial"][1] > 1.5 * scores["bound"][1]
    vae = new_vae()
    names = {name.split(".")[0] for name, _ in vae.named_parameters()}
    assert names == {"encoder", "decoder"}
    loss = vae.loss(x)["loss"]
    (slope,) = torch.autograd.grad(loss, x)
    assert slope.abs().sum() > 0


def test_only_the_bound_both_reconstructs_and_draws(scores, mean_image):
    """X8, D2-T12: reconstruct the images, and draw new ones."""
    works = {
        name: error < 0.75 * mean_image and near < 1.3 * scores["bound"][1]
        for name, (error, near) in scores.items()
    }
    assert [name for name, both in works.items() if both] == ["bound"]


def test_an_encoder_trained_to_zero_leaves_the_mean_image(
    models, scores, data, mean_image
):
    """D2-C16: the code says nothing, and the decoder shows the mean."""
    new = data[1]
    pair = models["encoder to zero"][0]
    with torch.no_grad():
        assert pair.encoder(new).abs().max() < 0.3
        assert pair(new).std(0).max() < 0.1
    assert scores["encoder to zero"][0] > 0.9 * mean_image
    assert scores["bound"][0] < 0.6 * mean_image


def test_a_vae_has_what_the_example_lacks(data):
    """D2-C18, D4-T17: mean, variance, noise, divergence and prior."""
    pair, vae, x = Pair(), new_vae(), data[0][:64]
    assert torch.equal(pair(x), pair(x))  # no noise
    assert not hasattr(pair, "prior")
    q = vae.posterior(x)
    assert q.mean.shape == q.stddev.shape == (64, M)  # of z, not of x
    p = Independent(Normal(torch.zeros(M), 1.0), 1)
    torch.testing.assert_close(vae.elbo(x)[1], kl_divergence(q, p))
    assert not torch.equal(vae.elbo(x)[0], vae.elbo(x)[0])
    assert vae.sample(3).shape == (3, 64)


def test_without_the_kl_term_the_prior_meets_no_codes(scores, data):
    """D4-C39, D2-T5, D4-F10, D4-T6, D1-T8: it copies, and cannot create."""
    real = torch.cdist(data[1], data[0]).amin(1).mean().item()
    for name in ("document 004", "autoencoder"):
        assert scores[name][0] < 1.1 * scores["bound"][0]
        assert scores[name][1] > 1.25 * scores["bound"][1]
        assert scores[name][1] > 1.2 * real
    assert scores["bound"][1] < 1.05 * real


def test_a_vae_reconstructs_worse_and_samples_better(scores):
    """D1-T9, D2-T3, D2-Q3: that is what the KL term buys."""
    autoencoder, vae = scores["autoencoder"], scores["bound"]
    assert autoencoder[0] < 0.93 * vae[0]
    assert autoencoder[1] > 1.25 * vae[1]


def test_a_vae_is_a_generative_model():
    """D2-T2, D2-T8, D2-Q1, X3: an autoencoder is not; a VAE is."""
    assert isinstance(new_vae(), Generative)
    assert not isinstance(Pair(), Generative)


def test_a_relu_code_reaches_one_orthant(data):
    """D2-C19: half of the prior, in each feature, is out of reach."""
    encoder = nn.Sequential(MLP(64, 128, M), nn.ReLU())
    assert encoder(data[0]).min() >= 0
    z = new_vae().prior.sample((20_000,))
    in_reach = (z >= 0).all(1).float().mean().item()
    assert in_reach < 3 * 2**-M
    means = new_vae().posterior(data[0]).mean
    assert (means.amin(0) < 0).any()
    assert (means.amax(0) > 0).any()


def test_an_array_has_no_batches():
    """D2-C13: minibatches come from a loader."""
    x = digits("train")[0]
    with pytest.raises(AttributeError, match="batch"):
        x.batch(128)
    batches = list(DataLoader(torch.from_numpy(x), batch_size=128))
    assert [len(b) for b in batches] == 7 * [128] + [104]


def test_a_loss_is_no_code(data):
    """D2-C15: a training step returns a number."""
    pair, x = Pair(), data[0][:64]
    code = mse_loss(pair.encoder(x), torch.zeros(64, M)).item()
    assert isinstance(code, float)
    with pytest.raises(TypeError):
        pair.decoder(code)
    assert pair.decoder(pair.encoder(x)).shape == x.shape


def test_images_must_be_flattened(data):
    """D2-C14: a layer for 784 features refuses 28 rows of 28."""
    encoder = MLP(784, 256, 128)
    with pytest.raises(RuntimeError, match="shapes"):
        encoder(torch.zeros(128, 28, 28))
    assert encoder(torch.zeros(128, 28, 28).flatten(1)).shape == (128, 128)
    # nothing has to be compiled, or given a loss, before it can be trained
    vae, losses = new_vae(), []
    turn = Turn("loss", torch.optim.Adam(vae.parameters()))
    for step in train(vae, DataLoader(data[0], 64), [turn], steps=3):
        losses.append(step.losses["loss"])
    assert len(losses) == 3


def test_the_last_batch_is_smaller(data):
    """D2-C20: 60 000 is no multiple of 128."""
    assert 60_000 % 128 == 96
    encoder = MLP(64, 128, 128)
    targets = torch.zeros(128, 128)
    x = data[0]
    assert mse_loss(encoder(x[:128]), targets).isfinite()
    with pytest.raises(RuntimeError, match="size"):
        encoder(x[:96]) - targets
    vae = new_vae()
    for rows in (128, 96):
        assert vae.loss(x[:rows])["loss"].isfinite()


def test_undefined_names_stop_the_example(data):
    """D4-C36: z_dim, img_dim and x come from nowhere."""
    source = {
        "encoder(1)": "def encoder(x):\n    return dense(x, z_dim)",
        "decoder(1)": "def decoder(z):\n    return dense(z, img_dim)",
        "encoder(x)": "def encoder(x):\n    return dense(x, 2)",
    }
    missing = []
    for call, definition in source.items():
        with pytest.raises(NameError) as error:
            exec(f"{definition}\n{call}", {"dense": nn.Linear})
        missing.append(error.value.name)
    assert missing == ["z_dim", "img_dim", "x"]
    with pytest.raises(TypeError, match="latent_dim"):
        VAE(MLP(64, 2 * M), MLP(M, 64))


def test_an_unused_standard_deviation_gets_no_gradient(data):
    """D4-C37: computed, never used, never trained."""
    x = data[0][:64]
    body = MLP(64, 128)
    mean, log_std = nn.Linear(128, M), nn.Linear(128, M)
    decoder = MLP(M, 64)
    h = body(x)
    z_mean, _ = mean(h), log_std(h)
    mse_loss(decoder(z_mean), x).backward()
    assert mean.weight.grad is not None
    assert log_std.weight.grad is None
    vae = new_vae()
    vae.loss(x)["reconstruction"].backward()
    last = vae.encoder[-1].weight
    assert last.grad[M:].abs().sum() > 0  # the rows of log sigma^2


def test_a_code_like_the_image_is_an_error_or_a_copy(data):
    """D4-F12, D4-C38: squared differences of image and code."""
    x = data[0][:256]
    with pytest.raises(RuntimeError, match="size"):
        x - MLP(64, 128, M)(x)
    # one feature: it broadcasts, and the best code is the mean brightness
    brightness = nn.Linear(64, 1)
    solve(brightness, x, x.mean(1, keepdim=True))
    loss = mse_loss(x, brightness(x).expand_as(x)).item()
    assert loss == pytest.approx(x.var(1, correction=0).mean().item())
    # as many features as pixels: the code is the image
    copy = nn.Linear(64, 64)
    solve(copy, x, x)
    assert mse_loss(copy(x), x) < 1e-6
    # what belongs there compares distributions of z, whatever its size
    vae = new_vae()
    assert vae.elbo(x)[1].shape == (256,)


def solve(layer, x, target):
    """The least-squares solution, put into a linear layer."""
    ones = torch.cat([x, torch.ones(len(x), 1)], 1).double()
    found = torch.linalg.lstsq(ones, target.double(), driver="gelsd").solution
    with torch.no_grad():
        layer.weight.copy_(found[:-1].T)
        layer.bias.copy_(found[-1])


def test_a_loss_that_never_sees_the_batch(data):
    """D4-C41: the batch is fed to a name on which nothing depends."""
    pair, x = Pair(), data[0][64:128]
    img_real = data[0][:64].clone().requires_grad_()
    loss = mse_loss(pair(x), x)
    (slope,) = torch.autograd.grad(loss, img_real, allow_unused=True)
    assert slope is None
    (slope,) = torch.autograd.grad(new_vae().loss(img_real)["loss"], img_real)
    assert slope.abs().sum() > 0


def test_a_linear_decoder_leaves_the_range_of_pixels(models):
    """D4-C40, D4-F11: an output without a distribution has no bounds."""
    with torch.no_grad(), seeded(0):
        z = torch.randn(400, M)
        document = models["document 004"][1](z)
        ours = models["bound"][1](z)
    outside = ((document < -0.01) | (document > 1.01)).float().mean()
    assert outside > 0.1
    assert ((ours >= 0) & (ours <= 1)).all()
    drawn = new_vae().likelihood(z).sample()
    assert set(drawn.unique().tolist()) == {0.0, 1.0}


def test_a_heavy_kl_term_collapses_the_posterior(data):
    """D2-Q2: rate and distortion show what weighs too much."""
    rates, distortions = [], []
    for beta in (0.3, 1.0, 20.0):
        with seeded(0):
            vae = new_vae(beta=beta)
            descend(
                lambda b, vae=vae: vae.loss(b)["loss"],
                vae.parameters(),
                data[0],
                steps=200,
            )
            log_p, kl = (t.mean().item() for t in vae.elbo(data[1]))
        rates.append(kl)
        distortions.append(-log_p)
    assert rates[0] > rates[1] + 2 > rates[2] + 4
    assert rates[2] < 0.1  # collapsed
    assert distortions[0] < distortions[1] < distortions[2] - 2


def test_more_samples_tighten_the_bound(models, data):
    """D2-Q5: a bound on held-out data, not the losses of the parts."""
    vae = linear_gaussian(0.0, 1.0)
    bounds = [
        vae.iwae(TWO[: 200_000 // S], samples=S).mean().item()
        for S in (5, 50, 500)
    ]
    bounds.insert(0, sum_of_terms(vae))
    assert bounds == sorted(bounds)
    assert bounds[1] > bounds[0] + 0.5
    assert bounds[-1] == pytest.approx(EXACT, abs=0.02)
    # the losses of the parts praise a model that has learned nothing
    pair = models["encoder to zero"][0]
    with torch.no_grad():
        z = pair.encoder(data[1])
    assert mse_loss(z, torch.zeros_like(z)) < 0.01
