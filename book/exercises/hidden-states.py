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
# # Hidden states
#
# Restore lost letters with a hidden chain, mend a learning step, find the best
# tree of arrows, and compare models of text with an error bar.
#
# **You need** the chapters *Hidden Markov models*, *Bayesian networks* and
# *Sequence models*. There are 20 points, in about 90 minutes.
#
# All arrays are NumPy arrays, symbols and states are counted from 0, and the
# names are those of the chapters. Logarithms are natural. Points are given by
# the cells with tests: each cell is one mark. A few tests stay hidden until
# the sheet is graded.

# %%
import re
from itertools import product

import numpy as np

from course.data import breast_cancer, prose
from course.models.bayesian_network import BayesianNetwork
from course.models.hmm import CategoricalHMM
from course.models.ngram import NGram

LETTERS = ".abcdefghijklmnopqrstuvwxyz "  # 0 ends a sentence


def sentences(part, most):
    """Sentences of help pages as arrays of numbers of letters, no end."""
    found = []
    for paragraph in prose(part):
        text = re.sub("[^a-z ]+", "", paragraph.lower().split(". ")[0])
        text = " ".join(text.split())[:80]
        found.append(np.array([LETTERS.index(c) for c in text]))
    return found[:most]


train, test = sentences("train", 300), sentences("test", 200)

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): lost letters
#
# A line was bad and some symbols were lost. A hidden Markov model can say what
# they were. Derive it: what is the emission $b_k(x_t)$ at a step whose symbol
# is not known, so that forward and backward remain right? And how does
# $p(x_t = c \mid \text{all symbols that were seen})$ follow from $r_{tk}$?
#
# Write `restore(pi, A, rho, x)` for `pi` (K,), `A` (K, K), `rho` (K, C) and
# `x`, shape (T,), with symbols from 0 to C - 1, and -1 where one was lost.
# Return an array of shape (L, C): for each of the L lost symbols, in order, its
# probabilities given all that was seen, before and after. T may be several
# thousand, the first or the last symbol may be lost, and so may all of them.


# %% nbgrader={"grade": false, "grade_id": "restore", "locked": false, "schema_version": 3, "solution": true, "task": false}
def restore(pi, A, rho, x):
    """Probabilities of the lost symbols given the others, shape (L, C)."""
    ### BEGIN SOLUTION
    T, lost = len(x), x == -1
    b = np.where(lost[:, None], 1.0, rho.T[x])
    alpha, beta = np.empty(b.shape), np.ones(b.shape)
    for t in range(T):
        alpha[t] = b[t] * (alpha[t - 1] @ A if t else pi)
        alpha[t] /= alpha[t].sum()
    for t in range(T - 2, -1, -1):
        beta[t] = A @ (b[t + 1] * beta[t + 1])
        beta[t] /= beta[t].sum()
    r = alpha * beta
    return (r / r.sum(axis=1, keepdims=True))[lost] @ rho
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "restore-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_pi, _A = np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
_rho = np.array([[0.7, 0.3, 0.0], [0.1, 0.1, 0.8]])
_found = restore(_pi, _A, _rho, np.array([0, -1, 1, -1]))
assert np.shape(_found) == (2, 3), "One row for each lost symbol."
assert np.allclose(_found, [_rho[1], _rho[1]]), (
    "This chain alternates: at both lost steps it is in state 1."
)
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(0)
_pi, _A, _rho = (
    _rng.dirichlet(np.ones(n), m) for n, m in ((3, 1), (3, 3), (4, 3))
)
_pi = _pi[0]


def _likelihood(x):
    alpha = _pi * _rho[:, x[0]]
    for symbol in x[1:]:
        alpha = (alpha @ _A) * _rho[:, symbol]
    return alpha.sum()


