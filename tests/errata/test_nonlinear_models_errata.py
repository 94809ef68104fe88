"""What the documents say about non-linear models, failing, and what holds.

Each test is named by the entries of book/errata.yml that it shows.
"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course.data import breast_cancer, digits, iris
from course.models.linear import LogisticRegression
from course.models.mixture import GaussianMixture
from course.models.naive_bayes import GaussianNaiveBayes
from course.models.perceptron import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
)
from course.models.svm import SVC
from course.models.svm.kernels import rbf
from course.models.tree import DecisionTreeClassifier
from course.protocols import Generative
from course.seeding import seeded
from course.training import fit
from course.training.gradients import finite_difference_gradient

CORNERS, XOR = (
    np.array([[0, 0], [0, 1], [1, 0], [1, 1]]),
    np.array([0, 1, 1, 0]),
)


# -- document 004, section 4.1.2, word for word -------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cost_function(x, y, w, b):
    z = np.dot(x, w) + b
    return np.mean((sigmoid(z) - y) ** 2)


def gradient_descent(x, y, w, b, learning_rate, num_iterations):
    m = len(y)
    for _ in range(num_iterations):
        z = np.dot(x, w) + b
        delta_w = (1 / m) * np.dot(x.T, (sigmoid(z) - y))
        delta_b = (1 / m) * np.mean(sigmoid(z) - y)
        w = w - learning_rate * delta_w
        b = b - learning_rate * delta_b
    return w, b


@pytest.fixture(params=range(3))
def document(request):
    """Its data x, y and its first weights, with a seed that it lacks."""
    rng = np.random.RandomState(request.param)
    x = rng.rand(100, 2)
    y = np.sin(x[:, 0]) + np.cos(x[:, 1]) + rng.rand(100)
    return x, y, rng.rand(2, 1), rng.rand()


def losses(x, y):
    """The mean square and the cross-entropy of a unit with weights v."""
    x, y = torch.tensor(x), torch.tensor(y)

    def probability(v):
        return torch.sigmoid(x @ v[:2] + v[2])

    def entropy(v):
        s = probability(v)
        return -(y * s.log() + (1 - y) * (1 - s).log()).mean()

    return lambda v: (probability(v) - y).square().mean(), entropy


def step(x, y, w, b):
    """The document's step, with a column for y: its gradients of w and b."""
    after = gradient_descent(x, y[:, None], w, b, 1.0, 1)
    return (w - after[0]).ravel(), b - after[1]


def test_a_column_minus_a_row_trains_a_hundred_models(document):
    """D4-C5: nothing is raised, and the answer has the wrong shape."""
    x, y, w, b = document
    many, bias = gradient_descent(x, y, w, b, 0.01, 1000)
    assert many.shape == (2, 100)
    answer = sigmoid(np.array([[0.1, 0.2], [0.3, 0.4]]) @ many + bias)
    assert answer.shape == (2, 100)
    constants = sigmoid(x @ many + bias).mean(axis=0)
    assert np.corrcoef(constants, y)[0, 1] > 0.7
    one, _ = gradient_descent(x, y[:, None], w, b, 0.01, 1000)
    assert one.shape == (2, 1)


def test_the_mean_is_divided_twice(document):
    """D4-C6: a hundred times too small, even for the loss it belongs to."""
    x, y, w, b = document
    v = torch.tensor([*w.ravel(), b])
    entropy = losses(x, y)[1]
    slope = finite_difference_gradient(entropy, v)[2].item()
    assert step(x, y, w, b)[1] == pytest.approx(slope / 100, rel=1e-6)


def test_the_steps_follow_another_loss(document):
    """D4-C7: the cost is the mean square, the step is cross-entropy's."""
    x, y, w, b = document
    v = torch.tensor([*w.ravel(), b])
    squares, entropy = (finite_difference_gradient(f, v) for f in losses(x, y))
    dw, _ = step(x, y, w, b)
    assert dw == pytest.approx(entropy[:2].numpy(), rel=1e-6)
    assert (np.abs(dw) > 1.5 * squares[:2].abs().numpy()).all()
    s = sigmoid(x @ w + b)
    right = 2 * x.T @ ((s - y[:, None]) * s * (1 - s)) / 100
    assert right.ravel() == pytest.approx(squares[:2].numpy(), rel=1e-6)


