"""Likelihoods are normalised, equal to other libraries' and stable."""

import copy
import pickle

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import Bernoulli, Normal

from course.nn.levels import DiscretisedLogistic
from course.nn.likelihoods import (
    bernoulli,
    categorical,
    discretised_logistic,
    gaussian,
)

DISCRETE = {
    "categorical": categorical(5),
    "discretised_logistic": discretised_logistic(5),
}
FAMILIES = {"bernoulli": bernoulli(), "gaussian": gaussian(0.5), **DISCRETE}


def output_of(family, *shape, scale=1.0):
    """What a decoder might return for examples of this shape."""
    trailing = (family.outputs,) * (family.outputs > 1)
    return scale * torch.randn(*shape, *trailing, dtype=torch.float64)


def grey(*shape, levels=5):
    return torch.randint(levels, shape).double() / (levels - 1)


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture(params=DISCRETE)
def discrete(request):
    return DISCRETE[request.param]


def test_the_event_is_the_whole_example(family):
    p = family(output_of(family, 7, 3, 2, 2))
    x = torch.bernoulli(torch.full((7, 3, 2, 2), 0.5)).double()
    assert p.batch_shape == (7,)
    assert p.event_shape == (3, 2, 2)
    assert p.log_prob(x).shape == (7,)
    assert p.sample().shape == p.mean.shape == (7, 3, 2, 2)
    assert p.sample().dtype == p.mean.dtype == torch.float64


def test_features_are_summed(family):
    output = output_of(family, 7, 6)
    x = torch.bernoulli(torch.full((7, 6), 0.5)).double()
    once = family(output).log_prob(x)
    twice = family(torch.cat([output, output], 1)).log_prob(
        torch.cat([x, x], 1)
    )
    assert torch.allclose(twice, 2 * once, rtol=1e-12)


def test_rows_and_draws_do_not_meet(family):
    output = output_of(family, 3, 7, 6)
    x = torch.bernoulli(torch.full((7, 6), 0.5)).double()
    every = family(output, batch_dims=2).log_prob(x)
    assert every.shape == (3, 7)
    alone = family(output[1, 4:5]).log_prob(x[4:5])
    assert torch.allclose(every[1, 4], alone[0], rtol=1e-12)


def test_probabilities_sum_to_one(discrete):
    output = output_of(discrete, 1, 1, scale=3.0).expand(25, 2, -1)
    x = torch.cartesian_prod(*2 * [torch.arange(5).double() / 4])
    total = discrete(output).log_prob(x).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-12)


def test_mean_and_frequencies_of_samples(discrete):
    output = output_of(discrete, 1, 3).expand(20_000, 3, -1)
    p = discrete(output)
    x = p.sample()
    assert set(x.unique().tolist()) <= {0, 0.25, 0.5, 0.75, 1}
    assert torch.allclose(x.mean(0), p.mean[0], atol=0.015)
    for k in range(5):
        level = torch.full((20_000, 3), k / 4, dtype=torch.float64)
        mass = p.base_dist.log_prob(level).exp()[0]
        assert torch.allclose((x == k / 4).double().mean(0), mass, atol=0.015)


def test_bernoulli_and_gaussian_are_those_of_torch():
    output = torch.randn(7, 6, dtype=torch.float64)
    x = torch.bernoulli(output.sigmoid())
    expected = Bernoulli(logits=output).log_prob(x).sum(1)
    assert torch.equal(bernoulli()(output).log_prob(x), expected)
    expected = Normal(output, 0.3).log_prob(x).sum(1)
    assert torch.equal(gaussian(0.3)(output).log_prob(x), expected)
    assert torch.equal(bernoulli()(output).mean, output.sigmoid())


def test_categorical_is_a_softmax_over_the_trailing_axis():
    output, x = output_of(categorical(5), 7, 6), grey(7, 6)
    rows, columns = np.indices((7, 6))
    log_p = output.log_softmax(-1)[rows, columns, (4 * x).long()]
    assert torch.allclose(categorical(5)(output).log_prob(x), log_p.sum(1))


