"""What the documents say of recurrent networks, text and BLEU, run."""

import numpy as np
import torch
from torch import nn

from course.data.text import Vocabulary, prose
from course.metrics.text import bleu, distinct_n, perplexity
from course.models.ngram import NGram
from course.models.recurrent import RecurrentLanguageModel
from course.seeding import seeded
from course.training import fit


def encoded(part, length=60):
    """Beginnings of the paragraphs in small letters, as strings."""
    letters = " abcdefghijklmnopqrstuvwxyz"
    texts = [
        "".join(c for c in text.lower() if c in letters)[: length - 1]
        for text in prose(part)
    ]
    return Vocabulary(letters).encode(texts, length=length)


def test_an_rnn_alone_draws_nothing():
    with seeded(0):
        rnn, x = nn.RNN(3, 8), torch.randn(5, 1, 3)
        first, again = rnn(x)[0], rnn(x)[0]
        model = RecurrentLanguageModel(3, max_length=20)
        drawn = model.sample(2)
    assert torch.equal(first, again)
    assert not torch.equal(drawn[0], drawn[1])


def test_held_out_text_judges():
    """Each context helps; a small recurrent network beats the shortest."""
    train, test = encoded("train"), encoded("test")
    n = ((test == 0).cumsum(1) <= 1).sum()

    def value(log_prob):
        return perplexity(torch.as_tensor(log_prob), int(n))

    grams = [
        value(NGram(k, n_symbols=28).fit(train).score_samples(test))
        for k in (1, 2, 4)
    ]
    assert grams[0] > 1.3 * grams[1] > 1.3 * 1.3 * grams[2]
    for seed in range(3):
        with seeded(seed):
            model = RecurrentLanguageModel(28, hidden=32, max_length=60)
            loader = torch.utils.data.DataLoader(
                torch.tensor(train), 50, shuffle=True
            )
            fit(model, loader, steps=60, lr=2e-2)
        with torch.no_grad():
            ours = value(model.log_prob(torch.tensor(test)))
        assert ours < 0.85 * grams[0]


def test_no_gradient_passes_a_drawn_symbol():
    logits = torch.randn(4, 5, requires_grad=True)
    drawn = torch.distributions.Categorical(logits=logits).sample()
    likeliest = logits.argmax(-1)
    assert not drawn.requires_grad
    assert not likeliest.requires_grad
    torch.nn.functional.cross_entropy(logits, drawn).backward()
    assert logits.grad.abs().sum() > 0.1  # the likelihood needs none


def test_text_and_sound_have_data_model_and_measure():
    """An autoregression has the spectrum of the sound it learned from."""
    rng = np.random.RandomState(0)
    a = np.array([1.6, -0.9])  # a resonance at arccos(1.6 / (2 sqrt(0.9)))

    def play(a, n=20_000):
        x = np.zeros(n)
        for t in range(2, n):
            x[t] = a @ x[[t - 1, t - 2]] + rng.randn()
        return x

    sound = play(a)
    past = np.stack([sound[1:-1], sound[:-2]], axis=1)
    fitted = np.linalg.lstsq(past, sound[2:], rcond=None)[0]
    again = play(fitted)
    peaks = []
    for x in (sound, again, rng.permutation(sound)):
        power = np.abs(np.fft.rfft(x.reshape(-1, 200))) ** 2
        peaks.append(power.mean(axis=0) / power.mean())
    assert np.abs(fitted - a).max() < 0.02
    assert np.abs(peaks[0] - peaks[1]).mean() < 0.15
    assert np.abs(peaks[0] - peaks[2]).mean() > 0.8
    train, test = encoded("train"), encoded("test")
    one, three = (NGram(k, n_symbols=28).fit(train) for k in (1, 3))
    assert three.score(test) > one.score(test) + 20


def test_a_parrot_has_a_perfect_bleu():
    training = [p.split() for p in prose("train")][:200]
    parrot = [training[0]] * 30
    assert bleu(parrot, [training] * 30) == 1.0
    assert distinct_n(parrot, 2) < 0.05
    assert distinct_n(training[:100], 2) > 0.3
    new = [["every", "function", "may", "return", "nothing", "twice"]]
    assert bleu(new, [training]) == 0.0
