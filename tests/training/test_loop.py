"""The loop is plain PyTorch, step for step."""

from itertools import chain, islice, repeat

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from training_runs import Denoiser, Game, Shaken, game_parts, same, seed_all

from course.training import Step, Turn, train


def plain(model, loader, turns, *, steps, clip=None, device="cpu"):
    """The loop, in ten lines of PyTorch."""
    batches = chain.from_iterable(repeat(loader))
    cycle = chain.from_iterable(repeat(turns))
    for turn, batch in islice(zip(cycle, batches, strict=False), steps):
        model.train()
        loss = getattr(model, turn.loss)(batch.to(device))["loss"]
        turn.optimizer.zero_grad()
        loss.backward()
        if clip:
            moved = turn.optimizer.param_groups[0]["params"]
            clip_grad_norm_(moved, clip)
        turn.optimizer.step()


def run(how, *, steps=20, device="cpu", **options):
    """Train a game from the same start; return its parameters."""
    seed_all(0)
    game = Game().to(device)
    turns = game_parts(game)
    loader = DataLoader(Shaken(), batch_size=4, shuffle=True)
    result = how(game, loader, turns, steps=steps, **options)
    for _ in result or ():
        pass
    return game.state_dict()


@pytest.mark.parametrize("clip", [None, 0.05])
def test_the_loop_is_plain_pytorch(clip):
    ours = run(train, clip=clip)
    assert same(ours, run(plain, clip=clip))
    assert same(ours, run(train)) == (clip is None)


@pytest.mark.gpu
def test_the_loop_is_plain_pytorch_on_a_gpu():
    fabric = Fabric(accelerator="cuda", devices=1)
    ours = run(train, clip=0.05, fabric=fabric)
    assert same(ours, run(plain, clip=0.05, device="cuda"))


class Mean(nn.Module):
    """One number, pulled towards the mean of the batch with a given force."""

    def __init__(self, force=1.0):
        super().__init__()
        self.mu = nn.Parameter(torch.zeros(()))
        self.force = force
        self.modes = []

    def loss(self, x):
        self.modes.append(self.training)
        return {"loss": self.force * (self.mu - x.mean()).square() / 2}


def pull(*, model=None, data=None, batch_size=2, lr=0.5, **options):
    """A loop that pulls `mu` with SGD, one batch after the other."""
    model = model or Mean()
    data = torch.arange(6.0) if data is None else data
    loader = DataLoader(data, batch_size=batch_size)
    turns = [Turn("loss", SGD(model.parameters(), lr=lr))]
    return train(model, loader, turns, **({"steps": 4} | options))


def test_steps_count_from_one_and_turns_repeat():
    game = Game()
    loader = DataLoader(Shaken(), batch_size=4)
    steps = list(train(game, loader, game_parts(game), steps=5))
    assert [s.number for s in steps] == [1, 2, 3, 4, 5]
    names = ["critic_loss", "critic_loss", "generator_loss"]
    assert [s.turn for s in steps] == (names * 2)[:5]
    assert [set(s.losses) for s in steps[1:3]] == [{"loss", "margin"}, {"loss"}]
    tensors = [value for s in steps for value in s.losses.values()]
    assert not any(value.requires_grad for value in tensors)


def test_each_turn_moves_only_what_its_optimiser_holds():
    game = Game()
    loader = DataLoader(Shaken(), batch_size=4)
    before = {k: v.clone() for k, v in game.state_dict().items()}
    for step in train(game, loader, game_parts(game), steps=6):
        player = step.turn.removesuffix("_loss")
        after = game.state_dict()
        moved = {k for k in after if not torch.equal(after[k], before[k])}
        assert moved == {k for k in after if k.startswith(player)}
        before = {k: v.clone() for k, v in after.items()}


def test_losses_are_those_before_the_step():
    # mu goes half the way to the means 0.5, 2.5, 4.5, 0.5 of the batches
    model, ways = Mean(), []
    for step in pull(model=model):
        ways.append((step.losses["loss"].item(), model.mu.item()))
    mu, expected = 0.0, []
    for mean in (0.5, 2.5, 4.5, 0.5):
        loss, mu = (mu - mean) ** 2 / 2, (mu + mean) / 2
        expected.append((loss, mu))
    np.testing.assert_allclose(ways, expected, rtol=1e-6)


