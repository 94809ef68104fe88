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
# # Groups and components
#
# Better a grouping one example at a time, catch a wrong entry in a table, mend
# a broken compressor, and compare methods that learn from a few labels.
#
# **You need** the chapters *Clusters and maps*, *Dimension reduction* and
# *Semi-supervised learning*. There are 20 points, in about 90 minutes.
#
# All arrays are NumPy arrays, data sets have one example a row, and the
# symbols are those of the chapters. Points are given by the cells with tests:
# each cell is one mark. A few tests stay hidden until the sheet is graded.

# %%
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course.data import breast_cancer, digits, wine
from course.models.kmeans import KMeans
from course.models.pca import PCA
from course.models.ppca import PPCA
from course.models.semi_supervised import LabelPropagation

wines = (wine().x - wine().x.mean(axis=0)) / wine().x.std(axis=0)
train, test = (
    digits(part)[0].reshape(-1, 64).astype(float) for part in ("train", "test")
)

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): one example changes sides
#
# Lloyd's algorithm moves all examples, then all centres. Hartigan looks at one
# example at a time: if $x_n$ alone leaves its cluster $k$ for cluster $l$, and
# both centres are moved to their new means *at once*, by how much does
# $\mathcal J = \sum_n \lVert x_n - \mu_{z_n}\rVert^2$ change?
#
# Derive it: how does the inertia of one cluster change when an example joins
# it, and when one leaves it? The answer needs the old means $\bar x_k$, the
# old counts $N_k$ and two squared distances.
#
# Write `change(X, z, K)`, where `X` has shape (N, D) and `z`, shape (N,),
# holds cluster numbers from 0 to K - 1. Return an array of shape (N, K): entry
# (n, l) is the change of $\mathcal J$ if example n moves to cluster l and
# nothing else moves. A negative entry means that $\mathcal J$ falls. Staying
# changes nothing: entry (n, z[n]) is 0. An empty cluster counts nothing in
# $\mathcal J$. So a move into an empty cluster, or out of a cluster that
# has only this example, is allowed too. No entry may be NaN or infinite.


