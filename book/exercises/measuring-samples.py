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
# # Measuring samples
#
# You build instruments that judge samples and features, find what a broken
# sampler does wrong, and report numbers with their noise.
#
# **You need** the chapters *Evaluating generative models* and *Reading a
# model*. Symbols are those of the page *Notation*.
#
# **Time:** about 80 minutes. **Points:** 21 points in seven exercises, the last
# of them written and marked by hand.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them.
#
# All arrays are NumPy arrays of float64, one example a row. A covariance is
# divided by $N$, unless an exercise says otherwise.

# %%
from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from course.data import digits
from course.metrics.frechet import gaussian_frechet
from course.plotting import show_images, use_style

use_style()


def rows(part, split="stratified"):
    """Digits as rows of 64 pixels in [0, 1], and their classes."""
    x, y = digits(part, split=split)
    return x.reshape(len(x), 64).astype(float), y


def blocks(x):
    """Rows of 16 features: the means of the 2 x 2 blocks of each image."""
    return x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)


train, labels = rows("train")
test, test_labels = rows("test")

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): the map behind the distance
#
# The squared Fréchet distance is the least mean squared distance by which the
# mass of one Gaussian can be moved to another. Here you find the map that moves
# it.
#
# Let $x \sim \mathcal N(\mu_1, \Sigma_1)$ and $T(x) = Ax + b$. Two facts are
# given. $T(x)$ shall have the distribution $\mathcal N(\mu_2, \Sigma_2)$. And
# of all matrices $A$ that achieve this, the one with the least
# $\mathbb E\lVert T(x) - x\rVert^2$ is *symmetric positive definite*; there is
# only one such matrix.
#
# Derive $A$ and $b$, and write `transport(mu_1, Sigma_1, mu_2, Sigma_2)`. It
# returns the pair `(A, b)`, of shapes `(D, D)` and `(D,)`. Both covariances are
# positive definite. They need not commute.
#
# A place to start: write down the covariance of $T(x)$, and multiply the
# equation from both sides by the symmetric root of $\Sigma_1$.


# %% nbgrader={"grade": false, "grade_id": "transport", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transport(mu_1, Sigma_1, mu_2, Sigma_2):
    """The pair (A, b) of the best map A x + b from one Gaussian to another."""
    ### BEGIN SOLUTION
    # A Sigma_1 A = Sigma_2, so (R A R)^2 = R Sigma_2 R with R^2 = Sigma_1.
    lam, Q = np.linalg.eigh(Sigma_1)
    R, R_inverse = (Q * lam**0.5) @ Q.T, (Q * lam**-0.5) @ Q.T
    kappa, P = np.linalg.eigh(R @ Sigma_2 @ R)
    A = R_inverse @ (P * kappa**0.5) @ P.T @ R_inverse
    return A, mu_2 - A @ mu_1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "transport-moments", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_mu = np.array([1.0, -2.0]), np.array([0.0, 3.0])
