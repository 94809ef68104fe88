"""What document 000 says of generative models in classification.

The mechanisms by which a density does help are tested with the model, in
tests/models/test_what_a_density_buys.py.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from course.data import digits
from course.models.naive_bayes import CategoricalNaiveBayes


def flat(part):
    x, y = digits(part)
    return x.reshape(-1, 64).astype(float), y


def halves(x, y):
    """500 training images for each of three seeds."""
    drawn = [np.random.RandomState(s).permutation(1000)[:500] for s in range(3)]
    return [(x[d], y[d]) for d in drawn]


def test_to_model_the_distribution_is_no_gain_by_itself():
    """D0-T7, the claim: naive Bayes models it, and a border alone wins."""
    new, truth = flat("test")
    for x, y in halves(*flat("train")):
        tables = CategoricalNaiveBayes(n_categories=17, smoothing=0.5)
        tables.fit((16 * x).round().astype(int), y)
        generative = tables.score((16 * new).round().astype(int), truth)
        border = LogisticRegression(max_iter=1000).fit(x, y)
        assert generative < border.score(new, truth) - 0.02
