"""The feature network learns digits, and its features are ReLU units."""

import torch
from torch.utils.data import DataLoader, TensorDataset

from course.data import digits
from course.nn.features import FeatureNetwork
from course.seeding import seeded
from course.training import fit


def test_it_learns_the_digits_of_other_writers():
    x, y = map(torch.from_numpy, digits("train"))
    x_test, y_test = map(torch.from_numpy, digits("test"))
    with seeded(0):
        network = FeatureNetwork(64, 10)
        loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
        fit(network, loader, steps=200, lr=5e-3)
    with torch.no_grad():
        accuracy = network.loss((x_test, y_test))["accuracy"]
    assert accuracy > 0.89


def test_features_are_rectified_sums():
    network, x = FeatureNetwork(6, 3, units=4), torch.randn(5, 1, 2, 3)
    found = network.features(x)
    W, b = network.hidden.weight, network.hidden.bias
    expected = (x.flatten(1) @ W.T + b).clamp(min=0)
    assert torch.allclose(found, expected.detach().double())
    assert found.dtype == torch.float64
    assert not found.requires_grad
    assert (found == 0).any()


def test_the_loss_is_the_cross_entropy_of_the_classes():
    network, x = FeatureNetwork(6, 3), torch.randn(5, 6)
    y = torch.tensor([0, 1, 2, 1, 0])
    log_p = network.output(network(x)).log_softmax(dim=1)
    terms = network.loss((x, y))
    assert torch.allclose(terms["loss"], -log_p[range(5), y].mean())
    right = (log_p.argmax(dim=1) == y).float().mean()
    assert terms["accuracy"] == right
