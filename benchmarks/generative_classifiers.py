"""Few labels: what images without labels add, over draws of the labels.

    python -m benchmarks.generative_classifiers

writes benchmarks/results/generative_classifiers.json (about three minutes). Of
the 1000 training images 20, 50, 100 or 300 have a label, the same number of
each class. For five draws of these labels, the share of the 447 test images
that is classified correctly:

* network: a perceptron with one hidden layer, on the labelled images;
* gaussians: a Gaussian for each class, on the labelled images;
* spreading: label spreading on the graph of all images;
* em: the same Gaussians by EM, where labelled images know their class;
* m2: a VAE with labels, its classifier.

Widths, ridges and steps were chosen on the validation images, whose writers
wrote no test image. Each method also has its difference to the network on the
same labels, with the standard error over draws.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import math  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.distributions import MultivariateNormal  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.data import digits  # noqa: E402
from course.models.class_conditional import ClassConditional  # noqa: E402
from course.models.gaussian import Gaussian  # noqa: E402
from course.models.m2 import M2  # noqa: E402
from course.models.perceptron import MLPClassifier  # noqa: E402
from course.models.semi_supervised import LabelSpreading  # noqa: E402
from course.nn.likelihoods import discretised_logistic  # noqa: E402
from course.nn.mlp import MLP  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import fit  # noqa: E402

LABELS, SEEDS = (20, 50, 100, 300), range(5)
RIDGE, EM_STEPS = 0.03, 15
Predict = Callable[[np.ndarray], np.ndarray]


def flat(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as rows of 64 pixels, and their labels."""
    x, y = digits(part)
    return x.reshape(-1, 64).astype(float), y


def keep_few(y: np.ndarray, each: int, seed: int) -> np.ndarray:
    """The labels of `each` examples of every class, -1 for all others."""
    rng, few = np.random.RandomState(seed), np.full(len(y), -1)
    for k in range(10):
        few[rng.permutation(np.flatnonzero(y == k))[:each]] = k
    return few


def network(x: np.ndarray, few: np.ndarray, seed: int) -> Predict:
    """The labelled images alone, a border."""
    model = MLPClassifier(max_iter=150, random_state=seed)
    return model.fit(x[few >= 0], few[few >= 0]).predict


def gaussians(x: np.ndarray, few: np.ndarray, seed: int) -> Predict:
    """The labelled images alone, a density for each class."""
    model = ClassConditional(Gaussian(ridge=RIDGE))
    return model.fit(x[few >= 0], few[few >= 0]).predict


def spreading(x: np.ndarray, few: np.ndarray, seed: int) -> Predict:
    """All images, a graph."""
    return LabelSpreading("knn", n_neighbors=7, alpha=0.9).fit(x, few).predict


def em(x: np.ndarray, few: np.ndarray, seed: int) -> Predict:
    """All images, a density for each class, by EM."""
    x, few = torch.tensor(x), torch.tensor(few)
    known = (few >= 0)[:, None]
    hot = nn.functional.one_hot(few.clamp(min=0), 10).double()
    r = torch.where(known, hot, 0.0)
    for _ in range(EM_STEPS + 1):
        log_pi, bells = m_step(x, r)
        posterior = (log_pi + bells.log_prob(x[:, None])).softmax(1)
        r = torch.where(known, hot, posterior)

    def predict(new: np.ndarray) -> np.ndarray:
        joint = log_pi + bells.log_prob(torch.tensor(new)[:, None])
        return joint.argmax(1).numpy()

    return predict


def m_step(x: Tensor, r: Tensor) -> tuple[Tensor, MultivariateNormal]:
    """Shares and Gaussians from responsibilities, shape (N, K)."""
    N_k = r.sum(0)
    mu = r.T @ x / N_k[:, None]
    d = (x - mu[:, None]) * r.T[..., None].sqrt()
    Sigma = d.mT @ d / N_k[:, None, None] + RIDGE * torch.eye(x.shape[1])
    return (N_k / N_k.sum()).log(), MultivariateNormal(mu, Sigma)


def m2(
    x: np.ndarray, few: np.ndarray, seed: int, *, steps: int = 200
) -> Predict:
    """All images, a VAE with labels; its classifier."""
    images, labels = torch.tensor(x).float(), torch.tensor(few)
    rows = [{"x": a, "y": b} for a, b in zip(images, labels, strict=True)]
    with seeded(seed):
        encoder = MLP(74, 128, 4)
        decoder = nn.Sequential(MLP(12, 128), nn.Unflatten(1, (64, 2)))
        likelihood = discretised_logistic(17)
        model = M2(
            encoder,
            decoder,
            MLP(64, 128, 10),
            2,
            classes=10,
            likelihood=likelihood,
            alpha=100.0,
        )
        fit(model, DataLoader(rows, 50, shuffle=True), steps=steps, lr=2e-2)

    @torch.no_grad()
    def predict(new: np.ndarray) -> np.ndarray:
        q = model.class_posterior(torch.tensor(new).float())
        return q.logits.argmax(1).numpy()

    return predict


METHODS = {f.__name__: f for f in (network, gaussians, spreading, em, m2)}


def labels(n: int, *, seeds: range = SEEDS, methods: dict = METHODS) -> dict:
    """By method, accuracies with n labels and the gain on the network."""
    (x, y), (new, truth) = flat("train"), flat("test")
    right = {
        name: [
            float((f(x, keep_few(y, n // 10, s), s)(new) == truth).mean())
            for s in seeds
        ]
        for name, f in methods.items()
    }
    return {name: summary(r, right["network"]) for name, r in right.items()}


def summary(right: list[float], baseline: list[float]) -> dict:
    """Mean and spread over draws, and the paired difference to a baseline."""
    gain = np.subtract(right, baseline)
    return {
        "mean": float(np.mean(right)),
        "sd": float(np.std(right, ddof=1)),
        "gain": float(gain.mean()),
        "gain_error": float(gain.std(ddof=1)) / math.sqrt(len(gain)),
        "draws": right,
    }


def main() -> dict:
    """Measure all, and keep the results."""
    found = {f"labels_{n}": labels(n) for n in LABELS}
    return harness.save("generative_classifiers", found)


if __name__ == "__main__":
    print(json.dumps(main()))
