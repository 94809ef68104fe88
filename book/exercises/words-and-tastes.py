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
# # Words and tastes
#
# You model words, captions and users, catch a likelihood that is too good to be
# true, and score recommenders without fooling yourself.
#
# **You need** the chapters *Text and recommendation* and *Conditional and
# multimodal models*. Symbols are those of the page *Notation*.
#
# **Time:** about 90 minutes. **Points:** 21 points in seven exercises, the last
# of them written and marked by hand.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them.
#
# All arrays are NumPy arrays of float64, one text, picture or user a row.
# Logarithms are natural.

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from course.data import (
    PlantedTastes,
    captioned_glyphs,
    hold_out,
    labelled_prose,
)
from course.metrics.ranking import recall_at_k
from course.models.recommender import ImplicitALS, ItemKNN, Popularity
from course.plotting import show_images, use_style

use_style()

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): how much to trust a small class
#
# A class has few texts, so its word table $\rho_k$, counts over their sum,
# gives probability zero to most words. Pseudo-counts pull it towards equal
# probabilities. It is better to pull it towards the table $\rho$ of *all*
# texts:
#
# $$p(w) = (1 - \lambda)\, \rho_{kw} + \lambda\, \rho_w .$$
#
# This is a mixture of two known tables, and held-out words of the class choose
# its weight $\lambda$, from 0 to 1. Write
# `mixing_weight(own, everything, counts)`. It returns the $\lambda$ that
# maximises the log-likelihood of the held-out words, $\sum_w c_w \log p(w)$,
# right to 0.002, at the ends of the interval as well. EM with one free number
# does it; so do other methods.
#
# `own` and `everything` are the two tables, shape `(D,)`; `counts` holds $c_w$,
# shape `(D,)`, not all zero. `everything` is positive wherever `counts` is;
# `own` may be zero. The tables differ in the words that are counted, so there
# is one best $\lambda$.


# %% nbgrader={"grade": false, "grade_id": "mixing-weight", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mixing_weight(own, everything, counts):
    """The weight of the common table that held-out words choose."""
    ### BEGIN SOLUTION
    seen = counts > 0
    a, b, c = own[seen], everything[seen], counts[seen]

    def slope(weight):  # falls as the weight grows: the objective is concave
        return (c * (b - a) / ((1 - weight) * a + weight * b)).sum()

    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mixing-weight-inside", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_own, _everything = np.array([1.0, 0.0]), np.array([0.5, 0.5])
_found = mixing_weight(_own, _everything, np.array([3.0, 1.0]))
# the second word has probability weight / 2 and a share of one quarter
assert np.isclose(_found, 0.5, atol=0.002), (
    "A word comes from either table; the weight is the share of words that "
    "come from the common one."
)
### BEGIN HIDDEN TESTS
for _seed in range(6):
    _rng = np.random.default_rng(_seed)
    _a, _b = _rng.dirichlet(np.full(30, 0.3)), _rng.dirichlet(np.full(30, 2.0))
    _a[_rng.random(30) < 0.3] = 0
    _a = _a / _a.sum()
    _mixed = (0.15 + 0.1 * _seed) * _b + (0.85 - 0.1 * _seed) * _a
    _c = 1.0 * _rng.multinomial(4000, _mixed)
    _grid = np.linspace(0.001, 1, 1000)[:, None]
    _value = np.log((1 - _grid) * _a + _grid * _b + 1e-300) @ _c
    _off = mixing_weight(_a, _b, _c) - _grid[_value.argmax(), 0]
    assert abs(_off) < 0.003, (
        "Another weight makes the held-out words more probable; is one step "
        "enough?"
    )
