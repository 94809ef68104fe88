# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Densities and mixtures
#
# Move densities between units, answer questions with a mixture, mend an EM
# step that goes down, and compare densities honestly.
#
# **You need** the chapters *Densities and likelihood* and *Mixture models*.
# There are 20 points, in about 90 minutes.
#
# All arrays are NumPy arrays, data sets have one example a row, and the
# symbols are those of the chapters. Log-densities are in nats. Points are
# given by the cells with tests: each cell is one mark. A few tests stay hidden
# until the sheet is graded.

# %%
import numpy as np
from scipy.special import softmax
from scipy.stats import multivariate_normal, norm

from course.data import breast_cancer, digits, iris, wine
from course.models.gaussian import Gaussian
from course.models.mixture import GaussianMixture
from course.models.naive_bayes import CategoricalNaiveBayes

table = breast_cancer()
names = ("mean radius", "mean texture", "mean area", "mean smoothness")
cells = table.x[:, [table.feature_names.index(name) for name in names]]
wines = (wine().x - wine().x.mean(axis=0)) / wine().x.std(axis=0)

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (2 points): a bell on another scale
#
# Sizes are positive and often skewed. Their logarithms may fit a bell better.
# Let $\log x$ (taken entry by entry) be normal with mean $\mu$ and covariance
# $\Sigma$. What is the density of $x$ itself? Start from one feature: the
# probability between $x$ and $x + \mathrm dx$ is the same on both scales, and
# $\mathrm d \log x$ is not $\mathrm dx$.
#
# Write `log_density(X, mu, Sigma)` for `X` of shape (N, D), `mu` (D,) and
# `Sigma` (D, D). Return $\log p(x_n)$, in nats and in the units of `X`, shape
# (N,). A row with an entry that is zero or negative has density zero: its
# answer is `-np.inf`, and other rows are not touched by it.


# %% nbgrader={"grade": false, "grade_id": "log-density", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_density(X, mu, Sigma):
    """Log-density of x where log x is normal, shape (N,)."""
    ### BEGIN SOLUTION
    inside = (X > 0).all(axis=1)
    log_x = np.log(np.where(inside[:, None], X, 1.0))
    d = np.linalg.solve(np.linalg.cholesky(Sigma), (log_x - mu).T)
    log_det = np.linalg.slogdet(2 * np.pi * Sigma)[1]
    log_p = -((d**2).sum(axis=0) + log_det) / 2
    return np.where(inside, log_p - log_x.sum(axis=1), -np.inf)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "log-density-value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.linspace(0.001, 60, 60_000)[:, None]
