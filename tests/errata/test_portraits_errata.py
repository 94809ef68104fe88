"""What a document says of portraits and of drawing images."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from course.data import digits
from course.metrics.neighbours import copying_score, nearest_distances
from course.models.mppca import MixtureOfPPCA
from course.models.ppca import PPCA


def digit_rows(part):
    x, y = digits(part, split="stratified")
    return x.reshape(len(x), -1).astype(float), y


MAKERS = {
    "one plane": lambda: PPCA(20),
    "ten planes": lambda: MixtureOfPPCA(
        10, latent_dim=6, noise_floor=1e-3, tol=1e-3, random_state=0
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_images_are_drawn_without_a_gan_or_a_vae(name):
    """Document 004 knows two types of image generation: D4-T4.

    Neither is needed: the draws are nearer to real images than those of
    independent pixels, of all classes, and no copies. The
    likelihood is exact, which neither of the two types offers.
    """
    train, y = digit_rows("train")
    test, _ = digit_rows("test")
    model = MAKERS[name]().fit(train)
    assert not isinstance(model, torch.nn.Module)
    for seed in range(3):
        made = model.sample(400, random_state=seed)
        rng = np.random.RandomState(seed)
        snow = train.mean(axis=0) + train.std(axis=0) * rng.randn(400, 64)
        distances = nearest_distances(made, test).mean()
        assert distances < 0.9 * nearest_distances(snow, test).mean()
        classes = KNeighborsClassifier(3).fit(train, y).predict(made)
        assert (np.bincount(classes, minlength=10) >= 8).all()
        assert copying_score(made, train, test) < 0.5
    assert np.isfinite(model.score_samples(test)).all()
    for forgotten in ("encoder", "decoder", "generator", "discriminator"):
        assert not hasattr(model, forgotten)