# %% nbgrader={"grade": false, "grade_id": "change", "locked": false, "schema_version": 3, "solution": true, "task": false}
def change(X, z, K):
    """The change of J for every move of one example, shape (N, K)."""
    ### BEGIN SOLUTION
    rows, N_k = np.arange(len(X)), np.bincount(z, minlength=K)
    sums = np.zeros((K, X.shape[1]))
    np.add.at(sums, z, X)
    means = sums / np.maximum(N_k, 1)[:, None]
    square = ((X[:, None] - means) ** 2).sum(axis=2)
    join = square * N_k / (N_k + 1)
    own = N_k[z]
    leave = square[rows, z] * own / np.maximum(own - 1, 1)
    found = join - leave[:, None]
    found[rows, z] = 0
    return found
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "change-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_X, _z = np.array([[0.0], [2.0], [6.0]]), np.array([0, 0, 1])
_found = change(_X, _z, 2)
assert np.shape(_found) == (3, 2), "One row an example, one column a cluster."
assert np.isclose(_found[1, 1], 6.0), (
    "Before the move J is 2; with 2 and 6 together it is 8."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(0)
_X, _z = _rng.randn(24, 3) + 5, np.arange(24) % 4


def _inertia(X, z):
    groups = (X[z == k] for k in set(z.tolist()))
    return sum(((g - g.mean(axis=0)) ** 2).sum() for g in groups)


_wanted = np.zeros((24, 4))
for _n in range(24):
    for _l in range(4):
        _moved = _z.copy()
        _moved[_n] = _l
        _wanted[_n, _l] = _inertia(_X, _moved) - _inertia(_X, _z)
_found = np.asarray(change(_X.copy(), _z.copy(), 4))
_stay = _found[np.arange(24), _z]
assert np.allclose(_stay, 0, atol=1e-8), (
    "An example that stays changes nothing."
)
assert np.allclose(_found, _wanted, atol=1e-6), (
    "Compare with J before and after a move, both with the means moved too."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "change-edges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_X, _z = np.array([[0.0], [2.0], [6.0]]), np.array([0, 0, 1])
with np.errstate(all="ignore"):
    _found = np.asarray(change(_X, _z, 3))
assert np.isfinite(_found).all(), "A cluster of one, or of none, needs care."
### BEGIN HIDDEN TESTS
_wanted = [[0, 16, -2], [0, 6, -2], [50 / 3, 0, 0]]
assert np.allclose(_found, _wanted, atol=1e-8), (
    "A cluster of one has inertia 0, and so has an empty one."
)
### END HIDDEN TESTS

# %% [markdown]
# Where Lloyd's algorithm has ended, is there still a single move that helps?
# Twelve centres, five starts, the wines in units of their standard
# deviations:

# %%
fits = [KMeans(12, n_init=1, random_state=s).fit(wines) for s in range(5)]
gains = [-change(wines, m.labels_, 12).min() for m in fits]
print("ends that one move betters:", sum(g > 1e-9 for g in gains), "of 5")

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): which entry is wrong?
#
# A table of measurements was typed by hand, and one entry of a row is wrong.
# Each entry alone looks possible. Only the others give it away. So compare
# $x_d$ with what the *other* features say, under probabilistic PCA,
# $p(x) = \mathcal N(x; \mu, \Lambda\Lambda^\top + \sigma^2 I)$:
#
# $$u_d = \frac{x_d - \mathbb E[x_d \mid x_{-d}]}
# {\sqrt{\mathrm{Var}[x_d \mid x_{-d}]}}$$
#
# where $x_{-d}$ are all features but $d$. Derive that both moments can be read
# off the matrix $Q = \Sigma^{-1}$: in $\log p(x)$, keep the terms with $x_d$,
# and complete the square. Then avoid the inverse of a $D \times D$ matrix: for
# $\Sigma = \Lambda\Lambda^\top + \sigma^2 I$,
#
# $$\Sigma^{-1} = \frac1{\sigma^2}\Bigl(I - \Lambda
# (\sigma^2 I + \Lambda^\top\Lambda)^{-1} \Lambda^\top\Bigr).$$
#
# Write `surprise(X, mu, Lambda, var)` with `X` of shape (N, D), `mu` (D,),
# `Lambda` (D, M) and `var` the number $\sigma^2$. Return $u$ for every entry,
# with its sign, shape (N, D). It has to work for thousands of features:
# the second cell checks that you never hold an array of $D \times D$ numbers.


# %% nbgrader={"grade": false, "grade_id": "surprise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def surprise(X, mu, Lambda, var):
    """Every entry against what its row's other entries say, shape (N, D)."""
    ### BEGIN SOLUTION
    M = Lambda.shape[1]
    G = np.linalg.solve(var * np.eye(M) + Lambda.T @ Lambda, Lambda.T)  # (M, D)
    d = X - mu
    Qd = (d - (d @ Lambda) @ G) / var
    q = (1 - (Lambda.T * G).sum(axis=0)) / var  # the diagonal of Q
    return Qd / np.sqrt(q)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "surprise-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_L = np.array([[1.0], [1.0]])  # Sigma = [[2, 1], [1, 2]] for var = 1
_u = surprise(np.array([[1.0, 1.0], [0.0, 3.0]]), np.zeros(2), _L, 1.0)
assert np.shape(_u) == (2, 2), "One number for each entry of X."
assert np.allclose(_u[0], 0.5 / np.sqrt(1.5)), (
    "Given x_2 = 1, feature 1 has mean 0.5 and variance 1.5."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(1)
_L, _mu, _X = _rng.randn(6, 2), _rng.randn(6), 2 * _rng.randn(5, 6)
_S = _L @ _L.T + 0.3 * np.eye(6)
_u = np.asarray(surprise(_X.copy(), _mu, _L, 0.3))
for _d in range(6):
    _o = np.delete(np.arange(6), _d)
    _R = np.linalg.solve(_S[np.ix_(_o, _o)], _S[_o, _d])
    _mean = _mu[_d] + (_X[:, _o] - _mu[_o]) @ _R
    _sd = np.sqrt(_S[_d, _d] - _R @ _S[_o, _d])
    assert np.allclose(_u[:, _d], (_X[:, _d] - _mean) / _sd, atol=1e-6), (
        "Leave the entry itself out of what predicts it, and keep the sign."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "surprise-large", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_D = 2000
_rng = np.random.RandomState(2)
_L, _X = _rng.randn(_D, 3), _rng.randn(2, _D)
tracemalloc.start()
try:
    _u = np.asarray(surprise(_X, np.zeros(_D), _L, 0.5))
    _peak = tracemalloc.get_traced_memory()[1]
finally:
    tracemalloc.stop()
assert _u.shape == (2, _D), "Return one number for each entry of X."
assert _peak < _D**2 * 8 / 2, "A D x D array of numbers was made on the way."
### BEGIN HIDDEN TESTS
_z = np.linalg.solve(0.5 * np.eye(3) + _L.T @ _L, _L.T @ _X.T)
_q = 1 - np.einsum(
    "dm,mk,dk->d", _L, np.linalg.inv(0.5 * np.eye(3) + _L.T @ _L), _L
)
_wanted = (_X - (_L @ _z).T) / np.sqrt(0.5 * _q)
assert np.allclose(_u, _wanted, atol=1e-6), "The numbers are off for large D."
### END HIDDEN TESTS

# %% [markdown]
# Thirty measurements of cell nuclei. In each row of the held-out part, one
# entry is exchanged for that of another patient. How often has the wrong
# entry the largest $\lvert u\rvert$, and how often is it the one farthest from
# its column's mean?

# %%
for seed in range(3):
    rng = np.random.RandomState(seed)
    cells = rng.permutation(breast_cancer().x)
    cells = (cells - cells[:340].mean(axis=0)) / cells[:340].std(axis=0)
    fitted, typed = PPCA(15).fit(cells[:340]), cells[340:].copy()
    rows, wrong = np.arange(len(typed)), rng.randint(30, size=len(typed))
    typed[rows, wrong] = typed[rng.permutation(rows), wrong]
    theta = fitted.mean_, fitted.loadings_, fitted.noise_variance_
    for name, u in {"others": surprise(typed, *theta), "alone": typed}.items():
        hit = (abs(u).argmax(axis=1) == wrong).mean()
        print(f"judged by {name}: {hit:.2f}", end="  ")
    print()

# %% [markdown]
# ## A broken compressor
#
# The next cell holds a program for sending images as `M` numbers. It runs, its
# author tested it on the training images, and it is wrong in two places.


# %%
class Compressor(NamedTuple):
    """What a compressor offers.

    encode: rows (n, D) to codes (n, M); decode: codes to rows;
    share: the share of the variance of the training rows that is kept.
    """

    encode: Callable
    decode: Callable
    share: float


def faulty(X, M):
    """A Compressor for rows like X, with codes of M numbers."""
    mu = X.mean(axis=0)
    _, s, W = np.linalg.svd(X - mu, full_matrices=False)
    W = W[:M]

    def encode(x):
        return (x - x.mean(axis=0)) @ W.T

    def decode(z):
        return mu + z @ W

    return Compressor(encode, decode, s[:M].sum() / s.sum())


def loss(sender, x):
    """Mean squared distance of rows to what arrives."""
    return ((sender.decode(sender.encode(x)) - x) ** 2).sum(axis=1).mean()


sender, honest = faulty(train, 8), PCA(8).fit(train)
print(f"training images: {loss(sender, train):.3f}, as PCA of the package:",
      f"{honest.reconstruction_error(train).mean():.3f}")  # fmt: skip
single = np.mean([loss(sender, test[n : n + 1]) for n in range(100)])
print(f"100 test images, sent one by one: {single:.3f}, package:",
      f"{honest.reconstruction_error(test[:100]).mean():.3f}")  # fmt: skip
print(f"share {sender.share:.3f}, package:",
      f"{honest.explained_variance_ratio_.sum():.3f}")  # fmt: skip

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (1 point): prove that it is broken
#
# A healthy compressor has one mean $\mu$ and one matrix $W$ with orthonormal
# rows, both fixed when it was fitted, and does $z = W(x - \mu)$,
# $\hat x = \mu + W^\top z$. You cannot see $\mu$ and $W$ from outside.
#
# Write `evidence(compressor, X)`, where `X` has at least two different rows
# that the compressor was not fitted to. Return one number, found by calling
# `encode` and `decode` alone: it is 0 (below $10^{-8}$) for *every* healthy
# compressor, good or bad at its task, and above 0.1 for `faulty` on test
# images.


# %% nbgrader={"grade": false, "grade_id": "evidence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def evidence(compressor, X):
    """0 for every healthy compressor, a positive number for the faulty one."""
    ### BEGIN SOLUTION
    alone = np.concatenate([compressor.encode(x[None]) for x in X])
    return np.abs(alone - compressor.encode(X)).max()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "evidence-both", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert evidence(faulty(train, 8), test[:20]) > 0.1, (
    "Your number does not notice the fault: use the compressor in two ways "
    "that should agree."
)
_pca = PCA(8).fit(train)
_good = Compressor(_pca.transform, _pca.inverse_transform, 0.0)
assert abs(evidence(_good, test[:20])) < 1e-8, (
    "Your number accuses a healthy compressor."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(0)
_W, _mu = np.linalg.qr(_rng.randn(13, 4))[0].T, _rng.randn(13)
_poor = Compressor(lambda x: (x - _mu) @ _W.T, lambda z: _mu + z @ _W, 0.0)
assert abs(evidence(_poor, wines[:9])) < 1e-8, (
    "A healthy compressor may lose much, and its rows may have any mean."
)
assert evidence(faulty(wines[50:], 3), wines[:9]) > 0.1, (
    "The fault goes unnoticed on other data."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): mend it
#
# Write `mended(X, M)` with both faults repaired. It returns a `Compressor`
# whose `encode` takes rows of shape (n, D), also a single one, to codes
# (n, M), whose `decode` goes back, and whose `share` is
# $(\lambda_1 + \dots + \lambda_M) / (\lambda_1 + \dots + \lambda_D)$ of the
# rows `X`. The signs of the code do not matter.


# %% nbgrader={"grade": false, "grade_id": "mended", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended(X, M):
    """A healthy Compressor for rows like X, with codes of M numbers."""
    ### BEGIN SOLUTION
    mu = X.mean(axis=0)
    _, s, W = np.linalg.svd(X - mu, full_matrices=False)
    W = W[:M]

    def encode(x):
        return (x - mu) @ W.T

    def decode(z):
        return mu + z @ W

    return Compressor(encode, decode, (s[:M] ** 2).sum() / (s**2).sum())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mended-encode", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_sender, _one = mended(train, 8), test[:1]
assert np.shape(_sender.encode(_one)) == (1, 8), "One row, one code of M."
_lost = ((_sender.decode(_sender.encode(_one)) - _one) ** 2).sum()
assert np.isclose(_lost, PCA(8).fit(train).reconstruction_error(_one)[0]), (
    "A single image does not come back as PCA would send it."
)
### BEGIN HIDDEN TESTS
for _X, _new, _M in ((wines[:120], wines[120:], 5), (train[:40], test[:9], 12)):
    _sender, _pca = mended(_X.copy(), _M), PCA(_M).fit(_X)
    _wanted = _pca.inverse_transform(_pca.transform(_new))
    _all = _sender.decode(_sender.encode(_new))
    assert np.allclose(_all, _wanted, atol=1e-6), (
        "New rows must be coded with what was learnt from the training rows."
    )
    _each = [_sender.decode(_sender.encode(x[None]))[0] for x in _new]
    assert np.allclose(_each, _wanted, atol=1e-6), (
        "The company in which a row is sent changes what arrives."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "mended-share", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_ratio = PCA().fit(train).explained_variance_ratio_
assert np.isclose(mended(train, 8).share, _ratio[:8].sum()), (
    "The share of the variance is not right: what are singular values, "
    "and what are eigenvalues of the covariance?"
)
### BEGIN HIDDEN TESTS
for _M in (1, 6, 13):
    _ratio = PCA().fit(wines[:100]).explained_variance_ratio_[:_M].sum()
    assert np.isclose(mended(wines[:100], _M).share, _ratio), (
        "The share is wrong for other data or other M."
    )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): labels that are hidden once
#
# Label propagation has a width to choose, and hidden labels must not choose
# it. The given labels can: hide one of them, let the others find it, and do so
# for each.
#
# Write `hide_each(W, y)`. `W`, shape (N, N), holds the weights of a graph:
# symmetric, non-negative, with zeros on the diagonal, and every point has a
# path to every other. `y`, shape (N,), holds classes 0, ..., K - 1, and -1
# where no class is known; K is the largest class plus one, and at least
# two labels are given. Return an array of shape (L, K) for the L labelled
# points, in their order in `y`. Its row for point i is the harmonic solution
# $F_i$ (the minimum of $E(F)$ with the labels held fixed) when *its* label
# alone is unknown. Point i stays in the graph. Solve linear systems: do not
# iterate. There may be no other unlabelled point at all.


# %% nbgrader={"grade": false, "grade_id": "hide-each", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hide_each(W, y):
    """F_i of each labelled point, found from the other labels: (L, K)."""
    ### BEGIN SOLUTION
    Y = (y[:, None] == np.arange(y.max() + 1)).astype(float)
    laplacian = np.diag(W.sum(axis=1)) - W
    rows = []
    for i in np.flatnonzero(y >= 0):
        u = y == -1
        u[i] = True
        right = W[np.ix_(u, ~u)] @ Y[~u]
        F_u = np.linalg.solve(laplacian[np.ix_(u, u)], right)
        rows.append(F_u[u[:i].sum()])
    return np.array(rows)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "hide-each-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_chain = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
_F = hide_each(_chain, np.array([0, -1, 1, -1, 0]))
assert np.shape(_F) == (3, 2), "One row for each label, one column a class."
assert np.allclose(_F, [[0, 1], [1, 0], [0, 1]]), (
    "In a chain of five, the label that is hidden is found from its neighbours."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(3)
_W = _rng.rand(14, 14) * (_rng.rand(14, 14) < 0.5)
_W = _W + _W.T + np.diag(np.full(13, 0.2), 1) + np.diag(np.full(13, 0.2), -1)
np.fill_diagonal(_W, 0)
_y = np.array([-1, 2, -1, 0, 0, -1, 1, -1, -1, 1, -1, 2, -1, 0])
_F, _P = np.asarray(hide_each(_W.copy(), _y.copy())), _W / _W.sum(1)[:, None]
_known = np.flatnonzero(_y >= 0)
assert _F.shape == (7, 3), "One row for each label, one column a class."
for _row, _i in zip(_F, _known, strict=True):
    _Y = np.eye(3)[_y] * (_y >= 0)[:, None]
    _hold = (_y >= 0) & (np.arange(14) != _i)
    _G = _Y * _hold[:, None]
    for _ in range(3000):
        _G = np.where(_hold[:, None], _Y, _P @ _G)
    assert np.allclose(_row, _G[_i], atol=1e-6), (
        "Hide the label and nothing else: the point keeps its edges."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "hide-each-known", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_F = hide_each(
    np.array([[0.0, 1, 3], [1, 0, 2], [3, 2, 0]]), np.array([0, 1, 1])
)
assert np.allclose(_F[1], [1 / 3, 2 / 3]), (
    "With all other labels known, the answer is the mean of the neighbours."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_F, [[0, 1], [1 / 3, 2 / 3], [0.6, 0.4]], atol=1e-8), (
    "Weigh the neighbours by the edges."
)
_ring = np.roll(np.eye(4), 1, axis=1) + np.roll(np.eye(4), -1, axis=1)
_F = np.asarray(hide_each(_ring, np.array([0, 2, -1, 1])))
assert np.allclose(_F, [[0, 0.5, 0.5], [2 / 3, 1 / 3, 0], [2 / 3, 0, 1 / 3]]), (
    "A class with a single label cannot be found again, and has score 0."
)
### END HIDDEN TESTS

# %% [markdown]
# Forty labels among 300 digits, and the width of the kernel: what the labels
# say of themselves, beside what we could not know.

# %%
images, classes = digits(split="stratified", part="train")
images, classes = images[:300].reshape(300, 64).astype(float), classes[:300]
known = np.where(np.arange(300) < 40, classes, -1)
square = ((images[:, None] - images) ** 2).sum(axis=2)
for gamma in (0.1, 0.3, 1.0, 3.0):
    W = np.exp(-gamma * square) * (1 - np.eye(300))
    found = hide_each(W, known).argmax(axis=1) == known[:40]
    all_of_them = LabelPropagation(gamma=gamma).fit(images, known)
    right = (all_of_them.transduction_ == classes)[40:].mean()
    print(f"gamma {gamma}: hidden once {found.mean():.2f}, truth {right:.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): a fair contest
#
# Methods that label many points from a few labels are to be compared. Write
# `contest(methods, X, classes, each, seeds)`.
#
# - `methods` is a list of functions. Each is called as `method(X, y)` and
#   returns a class for every row of `X`, shape (N,).
# - `X` has shape (N, D); `classes`, shape (N,), holds the true classes
#   0, ..., K - 1.
# - For each seed, `each` examples of every class are chosen at random. Their
#   classes stand in `y`; all other entries of `y` are -1. Every method of one
#   seed is given the same `y`. Another seed draws other labels, and a seed
#   gives the same draw whenever `contest` is called.
#
# Return an array of shape (number of seeds, number of methods): the share of
# right answers among the examples whose class the method was *not* given.


# %% nbgrader={"grade": false, "grade_id": "contest", "locked": false, "schema_version": 3, "solution": true, "task": false}
def contest(methods, X, classes, each, seeds):
    """Shares of hidden labels found, shape (seeds, methods)."""
    ### BEGIN SOLUTION
    shares = []
    for seed in seeds:
        rng, y = np.random.RandomState(seed), np.full(len(classes), -1)
        for k in np.unique(classes):
            members = np.flatnonzero(classes == k)
            y[rng.choice(members, each, replace=False)] = k
        right = [method(X, y.copy()) == classes for method in methods]
        shares.append([r[y == -1].mean() for r in right])
    return np.array(shares)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "contest-draws", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_truth, _seen = np.arange(60) % 3, []


def _spy(X, y):
    _seen.append(np.array(y))
    return np.zeros(len(y), int)


_X = np.zeros((60, 2))
_found = contest([_spy, _spy], _X, _truth, 4, [0, 1, 2])
assert np.shape(_found) == (3, 2), "One row a seed, one column a method."
assert len(_seen) == 6, "Every method is called once for each seed."
assert all(np.array_equal(_seen[i], _seen[i + 1]) for i in (0, 2, 4)), (
    "The methods of one seed were not given the same labels."
)
### BEGIN HIDDEN TESTS
for _y in _seen:
    _counts = np.bincount(_truth[_y >= 0], minlength=3)
    assert (_counts == 4).all(), "Draw the same number from every class."
    assert (_y[_y >= 0] == _truth[_y >= 0]).all(), "A given label is wrong."
    assert (_y[_y < 0] == -1).all(), "Mark an unknown class by -1."
assert not np.array_equal(_seen[0], _seen[2]), "Two seeds drew the same labels."
assert not np.array_equal(_seen[2], _seen[4]), "Two seeds drew the same labels."
_first, _seen = _seen, []
contest([_spy, _spy], _X, _truth, 4, range(3))
assert all(np.array_equal(_first[i], _seen[i]) for i in range(6)), (
    "Called again with the same seeds, the draws differ."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "contest-score", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_truth = np.repeat([0, 1], [30, 20])


def _right(X, y):
    return _truth.copy()


def _constant(X, y):
    return np.zeros(len(y), int)


_found = contest([_right, _constant], np.zeros((50, 1)), _truth, 5, [3, 4])
assert np.allclose(_found[:, 0], 1), "A method that is always right scores 1."
### BEGIN HIDDEN TESTS
assert np.allclose(_found[:, 1], 25 / 40, atol=1e-9), (
    "Count the answers on hidden labels only: given labels are no test."
)


def _parrot(X, y):
    return np.where(y >= 0, y, 1 - _truth)


_found = contest([_parrot], np.zeros((50, 1)), _truth, 5, [0])
assert np.allclose(_found, 0), "Repeating the given labels earns nothing."
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (1 point): a difference and its error
#
# Both methods of a seed see the same labels, so their shares rise and fall
# together. Write `paired(shares)` for an array of shape (S, 2). Return two
# numbers: the mean over seeds of the first column minus the second, and the
# standard error of *that mean* (from the standard deviation with $S - 1$).


# %% nbgrader={"grade": false, "grade_id": "paired", "locked": false, "schema_version": 3, "solution": true, "task": false}
def paired(shares):
    """Mean of first minus second column, and its standard error."""
    ### BEGIN SOLUTION
    d = shares[:, 0] - shares[:, 1]
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "paired-error", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_mean, _error = paired(np.array([[0.5, 0.4], [0.7, 0.6], [0.9, 0.8]]))
assert np.isclose(_mean, 0.1), "The mean of the differences is off."
assert abs(_error) < 1e-9, "Three equal differences have no spread."
### BEGIN HIDDEN TESTS
_s = np.random.RandomState(0).rand(7, 2)
_mean, _error = paired(_s)
_d = _s[:, 0] - _s[:, 1]
_sd = np.sqrt(((_d - _d.mean()) ** 2).sum() / 6)
assert np.isclose(_mean, _d.mean()), "The mean of the differences is off."
assert np.isclose(_error, _sd / np.sqrt(7)), (
    "The error of a mean is smaller than the spread of one difference."
)
### END HIDDEN TESTS

# %% [markdown]
# The contest: two labels of each digit. Who finds the others best: the nearest
# labelled image (the baseline, which ignores all others), propagation between
# images, or propagation between their codes of ten principal components? No
# label is used for the components.


# %%
def nearest(X, y):
    """The class of the nearest labelled row."""
    marks = np.flatnonzero(y >= 0)
    return y[marks[((X[:, None] - X[marks]) ** 2).sum(axis=2).argmin(axis=1)]]


def spread(X, y):
    """Labels spread over the graph of nearest neighbours."""
    return LabelPropagation("knn").fit(X, y).transduction_


def reduced(X, y):
    """The same on ten principal components."""
    return spread(PCA(10).fit(X).transform(X), y)


shares = contest([spread, nearest, reduced], images, classes, 2, range(5))
print("spread, nearest, reduced:", shares.mean(axis=0).round(3))
print("spread - nearest: {:.3f} +- {:.3f}".format(*paired(shares[:, :2])))
print("spread - reduced: {:.3f} +- {:.3f}".format(*paired(shares[:, ::2])))

# %% [markdown] tags=["exercise"]
# ## Exercise 8 (3 points): a report
#
# This answer is read by a person. A colleague writes: "We reduced the 30
# measurements of 569 patients to two principal components, fitted k-means with
# $K = 4$, and found four kinds of patients. The silhouette is positive, and a
# second run with the same seed gave the same groups. We therefore advise four
# therapies."
#
# Name three things that the report does not show, and for each the experiment
# that would show it. About six sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "report", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Units.* The measurements have different units; the components may follow
# the one with the largest numbers. Standardise with the training rows, repeat,
# and report the share of variance that two components keep on held-out rows.
#
# *Clusters at all.* K-means cuts any cloud, and even data give a positive
# silhouette. Compare with data without clusters, by the gap statistic, which
# can answer K = 1; choose K by it.
#
# *Stability.* The same seed must give the same groups, so the second run shows
# nothing. Fit with several seeds and on random halves, and compare the
# groupings by the adjusted Rand index.
#
# Also right: clusters are no classes. That groups need different therapies is
# a claim about outcomes, which nobody has looked at.