def test_long_gradients_are_shortened_and_short_ones_kept():
    # with a force of 8 the gradients are -4, -18.4, ...; each step is clip * lr
    model = Mean(force=8.0)
    moved = [model.mu.item() for _ in pull(model=model, clip=0.1, steps=3)]
    np.testing.assert_allclose(moved, [0.05, 0.10, 0.15], rtol=1e-4)
    gentle, model = Mean(), Mean()
    free = [gentle.mu.item() for _ in pull(model=gentle)]
    assert [model.mu.item() for _ in pull(model=model, clip=100.0)] == free


def test_the_model_is_in_training_mode_in_a_step_and_nowhere_else():
    model = Mean()
    model.child = nn.Dropout()
    modes = [model.training or model.child.training for _ in pull(model=model)]
    assert modes == [False] * 4
    assert model.modes == [True] * 4
    assert not model.training


def test_a_part_that_sets_its_own_mode_is_asked():
    class Frozen(nn.Dropout):
        """Never in training mode, whatever it is told."""

        def train(self, mode=True):
            return super().train(False)

    model, heard = Mean(), []
    model.child = Frozen()
    model.child.register_forward_hook(lambda m, *_: heard.append(m.training))
    loss = model.loss
    model.loss = lambda x: loss(model.child(x))
    list(pull(model=model))
    assert model.modes == [True] * 4
    assert heard == [False] * 4


def test_a_step_that_fails_leaves_the_model_in_evaluation_mode():
    model, broken = Mean(), torch.tensor([1.0, float("nan")])
    with pytest.raises(ValueError, match="step 1"):
        list(pull(model=model, data=broken))
    assert model.modes == [True]
    assert not model.training


def test_no_batch_is_taken_ahead():
    taken = []

    class Counted(Shaken):
        def __getitem__(self, i):
            taken.append(i)
            return torch.tensor(float(i))

    for step in pull(data=Counted(), batch_size=4, steps=9):
        expected = [i % 22 for i in range(len(taken))]
        assert taken == expected
        assert len(taken) == [4, 8, 12, 16, 20, 22, 26, 30, 34][step.number - 1]


def test_the_reader_may_stop_early():
    model = Mean()
    for step in pull(model=model, steps=10**9):
        if step.number == 2:
            break
    assert model.mu.item() == (0.5 / 2 + 2.5) / 2


def test_an_average_follows_its_formula():
    model = Mean()
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    expected = None
    for _ in pull(model=model, steps=7):
        ema.update_parameters(model)
        mu = model.mu.item()
        expected = mu if expected is None else 0.9 * expected + 0.1 * mu
        assert ema.module.mu.item() == pytest.approx(expected, rel=1e-6)
    assert expected != pytest.approx(mu, rel=1e-2)


class Watched(nn.Linear):
    """Notes the types in which it is given numbers and computes."""

    def loss(self, x):
        self.types = x.dtype, self(x).dtype, self.weight.dtype
        self.given = x
        return {"loss": (self(x) - x).square().mean()}


def test_lower_precision_is_for_products_and_leaves_the_data_alone():
    x = torch.arange(32.0).view(-1, 1) / 255
    assert not torch.equal(x, x.bfloat16().float()), "bf16 would round them"
    model, fabric = Watched(1, 1), Fabric(precision="bf16-mixed", devices=1)
    turns = [Turn("loss", Adam(model.parameters(), lr=0.1))]
    loader = DataLoader(x, batch_size=32)
    steps = list(train(model, loader, turns, steps=60, fabric=fabric))
    assert model.types == (torch.float32, torch.bfloat16, torch.float32)
    assert torch.equal(model.given.cpu(), x)
    first, last = (steps[i].losses["loss"] for i in (0, -1))
    assert first.dtype == torch.float32
    assert last < first / 100


def test_a_step_is_a_record():
    (step,) = pull(steps=1)
    assert step == Step(1, "loss", {"loss": torch.tensor(0.125)})