for _x in ([2, -1, 0, 3, -1], [-1, 1, -1], [-1, -1], [0, 0, 2, -1, 3, 3]):
    _lost = [t for t, c in enumerate(_x) if c == -1]
    _wanted = np.zeros((len(_lost), 4))
    for _fill in product(range(4), repeat=len(_lost)):
        _full = np.array(_x)
        _full[_lost] = _fill
        _wanted[np.arange(len(_lost)), _fill] += _likelihood(_full)
    _wanted /= _wanted.sum(axis=1, keepdims=True)
    _found = restore(_pi.copy(), _A.copy(), _rho.copy(), np.array(_x))
    assert np.allclose(_found, _wanted, atol=1e-7), (
        "Symbols after the gap count as much as those before, and a lost "
        "symbol says nothing about its state."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "restore-long", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_pi, _A = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.2, 0.8]])
_rho = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
_x = np.random.RandomState(1).randint(3, size=3000)
_x[1::3] = -1
with np.errstate(all="ignore"):
    _found = np.asarray(restore(_pi, _A, _rho, _x))
assert np.isfinite(_found).all(), "A long product underflowed."
### BEGIN HIDDEN TESTS
assert np.allclose(_found.sum(axis=1), 1), "Each row is a distribution."
_short = np.asarray(restore(_pi, _A, _rho, _x[1300:1400]))
_whole = _found[np.flatnonzero(_x == -1).searchsorted(1300) :][: len(_short)]
assert np.allclose(_short[12:-12], _whole[12:-12], atol=1e-4), (
    "In the middle of a long string, what is far away should not matter."
)
### END HIDDEN TESTS

# %% [markdown]
# Twelve hidden states, learnt from 300 sentences; one letter in ten of new
# sentences is lost. The baseline always answers the most frequent symbol.

# %%
chain = CategoricalHMM(12, n_categories=len(LETTERS), smoothing=0.1, tol=1e-3)
chain.set_params(random_state=0).fit([x[:, None] for x in train])
theta = chain.start_, chain.transitions_, chain.probs_[:, 0]
usual = np.bincount(np.concatenate(train)).argmax()
for seed in range(3):
    rng, right = np.random.RandomState(seed), []
    for x in test:
        lost = rng.rand(len(x)) < 0.1
        found = restore(*theta, np.where(lost, -1, x)).argmax(axis=1)
        right += [(found == x[lost], usual == x[lost])]
    shares = [np.concatenate(part).mean() for part in zip(*right, strict=True)]
    print("restored {:.3f}, most frequent {:.3f}".format(*shares))

# %% [markdown]
# ## A learning step that goes down
#
# One step of Baum–Welch for several sequences of symbols. It runs, it scales,
# and it is wrong in two places.


# %%
def faulty_step(sequences, pi, A, rho):
    """New pi (K,), A (K, K) and rho (K, C), by one step of Baum–Welch."""
    x = np.concatenate(sequences)
    b = rho[:, x].T
    alpha, beta = np.empty(b.shape), np.ones(b.shape)
    for t in range(len(x)):
        alpha[t] = b[t] * (alpha[t - 1] @ A if t else pi)
        alpha[t] /= alpha[t].sum()
    for t in range(len(x) - 2, -1, -1):
        beta[t] = A @ (b[t] * beta[t + 1])
        beta[t] /= beta[t].sum()
    r = alpha * beta
    r /= r.sum(axis=1, keepdims=True)
    pairs = alpha[:-1, :, None] * A * (b[1:] * beta[1:])[:, None]
    pairs = (pairs / pairs.sum(axis=(1, 2), keepdims=True)).sum(axis=0)
    counts = r.T @ np.eye(rho.shape[1])[x]
    A, rho = (N / N.sum(axis=1, keepdims=True) for N in (pairs, counts))
    return r[0], A, rho


def judge(sequences, pi, A, rho):
    """Mean log-likelihood of the sequences, in nats per symbol."""
    model = CategoricalHMM.from_parameters(pi, A, probs=rho)
    total = np.sum(model.score_samples([x[:, None] for x in sequences]))
    return total / sum(map(len, sequences))


def random_start(K, C, seed):
    """Probabilities to start learning from."""
    rng = np.random.RandomState(seed)
    return np.full(K, 1 / K), *(
        rng.dirichlet(9 * np.ones(n), K) for n in (K, C)
    )


