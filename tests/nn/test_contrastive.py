"""InfoNCE against its definition and the information it bounds."""

import math

import pytest
import torch

from course.nn.contrastive import info_nce, information_bound


def test_it_is_the_mean_log_probability_of_the_partner():
    scores = torch.randn(5, 5, dtype=torch.float64)
    by_hand = [
        math.log(sum(math.exp(s) for s in row)) - row[n].item()
        for n, row in enumerate(scores)
    ]
    assert info_nce(scores).item() == pytest.approx(sum(by_hand) / 5)


def test_the_bound_never_passes_log_n_nor_on_average_the_information():
    """Best scores: the log-ratio of a Gaussian pair with correlation rho."""
    rho, N = 0.9, 64
    exact = -0.5 * math.log(1 - rho**2)
    found = []
    for seed in range(200):
        g = torch.Generator().manual_seed(seed)
        x, e = torch.randn(2, N, generator=g, dtype=torch.float64)
        y = rho * x + (1 - rho**2) ** 0.5 * e
        mean = rho * x[:, None]
        scores = y[None] ** 2 / 2 - (y[None] - mean) ** 2 / (2 - 2 * rho**2)
        found.append(information_bound(scores).item())
    mean = sum(found) / len(found)
    assert exact - 0.1 < mean < exact
    sure = 1000 * torch.eye(N)
    assert information_bound(sure).item() == pytest.approx(math.log(N))


def test_what_is_no_table_of_pairs():
    with pytest.raises(ValueError, match=r"square.*not \(2, 3\)"):
        info_nce(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="two pairs"):
        info_nce(torch.zeros(1, 1))