_Sigma = np.diag([4.0, 1.0]), np.diag([1.0, 9.0])
_A, _b = transport(_mu[0], _Sigma[0], _mu[1], _Sigma[1])
assert np.shape(_A) == (2, 2), (
    "A must be a matrix with a row and a column for each feature."
)
assert np.shape(_b) == (2,), (
    "b must be a vector with one number for each feature."
)
assert np.allclose(_A @ _mu[0] + _b, _mu[1]), (
    "The mean of the first Gaussian must land on the mean of the second."
)
assert np.allclose(_A, np.diag([0.5, 3.0])), (
    "With independent features each one is stretched by a ratio of standard "
    "deviations."
)
### BEGIN HIDDEN TESTS
for _seed in range(5):
    _rng = np.random.default_rng(_seed)
    _G, _H = _rng.standard_normal((2, 4, 4))
    _S, _T = _G @ _G.T + 0.1 * np.eye(4), _H @ _H.T + 0.1 * np.eye(4)
    _m, _n = _rng.standard_normal((2, 4))
    _A, _b = transport(_m, _S, _n, _T)
    assert np.allclose(_A @ _m + _b, _n, atol=1e-5), (
        "The mean does not arrive; remember that A moves it too."
    )
    assert np.allclose(_A @ _S @ _A.T, _T, atol=1e-5), (
        "The covariance does not arrive when the two matrices do not commute."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "transport-least", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_S = np.array([[2.0, 0.9], [0.9, 0.5]])
_T = np.array([[1.0, -0.3], [-0.3, 3.0]])
_A, _ = transport(np.zeros(2), _S, np.zeros(2), _T)
assert np.allclose(_A, np.transpose(_A), atol=1e-6), (
    "Many maps have the right covariance; the best one is symmetric."
)
### BEGIN HIDDEN TESTS
for _seed in range(5):
    _rng = np.random.default_rng(10 + _seed)
    _G, _H = _rng.standard_normal((2, 6, 6))
    _S, _T = _G @ _G.T + 0.1 * np.eye(6), _H @ _H.T + 0.1 * np.eye(6)
    _m, _n = _rng.standard_normal((2, 6))
    _A, _b = transport(_m, _S, _n, _T)
    _B = np.asarray(_A) - np.eye(6)
    _moved = np.trace(_B @ _S @ _B.T) + np.sum((_m - _n) ** 2)
    assert np.isclose(_moved, gaussian_frechet(_m, _S, _n, _T), rtol=1e-4), (
        "The map moves the mass farther than necessary."
    )
    assert np.linalg.eigvalsh((_A + _A.T) / 2).min() > 0, (
        "A symmetric root has two signs in each direction; take the positive "
        "one."
    )
### END HIDDEN TESTS

# %% [markdown]
# With your map every image of the digit 1 can be moved to the place that a
# Gaussian of the digit 7 would give it. Here are ten ones, in blocks, before
# and after.

# %% mystnb={"image": {"alt": "Two rows of ten pictures of 4 by 4 pixels. The upper row shows ones, dark upright bars in the middle. Below each of them the same picture after the map has its ink at the upper right, in a bar across and at the lower left, like a coarse seven."}, "figure": {"name": "fig-sheet-samples-moved", "caption": "Ten ones in blocks of pixels (top), and where the best map moves them (bottom)."}}
rng = np.random.default_rng(0)
x = blocks(train) + 0.03 * rng.standard_normal((1000, 16))  # no constants
ones, sevens = x[labels == 1], x[labels == 7]
moments = [(v.mean(axis=0), np.cov(v.T, bias=True)) for v in (ones, sevens)]
A, b = transport(*moments[0], *moments[1])
moved = ones @ A.T + b
distance = np.square(moved - ones).sum(axis=1).mean()
print(f"mean squared way {distance:.3f}")
print(f"Fréchet distance {gaussian_frechet(*moments[0], *moments[1]):.3f}")
both = np.concatenate([ones[:10], moved[:10]]).reshape(-1, 4, 4)
show_images(both.clip(0, 1), columns=10)
plt.show()

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): how much is noise
#
# Is an energy distance of 0.02 large? If both samples come from one
# distribution, their rows are exchangeable: any other way to deal them into two
# hands is as probable as the one we hold. So deal them again, many times, and
# compare.
#
# Write `permutation_test(d, n, orders)`.
#
# - `d` holds the distances between all pooled rows, shape `(N, N)`. The first
#   `n` rows are the first sample, the other `N - n` the second.
# - `orders` holds permutations of `0, ..., N - 1`, one a row, shape `(R, N)`.
#   After permutation `o` the rows `o[:n]` play the first sample, the others the
#   second.
# - The statistic is twice the mean distance of a row of one sample from a row
#   of the other, less the mean distance within the first and that within the
#   second. The means *within* a sample run over pairs of two different rows.
# - The p-value is $(1 + \text{count}) / (R + 1)$: the sample itself counts as
#   one of the ways. `count` is the number of permutations whose statistic is at
#   least as large as that of the original order. Values that differ by less
#   than $10^{-12}$ count as equal.
#
# Return the pair `(statistic, p)` of two numbers. Both samples have two rows or
# more.


# %% nbgrader={"grade": false, "grade_id": "permutation-test", "locked": false, "schema_version": 3, "solution": true, "task": false}
def permutation_test(d, n, orders):
    """Energy distance of the first n rows and the others, and its p-value."""
    ### BEGIN SOLUTION
    m = len(d) - n

    def energy(order):
        D = d[np.ix_(order, order)]
        within = D[:n, :n].sum() / (n * (n - 1))
        within += D[n:, n:].sum() / (m * (m - 1))  # zeros on the diagonal
        return 2 * D[:n, n:].mean() - within

    statistic = energy(np.arange(len(d)))
    count = sum(energy(order) >= statistic - 1e-12 for order in orders)
    return statistic, (1 + count) / (len(orders) + 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "permutation-statistic", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[0.0], [1.0], [4.0], [6.0]])
