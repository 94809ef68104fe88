"""Multilayer perceptrons against autograd, differences and scikit-learn."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import neural_network
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from course.models.perceptron import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
)
from course.models.perceptron.backprop import (
    ACTIVATIONS,
    backward,
    forward,
    start,
)
from course.nn.mlp import MLP
from course.seeding import seeded
from course.training import fit
from course.training.gradients import finite_difference_gradient

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
MODELS = {"classifier": MLPClassifier, "regressor": MLPRegressor}
models = pytest.mark.parametrize("kind", MODELS)
activations = pytest.mark.parametrize("activation", ACTIVATIONS)


@parametrize_with_checks(
    [kind(hidden=(6,), max_iter=20, lr=0.2) for kind in MODELS.values()]
)
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.fixture
def net():
    """Layers of 3, 5, 4 and 2 units, without a zero among their numbers."""
    W, b = start([3, 5, 4, 2], torch.Generator().manual_seed(0))
    return W, [torch.linspace(-1, 1, len(v)).double() + 0.1 for v in b]


@pytest.fixture
def x():
    return torch.linspace(-2, 2, 27, dtype=torch.float64).sin().view(9, 3)


def criterion(kind, x):
    """The targets, and the loss by torch's own functions."""
    k = torch.arange(len(x)) % 2
    hot = torch.eye(2).double()[k]
    if kind == "classifier":
        return hot, lambda a: cross_entropy(a, k)
    return hot - 0.3, lambda a: (a - hot + 0.3).square().sum() / 2 / len(x)


@models
@activations
def test_by_hand_is_autograd_is_the_quotient_of_differences(
    kind, activation, net, x
):
    psi, model = ACTIVATIONS[activation], MODELS[kind](activation=activation)
    target, loss = criterion(kind, x)
    flat = torch.cat([p.flatten() for p in (*net[0], *net[1])])

    def unflat(theta):
        sizes = [p.numel() for p in (*net[0], *net[1])]
        parts = theta.split(sizes)
        W = [p.view(w.shape) for p, w in zip(parts, net[0], strict=False)]
        return W, parts[3:]

    def at(theta):
        return loss(forward(x, *unflat(theta), psi).output)

    done = forward(x, *net, psi)
    value, delta = model._loss(done.output, target)
    dW, db = backward(delta, done, net[0], psi)
    ours = torch.cat([g.flatten() for g in (*dW, *db)])
    theta = flat.clone().requires_grad_()
    (automatic,) = torch.autograd.grad(at(theta), theta)
    assert value.item() == pytest.approx(at(flat).item(), rel=1e-12)
    assert torch.allclose(ours, automatic, rtol=0, atol=1e-14)
    numeric = finite_difference_gradient(at, flat)
    assert torch.allclose(ours, numeric, rtol=0, atol=1e-8)
    assert ours.abs().min() > 0 or activation == "relu"


def test_by_hand_is_the_gradient_of_the_mlp_of_the_course(x):
    with seeded(0):
        network = MLP(3, 5, 4, 2).double()
    model = NetworkClassifier(network)
    k = torch.arange(9) % 2
    model.loss((x, k))["loss"].backward()
    W, b = [[getattr(network[i], n).detach() for i in (0, 2, 4)] for n in ATTR]
    done = forward(x, W, b, ACTIVATIONS["silu"])
    assert torch.allclose(done.output, model(x), atol=1e-14)
    delta = (done.output.softmax(dim=1) - torch.eye(2).double()[k]) / 9
    for name, grads in zip(
        ATTR, backward(delta, done, W, ACTIVATIONS["silu"]), strict=True
    ):
        for i, g in zip((0, 2, 4), grads, strict=True):
            theirs = getattr(network[i], name).grad
            assert torch.allclose(g, theirs, rtol=0, atol=1e-14)


ATTR = ("weight", "bias")


@models
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_training_is_that_of_scikit_learn(kind, activation):
    """Adam on the whole batch, from the same start, with weight decay."""
    X, y = make_moons(80, noise=0.2, random_state=0)
    options = {"activation": activation, "alpha": 0.3, "random_state": 0}
    # three classes: with two, theirs has one output, and ours has two
    y = y + (X[:, 0] > 1) if kind == "classifier" else np.sin(3 * X[:, 0])
    first = MODELS[kind](hidden=(7, 5), lr=1e-300, max_iter=1, **options)
    first.fit(X, y)
    ours = MODELS[kind](hidden=(7, 5), max_iter=60, **options).fit(X, y)
    theirs = getattr(neural_network, MODELS[kind].__name__)(
        hidden_layer_sizes=(7, 5),
        learning_rate_init=0.01,
        batch_size=80,
        shuffle=False,
        max_iter=1,
        warm_start=True,
        tol=0,
        n_iter_no_change=1000,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y)
        del theirs._optimizer
        theirs.coefs_ = [w.T.copy() for w in first.coefs_]
        theirs.intercepts_ = [v.copy() for v in first.intercepts_]
        theirs.loss_curve_.clear()
        theirs.set_params(max_iter=60).fit(X, y)
    # the 1e-8 in Adam's denominator stands elsewhere in theirs
    np.testing.assert_allclose(
        ours.history_[:60], theirs.loss_curve_[-60:], rtol=2e-5
    )
    for w, v in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(w, v.T, atol=2e-4)