def test_small_steps_along_the_true_gradient_lower_the_cost(document):
    """D4-C9: a cost that is recorded, and never rises."""
    x, y, w, b = document
    v, costs = torch.tensor([*w.ravel(), b]), []
    squares = losses(x, y)[0]
    for _ in range(60):
        slope = finite_difference_gradient(squares, v)
        costs.append(cost_function(x, y, v[:2].numpy(), v[2].item()))
        v = v - 0.1 * slope
    assert (np.diff(costs) < 0).all()
    history = MLPRegressor(hidden=(8,), lr=1e-3, max_iter=60, random_state=0)
    assert (np.diff(history.fit(x, y).history_) < 0).all()


def test_a_sigmoid_cannot_reach_its_targets(document):
    """D4-C8: the floor is mean (1 - y)^2, and the weights grow without end."""
    x, y, w, b = document
    assert (y > 1).mean() > 0.9
    half, _ = gradient_descent(x, y[:, None], w, b, 1.0, 2000)
    w, b = gradient_descent(x, y[:, None], w, b, 1.0, 4000)
    assert np.linalg.norm(w) > 1.8 * np.linalg.norm(half) > 900
    cost = cost_function(x, y[:, None], w, b)
    assert cost == pytest.approx(np.mean((1 - y) ** 2), rel=1e-4)
    line = np.column_stack([x, np.ones(100)])
    line = line @ np.linalg.lstsq(line, y, rcond=None)[0]
    network = MLPRegressor(hidden=(8,), lr=0.05, max_iter=150, random_state=0)
    network = network.fit(x, y).predict(x)
    assert cost > 4 * y.var()
    for prediction in (line, network):
        assert np.mean((prediction - y) ** 2) < 0.7 * y.var()


# -- one unit, and more -------------------------------------------------------


def test_one_unit_gets_three_of_four():
    """D4-F2: for increasing f the border is straight."""
    rng = np.random.RandomState(0)
    w, b = rng.randn(2, 5000), rng.randn(5000)
    for f in (sigmoid, np.tanh, np.cbrt, lambda z: np.maximum(0, z)):
        outputs = f(CORNERS @ w + b)
        for height in (0.0, 0.3, 0.5):
            right = ((outputs > height) == XOR[:, None]).mean(axis=0)
            assert right.max() <= 0.75
    for model in (
        *(
            MLPClassifier(hidden=(8,), lr=0.05, max_iter=150, random_state=s)
            for s in range(3)
        ),
        SVC(gamma=2.0, C=10),
        DecisionTreeClassifier(max_depth=2),
    ):
        assert model.fit(CORNERS, XOR).score(CORNERS, XOR) == 1


# -- discriminative -----------------------------------------------------------

DISCRIMINATIVE = (
    LogisticRegression,
    MLPClassifier,
    SVC,
    DecisionTreeClassifier,
)
GENERATIVE = (GaussianNaiveBayes, GaussianMixture)


def test_classifiers_have_no_density_and_no_sampler():
    """D0-T8: MLP and SVM are not generative models."""
    for kind in DISCRIMINATIVE:
        model = kind().fit(*iris()[:2])
        assert hasattr(model, "predict")
        for name in ("sample", "score_samples"):
            assert not hasattr(model, name)
    for kind in GENERATIVE:
        model = kind().fit(*iris()[:2])
        assert np.isfinite(model.score_samples(iris().x)).all()
        drawn = model.sample(5, random_state=0)
        drawn = drawn[0] if isinstance(drawn, tuple) else drawn
        assert np.shape(drawn) == (5, 4)
    assert not hasattr(SVC().fit(*iris()[:2]), "predict_proba")


def test_every_model_has_one_place():
    """D0-T11, X5: a model has a density and a sampler, or neither."""
    optimisers = torch.optim.SGD, torch.optim.Adam
    for kind in (*DISCRIMINATIVE, *GENERATIVE):
        abilities = {hasattr(kind, n) for n in ("sample", "score_samples")}
        assert len(abilities) == 1
        assert abilities == {kind in GENERATIVE}
    for kind in optimisers:  # these are no models at all
        names = ("predict", "sample", "fit")
        assert not any(hasattr(kind, name) for name in names)