_statistic, _ = permutation_test(cdist(_x, _x), 2, np.array([[0, 1, 2, 3]]))
assert np.isclose(_statistic, 2 * 4.5 - 1 - 2), (
    "Compute the three means of the points 0 and 1 against 4 and 6 on paper "
    "and compare."
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
_u, _v = _rng.standard_normal((5, 3)), _rng.standard_normal((8, 3)) + 1
_d = cdist(np.r_[_u, _v], np.r_[_u, _v])
_pairs = [
    np.mean(
        [
            np.linalg.norm(_s[i] - _s[j])
            for i in range(len(_s))
            for j in range(len(_s))
            if i != j
        ]
    )
    for _s in (_u, _v)
]
_by_loops = 2 * cdist(_u, _v).mean() - sum(_pairs)
_statistic, _ = permutation_test(_d, 5, np.arange(13)[None])
assert np.isclose(_statistic, _by_loops), (
    "The samples may have different sizes, and no row makes a pair with itself."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "permutation-p", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[0.0], [1.0], [4.0], [6.0]])
_orders = np.array([[0, 2, 1, 3], [0, 3, 1, 2], [2, 0, 1, 3]])
_, _p = permutation_test(cdist(_x, _x), 2, _orders)
assert np.isclose(_p, 1 / 4), (
    "No other dealing separates these points as well, and the p-value can "
    "never be zero."
)
### BEGIN HIDDEN TESTS
_d = cdist(_x, _x)
_every = np.array(list(permutations(range(4))))
_, _p = permutation_test(_d, 2, _every)
assert np.isclose(_p, 9 / 25), (
    "A dealing with the same statistic counts, also when both hands are "
    "exchanged."
)
_, _p = permutation_test(_d, 1 + 1, _every[:, ::-1])
assert np.isclose(_p, 9 / 25), "The order of the permutations must not matter."
_y = np.array([[0.0], [5.0], [0.1], [5.1], [2.0]])
_dy = cdist(_y, _y)
_all = np.array(list(permutations(range(5))))