class Returns(nn.Module):
    """Its loss is whatever it is given."""

    def __init__(self, what):
        super().__init__()
        self.mu = nn.Parameter(torch.zeros(()))
        self.what = what

    def loss(self, x):
        return self.what(self.mu) if callable(self.what) else self.what


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (
            lambda mu: mu,
            r"Returns.loss must return a dict .* returned .*Param",
        ),
        ({}, r'with the key "loss".* returned \[\]'),
        (lambda mu: {"nll": mu}, r"returned \['nll'\]"),
        (
            lambda mu: {"loss": mu.view(1)},
            r"'loss' is torch.Size\(\[1\]\).*mean",
        ),
        (lambda mu: {"loss": mu, "size": 3}, r"'size' is <class 'int'>"),
        (lambda mu: {"loss": mu.log()}, r"step 1: loss .*\{'loss': -inf\}"),
        (
            lambda mu: {"loss": mu / mu, "a": mu, "b": mu / mu},
            r"not finite: \{'loss': nan, 'b': nan\}.*step 0",
        ),
    ],
)
def test_losses_that_are_none_are_refused(what, told):
    model = Returns(what)
    with pytest.raises(ValueError, match=told):
        list(pull(model=model))
    assert model.mu == 0


def test_a_later_loss_that_is_not_finite_is_named_with_its_step():
    data = torch.tensor([1.0, 2.0, 3.0, float("inf")])
    model = Mean()
    with pytest.raises(ValueError, match=r"step 4: loss .*those of step 3"):
        list(pull(model=model, data=data, batch_size=1))
    assert model.mu.item() == ((0.5 + 2) / 2 + 3) / 2


def test_a_gradient_that_is_not_finite_shows_in_the_next_loss():
    model = Returns(lambda mu: {"loss": mu.abs().sqrt()})
    run = pull(model=model, clip=1.0)
    assert next(run).losses["loss"] == 0
    with pytest.raises(ValueError, match="step 2: loss is not finite"):
        next(run)


def test_a_reported_term_may_be_infinite_and_has_no_gradient():
    model = Returns(lambda mu: {"loss": mu, "ratio": mu + torch.inf})
    (step,) = pull(model=model, steps=1)
    assert step.losses["ratio"] == torch.inf
    assert model.mu.item() == -0.5


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"clip": 0.0}, "clip .* must be positive, not 0.0"),
        ({"clip": -1.0}, "clip .* must be positive, not -1.0"),
        ({"clip": float("nan")}, "clip .* must be positive, not nan"),
        ({"data": torch.zeros(0)}, "the loader yields no batch"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        next(pull(**wrong))


def test_a_loader_that_drops_its_only_batch_is_refused():
    model = Mean()
    turns = [Turn("loss", SGD(model.parameters(), lr=1.0))]
    loader = DataLoader(torch.zeros(3), batch_size=4, drop_last=True)
    with pytest.raises(ValueError, match="drop_last"):
        next(train(model, loader, turns, steps=1))


def test_turns_that_cannot_be_taken_are_refused():
    game, loader = Game(), DataLoader(Shaken())
    good = game_parts(game)
    unknown = Turn("criticloss", good[0].optimizer)
    foreign = Turn("critic_loss", Adam(Game().critic.parameters()))
    for turns, told in [
        ([], "no turns"),
        ([*good, unknown], r"Game has no method 'criticloss' .*'critic_loss'"),
        ([*good, foreign], "'critic_loss' holds no parameter of this Game"),
    ]:
        with pytest.raises(ValueError, match=told):
            next(train(game, loader, turns, steps=1))
    empty = Turn("loss", good[0].optimizer)
    with pytest.raises(ValueError, match="its losses: none"):
        next(train(nn.Linear(1, 1), loader, [empty], steps=1))


def test_the_same_model_may_be_trained_again():
    model = Denoiser(3, 4, 3)
    loader = DataLoader(Shaken(), batch_size=22)
    turns = [Turn("loss", SGD(model.parameters(), lr=0.01))]
    for _ in range(2):
        assert len(list(train(model, loader, turns, steps=3))) == 3
    assert torch.isfinite(model(torch.zeros(1, 3))).all()
