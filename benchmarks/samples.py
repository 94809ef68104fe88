"""Samples of handwritten digits: how near they are to real images.

447 generated images against the 447 test images. The Frechet distance is in
the 64 ReLU units of a small classifier of the training images; precision,
recall, density and coverage count in pixel space, with k = 5; C2ST is the
accuracy of a support vector machine on held-out pairs; copying is the chance
that a sample is nearer to the training images than a validation image is.
Models see the training images alone.

    python -m benchmarks.samples

writes benchmarks/results/samples.json (about ten minutes): for both splits, by
the order of the file and stratified, mean and standard deviation over seeds 0
to 2. Between the parts of the first split lie other writers, so that the floor,
real training images, is higher there.

To add a model, add a line to `SAMPLERS`: a function from the training images,
float32 of shape (1000, 64) in [0, 1], how many are wanted, and a seed.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.optim import Adam  # noqa: E402
from torch.optim.swa_utils import (  # noqa: E402
    AveragedModel,
    get_ema_multi_avg_fn,
)
from torch.utils.data import (  # noqa: E402
    BatchSampler,
    DataLoader,
    RandomSampler,
    TensorDataset,
)

from course.data import digits  # noqa: E402
from course.metrics.frechet import frechet_distance  # noqa: E402
from course.metrics.kernel import kernel_distance  # noqa: E402
from course.metrics.neighbours import (  # noqa: E402
    copying_score,
    nearest_distances,
    neighbourhoods,
)
from course.metrics.two_sample import (  # noqa: E402
    classifier_test,
    energy_distance,
)
from course.models.gan import HingeGAN, WassersteinGAN  # noqa: E402
from course.models.mixture import (  # noqa: E402
    CategoricalMixture,
    GaussianMixture,
)
from course.models.vae import VAE  # noqa: E402
from course.nn.dcgan import DCDiscriminator, DCGenerator  # noqa: E402
from course.nn.features import FeatureNetwork  # noqa: E402
from course.nn.likelihoods import discretised_logistic  # noqa: E402
from course.nn.mlp import MLP  # noqa: E402
from course.nn.stacked import StackedMLP  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import Turn, fit, train  # noqa: E402

SEEDS, SPLITS, K = range(3), ("order", "stratified"), 5


def parts(split: str) -> dict[str, Tensor]:
    """Training, validation and test images as rows of pixels."""
    names = ("train", "val", "test")
    found = {name: digits(name, split=split)[0] for name in names}
    return {k: torch.from_numpy(x.reshape(-1, 64)) for k, x in found.items()}


def digit_features(seed: int = 0, *, split: str = "order") -> FeatureNetwork:
    """The feature network: 64 ReLU units, trained on the training images."""
    x, y = map(torch.from_numpy, digits("train", split=split))
    loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
    with seeded(seed):
        network = FeatureNetwork(64, 10)
        fit(network, loader, steps=600, lr=3e-3)
    return network


def levels(x: Tensor) -> np.ndarray:
    """Pixels as whole numbers from 0 to 16."""
    return (16 * x).round().double().numpy()


def images(x: np.ndarray) -> Tensor:
    """Whole numbers, or numbers near them, as pixels in [0, 1]."""
    return torch.as_tensor(x.round().clip(0, 16) / 16).float()


def real(train: Tensor, n: int, seed: int) -> Tensor:
    """Different training images: the floor, and what a memoriser shows."""
    dice = torch.Generator().manual_seed(seed)
    return train[torch.randperm(len(train), generator=dice)[:n]]


def gaussians(train: Tensor, n: int, seed: int, *, K: int = 10) -> Tensor:
    """Gaussians on images with noise in each level's cell, rounded."""
    x = levels(train)
    noise = np.random.RandomState(seed).rand(*x.shape) - 0.5
    m = GaussianMixture(K, ridge=0.01, tol=1e-4, random_state=seed)
    return images(m.fit(x + noise).sample(n, random_state=seed))


def categorical(train: Tensor, n: int, seed: int, *, K: int) -> Tensor:
    """A mixture of products of categoricals; K = 1: independent pixels."""
    m = CategoricalMixture(K, n_categories=17, tol=1e-3, random_state=seed)
    return images(m.fit(levels(train)).sample(n, random_state=seed))


def vae(train: Tensor, n: int, seed: int) -> Tensor:
    """A small VAE with 12 latents."""
    loader = DataLoader(train, batch_size=100, shuffle=True)
    with seeded(seed):
        encoder = MLP(64, 192, 192, 24, dropout=0.1)
        decoder = MLP(12, 192, 192, 128, dropout=0.1)
        decoder = nn.Sequential(decoder, nn.Unflatten(1, (64, 2)))
        model = VAE(encoder, decoder, 12, likelihood=discretised_logistic(17))
        fit(model, loader, steps=1000, lr=3e-3)
        return model.sample(n)


