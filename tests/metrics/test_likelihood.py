"""Bounds, units and comparisons, against their definitions."""

import numpy as np
import pytest
import scipy.stats
import torch

from course.metrics.likelihood import (
    bits_per_dim,
    effective_sample_size,
    importance_weighted_bound,
    paired_difference,
)


def test_the_bound_is_the_logarithm_of_the_mean_weight():
    w = torch.rand(7, 3, dtype=torch.float64)
    bound = importance_weighted_bound(w.log())
    assert torch.allclose(bound.exp(), w.mean(0), rtol=1e-14)


def test_the_bound_survives_weights_that_exp_cannot_hold():
    log_w = torch.tensor([[-2000.0, 900.0], [-2000.0, 900.0]])
    bound = importance_weighted_bound(log_w)
    assert torch.allclose(bound, torch.tensor([-2000.0, 900.0]))


def test_the_effective_sample_size_counts_equal_weights():
    log_w = torch.full((8, 2), -1000.0)
    log_w[3:, 1] = -torch.inf
    assert torch.allclose(
        effective_sample_size(log_w), torch.tensor([8.0, 3.0])
    )


def test_the_effective_sample_size_is_that_of_the_formula():
    w = torch.rand(7, 3, dtype=torch.float64)
    expected = w.sum(0) ** 2 / (w**2).sum(0)
    assert torch.allclose(effective_sample_size(w.log()), expected)


@pytest.mark.parametrize(
    "f", [importance_weighted_bound, effective_sample_size]
)
def test_no_draws_are_refused(f):
    with pytest.raises(ValueError, match="no draws"):
        f(torch.zeros(0, 3))


def test_bits_of_digits_and_of_bytes():
    """A uniform guess costs log2(levels) bits a pixel."""
    assert bits_per_dim(64 * np.log(17), 64) == pytest.approx(np.log2(17))
    nats = torch.full((5,), 3 * 32 * 32 * np.log(256))
    assert torch.allclose(bits_per_dim(nats, 3 * 32 * 32), torch.tensor(8.0))
    with pytest.raises(ValueError, match="at least 1 dimension"):
        bits_per_dim(10.0, 0)


def test_the_paired_difference_is_a_paired_t_test():
    """The t statistic of scipy is the mean over its standard error."""
    a = torch.randn(50, dtype=torch.float64) * 10
    b = a + 0.3 + torch.randn(50, dtype=torch.float64)
    mean, error = paired_difference(a, b)
    assert mean == pytest.approx((a.mean() - b.mean()).item())
    t = scipy.stats.ttest_rel(a.numpy(), b.numpy()).statistic
    assert mean / error == pytest.approx(t)
    assert error < 0.3 < a.std().item() / 50**0.5  # what pairing is good for


@pytest.mark.parametrize(("n", "m"), [(3, 4), (1, 1), (0, 0)])
def test_unpaired_or_too_few_numbers_are_refused(n, m):
    with pytest.raises(ValueError, match="same examples twice"):
        paired_difference(torch.zeros(n), torch.zeros(m))