few = train[:40]
fit = CategoricalHMM(2, n_categories=len(LETTERS), random_state=0)
fit.set_params(n_init=3, tol=1e-5).fit([x[:, None] for x in few])
good = fit.start_, fit.transitions_, fit.probs_[:, 0]
starts = {"random start": random_start(2, len(LETTERS), 0), "good start": good}
for name, theta in starts.items():
    history = []
    for _ in range(5):
        history.append(judge(few, *theta))
        theta = faulty_step(few, *theta)
    print(name, np.round(history, 3))

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): mend it
#
# Write `learning_step(sequences, pi, A, rho)` with both faults repaired.
# `sequences` is a list of arrays of symbols, of any lengths; a sequence of
# length 1 has no transition. Each sequence begins in a state drawn from `pi`.
# Return the new `pi` (K,), `A` (K, K) and `rho` (K, C) of Baum–Welch, without
# pseudo-counts, as a tuple. It has to work for sequences of some thousand
# symbols.


# %% nbgrader={"grade": false, "grade_id": "learning-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learning_step(sequences, pi, A, rho):
    """New pi (K,), A (K, K) and rho (K, C), by one step of Baum–Welch."""
    ### BEGIN SOLUTION
    starts, pairs, counts = 0.0, 0.0, 0.0
    for x in sequences:
        b = rho[:, x].T
        alpha, beta = np.empty(b.shape), np.ones(b.shape)
        for t in range(len(x)):
            alpha[t] = b[t] * (alpha[t - 1] @ A if t else pi)
            alpha[t] /= alpha[t].sum()
        for t in range(len(x) - 2, -1, -1):
            beta[t] = A @ (b[t + 1] * beta[t + 1])
            beta[t] /= beta[t].sum()
        r = alpha * beta
        r /= r.sum(axis=1, keepdims=True)
        xi = alpha[:-1, :, None] * A * (b[1:] * beta[1:])[:, None]
        xi /= xi.sum(axis=(1, 2), keepdims=True)
        starts, pairs = starts + r[0], pairs + xi.sum(axis=0)
        counts = counts + r.T @ np.eye(rho.shape[1])[x]
    A, rho = (N / N.sum(axis=1, keepdims=True) for N in (pairs, counts))
    return starts / len(sequences), A, rho
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "learning-step-one", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.RandomState(2)
_pi, _A, _rho = (
    _rng.dirichlet(np.ones(n), m) for n, m in ((2, 1), (2, 2), (3, 2))
)
_pi, _x = _pi[0], np.array([0, 2, 2, 1, 0, 1])
_paths = np.array(list(product(range(2), repeat=6)))
_p = _pi[_paths[:, 0]] * _rho[_paths, _x].prod(axis=1)
_p *= _A[_paths[:, :-1], _paths[:, 1:]].prod(axis=1)
_p /= _p.sum()
_found = learning_step([_x], _pi.copy(), _A.copy(), _rho.copy())
assert [np.shape(f) for f in _found] == [(2,), (2, 2), (2, 3)], (
    "Return pi, A and rho, with the shapes that they came with."
)
_start = np.array([_p[_paths[:, 0] == k].sum() for k in range(2)])
assert np.allclose(_found[0], _start, atol=1e-7), (
    "For one short sequence, the posterior of the first state is not what "
    "all its paths say."
)
### BEGIN HIDDEN TESTS
_pairs, _counts = np.zeros((2, 2)), np.zeros((2, 3))
for _path, _w in zip(_paths, _p, strict=True):
    np.add.at(_pairs, (_path[:-1], _path[1:]), _w)
    np.add.at(_counts, (_path, _x), _w)
assert np.allclose(_found[1], _pairs / _pairs.sum(1)[:, None], atol=1e-7), (
    "The transitions are not the expected shares of the moves."
)
assert np.allclose(_found[2], _counts / _counts.sum(1)[:, None], atol=1e-7), (
    "The emissions are not the expected shares of the symbols."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "learning-step-several", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_pi, _A = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])
