"""What document 001 says of repairing images, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Theirs

from course.data import digits
from course.models.mixture import GaussianMixture

LOWER = np.arange(64) >= 32


@pytest.fixture(scope="module")
def data():
    """Digits by file order: rows of 64 pixels to learn from and to repair."""
    return tuple(
        digits(part)[0].reshape(-1, 64).astype(float)
        for part in ("train", "test")
    )


def hole_error(found, x):
    """Squared error of a pixel of the lower half."""
    return ((found - x)[:, LOWER] ** 2).mean()


def test_a_repair_is_a_conditional_and_not_a_sample(data):
    """D1-O1: what the listing can do, and what repair means."""
    x, x_test = data
    listing = Theirs(1, reg_covar=1e-3, random_state=42).fit(x)
    assert not hasattr(listing, "impute")
    with pytest.raises(ValueError, match="NaN"):
        listing.predict_proba(np.where(LOWER, np.nan, x_test))
    blind = listing.sample(len(x_test))[0]  # all that it offers
    mean_fill = hole_error(np.where(LOWER, x.mean(axis=0), x_test), x_test)
    zero_fill = hole_error(np.where(LOWER, 0, x_test), x_test)
    assert mean_fill == pytest.approx(0.0778, abs=5e-5)
    assert zero_fill == pytest.approx(0.234, abs=5e-4)
    assert 1.8 * mean_fill < hole_error(blind, x_test) < zero_fill
    ours = GaussianMixture(1, ridge=1e-3, missing="marginalise").fit(x)
    damaged = np.where(LOWER, np.nan, x_test)
    repaired = ours.impute(damaged)
    assert hole_error(repaired, x_test) < 0.055
    drawn = ours.sample_conditional(damaged, 1, random_state=0)[0]
    assert hole_error(drawn, x_test) < 0.75 * hole_error(blind, x_test)
    for found in (repaired, drawn):
        kept, known = found[:, ~LOWER], x_test[:, ~LOWER]
        assert kept.tobytes() == known.tobytes()
