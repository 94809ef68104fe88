"""What the documents say about mixtures, failing, and what holds instead.

Each test is named by the entries of book/errata.yml that it shows.
"""

import math

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis
from sklearn.mixture import GaussianMixture as TheirMixture
from sklearn.model_selection import KFold, cross_val_score

from course.data import digits
from course.models.mixture import GaussianMixture

CENTRES = np.array([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])


def two_clouds(n, seed):
    """The data of document 001: both centres at 0, deviations 5 and 3."""
    rng = np.random.RandomState(seed)
    clouds = [rng.randn(n, 2) * 5, rng.randn(n, 2) * 3]
    return np.concatenate(clouds)


def log_normal(x, sigma):
    """Log N(x; 0, sigma^2 I) of every row."""
    D = x.shape[-1]
    scaled = (x**2).sum(-1) / sigma**2
    return -scaled / 2 - D * np.log(sigma) - D / 2 * math.log(2 * math.pi)


def true_log_prob(x):
    """The log-density that `two_clouds` draws from."""
    parts = [log_normal(x, 5), log_normal(x, 3)]
    return np.logaddexp(*parts) - math.log(2)


def three_clusters(n, seed):
    """Three round clusters with deviation 1."""
    rng = np.random.RandomState(seed)
    return CENTRES[rng.randint(3, size=n)] + rng.randn(n, 2)


def modes(density):
    """How many points of a grid are higher than their neighbours."""
    inner = density[1:-1, 1:-1]
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    shifted = [np.roll(density, s, (0, 1))[1:-1, 1:-1] for s in steps]
    return int(np.all([inner > s for s in shifted], axis=0).sum())


@pytest.fixture(scope="module")
def verbatim():
    """The fit of document 001, as it stands there."""
    return TheirMixture(n_components=2, random_state=42).fit(
        two_clouds(1000, 42)
    )


@pytest.fixture(scope="module")
def restarted():
    """The same data, with several starts."""
    mixture = GaussianMixture(2, n_init=20, tol=1e-7, max_iter=2000)
    return mixture.set_params(random_state=0).fit(two_clouds(1000, 42))


@pytest.fixture(scope="module")
def paths():
    """For three seeds: 300 points, and a fit for every K from 1 to 12."""
    found = []
    for seed in range(3):
        x = three_clusters(300, seed)
        mixture = GaussianMixture(n_init=3, tol=1e-4, max_iter=1000)
        found.append((x, mixture.set_params(random_state=seed).fit_path(x)))
    return found


def test_parameters_do_not_grow_with_the_data():
    """D1-T2, D1-T6: a label is no parameter, and a mean is one."""
    for n in (100, 1000):
        x = two_clouds(n, 0)
        mixture = GaussianMixture(2, random_state=0, max_iter=500).fit(x)
        parts = [mixture.weights_[1:], mixture.means_]
        triangle = np.tril_indices(2)
        parts += [c[triangle] for c in mixture.covariances_]
        assert mixture.n_parameters_ == sum(p.size for p in parts) == 11
        assert mixture.predict(x).shape == (2 * n,)
        assert mixture.n_parameters_ > len(mixture.weights_) + 2


def test_averaging_variables_gives_one_gaussian():
    """D1-T5: a linear combination of variables is no mixture."""
    rng = np.random.RandomState(0)
    left, right = rng.randn(100_000) - 3, rng.randn(100_000) + 3
    averaged = (left + right) / 2
    assert abs(kurtosis(averaged)) < 0.1
    assert averaged.std() == pytest.approx(math.sqrt(0.5), rel=0.02)
    mixture = GaussianMixture(
        2, means_init=[[-3.0], [3.0]], random_state=0
    ).fit(np.concatenate([left, right])[:, None])
    drawn = mixture.sample(100_000, random_state=0)[:, 0]
    assert kurtosis(drawn) < -1.4
    assert drawn.std() == pytest.approx(math.sqrt(10), rel=0.02)


def test_a_density_integrates_to_the_sum_of_its_weights():
    """D1-F1: the weights must sum to 1, and the formula must say so."""
    x = np.linspace(-30, 30, 6001)[:, None]
    cell = x[1, 0] - x[0, 0]
    parts = np.exp([log_normal(x - 2, 1), log_normal(x + 2, 3)])
    document = np.array([0.7, 0.7]) @ parts
    assert document.sum() * cell == pytest.approx(1.4)
    ours = GaussianMixture(2, random_state=0).fit(two_clouds(100, 0)[:, :1])
    assert np.exp(ours.score_samples(x)).sum() * cell == pytest.approx(1)
    wrong = GaussianMixture(2, weights_init=[0.7, 0.7])
    with pytest.raises(ValueError, match="sum to"):
        wrong.fit(two_clouds(100, 0))


def test_the_likelihood_grows_as_the_ridge_shrinks():
    """D1-F2, D3-F2: there is no largest likelihood."""
    x = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [3.0]])
    new = np.array([[0.5], [1.5], [2.5]])
    fits = [
        GaussianMixture(2, ridge=ridge, means_init=[[0.0], [2.0]]).fit(x)
        for ridge in (1e-2, 1e-6, 1e-9, 1e-12)
    ]
    score = [fit.score(x) for fit in fits]
    assert np.all(np.diff(score[1:]) > 1.5)  # a quarter of log(1000)
    # on new data a firm ridge loses nothing
    assert fits[0].score(new) > fits[-1].score(new) - 0.1


