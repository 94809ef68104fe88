"""Bits-back: lossless, exact with the exact posterior, else minus the ELBO."""

import numpy as np
import pytest
from scipy.stats import norm

from course.coding.bins import NormalBins
from course.coding.bits_back import BitsBack
from course.coding.frequencies import integer_frequencies
from course.coding.rans import Message

N, D, C, K = 120, 5, 4, 6


def mixture(seed):
    """Weights (K,), tables (K, D, C) and examples of a mixture."""
    rng = np.random.RandomState(seed)
    pi, rho = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(C), (K, D))
    z = rng.choice(K, size=N, p=pi)
    cuts = rho.cumsum(-1)[z]
    return pi, rho, (rng.rand(N, D, 1) > cuts).sum(-1)


def joint(pi, rho, x):
    """p(x, z = k) of one example, shape (K,)."""
    return pi * rho[:, np.arange(D), x].prod(1)


def coder(pi, rho, posterior):
    """Bits-back for the mixture with a given guess at the component."""
    tables = integer_frequencies(rho, 20)
    return BitsBack(
        integer_frequencies(pi[None], 20),
        lambda x: integer_frequencies(posterior(x)[None], 20),
        lambda z: tables[z[0]],
    )


def net(bits_back, x, seed=0):
    """Net bits of all examples, after a checked round trip."""
    message = Message.random(20, seed)
    before, start = message.to_bytes(), message.bits
    bits_back.push(message, x)
    bits = message.bits - start
    assert np.array_equal(bits_back.pop(message, len(x)), x)
    assert message.to_bytes() == before
    return bits


@pytest.mark.parametrize("seed", range(3))
def test_with_the_exact_posterior_it_costs_the_evidence(seed):
    pi, rho, x = mixture(seed)

    def exact(row):
        p = joint(pi, rho, row)
        return p / p.sum()

    evidence = -sum(np.log2(joint(pi, rho, row).sum()) for row in x)
    bits = net(coder(pi, rho, exact), x, seed)
    assert abs(bits - evidence) < 0.005 * evidence


def test_with_another_guess_it_costs_minus_the_elbo():
    pi, rho, x = mixture(0)

    def guess(row):  # too flat
        p = joint(pi, rho, row) ** 0.4
        return p / p.sum()

    elbo, spread = 0.0, 0.0
    for row in x:
        q, log_w = guess(row), np.log2(joint(pi, rho, row) / guess(row))
        elbo += q @ log_w
        spread += q @ log_w**2 - (q @ log_w) ** 2
    evidence = -sum(np.log2(joint(pi, rho, row).sum()) for row in x)
    assert -elbo > evidence + 50
    assert abs(net(coder(pi, rho, guess), x) + elbo) < 3 * np.sqrt(spread)


def test_one_example_at_a_time_is_the_same_message():
    pi, rho, x = mixture(1)
    bits_back = coder(pi, rho, lambda row: np.full(K, 1 / K))
    a, b = Message.random(20, 0), Message.random(20, 0)
    bits_back.push(a, x)
    for row in x[::-1]:
        bits_back.push(b, row)
    assert a.to_bytes() == b.to_bytes()
    assert np.array_equal(bits_back.pop(b, 2), x[:2])


def test_it_needs_bits_to_begin_with():
    pi, rho, x = mixture(1)
    bits_back = coder(pi, rho, lambda row: np.full(K, 1 / K))
    with pytest.raises(ValueError, match="too few bits"):
        bits_back.push(Message(), x[:1])


def test_another_posterior_gives_the_same_data_but_not_the_bits():
    pi, rho, x = mixture(2)
    message = Message.random(20, 0)
    before = message.to_bytes()
    coder(pi, rho, lambda row: np.full(K, 1 / K)).push(message, x[:1])
    wrong = coder(pi, rho, lambda row: pi)
    assert np.array_equal(wrong.pop(message, 1), x[:1])
    assert message.to_bytes() != before


# -- bins ----------------------------------------------------------------------


