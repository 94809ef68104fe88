"""Recurrent language models: distributions over strings, and their limits."""

import itertools
import math

import pytest
import torch

from course.models.recurrent import CELLS, RecurrentLanguageModel
from course.seeding import seeded

V = 3


@pytest.fixture(params=CELLS)
def model(request):
    with seeded(0):
        model = RecurrentLanguageModel(
            V, cell=request.param, embedding=4, hidden=8, max_length=6
        ).double()
        model.head.weight.data *= 4  # probabilities that differ
    return model.eval()


def all_strings(T):
    """Every string with at most T symbols before its end, and all begun."""
    ended = [
        [*s] + [0] * (T + 1 - n)
        for n in range(T + 1)
        for s in itertools.product([1, 2], repeat=n)
    ]
    begun = list(itertools.product([1, 2], repeat=T + 1))
    return torch.tensor(ended + begun)


def test_string_probabilities_sum_to_one(model):
    p = model.log_prob(all_strings(4)).detach().exp()
    assert p.std() > 0.01
    assert math.isclose(p.sum().item(), 1, rel_tol=1e-12)


def test_the_probability_is_the_product_of_the_steps(model):
    """One symbol at a time, with the state handed on by hand."""
    x = torch.tensor([[2, 1, 1, 0]])
    state, before, total = None, torch.tensor([[0]]), 0.0
    for t in range(4):
        logits, state = model.logits(before, state)
        total += logits[0, 0].log_softmax(-1)[x[0, t]].item()
        before = x[:, t : t + 1]
    assert math.isclose(model.log_prob(x).item(), total, rel_tol=1e-12)


def test_the_future_does_not_change_the_past(model):
    x = torch.tensor([[1, 2, 1, 1], [1, 2, 2, 0]])
    a, b = model.log_probs(x)
    assert torch.equal(a[:2], b[:2])
    assert not torch.isclose(a[2], b[2])


def test_what_follows_the_end_is_ignored(model):
    x = torch.tensor([[1, 0, 0, 0], [1, 0, 2, 1]])
    a, b = model.log_prob(x)
    assert torch.equal(a, b)
    short = model.log_prob(x[:1, :2])
    assert torch.isclose(a, short[0])


def test_the_loss_is_the_mean_over_symbols(model):
    x = torch.tensor([[1, 2, 0, 0], [2, 0, 0, 0]])
    assert torch.isclose(
        model.loss(x)["loss"], -model.log_prob(x).sum() / 5, rtol=1e-12
    )


def test_samples_have_the_frequencies_of_the_model(model):
    x, n = all_strings(2), 20_000
    p = model.log_prob(x).exp()
    with seeded(1):
        drawn = model.sample(n)[:, :3]
    share = (drawn[:, None] == x).all(-1).double().mean(0)
    assert (share - p).abs().max() < 4 * 0.5 / math.sqrt(n)


def test_after_the_end_samples_are_zeros(model):
    with seeded(1):
        drawn = model.sample(200)
    assert drawn.shape == (200, 6)
    ended = (drawn == 0).cumsum(1) > 0
    assert ended.any()
    assert (drawn[ended] == 0).all()


def test_temperature_sharpens(model):
    with seeded(1):
        cold = model.sample(50, temperature=1e-6)
        hot = model.sample(2000, temperature=1000.0)
    assert (cold == cold[0]).all()
    logits, _ = model.logits(torch.tensor([[0]]))
    assert cold[0, 0] == logits.argmax()
    share = torch.bincount(hot[:, 0], minlength=V) / 2000
    assert (share - 1 / V).abs().max() < 0.05


def test_a_beginning_is_continued(model):
    begin = torch.tensor([[2, 1]])
    with seeded(1):
        drawn = model.sample(20_000, begin=begin)
    assert (drawn[:, :2] == begin).all()
    logits, _ = model.logits(torch.tensor([[0, 2, 1]]))
    p = logits[0, -1].softmax(-1)
    share = torch.bincount(drawn[:, 2], minlength=V) / len(drawn)
    assert (share - p).abs().max() < 4 * 0.5 / math.sqrt(len(drawn))


def test_sampling_leaves_the_mode_alone():
    with seeded(0):
        model = RecurrentLanguageModel(V, dropout=0.5, max_length=4)
        model.sample(2)
    assert model.training


def test_a_network_without_a_draw_is_not_random():
    """The state of an RNN is a function of its input: nothing is drawn."""
    with seeded(0):
        model = RecurrentLanguageModel(V, cell="rnn").eval()
    x = torch.tensor([[1, 2, 1]])
    with torch.no_grad():
        first, again = model.logits(x)[0], model.logits(x)[0]
    assert torch.equal(first, again)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RecurrentLanguageModel(V, cell="transformer"),
        lambda: RecurrentLanguageModel(1),
        lambda: RecurrentLanguageModel(V).sample(1, temperature=0.0),
        lambda: RecurrentLanguageModel(V).log_prob(torch.tensor([[3]])),
        lambda: RecurrentLanguageModel(V).log_prob(torch.tensor([[-1]])),
        lambda: RecurrentLanguageModel(V).log_prob(torch.zeros(2, 0).long()),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ValueError, match=r"must be|whole numbers"):
        make()