def test_two_clouds_with_one_centre_have_one_mode(restarted):
    """D1-C1, D1-T13, X10: nothing about these data is multi-modal."""
    grid = np.stack(
        np.meshgrid(np.linspace(-9, 9, 61), np.linspace(-9, 9, 61)), -1
    )
    assert modes(true_log_prob(grid)) == 1
    rng = np.random.RandomState(0)
    apart = [rng.randn(500, 2) + 4, 0.6 * rng.randn(500, 2) - 4]
    fitted = GaussianMixture(2, random_state=0).fit(np.concatenate(apart))
    density = fitted.score_samples(grid.reshape(-1, 2)).reshape(61, 61)
    assert modes(density) == 2


def test_one_start_ends_below_a_single_gaussian(verbatim, restarted):
    """D1-C3: the example's fit is worse than no mixture at all."""
    x = two_clouds(1000, 42)
    one = GaussianMixture(1).fit(x)
    assert verbatim.bic(x) > one.bic(x) + 20
    assert restarted.bic(x) < one.bic(x) - 20
    assert np.abs(verbatim.means_).min() > 0.9  # side by side
    deviation = np.sqrt(np.linalg.det(restarted.covariances_) ** 0.5)
    assert np.abs(restarted.means_).max() < 0.7  # one around the other
    np.testing.assert_allclose(sorted(deviation), [3, 5], rtol=0.06)


def test_a_held_out_score_shows_the_bad_fit(verbatim, restarted):
    """D1-C5, D1-O4: one number on new data would have shown it."""
    new = two_clouds(20_000, 1)
    true = true_log_prob(new).mean()
    assert verbatim.score(new) < true - 0.015
    assert abs(restarted.score(new) - true) < 0.005
    assert restarted.converged_


def test_a_sample_is_a_pair(verbatim, restarted):
    """D1-C2: points and components, in a tuple."""
    document = verbatim.sample(100)
    with pytest.raises(AttributeError, match="shape"):
        document.shape  # noqa: B018 - the document's next step
    assert len(document) == 2
    assert restarted.sample(100).shape == (100, 2)


def test_repeated_samples_are_copies_sorted_by_component(verbatim):
    """D1-C4: not a stream of independent draws."""
    first, component = verbatim.sample(100)
    assert np.array_equal(first, verbatim.sample(100)[0])
    assert (np.diff(component) >= 0).all()
    x = three_clusters(300, 0)
    ours = GaussianMixture(3, n_init=5, random_state=42).fit(x)
    drawn = ours.sample(100)
    assert not np.array_equal(drawn, ours.sample(100))
    assert (np.diff(ours.predict(drawn)) != 0).sum() > 40  # of 99 neighbours


def test_the_training_likelihood_prefers_the_largest_model(paths):
    """D3-F3, D0-O5, D1-T12, D3-Q3, D3-Q7, D3-T4."""
    for seed, (x, fits) in enumerate(paths):
        new = three_clusters(5000, seed + 100)
        train = np.array([fit.score(x) for fit in fits])
        held_out = np.array([fit.score(new) for fit in fits])
        assert train.argmax() >= 10  # K = 11 or 12
        assert held_out.argmax() == 2  # K = 3, the truth
        assert np.argmin([fit.bic(x) for fit in fits]) == 2
        assert held_out[2] > held_out[11] + 0.1  # too large
        assert held_out[2] > held_out[0] + 0.4  # too simple
        assert train[11] > train[2] + 0.1


def test_information_criteria_count_every_free_parameter(paths):
    """D3-F4: AIC and BIC have formulas, and a count of parameters."""
    for x, fits in paths:
        N, D, K = len(x), 2, 3
        free = (K - 1) + K * D + K * D * (D + 1) // 2
        total = fits[2].score_samples(x).sum()
        assert fits[2].n_parameters_ == free == 17
        assert fits[2].aic(x) == pytest.approx(2 * free - 2 * total)
        assert fits[2].bic(x) == pytest.approx(free * math.log(N) - 2 * total)
        theirs = TheirMixture(K, random_state=0, tol=1e-9, max_iter=1000)
        theirs.set_params(means_init=fits[2].means_).fit(x)
        assert theirs.bic(x) == pytest.approx(fits[2].bic(x), abs=0.01)
        # without the count, a criterion is the training likelihood again
        assert np.argmin([-2 * N * fit.score(x) for fit in fits]) >= 10


def test_cross_validation_scores_the_part_left_out():
    """D3-O2: the score is a held-out log-likelihood, and needs no labels."""
    x = three_clusters(300, 0)
    folds = KFold(5, shuffle=True, random_state=0)
    score = [
        cross_val_score(
            GaussianMixture(
                K, n_init=2, tol=1e-4, max_iter=1000, random_state=0
            ),
            x,
            cv=folds,
        ).mean()
        for K in (1, 3, 10)
    ]
    assert score[1] > score[0] + 0.4
    assert score[1] > score[2] + 0.1


