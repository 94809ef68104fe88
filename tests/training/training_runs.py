"""Models and runs that the tests of training share with their subprocesses."""

import os
import random
import signal

import numpy as np
import torch
from torch import nn
from torch.optim import Adam
from torch.optim.lr_scheduler import ExponentialLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from course.nn.mlp import MLP
from course.training import Checkpoint, Turn, files, train

STEPS = 20  # of a game; three epochs and a bit
DECAY = 0.9


class Shaken(Dataset):
    """Twenty-two examples that random numbers shake anew.

    Python's are used where asked: in pytest's own process beartype draws from
    them too, to choose which items of a list to check.
    """

    def __init__(self, *, python=False):
        self.python = python

    def __len__(self):
        return 22

    def __getitem__(self, i):
        x = torch.tensor([i / 22, 1 - i / 22, (i % 5) / 5])
        noise = torch.rand(()) + np.random.rand()
        noise += random.random() if self.python else 0
        return (x + 0.1 * noise).float()


class Denoiser(MLP):
    """One loss, random by dropout and by noise of two libraries."""

    def loss(self, x):
        noise = torch.randn_like(x) + np.random.randn()
        error = (self(x + 0.1 * noise) - x).square()
        return {"loss": error.mean(), "worst": error.max()}


class Game(nn.Module):
    """A critic with dropout against a generator, two losses."""

    def __init__(self, *, dropout=0.2, noisy=True):
        super().__init__()
        self.generator = MLP(3, 8, 3, dropout=dropout)
        self.critic = MLP(3, 8, 1, dropout=dropout)
        self.noisy = noisy

    def fake(self, x):
        return self.generator(torch.randn_like(x) if self.noisy else x.flip(1))

    def critic_loss(self, x):
        with torch.no_grad():
            fake = self.fake(x)
        margin = self.critic(x).mean() - self.critic(fake).mean()
        size = self.critic(x).square().mean()
        return {"loss": size - margin, "margin": margin}

    def generator_loss(self, x):
        return {"loss": -self.critic(self.fake(x)).mean()}


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def game_parts(game):
    """Turns of a game: the critic moves twice, the generator once."""
    critic = Adam(game.critic.parameters(), lr=1e-2)
    generator = Adam(game.generator.parameters(), lr=3e-3)
    return [
        *2 * [Turn("critic_loss", critic)],
        Turn("generator_loss", generator),
    ]


def play(path=None, *, every=3, steps=STEPS, seed=0, note=None, out=None):
    """Run a game with an average and a schedule; return all that it learned.

    A run that goes on is seeded otherwise, so that it must get its random
    state from the file.
    """
    note = note or (lambda *_: None)
    seed_all(seed + (path is not None and os.path.exists(path)))
    game, data = Game(), Shaken(python=True)
    loader = DataLoader(data, batch_size=4, shuffle=True)
    turns = game_parts(game)
    ema = AveragedModel(game, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
    schedule = ExponentialLR(turns[0].optimizer, 0.9)
    extras = {"ema": ema, "schedule": schedule}
    checkpoint = path and Checkpoint(path, every=every, extras=extras)
    run = train(game, loader, turns, steps=steps, checkpoint=checkpoint, clip=1)
    for step in run:
        note("before the body", step.number)
        ema.update_parameters(game)
        if step.turn == "critic_loss":
            schedule.step()
        note("after the body", step.number)
    state = {f"game.{k}": v for k, v in game.state_dict().items()}
    state |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
    state["lr"] = torch.tensor(schedule.get_last_lr(), dtype=torch.float64)
    drawn = [torch.rand(()), random.random(), np.random.rand()]
    state["next"] = torch.tensor(drawn)  # what the run would draw next
    if out:
        torch.save(state, out)
    return state


def same(a, b):
    """Whether two dicts of tensors are equal, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def kill():
    """End this process as the power button would."""
    os.kill(os.getpid(), signal.SIGKILL)


def play_and_die(where, number, path, out):
    """Run a game that kills itself at a place in the code, in one step."""

    def note(place, step):
        if step == number:
            arm(where)
        if (place, step) == (where, number):
            kill()

    play(path, note=note, out=out)


def arm(where):
    """Make the next write of a file deadly, at one of three moments."""
    replace = os.replace
    deadly = {
        "half a draft": (
            "save",
            lambda _, file: (file.write(b"PK"), die(file)),
        ),
        "a whole draft": ("fsync", lambda _: kill()),
        "the new file": ("replace", lambda a, b: (replace(a, b), kill())),
    }
    if where in deadly:
        name, what = deadly[where]
        setattr(torch if name == "save" else files.os, name, what)


def die(file):
    """Be killed with these bytes on disk."""
    file.flush()
    kill()


def play_and_tell(progress, path, out):
    """Run a game that tells another process how far it is."""

    def note(place, step):
        progress.value = step

    play(path, every=1, note=note, out=out)