_rho = np.array([[1.0, 0.0], [0.0, 1.0]])  # symbols show the states
_two = [np.array([0, 0, 1]), np.array([1, 1]), np.array([1])]
_new = learning_step(_two, _pi.copy(), _A.copy(), _rho.copy())
assert np.allclose(_new[0], [1 / 3, 2 / 3]), (
    "Every sequence has a first state; count all of them."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_new[1], [[0.5, 0.5], [0, 1]]), (
    "Nothing moves from the end of one sequence to the start of the next."
)
assert np.allclose(_new[2], _rho), "The symbols show the states here."
_rho = np.array([[0.8, 0.2], [0.3, 0.7]])
_one = learning_step([np.array([1])] * 3 + _two[:1], _pi, _A, _rho)
_again = learning_step(_two[:1] + [np.array([1])] * 3, _pi, _A, _rho)
assert all(np.allclose(a, b) for a, b in zip(_one, _again, strict=True)), (
    "The order of the sequences must not matter."
)
_alone = learning_step(_two[:1], _pi, _A, _rho)
assert np.allclose(_one[1], _alone[1]), (
    "Sequences of a single symbol say nothing about transitions."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "learning-step-climbs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_theta = random_start(3, len(LETTERS), 1)
_long, _history = [np.concatenate(train)[:1500], *train[:5]], []
for _ in range(6):
    _history.append(judge(_long, *_theta))
    _theta = learning_step(_long, *_theta)
assert np.isfinite(_history).all(), "A long sequence underflowed."
assert np.diff(_history).min() > -1e-9, "The likelihood fell."
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(3)
_rho = np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]])
_pi, _A = np.array([0.9, 0.1]), np.array([[0.1, 0.9], [0.9, 0.1]])
_z = (_rng.rand(150, 1) < 0.1) ^ (np.arange(3) % 2 == 1)
_many = [np.array([_rng.choice(3, p=_rho[int(k)]) for k in z]) for z in _z]
_theta, _history = (_pi, _A, _rho), []
for _ in range(6):
    _history.append(judge(_many, *_theta))
    _theta = learning_step(_many, *_theta)
assert np.diff(_history).min() > -1e-9, "The likelihood fell."
### END HIDDEN TESTS

# %% [markdown]
# Two states, and nobody told the chain what a vowel is. Which letters are more
# probable in one state than in the other?

# %%
theta = random_start(2, len(LETTERS), 0)
for _ in range(40):
    theta = learning_step(few, *theta)
more = theta[2][0] > theta[2][1]
for side in (more, ~more):
    print(*(LETTERS[c].replace(" ", "_") for c in np.flatnonzero(side) if c))

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (2 points): what one variable says of another
#
# Write `information(X, C)` for `X` of shape (N, D) with states from 0 to C - 1
# in every column. Return the matrix of mutual informations of the frequencies
# in `X`, shape (D, D), in nats:
#
# $$I_{ij} = \sum_{a, b} f_{ij}(a, b) \log
# \frac{f_{ij}(a, b)}{f_i(a)\, f_j(b)},$$
#
# where $f_{ij}(a, b)$ is the share of rows with $x_i = a$ and $x_j = b$, and
# $f_i, f_j$ are the shares of single states. Pairs that never occur contribute
# nothing. On the diagonal this is the entropy of the variable. There are no
# pseudo-counts.