def test_the_mode_is_the_strangest_point_in_high_dimension():
    """D3-T5: the rule `low density, so an outlier` misses it."""
    D = 100
    rng = np.random.RandomState(0)
    mixture = GaussianMixture(1, covariance_type="diag")
    mixture.fit(rng.randn(5000, D))
    new = rng.randn(1000, D)
    mode, usual = np.zeros((1, D)), mixture.score_samples(new)
    # no draw is as probable, and none comes near
    assert mixture.score(mode) > usual.max() + 10
    assert np.linalg.norm(new, axis=1).min() > 6
    # compared with the usual value, from both sides, it stands out
    spread = np.abs(usual - usual.mean())
    assert abs(mixture.score(mode) - usual.mean()) > 1.5 * spread.max()


def test_filling_with_the_mean_loses_the_covariance():
    """D3-T13: missing values must be marginalised, not filled."""
    rng = np.random.RandomState(0)
    truth = np.array([[1.0, 0.8], [0.8, 1.0]])
    x = rng.multivariate_normal([0, 0], truth, size=2000)
    x[rng.rand(2000) < 0.5, 1] = np.nan
    filled = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
    document = GaussianMixture(1).fit(filled).covariances_[0]
    ours = GaussianMixture(1, missing="marginalise").fit(x)
    assert document[0, 1] < 0.5
    assert document[1, 1] < 0.6
    np.testing.assert_allclose(ours.covariances_[0], truth, atol=0.08)


def test_em_never_lowers_the_likelihood():
    """D1-O5, X13: EM fits the mixture, and each step helps."""
    x = three_clusters(300, 0)
    start = {
        "weights_init": np.full(3, 1 / 3),
        "means_init": x[:3],
    }
    ours = GaussianMixture(
        3, ridge=1e-9, covariances_init=np.stack([np.eye(2)] * 3), **start
    )
    ours.set_params(tol=1e-10, max_iter=5000).fit(x)
    assert np.diff(ours.history_).min() > -1e-9
    assert ours.history_[-1] > ours.history_[0] + 0.3
    theirs = TheirMixture(3, reg_covar=1e-9, tol=1e-10, max_iter=5000)
    theirs.set_params(precisions_init=np.stack([np.eye(2)] * 3), **start)
    assert theirs.fit(x).score(x) == pytest.approx(ours.score(x), abs=1e-6)


def test_two_algorithms_fit_one_model():
    """D0-T4: EM and gradient descent reach the same mixture."""
    x = three_clusters(300, 0)[:, :1]
    fit = GaussianMixture(
        2, means_init=[[-3.0], [3.0]], ridge=1e-9, tol=1e-10, max_iter=5000
    ).fit(x)
    data = torch.from_numpy(x)
    mu = torch.tensor([-3.0, 3.0], dtype=torch.float64, requires_grad=True)
    rest = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)

    def negative_log_likelihood():
        normal = torch.distributions.Normal(mu, rest[0].exp())
        log_joint = rest[1].log_softmax(0) + normal.log_prob(data)
        return -log_joint.logsumexp(1).mean()

    optimiser = torch.optim.LBFGS(
        [mu, rest], max_iter=40, line_search_fn="strong_wolfe"
    )

    def closure():
        optimiser.zero_grad()
        loss = negative_log_likelihood()
        loss.backward()
        return loss

    optimiser.step(closure)
    reached = -negative_log_likelihood().item()
    assert reached == pytest.approx(fit.score(x), abs=1e-4)


def test_a_generator_can_learn_without_a_likelihood():
    """D3-T9: samples alone can train it; and descent goes down."""
    data = torch.randn(400, 1) + 3
    shift = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=0.1)
    for _ in range(100):  # the energy distance between two samples
        fake = torch.randn(100, 1) + shift
        real = data[torch.randint(400, (100,))]
        between = (fake - real.T).abs().mean()
        within = (fake - fake.T).abs().mean()
        optimiser.zero_grad()
        (2 * between - within).backward()
        optimiser.step()
    assert abs(shift.item() - 3) < 0.4
    # `maximising the likelihood by gradient descent` taken at its word
    mean = torch.tensor(2.0, requires_grad=True)
    likelihood = torch.distributions.Normal(mean, 1.0).log_prob(data).mean()
    (slope,) = torch.autograd.grad(likelihood, mean)
    descended = torch.distributions.Normal(mean - 0.1 * slope, 1.0)
    assert descended.log_prob(data).mean() < likelihood - 0.05


def test_diagonal_covariances_save_parameters():
    """D1-Q3: what makes a mixture cheap, and what it costs."""
    x = digits("train")[0].reshape(-1, 64)[:300]
    count = {
        kind: GaussianMixture(
            10, covariance_type=kind, ridge=1e-2, tol=1e-2, random_state=0
        )
        .fit(x)
        .n_parameters_
        for kind in ("full", "diag")
    }
    assert count == {"full": 21_449, "diag": 1289}