_same = np.array([0.2, 0.3, 0.5]), np.array([0.2, 0.5, 0.3])
_off = mixing_weight(*_same, np.array([50.0, 40.0, 40.0])) - 0.5
assert abs(_off) < 0.002, (
    "Words that are equally probable in both tables say nothing about the "
    "weight."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "mixing-weight-ends", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_own, _everything = np.array([0.9, 0.1]), np.array([0.5, 0.5])
_found = mixing_weight(_own, _everything, np.array([99.0, 1.0]))
assert np.isclose(_found, 0, atol=0.002), (
    "If the own table is the better one for these words, it gets all the "
    "weight."
)
### BEGIN HIDDEN TESTS
_found = mixing_weight(_own, _everything, np.array([1.0, 3.0]))
assert np.isclose(_found, 1, atol=0.002), (
    "If the words are less like the class than all texts are, the weight ends"
    " at one."
)
_own, _everything = np.array([1.0, 0.0, 0.0]), np.array([0.6, 0.3, 0.1])
_found = mixing_weight(_own, _everything, np.array([0.0, 2.0, 5.0]))
assert np.isclose(_found, 1, atol=0.002), (
    "Words that the own table has never seen can only come from the common one."
)
_own, _everything = np.array([0.7, 0.3, 0.0]), np.array([0.2, 0.2, 0.6])
_found = mixing_weight(_own, _everything, np.array([6.0, 3.0, 0.0]))
assert np.isclose(_found, 0, atol=0.002), (
    "A word that is not counted must not count, whatever its probability."
)
### END HIDDEN TESTS

# %% [markdown]
# Paragraphs of Python's help pages, five classes. Every second training text
# chooses the weights; the others make the tables. Compare with pseudo-counts,
# in nats a word of the test texts (lower is better) and in accuracy.

# %%
fitting, test = labelled_prose("train"), labelled_prose("test")
words = CountVectorizer(token_pattern="[a-z]+").fit(fitting.texts)
X, Z = (words.transform(t.texts).toarray() * 1.0 for t in (fitting, test))
held = np.arange(len(X)) % 2 == 1
n_kd = np.stack([X[~held & (fitting.y == k)].sum(axis=0) for k in range(5)])
common = (n_kd.sum(axis=0) + 0.1) / (n_kd.sum(axis=0) + 0.1).sum()
plain = n_kd / n_kd.sum(axis=1, keepdims=True)
weights = np.array(
    [
        mixing_weight(plain[k], common, X[held & (fitting.y == k)].sum(axis=0))
        for k in range(5)
    ]
)
tables = {"mixed": (1 - weights[:, None]) * plain + weights[:, None] * common}
for a in (1, 0.1):
    tables[f"a = {a}"] = (n_kd + a) / (n_kd + a).sum(axis=1, keepdims=True)
print("weights", weights.round(2))
for name, rho in tables.items():
    log_p = Z @ np.log(rho).T
    nats = -log_p[np.arange(len(Z)), test.y].sum() / Z.sum()
    right = (log_p.argmax(axis=1) == test.y).mean()
    print(f"{name:8} {nats:.3f} nats a word, {right:.3f} right")

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): witnesses with correlated errors
#
# A linear model of several kinds of data: $z \sim \mathcal N(0, I)$ of length
# $M$, and kind $e$ is $x_e = A_e z + \text{noise}$ with noise
# $\mathcal N(0, s_e I)$, independent of all else. Here the expert of a kind is
# exact, and its errors in the features of $z$ go together, so precisions are
# matrices.
#
# Derive $p(z \mid x_1, \dots, x_E)$, and write `posterior(parts)`. `parts` is a
# list of triples `(A, s, x)`, one for each kind at hand, at least one: `A` of
# shape `(D_e, M)`, the variance `s > 0`, and `x` of shape `(N, D_e)`. Kinds may
# have different $D_e$, and $D_e$ may be smaller than $M$. Return the pair
# `(mean, covariance)` of shapes `(N, M)` and `(M, M)`.


