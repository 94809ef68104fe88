"""What a density buys a classifier: lost pixels, refusal, unlabelled images.

The mechanisms that erratum D0-T7 asks for, each against its own baseline.
"""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.distributions import MultivariateNormal

from course.data import digits, glyphs
from course.models.class_conditional import ClassConditional
from course.models.mixture import GaussianMixture
from course.models.perceptron import MLPClassifier

BELL = GaussianMixture(1, ridge=0.01, missing="marginalise")


def flat(part):
    x, y = digits(part)
    return x.reshape(-1, 64).astype(float), y


@pytest.fixture(scope="module")
def images():
    return flat("train"), flat("test")


@pytest.fixture(scope="module")
def halves(images):
    """500 training images for each of three seeds."""
    (x, y), _ = images
    drawn = [np.random.RandomState(s).permutation(1000)[:500] for s in range(3)]
    return [(x[d], y[d]) for d in drawn]


@pytest.fixture(scope="module")
def networks(halves):
    """A border for each of the three."""
    return [
        MLPClassifier(max_iter=150, random_state=s).fit(x, y)
        for s, (x, y) in enumerate(halves)
    ]


def lower_half_lost(x):
    x = x.copy()
    x[:, 32:] = np.nan
    return x


def test_lost_pixels_are_summed_out(images, halves, networks):
    """Half an image and a density against a mean."""
    new, truth = images[1]
    lost = lower_half_lost(new)
    for (x, y), net in zip(halves, networks, strict=True):
        filled = np.where(np.isnan(lost), x.mean(axis=0), lost)
        bells = ClassConditional(BELL).fit(x, y)
        assert bells.score(lost, truth) > net.score(filled, truth) + 0.08


def test_a_conditional_mean_is_nearer_than_the_mean(images):
    """The squared error of the lower half, with a density of all ten."""
    (x, _), (new, _) = images
    guess = GaussianMixture(1, ridge=0.01, missing="marginalise").fit(x)
    guess = guess.impute(lower_half_lost(new))
    by_density = ((guess - new)[:, 32:] ** 2).mean()
    by_mean = ((x.mean(axis=0) - new)[:, 32:] ** 2).mean()
    assert by_mean == pytest.approx(0.0778, abs=5e-4)
    assert by_density < 0.055


def test_strange_images_are_refused(images, halves, networks):
    """Letters have a low density, and sure answers."""
    new, _ = images[1]
    odd = glyphs(200, characters="ACDEFGHJKLMNPQRTUVWXY")[0]
    odd = odd[:, 0, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean((2, 4))
    odd = (16 * odd).round().reshape(-1, 64) / 16
    both, is_odd = np.r_[new, odd], np.repeat([0, 1], [len(new), len(odd)])
    for (x, y), net in zip(halves, networks, strict=True):
        doubt = 1 - net.predict_proba(both).max(axis=1)
        surprise = -ClassConditional(BELL).fit(x, y).score_samples(both)
        assert roc_auc_score(is_odd, surprise) > 0.95
        assert roc_auc_score(is_odd, doubt) < 0.9


def em_with_labels(x, y, known, steps):
    """Means and covariances of ten classes; labels are known for some."""
    x, hot = torch.tensor(x), torch.eye(10).double()[torch.tensor(y)]
    known = torch.tensor(known)[:, None]
    r = torch.where(known, hot, 0.0)
    for _ in range(steps + 1):
        mu = r.T @ x / r.sum(0)[:, None]
        d = (x - mu[:, None]) * r.T[..., None].sqrt()
        Sigma = d.mT @ d / r.sum(0)[:, None, None] + 0.03 * torch.eye(64)
        bells = MultivariateNormal(mu, Sigma)
        posterior = bells.log_prob(x[:, None]) + (r.sum(0) / r.sum()).log()
        r = torch.where(known, hot, posterior.softmax(1))
    return lambda new: bells.log_prob(torch.tensor(new)[:, None]).argmax(1)


def test_images_without_labels_teach(images):
    """EM with 20 labels against the same bells alone."""
    (x, y), (new, truth) = images
    for seed in range(3):
        rng, known = np.random.RandomState(seed), np.zeros(1000, bool)
        for k in range(10):
            known[rng.permutation(np.flatnonzero(y == k))[:2]] = True
        right = [
            (em_with_labels(x, y, known, n)(new).numpy() == truth).mean()
            for n in (0, 15)
        ]
        assert right[1] > right[0] + 0.05
