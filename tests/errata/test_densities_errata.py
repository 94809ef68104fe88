"""What the documents say about distributions, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from sklearn import naive_bayes as sk
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from torch import nn

from course.data import Moons, digits, iris
from course.models.gaussian import Gaussian
from course.models.kde import KernelDensity
from course.models.mixture import GaussianMixture
from course.models.naive_bayes import CategoricalNaiveBayes, GaussianNaiveBayes
from course.models.vae import VAE
from course.protocols import Generative, Likelihood
from course.seeding import seeded
from tools.chapters import ROOT, Page

PETALS, SPECIES = iris().x[:, 2:], iris().y


def planted(seed, n, shift=0.25):
    """Two classes of 20 independent normal features."""
    rng = np.random.RandomState(seed)
    y = rng.randint(2, size=n)
    return rng.randn(n, 20) + shift * (2 * y[:, None] - 1), y


@pytest.fixture(scope="module")
def images():
    """Digits as rows of whole numbers, train and test, shuffled."""
    found = []
    for part in ("train", "test"):
        x, y = digits(part, split="stratified")
        found.append(((x * 16).round().astype(int).reshape(-1, 64), y))
    return found


def test_a_distribution_is_learned_without_predicting():
    """D0-T1, D0-T2: density estimation is learning, with a held-out score."""
    for seed in range(3):
        with seeded(seed):
            x, new = Moons().sample(400), Moons().sample(2000)
            truth = Moons().log_prob(new).mean().item()
        few, many = (KernelDensity().fit(x[:n]).score(new) for n in (25, 400))
        one = Gaussian().fit(x).score(new)
        assert one + 0.4 < many < truth
        assert few + 0.2 < many


def test_generative_models_exist_with_and_without_labels():
    """X2, D3-T2, D3-Q1: two questions, four answers."""
    abilities = ("sample", "score_samples", "predict")
    table = {
        GaussianNaiveBayes(): (1, 1, 1),  # generative, supervised
        GaussianMixture(2): (1, 1, 1),  # generative, unsupervised
        Gaussian(): (1, 1, 0),
        LogisticRegression(): (0, 0, 1),  # discriminative, supervised
        SVC(): (0, 0, 1),
    }
    for model, expected in table.items():
        model.fit(PETALS, SPECIES)
        assert tuple(hasattr(model, a) for a in abilities) == expected
    x, y = GaussianNaiveBayes().fit(PETALS, SPECIES).sample(500, 0)
    assert LogisticRegression().fit(PETALS, SPECIES).score(x, y) > 0.9


def test_naive_bayes_needs_labels(images):
    """D3-T7, D3-T2, X14: it is supervised, and it classifies and draws."""
    (x, y), new = images
    for model in (sk.GaussianNB(), GaussianNaiveBayes()):
        with pytest.raises(TypeError, match=r"missing.*'y'"):
            model.fit(x)
    with pytest.raises(ValueError, match="requires y to be passed"):
        GaussianNaiveBayes().fit(x, None)
    model = CategoricalNaiveBayes(n_categories=17, smoothing=0.3).fit(x, y)
    assert model.score(*new) > 0.85
    drawn = model.sample(500, 0, y=3)[0]
    assert (SVC().fit(x, y).predict(drawn) == 3).mean() > 0.9


def test_features_are_independent_in_a_class_only():
    """D3-T7: the assumption that the document does not state."""
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=2000)
    x = rng.randn(2000, 2) + 6 * y[:, None]
    model = GaussianNaiveBayes().fit(x, y)
    x_new, y_new = model.sample(4000, 0)
    assert np.corrcoef(x_new.T)[0, 1] > 0.8
    assert abs(np.corrcoef(x_new[y_new == 0].T)[0, 1]) < 0.06
    turned = x @ np.array([[1.0, 0.9], [0.0, 0.4]])  # dependent in a class
    full = [
        Gaussian().fit(turned[y == k]).score(turned[y == k]) for k in (0, 1)
    ]
    naive = GaussianNaiveBayes().fit(turned, y).history_[0] + math.log(2)
    assert np.mean(full) > naive + 0.5


def test_a_generative_model_predicts(images):
    """D1-T3, D1-Q1: by Bayes' rule."""
    (x, y), (new, labels) = images
    model = CategoricalNaiveBayes(n_categories=17, smoothing=0.3).fit(x, y)
    joint = model.joint_log_prob(new)
    by_bayes = np.exp(joint - model.score_samples(new)[:, None])
    np.testing.assert_allclose(by_bayes.sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_proba(new), by_bayes, atol=1e-12)
    assert (by_bayes.argmax(axis=1) == labels).mean() > 0.85