def test_a_convolutional_classifier_recognises_and_cannot_draw():
    """D0-Q5: what it is certain about need not look like anything."""
    x, y = (torch.tensor(a) for a in digits("train", split="stratified"))
    z, truth = (torch.tensor(a) for a in digits("test", split="stratified"))
    layers = nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    with seeded(0):
        cnn = NetworkClassifier(nn.Sequential(*layers, nn.Linear(144, 10)))
        loader = DataLoader(TensorDataset(x, y), 100, shuffle=True)
        fit(cnn, loader, steps=100, lr=0.01)
        image = torch.rand(1, 1, 8, 8, requires_grad=True)
    assert (cnn.predict(z) == truth).float().mean() > 0.9
    assert not isinstance(cnn, Generative)
    climber = torch.optim.Adam([image], lr=0.05)
    for _ in range(100):
        climber.zero_grad()
        (-cnn(image).log_softmax(1)[0, 3]).backward()
        climber.step()
        image.data.clamp_(0, 1)
    assert cnn(image).softmax(1)[0, 3] > 0.99
    threes = x[y == 3].flatten(1)
    among = torch.cdist(threes, threes).fill_diagonal_(torch.inf).amin(1)
    nearest = (threes - image.flatten(1)).norm(dim=1).min()
    assert nearest > among.max()


# -- where an SVM is not the answer -------------------------------------------


def disc(seed, columns=0):
    """600 points, inside a disc or not, and columns of noise."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(-1, 1, (600, 2))
    y = (np.square(x).sum(axis=1) < 0.64).astype(int)
    return np.column_stack([x, rng.uniform(-1, 1, (600, columns))]), y


def accuracy(model, x, y):
    return model.fit(x[:300], y[:300]).score(x[300:], y[300:])


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_units_ruin_a_kernel(seed):
    """D0-Q7: high dimension alone is no reason for an SVM."""
    few, many = (accuracy(SVC(), *disc(seed, n)) for n in (0, 98))
    assert few > 0.9 > 0.65 > many
    tree = DecisionTreeClassifier(max_depth=6)
    assert accuracy(tree, *disc(seed, 98)) > many + 0.1
    x, y = disc(seed)
    x = x * [1, 1000]
    scaled = (x - x[:300].mean(axis=0)) / x[:300].std(axis=0)
    assert accuracy(SVC(), scaled, y) > accuracy(SVC(), x, y) + 0.1


def test_a_kernel_grows_with_the_square():
    """D0-Q8: its entries do, and the examples it keeps grow with N."""
    x, y = digits()
    x = x.reshape(len(x), -1).astype(float)
    entries, kept = [], []
    for N in (125, 250, 500):
        rows = torch.tensor(x[:N])
        entries.append(rbf(rows, rows, gamma=0.1).numel())
        kept.append(SVC().fit(x[:N], y[:N]).support_vectors_.size)
    assert entries == [125**2, 250**2, 500**2]
    assert kept[0] < kept[1] < kept[2]
    bayes = GaussianNaiveBayes().fit(x[:500], y[:500])
    linear = LogisticRegression().fit(x[:500], y[:500])
    assert bayes.sample(3, random_state=0) is not None
    for cheap in (2 * 10 * 64, linear.coef_.size + linear.intercept_.size):
        assert cheap < kept[0] / 3


def test_complexity_is_not_capability():
    """D2-T1, D4-T19: on small tables simple models are no worse."""
    gains = []
    for table in (iris(), breast_cancer()):
        for seed in range(3):
            order = np.random.RandomState(seed).permutation(len(table.x))
            x, y = table.x[order], table.y[order]
            half = len(x) // 2
            x = (x - x[:half].mean(axis=0)) / x[:half].std(axis=0)
            deep = MLPClassifier(hidden=(32,) * 3, max_iter=40, random_state=0)
            scores = [
                m.fit(x[:half], y[:half]).score(x[half:], y[half:])
                for m in (deep, LogisticRegression(penalty=0.01), SVC())
            ]
            gains.append(scores[0] - max(scores[1:]))
    assert np.mean(gains) < 0.01
    assert max(gains) < 0.03
