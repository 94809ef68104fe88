"""Likelihood of handwritten digits under variational autoencoders.

Nats per image (8 x 8 pixels, 17 levels), split by the order of the file:
trained on images 0-999, compared on 1350-1796. The numbers of each recipe were
chosen on the validation images 1000-1349, and no test image was looked at
before they were fixed. All recipes have one hidden layer in encoder and in
decoder, 16 latents, batches of 64, Adam with a learning rate that falls to
zero along a cosine, and take the parameters of the last step.

    python -m benchmarks.vae

writes benchmarks/results/vae.json (about five minutes). Seeds are 0 to 4; every
figure is a mean over them, with its standard deviation.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import time  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.optim.lr_scheduler import CosineAnnealingLR  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.data import digits  # noqa: E402
from course.metrics.likelihood import (  # noqa: E402
    bits_per_dim,
    paired_difference,
)
from course.models.vae import VAE  # noqa: E402
from course.nn.likelihoods import (  # noqa: E402
    categorical,
    discretised_logistic,
)
from course.nn.mlp import MLP  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import Turn, train  # noqa: E402

LEVELS, PIXELS, LATENTS, SEEDS = 17, 64, 16, 5
SAMPLES = {"val": 200, "test": 1000}  # of the importance-weighted bound
FAMILIES = {
    "categorical": categorical(LEVELS),
    "discretised logistic": discretised_logistic(LEVELS),
}


@dataclass(frozen=True)
class Recipe:
    """What was chosen on the validation images."""

    likelihood: str
    hidden: int
    dropout: float
    steps: int
    lr: float


RECIPES = {
    "quick": Recipe("discretised logistic", 512, 0.1, 1000, 4e-3),
    "best": Recipe("discretised logistic", 1024, 0.15, 2000, 2e-3),
    "categorical": Recipe("categorical", 512, 0.6, 1000, 2e-3),
}


def build(recipe: Recipe) -> VAE:
    """A VAE of digits with one hidden layer on each side."""
    family = FAMILIES[recipe.likelihood]
    drop = {"dropout": recipe.dropout}
    encoder = MLP(PIXELS, recipe.hidden, 2 * LATENTS, **drop)
    decoder = MLP(LATENTS, recipe.hidden, PIXELS * family.outputs, **drop)
    return VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, 8, 8, family.outputs))),
        LATENTS,
        likelihood=family,
    )


def learn(recipe: Recipe, x: Tensor) -> VAE:
    """Train on x by the recipe."""
    model = build(recipe)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    schedule = CosineAnnealingLR(optimizer, recipe.steps)
    loader = DataLoader(x, batch_size=64, shuffle=True)
    turns = [Turn("loss", optimizer)]
    for _ in train(model, loader, turns, steps=recipe.steps):
        schedule.step()
    return model


def score(model: VAE, x: Tensor, *, samples: int) -> dict[str, Tensor]:
    """Negative bounds of every image, in nats; the ELBO of 20 draws."""
    with torch.no_grad():
        draws = torch.stack([torch.stack(model.elbo(x)) for _ in range(20)])
    log_p, kl = draws.mean(0)
    bound = model.iwae(x, samples)
    return {"elbo": kl - log_p, "kl": kl, "iw": -bound}


def run(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    """Train one model; its figures on both parts, and seconds of training."""
    x = {part: torch.tensor(digits(part)[0]) for part in ("train", *SAMPLES)}
    with seeded(seed):
        wall, cpu = time.perf_counter(), time.process_time()
        model = learn(recipe, x["train"])
        figures = {
            "train_wall_seconds": torch.tensor(time.perf_counter() - wall),
            "train_cpu_seconds": torch.tensor(time.process_time() - cpu),
        }
        for part, samples in SAMPLES.items():
            terms = score(model, x[part], samples=samples)
            figures |= {f"{part}_{name}": v for name, v in terms.items()}
    return figures


def summary(runs: list[dict[str, Tensor]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation over seeds of the means over images."""
    table = {}
    for name in runs[0]:
        values = torch.stack(
            [figures[name].double().mean() for figures in runs]
        )
        table[name] = {
            "mean": round(values.mean().item(), 3),
            "sd": round(values.std().item(), 3),
        }
    return table


def advantage(runs: dict[str, list[dict[str, Tensor]]]) -> dict[str, float]:
    """Nats that the logistic wins, paired by image, bounds averaged first."""
    bounds = {
        name: torch.stack([figures["test_iw"] for figures in several]).mean(0)
        for name, several in runs.items()
    }
    nats, error = paired_difference(bounds["categorical"], bounds["best"])
    return {"nats": round(nats, 3), "standard_error": round(error, 3)}


def main() -> dict:
    """Run every recipe with every seed; return and keep the figures."""
    runs = {
        name: [run(recipe, seed) for seed in range(SEEDS)]
        for name, recipe in RECIPES.items()
    }
    results = {"categorical_minus_best": advantage(runs)}
    for name, recipe in RECIPES.items():
        figures = summary(runs[name])
        bits = bits_per_dim(figures["test_iw"]["mean"], PIXELS)
        results[name] = {
            "recipe": asdict(recipe),
            "parameters": sum(p.numel() for p in build(recipe).parameters()),
            "figures": figures,
            "test_bits_per_dim": round(bits, 3),
        }
    return harness.save("vae", results)


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