# %% nbgrader={"grade": false, "grade_id": "information", "locked": false, "schema_version": 3, "solution": true, "task": false}
def information(X, C):
    """Mutual information of all pairs of columns, (D, D), in nats."""
    ### BEGIN SOLUTION
    N, D = X.shape
    hot = np.eye(C)[X].reshape(N, D * C)
    f = (hot.T @ hot / N).reshape(D, C, D, C).transpose(0, 2, 1, 3)
    single = hot.mean(axis=0).reshape(D, C)
    chance = single[:, None, :, None] * single[None, :, None, :]
    ratio = np.divide(f, chance, out=np.ones_like(f), where=f > 0)
    return (f * np.log(ratio)).sum(axis=(2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "information-value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_X = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
_I = information(_X, 2)
assert np.shape(_I) == (3, 3), "One number for each pair of columns."
assert np.isclose(_I[0, 1], np.log(2)), (
    "A copy of a fair coin tells log 2 nats about it."
)
assert np.isclose(_I[0, 2], 0), "Independent columns tell nothing."
### BEGIN HIDDEN TESTS
_rng = np.random.RandomState(0)
_X = _rng.randint(3, size=(200, 4))
_X[:, 1] = np.where(_rng.rand(200) < 0.6, _X[:, 0], _X[:, 1])
_X[:, 3] = (_X[:, 2] + _X[:, 1]) % 3
_I = np.asarray(information(_X.copy(), 3))
_H = [
    -sum(p * np.log(p) for p in np.bincount(key) / 200 if p > 0)
    for key in (_X[:, 0], _X[:, 1], 3 * _X[:, 0] + _X[:, 1])
]
assert np.isclose(_I[0, 1], _H[0] + _H[1] - _H[2], atol=1e-8), (
    "The information of a pair is H(a) + H(b) - H(a, b)."
)
assert np.isclose(_I[0, 0], _H[0], atol=1e-8), "The diagonal is the entropy."
assert np.allclose(_I, _I.T), "What i says of j, j says of i."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "information-unseen", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_X = np.array([[0, 0], [1, 1], [2, 2], [0, 1]])
with np.errstate(all="ignore"):
    _I = np.asarray(information(_X, 4))
assert np.isfinite(_I).all(), "A state or pair that never occurs needs care."
### BEGIN HIDDEN TESTS
_H = 1.5 * np.log(2)
_J = 2 * _H - 2 * np.log(2)
assert np.allclose(_I, [[_H, _J], [_J, _H]]), (
    "What never occurs must contribute exactly nothing."
)
with np.errstate(all="ignore"):
    _I = np.asarray(information(np.zeros((5, 2), int), 2))
assert np.allclose(_I, 0), "A constant column has no information to share."
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): the best tree
#
# Let every variable but the first have exactly one parent, so that the arrows
# form a tree that leads away from variable 0. With tables of frequencies, show
# that
#
# $$\frac1N \ell(\hat\theta) = \sum_{d \ge 1} I_{d,\, \mathrm{pa}(d)} -
# \sum_d \mathrm H_d .$$
#
# So the best tree is the one whose links have the largest total information.
# A greedy rule finds it: begin with variable 0 alone; again and again, of
# all links from a variable inside to one outside, take the best.
#
# Write `best_tree(info)` for a symmetric matrix `info`, shape (D, D), of
# informations $I_{ij}$, none negative; the diagonal does not count, and D may
# be 1.
# Return an integer array of shape (D,): the parent of each variable, -1 for
# variable 0. If several trees are best, any of them will do.


# %% nbgrader={"grade": false, "grade_id": "best-tree", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_tree(info):
    """The parent of each variable in the best tree, -1 for variable 0."""
    ### BEGIN SOLUTION
    D = len(info)
    parents, inside = np.full(D, -1), np.arange(D) == 0
    while not inside.all():
        links = np.where(inside[:, None] & ~inside, info, -1.0)
        i, j = np.unravel_index(links.argmax(), links.shape)
        parents[j], inside[j] = i, True
    return parents
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "best-tree-shape", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _reaches_root(parents):
    for d in range(len(parents)):
        for _ in range(len(parents)):
            d = parents[d] if d > 0 else 0
        if d != 0:
            return False
    return parents[0] == -1


_I = np.array([[9.0, 0.1, 0.2], [0.1, 9.0, 0.8], [0.2, 0.8, 9.0]])
_parents = np.asarray(best_tree(_I))
assert _parents.shape == (3,), "One parent for each variable."
assert _reaches_root(_parents), (
    "Going from parent to parent must lead to variable 0 from everywhere."
)
### BEGIN HIDDEN TESTS
for _seed, _D in enumerate((1, 2, 5, 9, 14)):
    _I = np.random.RandomState(_seed).rand(_D, _D)
    _parents = np.asarray(best_tree(_I + _I.T))
    assert _parents.shape == (_D,), "One parent for each variable."
    assert _reaches_root(_parents), "This is no tree away from variable 0."
assert _reaches_root(np.asarray(best_tree(np.zeros((4, 4))))), (
    "Variables without any information need a parent, too."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "best-tree-weight", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_I = np.array([[9.0, 0.1, 0.2], [0.1, 9.0, 0.8], [0.2, 0.8, 9.0]])
assert list(best_tree(_I)) == [-1, 2, 0], "This tree is not the best of three."
### BEGIN HIDDEN TESTS
for _seed in range(4):
    _I = np.random.RandomState(_seed).rand(5, 5)
    _I = _I + _I.T
    _best = 0.0
    for _choice in product(range(5), repeat=4):
        _p = [-1, *_choice]
        _at = [0, 1, 2, 3, 4]
        for _ in range(5):
            _at = [_p[d] if d > 0 else 0 for d in _at]
        if max(_at) == 0:
            _best = max(_best, sum(_I[d, _p[d]] for d in range(1, 5)))
    _p = best_tree(_I.copy())
    _total = sum(_I[d, _p[d]] for d in range(1, 5))
    assert np.isclose(_total, _best), "There is a tree with more information."
### END HIDDEN TESTS

# %% [markdown]
# Tumours: the diagnosis (variable 0) and thirty measurements, each cut into
# three levels at the thirds of the fitting rows. Held-out nats per patient of
# three sets of arrows:

# %%
table = breast_cancer()
for seed in range(3):
    order = np.random.RandomState(seed).permutation(569)
    cuts = np.quantile(table.x[order[:380]], [1 / 3, 2 / 3], axis=0)
    rows = np.c_[table.y, (table.x > cuts[0]).astype(int) + (table.x > cuts[1])]
    fitting, new = rows[order[:380]], rows[order[380:]]
    tree = best_tree(information(fitting, 3))
    arrows = {
        "no arrows": dict.fromkeys(range(31), ()),
        "naive Bayes": {d: (0,) if d else () for d in range(31)},
        "best tree": {d: (int(tree[d]),) if d else () for d in range(31)},
    }
    sizes = {d: 3 if d else 2 for d in range(31)}
    for name, parents in arrows.items():
        m = BayesianNetwork(parents, states=sizes).fit(fitting)
        print(f"{name} {-m.score(new):.2f}", end="  ")
    print()

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): smoothing by new arrivals
#
# How probable is it that a context is followed by something new? Witten and
# Bell count how often that has happened: a context $h$ was followed by $n(h)$
# *different* symbols, so $n(h)$ of its $c(h) = \sum_w c(hw)$ occurrences
# brought something new. They set
#
# $$p(w \mid h) = \frac{c(hw) + n(h)\, q(w)}{c(h) + n(h)}, \qquad
# q(w) = \frac{c(w) + 1}{\sum_{w'} c(w') + V}.$$
#
# Show that the rows sum to one. Write `bigram(texts, V)`. `texts` is a list of
# arrays of symbols from 1 to V - 1. As a context, 0 stands for the beginning of
# a text; as what follows, 0 is its end, which belongs to every text. $c(hw)$
# counts how often $w$ follows $h$, and $c(w) = \sum_h c(hw)$. Return
# $p(w \mid h)$ as an array `P[h, w]` of shape (V, V). A context that never occurred has
# $p(w \mid h) = q(w)$.


# %% nbgrader={"grade": false, "grade_id": "bigram", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bigram(texts, V):
    """Witten-Bell probabilities P[h, w] of the next symbol, (V, V)."""
    ### BEGIN SOLUTION
    counts = np.zeros((V, V))
    for x in texts:
        np.add.at(counts, (np.r_[0, x], np.r_[x, 0]), 1)
    q = (counts.sum(axis=0) + 1) / (counts.sum() + V)
    new = (counts > 0).sum(axis=1, keepdims=True)
    total = counts.sum(axis=1, keepdims=True) + new
    return np.where(total > 0, (counts + new * q) / np.maximum(total, 1), q)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bigram-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_P = bigram([np.array([1, 2]), np.array([1, 1])], 3)
assert np.shape(_P) == (3, 3), "One row for each context, 0 is the beginning."
assert np.allclose(_P.sum(axis=1), 1), "Each row is a distribution."
assert np.isclose(_P[0, 1], (2 + 4 / 9) / 3), (
    "Both texts begin with 1; of all six symbols, ends included, three are 1."
)
### BEGIN HIDDEN TESTS
_q = np.array([3, 4, 2]) / 9
_wanted = [
    (np.array([0, 2, 0]) + 1 * _q) / 3,
    (np.array([1, 1, 1]) + 3 * _q) / 6,
    (np.array([1, 0, 0]) + 1 * _q) / 2,
]
assert np.allclose(_P, _wanted, atol=1e-8), (
    "Count different symbols for n(h), and the end of every text."
)
_rng = np.random.RandomState(0)
_texts = [_rng.randint(1, 6, size=n) for n in (7, 1, 12, 3)]
_P = np.asarray(bigram([x.copy() for x in _texts], 6))
_seen = {}
for _x in _texts:
    for _h, _w in zip([0, *_x], [*_x, 0], strict=True):
        _seen.setdefault(int(_h), []).append(int(_w))
_all = [w for following in _seen.values() for w in following]
for _h, _next in _seen.items():
    for _w in range(6):
        _q = (_all.count(_w) + 1) / (len(_all) + 6)
        _n = len(set(_next))
        _wanted = (_next.count(_w) + _n * _q) / (len(_next) + _n)
        assert np.isclose(_P[_h, _w], _wanted, atol=1e-8), (
            "The probabilities are off for longer texts."
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "bigram-unseen", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
with np.errstate(all="ignore"):
    _P = np.asarray(bigram([np.array([1, 2, 1])], 5))
assert np.isfinite(_P).all(), "Symbol 4 was never seen as a context."
### BEGIN HIDDEN TESTS
_q = np.array([2, 3, 2, 1, 1]) / 9
assert np.allclose(_P[3], _q), "A context without occurrences has p = q."
assert np.allclose(_P[4], _q), "A context without occurrences has p = q."
assert (_P > 0).all(), "Nothing is impossible."
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): how sure is the gain?
#
# Two models gave log-probabilities to the same held-out texts. The gain of the
# first over the second is, in nats per symbol,
#
# $$g = \frac{\sum_i (a_i - b_i)}{\sum_i T_i} .$$
#
# How far might it be off? The texts are a sample; symbols of one text are not
# independent. The bootstrap imitates the sampling: draw as many texts as there
# are, with replacement, compute $g$ from them, and repeat.
#
# Write `interval(a, b, lengths, n_draws, seed)`, with `a`, `b` and `lengths` of
# shape (N,): $a_i$, $b_i$ and $T_i$. Return two numbers: the 2.5 % and the
# 97.5 % quantile of $g$ over `n_draws` such draws of *whole texts*. The same
# seed gives the same interval.


# %% nbgrader={"grade": false, "grade_id": "interval", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interval(a, b, lengths, n_draws, seed):
    """Bootstrap interval of the gain of a over b, nats per symbol."""
    ### BEGIN SOLUTION
    N = len(lengths)
    rows = np.random.RandomState(seed).randint(N, size=(n_draws, N))
    gain = (a - b)[rows].sum(axis=1) / lengths[rows].sum(axis=1)
    return np.quantile(gain, [0.025, 0.975])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "interval-centre", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_T = np.repeat([10, 90], 500)
_low, _high = interval(0.2 * _T - 7, -7 + 0 * _T, _T, 200, 0)
assert np.isclose(_low, 0.2), "A gain of 0.2 at every symbol has no spread."
assert np.isclose(_high, 0.2), "A gain of 0.2 at every symbol has no spread."
_low, _high = interval(np.where(_T > 50, 0.3 * _T, 0), 0.0 * _T, _T, 300, 0)
assert _low < 0.27 < _high, "Long texts have more symbols, and count more."
### BEGIN HIDDEN TESTS
assert _high - _low < 0.03, "With a thousand texts the interval is narrow."
_first = interval(np.arange(9.0), np.zeros(9), np.full(9, 5), 50, 3)
_again = interval(np.arange(9.0), np.zeros(9), np.full(9, 5), 50, 3)
assert np.allclose(_first, _again), "The same seed must give the same interval."
_turned = interval(np.zeros(9), np.arange(9.0), np.full(9, 5), 50, 3)
assert _turned[1] < 0 < _first[0], "The gain is that of the first model."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "interval-width", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.RandomState(1)
_T = _rng.randint(20, 60, size=300)
_b = -3 * _T + 20 * _rng.randn(300)
_a = _b + 0.1 * _T + 3 * _rng.randn(300)
_low, _high = interval(_a, _b, _T, 1000, 0)
assert _high - _low < 0.1, (
    "Hard texts are hard for both models: draw a text for both at once."
)
### BEGIN HIDDEN TESTS
_g = (_a - _b).sum() / _T.sum()
_error = np.sqrt(((_a - _b - _g * _T) ** 2).sum()) / _T.sum()
assert abs((_high - _low) / (2 * 1.96 * _error) - 1) < 0.15, (
    "The width is not that of the gain over all texts."
)
assert abs((_high + _low) / 2 - _g) < 0.5 * _error, "The middle is off."
### END HIDDEN TESTS

# %% [markdown]
# The comparison on new sentences: your bigram is the baseline; the rivals are a
# package's 4-gram, and hidden chains with twelve states from three starts. All
# are scored with the end of each sentence as a symbol.


# %%
def padded(texts):
    """Sentences as rows, with 0 from their end on."""
    return np.stack([np.r_[x, np.zeros(81 - len(x), int)] for x in texts])


ended = (
    [np.r_[x, 0][:, None] for x in train],
    [np.r_[x, 0][:, None] for x in test],
)
P, lengths = bigram(train, len(LETTERS)), np.array([len(x) + 1 for x in test])
base = np.array([np.log(P[np.r_[0, x], np.r_[x, 0]]).sum() for x in test])
grams = NGram(4, n_symbols=len(LETTERS)).fit(padded(train))
rivals = {"4-gram": grams.score_samples(padded(test))}
for seed in range(3):
    m = CategoricalHMM(12, n_categories=len(LETTERS), smoothing=0.1, tol=1e-3)
    m.set_params(random_state=seed).fit(ended[0])
    rivals[f"chain {seed}"] = np.asarray(m.score_samples(ended[1]))
print(f"bigram: {-base.sum() / lengths.sum():.3f} nats per symbol")
for name, log_p in rivals.items():
    low, high = interval(log_p, base, lengths, 1000, 0)
    print(f"gain of {name}: {low:.3f} to {high:.3f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (3 points): a report
#
# This answer is read by a person. A colleague reports: "Our hidden Markov model
# of letters has a held-out perplexity of 14, the word model of our rivals one
# of 210 on the same sentences, so ours is better. The training likelihood was
# highest with 40 states, so English has 40 kinds of letters. State 3 makes
# vowels; so if we set more states to 3 by hand, we learn what texts would look
# like if people used more vowels."
#
# Check each of the three sentences: what is wrong with it, and what would you
# do instead? About six sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "letters-report", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Perplexity.* One is per letter, the other per word, and a word has several
# letters, so the numbers do not compare. Divide the total $-\log p$ of the same
# sentences by the same number of letters, with unknown words spelled out, and
# give an interval from resampled sentences.
#
# *Forty states.* More states never lower the largest training likelihood, so
# it cannot choose. Choose K on held-out sentences, with several starts. Even
# then states are what helps to predict, not kinds of letters.
#
# *Setting a state.* The chain was fitted to what was seen, and its arrows are
# no causes: nobody writes by drawing a state. Conditioning on state 3 or
# setting it describes the model, not people. A claim about doing needs
# knowledge of causes or an experiment. And the number 3 is arbitrary: another
# start calls it otherwise.
