"""What the training loop of the course costs: steps per second.

    python -m benchmarks.training

writes benchmarks/results/training.json (about eight minutes). Networks of the
size of the chapters, and a wide one, learn digits in batches of 100, by `fit`
or `train` and by the plainest loop in PyTorch that does the same: same start,
same batches, Adam. The parameters at the end must be equal, bit for bit. On one
thread.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import os  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from functools import cache  # noqa: E402
from itertools import islice  # noqa: E402

import torch  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.optim import Adam  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.data import digits  # noqa: E402
from course.models.autoencoder import Autoencoder  # noqa: E402
from course.models.gan import GAN  # noqa: E402
from course.models.vae import VAE  # noqa: E402
from course.nn.conv import ConvDecoder, ConvEncoder  # noqa: E402
from course.nn.likelihoods import discretised_logistic  # noqa: E402
from course.nn.mlp import MLP  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import Turn, fit, train  # noqa: E402

BATCH, LR, STEPS, SHAPE = 100, 1e-3, 200, (1, 8, 8)
CPU = Fabric(accelerator="cpu", devices=1)  # one for all, as in a chapter


def image(*widths: int) -> nn.Module:
    """A decoder from a code to one number a pixel."""
    return nn.Sequential(MLP(*widths, 64), nn.Unflatten(1, SHAPE))


def vae() -> VAE:
    """The variational autoencoder of the benchmark of likelihoods."""
    encoder = nn.Sequential(nn.Flatten(), MLP(64, 512, 32))
    decoder = nn.Sequential(MLP(16, 512, 128), nn.Unflatten(1, (*SHAPE, 2)))
    return VAE(encoder, decoder, 16, likelihood=discretised_logistic(17))


def autoencoder() -> Autoencoder:
    """The smallest network here: most of its step is overhead."""
    encoder = nn.Sequential(nn.Flatten(), MLP(64, 80, 8))
    return Autoencoder(encoder, image(8, 80))


def convolutional() -> Autoencoder:
    """As many parameters, in convolutions."""
    return Autoencoder(ConvEncoder(SHAPE, 8), ConvDecoder(8, SHAPE))


def gan() -> GAN:
    """Two perceptrons."""
    judge = nn.Sequential(nn.Flatten(), MLP(64, 256, 256, 1))
    return GAN(image(32, 256, 256), judge, 32)


def wide() -> Autoencoder:
    """Two million parameters: the step itself takes nearly all of the time."""
    encoder = nn.Sequential(nn.Flatten(), MLP(64, 1024, 1024, 8))
    return Autoencoder(encoder, image(8, 1024, 1024))


PAIRS = {"autoencoder": 101, "wide": 11}  # the smaller, the more; else 41
MODELS = {
    "vae": vae,
    "autoencoder": autoencoder,
    "convolutional": convolutional,
    "gan": gan,
    "wide": wide,
}


def turns(model: nn.Module) -> list[Turn]:
    """One turn, or for a GAN two."""
    if not isinstance(model, GAN):
        return [Turn("loss", Adam(model.parameters(), lr=LR))]
    players = {"critic": model.discriminator, "generator": model.generator}
    return [
        Turn(f"{name}_loss", Adam(player.parameters(), lr=LR))
        for name, player in players.items()
    ]


def by_course(model: nn.Module, loader: DataLoader, steps: int) -> None:
    """Train by the package: `fit` where there is one loss, else `train`."""
    if not isinstance(model, GAN):
        fit(model, loader, steps=steps, lr=LR, fabric=CPU)
        return
    for _ in train(model, loader, turns(model), steps=steps, fabric=CPU):
        pass


def by_torch(model: nn.Module, loader: DataLoader, steps: int) -> None:
    """Train by the plainest loop: no checks, no history, no bar."""
    plan = [(getattr(model, t.loss), t.optimizer) for t in turns(model)]
    model.train()
    for number, batch in enumerate(islice(endless(loader), steps)):
        loss, optimizer = plan[number % len(plan)]
        optimizer.zero_grad()
        loss(batch)["loss"].backward()
        optimizer.step()
    model.eval()


def endless(loader: DataLoader) -> Iterator[Tensor]:
    """The batches of a loader, epoch after epoch."""
    while True:
        yield from loader


@cache
def training_digits() -> Tensor:
    """The training digits, read once and outside the measured time."""
    return torch.from_numpy(digits("train")[0])


def result(
    learn: Callable, make: Callable[[], nn.Module], *, steps: int = STEPS
) -> Tensor:
    """Train a new model from seed 0; all its parameters in one row."""
    with seeded(0):
        model = make()
        learn(
            model,
            DataLoader(training_digits(), batch_size=BATCH, shuffle=True),
            steps,
        )
    return nn.utils.parameters_to_vector(model.parameters()).detach()


@contextmanager
def no_bar() -> Iterator[None]:
    """Without the progress bar, which costs more than a small step."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        del os.environ["TQDM_DISABLE"]
        if before is not None:
            os.environ["TQDM_DISABLE"] = before


def speed(name: str, *, steps: int = STEPS, repeats: int = 41) -> dict:
    """Times of both loops, their steps per second, our speed over theirs.

    Raises:
        ValueError: the parameters at the end differ: then the loops did not do
            the same, and their times say nothing.
    """
    make, loops = MODELS[name], {"course": by_course, "torch": by_torch}
    ends = [result(learn, make, steps=steps) for learn in loops.values()]
    if not torch.equal(*ends):
        raise ValueError(
            f"the parameters of the {name} differ by up to "
            f"{(ends[0] - ends[1]).abs().max():.1e} after {steps} steps: find "
            f"out why before comparing times"
        )
    contenders = {
        key: lambda learn=learn: result(learn, make, steps=steps)
        for key, learn in loops.items()
    }
    times = harness.contend(contenders, repeats=repeats)
    seconds = {k: t["wall_seconds"]["median"] for k, t in times.items()}
    ratio = times["course"]["wall_ratio"]
    mirror = {"median": "median", "low": "high", "high": "low"}
    return {
        "parameters": len(ends[0]),
        "steps": steps,
        "pairs": repeats,
        "steps_per_second": {k: steps / s for k, s in seconds.items()},
        "relative_speed": {k: 1 / ratio[v] for k, v in mirror.items()},
        **times,
    }


def main() -> dict:
    """Measure all models, and keep the results."""
    with no_bar():
        results = {
            name: speed(name, repeats=PAIRS.get(name, 41)) for name in MODELS
        }
    return harness.save("training", results)


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
