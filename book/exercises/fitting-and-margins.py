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
# # Fitting and margins
#
# You fit linear models so that they may be trusted: exactly, by gradient
# descent, and with the widest margin, and you judge them on rows that they have
# not seen.
#
# **You need** the chapters *Linear models* and *Non-linear models*. Symbols are
# those of the page *Notation*.
#
# **Time:** about 75 minutes. **Points:** 20 points in six exercises.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

from course.data import breast_cancer, wine
from course.models.linear import LogisticRegression
from course.plotting import MODEL, SECOND, use_style

use_style()

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): the exact fit
#
# Ridge regression with an intercept minimises
#
# $$J(w, b) = \frac1N \sum_{n=1}^N \tfrac12 (w^\top x_n + b - y_n)^2 + \frac{\lambda}{2} \lVert w \rVert^2 .$$
#
# Write `ridge(x, y, penalty)` for rows `x` of shape `(N, D)`, targets `y` of
# shape `(N,)` and $\lambda$ = `penalty` $\ge 0$. Return `w`, an array of shape
# `(D,)`, and `b`, a number. Where many weights are equally good, which happens
# only at $\lambda = 0$, return the shortest `w`.


# %% nbgrader={"grade": false, "grade_id": "ridge", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ridge(x, y, penalty):
    """Weights w of shape (D,) and intercept b of the exact minimum of J."""
    ### BEGIN SOLUTION
    x_mean, y_mean = x.mean(axis=0), y.mean()
    U, s, Vt = np.linalg.svd(x - x_mean, full_matrices=False)
    kept = s > 1e-10 * s.max()
    U, s, Vt = U[:, kept], s[kept], Vt[kept]
    w = Vt.T @ (s / (s**2 + len(x) * penalty) * (U.T @ (y - y_mean)))
    return w, y_mean - w @ x_mean
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "ridge-fit", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.default_rng(1)
_x = _rng.normal(size=(50, 3)) + [1.0, -2.0, 5.0]
_y = _x @ [0.5, 0.0, -1.0] + 3 + 0.1 * _rng.normal(size=50)
_w, _b = ridge(_x, _y, 0.0)
assert np.shape(_w) == (3,), "w must have one weight for each column of x"
assert abs(np.mean(_x @ _w + _b - _y)) < 1e-9, (
    "at the minimum the errors have mean zero: how do you treat the intercept?"
)
### BEGIN HIDDEN TESTS
for _penalty in (0.0, 0.03, 2.0):
    _w, _b = ridge(_x, _y, _penalty)
    _error = _x @ _w + _b - _y
    _slope = _x.T @ _error / len(_x) + _penalty * _w
    assert np.abs(_slope).max() < 1e-8, (
        "the slope of J by w is not zero: check how the penalty is scaled, "
        "and that only w is penalised"
    )
    assert abs(_error.mean()) < 1e-8, (
        "the slope of J by b is not zero: is the intercept penalised?"
    )
