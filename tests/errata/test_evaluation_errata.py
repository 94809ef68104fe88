"""What the documents say about evaluation, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

from functools import cache

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from course.data import digits
from course.metrics.frechet import frechet_distance
from course.metrics.neighbours import (
    copying_score,
    nearest_distances,
    neighbourhoods,
)
from course.metrics.two_sample import classifier_test
from course.models.mixture import CategoricalMixture, GaussianMixture
from course.nn.features import FeatureNetwork
from course.seeding import seeded
from course.training import fit

SEEDS = range(3)
N = 447


@cache
def part(name, split="stratified"):
    """Images as rows of pixels, and their classes."""
    x, y = digits(name, split=split)
    return torch.from_numpy(x.reshape(-1, 64)), torch.from_numpy(y)


@pytest.fixture(scope="module")
def h():
    """Features: the hidden units of a classifier of the training images."""
    loader = DataLoader(
        TensorDataset(*part("train")), batch_size=100, shuffle=True
    )
    with seeded(0):
        network = FeatureNetwork(64, 10)
        fit(network, loader, steps=300, lr=3e-3)
    return network.features


@cache
def levels(name):
    return (16 * part(name)[0]).round().double().numpy()


@cache
def gaussians(seed):
    """Ten Gaussians on images with noise in each level's cell."""
    x = levels("train")
    noise = np.random.RandomState(seed).rand(*x.shape) - 0.5
    m = GaussianMixture(10, ridge=0.01, tol=1e-4, random_state=seed)
    return m.fit(x + noise)


def as_images(x):
    return torch.as_tensor(x.round().clip(0, 16) / 16).float()


def copies(seed, among=slice(None)):
    """Different training images: what a memoriser shows."""
    train = part("train")[0][among]
    return train[np.random.RandomState(seed).permutation(len(train))[:N]]


def test_a_memoriser_is_nearest_to_the_data_set(h):
    """D2-Q4: better than new real images by both differences."""
    train, test = part("train")[0], part("test")[0]
    for seed in SEEDS:
        made = as_images(gaussians(seed).sample(N, random_state=seed))
        drawn = copies(seed), test, made
        near = [nearest_distances(x, train).mean() for x in drawn]
        far = [frechet_distance(h(x), h(train)) for x in drawn]
        assert near[0] == 0
        assert near[1] > 1
        assert far[0] < 0.95 * min(far[1:])
        score = [copying_score(x, train, part("val")[0]) for x in drawn]
        assert score[0] == 1  # ours sees it
        assert abs(score[1] - 0.5) < 0.05
        assert score[2] < 0.5


def test_each_failing_is_found_by_its_own_number():
    """D0-Q4: noise, a dropped kind and copies, against new real images."""
    train, y = part("train")
    test, val = part("test")[0], part("val")[0]
    for seed in SEEDS:
        some = copies(seed)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(N, 64, generator=generator)
        cases = {
            "copies": some,
            "noise": some + 0.3 * noise,
            "dropped": copies(seed, among=y < 5),
        }
        found = {k: neighbourhoods(test, x) for k, x in cases.items()}
        assert found["noise"].precision < 0.05
        assert min(found[k].precision for k in ("copies", "dropped")) > 0.9
        assert found["dropped"].coverage < 0.7 < found["copies"].coverage
        copied = {k: copying_score(x, train, val) for k, x in cases.items()}
        assert copied["copies"] == 1
        assert copied["noise"] < 0.1


def test_perfect_pictures_can_be_copies_or_half_of_the_data():
    """D3-Q4: every picture is real, and the model is worthless."""
    train, y = part("train")
    test, val = part("test")[0], part("val")[0]
    for seed in SEEDS:
        shown = copies(seed)
        assert (nearest_distances(shown, train) == 0).all()
        assert abs(classifier_test(shown, test, random_state=seed).z) < 2.6
        assert copying_score(shown, train, val) == 1
        half = neighbourhoods(test, copies(seed, among=y < 5))
        assert half.precision > 0.9
        assert half.coverage < 0.7


def test_the_frechet_distance_is_biased_and_blind_to_copies(h):
    """D3-Q5: equal distributions, a model that is no GAN, a memoriser."""
    rng = np.random.RandomState(0)
    for n, bias in ((25, 3.0), (100, 0.75), (400, 0.1875)):
        found = [frechet_distance(*rng.randn(2, n, 10)) for _ in range(20)]
        assert 0.9 * bias < np.mean(found) < 1.35 * bias  # and it should be 0
    test = part("test")[0]
    for seed in SEEDS:
        made = as_images(gaussians(seed).sample(N, random_state=seed))
        shown = copies(seed)
        assert frechet_distance(h(shown), h(test)) < 0.7 * frechet_distance(
            h(made), h(test)
        )
        stretched = frechet_distance(2 * h(made), 2 * h(test))
        assert stretched == pytest.approx(
            4 * frechet_distance(h(made), h(test)), rel=1e-9
        )


def test_no_single_accuracy_orders_models(h):
    """D2-T13: one model wins by its samples, the other by likelihood."""
    test = levels("test")
    for seed in SEEDS:
        noise = np.random.RandomState(seed).rand(*test.shape) - 0.5
        flexible = gaussians(seed)
        pixels = CategoricalMixture(1, n_categories=17, random_state=seed)
        pixels.fit(levels("train"))
        nats = -flexible.score(test + noise), -pixels.score(test)
        distance = [
            frechet_distance(
                h(as_images(m.sample(N, random_state=seed))), h(part("test")[0])
            )
            for m in (flexible, pixels)
        ]
        assert nats[0] > nats[1] + 10
        assert distance[0] < 0.5 * distance[1]


def test_real_data_pass_and_models_do_not(h):
    """X16: held-out data, split so that real against real is the floor."""
    test = part("test")[0]
    for seed in SEEDS:
        floor = frechet_distance(h(copies(seed)), h(test))
        assert abs(classifier_test(copies(seed), test).z) < 2.6
        made = as_images(gaussians(seed).sample(N, random_state=seed))
        assert frechet_distance(h(made), h(test)) > 1.5 * floor
        assert classifier_test(made, test).z > 5
        first, last = (part(name, "order")[0] for name in ("train", "test"))
        some = first[np.random.RandomState(seed).permutation(1000)[:N]]
        assert classifier_test(some, last).z > 4  # other writers