def test_who_needs_fewer_labels_depends():
    """D1-Q1: on the number of examples, and on the estimator."""
    gap, own = [], []
    for seed in range(10):
        x, y = planted(seed, 3000)
        new = x[1000:], y[1000:]
        logistic = LogisticRegression(C=np.inf, max_iter=5000)
        tied, free = GaussianNaiveBayes(tied=True), GaussianNaiveBayes()
        right = [
            [m.fit(x[:n], y[:n]).score(*new) for m in (tied, logistic, free)]
            for n in (10, 50, 1000)
        ]
        right = np.array(right)
        gap.append(right[:, 0] - right[:, 1])
        own.append(right[0, 0] - right[0, 2])
    mean, error = np.mean(gap, axis=0), np.std(gap, axis=0) / np.sqrt(10)
    assert mean[1] > 0.03 > 2 * error[1]  # n = 50
    assert abs(mean[2]) < 0.015  # n = 1000
    assert np.mean(own) > 0.05  # n = 10: variances of each class are worse


def posterior(joint, y):
    """P(y | x), and certainty where a label is known (not -1)."""
    r = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    r[y >= 0] = np.eye(joint.shape[1])[y[y >= 0]]
    return r


def weighted_fit(x, r):
    """Log p(x, y) of naive Bayes with tied variances and soft labels."""
    N_k = r.sum(axis=0)
    mu = r.T @ x / N_k[:, None]
    var = np.einsum("nk,nkd->d", r, (x[:, None] - mu) ** 2) / len(x)

    def log_joint(x):
        log_p = norm.logpdf(x[:, None], mu, np.sqrt(var)).sum(axis=2)
        return np.log(N_k / N_k.sum()) + log_p

    return log_joint


def test_labels_for_all_for_some_and_for_none():
    """D1-T4, D1-Q2: what is maximised in each case, and what comes of it."""
    for seed in range(3):
        x, y = planted(seed, 2500, shift=0.4)
        known = np.where(np.arange(510) < 10, y[:510], -1)
        fits = {"few": weighted_fit(x[:10], np.eye(2)[y[:10]])}
        fits["all"] = weighted_fit(x[:510], np.eye(2)[y[:510]])
        fits["some"] = fits["few"]
        objective = []
        for _ in range(30):
            joint = fits["some"](x[:510])
            total = np.logaddexp.reduce(joint, axis=1)
            total[:10] = joint[np.arange(10), y[:10]]
            objective.append(total.sum())
            fits["some"] = weighted_fit(x[:510], posterior(joint, known))
        assert np.diff(objective).min() > -1e-9  # it climbs the formula
        right = {
            name: (f(x[510:]).argmax(axis=1) == y[510:]).mean()
            for name, f in fits.items()
        }
        assert right["few"] + 0.02 < right["some"] < right["all"] + 0.01
    # without labels there is a density, and no name for its parts
    blind = GaussianMixture(2, covariance_type="tied", random_state=0).fit(x)
    agreement = (blind.predict(x) == y).mean()
    assert max(agreement, 1 - agreement) > 0.9


def test_gaussian_and_multivariate_normal_are_one_family():
    """D3-T6: D = 1 is a case of D."""
    x = np.linspace(-5, 5, 21)
    p = Gaussian.from_moments([1.0], [[4.0]]).score_samples(x[:, None])
    np.testing.assert_allclose(p, norm(1, 2).logpdf(x), rtol=1e-12)
    both = Gaussian.from_moments([1.0, 0.0], [[4.0, 1.0], [1.0, 2.0]])
    one = both.marginal([0]).score_samples(x[:, None])
    np.testing.assert_allclose(one, p, rtol=1e-12)
    grid = np.stack([x, x**2], axis=1)
    expected = multivariate_normal(both.mean_, both.covariance_).logpdf(grid)
    np.testing.assert_allclose(both.score_samples(grid), expected, rtol=1e-12)


def test_a_likelihood_is_no_probability():
    """D3-T8: it exceeds 1, and does not sum to 1 over the parameter."""
    density = np.exp(
        Gaussian.from_moments([0.0], [[1e-4]]).score_samples([[0]])
    )
    assert density[0] == pytest.approx(39.894, abs=1e-3)
    theta = np.linspace(0, 1, 10_001)  # of a coin that fell on heads twice
    likelihood = theta**2
    assert np.trapezoid(likelihood, theta) == pytest.approx(1 / 3, abs=1e-6)
    assert theta[likelihood.argmax()] == 1  # and the argmax is the estimate


def test_the_product_underflows():
    """D3-F1: the sum of logarithms does not."""
    expected = 1075 * math.log(2) / (0.5 * math.log(2 * math.pi) + 0.5)
    for seed in range(5):
        x = np.random.RandomState(seed).randn(1000)
        product = np.cumprod(norm.pdf(x))
        first = 1 + np.argmax(product == 0)
        assert product[-1] == 0
        assert first == pytest.approx(expected, rel=0.05)
        standard = Gaussian.from_moments([0.0], [[1.0]])
        total = standard.score_samples(x[:, None]).sum()
        assert total == pytest.approx(norm.logpdf(x).sum(), rel=1e-12)
        assert -1500 < total < -1350