def test_bins_are_equally_likely_and_centres_are_their_medians():
    bins = NormalBins(6, 20)
    assert np.allclose(np.diff(norm.cdf(bins.edges)), 1 / 64)
    assert np.allclose(norm.cdf(bins.centre(np.arange(64))) * 64 % 1, 0.5)
    assert bins.edges[0] == -np.inf
    assert bins.edges[-1] == np.inf
    assert bins.prior(3).shape == (3, 64)
    assert (bins.prior(3) == 1).all()


@pytest.mark.parametrize("mu", [-9.0, -1.0, 0.0, 0.3, 9.0])
@pytest.mark.parametrize("sigma", [0.01, 0.4, 1.0, 3.0])
def test_the_posterior_has_the_masses_of_its_normal(mu, sigma):
    bins = NormalBins(5, 24)
    f = bins.posterior([mu, -mu], [sigma, sigma])
    q = norm(mu, sigma)
    left, right = bins.edges[:-1], bins.edges[1:]
    exact = np.where(
        left > mu, q.sf(left) - q.sf(right), q.cdf(right) - q.cdf(left)
    )
    assert np.abs(f[0] / 2**24 - exact).max() < 2 * 32 / 2**24
    assert (
        np.abs(f[0] - f[1][::-1]).max() < 32
    )  # mirrored, but for the leftover


def test_extreme_widths_stay_distributions():
    bins = NormalBins(10)
    for mu in (-50.0, 0.3, 50.0):
        for sigma in (1e-6, 1e9):
            f = bins.posterior([mu], [sigma])
            assert f.min() >= 1
            assert f.sum() == 2**20


def test_a_posterior_like_the_prior_costs_nothing():
    f = NormalBins(8, 20).posterior([0.0], [1.0])
    assert np.abs(f / 2**12 - 1).max() < 1 / 16


def test_the_rate_of_bins_is_the_kl_divergence():
    # sum_k q_k log2(q_k / p_k) tends to KL(q || N(0, 1)) from below
    mu, sigma = 0.7, 0.3
    kl = (mu**2 + sigma**2 - 1 - np.log(sigma**2)) / 2 / np.log(2)
    rates = []
    for bits in (3, 5, 8, 11):
        q = NormalBins(bits, 31).posterior([mu], [sigma])[0] / 2**31
        rates.append((q * np.log2(q * 2**bits)).sum())
    assert rates == sorted(rates)
    assert kl - 1e-3 < rates[-1] < kl


@pytest.mark.parametrize(
    ("bits", "precision"), [(0, 20), (21, 31), (10, 10), (10, 32)]
)
def test_bins_out_of_range_are_refused(bits, precision):
    with pytest.raises(ValueError, match="must lie between"):
        NormalBins(bits, precision)


def test_no_normal_no_posterior():
    bins = NormalBins(4)
    with pytest.raises(ValueError, match="positive"):
        bins.posterior([0.0], [0.0])
    with pytest.raises(ValueError, match="finite"):
        bins.posterior([np.nan], [1.0])
    with pytest.raises(ValueError, match="from 0 to 15"):
        bins.centre([16])


def test_a_normal_latent_is_coded_at_its_discrete_bound():
    # z ~ N(0, 1), x a binary digit of z's sign with noise, five times over
    bins = NormalBins(6, 20)
    rng = np.random.RandomState(0)
    p_one = 1 / (1 + np.exp(-3 * bins.centres))
    z = rng.randint(64, size=150)
    x = (rng.rand(150, 5) < p_one[z][:, None]).astype(int)

    def likelihood(k):
        p = p_one[k]
        return integer_frequencies(np.repeat([[1 - p[0], p[0]]], 5, 0), 20)

    def exact(row):
        ones = row.sum()
        q = p_one**ones * (1 - p_one) ** (5 - ones)
        return integer_frequencies(q[None] / q.sum(), 20)

    ones = x.sum(1)[:, None]
    evidence = (p_one**ones * (1 - p_one) ** (5 - ones)).mean(1)
    bits = net(BitsBack(bins.prior(1), exact, likelihood), x)
    assert abs(bits + np.log2(evidence).sum()) < 0.003 * bits