def test_one_unit_cannot_and_a_hidden_layer_can():
    for seed in range(3):
        options = {"lr": 0.05, "max_iter": 150, "random_state": seed}
        unit = MLPClassifier(hidden=(), **options).fit(*XOR)
        assert unit.score(*XOR) <= 0.75
        model = MLPClassifier(hidden=(8,), **options).fit(*XOR)
        assert model.score(*XOR) == 1
        assert model.predict_proba(XOR[0]).sum(axis=1) == pytest.approx(1)


def test_a_linear_network_is_least_squares():
    X, y = make_moons(60, noise=0.1, random_state=1)
    model = MLPRegressor(hidden=(), alpha=0, lr=0.1, max_iter=600).fit(X, y)
    A = np.column_stack([X, np.ones(60)])
    best = np.linalg.lstsq(A, y, rcond=None)[0]
    np.testing.assert_allclose(
        [*model.coefs_[0][0], *model.intercepts_[0]], best, atol=1e-6
    )
    assert model.predict(X) == pytest.approx(A @ best, abs=1e-5)


@models
def test_the_history_ends_with_the_loss_of_the_fit(kind):
    X, y = make_moons(60, noise=0.1, random_state=1)
    model = MODELS[kind](alpha=0, max_iter=80, random_state=0).fit(X, y)
    assert len(model.history_) == 81
    assert model.n_iter_ == 80
    final = {
        "regressor": lambda: ((model.predict(X) - y) ** 2).mean() / 2,
        "classifier": lambda: (
            -np.log(model.predict_proba(X)[np.arange(60), y]).mean()
        ),
    }[kind]()
    assert model.history_[-1] == pytest.approx(final)
    assert model.history_[-1] < model.history_[0] / 2


@models
def test_the_seed_decides_the_start(kind):
    fits = [
        MODELS[kind](max_iter=1, random_state=seed).fit(*XOR).coefs_[0]
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(fits[0], fits[1])
    assert not np.allclose(fits[0], fits[2])


def test_the_start_has_sums_of_order_one():
    W, b = start([500, 400, 300], torch.Generator().manual_seed(0))
    assert [w.shape for w in W] == [(400, 500), (300, 400)]
    other = torch.Generator().manual_seed(1)
    x = torch.randn(1000, 500, generator=other, dtype=torch.float64)
    assert (x @ W[0].T).std().item() == pytest.approx(1, abs=0.05)
    assert not any(v.any() for v in b)


@models
def test_tensors_stay_tensors(kind):
    X, y = XOR
    here = MODELS[kind](max_iter=20, random_state=0).fit(X, y)
    there = MODELS[kind](max_iter=20, random_state=0)
    there.fit(torch.tensor(X), torch.tensor(y))
    got = there.predict(torch.tensor(X))
    assert isinstance(got, torch.Tensor)
    np.testing.assert_allclose(got.numpy(), here.predict(X), atol=1e-12)
    assert isinstance(there.coefs_[0], torch.Tensor)
    assert isinstance(there.history_, torch.Tensor)


@pytest.mark.gpu
@models
def test_on_a_gpu_the_answer_is_that_of_the_cpu(kind):
    X, y = XOR
    here = MODELS[kind](max_iter=50, random_state=0).fit(X, y)
    x = torch.tensor(X).cuda()
    there = MODELS[kind](max_iter=50, random_state=0)
    there.fit(x, torch.tensor(y).cuda())
    assert there.predict(x).is_cuda
    np.testing.assert_allclose(
        there.history_.cpu().numpy(), here.history_, rtol=1e-8
    )


def test_any_network_becomes_a_classifier():
    X, y = make_moons(100, noise=0.1, random_state=0)
    data = TensorDataset(torch.tensor(X).float(), torch.tensor(y))
    with seeded(0):
        model = NetworkClassifier(MLP(2, 32, 2))
        history = fit(model, DataLoader(data, 50), steps=200, lr=0.02)
    logits = model(data.tensors[0])
    assert set(history) == {"loss", "accuracy"}
    terms = model.loss(data.tensors)
    p = logits.softmax(dim=1)[torch.arange(100), data.tensors[1]]
    assert terms["loss"].item() == pytest.approx(-p.log().mean().item(), 1e-5)
    right = (model.predict(data.tensors[0]) == data.tensors[1]).float().mean()
    assert terms["accuracy"].item() == pytest.approx(right.item())
    assert right > 0.95


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"hidden": (4, 0)}, "every width"),
        ({"activation": "sign"}, "activation must"),
        ({"lr": 0}, "lr must"),
        ({"alpha": -1.0}, "alpha must"),
        ({"max_iter": 2.5}, "max_iter must"),
    ],
)
@models
def test_options_that_cannot_be_are_named(kind, options, word):
    with pytest.raises(ValueError, match=word):
        MODELS[kind](**options).fit(*XOR)