def batches(x: Tensor, size: int) -> DataLoader:
    """Shuffled batches of one size, taken out of x at once."""
    sampler = BatchSampler(RandomSampler(x), size, drop_last=True)
    return DataLoader(x, batch_size=None, sampler=sampler)


def play(
    gan: nn.Module,
    loader: DataLoader,
    rounds: int,
    *,
    critics: int,
    adams: tuple[Adam, Adam],
) -> nn.Module:
    """The averaged generator after some rounds; critics: turns in a round."""
    turns = critics * [Turn("critic_loss", adams[0])]
    turns += [Turn("generator_loss", adams[1])]
    mean = AveragedModel(
        gan.generator, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True
    )
    cpu, steps = Fabric(accelerator="cpu", devices=1), rounds * len(turns)
    for step in train(gan, loader, turns, steps=steps, fabric=cpu):
        if step.turn == "generator_loss":
            mean.update_parameters(gan.generator)
    return mean.eval()


def wgan_gp(train: Tensor, n: int, seed: int, *, rounds: int = 1000) -> Tensor:
    """WGAN-GP of perceptrons, 32 latents; 4 turns of the critic a round."""
    with seeded(seed):
        noise = torch.rand(20 * len(train), 64) - 0.5
        x = (16 * train.repeat(20, 1) + 0.5 + noise / 2) / 17
        forger = nn.Sequential(StackedMLP(1, 32, 192, 192, 64), nn.Sigmoid())
        judge = StackedMLP(1, 64, 144, 144, 1)
        gan = WassersteinGAN(forger, judge, 32, penalty=1.0)
        adams = (
            Adam(judge.parameters(), 3e-3, betas=(0.0, 0.9)),
            Adam(forger.parameters(), 2e-3, betas=(0.0, 0.9)),
        )
        mean = play(gan, batches(x, 64), rounds, critics=4, adams=adams)
        return images((17 * mean(torch.randn(n, 32)) - 0.5).detach())


def hinge_dcgan(train: Tensor, n: int, seed: int) -> Tensor:
    """DCGAN with hinge loss and spectral norm, one turn each."""
    with seeded(seed):
        x = (2 * train - 1).reshape(-1, 1, 8, 8)
        forger = DCGenerator(32, (1, 8, 8))
        judge = DCDiscriminator((1, 8, 8), norm="spectral")
        adams = tuple(
            Adam(player.parameters(), 5e-4, betas=(0.5, 0.999))
            for player in (judge, forger)
        )
        gan = HingeGAN(forger, judge, 32)
        mean = play(gan, batches(x, 32), 500, critics=1, adams=adams)
        return images((8 * (mean(torch.randn(n, 32)) + 1)).detach().flatten(1))


# real: the floor; gaussians: a full mixture of 10, rounded; independent: a
# categorical for each pixel; categoricals: a mixture of 20 products of them;
# wgan_gp_full: six times the rounds; hinge_dcgan: about the time of wgan_gp
SAMPLERS: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "real": real,
    "gaussians": gaussians,
    "one_gaussian": lambda x, n, seed: gaussians(x, n, seed, K=1),
    "independent": lambda x, n, seed: categorical(x, n, seed, K=1),
    "categoricals": lambda x, n, seed: categorical(x, n, seed, K=20),
    "vae": vae,
    "wgan_gp": wgan_gp,
    "wgan_gp_full": lambda x, n, seed: wgan_gp(x, n, seed, rounds=6000),
    "hinge_dcgan": hinge_dcgan,
}


def measure(x: Tensor, data: dict[str, Tensor], h: Callable) -> dict:
    """All numbers of one sample."""
    test, near = data["test"], neighbourhoods(data["test"], x, k=K)
    return {
        "frechet": frechet_distance(h(x), h(test)),
        "kid": kernel_distance(h(x), h(test)),
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
        "c2st": classifier_test(x, test).accuracy,
        "energy": energy_distance(x, test),
        "copying": copying_score(x, data["train"], data["val"]),
        "nearest": nearest_distances(x, data["train"]).mean().item(),
    }


def summary(runs: list[dict]) -> dict:
    """Mean and standard deviation of every number over the seeds."""
    found = {}
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        found[name] = {"mean": values.mean(), "sd": values.std(ddof=1)}
    return found


def table(split: str, samplers: dict | None = None) -> dict:
    """The rows of the table, for one split."""
    data, network = parts(split), digit_features(split=split)
    n = len(data["test"])
    return {"n": n, "k": K} | {
        name: summary(
            [
                measure(draw(data["train"], n, seed), data, network.features)
                for seed in SEEDS
            ]
        )
        for name, draw in (samplers or SAMPLERS).items()
    }


def main() -> dict:
    """Measure all, and keep the results."""
    return harness.save("samples", {s: table(s) for s in SPLITS})


if __name__ == "__main__":
    print(json.dumps(main()))
