"""What the documents do when they load data fails as described."""

import numpy as np
import pytest

from course import data


def load_data():
    """Two pairs, as `tf.keras.datasets.mnist.load_data` returns them."""
    pairs = np.zeros((6, 28, 28), np.uint8), np.zeros(6, np.uint8)
    return pairs, pairs


def test_document_002_unpacks_a_pair_of_pairs():
    (x_train, _) = load_data()
    with pytest.raises(TypeError, match="unsupported operand type"):
        x_train / 255.0
    x_train, _ = data.digits("train")  # one part, one pair
    assert (x_train / 255.0).shape == (1000, 1, 8, 8)


def test_document_004_takes_batches_from_nothing():
    line = "batch_x = mnist.train.next_batch(batch_size)"
    with pytest.raises(NameError, match="name 'mnist' is not defined"):
        exec(line, {"batch_size": 32})
