"""The short form of training."""

import numpy as np
import pytest
import torch
import tqdm.notebook
from torch.optim import Adam
from torch.utils.data import DataLoader
from training_runs import Denoiser, Shaken, same, seed_all

from course.training import Checkpoint, Turn, fit, fitting, train


def start():
    """A random model and its shuffled data, the same at each call."""
    seed_all(0)
    model = Denoiser(3, 8, 3, dropout=0.2)
    return model, DataLoader(Shaken(), batch_size=4, shuffle=True)


def test_it_is_the_loop_with_adam_and_returns_the_losses_by_name():
    model, loader = start()
    history = fit(model, loader, steps=11, lr=0.02, clip=0.1)
    other, loader = start()
    turns = [Turn("loss", Adam(other.parameters(), lr=0.02))]
    steps = list(train(other, loader, turns, steps=11, clip=0.1))
    assert same(model.state_dict(), other.state_dict())
    assert set(history) == {"loss", "worst"}
    for name, values in history.items():
        expected = [step.losses[name].item() for step in steps]
        np.testing.assert_array_equal(values, expected)


def test_the_learning_rate_is_a_thousandth_unless_said():
    model, loader = start()
    fit(model, loader, steps=3)
    other, loader = start()
    fit(other, loader, steps=3, lr=1e-3)
    assert same(model.state_dict(), other.state_dict())


def test_the_bar_is_silent_where_told(capfd):
    model, loader = start()
    fit(model, loader, steps=2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("wish", "bars"), [("1", 0), ("0", 1), (None, 1)])
def test_in_a_notebook_too(wish, bars, monkeypatch, capfd):
    shown = []
    monkeypatch.setattr(tqdm.notebook, "display", shown.append)
    monkeypatch.setattr(fitting, "tqdm", tqdm.notebook.tqdm)
    monkeypatch.delenv("TQDM_DISABLE")
    if wish:
        monkeypatch.setenv("TQDM_DISABLE", wish)
    model, loader = start()
    fit(model, loader, steps=2)
    assert len(shown) == bars


def test_a_stopped_fit_keeps_its_history_and_its_extras(
    tmp_path, monkeypatch, capsys
):
    model, loader = start()
    whole = fit(model, loader, steps=11)
    for steps in (4, 11):
        extra = torch.nn.Linear(1, 1)
        other, loader = start()
        if steps == 4:
            extra.weight.data.fill_(7.0)
        else:
            torch.manual_seed(1)
            monkeypatch.setenv("TQDM_DISABLE", "0")
        keep = Checkpoint(tmp_path / "c", every=3, extras={"extra": extra})
        history = fit(other, loader, steps=steps, checkpoint=keep)
    assert same(model.state_dict(), other.state_dict())
    assert extra.weight == 7.0
    assert set(keep.extras) == {"extra"}, "the reader's extras are not changed"
    for name, values in whole.items():
        np.testing.assert_array_equal(history[name], values)
    bar = capsys.readouterr().err
    assert "11/11" in bar
    assert f"loss {whole['loss'][-1]:.4g}" in bar


def test_a_finished_fit_returns_its_history_again(tmp_path):
    keep = Checkpoint(tmp_path / "c", every=3)
    model, loader = start()
    history = fit(model, loader, steps=5, checkpoint=keep)
    other, loader = start()
    again = fit(other, loader, steps=5, checkpoint=keep)
    np.testing.assert_array_equal(again["worst"], history["worst"])
    assert same(model.state_dict(), other.state_dict())


def test_what_the_loop_refuses_is_refused():
    model, loader = start()
    with pytest.raises(ValueError, match="steps must be at least 1"):
        fit(model, loader, steps=0)


@pytest.mark.gpu
def test_the_model_comes_home_from_the_gpu():
    model, loader = start()
    devices = []
    for p in model.parameters():
        p.register_hook(lambda grad: devices.append(grad.device.type))
    fit(model, loader, steps=2)
    assert set(devices) == {"cuda"}
    assert {p.device.type for p in model.parameters()} == {"cpu"}
