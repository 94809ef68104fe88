"""All programs of document 004, executed, and what each should have had.

They stand here word for word but for their comments, and those that stop only
as far as they get: what would follow is never reached. In the place of
TensorFlow stands a module without the names of TensorFlow 1, since TensorFlow 2
does not have them.
"""

import sys
from functools import cache
from types import ModuleType

import pytest

from course.seeding import seeded
from tools import chapters, document_map, errata

PROGRAMS = {
    "4.1.1": """
import numpy as np

x = np.random.rand(100, 2)
y = np.dot(x, np.array([0.5, 0.7])) + np.random.rand(100)

w = np.linalg.solve(x.T.dot(x), x.T.dot(y))
b = np.mean(y - np.dot(x, w))

x_new = np.array([[0.1, 0.2], [0.3, 0.4]])
y_new = np.dot(x_new, w) + b
print(y_new)
""",
    "4.1.2": """
import numpy as np
import matplotlib.pyplot as plt

x = np.random.rand(100, 2)
y = np.sin(x[:, 0]) + np.cos(x[:, 1]) + np.random.rand(100)

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

num_iterations = 1000
learning_rate = 0.01
w, b = gradient_descent(x, y, np.random.rand(2, 1), np.random.rand(), learning_rate, num_iterations)

x_new = np.array([[0.1, 0.2], [0.3, 0.4]])
z = np.dot(x_new, w) + b
y_new = sigmoid(z)
print(y_new)
""",  # noqa: E501, the document's own lines
    "4.2.1": """
import numpy as np
from sklearn.cluster import KMeans

x = np.random.rand(100, 2)

kmeans = KMeans(n_clusters=3)
kmeans.fit(x)

x_new = np.array([[0.1, 0.2], [0.3, 0.4]])
prediction = kmeans.predict(x_new)
print(prediction)
""",
    "4.2.2": """
import numpy as np
from sklearn.decomposition import PCA

x = np.random.rand(100, 10)

pca = PCA(n_components=2)
pca.fit(x)

x_new = np.array([[0.1, 0.2], [0.3, 0.4]])
x_new = pca.transform(np.array([x_new]))
print(x_new)
""",
    "4.3.1": """
import numpy as np
from sklearn.semi_supervised import LabelSpreading

x = np.random.rand(100, 2)
y = np.dot(x, np.array([0.5, 0.7])) + np.random.rand(100)
y[np.random.rand(100) > 0.5] = np.sin(x[:, 0]) + np.cos(x[:, 1]) + np.random.rand(100)
""",  # noqa: E501, the document's own lines
    "4.3.2": """
import numpy as np
from sklearn.semi_supervised import LabelPropagation

x = np.random.rand(100, 2)
y = np.dot(x, np.array([0.5, 0.7])) + np.random.rand(100)
y[np.random.rand(100) > 0.5] = np.sin(x[:, 0]) + np.cos(x[:, 1]) + np.random.rand(100)
""",  # noqa: E501, the document's own lines
    "4.4.1": """
import numpy as np
import tensorflow as tf

def generator(z, reuse=False):
    with tf.variable_scope("generator", reuse=reuse):
        h1 = tf.layers.dense(z, 256, activation=tf.nn.relu)
    return img
""",
    "4.4.2": """
import numpy as np
import tensorflow as tf

def discriminator(img, reuse=False):
    with tf.variable_scope("discriminator", reuse=reuse):
        h1 = tf.layers.conv2d(img, 64, 5, strides=2, padding="same")
    return h4
""",
    "4.4.3": """
import numpy as np
import tensorflow as tf

generator = generator(100, reuse=False)
discriminator = discriminator(generator, reuse=False)
""",
    "4.5.1": """
import numpy as np
import tensorflow as tf

def encoder(x, reuse=False):
    with tf.variable_scope("encoder", reuse=reuse):
        h1 = tf.layers.dense(x, 256, activation=tf.nn.relu)
    return z_mean, z_log_std
""",
    "4.5.2": """
import numpy as np
import tensorflow as tf

def decoder(z, reuse=False):
    with tf.variable_scope("decoder", reuse=reuse):
        h1 = tf.layers.dense(z, 128, activation=tf.nn.relu)
    return img
""",
    "4.5.3": """
import numpy as np
import tensorflow as tf

encoder_mean, encoder_log_std = encoder(x, reuse=False)
decoder = decoder(encoder_mean, reuse=False)
""",
}
STOPS = {
    "4.2.2": (ValueError, "dim 3"),
    "4.3.1": (ValueError, "100 input values"),
    "4.3.2": (ValueError, "100 input values"),
    "4.4.3": (NameError, "'generator'"),
    "4.5.3": (NameError, "'encoder'"),
}
FUNCTIONS = {
    "4.4.1": "generator",
    "4.4.2": "discriminator",
    "4.5.1": "encoder",
    "4.5.2": "decoder",
}


def execute(number):
    """The names that the program of this section leaves behind."""
    names = {"__name__": "__main__"}
    with seeded(0):
        exec(PROGRAMS[number], names)
    return names


@cache
def asserts(name):
    """Whether a cell of the page checks something when it is built."""
    cells = chapters.Page(errata.ROOT / name).cells
    return any("assert " in c.body or "check(" in c.body for c in cells)


def test_three_of_twelve_programs_run(monkeypatch, capsys):
    """D4-O2: and every section of theirs has a chapter that checks its own."""
    tensorflow = ModuleType("tensorflow")  # without variable_scope, as it is
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    ran = []
    for number in PROGRAMS:
        if number in STOPS:
            error, words = STOPS[number]
            with pytest.raises(error, match=words):
                execute(number)
        elif number in FUNCTIONS:
            function = execute(number)[FUNCTIONS[number]]
            with pytest.raises(AttributeError, match="variable_scope"):
                function(None)
        else:
            execute(number)
            ran.append(number)
    assert ran == ["4.1.1", "4.1.2", "4.2.1"]
    # two new points, and a number for each: the second prints a hundred
    printed = capsys.readouterr().out
    assert len(printed.split()) > 200
    code = [
        h
        for h in document_map.read()
        if h.document == "004" and h.level == 3 and h.number[0] == "4"
    ]
    assert [h.number for h in code] == list(PROGRAMS)
    for heading in code:
        pages = [link.split("#")[0] for link in heading.treated]
        assert any(asserts(p) for p in pages), heading.number