def generator(loss, seed, steps=200):
    """Draws of a small network, trained by comparing its draws with data."""
    with seeded(seed):
        data = 0.5 * torch.randn(1000, 1) + 3
        data[::2] *= -1
        G = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
        adam = torch.optim.Adam(G.parameters(), lr=1e-2)
        for _ in range(steps):
            real = data[torch.randint(1000, (100,))]
            adam.zero_grad()
            loss(G(torch.randn(100, 1)), real).backward()
            adam.step()
        return G(torch.randn(2000, 1)).detach()


def test_draws_matched_one_by_one_collapse(monkeypatch):
    """D3-T10: to the mean; a difference between samples does not."""
    for seed in range(3):
        document = generator(lambda g, x: (g - x).square().mean(), seed)
        assert document.std() < 0.3
        assert document.abs().mean() < 0.5
        ours = generator(
            lambda g, x: 2 * (g - x.T).abs().mean() - (g - g.T).abs().mean(),
            seed,
        )
        assert 2.3 < ours.std() < 3.7
        assert (ours.abs() > 1.5).float().mean() > 0.7
        assert 0.35 < (ours > 0).float().mean() < 0.65

    def never(*args, **options):
        raise AssertionError("drawn")

    # a model with a likelihood draws nothing in order to learn
    for model in (Gaussian(), GaussianMixture(2, random_state=0)):
        monkeypatch.setattr(type(model), "sample", never)
        assert np.isfinite(model.fit(PETALS).score(PETALS))


def test_a_discriminative_model_does_not_learn_p_of_x():
    """D3-Q2: the data's distribution changes, and it does not."""
    for seed in range(3):
        rng = np.random.RandomState(seed)
        x = rng.randn(20_000, 1)
        p = 1 / (1 + np.exp(-2 * x[:, 0] - 0.5))
        y = (rng.rand(20_000) < p).astype(int)
        w = np.exp(0.6 * x[:, 0])
        other = rng.choice(20_000, size=20_000, p=w / w.sum())
        line = LogisticRegression(C=np.inf)
        for rows in (slice(None), other):
            line.fit(x[rows], y[rows])
            assert line.coef_[0, 0] == pytest.approx(2, abs=0.12)
            assert line.intercept_[0] == pytest.approx(0.5, abs=0.08)
        before, after = (Gaussian().fit(x[i]).mean_[0] for i in (..., other))
        assert abs(before) < 0.05
        assert after == pytest.approx(0.6, abs=0.05)
    assert not hasattr(line, "score_samples")


def test_a_constant_input_has_no_spread():
    """D0-T5, D3-T3, X4: randomness is what makes a generator."""
    with seeded(0):
        G = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
        G.requires_grad_(False)
        z = torch.randn(4000, 2)
    assert (G(torch.ones(4000, 2)).std(dim=0) == 0).all()
    assert (G(z).std(dim=0) > 0.05).all()
    # a fixed map of noise is a distribution: exp of a normal variable
    x = z.double().exp()[:, 0].numpy()
    expected = math.sqrt((math.e - 1) * math.e)
    assert x.std() == pytest.approx(expected, rel=0.15)
    # a map to a distribution is p(y | x), and draws no x
    judge = LogisticRegression().fit(PETALS, SPECIES)
    np.testing.assert_allclose(judge.predict_proba(PETALS).sum(axis=1), 1)
    assert not hasattr(judge, "sample")


class Implicit(nn.Module):
    """A fixed map of noise: draws alone."""

    def sample(self, n):
        """Draw n numbers."""
        return torch.randn(n, 1).exp()


def test_every_kind_of_generative_model_has_its_place():
    """D0-O2: the list of the document leaves most kinds out."""
    vae = VAE(nn.Linear(2, 4), nn.Linear(2, 2), 2)
    assert isinstance(Moons(), Likelihood)  # explicit, tractable
    assert isinstance(vae, Generative)  # explicit, a bound
    assert hasattr(vae, "elbo")
    assert not isinstance(vae, Likelihood)
    assert isinstance(Implicit(), Generative)
    assert not isinstance(Implicit(), Likelihood)
    for model in (SVC(), MLPClassifier()):  # in the document's list
        assert not isinstance(model, Generative)
        assert not hasattr(model, "score_samples")
    chapter = Page(ROOT / "book" / "probabilistic" / "densities.md").text
    table = chapter.split("(densities-taxonomy)=")[1].split("\n## ")[0]
    for kind in ("GMM", "naive Bayes", "HMM", "Bayesian network", "VAE"):
        assert kind in table
    for kind in ("autoencoders", "autoregressive", "flow", "diffusion", "GAN"):
        assert kind in table