def test_discretised_logistic_is_a_difference_of_cdfs():
    output, x = output_of(discretised_logistic(5), 7, 6), grey(7, 6)
    mu, a = output.unbind(-1)
    scale = np.exp(7 * np.tanh(a.numpy() / 7))
    logistic, c = scipy.stats.logistic(mu.numpy(), scale), x.numpy()
    lower = np.where(c == 0, 0, logistic.cdf(c - 1 / 8))
    upper = np.where(c == 1, 1, logistic.cdf(c + 1 / 8))
    expected = np.log(upper - lower).sum(1)
    log_p = discretised_logistic(5)(output).log_prob(x).numpy()
    assert np.allclose(log_p, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("a", [-50.0, -7.0, 0.0, 7.0, 50.0])
@pytest.mark.parametrize("mu", [-1e4, -1.0, 0.5, 2.0, 1e4])
def test_discretised_logistic_is_finite_far_in_the_tails(mu, a, dtype):
    output = torch.tensor([mu, a], dtype=dtype).expand(17, 1, 2).clone()
    output.requires_grad_()
    x = torch.arange(17, dtype=dtype).view(17, 1) / 16
    log_p = discretised_logistic(17)(output).log_prob(x)
    log_p.sum().backward()
    assert log_p.isfinite().all()
    assert output.grad.isfinite().all()


def test_discretised_logistic_keeps_its_digits_in_the_tail():
    """Far right of a cell of width w: log P = -(mu - x)/s + log(2 sinh w/2)."""
    p = DiscretisedLogistic(torch.tensor([60.0, 0.0]), levels=5)
    expected = -(60 - 0.5) + np.log(2 * np.sinh(1 / 8))
    assert p.log_prob(torch.tensor(0.5)).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", DISCRETE)
def test_gradients_are_finite_differences(name):
    family, x = DISCRETE[name], torch.tensor([[0.0, 0.25, 1.0]]).double()
    output = output_of(family, 1, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda o: family(o).log_prob(x), output)


def test_float32_pictures_of_256_levels_lie_on_them():
    x = (torch.arange(256, dtype=torch.uint8) / 255).view(1, 256)
    log_p = categorical(256)(torch.zeros(1, 256, 256)).log_prob(x)
    assert log_p.item() == pytest.approx(-256 * np.log(256), rel=1e-6)


def test_grey_values_have_no_bernoulli_likelihood():
    x = torch.tensor([[0.0, 0.5]])
    with pytest.raises(ValueError, match="binarise x, or use"):
        bernoulli()(torch.zeros(1, 2)).log_prob(x)


@pytest.mark.parametrize("value", [0.1, -0.25, 1.25, 4.0, float("nan")])
def test_values_off_the_levels_are_refused(discrete, value):
    x = torch.tensor([[0.0, value]], dtype=torch.float64)
    with pytest.raises(ValueError, match="must lie on the 5 levels"):
        discrete(output_of(discrete, 1, 2)).log_prob(x)


def test_a_decoder_of_another_width_is_refused(discrete):
    with pytest.raises(ValueError, match=f"axis of {discrete.outputs} numbers"):
        discrete(torch.zeros(7, 6, 3))


def test_examples_of_another_shape_are_refused(family):
    p = family(output_of(family, 7, 6))
    for shape in [(7, 1), (7, 6, 1), (6, 7)]:
        with pytest.raises(ValueError, match=r"examples of shape \(6,\)"):
            p.log_prob(torch.zeros(shape, dtype=torch.float64))


def test_decoders_that_return_no_numbers_are_noticed(family):
    output = torch.full_like(output_of(family, 2, 3), torch.nan)
    with pytest.raises(ValueError, match="nan"):
        family(output)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("inf"), float("nan")])
def test_gaussian_needs_a_positive_sigma(sigma):
    with pytest.raises(ValueError, match="positive"):
        gaussian(sigma)


@pytest.mark.parametrize("make", [categorical, discretised_logistic])
def test_one_level_is_too_few(make):
    with pytest.raises(ValueError, match="at least two levels"):
        make(1)


def test_families_can_be_copied_saved_and_compared(family):
    output = output_of(family, 2, 3)
    for twin in (copy.deepcopy(family), pickle.loads(pickle.dumps(family))):
        assert torch.equal(twin(output).mean, family(output).mean)


@pytest.mark.gpu
def test_devices_agree(family):
    output = output_of(family, 7, 6)
    x = torch.bernoulli(torch.full((7, 6), 0.5)).double()
    here, there = family(output), family(output.cuda())
    assert there.sample().is_cuda
    assert torch.allclose(here.log_prob(x), there.log_prob(x.cuda()).cpu())
    assert torch.allclose(here.mean, there.mean.cpu())


def test_samples_take_a_shape(discrete):
    p = discrete.each(output_of(discrete, 4))
    assert p.sample((3,)).shape == (3, 4)