_w_up, _b_up = ridge(_x, _y + 100, 2.0)
assert np.allclose(_w_up, _w) and np.isclose(_b_up, _b + 100), (
    "adding 100 to all targets must change the intercept alone"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "ridge-equal-columns", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
_w, _b = ridge(_x, np.array([3.0, 6.0, 12.0]), 0.0)
assert np.allclose(_w, [1.5, 1.5]) and abs(_b) < 1e-9, (
    "two equal columns share the weight: do not invert a matrix that has "
    "no inverse"
)
### BEGIN HIDDEN TESTS
_z = np.random.default_rng(2).normal(size=100)
_x = np.c_[_z, _z + 1e-6 * np.random.default_rng(3).normal(size=100)]
_w, _ = ridge(_x, _x @ [1.0, 2.0], 0.0)
assert np.allclose(_w, [1, 2], atol=1e-4), (
    "nearly equal columns cost too many digits: decompose x itself, whose "
    "condition number is the square root of that of x.T @ x"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (4 points): one loss, one gradient
#
# Logistic regression scores a row with $a_n = w^\top x_n + b$ and minimises
#
# $$J(\theta) = \frac1N \sum_{n=1}^N \bigl[\log(1 + e^{a_n}) - y_n a_n\bigr] + \frac{\lambda}{2} \lVert w \rVert^2, \qquad \theta = (w, b), \quad y_n \in \{0, 1\} .$$
#
# Derive $\nabla J$ on paper. Then write `loss_and_gradient(theta, x, y,
# penalty)`. Here `theta` has shape `(D+1,)` and its last entry is $b$. Return
# $J$ in nats, a number, and $\nabla J$, of shape `(D+1,)`. Scores of $\pm 1000$
# must give finite numbers and no warning.


# %% nbgrader={"grade": false, "grade_id": "logistic", "locked": false, "schema_version": 3, "solution": true, "task": false}
def loss_and_gradient(theta, x, y, penalty):
    """J in nats, and its gradient of shape (D+1,); theta ends with b."""
    ### BEGIN SOLUTION
    w, a = theta[:-1], x @ theta[:-1] + theta[-1]
    loss = np.mean(np.logaddexp(0, a) - y * a) + penalty / 2 * w @ w
    error = np.exp(-np.logaddexp(0, -a)) - y
    slope_w = x.T @ error / len(x) + penalty * w
    return loss, np.append(slope_w, error.mean())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "logistic-loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x, _y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
_loss, _ = loss_and_gradient(np.zeros(2), _x, _y, 0.0)
assert np.isclose(_loss, np.log(2)), (
    "with all weights zero every answer is a coin toss, log 2 nats a row"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(4)
_x, _y = _rng.normal(size=(30, 2)), _rng.integers(0, 2, size=30)
_theta, _penalty = np.array([0.4, -1.1, 0.6]), 0.3
_p = 1 / (1 + np.exp(-(_x @ _theta[:2] + _theta[2])))
_fit = -np.mean(np.log(np.where(_y == 1, _p, 1 - _p)))
_loss, _ = loss_and_gradient(_theta, _x, _y, _penalty)
assert np.isclose(_loss, _fit + 0.15 * (0.4**2 + 1.1**2)), (
    "J is the mean over the rows plus half the penalty times |w|^2; the "
    "intercept is not penalised"
)
with np.errstate(over="raise", divide="raise", invalid="raise"):
    for _score in (-1000.0, 1000.0):
        _loss, _ = loss_and_gradient(
            np.array([_score, 0.0]), np.ones((1, 1)), np.ones(1), 0.0
        )
        assert np.isclose(_loss, max(0.0, -_score)), (
            "scores of size 1000 overflow: look for a function of NumPy "
            "that adds exponentials safely"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "logistic-gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.default_rng(5)
_x, _y = _rng.normal(size=(20, 2)), _rng.integers(0, 2, size=20)
_, _g = loss_and_gradient(np.zeros(3), _x, _y, 0.0)
assert np.shape(_g) == (3,), "the gradient has one entry for each of theta"
assert np.isclose(_g[2], 0.5 - _y.mean()), (
    "the last entry is the mean of prediction minus target"
)
### BEGIN HIDDEN TESTS
for _penalty in (0.0, 0.7):
    _theta = np.array([0.8, -0.5, 1.3])
    _a = _x @ _theta[:2] + _theta[2]
    _error = 1 / (1 + np.exp(-_a)) - _y
    _right = np.append(_x.T @ _error / 20, _error.mean())
    _right[:2] += _penalty * _theta[:2]
    _, _g = loss_and_gradient(_theta, _x, _y, _penalty)
    assert np.allclose(_g, _right), (
        "the gradient is not that of J: compare it with differences of "
        "your own loss, one entry of theta at a time"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (4 points): find the fault, mend it, prove it
#
# The next cell walks downhill on the mean of half the squared errors. It runs,
# its loss falls, and it is wrong. More than one line is to blame.
#
# Write two functions in the answer cell.
#
# `mended_descent(x, y, lr, steps)` does what was meant, for `x` of shape `(N,
# D)` and `y` of shape `(N,)`. Return `w` of shape `(D,)`, the number `b`, and
# `history` of shape `(steps + 1,)`: the loss before the first step and after
# each one.
#
# `is_sound(descent)` is your proof. It takes a function with these arguments
# and results, runs it on data of your choice, and returns `True` if the walk
# arrives where it should, `False` otherwise.


# %%
def faulty_descent(x, y, lr, steps):
    """Gradient descent for least squares, with faults."""
    w, b, history = np.zeros((x.shape[1], 1)), 0.0, []
    for _ in range(steps):
        error = x @ w + b - y
        history.append(np.mean(error**2) / 2)
        w = w - lr * x.T @ error / len(x)
        b = b - lr * np.mean(error) / len(x)
    return w, b, np.array(history)


_petals = wine().x[:, :2] - wine().x[:, :2].mean(axis=0)
_w, _b, _history = faulty_descent(_petals, wine().x[:, 12] / 1000, 0.5, 100)
print("the loss falls from", _history[0].round(3), "to", _history[-1].round(3))
print("shape of w:", _w.shape)


# %% nbgrader={"grade": false, "grade_id": "descent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_descent(x, y, lr, steps):
    """Weights (D,), intercept and losses (steps + 1,) of gradient descent."""
    ### BEGIN SOLUTION
    w, b, history = np.zeros(x.shape[1]), 0.0, []
    for step in range(steps + 1):
        error = x @ w + b - y
        history.append(np.mean(error**2) / 2)
        if step < steps:
            w = w - lr * x.T @ error / len(x)
            b = b - lr * error.mean()
    return w, b, np.array(history)
    ### END SOLUTION


def is_sound(descent):
    """Whether a descent arrives at the least squares fit with an intercept."""
    ### BEGIN SOLUTION
    x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0], [1.0, 4.0]])
    y = x @ [1.0, -2.0] + 3
    w, b, _ = descent(x, y, 0.1, 5000)
    arrived = np.shape(w) == (2,) and np.allclose(w, [1, -2], atol=1e-3)
    return bool(arrived and np.isclose(b, 3, atol=1e-3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "descent-mended", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x, _y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
_w, _b, _history = mended_descent(_x, _y, 0.1, 1)
assert np.shape(_w) == (1,), "one weight a column: what shape has the error?"
assert np.shape(_history) == (2,), "one step has a loss before and one after"
assert np.isclose(_history[0], (1 + 9 + 25) / 6), (
    "the first loss is that of w = 0 and b = 0"
)
### BEGIN HIDDEN TESTS
assert np.allclose(_w, [0.1 * 13 / 3]), (
    "the first step of w is lr times the mean of target times x"
)
assert np.isclose(_b, 0.1 * 3), (
    "the first step of b is lr times the mean target: count the divisions by N"
)
_rng = np.random.default_rng(6)
_x = _rng.normal(size=(40, 3))
_y = _x @ [1.0, -2.0, 0.5] + 4 + 0.1 * _rng.normal(size=40)
_w, _b, _history = mended_descent(_x, _y, 0.3, 2000)
_exact = np.linalg.lstsq(np.c_[_x, np.ones(40)], _y, rcond=None)[0]
assert np.allclose([*_w, _b], _exact, atol=1e-6), (
    "after many steps the walk must arrive at the least squares fit"
)
assert (np.diff(_history) < 1e-12).all() and np.isclose(
    _history[-1], np.mean((_x @ _w + _b - _y) ** 2) / 2
), "the losses must fall, and the last one belongs to the w and b returned"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "descent-proof", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert is_sound(faulty_descent) is False, (
    "your proof accepts the faulty function: its loss falls, but does it "
    "arrive at the right w and b?"
)
### BEGIN HIDDEN TESTS


def _variant(x, y, lr, steps, *, changed=(1.0, 0.0)):
    scale_b, drift = changed
    w, b, history = np.zeros(x.shape[1]), 0.0, []
    for _ in range(steps + 1):
        error = x @ w + b - y
        history.append(np.mean(error**2) / 2)
        last = w, b
        w = w - lr * (x.T @ error / len(x) + drift * w)
        b = b - lr * error.mean() * scale_b
    return *last, np.array(history)


def _slow_b(x, y, lr, steps):
    return _variant(x, y, lr, steps, changed=(0.0, 0.0))


def _penalised(x, y, lr, steps):
    return _variant(x, y, lr, steps, changed=(1.0, 0.2))


assert is_sound(_variant) is True, (
    "your proof rejects a walk that is right: does it take enough steps, "
    "at a rate below the limit?"
)
assert is_sound(_slow_b) is False, (
    "your proof accepts a walk that never moves the intercept: use data "
    "with an intercept that is not zero"
)
assert is_sound(_penalised) is False, (
    "your proof accepts a walk with a hidden penalty: compare the weights "
    "with the exact fit"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (4 points): a comparison one may believe
#
# Write `compare(fit, x, y, seeds)`. For every seed of the list `seeds`:
#
# 1. shuffle with `np.random.default_rng(seed).permutation(len(x))`; the first
#    half of the shuffled rows (`len(x) // 2` of them) trains, the others test;
# 2. standardise the columns: mean 0 and standard deviation 1 *of the training
#    rows*;
# 3. call `fit(x_train, y_train)`. It returns a function that gives every row
#    its score $a$, the log-odds of $y = 1$;
# 4. take the mean of $\log(1 + e^a) - y a$ over the test rows, in nats;
# 5. take the same for a baseline that ignores $x$ and answers every row with
#    the share of ones among the training labels.
#
# Return an array of shape `(len(seeds), 2)`: the model's nats in the first
# column, the baseline's in the second. The labels `y` are 0 and 1, and no
# column is constant.


# %% nbgrader={"grade": false, "grade_id": "compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(fit, x, y, seeds):
    """Test nats of a model and of the baseline, shape (len(seeds), 2)."""

    def nats(a, y):
        return np.mean(np.logaddexp(0, a) - y * a)

    ### BEGIN SOLUTION
    results = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(x))
        train, test = np.split(order, [len(x) // 2])
        mean, spread = x[train].mean(axis=0), x[train].std(axis=0)
        z = (x - mean) / spread
        score = fit(z[train], y[train])
        share = y[train].mean()
        log_odds = np.log(share) - np.log(1 - share)
        results.append([nats(score(z[test]), y[test]), nats(log_odds, y[test])])
    return np.array(results)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compare-nats", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _first_column(x, y):
    return lambda rows: 2 * rows[:, 0]


_x, _y = breast_cancer().x, breast_cancer().y
_found = compare(_first_column, _x, _y, [0, 1, 2])
assert np.shape(_found) == (3, 2), "one row a seed, model and baseline in it"
assert (np.ptp(_found, axis=0) > 0).all(), (
    "every seed gives another split, and so another number"
)
### BEGIN HIDDEN TESTS
for _seed in (3, 11):
    _order = np.random.default_rng(_seed).permutation(len(_x))
    _a, _b = _order[: len(_x) // 2], _order[len(_x) // 2 :]
    _z = 2 * (_x[_b, 0] - _x[_a, 0].mean()) / _x[_a, 0].std()
    _model = np.mean(np.log1p(np.exp(_z)) - _y[_b] * _z)
    _found = compare(_first_column, _x, _y, [_seed])[0]
    assert np.isclose(_found[0], _model), (
        "the nats of the model differ: check the split, the scaling of the "
        "test rows, and that you take the mean over the test rows"
    )
_found = compare(_first_column, _x[:51], _y[:51], [0])
assert np.isfinite(_found).all(), "an odd number of rows must work too"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "compare-honest", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_seen = []


def _spy(x, y):
    _seen.append((x, y))
    return lambda rows: np.zeros(len(rows))


_x = np.random.default_rng(7).normal(3, 2, size=(21, 2))
_y = (np.arange(21) % 3 == 0).astype(int)
_found = compare(_spy, _x, _y, [5])
assert len(_seen) == 1, "one seed, one fit"
assert _seen[0][0].shape == (10, 2), "the first half of 21 rows are 10 rows"
### BEGIN HIDDEN TESTS
_z = _seen[0][0]
assert np.allclose(_z.mean(axis=0), 0) and np.allclose(_z.std(axis=0), 1), (
    "the training rows do not have mean 0 and deviation 1: which rows did "
    "you take the mean and deviation of?"
)
_order = np.random.default_rng(5).permutation(21)
_share, _rest = _y[_order[:10]].mean(), _y[_order[10:]]
_nats = -np.mean(np.where(_rest == 1, np.log(_share), np.log(1 - _share)))
assert np.isclose(_found[0, 1], _nats), (
    "the baseline may know the training labels only, and is judged on the "
    "test labels"
)
### END HIDDEN TESTS

# %% [markdown]
# With your function, three splits of the biopsies at seven penalties:

# %% mystnb={"image": {"alt": "Nats per biopsy against the penalty, on a logarithmic axis from one in a million to one. Three blue curves, one a split, lie well below three flat orange lines and are lowest between one thousandth and one tenth."}, "figure": {"name": "fig-sheet-fitting-penalty", "caption": "Test nats of logistic regression (blue) and of the baseline (orange), for three splits."}}
_penalties = 10.0 ** np.arange(-6, 1)


def _logistic(penalty):
    model = LogisticRegression(penalty=penalty)
    return lambda x, y: model.fit(x, y).decision_function


_nats = np.array(
    [compare(_logistic(p), *breast_cancer()[:2], [0, 1, 2]) for p in _penalties]
)
_, _ax = plt.subplots(figsize=(6, 2.8))
_ax.plot(_penalties, _nats[..., 0], color=MODEL)
_ax.plot(_penalties, _nats[..., 1], color=SECOND)
_ax.set(xlabel="penalty", ylabel="nats per biopsy", xscale="log")
plt.show()

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): from the dual to the border
#
# A linear support vector machine with labels $y_n = \pm 1$ minimises
#
# $$J(w, b) = \frac1N \sum_{n=1}^N \max\bigl(0, 1 - y_n (w^\top x_n + b)\bigr) + \frac{\lambda}{2} \lVert w \rVert^2 .$$
#
# Its dual maximises $\sum_n u_n y_n - \tfrac12 \sum_{n,m} u_n u_m\, x_n^\top
# x_m$ subject to $\sum_n u_n = 0$ and $0 \le u_n y_n \le 1/(N\lambda)$. The
# minimum of $J/\lambda$ equals this maximum.
#
# Write `border(u, x, y, penalty)` for coefficients `u` of shape `(N,)` that
# satisfy the constraints. Return `w` of shape `(D,)`, the number `b`, and the
# *gap*: $J(w, b)/\lambda$ minus the dual objective. Take $b$ as the mean of
# $y_n - w^\top x_n$ over the rows with $u_n y_n$ strictly inside its bounds
# (more than a millionth of $1/(N\lambda)$ from both ends; there is at least
# one).


# %% nbgrader={"grade": false, "grade_id": "border", "locked": false, "schema_version": 3, "solution": true, "task": false}
def border(u, x, y, penalty):
    """Weights w (D,), intercept b, and J/penalty minus the dual objective."""
    ### BEGIN SOLUTION
    bound = 1 / (len(x) * penalty)
    w = u @ x
    inside = (u * y > 1e-6 * bound) & (u * y < (1 - 1e-6) * bound)
    b = np.mean((y - x @ w)[inside])
    hinge = np.maximum(0, 1 - y * (x @ w + b))
    primal = bound * hinge.sum() + w @ w / 2
    return w, b, primal - (u @ y - w @ w / 2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "border-weights", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_x, _y = np.array([[-1.0], [2.0]]), np.array([-1.0, 1.0])
_u = np.array([-2 / 9, 2 / 9])
_w, _b, _ = border(_u, _x, _y, 0.5)
assert np.shape(_w) == (1,), "w has one entry for each column of x"
assert np.allclose(_w, 2 / 3), "w is the sum of u times x: u has its sign"
### BEGIN HIDDEN TESTS
assert np.isclose(_b, -1 / 3), (
    "both points lie on the edge of the strip, so the border is half-way"
)
_x = np.array([[-3.0], [-2.0], [-1.0], [0.0], [2.0], [3.0]])
_y = np.array([-1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
_svc = SVC(kernel="linear", C=1.0, tol=1e-10).fit(_x, _y)
_u = np.zeros(6)
_u[_svc.support_] = _svc.dual_coef_[0]
_w, _b, _ = border(_u, _x, _y, 1 / 6)
assert np.allclose(_w, _svc.coef_[0], atol=1e-6), (
    "the weights differ from those of a library"
)
assert np.isclose(_b, _svc.intercept_[0], atol=1e-6), (
    "the intercept differs: points at their upper bound lie inside the "
    "strip and say nothing about b"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "border-gap", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x, _y = np.array([[-1.0], [2.0]]), np.array([-1.0, 1.0])
_, _, _gap = border(np.array([-2 / 9, 2 / 9]), _x, _y, 0.5)
assert abs(_gap) < 1e-9, "at the solution the two objectives meet"
### BEGIN HIDDEN TESTS
_, _, _gap = border(np.array([-0.1, 0.1]), _x, _y, 0.5)
_hinge = 1 - 0.3 * 1.5  # of both points: the border is half-way
assert np.isclose(_gap, 2 * _hinge + 0.045 - (0.2 - 0.045)), (
    "away from the solution the gap is J/penalty minus the dual: mind the "
    "sign of the halves, and what the penalty divides"
)
_x = wine().x[:130, [0, 6]]
_x = (_x - _x.mean(axis=0)) / _x.std(axis=0)
_y = np.where(wine().y[:130] == 0, 1.0, -1.0)
for _penalty in (0.01, 0.1):
    _svc = SVC(kernel="linear", C=1 / (130 * _penalty), tol=1e-9).fit(_x, _y)
    _u = np.zeros(130)
    _u[_svc.support_] = _svc.dual_coef_[0]
    assert abs(border(_u, _x, _y, _penalty)[2]) < 1e-5, (
        "on real data the gap at the solution is not zero: check J/penalty"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (2 points): what to report
#
# A colleague fits logistic regression to half of the biopsies, almost without a
# penalty. On the other half she finds nearly as many answers right as at a
# penalty of 0.01, and a loss of many more nats per biopsy. She reports the
# accuracy alone, "since it hardly differs", and takes the penalty with the best
# accuracy on this half. What does the loss see that the accuracy does not, and
# what is wrong with her choice? Three sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "report", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The loss charges every answer by the probability it gave to the truth, so a
# few wrong answers given with certainty cost many nats, while accuracy counts
# them like any other mistake. She chose the penalty on the rows that she
# reports on, so her accuracy is that of the luckiest penalty and too good for
# new biopsies. The penalty should be chosen on validation rows, and the test
# rows used once.