_p = np.exp(log_density(_x, np.array([0.5]), np.array([[0.49]])))
assert np.shape(_p) == (60_000,), "One number for each row."
assert abs(_p.sum() * (_x[1, 0] - _x[0, 0]) - 1) < 0.01, (
    "The density does not integrate to one over x."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(0)
_A = _rng.randn(3, 3)
_S, _m = _A @ _A.T + np.eye(3), _rng.randn(3)
_X = np.exp(_rng.randn(8, 3))
_wanted = multivariate_normal(_m, _S).logpdf(np.log(_X)) - np.log(_X).sum(1)
assert np.allclose(log_density(_X, _m, _S), _wanted, atol=1e-6), (
    "With several features, every one of them changes its scale."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "log-density-outside", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
with np.errstate(all="ignore"):
    _found = np.asarray(
        log_density(np.array([[1.0], [0.0]]), np.zeros(1), np.eye(1))
    )
assert np.isneginf(_found[1]), "No size is zero under this model."
### BEGIN HIDDEN TESTS
assert np.isclose(_found[0], -0.5 * np.log(2 * np.pi)), (
    "A row outside must not change the answer for the others."
)
_X = np.array([[1.0, -2.0], [-1.0, -1.0], [2.0, 1.0]])
with np.errstate(all="ignore"):
    _found = np.asarray(log_density(_X, np.zeros(2), np.eye(2)))
assert np.isneginf(_found[:2]).all(), "A negative size has density zero, too."
assert np.isfinite(_found[2]), "A row inside has a finite log-density."
### END HIDDEN TESTS

# %% [markdown]
# Four sizes of cell nuclei in 569 biopsies, a third of them held out: which
# bell describes new ones better? Both scores are densities of the same table,
# so they may be compared.

# %%
for seed in range(3):
    fitting, new = np.split(
        np.random.RandomState(seed).permutation(cells), [380]
    )
    bell, logs = Gaussian().fit(fitting), Gaussian().fit(np.log(fitting))
    score = log_density(new, logs.mean_, logs.covariance_).mean()
    print(f"bell {bell.score(new):.2f}, bell of logarithms {score:.2f} nats")

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): ask a mixture
#
# A Gaussian mixture answers every question of the form "what are these features
# likely to be, given those?" The answer, $p(x_{\mathrm a} \mid x_{\mathrm b})$,
# is again a Gaussian mixture. Derive its weights: start from the joint of $z$,
# $x_{\mathrm a}$ and $x_{\mathrm b}$, and note what $x_{\mathrm b}$ says about
# $z$.
#
# Write `condition(pi, mu, Sigma, known, values)`, for `pi` (K,), `mu` (K, D)
# and `Sigma` (K, D, D). `known` is a list of column numbers, in any order,
# neither empty nor complete; `values` holds their values in the same order.
# Return three arrays: weights (K,), means (K, A) and covariances (K, A, A) of
# the mixture of the A other features, in the order of their columns. The
# weights must be right however far `values` are from all components.


# %% nbgrader={"grade": false, "grade_id": "condition", "locked": false, "schema_version": 3, "solution": true, "task": false}
def condition(pi, mu, Sigma, known, values):
    """Weights, means, covariances of the features that are not known."""
    ### BEGIN SOLUTION
    a, b = np.setdiff1d(np.arange(mu.shape[1]), known), np.array(known)
    log_w, means, covariances = [], [], []
    for k in range(len(pi)):
        S_ab, S_bb = Sigma[k][np.ix_(a, b)], Sigma[k][np.ix_(b, b)]
        R = np.linalg.solve(S_bb, S_ab.T).T
        d = values - mu[k, b]
        log_det = np.linalg.slogdet(2 * np.pi * S_bb)[1]
        delta2 = d @ np.linalg.solve(S_bb, d)
        log_w.append(np.log(pi[k]) - (log_det + delta2) / 2)
        means.append(mu[k, a] + R @ d)
        covariances.append(Sigma[k][np.ix_(a, a)] - R @ S_ab.T)
    return softmax(log_w), np.array(means), np.array(covariances)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "condition-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_pi, _mu = np.array([0.25, 0.75]), np.array([[0.0, 0.0], [2.0, 4.0]])
_S = np.array([[[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [1.0, 2.0]]])
_w, _m, _C = condition(_pi, _mu, _S, [0], np.array([1.0]))
assert np.shape(_w) == (2,), "One weight for each component."
assert np.shape(_m) == (2, 1), "One mean of A features for each component."
assert np.shape(_C) == (2, 1, 1), "One A x A covariance for each component."
assert np.allclose(_w, [0.25, 0.75]), (
    "Halfway between two equal bells, the value says nothing about z."
)
assert np.allclose(_m, [[0.5], [3.5]]), "The means move with what is known."
assert np.allclose(_C, 1.5), "Knowing one feature narrows the other."
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(3)
_A = _rng.randn(3, 4, 4)
_S, _mu = _A @ _A.transpose(0, 2, 1) + np.eye(4), 2 * _rng.randn(3, 4)
_pi, _v = np.array([0.2, 0.5, 0.3]), np.array([0.4, -1.0])
_w, _m, _C = condition(_pi.copy(), _mu.copy(), _S.copy(), [3, 1], _v.copy())


def _mix(p, m, S, x):
    bells = [multivariate_normal(m[k], S[k]).pdf(x) for k in range(len(p))]
    return p @ np.array(bells)


_order = np.ix_(range(3), [3, 1], [3, 1])
_below = _mix(_pi, _mu[:, [3, 1]], _S[_order], _v)
for _a in _rng.randn(5, 2):
    _whole = np.array([_a[0], _v[1], _a[1], _v[0]])
    _ratio = _mix(_pi, _mu, _S, _whole) / _below
    assert np.isclose(_mix(_w, _m, _C, _a), _ratio, rtol=1e-6), (
        "p(a | b) p(b) is not p(a, b): look at the weights and at the order."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "condition-far", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_pi, _mu = np.array([0.5, 0.5]), np.array([[0.0, 0.0], [4.0, 4.0]])
_S = np.stack([np.eye(2), np.eye(2)])
with np.errstate(all="ignore"):
    _w = np.asarray(condition(_pi, _mu, _S, [1], np.array([300.0]))[0])
assert np.isfinite(_w).all(), "All bells underflow: compare their logarithms."
### BEGIN HIDDEN TESTS
assert np.allclose(_w, [0, 1], atol=1e-9), "The nearer bell takes all."
with np.errstate(all="ignore"):
    _w = np.asarray(condition(_pi, _mu, 4 * _S, [0], np.array([2.0 - 1e3]))[0])
assert np.allclose(_w, [1, 0], atol=1e-9), "The nearer bell takes all."
with np.errstate(all="ignore"):
    _w = condition(_pi, _mu, _S * [[[1e-4]], [[1]]], [1], np.array([-60.0]))[0]
assert np.allclose(_w, [0, 1], atol=1e-9), "Far out, the wide bell wins."
### END HIDDEN TESTS

# %% [markdown]
# What do length and width of the sepal say about the petal of an iris? With one
# bell the mean answer is linear regression; with three it bends.

# %%
for seed in range(3):
    rows = np.random.RandomState(seed).permutation(iris().x)
    errors = []
    for K in (1, 3):
        m = GaussianMixture(K, n_init=5, ridge=0.01, random_state=seed)
        theta = m.fit(rows[:100]).weights_, m.means_, m.covariances_
        found = [condition(*theta, [0, 1], x[:2]) for x in rows[100:]]
        guess = np.array([w @ means for w, means, _ in found])
        errors.append(((guess - rows[100:, 2:]) ** 2).mean() ** 0.5)
    print(
        "error of the petal: one bell {:.2f}, three {:.2f} cm".format(*errors)
    )

# %% [markdown]
# ## A step that goes down
#
# The function below does one step of EM for a mixture whose components have
# independent normal features, from rows in which entries are missing (NaN).
# Only the component of a row is treated as hidden: a missing entry drops out
# of both steps, and there is no ridge. It runs, and it is wrong in two places.


# %%
def faulty_step(X, pi, mu, var):
    """Weights (K,), means and variances (K, D) after one step of EM."""
    seen = ~np.isnan(X)
    x = np.where(seen, X, 0.0)
    terms = (x[:, None] - mu) ** 2 / var + np.log(2 * np.pi * var)
    log_bell = -0.5 * np.where(seen[:, None], terms, 0.0).sum(axis=2)
    r = softmax(log_bell, axis=1)
    N_k = r.sum(axis=0)
    mu = r.T @ x / N_k[:, None]
    square = np.where(seen[:, None], (x[:, None] - mu) ** 2, 0.0)
    var = np.einsum("nk,nkd->kd", r, square) / N_k[:, None]
    return N_k / len(X), mu, var


def with_holes(seed):
    """The wines, moved by one unit, with three entries in ten missing."""
    rng = np.random.RandomState(seed)
    return np.where(rng.rand(*wines.shape) < 0.3, np.nan, wines + 1)


holes = with_holes(0)
start = np.full(3, 1 / 3), np.nan_to_num(holes[[0, 70, 140]]), np.ones((3, 13))
fit = GaussianMixture(3, covariance_type="diag", missing="marginalise")
fit.set_params(ridge=1e-3, random_state=0).fit(holes)
good = fit.weights_, fit.means_, fit.covariances_

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (2 points): a judge
#
# EM must not lower the log-likelihood of what was *observed*. So that must be
# computed first, without a look at the faulty step.
#
# Write `log_prob(X, pi, mu, var)`: $\log p_\theta(x_{\mathrm o})$ of every row
# under the mixture, shape (N,), for `X` (N, D) with NaN where an entry is
# missing, weights `pi` (K,), means `mu` and variances `var` (K, D). A row
# without any entry has log-probability 0. A weight may be 0. Rows far from all
# means must not underflow.


# %% nbgrader={"grade": false, "grade_id": "log-prob", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_prob(X, pi, mu, var):
    """Log-probability of the observed entries of every row, shape (N,)."""
    ### BEGIN SOLUTION
    terms = (X[:, None] - mu) ** 2 / var + np.log(2 * np.pi * var)
    with np.errstate(divide="ignore"):
        log_joint = np.log(pi) - 0.5 * np.nansum(terms, axis=2)
    return np.logaddexp.reduce(log_joint, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "log-prob-value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_X = np.array([[1.0, np.nan], [0.5, 2.0]])
_found = log_prob(_X, np.array([1.0]), np.zeros((1, 2)), np.array([[4.0, 1.0]]))
assert np.shape(_found) == (2,), "One number for each row."
assert np.isclose(_found[0], norm.logpdf(1, 0, 2)), (
    "What is missing is integrated out: its factor is one."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(5)
_pi, _mu, _var = np.array([0.2, 0.8]), _rng.randn(2, 3), _rng.rand(2, 3) + 0.5
_X = np.where(_rng.rand(9, 3) < 0.4, np.nan, _rng.randn(9, 3))
_found = log_prob(_X.copy(), _pi.copy(), _mu.copy(), _var.copy())
for _n in range(9):
    _o = ~np.isnan(_X[_n])
    _bells = norm.pdf(_X[_n, _o], _mu[:, _o], np.sqrt(_var[:, _o])).prod(axis=1)
    assert np.isclose(_found[_n], np.log(_pi @ _bells), atol=1e-8), (
        "Multiply the observed features within a component, then mix."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "log-prob-edges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_pi, _mu = np.array([0.5, 0.5, 0.0]), np.array([[0.0], [1.0], [2.0]])
_X = np.array([[np.nan], [1000.0], [0.5]])
with np.errstate(all="ignore"):
    _found = np.asarray(log_prob(_X, _pi, _mu, np.ones((3, 1))))
assert np.isclose(_found[0], 0), "A row without entries is no surprise at all."
### BEGIN HIDDEN TESTS
_far = np.log(0.5) + norm.logpdf(1000, 1, 1)
assert np.isclose(_found[1], _far), "A far row underflowed, or a weight of 0."
assert np.isclose(_found[2], norm.logpdf(0.5)), "A weight of 0 adds nothing."
### END HIDDEN TESTS

# %% [markdown]
# The faulty step under your judge, in nats per row, from a poor start and from
# a good one, found by the package:

# %%
for name, theta in {"poor start": start, "good start": good}.items():
    history = []
    for _ in range(6):
        history.append(log_prob(holes, *theta).mean())
        theta = faulty_step(holes, *theta)
    print(name, np.round(history, 2))

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): mend the step
#
# Write `em_step(X, pi, mu, var)` with both faults repaired: the new weights
# (K,), means (K, D) and variances (K, D) as a tuple. As above, only the
# component is hidden: responsibilities come from the observed entries and the
# weights; a mean and a variance of a feature are taken over the rows in which
# that feature was seen; a row without any entry has the responsibilities
# `pi` and counts for the weights alone. Every feature is seen somewhere.


# %% nbgrader={"grade": false, "grade_id": "em-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def em_step(X, pi, mu, var):
    """Weights (K,), means and variances (K, D) after one step of EM."""
    ### BEGIN SOLUTION
    seen = ~np.isnan(X)
    x = np.where(seen, X, 0.0)
    terms = (x[:, None] - mu) ** 2 / var + np.log(2 * np.pi * var)
    log_bell = -0.5 * np.where(seen[:, None], terms, 0.0).sum(axis=2)
    r = softmax(np.log(pi) + log_bell, axis=1)
    N_kd = r.T @ seen
    mu = r.T @ x / N_kd
    square = np.where(seen[:, None], (x[:, None] - mu) ** 2, 0.0)
    var = np.einsum("nk,nkd->kd", r, square) / N_kd
    return r.mean(axis=0), mu, var
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "em-step-complete", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[0.0], [1.0], [5.0], [7.0]])
_theta = np.array([0.9, 0.1]), np.array([[2.0], [4.0]]), np.full((2, 1), 4.0)
_pi, _mu, _var = em_step(_x, *_theta)
assert np.shape(_pi) == (2,), "One weight for each component."
assert np.shape(_mu) == np.shape(_var) == (2, 1), "K rows of D numbers."
_bells = _theta[0] * norm.pdf(_x, _theta[1][:, 0], 2)
_r = _bells / _bells.sum(axis=1, keepdims=True)
assert np.allclose(_pi, _r.mean(axis=0)), (
    "Without holes the weights are off: what do responsibilities depend on?"
)
### BEGIN HIDDEN TESTS
_m = _r.T @ _x / _r.sum(axis=0)[:, None]
_v = (_r * (_x - _m[:, 0]) ** 2).sum(axis=0) / _r.sum(axis=0)
assert np.allclose(_mu, _m), "Without holes the means are off."
assert np.allclose(_var[:, 0], _v), "Without holes the variances are off."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "em-step-missing", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 9.0], [np.nan, np.nan]])
_pi, _mu, _var = em_step(_x, np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
assert np.allclose(_mu, [[2, 7]]), (
    "With one component, the mean is that of the entries that were seen."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_pi, 1), "With one component its weight is 1."
assert np.allclose(_var, [[1, 4]]), "A variance is one of the seen entries."
_x = np.array([[-3.0, 0.0], [-3.0, np.nan], [3.0, 8.0], [np.nan, np.nan]])
_mu = np.array([[-3.0, 0.0], [3.0, 8.0]])
_pi, _mu, _ = em_step(_x, np.full(2, 0.5), _mu, np.full((2, 2), 0.01))
assert np.allclose(_pi, [2.5 / 4, 1.5 / 4], atol=1e-9), (
    "A row without entries counts for the weights, and for nothing else."
)
assert np.allclose(_mu, [[-3, 0], [3, 8]], atol=1e-9), (
    "A mean was pulled towards entries that nobody saw."
)
### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "em-step-climbs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _judge(X, pi, mu, var):
    terms = norm.logpdf(X[:, None], mu, np.sqrt(var))
    joint = np.log(pi) + np.nansum(terms, axis=2)
    return np.logaddexp.reduce(joint, axis=1).mean()


_theta, _history = start, []
for _ in range(15):
    _history.append(_judge(holes, *_theta))
    _theta = em_step(holes, *_theta)
assert np.diff(_history).min() > -1e-9, "The likelihood fell."
### BEGIN HIDDEN TESTS
for _seed in (1, 2):
    _rng = np.random.RandomState(_seed)
    _X = _rng.randn(400, 2) + 2.0 * (_rng.rand(400, 1) < 0.1)
    _X[_rng.rand(400, 2) < 0.3] = np.nan
    _mu = np.array([[0.5, 0.5], [3.0, 3.0]])
    _theta, _history = (np.array([0.9, 0.1]), _mu, np.full((2, 2), 2.0)), []
    for _ in range(20):
        _history.append(_judge(_X, *_theta))
        _theta = em_step(_X, *_theta)
    assert np.diff(_history).min() > -1e-9, "The likelihood fell."
    assert _history[-1] > _history[0] + 0.1, "The likelihood hardly rose."
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (2 points): other shares
#
# A classifier was fitted where class $k$ has the share $\pi_k$. It gives
# $p_{nk} = p(y = k \mid x_n)$. Now it is used where the shares are others,
# while $p(x \mid y)$ is as before, and there are no labels. The new data are a
# mixture in which only the weights are unknown. Derive the EM step for the
# weights $\pi'$ in terms of $p_{nk}$, $\pi$ and the present $\pi'$ alone: what
# is $p(x_n \mid y = k)$, up to a factor that does not depend on $k$?
#
# Write `new_shares(p, shares, n_steps)` for `p` (N, K) and `shares`
# $= \pi$, (K,), all positive. Start at $\pi' = \pi$, take `n_steps` steps, and
# return $\pi'$, shape (K,).


# %% nbgrader={"grade": false, "grade_id": "new-shares", "locked": false, "schema_version": 3, "solution": true, "task": false}
def new_shares(p, shares, n_steps):
    """Shares of the classes in new data, shape (K,), by EM."""
    ### BEGIN SOLUTION
    new = shares
    for _ in range(n_steps):
        r = p * new / shares
        new = (r / r.sum(axis=1, keepdims=True)).mean(axis=0)
    return new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "new-shares-step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_p, _old = np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0.8, 0.2])
assert np.allclose(new_shares(_p, _old, 0), _old), "No step: the old shares."
assert np.allclose(new_shares(_p, _old, 1), [0.75, 0.25]), (
    "In the first step the old posterior is still right."
)
### BEGIN HIDDEN TESTS
_one = np.array([0.75, 0.25])
_r = _p * _one / _old
_two = (_r / _r.sum(axis=1, keepdims=True)).mean(axis=0)
assert np.allclose(new_shares(_p, _old, 2), _two, atol=1e-9), (
    "From the second step on, each column is weighted by new over old share."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "new-shares-limit", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.RandomState(0)
_y = (_rng.rand(3000) < 0.7).astype(int)  # new share 0.7
_x = _rng.randn(3000) + 2 * _y
_odds = 0.2 / 0.8 * np.exp(2 * _x - 2)  # old share 0.2
_p = np.stack([1 / (1 + _odds), _odds / (1 + _odds)], axis=1)
_found = np.asarray(new_shares(_p, np.array([0.8, 0.2]), 300))
assert np.isclose(_found.sum(), 1), "Shares sum to one."
assert abs(_found[1] - 0.7) < 0.03, "After many steps the shares are not found."
### BEGIN HIDDEN TESTS
_grid = np.linspace(0.6, 0.8, 2001)
_bells = norm.pdf(_x), norm.pdf(_x, 2)
_l = [np.log((1 - s) * _bells[0] + s * _bells[1]).sum() for s in _grid]
assert abs(_found[1] - _grid[np.argmax(_l)]) < 1e-3, (
    "The end is not where the likelihood of the new data is largest."
)
### END HIDDEN TESTS

# %% [markdown]
# Naive Bayes on handwritten digits, fitted where all digits are equally
# frequent; the new images are mostly zeros and ones.


# %%
def levels(part):
    """Images as rows of 64 whole numbers, and their classes."""
    x, y = digits(part, split="stratified")
    return (16 * x).round().astype(int).reshape(-1, 64), y


(x, y), (x_new, y_new) = levels("train"), levels("test")
bayes = CategoricalNaiveBayes(n_categories=17, smoothing=0.3).fit(x, y)
keep = (y_new < 2) | (np.random.RandomState(0).rand(len(y_new)) < 0.1)
p = bayes.predict_proba(x_new[keep])
found = new_shares(p, bayes.class_prior_, 100)
counts = np.bincount(y_new[keep], minlength=10)
print("counted:", (counts / counts.sum()).round(2))
print("found:  ", found.round(2))

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): cross-validation without a leak
#
# Write `cross_validate(build, X, n_folds, seed)`.
#
# - The rows of `X`, shape (N, D), are shuffled by the seed and cut into
#   `n_folds` parts whose sizes differ by at most one. Each part is held out
#   once; the same seed gives the same parts.
# - In each fold, all features are standardised, with means and standard
#   deviations (dividing by the number of rows) of the *fitting* rows alone,
#   for fitting and held-out rows.
# - `build()` makes a new model. Its `fit(Z)` gets the standardised fitting
#   rows; then its `score(Z)` gets the standardised held-out rows, and returns
#   their mean log-density in nats.
# - The folds have different scales, so their scores do not compare yet. Return
#   for each fold the mean log-density of the held-out rows *in the units of*
#   `X`, shape (n_folds,). Exercise 1 says what is missing.


# %% nbgrader={"grade": false, "grade_id": "cross-validate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_validate(build, X, n_folds, seed):
    """Held-out nats per row of every fold, in the units of X."""
    ### BEGIN SOLUTION
    order, scores = np.random.RandomState(seed).permutation(len(X)), []
    for held in np.array_split(order, n_folds):
        fitting = np.delete(X, held, axis=0)
        mean, sd = fitting.mean(axis=0), fitting.std(axis=0)
        model = build()
        model.fit((fitting - mean) / sd)
        score = model.score((X[held] - mean) / sd)
        scores.append(score - np.log(sd).sum())
    return np.array(scores)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cross-validate-folds", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_seen = []


class _Spy:
    def fit(self, Z):
        self.Z = np.array(Z)
        return self

    def score(self, Z):
        _seen.append((self.Z, np.array(Z)))
        return 0.0


_X = np.stack(
    [np.arange(23.0) ** 2, np.random.RandomState(0).randn(23)], axis=1
)
_found = cross_validate(_Spy, _X, 5, 0)
assert np.shape(_found) == (5,), "One number for each fold."
_sizes = sorted(len(held) for _, held in _seen)
assert _sizes == [4, 4, 5, 5, 5], "Parts of nearly equal size, each held out."
### BEGIN HIDDEN TESTS
assert all(len(f) + len(h) == 23 for f, h in _seen), (
    "All other rows are for fitting."
)


def _rows_held(pair):  # the order of the first feature survives any scaling
    column = np.concatenate(pair)[:, 0]
    return column.argsort().argsort()[len(pair[0]) :]


_first = [_rows_held(pair) for pair in _seen]
_all = np.concatenate(_first)
assert sorted(_all) == list(range(23)), "Each row is held out once."
assert not (_all == np.arange(23)).all(), "The rows were not shuffled."
_seen = []
cross_validate(_Spy, _X, 5, seed=0)
_again = np.concatenate([_rows_held(pair) for pair in _seen])
assert (_again == _all).all(), "The same seed must give the same parts."
_seen = []
cross_validate(_Spy, _X, 5, 1)
_again = np.concatenate([_rows_held(pair) for pair in _seen])
assert (_again != _all).any(), "Another seed must give other parts."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "cross-validate-leak", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_scaled = []


class _Scales:
    def fit(self, Z):
        self.Z = np.array(Z)
        return self

    def score(self, Z):
        _scaled.append((self.Z, np.array(Z)))
        return 0.0


_X = np.stack(
    [np.arange(20.0) ** 2, np.random.RandomState(1).randn(20)], axis=1
)
cross_validate(_Scales, _X, 4, 3)
assert all(np.allclose(f.mean(axis=0), 0) for f, _ in _scaled), (
    "The fitting rows do not have mean 0: whose mean was taken off?"
)
### BEGIN HIDDEN TESTS
for _f, _h in _scaled:
    assert np.allclose(_f.std(axis=0), 1), (
        "The fitting rows have another scale."
    )
    _rank = np.concatenate([_f, _h])[:, 0].argsort().argsort()
    _mine, _theirs = _X[_rank[: len(_f)]], _X[_rank[len(_f) :]]
    _wanted = (_theirs - _mine.mean(axis=0)) / _mine.std(axis=0)
    assert np.allclose(_h, _wanted), (
        "Held-out rows are measured with the ruler of the fitting rows."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "cross-validate-units", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_X = np.random.RandomState(2).randn(30, 3) * [1, 5, 0.2]
_plain, _small = (cross_validate(Gaussian, x, 3, 0) for x in (_X, _X / 1000))
assert not np.allclose(_plain, _small), (
    "A density per millimetre is another number than one per metre."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_small - _plain, 3 * np.log(1000), atol=1e-6), (
    "In units a thousand times as large, a density is larger by that factor "
    "for each feature."
)
_bell = Gaussian().fit(_X)
assert abs(_plain.mean() - _bell.score(_X)) < 2, (
    "The scores are far from those of a bell in the units of X."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (2 points): the simplest that is not worse
#
# `scores`, shape (J, L), holds held-out scores (higher is better) of L models
# in the same J folds, the simplest model first. Some folds are harder than
# others for all models. Let $l^*$ be the model with the best mean (the first,
# if several are equal), and $d_{jl}$ the score of $l^*$ minus that of $l$ in
# fold $j$. Write `simplest(scores)`. It returns the number (from 0) of the
# first model whose mean of $d_{jl}$ over the folds is at most one standard
# error of that mean (the standard deviation of the $d_{jl}$, with $J - 1$,
# divided by $\sqrt J$).


# %% nbgrader={"grade": false, "grade_id": "simplest", "locked": false, "schema_version": 3, "solution": true, "task": false}
def simplest(scores):
    """The first model within one standard error of the best, from 0."""
    ### BEGIN SOLUTION
    best = scores.mean(axis=0).argmax()
    d = scores[:, [best]] - scores
    error = d.std(axis=0, ddof=1) / np.sqrt(len(d))
    return int(np.argmax(d.mean(axis=0) <= error))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "simplest-noise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_s = np.array([[-9.0, -3.0, -3.1, -2.6], [-9.0, -3.0, -2.7, -3.1]])
assert simplest(_s) == 1, "Model 1 is as good as the best, up to noise."
### BEGIN HIDDEN TESTS
assert simplest(_s[:, ::-1].copy()) == 0, "The first may do."
assert simplest(np.array([[0.0, 2.0, 1.0], [0.0, 2.1, 1.2]])) == 1, (
    "A clear winner stays the winner."
)
_s = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
assert simplest(_s) == 1, "Of two equal models, the simpler."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "simplest-paired", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_hard = np.array([[0.0], [-10.0], [-20.0], [-30.0]])
_gain = np.array([[0.0, 1.0], [0.0, 1.2], [0.0, 0.8], [0.0, 1.1]])
assert simplest(_hard + _gain) == 1, (
    "Model 1 wins in every fold; that folds differ is no doubt about that."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(4)
_gain = np.cumsum([0, 3, 2, 0.001, -0.5]) + 0.3 * _rng.randn(10, 5)
assert simplest(50 * _rng.randn(10, 1) + _gain) == 2, (
    "Take the differences fold by fold before you ask for their error."
)
### END HIDDEN TESTS

# %% [markdown]
# The comparison, on the wines in their own units: components with independent
# features, one of them (the baseline) to five. Three ways to cut the folds.


# %%
def mixture(K):
    """A function that builds a mixture of K components."""
    return lambda: GaussianMixture(
        K, covariance_type="diag", ridge=0.05, tol=1e-3, random_state=0
    )


for seed in range(3):
    scores = [
        cross_validate(mixture(K), wine().x, 5, seed) for K in range(1, 6)
    ]
    scores = np.stack(scores, axis=1)
    gain = scores[:, 1:] - scores[:, :1]
    print("gain over one component:", gain.mean(axis=0).round(2), end="; ")
    print("chosen K =", 1 + simplest(scores))

# %% [markdown] tags=["exercise"]
# ## Exercise 8 (3 points): three species?
#
# This answer is read by a person. A colleague measured four lengths of 150
# flowers and reports: "With the lengths in centimetres, a mixture of three
# components scores -1.9 held-out nats per flower, with millimetres -11.1: use
# centimetres. Three components beat two by 0.05 nats, with a standard error of
# 0.06 over ten folds. So there are three species."
#
# Check each of the three sentences: what follows from the numbers, what does
# not, and what would you do? About six sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "three-species", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Units.* A density per millimetre is ten times smaller for each length. Four
# lengths make $4 \log 10 = 9.2$ nats, which is the whole difference between
# -1.9 and -11.1. Both numbers describe the same model; neither unit is better.
#
# *Two or three.* The gain is smaller than its own error, so the folds do not
# tell three from two. Keep two, the simpler model, or measure more flowers or
# more folds, before three is preferred.
#
# *Species.* Even a clear gain would say that three bells describe the density
# better. One species that is not bell-shaped needs several components, and two
# similar ones may share one. To speak of species one needs labels of some
# flowers, and a comparison such as the adjusted Rand index.