# %% nbgrader={"grade": false, "grade_id": "posterior", "locked": false, "schema_version": 3, "solution": true, "task": false}
def posterior(parts):
    """Mean, one row an example, and covariance of z given the parts."""
    ### BEGIN SOLUTION
    M = parts[0][0].shape[1]
    precision = np.eye(M) + sum(A.T @ A / s for A, s, _ in parts)
    covariance = np.linalg.inv(precision)
    return sum(x @ A / s for A, s, x in parts) @ covariance, covariance
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "posterior-one", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_mean, _covariance = posterior(
    [(np.array([[2.0]]), 4.0, np.array([[3.0], [-1.0]]))]
)
assert np.shape(_mean) == (2, 1), "There is a row for each example."
assert np.shape(_covariance) == (1, 1), (
    "The covariance is the same for all examples."
)
assert np.allclose(_covariance, 0.5), (
    "The prior has precision one, and the data add theirs."
)
assert np.allclose(_mean, [[0.75], [-0.25]]), (
    "The mean is weighed by precisions, and the prior pulls it to zero."
)
### BEGIN HIDDEN TESTS
for _seed in range(4):
    _rng = np.random.default_rng(_seed)
    _A, _s, _x = (
        _rng.standard_normal((5 - _seed, 3)),
        0.7,
        _rng.standard_normal((4, 5 - _seed)),
    )
    _gain = _A.T @ np.linalg.inv(_A @ _A.T + _s * np.eye(5 - _seed))
    _mean, _covariance = posterior([(_A, _s, _x)])
    assert np.allclose(_mean, _x @ _gain.T), (
        "Compare with the conditional mean of the joint normal distribution "
        "of x and z."
    )
    assert np.allclose(_covariance, np.eye(3) - _gain @ _A), (
        "Compare with the conditional covariance of the joint normal "
        "distribution."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "posterior-many", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_one = np.ones((1, 1))
_mean, _covariance = posterior([(_one, 1.0, 4 * _one), (_one, 0.5, _one)])
assert np.allclose(_covariance, 1 / 4), (
    "Three precisions add, 1, 1 and 2: there is one prior, however many kinds"
    " there are."
)
assert np.allclose(_mean, (4 + 2) / 4), "Each kind counts by its precision."
### BEGIN HIDDEN TESTS
for _seed in range(4):
    _rng = np.random.default_rng(_seed)
    _A = [_rng.standard_normal((d, 4)) for d in (2, 3, 6)]
    _x, _s = [_rng.standard_normal((5, d)) for d in (2, 3, 6)], (0.5, 2.0, 0.1)
    _noise = np.diag(np.repeat(_s, (2, 3, 6)))
    _all = np.concatenate(_A)
    _gain = _all.T @ np.linalg.inv(_all @ _all.T + _noise)
    _parts = list(zip(_A, _s, _x, strict=True))
    _mean, _covariance = posterior(_parts)
    assert np.allclose(_mean, np.concatenate(_x, axis=1) @ _gain.T), (
        "All kinds together must give what their joint normal distribution "
        "gives."
    )
    assert np.allclose(_covariance, np.eye(4) - _gain @ _all), (
        "All kinds together must give what their joint normal distribution "
        "gives."
    )
    assert np.allclose(posterior(_parts[::-1])[0], _mean), (
        "The order of the kinds must not matter."
    )
### END HIDDEN TESTS

# %% [markdown]
# Glyphs and their captions, by a linear model with 25 latent numbers. From
# picture to words the largest score at each place is the word. From words to
# picture we draw the mean picture.

# %%
found = captioned_glyphs(800, characters="aks")
pictures = found.x.reshape(800, 14, 2, 14, 2).mean(axis=(2, 4)) * 1.0
said = np.eye(len(found.vocabulary))[found.captions].sum(axis=1)
both = np.c_[pictures.reshape(800, 196), said]
middle = both[:600].mean(axis=0)
lam, Q = np.linalg.eigh(np.cov(both[:600].T, bias=True))
s = lam[:-25].mean()
Lambda = Q[:, -25:] * np.sqrt(lam[-25:] - s)
look, tell = Lambda[:196], Lambda[196:]
new = both[600:] - middle

# %% mystnb={"image": {"alt": "Two rows of ten letters a, k and s. The upper row shows sharp pictures in several sizes, weights and tilts. Below each stands a blurred letter of the same size, weight and tilt; nearly all can be read as the same letter."}, "figure": {"name": "fig-sheet-words-painted", "caption": "Ten new glyphs (top), and the mean picture that the model has for their captions (bottom)."}}
z, _ = posterior([(look, s, new[:, :196])])
scores = z @ tell.T + middle[196:]
places = {"size": (1, 3), "weight": (3, 5), "tilt": (5, 8), "letter": (8, 11)}
for place, (name, (a, b)) in enumerate(places.items()):
    right = scores[:, a:b].argmax(axis=1) + a == found.captions[600:, place]
    print(f"{name:7} {right.mean():.2f} right, chance {1 / (b - a):.2f}")
z, _ = posterior([(tell, s, new[:10, 196:])])
painted = z @ look.T + middle[:196]
rows = np.concatenate([both[600:610, :196], painted]).reshape(-1, 14, 14)
show_images(rows.clip(0, 1), columns=10)
plt.show()

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (3 points): too good to be true
#
# One model for words and for tastes: row $n$ mixes $K$ tables,
# $p(d \mid n) = \sum_k \theta_{nk}\, \rho_{kd}$. Here $\theta_{nk}$ is the
# share of taste $k$ in user $n$, shape `(N, K)`, and $\rho_{kd}$ the
# probability of item $d$ under taste $k$, shape `(K, D)`. All rows of both sum
# to 1. With counts $x_{nd}$ the log-likelihood is
# $\sum_{nd} x_{nd} \log p(d \mid n)$. The program below climbs it by EM. It
# runs, its perplexity is sensational, and its recommendations are worse than
# the list of popular items.


# %%
def faulty_step(X, theta, rho):
    """One step of EM: theta and rho from the same responsibilities."""
    p = theta @ rho
    ratio = np.divide(X, p, out=np.zeros_like(X), where=X > 0)
    theta_new = theta * (ratio @ rho.T)
    rho_new = rho * (theta.T @ ratio)
    theta_new /= theta_new.sum(axis=1, keepdims=True)
    rho_new /= np.maximum(rho_new.sum(axis=0), 1e-300)
    return theta_new, rho_new


users, _ = PlantedTastes().sample(300, seed=0)
seen, hidden = hold_out(users, seed=0)


# %%
def climb(step, K=5, steps=40):
    """Perplexity and recall at 10 on the way, from a random start."""
    rng = np.random.default_rng(0)
    theta = rng.dirichlet(np.ones(K), len(seen))
    rho = rng.dirichlet(np.ones(200), K)
    for t in range(steps + 1):
        p = theta @ rho
        if t % 20 == 0:
            nats = -np.log(p[seen > 0]).mean()
            recall = recall_at_k(p, hidden, seen=seen).mean().item()
            print(f"step {t:2}: perplexity {np.exp(nats):6.2f}", end=", ")
            print(f"recall {recall:.3f}")
        theta, rho = step(seen, theta, rho)


popular = np.tile(seen.sum(axis=0), (300, 1))
found = recall_at_k(popular, hidden, seen=seen).mean()
print(f"popular items: recall {found:.3f}")
climb(faulty_step)

# %% [markdown]
# A perplexity of 1 says that the model knows for sure which of 200 items comes
# next. Find the fault, and write `em_step(X, theta, rho)`: one step of EM, in
# which both new tables come from the same responsibilities. `X` has the shape
# `(N, D)`; every row and every column has a positive entry. An entry with
# $x_{nd} = 0$ contributes nothing, also where $p(d \mid n)$ has become zero;
# where $x_{nd} > 0$, $p(d \mid n) > 0$.


# %% nbgrader={"grade": false, "grade_id": "em-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def em_step(X, theta, rho):
    """The new theta and rho, whose rows are probabilities."""
    ### BEGIN SOLUTION
    p = theta @ rho
    ratio = np.divide(X, p, out=np.zeros(p.shape), where=X > 0)
    shares, items = theta * (ratio @ rho.T), rho * (theta.T @ ratio)
    # p(d | k) is a distribution over items: the sum runs along the row
    return (
        shares / shares.sum(axis=1, keepdims=True),
        items / items.sum(axis=1, keepdims=True),
    )
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "em-step-rows", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.default_rng(0)
_X = _rng.integers(0, 4, (6, 5)) + np.eye(6, 5)
_theta, _rho = em_step(
    _X, _rng.dirichlet(np.ones(2), 6), _rng.dirichlet(np.ones(5), 2)
)
assert np.shape(_theta) == (6, 2), "The first table keeps its shape."
assert np.shape(_rho) == (2, 5), "The second table keeps its shape."
assert np.allclose(np.sum(_theta, axis=1), 1), (
    "A user's shares of the tastes sum to one."
)
assert np.allclose(np.sum(_rho, axis=1), 1), (
    "Ask what each row of the second table is a distribution of."
)
### BEGIN HIDDEN TESTS
_table = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
_X = np.array([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 3.0]])
_theta, _rho = em_step(_X, np.eye(2), _table)
assert np.allclose(_theta, np.eye(2)), (
    "Entries that are zero stay zero, and nothing may become NaN."
)
assert np.allclose(_rho, [[2 / 3, 1 / 3, 0, 0], [0, 0, 0.25, 0.75]]), (
    "With known tastes the table of a taste is the counts of its users."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "em-step-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_theta, _rho = em_step(
    np.array([[1.0, 3.0]]),
    np.array([[0.5, 0.5]]),
    np.array([[0.8, 0.2], [0.4, 0.6]]),
)
# item 0 is two thirds from taste 0, item 1 one quarter
_first = 1 * 2 / 3 + 3 * 1 / 4
assert np.allclose(_theta, [[_first / 4, 1 - _first / 4]]), (
    "Each count is divided among the tastes by Bayes' rule."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_rho[0], [(2 / 3) / _first, (3 / 4) / _first]), (
    "The table of a taste is made of its parts of the counts."
)
for _seed in range(3):
    _rng = np.random.default_rng(_seed)
    _X = _rng.integers(0, 5, (7, 6)) + np.eye(7, 6)
    _start = _rng.dirichlet(np.ones(3), 7), _rng.dirichlet(np.ones(6), 3)
    _share, _item = np.zeros((7, 3)), np.zeros((3, 6))
    for _n, _d in product(range(7), range(6)):
        _r = _start[0][_n] * _start[1][:, _d]
        _share[_n] += _X[_n, _d] * _r / _r.sum()
        _item[:, _d] += _X[_n, _d] * _r / _r.sum()
    _theta, _rho = em_step(_X, *_start)
    assert np.allclose(_theta, _share / _share.sum(axis=1, keepdims=True)), (
        "Compare with a double loop over users and items."
    )
    assert np.allclose(_rho, _item / _item.sum(axis=1, keepdims=True)), (
        "Both tables come from the same responsibilities, those before the "
        "step."
    )
