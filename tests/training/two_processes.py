"""Started by `torch.distributed.run`: what two processes learn together.

Each process leaves its results in the folder named on the command line.
"""

import sys
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.optim import Adam
from torch.utils.data import DataLoader
from training_runs import Denoiser, Game, Shaken, game_parts, seed_all

from course.nn.mlp import MLP
from course.training import Checkpoint, Turn, files, train

DATA = torch.sin(torch.arange(72, dtype=torch.float64)).view(24, 3)


class Copier(MLP):
    """Its loss is not its forward pass; it remembers what it was shown."""

    def loss(self, x):
        self.seen = [*getattr(self, "seen", []), x]
        return {"loss": (self(x) - x).square().mean()}


def joint(fabric, size):
    """Train on all data, `size` examples a process; return model and data."""
    seed_all(0)
    model = Copier(3, 8, 3).double()
    turns = [Turn("loss", Adam(model.parameters(), lr=1e-2))]
    loader = DataLoader(DATA, batch_size=size)
    for _ in train(model, loader, turns, steps=9, fabric=fabric, clip=0.1):
        pass
    return model.state_dict(), torch.stack(model.seen)


def duel(fabric, size):
    """Train a game without noise; in each turn the other's turn is unused."""
    seed_all(0)
    game = Game(dropout=0.0, noisy=False).double()
    loader = DataLoader(DATA, batch_size=size)
    for _ in train(game, loader, game_parts(game), steps=9, fabric=fabric):
        pass
    return game.state_dict()


def resumed(fabric, path, stops):
    """Train a random model with stops; the processes draw other numbers.

    After a stop both are seeded otherwise: their states are in the file.
    """
    for number, stop in enumerate(stops):
        seed_all(0)
        model = Denoiser(3, 8, 3, dropout=0.2)
        turns = [Turn("loss", Adam(model.parameters(), lr=1e-2))]
        loader = DataLoader(Shaken(), batch_size=4, shuffle=True)
        seed_all(fabric.global_rank + 100 * number)
        checkpoint = Checkpoint(path, every=100)
        options = {"fabric": fabric, "checkpoint": checkpoint}
        for _ in train(model, loader, turns, steps=stop, **options):
            pass
    return model.state_dict(), torch.rand(3)


def main(folder):
    plain = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    plain.launch()
    unused = Fabric(
        accelerator="cpu", devices=2, strategy="ddp_find_unused_parameters_true"
    )
    unused.launch()
    writes, write = [], files.write
    files.write = lambda *args: (writes.append(args[0]), write(*args))
    results = {
        "joint": joint(plain, 4),
        "duel": duel(unused, 4),
        "whole": resumed(plain, folder / "whole", [8]),
        "stopped": resumed(plain, folder / "stopped", [2, 4, 8]),
        "writes": len(writes),
    }
    torch.save(results, folder / f"{plain.global_rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
