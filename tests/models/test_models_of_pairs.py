"""What models of pairs promise: those whose batches are not one tensor.

The counterpart of tests/test_contract.py for a class with each example, or a
caption with each picture. A new model is one more line of `PAIRS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course.models.conditional_gan import ConditionalGAN
from course.models.conditional_vae import ConditionalVAE
from course.models.joint_vae import JointVAE, Modality, words
from course.nn.likelihoods import bernoulli, gaussian
from course.nn.mlp import MLP
from course.protocols import Generative
from course.seeding import seeded
from course.training import Turn, train


@dataclass(frozen=True)
class Pairs:
    """A small model of rows of six black or white pixels with something else.

    Attributes:
        make: builds it; each call with fresh parameters.
        other: the second half of a batch of `n`.
        losses: by method, the submodule that it trains, "" for the whole.
    """

    make: Callable[[], nn.Module]
    other: Callable[[int], torch.Tensor]
    losses: Mapping[str, str] = field(default_factory=lambda: {"loss": ""})

    def batch(self, n=16):
        return [torch.bernoulli(torch.full((n, 6), 0.3)), self.other(n)]


def labels(n):
    return torch.randint(3, (n,))


def joint():
    read = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), MLP(8, 8, 4))
    write = nn.Sequential(MLP(2, 8, 10), nn.Unflatten(1, (2, 5)))
    image = Modality(MLP(6, 16, 4), MLP(2, 16, 6), likelihood=bernoulli())
    text = Modality(read, write, likelihood=words(5), weight=2.0)
    return JointVAE({"image": image, "text": text}, 2)


PAIRS = {
    "conditional-vae": Pairs(
        lambda: ConditionalVAE(MLP(9, 16, 4), MLP(5, 16, 6), 2, classes=3),
        labels,
    ),
    "conditional-vae-gaussian": Pairs(
        lambda: ConditionalVAE(
            MLP(9, 16, 4), MLP(5, 16, 6), 2, classes=3, likelihood=gaussian(0.5)
        ),
        labels,
    ),
    "conditional-gan": Pairs(
        lambda: ConditionalGAN(MLP(5, 16, 6), MLP(9, 16, 1), 2, classes=3),
        labels,
        {"critic_loss": "discriminator", "generator_loss": "generator"},
    ),
    "joint-vae": Pairs(joint, lambda n: torch.randint(5, (n, 2))),
}


@pytest.fixture(params=PAIRS)
def case(request):
    return PAIRS[request.param]


@pytest.fixture
def model(case):
    return case.make()


@pytest.fixture
def batch(case):
    return case.batch()


def losses(model, case, batch, seed=1):
    with seeded(seed):
        return {name: getattr(model, name)(batch) for name in case.losses}


def parts(sample):
    """The tensors of a sample, one for each kind of data."""
    return list(sample.values()) if isinstance(sample, dict) else [sample]


def test_it_is_generative(model):
    assert isinstance(model, Generative)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_look_like_data(model, batch, dtype):
    for drawn, data in zip(parts(model.to(dtype).sample(5)), batch):  # noqa: B905
        assert drawn.shape == (5, *data.shape[1:])
        real = data.is_floating_point()
        assert drawn.dtype == (dtype if real else data.dtype)
        assert drawn.isfinite().all()
        assert not drawn.requires_grad


def test_sampling_is_reproducible_and_fresh(model):
    with seeded(1):
        first, second = parts(model.sample(50)), parts(model.sample(50))
    with seeded(1):
        again = parts(model.sample(50))
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, second))


def test_losses_are_named_finite_scalars_and_reproducible(model, case, batch):
    terms = losses(model, case, batch)
    for named in terms.values():
        assert "loss" in named
        assert all(v.shape == () and v.isfinite() for v in named.values())
    assert losses(model, case, batch) == terms


def test_gradients_reach_every_parameter(model, case, batch):
    for name, part in case.losses.items():
        model.zero_grad()
        getattr(model, name)(batch)["loss"].backward()
        for key, p in model.get_submodule(part).named_parameters():
            assert p.grad is not None, key
            assert p.grad.isfinite().all(), key
            assert p.grad.abs().sum() > 0, key


def test_arguments_are_unchanged(model, case, batch):
    before = [v.clone() for v in batch]
    losses(model, case, batch)
    assert all(map(torch.equal, batch, before))


def test_the_loop_trains_every_parameter(model, case, batch):
    before = {k: p.clone() for k, p in model.named_parameters()}
    turns = [
        Turn(name, torch.optim.Adam(model.get_submodule(part).parameters()))
        for name, part in case.losses.items()
    ]
    loader = DataLoader(TensorDataset(*batch), batch_size=8)
    for step in train(model, loader, turns, steps=6):
        assert step.losses["loss"].isfinite()
    for key, p in model.named_parameters():
        assert not torch.equal(p, before[key]), key


def test_state_dict_round_trip(model, case, batch):
    twin = case.make()
    twin.load_state_dict(model.state_dict())
    with seeded(2):
        first = parts(model.sample(50))
    with seeded(2):
        assert all(map(torch.equal, first, parts(twin.sample(50))))
    assert losses(model, case, batch) == losses(twin, case, batch)


@pytest.mark.gpu
def test_the_model_follows_its_buffers(model, case, batch):
    model, batch = model.cuda(), [v.cuda() for v in batch]
    assert all(v.is_cuda for v in parts(model.sample(5)))
    for terms in losses(model, case, batch).values():
        assert terms["loss"].is_cuda
        assert terms["loss"].isfinite()