### END HIDDEN TESTS

# %%
climb(em_step)

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): the alarm
#
# Write the test that would have sounded the alarm: `sound(step)` gets a
# function like those of Exercise 3, `step(X, theta, rho)`, and returns `True`
# or `False`.
#
# A step is sound if the rows of both new tables are probabilities and the
# log-likelihood never falls, whatever the start. (A smaller step than that of
# EM is sound too.) Choose data and starts yourself, with positive entries in
# `theta` and `rho`. The faults that are tested show within 60 steps from one
# random start, for a table of 30 rows and 20 columns with whole numbers from 0
# to 5, and $K = 3$: a row is no probability, or the log-likelihood falls by
# more than 0.1. Of sound steps, rounding may lower it by a billionth of its
# size.


# %% nbgrader={"grade": false, "grade_id": "sound", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sound(step):
    """True if the tables stay probabilities and the likelihood never falls."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    X = rng.integers(0, 6, (30, 20)).astype(float)
    tables = rng.dirichlet(np.ones(3), 30), rng.dirichlet(np.ones(20), 3)
    before = -np.inf
    for _ in range(60):
        tables = step(X, *tables)
        for table in tables:
            if table.min() < 0 or not np.allclose(table.sum(axis=1), 1):
                return False
        p = (tables[0] @ tables[1])[X > 0]
        now = (X[X > 0] * np.log(np.maximum(p, 1e-300))).sum()
        if now < before - 1e-6:
            return False
        before = now
    return True
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sound-passes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _em(X, theta, rho):
    """A right step."""
    _p = theta @ rho
    _q = np.divide(X, _p, out=np.zeros(_p.shape), where=np.asarray(X) > 0)
    _t, _r = theta * (_q @ rho.T), rho * (theta.T @ _q)
    return _t / _t.sum(axis=1, keepdims=True), _r / _r.sum(
        axis=1, keepdims=True
    )


assert sound(_em), (
    "This is EM; it never lowers the likelihood by more than rounding."
)
### BEGIN HIDDEN TESTS


def _in_turns(X, theta, rho):
    _t, _ = _em(X, theta, rho)
    return _t, _em(X, _t, rho)[1]


def _one_table(X, theta, rho):
    return _em(X, theta, rho)[0], rho


def _unscaled(X, theta, rho):
    _t, _r = _em(X, theta, rho)
    return 2 * _t, _r


assert sound(_in_turns), "Updating the tables in turns is sound too."
assert sound(_one_table), "A step that improves one table only is sound."
assert not sound(_unscaled), "Shares that sum to two were let through."
### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sound-refuses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _step(X, theta, rho, sharpen=1.0, ratio=True):
    """A step of EM, or with one of two faults."""
    _joint = (theta[:, :, None] * rho) ** sharpen
    if ratio:
        _joint = _joint / np.maximum(_joint.sum(axis=1, keepdims=True), 1e-300)
    _parts = np.asarray(X)[:, None] * _joint
    _new = _parts.sum(axis=2), _parts.sum(axis=0)
    return [_v / np.maximum(_v.sum(axis=1)[:, None], 1e-300) for _v in _new]


assert sound(_step), "This is EM; it must pass."
assert not sound(lambda X, theta, rho: _step(X, theta, rho, ratio=False)), (
    "This step forgets to divide by the sum over the tastes."
)
### BEGIN HIDDEN TESTS


def _columns(X, theta, rho):
    _t, _r = _step(X, theta, rho)
    _r = _r * (theta.T @ np.asarray(X)).sum(axis=1, keepdims=True)
    return _t, _r / np.maximum(_r.sum(axis=0), 1e-300)


def _shares_by_column(X, theta, rho):
    _t, _r = _step(X, theta, rho)
    return _t / np.maximum(_t.sum(axis=0), 1e-300), _r


def _too_soft(X, theta, rho):
    return _step(X, theta, rho, sharpen=0.5)


assert not sound(_columns), "The fault of Exercise 3 was let through."
assert not sound(_shares_by_column), (
    "A first table whose columns sum to one was let through."
)
assert not sound(_too_soft), (
    "A step whose likelihood first rises and later falls was let through."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): what would they have taken?
#
# A log says what was taken of what was *shown*. Suppose item $d$ was shown to
# user $n$ with a known probability $e_{nd}$, independently of everything else,
# and the user takes it if it is shown and liked. What if another policy had
# shown it, with probability $q_{nd}$?
#
# Write `policy_value(taken, exposure, policy)`. All three have the shape
# `(N, D)`: 1 where an item was shown and taken, else 0; $e_{nd}$; $q_{nd}$.
# Return the pair `(value, standard_error)`:
#
# - *value*: an estimate of the mean number of items a user would take under the
#   policy. It must be unbiased: its mean over all that might have been shown is
#   $\frac1N \sum_{nd} q_{nd}\, l_{nd}$, where $l_{nd}$ is 1 if user $n$ likes
#   item $d$. Likings are not known, and nothing may be assumed about them.
# - *standard_error*: the value is a mean over users; return the standard
#   deviation of the users' terms (divided by $N - 1$) over $\sqrt N$.
#   $N \ge 2$.
#
# Where $e_{nd} = q_{nd} = 0$ an item contributes nothing. Where $e_{nd} = 0$
# and $q_{nd} > 0$ the log cannot answer: raise a `ValueError`.


# %% nbgrader={"grade": false, "grade_id": "policy-value", "locked": false, "schema_version": 3, "solution": true, "task": false}
def policy_value(taken, exposure, policy):
    """Items that a user would take under a policy, and the standard error."""
    ### BEGIN SOLUTION
    if ((exposure == 0) & (policy > 0)).any():
        raise ValueError(
            "the policy shows an item that the log never shows: leave it out, "
            "or show it to some users first"
        )
    # A take was seen with probability e, so each one stands for 1 / e.
    weight = policy / np.where(exposure > 0, exposure, 1)
    per_user = (weight * taken).sum(axis=1)
    return per_user.mean(), per_user.std(ddof=1) / np.sqrt(len(per_user))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "policy-value-unbiased", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_likes = np.array([[1.0, 0.0], [1.0, 1.0]])
_exposure = np.full((2, 2), 0.5)
_every = [np.reshape(v, (2, 2)) for v in product((0.0, 1.0), repeat=4)]
_values = [
    policy_value(v * _likes, _exposure, np.ones((2, 2)))[0] for v in _every
]
assert np.isclose(np.mean(_values), 1.5), (
    "Shown to everybody, these items would be taken by one and by two of two "
    "users."
)
### BEGIN HIDDEN TESTS
for _seed in range(3):
    _rng = np.random.default_rng(_seed)
    _likes = (_rng.random((2, 4)) < 0.6).astype(float)
    _e, _q = _rng.uniform(0.1, 0.9, (2, 4)), _rng.uniform(0, 1, (2, 4))
    _mean = 0.0
    for _v in product((0.0, 1.0), repeat=8):
        _shown = np.reshape(_v, (2, 4))
        _chance = np.where(_shown > 0, _e, 1 - _e).prod()
        _mean += _chance * policy_value(_shown * _likes, _e, _q)[0]
    assert np.isclose(_mean, (_q * _likes).sum() / 2), (
        "An item that is seldom shown is seldom taken; each take must make up"
        " for it."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "policy-value-limits", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_taken = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
_value, _error = policy_value(
    _taken, np.tile([0.5, 0.0], (3, 1)), np.tile([1.0, 0.0], (3, 1))
)
assert np.isclose(_value, 4 / 3), (
    "An item that neither the log nor the policy shows must not matter."
)
assert np.isclose(_error, np.std([2, 0, 2], ddof=1) / 3**0.5), (
    "The users' terms here are 2, 0 and 2."
)
### BEGIN HIDDEN TESTS
_raised = False
try:
    policy_value(
        _taken, np.tile([0.5, 0.0], (3, 1)), np.tile([0.5, 0.5], (3, 1))
    )
except ValueError:
    _raised = True
assert _raised, (
    "About an item that was never shown the log says nothing; refuse."
)
_rng = np.random.default_rng(0)
_e, _q = _rng.uniform(0.2, 0.9, (50, 3)), _rng.uniform(0, 1, (50, 3))
_taken = (_rng.random((50, 3)) < _e * 0.5).astype(float)
_terms = [(_q[n] / _e[n] * _taken[n]).sum() for n in range(50)]
_right = np.std(_terms, ddof=1) / 50**0.5
assert np.isclose(policy_value(_taken, _e, _q)[1], _right), (
    "The standard error is that of a mean over users, not over items."
)
### END HIDDEN TESTS

# %% [markdown]
# Ten items were promoted at random: shown to 80 % of the users, all others to
# 10 %. Which of two policies is better, to show the ten or to show ten others?

# %%
world = PlantedTastes(100)
for seed in range(3):
    rng = np.random.default_rng(seed)
    likes, probs = world.sample(500, seed=seed)
    place = rng.permutation(100)
    exposure = np.tile(np.where(place < 10, 0.8, 0.1), (500, 1))
    taken = likes * (rng.random(likes.shape) < exposure)
    for name, first in (("promoted", 0), ("others", 10)):
        ten = (place >= first) & (place < first + 10)
        policy = np.tile(ten * 1.0, (500, 1))
        value, error = policy_value(taken, exposure, policy)
        counted, true = (
            (policy * v).sum(axis=1).mean() for v in (taken, probs)
        )
        print(f"{name:8} counted {counted:.2f}, weighted {value:.2f}", end=" ")
        print(f"± {error:.2f}, true {true:.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): chosen inside, scored outside
#
# Write `tuned(fit, options, x, metric, seeds)`, which scores a recommender
# whose setting is chosen honestly.
#
# - `fit(option, seen)` trains with a setting on interactions of shape `(N, D)`
#   and returns scores of that shape.
# - `metric(scores, held, seen)` returns a number, higher is better; `held` are
#   the interactions that should be found, `seen` those that the model was
#   given.
# - `hold_out(x, seed=seed)` of the course is imported. It splits the
#   interactions of every user and returns what may be seen and what is held
#   out.
#
# For each seed: hold out a test part of `x`. Of what may be seen hold out a
# validation part, with any seed. Train every option on the rest, and choose the
# one with the highest metric on the validation part; among equals, the first in
# `options`. Train it again on all that may be seen, and measure that model on
# the test part, once.
#
# Return the pair `(chosen, values)`: a list with the option of each seed, and
# an array of the test metrics, in the order of `seeds`.


# %% nbgrader={"grade": false, "grade_id": "tuned", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tuned(fit, options, x, metric, seeds):
    """Options chosen on validation data, and their values on test data."""
    ### BEGIN SOLUTION
    chosen, values = [], []
    for seed in seeds:
        seen, test = hold_out(x, seed=seed)
        fitting, val = hold_out(seen, seed=seed)
        found = [metric(fit(o, fitting), val, fitting) for o in options]
        chosen.append(options[int(np.argmax(found))])
        values.append(metric(fit(chosen[-1], seen), test, seen))
    return chosen, np.array(values)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "tuned-protocol", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x = (np.random.default_rng(0).random((20, 30)) < 0.6).astype(float)
_fits, _measured = [], []


def _fit(option, seen):
    _fits.append((option, np.array(seen)))
    return np.full(np.shape(seen), float(option))


def _metric(scores, held, seen):
    _measured.append((scores.max(), np.array(held), np.array(seen)))
    return -abs(scores.max() - 2)


_chosen, _values = tuned(_fit, [1, 2, 3], _x, _metric, [0, 1])
assert list(_chosen) == [2, 2], (
    "The option with the highest validation metric is chosen, for every seed."
)
assert len(_fits) == 8, (
    "Three options are trained on a part, then one on all that may be seen, "
    "for each of two seeds."
)
### BEGIN HIDDEN TESTS
_tests = [(s, h, v) for s, h, v in _measured if np.array_equal(h + v, _x)]
assert len(_tests) == 2, (
    "The test part is looked at once for each seed, after the choice."
)
assert not np.array_equal(_tests[0][1], _tests[1][1]), (
    "Each seed holds out another part."
)
assert all(s == 2 for s, _, _ in _tests), (
    "The chosen option is the one that is tested."
)
for _option, _given in _fits:
    assert any((_given <= v).all() for _, _, v in _tests), (
        "A model was trained on interactions of the test part."
    )
for _, _h, _v in _tests:
    assert any(o == 2 and np.array_equal(g, _v) for o, g in _fits), (
        "The chosen option is trained again on all that may be seen."
    )
    assert not (_h * _v).any(), "Test and training share interactions."
_vals = [(h, v) for _, h, v in _measured if not np.array_equal(h + v, _x)]
assert len(_vals) == 6, "Every option is measured on the validation part."
for _h, _v in _vals:
    assert not (_h * _v).any(), "Validation and training share interactions."
    assert any((_h + _v <= s).all() for _, _, s in _tests), (
        "The validation part must come out of what may be seen."
    )
    assert any(np.array_equal(g, _v) for _, g in _fits), (
        "A model must be told which interactions it was trained on."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tuned-choice", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.ones((6, 20))
_worth = {"a": 0.1, "b": 0.7, "c": 0.7}


def _named(option, seen):
    return np.full((6, 20), _worth[option])


_chosen, _values = tuned(
    _named,
    ["c", "a", "b"],
    _x,
    lambda s, h, v: s[0, 0] + h.sum() / 1000,
    [3, 4, 5],
)
assert list(_chosen) == ["c", "c", "c"], (
    "Among equal options the first is taken."
)
assert np.shape(_values) == (3,), "There is one test value for each seed."
### BEGIN HIDDEN TESTS
assert np.allclose(_values, 0.7 + 36 / 1000), (
    "The value is the metric on the test part, 36 of 120 interactions here."
)
_chosen, _values = tuned(
    _named, ["a", "b"], _x, lambda s, h, v: -s[0, 0] - h.sum(), [0, 1]
)
assert list(_chosen) == ["a", "a"], (
    "Higher is better, also where the metric is negative."
)
assert np.allclose(_values, -36.1), (
    "The value is the metric on the test part, not on the validation part."
)
### END HIDDEN TESTS

# %% [markdown]
# Three recommenders on planted users, three seeds: recall at 10 on the test
# part, with the baseline of popular items.


# %%
def by_popularity(option, seen):
    """The same list for everybody."""
    return Popularity().fit(seen).scores(seen)


def by_neighbours(option, seen):
    """Item-kNN with so many neighbours."""
    return ItemKNN(option).fit(seen).scores(seen)


def by_factors(option, seen):
    """Alternating least squares with this penalty."""
    model = ImplicitALS(8, penalty=option, max_iter=10, random_state=0)
    return model.fit(seen).scores(seen)


def recall(scores, held, seen):
    """Mean recall at 10."""
    return recall_at_k(scores, held, seen=seen).mean().item()


contest = {
    by_popularity: [None],
    by_neighbours: [5, 20, 50],
    by_factors: [3.0, 15.0, 40.0],
}
for fit, options in contest.items():
    chosen, values = tuned(fit, options, users, recall, range(3))
    print(
        f"{fit.__name__:14} {values.mean():.3f} ± {values.std(ddof=1):.3f}",
        end="  ",
    )
    print("chosen:", chosen)

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (3 points): a million made-up customers
#
# Marked by hand. A shop trains a recommender on its log, in which the old
# system showed mostly what is popular. It scores it on the last week of the
# same log, and "popular items" wins. A colleague wants to draw a million users
# from a model of the log, to fill the gaps for rare items.
#
# Say in a few sentences why this score favours popular items, why drawn users
# cannot fill the gaps, and which experiment with one per cent of the visits
# would settle the question. Say what is recorded in it and how it is evaluated.

# %% [markdown] nbgrader={"grade": true, "grade_id": "customers", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *The score.* Only what was shown can be taken, and the old system showed
# popular items. A recommender that shows rare items is scored zero for them,
# liked or not. The log measures taste times exposure.
#
# *Drawn users.* They come from a model of the same log, so they repeat its
# exposure and add dice. What was never shown has no takes in the log, and the
# model has nothing to learn about it. More rows also act like a weaker penalty;
# copies would do that as well.
#
# *The experiment.* In one per cent of the visits show items at random, with
# known probabilities that are never zero. Record user, item, the probability of
# showing it, and whether it was taken. Estimate the value of each policy by
# weighting the takes with policy over exposure, with a standard error over
# users, and compare both policies on the same visits. Or give each policy half
# of these visits and count.
