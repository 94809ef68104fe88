"""What every model of the course promises, checked on all of them alike.

A new neural model is one more line of `NEURAL`, a new classical model one more
line of `CLASSICAL`; nothing else in this file need change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from torch import nn
from torch.utils.data import DataLoader

from course.models.bayesian_network import BayesianNetwork
from course.models.class_conditional import ClassConditional
from course.models.context_counts import ContextCounts
from course.models.gan import GAN, HingeGAN, WassersteinGAN
from course.models.gaussian import Gaussian
from course.models.hmm import CategoricalHMM, GaussianHMM
from course.models.kde import KernelDensity
from course.models.linear import LinearRegression, LogisticRegression
from course.models.mixture import CategoricalMixture, GaussianMixture
from course.models.mppca import MixtureOfPPCA
from course.models.naive_bayes import (
    CategoricalNaiveBayes,
    GaussianNaiveBayes,
)
from course.models.naive_bayes.base import NaiveBayes
from course.models.ngram import NGram
from course.models.perceptron import MLPClassifier, MLPRegressor
from course.models.ppca import PPCA
from course.models.recommender import MultVAE
from course.models.recurrent import RecurrentLanguageModel
from course.models.svm import SVC
from course.models.tree import DecisionTreeClassifier
from course.models.vae import IWAE, VAE
from course.nn.dcgan import DCDiscriminator, DCGenerator
from course.nn.likelihoods import (
    bernoulli,
    categorical,
    discretised_logistic,
    gaussian,
)
from course.nn.mlp import MLP
from course.protocols import Generative
from course.seeding import seeded
from course.training import Turn, train


@dataclass(frozen=True)
class Neural:
    """A small neural model, and what it may be asked.

    Attributes:
        make: builds it; each call with fresh parameters.
        shape: of one example; the examples are black and white.
        symbols: how many there are, where an example is a string of them.
        losses: by method, the submodule that it trains, "" for the whole.
    """

    make: Callable[[], nn.Module]
    shape: tuple[int, ...] = (1, 2, 3)
    symbols: int = 0
    losses: Mapping[str, str] = field(default_factory=lambda: {"loss": ""})

    def batch(self):
        """Sixteen examples."""
        if self.symbols:
            return torch.randint(self.symbols, (16, *self.shape))
        return torch.bernoulli(torch.full((16, *self.shape), 0.3))


def vae(family, kind=VAE, **options):
    """A VAE of pictures with six pixels."""
    width = (family.outputs,) * (family.outputs > 1)
    encoder = nn.Sequential(nn.Flatten(), MLP(6, 16, 4))
    decoder = nn.Sequential(
        MLP(2, 16, 6 * family.outputs), nn.Unflatten(1, (1, 2, 3, *width))
    )
    return kind(encoder, decoder, 2, likelihood=family, **options)


def critic():
    """A critic of rows of six; a bias at its end would have no effect."""
    return nn.Sequential(MLP(6, 16, 8), nn.SiLU(), nn.Linear(8, 1, bias=False))


PLAYERS = {"critic_loss": "discriminator", "generator_loss": "generator"}

NEURAL = {
    "vae": Neural(lambda: VAE(MLP(6, 16, 4), MLP(2, 16, 6), 2), shape=(6,)),
    "vae-bernoulli": Neural(lambda: vae(bernoulli())),
    "vae-gaussian": Neural(lambda: vae(gaussian(0.5), beta=2.0)),
    "vae-categorical": Neural(lambda: vae(categorical(5))),
    "vae-logistic": Neural(lambda: vae(discretised_logistic(5))),
    "recurrent": Neural(
        lambda: RecurrentLanguageModel(3, hidden=8, max_length=6),
        shape=(6,),
        symbols=3,
    ),
    "iwae": Neural(lambda: vae(bernoulli(), kind=IWAE, samples=3)),
    "mult-vae": Neural(lambda: MultVAE(6, 2, hidden=16), shape=(6,)),
    "gan": Neural(
        lambda: GAN(MLP(2, 16, 6), MLP(6, 16, 1), 2),
        shape=(6,),
        losses=PLAYERS,
    ),
    "wasserstein-gan": Neural(
        lambda: WassersteinGAN(MLP(2, 16, 6), critic(), 2),
        shape=(6,),
        losses=PLAYERS,
    ),
    "hinge-gan": Neural(
        lambda: HingeGAN(MLP(2, 16, 6), critic(), 2), shape=(6,), losses=PLAYERS
    ),
    "dcgan": Neural(
        lambda: GAN(
            DCGenerator(2, (1, 4, 4), widths=(8, 4)),
            DCDiscriminator((1, 4, 4), widths=(4, 8)),
            2,
        ),
        shape=(1, 4, 4),
        losses=PLAYERS,
    ),
}

CLASSICAL = {
    "bayesian-network": lambda: BayesianNetwork({0: (), 1: (0,), 2: (0, 1)}),
    "gaussian": Gaussian,
    "kernel-density": KernelDensity,
    "gaussian-mixture": lambda: GaussianMixture(2, random_state=0),
    "ngram": lambda: NGram(2, n_symbols=5),
    "context-counts": lambda: ContextCounts(n_categories=5),
    "categorical-mixture": lambda: CategoricalMixture(
        2, n_categories=5, random_state=0
    ),
    "ppca": lambda: PPCA(2),
    "mixture-of-ppca": lambda: MixtureOfPPCA(2, random_state=0),
    "categorical-hmm": lambda: CategoricalHMM(
        2, n_categories=5, random_state=0
    ),
    "gaussian-hmm": lambda: GaussianHMM(2, ridge=0.1, random_state=0),
}


SUPERVISED = {
    "mlp-classifier": lambda: MLPClassifier(max_iter=9, random_state=0),
    "mlp-regressor": lambda: MLPRegressor(max_iter=9, random_state=0),
    "svc": SVC,
    "decision-tree": DecisionTreeClassifier,
    "linear-regression": LinearRegression,
    "logistic-regression": LogisticRegression,
    "gaussian-naive-bayes": GaussianNaiveBayes,
    "categorical-naive-bayes": lambda: CategoricalNaiveBayes(n_categories=5),
    "class-conditional": lambda: ClassConditional(Gaussian(ridge=0.1)),
}


@pytest.fixture(params=NEURAL)
def case(request):
    return NEURAL[request.param]


@pytest.fixture
def model(case):
    return case.make()


@pytest.fixture
def batch(case):
    return case.batch()


def losses(model, case, batch, seed=1):
    """All losses of the model, by method and name."""
    with seeded(seed):
        return {name: getattr(model, name)(batch) for name in case.losses}


def test_it_is_generative(model):
    assert isinstance(model, Generative)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_look_like_data(model, batch, dtype):
    samples = model.to(dtype).sample(5)
    assert samples.shape == (5, *batch.shape[1:])
    assert samples.dtype == (
        dtype if batch.is_floating_point() else batch.dtype
    )
    assert samples.isfinite().all()
    assert not samples.requires_grad


def test_sampling_is_reproducible_and_fresh(model):
    with seeded(1):
        first, second = model.sample(50), model.sample(50)
    with seeded(1):
        again = model.sample(50)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_losses_are_named_finite_scalars(model, case, batch):
    for terms in losses(model, case, batch).values():
        assert "loss" in terms
        for value in terms.values():
            assert value.shape == ()
            assert value.isfinite()


def test_losses_are_reproducible(model, case, batch):
    first, again = (losses(model, case, batch) for _ in range(2))
    assert first == again


def test_gradients_reach_every_parameter(model, case, batch):
    for name, part in case.losses.items():
        model.zero_grad()
        getattr(model, name)(batch)["loss"].backward()
        for key, p in model.get_submodule(part).named_parameters():
            assert p.grad is not None, key
            assert p.grad.isfinite().all(), key
            assert p.grad.abs().sum() > 0, key


def test_arguments_are_unchanged(model, case, batch):
    before = batch.clone()
    losses(model, case, batch)
    assert torch.equal(batch, before)
    assert not batch.requires_grad


def test_the_loop_trains_every_parameter(model, case, batch):
    before = {k: p.clone() for k, p in model.named_parameters()}
    turns = [
        Turn(name, torch.optim.Adam(model.get_submodule(part).parameters()))
        for name, part in case.losses.items()
    ]
    loader = DataLoader(batch, batch_size=8)
    for step in train(model, loader, turns, steps=6):
        assert step.losses["loss"].isfinite()
    for key, p in model.named_parameters():
        assert not torch.equal(p, before[key]), key


def test_state_dict_round_trip(model, case, batch):
    twin = case.make()
    with seeded(2):
        first = model.sample(50)
    with seeded(2):
        assert not torch.equal(first, twin.sample(50))
    twin.load_state_dict(model.state_dict())
    with seeded(2):
        assert torch.equal(first, twin.sample(50))
    assert losses(model, case, batch) == losses(twin, case, batch)


@pytest.mark.gpu
def test_the_model_follows_its_buffers(model, case, batch):
    model = model.cuda()
    assert model.sample(5).is_cuda
    for terms in losses(model, case, batch.cuda()).values():
        assert terms["loss"].is_cuda
        assert terms["loss"].isfinite()


@pytest.fixture(params=CLASSICAL)
def estimator(request):
    return CLASSICAL[request.param]()


@pytest.fixture
def X(estimator):
    x = np.random.default_rng(0).integers(0, 5, (60, 3)).astype(float)
    sequences = hasattr(estimator, "n_states")  # sixty of them, three steps
    return x[..., None] if sequences else x


def test_an_estimator_follows_the_conventions(estimator, X):
    before = X.copy()
    assert isinstance(estimator, BaseEstimator)
    assert estimator.fit(X) is estimator
    assert np.array_equal(X, before)
    assert len(estimator.history_) > 0


def test_scores_are_nats_of_every_row_as_if_alone(estimator, X):
    scores = estimator.fit(X).score_samples(X)
    assert scores.shape == (60,)
    alone = [estimator.score_samples(X[i : i + 1])[0] for i in range(60)]
    assert np.allclose(scores, alone, rtol=1e-12)
    assert estimator.score(X) == pytest.approx(scores.mean())


def test_the_border_keeps_the_kind_of_array(estimator, X):
    there = clone(estimator).fit(torch.tensor(X))
    here = estimator.fit(X)
    scores = there.score_samples(torch.tensor(X))
    assert isinstance(scores, torch.Tensor)
    assert scores.dtype == torch.float64
    assert np.allclose(scores.numpy(), here.score_samples(X), rtol=1e-10)


def test_estimators_sample_rows_like_the_data(estimator, X):
    estimator.fit(X)
    samples = estimator.sample(7, random_state=3)
    assert isinstance(samples, np.ndarray)
    assert samples.shape == (7, X.shape[-1])
    assert np.array_equal(samples, estimator.sample(7, random_state=3))
    assert not np.array_equal(samples, estimator.sample(7, random_state=4))


@pytest.mark.gpu
def test_estimators_follow_their_input(estimator, X):
    x = torch.tensor(X).cuda()
    there = clone(estimator).fit(x).score_samples(x)
    assert there.is_cuda
    here = estimator.fit(X).score_samples(X)
    assert np.allclose(there.cpu().numpy(), here, rtol=1e-8)


@pytest.fixture(params=SUPERVISED)
def learner(request):
    return SUPERVISED[request.param]()


@pytest.fixture
def table():
    """Rows of whole numbers, and three classes."""
    X = np.random.default_rng(0).integers(0, 5, (60, 3)).astype(float)
    return X, X[:, 0] % 3


def test_a_learner_follows_the_conventions(learner, table):
    X, y = table
    before = X.copy()
    assert learner.fit(X, y) is learner
    assert np.array_equal(X, before)
    assert np.array_equal(y, X[:, 0] % 3)
    assert len(learner.history_) > 0
    assert learner.score(X, y) <= 1
    again = clone(learner).fit(X, y).predict(X)
    assert np.array_equal(again, learner.predict(X))


def test_predictions_are_those_of_every_row_as_if_alone(learner, table):
    X, y = table
    together = learner.fit(X, y).predict(X)
    alone = [learner.predict(X[i : i + 1])[0] for i in range(60)]
    assert np.allclose(together, alone, rtol=1e-12)


def test_predictions_are_of_the_kind_of_the_rows(learner, table):
    X, y = table
    x = torch.tensor(X)
    there = clone(learner).fit(x, torch.tensor(y)).predict(x)
    assert isinstance(there, torch.Tensor)
    here = learner.fit(X, y).predict(X)
    assert np.allclose(there.numpy(), here, rtol=1e-10)


def test_what_is_discriminative_has_no_density(learner, table):
    X, y = table
    learner.fit(X, y)
    generative = isinstance(learner, (NaiveBayes, ClassConditional))
    assert isinstance(learner, Generative) == generative
    for name in ("sample", "score_samples"):
        assert hasattr(learner, name) == generative


@pytest.mark.gpu
def test_learners_follow_their_input(learner, table):
    X, y = table
    x = torch.tensor(X).cuda()
    there = clone(learner).fit(x, torch.tensor(y).cuda()).predict(x)
    assert there.is_cuda
    here = learner.fit(X, y).predict(X)
    assert np.allclose(there.cpu().numpy(), here, rtol=1e-8)