def _energy(o):
    _a, _b = _y[list(o[:2]), 0], _y[list(o[2:]), 0]
    _within = abs(_a[0] - _a[1])
    _within += np.mean(
        [abs(_b[i] - _b[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    )
    return 2 * np.abs(_a[:, None] - _b).mean() - _within


_count = sum(_energy(o) >= _energy(range(5)) - 1e-12 for o in _all)
_, _p = permutation_test(_dy, 2, _all)
assert np.isclose(_p, (1 + _count) / 121), (
    "Only large distances speak against one distribution; small or negative "
    "ones do not."
)
### END HIDDEN TESTS

# %% [markdown]
# Read three p-values: test images against other real images, against images of
# other writers, and against draws of one Gaussian with the right moments.

# %%
rng = np.random.default_rng(0)
Sigma = np.cov(train.T) + 1e-3 * np.eye(64)
others = {
    "training images": train[:100],
    "the last of the file": rows("test", split="order")[0][-100:],
    "one Gaussian": rng.multivariate_normal(train.mean(axis=0), Sigma, 100),
}
for name, x in others.items():
    pooled = np.concatenate([test[:100], x])
    orders = rng.permuted(np.tile(np.arange(200), (199, 1)), axis=1)
    statistic, p = permutation_test(cdist(pooled, pooled), 100, orders)
    print(f"{name:21} energy distance {statistic:6.3f}, p = {p:.3f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (3 points): a sampler with two faults
#
# Below is a program for probabilistic PCA,
# $x = \mu + \Lambda z + \sigma\epsilon$ with $z \sim \mathcal N(0, I)$ of
# length $M$ and $\epsilon \sim \mathcal N(0, I)$ of length $D$. It runs, and
# its digits do not look bad. But in most directions they vary too little. One
# fault is in the fit, another one in the draws, and each hides a part of the
# other: mend one, and measure again.


# %%
def faulty_fit(x, M):
    """The mean, the loadings and the variance of the noise."""
    mu = x.mean(axis=0)
    # eigh puts the smallest variance first
    lam, Q = np.linalg.eigh(np.cov(x.T, bias=True))
    Lambda = Q[:, -M:] * np.sqrt(lam[-M:])
    return mu, Lambda, lam[:-M].mean()


def faulty_sample(model, z, eps):
    """One image for each row of the noise z, (n, M), and eps, (n, D)."""
    mu, Lambda, var = model
    return mu + z @ Lambda.T + var * eps


noise = np.random.default_rng(0)
drawn = faulty_sample(
    faulty_fit(train, 10),
    noise.standard_normal((1000, 10)),
    noise.standard_normal((1000, 64)),
)
axes_of_data = np.linalg.eigh(np.cov(train.T, bias=True))[1]
for k in (-1, -5, -10, -20, -40):
    real, made = (np.var(v @ axes_of_data[:, k]) for v in (train, drawn))
    print(f"axis {-k:2}: variance {real:.4f} of real images, {made:.4f} drawn")

# %% [markdown]
# Find both faults and mend them in the class `PPCA` of the next cell:
# `fit(x, M)` stores `mu`, shape `(D,)`, `Lambda`, shape `(D, M)`, and `var`, a
# number, and returns the object itself. `sample(z, eps)` returns one example
# for each row of the noise. $0 < M < D$. The signs of the columns of $\Lambda$
# are yours to choose.


# %% nbgrader={"grade": false, "grade_id": "mended", "locked": false, "schema_version": 3, "solution": true, "task": false}
class PPCA:
    """Probabilistic PCA with the faults mended: attributes mu, Lambda, var."""

    def fit(self, x, M):
        """Learn from the rows of x, with M latent numbers; returns itself."""
        ### BEGIN SOLUTION
        self.mu = x.mean(axis=0)
        lam, Q = np.linalg.eigh(np.cov(x.T, bias=True))
        self.var = lam[:-M].mean()
        # the noise has its part in the first axes too
        self.Lambda = Q[:, -M:] * np.sqrt(lam[-M:] - self.var)
        return self
        ### END SOLUTION

    def sample(self, z, eps):
        """One example for each row of the noise z, (n, M), and eps, (n, D)."""
        ### BEGIN SOLUTION
        return self.mu + z @ self.Lambda.T + np.sqrt(self.var) * eps
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mended-fit", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
_m = PPCA().fit(_x, 1)
assert np.shape(_m.Lambda) == (2, 1), (
    "The loadings have a row for each feature and a column for each latent "
    "number."
)
assert np.isclose(_m.var, 0.5), (
    "With one axis left over, the variance of the noise is the variance along"
    " that axis."
)
_C = _m.Lambda @ _m.Lambda.T + _m.var * np.eye(2)
assert np.allclose(_C, np.diag([2.0, 0.5])), (
    "The covariance of the model is that of the loadings and that of the "
    "noise together."
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(3)
_x = _rng.standard_normal((200, 5)) @ np.diag([3.0, 2.0, 1.0, 0.5, 0.2]) + 4
_full = np.cov(_x.T, bias=True)
_lam, _Q = np.linalg.eigh(_full)
for _M in (1, 2, 4):
    _m = PPCA().fit(_x, _M)
    _C = _m.Lambda @ _m.Lambda.T + _m.var * np.eye(5)
    assert np.allclose(_m.mu, _x.mean(axis=0)), (
        "The mean of the model is the mean of the data."
    )
    assert np.isclose(np.trace(_C), np.trace(_full), rtol=1e-6), (
        "Model and data must have the same total variance."
    )
    _W = _Q[:, -_M:]
    _off = np.abs(_W.T @ _C @ _W - np.diag(_lam[-_M:])).max()
    assert _off < 1e-5 * _lam[-1], (
        "Along the axes that are kept the model must vary exactly as the data"
        " do."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "mended-sample", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_m = PPCA().fit(np.array([[4.0, 1], [0.0, 1.0], [2.0, 2.0], [2.0, 0.0]]), 1)
assert np.allclose(_m.sample(np.zeros((3, 1)), np.zeros((3, 2))), [2.0, 1.0]), (
    "Without noise every draw is the mean."
)
### BEGIN HIDDEN TESTS
_m.mu, _m.Lambda, _m.var = (
    np.array([1.0, -1.0, 0.0]),
    np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]]),
    0.09,
)
_z, _e = np.eye(2), np.eye(3)
_moved = _m.sample(_z, np.zeros((2, 3))) - _m.mu
assert np.allclose(_moved, _m.Lambda.T), (
    "A latent number moves the example along its column of the loadings."
)
_noise = _m.sample(np.zeros((3, 2)), _e) - _m.mu
assert np.allclose(_noise, 0.3 * np.eye(3)), (
    "Compare the variance of the noise in the draws with the variance in the "
    "model."
)
_both = _m.sample(np.ones((1, 2)), np.ones((1, 3)))
assert np.allclose(_both, [[3.3, 1.3, 3.3]]), (
    "Mean, latent part and noise are added."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): a test that can fail
#
# A mended program is not proved by looking right. Write the test that would
# have caught the faults: `sound(draw, mu, Sigma)`.
#
# `draw(n, seed)` returns `n` independent examples of a sampler, shape `(n, D)`.
# The sampler claims the mean `mu`, shape `(D,)`, and the covariance `Sigma`,
# shape `(D, D)`, which is positive definite. Return `True` if the claim holds,
# else `False`.
#
# You may draw as many examples as you like, up to 20 000; $D \le 8$ here, and
# the features have all kinds of scales. What counts as a fault: along some
# direction $w$ the variance $w^\top \Sigma w$ is wrong by a factor of 1.5 or
# more (or $1/1.5$ and less), or the mean is off by half a standard deviation of
# that direction or more. A correct sampler must pass, whatever the seed of its
# dice. Its examples need not be Gaussian.


# %% nbgrader={"grade": false, "grade_id": "sound", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sound(draw, mu, Sigma):
    """True if the draws have this mean and covariance in every direction."""
    ### BEGIN SOLUTION
    # In white coordinates all directions have the same scale.
    L = np.linalg.cholesky(Sigma)
    white = np.linalg.solve(L, (draw(20_000, 0) - mu).T)
    off = np.linalg.norm(white.mean(axis=1))
    lam = np.linalg.eigvalsh(np.cov(white))
    return bool(off < 0.25 and lam[0] > 0.8 and lam[-1] < 1.25)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sound-passes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _gauss(mu, Sigma, spread=1.0, offset=0.0):
    _root = np.linalg.cholesky(Sigma)

    def draw(n, seed):
        _e = np.random.default_rng([seed, 7]).standard_normal((n, len(mu)))
        return mu + offset + spread * _e @ _root.T

    return draw


_mu, _S = np.zeros(2), np.array([[1.0, 0.5], [0.5, 2.0]])
assert sound(_gauss(_mu, _S), _mu, _S), (
    "A correct sampler must pass; estimates from draws are never exact."
)
assert not sound(_gauss(_mu, _S, spread=1.5), _mu, _S), (
    "This sampler is too wide by half in every direction."
)
### BEGIN HIDDEN TESTS
for _seed in range(8):
    _rng = np.random.default_rng(_seed)
    _G = _rng.standard_normal((8, 8))
    _S, _mu = _G @ _G.T + 0.05 * np.eye(8), 100 * _rng.standard_normal(8)
    _draw = _gauss(_mu, _S)
    assert sound(
        lambda n, seed, _d=_draw, _s=_seed: _d(n, seed + 1000 * _s), _mu, _S
    ), (
        "A correct sampler was refused; leave room for the noise of the "
        "estimates."
    )
    _L = np.linalg.cholesky(_S)

    def _flat(n, seed, _mu=_mu, _L=_L, _s=_seed):
        _e = np.random.default_rng([seed, _s]).uniform(
            -(3**0.5), 3**0.5, (n, 8)
        )
        return _mu + _e @ _L.T

    assert sound(_flat, _mu, _S), (
        "Examples that are not Gaussian may have the claimed moments all the "
        "same."
    )
_tiny = np.diag([1e-6, 1e4])
assert sound(
    _gauss(np.array([0.0, 1e3]), _tiny), np.array([0.0, 1e3]), _tiny
), "Features may have very different scales."
### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sound-refuses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _draws(mu, Sigma):
    _root = np.linalg.cholesky(Sigma)

    def draw(n, seed):
        _e = np.random.default_rng([seed, 11]).standard_normal((n, len(mu)))
        return mu + _e @ _root.T

    return draw


_mu, _S = np.zeros(2), np.array([[1.0, 0.5], [0.5, 2.0]])
assert sound(_draws(_mu, _S), _mu, _S), "A correct sampler must pass."
assert not sound(_draws(np.array([2.0, 0.0]), _S), _mu, _S), (
    "This sampler has the wrong mean."
)
assert not sound(_draws(_mu, 3 * _S), _mu, _S), (
    "This sampler is too wide in every direction."
)
### BEGIN HIDDEN TESTS
_S = np.array([[1.0, 0.8], [0.8, 1.0]])
assert not sound(_draws(_mu, _S), _mu, np.eye(2)), (
    "A sampler with the right variances and too much correlation was let "
    "through."
)
assert not sound(_draws(_mu, np.eye(2)), _mu, _S), (
    "A sampler with the right variances and no correlation was let through."
)
assert not sound(_draws(_mu, _S * [[1, -1], [-1, 1]]), _mu, _S), (
    "A sampler with correlations of the wrong sign was let through."
)
for _seed in range(4):
    _rng = np.random.default_rng(20 + _seed)
    _Q = np.linalg.qr(_rng.standard_normal((5, 5)))[0]
    _lam = np.array([0.01, 0.02, 1.0, 10.0, 100.0])
    _S = (_Q * _lam) @ _Q.T
    _mu = _rng.standard_normal(5)
    assert sound(_draws(_mu, _S), _mu, _S), "A correct sampler was refused."
    for _k, _factor in ((0, 2.0), (1, 0.4), (4, 0.5)):
        _other = _lam.copy()
        _other[_k] *= _factor
        assert not sound(_draws(_mu, (_Q * _other) @ _Q.T), _mu, _S), (
            "A fault along one direction, small beside the others, was let "
            "through."
        )
    _off = 0.8 * _lam[0] ** 0.5 * _Q[:, 0]
    assert not sound(_draws(_mu + _off, _S), _mu, _S), (
        "A mean that is off along a direction of small variance was let "
        "through."
    )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): what comes back
#
# A feature that another half of the data does not find again says little.
# Compare two fits with $M$ directions each, the rows of `W_1` and `W_2`, both
# of shape `(M, D)` with $M \le D$.
#
# Write `agreement(W_1, W_2)`. It returns two numbers between 0 and 1:
#
# - *features*: match the rows of `W_1` with those of `W_2` one to one, so that
#   the sum of $\lvert\cos\rvert$ of the angles between partners is as large as
#   possible. Return the mean of these $M$ numbers. Neither order, nor sign, nor
#   length of a row matters.
# - *span*: the mean of the squared cosines of the $M$ principal angles between
#   the two spaces that the rows span. If $U_1, U_2$ hold orthonormal bases of
#   the spaces as rows, these cosines are the singular values of $U_1 U_2^\top$.
#   The rows of the arguments are linearly independent. They need not be
#   orthogonal.
#
# `scipy.optimize.linear_sum_assignment` is imported as `linear_sum_assignment`.


# %% nbgrader={"grade": false, "grade_id": "agreement", "locked": false, "schema_version": 3, "solution": true, "task": false}
def agreement(W_1, W_2):
    """How well features, and the spaces they span, agree: two numbers."""
    ### BEGIN SOLUTION
    unit_1, unit_2 = (
        W / np.linalg.norm(W, axis=1, keepdims=True) for W in (W_1, W_2)
    )
    cosines = np.abs(unit_1 @ unit_2.T)
    partners = linear_sum_assignment(cosines, maximize=True)
    U_1, U_2 = (np.linalg.qr(W.T)[0] for W in (W_1, W_2))
    return cosines[partners].mean(), np.square(U_1.T @ U_2).sum() / len(W_1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "agreement-features", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_W = np.eye(4)[:3]
assert np.isclose(agreement(_W, _W)[0], 1), "A fit agrees with itself."
assert np.isclose(agreement(_W, -3 * _W[::-1])[0], 1), (
    "Order, sign and length of the rows must not matter."
)
### BEGIN HIDDEN TESTS
_s = 0.5**0.5
_turned = np.array([[_s, _s, 0, 0], [_s, -_s, 0, 0]])
assert np.isclose(agreement(_W[:2], _turned)[0], _s), (
    "Two features turned by 45 degrees share a cosine each."
)
# the best pair is no part of the best matching
_W_1 = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0]])
_W_2 = np.array([[0.9, -(0.19**0.5), 0.0], [0.95, 0.0, 0.0975**0.5]])
_C = np.abs(_W_1 @ _W_2.T)
_best = max(_C[0, 0] + _C[1, 1], _C[0, 1] + _C[1, 0]) / 2
assert np.isclose(agreement(_W_1, _W_2)[0], _best), (
    "Taking the best pair first can spoil the rest of the matching."
)
for _seed in range(5):
    _rng = np.random.default_rng(_seed)
    _W_1, _W_2 = _rng.standard_normal((2, 4, 6))
    _C = np.abs(_W_1 @ _W_2.T) / np.outer(
        np.linalg.norm(_W_1, axis=1), np.linalg.norm(_W_2, axis=1)
    )
    _best = max(
        _C[np.arange(4), list(o)].mean() for o in permutations(range(4))
    )
    assert np.isclose(agreement(_W_1, _W_2)[0], _best), (
        "Every row has one partner, and no partner serves twice."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "agreement-span", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_W, _c, _s = np.eye(3)[:2], np.cos(0.3), np.sin(0.3)
_turned = np.array([[_c, _s], [-_s, _c]]) @ _W
assert np.isclose(agreement(_W, _turned)[1], 1), (
    "A turn within the space does not change the space."
)
_lifted = np.array([[1.0, 0.0, 0.0], [0.0, _c, _s]])
assert np.isclose(agreement(_W, _lifted)[1], (1 + _c**2) / 2), (
    "One of the two principal angles is zero, the other 0.3."
)
### BEGIN HIDDEN TESTS
_W_2 = np.array([[1.0, 0.2, 0.0], [0.9, 0.4, 0.0]])
assert np.isclose(agreement(_W, _W_2)[1], 1), (
    "Rows that are not orthogonal span a space all the same."
)
for _seed in range(5):
    _rng = np.random.default_rng(_seed)
    _W_1, _W_2 = _rng.standard_normal((2, 3, 7))
    _P, _R = (V.T @ np.linalg.inv(V @ V.T) @ V for V in (_W_1, _W_2))
    assert np.isclose(agreement(_W_1, _W_2)[1], np.trace(_P @ _R) / 3), (
        "Take orthonormal bases of both spaces first."
    )
### END HIDDEN TESTS

# %% [markdown]
# Principal components of two halves of the digits, beside the same components
# turned at random. A rotation changes neither the likelihood nor the span.

# %%
halves = train[::2], train[1::2]
W_1, W_2 = (np.linalg.eigh(np.cov(v.T))[1][:, -8:].T for v in halves)
turn = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0]
for name, W in {"PCA": W_2, "turned": turn @ W_2}.items():
    features, span = agreement(W_1, W)
    print(f"{name:7} features {features:.2f}, span {span:.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): a fair table
#
# Write `fair_table(draws, real, metric, n, seeds)`, an honest comparison.
#
# - `draws`: a dictionary; `draws[name](n, seed)` returns `n` examples of a
#   model.
# - `real`: held-out examples, shape `(N, D)` with $N \ge 2n$. No two rows are
#   equal.
# - `metric(made, reference)` returns a number, lower is better.
#
# For every seed in `seeds` choose `2 * n` different real rows at random; a
# generator made from the seed does it. The first `n` of them are the
# *reference* of this seed, for all models. The other `n` are the *floor*: what
# a perfect model would draw. Call each model once a seed, with that seed, and
# measure model and floor against the reference.
#
# Return a dictionary: for each model its *excess*, the pair
# `(mean, standard_error)` over the seeds of the model's distance minus that of
# the floor, and under the name `"floor"` the pair for the floor's distance
# itself. A standard error is the standard deviation (divided by the number of
# seeds minus one) over the root of the number of seeds. There are two seeds or
# more.


# %% nbgrader={"grade": false, "grade_id": "fair-table", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fair_table(draws, real, metric, n, seeds):
    """By name, mean and standard error of the excess over the floor."""
    ### BEGIN SOLUTION
    found = {name: [] for name in ("floor", *draws)}
    for seed in seeds:
        chosen = np.random.default_rng(seed).permutation(len(real))[: 2 * n]
        reference, floor = real[chosen[:n]], real[chosen[n:]]
        found["floor"].append(metric(floor, reference))
        for name, draw in draws.items():
            distance = metric(draw(n, seed), reference)
            found[name].append(distance - found["floor"][-1])
    return {
        name: (np.mean(v), np.std(v, ddof=1) / np.sqrt(len(v)))
        for name, v in found.items()
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fair-table-protocol", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_real, _calls, _asked = np.arange(80.0).reshape(40, 2), [], []


def _spy(made, reference):
    _calls.append((np.array(made), np.array(reference)))
    return 1.0


def _ask(name, value):
    def draw(n, seed):
        _asked.append((name, n, seed))
        return np.full((n, 2), value)

    return draw


_table = fair_table(
    {"a": _ask("a", -1.0), "b": _ask("b", -2.0)}, _real, _spy, 10, [3, 4, 5]
)
assert set(_table) == {"a", "b", "floor"}, (
    "The table has a row for each model and one for the floor."
)
assert len(_asked) == 6, "Each model is asked once for every seed."
### BEGIN HIDDEN TESTS
assert sorted(_asked) == [(m, 10, s) for m in "ab" for s in (3, 4, 5)], (
    "Models are asked for n examples, with the seed of the run."
)
_by_reference = {}
for _made, _reference in _calls:
    assert len(_made) == len(_reference) == 10, (
        "All samples must have the same size, or biases differ."
    )
    _by_reference.setdefault(_reference.tobytes(), []).append(_made)
assert len(_by_reference) == 3, (
    "All models of a run share one reference, and every run has a new one."
)
for _bytes, _group in _by_reference.items():
    _reference = np.frombuffer(_bytes).reshape(10, 2)
    _floor = [m for m in _group if m.min() >= 0]
    assert len(_floor) > 0, "The floor is real data, measured in every run."
    assert len(_group) - len(_floor) == 2, "Every model is measured once a run."
    _used = np.r_[_reference, _floor[0]]
    assert len(np.unique(_used[:, 0])) == 20, (
        "Reference and floor must not share a row."
    )
    assert np.isin(_used[:, 0], _real[:, 0]).all(), (
        "Reference and floor are rows of the held-out data."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "fair-table-numbers", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_one = np.arange(60.0)[:, None]
_table = fair_table(
    {"m": lambda n, seed: np.full((n, 1), -1.0 - seed)},
    _one,
    lambda a, b: -a.mean() if a.min() < 0 else 0.0,
    20,
    [0, 1, 2],
)
assert np.allclose(_table["floor"], (0, 0)), (
    "With a floor of zero in every run its mean and standard error are zero."
)
assert np.allclose(_table["m"], (2, 1 / 3**0.5)), (
    "Distances 1, 2 and 3 have the mean 2 and a standard error of one over "
    "root three."
)
### BEGIN HIDDEN TESTS
_floors = {}


def _noisy(made, reference):
    _base = np.abs(np.mean(reference)) / 7
    _value = _base + (0.25 if made.min() >= 0 else float(made[0, 0] % 1))
    if made.min() >= 0:
        _floors[np.array(reference).tobytes()] = _value
    return _value


_table = fair_table(
    {"m": lambda n, seed: np.full((n, 1), -3.0 + (0.3, 0.8, 0.5, 0.6)[seed])},
    _one,
    _noisy,
    20,
    [0, 1, 2, 3],
)
_right = 0.3, np.std([0.3, 0.8, 0.5, 0.6], ddof=1) / 2
assert np.allclose(_table["m"], _right), (
    "Subtract the floor run by run, then take the standard error of the "
    "differences."
)
_floors = list(_floors.values())
_right = np.mean(_floors), np.std(_floors, ddof=1) / 2
assert np.allclose(_table["floor"], _right), (
    "The floor's row holds its own distance, with its spread."
)
### END HIDDEN TESTS

# %% [markdown]
# Three models of digits in blocks, five seeds, 200 images each. The metric is
# the squared Fréchet distance. Which differences are larger than their noise?


# %%
def frechet(made, reference):
    """Squared Fréchet distance of two samples."""
    both = [(v.mean(axis=0), np.cov(v.T)) for v in (made, reference)]
    return gaussian_frechet(*both[0], *both[1])


def one_gaussian(n, seed):
    """Draws with the moments of all training images."""
    rng, x = np.random.default_rng(seed), blocks(train)
    return rng.multivariate_normal(x.mean(axis=0), np.cov(x.T), n)


def independent(n, seed):
    """Every feature copied from a training image of its own."""
    x = blocks(train)
    return np.random.default_rng(seed).permuted(x, axis=0)[:n]


def memoriser(n, seed):
    """Training images."""
    return np.random.default_rng(seed).permutation(blocks(train))[:n]


models = {f.__name__: f for f in (one_gaussian, independent, memoriser)}
held_out = blocks(test)
for name, v in fair_table(models, held_out, frechet, 200, range(5)).items():
    print(f"{name:13} {v[0]:7.4f} ± {v[1]:.4f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (3 points): a claim to take apart
#
# > "Our model is better than its rival and easier to interpret. Its FID against
# > the training set is 2.1 with 50 000 samples; the rival's paper reports 2.9
# > with 10 000. The mutual information gap of our features is 0.41, the best of
# > 20 seeds."
#
# Marked by hand. Name three flaws of this claim. Say for each, in one or two
# sentences, why it is one and what you would measure instead.

# %% [markdown] nbgrader={"grade": true, "grade_id": "claim", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. *Different sizes.* The Fréchet distance is biased upwards, and the bias
#    falls with the number of samples, so 10 000 samples score worse than 50 000
#    from the same model. Draw equally many from both models, measure them with
#    one feature network and one program, and print the floor between two real
#    samples. Repeat it with several seeds.
# 2. *Against the training set.* A model that copies has a distance of nearly
#    zero. Measure against held-out data, and add a copying score.
# 3. *The best of 20 seeds.* The gap depends on the seed more than on anything
#    else, and to choose by it one has to know the factors. Report the mean and
#    the spread over all seeds, for the rival as well, or choose by labels that
#    are not used for the score. Besides, the gap does not contain the
#    generator: it says nothing about samples, and "better" needs measures of
#    fidelity and coverage.
