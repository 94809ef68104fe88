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
# # Labels and generators
#
# You use a model of the data where labels are weak, shares drift and features
# are missing, and find out fairly whether its draws help a classifier.
#
# **You need** the chapters *Synthetic data for a classifier* and *Generative
# classifiers*. Symbols are those of the page *Notation*.
#
# **Time:** about 90 minutes. **Points:** 22 points in eight exercises, the last
# of them written and marked by hand.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them.
#
# All arrays are NumPy arrays of float64, one example a row. Classes are the
# numbers $0, \dots, K - 1$, and logarithms are natural.

# %%
import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, norm
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from course.data import breast_cancer, digits, iris
from course.models.class_conditional import ClassConditional
from course.models.mixture import GaussianMixture


def standard(x):
    """Columns with mean 0 and standard deviation 1."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


cells, benign = standard(breast_cancer().x), breast_cancer().y
flowers, species = iris().x, iris().y

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (2 points): what endless draws teach
#
# A generator draws $y = 1$ with probability $\pi_1$ and $y = 0$ otherwise, then
# $x \sim \mathcal N(\mu_y, \Sigma)$, with one covariance for both classes. A
# logistic regression, $p(y = 1 \mid x) = \mathrm{sigmoid}(w^\top x + b)$, is
# trained on more and more of its draws, without a penalty. Where does it end?
#
# Derive the limit, and write `endless(mu_0, mu_1, Sigma, pi_1)`. It returns the
# pair `(w, b)`: an array of shape `(D,)` and a number. `Sigma` has the shape
# `(D, D)` and is positive definite; $0 < \pi_1 < 1$.


# %% nbgrader={"grade": false, "grade_id": "endless", "locked": false, "schema_version": 3, "solution": true, "task": false}
def endless(mu_0, mu_1, Sigma, pi_1):
    """Weights and intercept that endless draws of the generator lead to."""
    ### BEGIN SOLUTION
    # w'x + b is the log-odds of Bayes' rule; the squares of x cancel.
    w = np.linalg.solve(Sigma, mu_1 - mu_0)
    prior = np.log(pi_1) - np.log(1 - pi_1)
    return w, prior - w @ (mu_0 + mu_1) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "endless-weights", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_w, _ = endless(
    np.array([0.0, 0.0]), np.array([1.0, 2.0]), np.diag([1.0, 4.0]), 0.5
)
assert np.shape(_w) == (2,), "There is one weight for each feature."
assert np.allclose(_w, [1.0, 0.5]), (
    "A feature that varies much within the classes deserves less weight."
)
### BEGIN HIDDEN TESTS
for _seed in range(5):
    _rng = np.random.default_rng(_seed)
    _G, _m, _n = _rng.standard_normal((4, 4)), *_rng.standard_normal((2, 4))
    _S = _G @ _G.T + 0.2 * np.eye(4)
    _w, _ = endless(_m, _n, _S, 0.3)
    assert np.allclose(_S @ _w, _n - _m, atol=1e-6), (
        "Features that go together must not be counted as if each were alone."
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "endless-posterior", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_w, _b = endless(np.array([-1.0]), np.array([3.0]), np.eye(1), 0.5)
assert np.isclose(_w @ [1.0] + _b, 0), (
    "Halfway between two equally frequent classes the log-odds are zero."
)
### BEGIN HIDDEN TESTS
for _seed in range(5):
    _rng = np.random.default_rng(_seed)
    _G, _m, _n = _rng.standard_normal((3, 3)), *_rng.standard_normal((2, 3))
    _S, _pi = _G @ _G.T + 0.5 * np.eye(3), _rng.uniform(0.05, 0.95)
    _w, _b = endless(_m, _n, _S, _pi)
    _x = _rng.standard_normal((6, 3))
    _one = _pi * multivariate_normal(_n, _S).pdf(_x)
    _zero = (1 - _pi) * multivariate_normal(_m, _S).pdf(_x)
    assert np.allclose(expit(_x @ _w + _b), _one / (_one + _zero), atol=1e-5), (
        "Compare with Bayes' rule; the shares of the classes belong to it."
    )
### END HIDDEN TESTS

# %% [markdown]
# A generator fitted to 60 biopsies. A logistic regression learns from its
# draws, a few or many, and is tested on real biopsies.

# %%
rng = np.random.default_rng(0)
few = rng.permutation(len(cells))[:60]
rest = np.setdiff1d(np.arange(len(cells)), few)
mu = [cells[few][benign[few] == k].mean(axis=0) for k in (0, 1)]
centred = cells[few] - np.array(mu)[benign[few]]
Sigma = centred.T @ centred / 60 + 0.1 * np.eye(30)
w, b = endless(*mu, Sigma, benign[few].mean())
for M in (100, 1000, 10_000):
    y = (rng.random(M) < benign[few].mean()).astype(int)
    x = np.array(mu)[y] + rng.multivariate_normal(np.zeros(30), Sigma, M)
    pupil = LogisticRegression(C=1e6, max_iter=2000).fit(x, y)
    right = pupil.score(cells[rest], benign[rest])
    print(f"{M:6} draws: accuracy {right:.3f}")
right = ((cells[rest] @ w + b > 0) == benign[rest]).mean()
print(f"endless draws: accuracy {right:.3f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (2 points): a label that is a set
#
# "It is a 3 or an 8." "It is not setosa." Such a label names a *set* of
# classes, of which one is right. A full label is a set of one class, a missing
# label the set of all.
#
# Write `restricted(log_joint, allowed)`, the E-step for such labels.
#
# - `log_joint` holds $\log p_\theta(x_n, y = k)$, shape `(N, K)`, all finite.
#   The numbers may lie near $-10^5$, as they do for images.
# - `allowed` holds `True` where class $k$ is in the set of example $n$, shape
#   `(N, K)`. Every row has at least one `True`. Nothing else is known of the
#   labels.
#
# Return the pair `(r, log_p)`: the responsibilities, shape `(N, K)`, each the
# probability of the class given the example and the set; and for each example
# the logarithm of the probability (density) of $x_n$ together with the
# statement "the class is in the set", shape `(N,)`.


# %% nbgrader={"grade": false, "grade_id": "restricted", "locked": false, "schema_version": 3, "solution": true, "task": false}
def restricted(log_joint, allowed):
    """Responsibilities within the allowed sets, and log p(x_n, y_n in set)."""
    ### BEGIN SOLUTION
    possible = np.where(allowed, log_joint, -np.inf)
    log_p = logsumexp(possible, axis=1)
    return np.exp(possible - log_p[:, None]), log_p
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "restricted-value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_joint = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
_sets = np.array([[True, True, False], [False, False, True]])
_r, _log_p = restricted(np.log(_joint), _sets)
assert np.shape(_r) == (2, 3), "There is a responsibility for each class."
assert np.shape(_log_p) == (2,), "There is one log_p for each example."
assert np.allclose(_r, [[1 / 3, 2 / 3, 0], [0, 0, 1]]), (
    "Classes outside the set are impossible, and the others share the whole "
    "probability."
)
### BEGIN HIDDEN TESTS
assert np.allclose(_log_p, np.log([0.3, 0.3])), (
    "The second number is a joint probability: it is not 1 for a full label."
)
_rng = np.random.default_rng(0)
_joint = _rng.random((50, 4))
_sets = _rng.random((50, 4)) < 0.5
_sets[np.arange(50), _rng.integers(4, size=50)] = True
_r, _log_p = restricted(np.log(_joint), _sets)
_p = (_joint * _sets).sum(axis=1)
assert np.allclose(_r, _joint * _sets / _p[:, None]), (
    "Bayes' rule, with the classes outside the set left out of numerator and "
    "denominator."
)
assert np.allclose(_log_p, np.log(_p)), (
    "Sum the joint over the classes of the set."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "restricted-stable", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_far = np.array([[-90_000.0, -90_001.0]])
_r, _log_p = restricted(_far, np.array([[True, True]]))
assert np.isfinite([*_r[0], *_log_p]).all(), (
    "The exponential of such a number is zero; stay with logarithms until the"
    " end."
)
assert np.isclose(_r[0, 0], expit(1.0)), (
    "Only differences of logarithms decide between classes."
)
### BEGIN HIDDEN TESTS
_off = _log_p[0] + 90_000 - np.log1p(np.exp(-1.0))
assert abs(_off) < 1e-6, "Take the largest logarithm out of the sum first."
_far = np.array([[0.0, -5000.0, -5001.0], [-5000.0, 0.0, 800.0]])
_sets = np.array([[False, True, True], [True, True, False]])
_r, _log_p = restricted(_far, _sets)
assert np.allclose(_r, [[0, expit(1.0), expit(-1.0)], [0, 1, 0]]), (
    "The largest logarithm of the row may belong to a class that is not "
    "allowed."
)
assert np.allclose(_log_p, [-5000 + np.log1p(np.exp(-1.0)), 0]), (
    "The largest logarithm of the row may belong to a class that is not "
    "allowed."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (3 points): EM with sets
#
# Write `fit_sets(x, allowed, steps)`: EM for class Gaussians with *one*
# covariance, $p_\theta(x, y = k) = \pi_k\, \mathcal N(x; \mu_k, \Sigma)$, from
# examples `x`, shape `(N, D)`, whose labels are sets as in Exercise 2.
#
# Start from responsibilities that are equal within each set. Then repeat
# `steps` times: an M-step, which maximises the expected log-likelihood over
# $\pi, \mu_k$ and $\Sigma$, and an E-step. There is no ridge. Return
# `(pi, mu, Sigma, history)`: shares, shape `(K,)`; means, shape `(K, D)`; the
# covariance, shape `(D, D)`; and a list or array of `steps` numbers, the
# log-likelihood $\sum_n \log p_\theta(x_n, y_n \in \text{set}_n)$ after each
# M-step.
#
# Your function must not call the answer of Exercise 2. `logsumexp` and
# `multivariate_normal` (SciPy) are imported. You may assume that every class is
# in some set, and that the covariance stays positive definite.


# %% nbgrader={"grade": false, "grade_id": "fit-sets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit_sets(x, allowed, steps):
    """Shares, means, covariance and log-likelihoods of EM with label sets."""
    ### BEGIN SOLUTION
    r, history = allowed / allowed.sum(axis=1, keepdims=True), []
    for _ in range(steps):
        N_k = r.sum(axis=0)
        pi, mu = N_k / len(x), r.T @ x / N_k[:, None]
        d = x[:, None] - mu
        Sigma = np.einsum("nk,nki,nkj->ij", r, d, d) / len(x)
        bell = multivariate_normal(np.zeros(x.shape[1]), Sigma)
        joint = np.log(pi) + bell.logpdf(d).reshape(r.shape)
        joint = np.where(allowed, joint, -np.inf)
        log_p = logsumexp(joint, axis=1)
        r = np.exp(joint - log_p[:, None])
        history.append(log_p.sum())
    return pi, mu, Sigma, history
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fit-sets-full", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_full = species[:, None] == np.arange(3)
_pi, _mu, _Sigma, _history = fit_sets(flowers, _full, 2)
_means = np.stack([flowers[species == k].mean(axis=0) for k in range(3)])
assert np.allclose(_pi, 1 / 3), (
    "With full labels the shares are those of the labels."
)
assert np.allclose(_mu, _means), (
    "With full labels the means are those of the classes."
)
### BEGIN HIDDEN TESTS
_d = flowers - _means[species]
assert np.allclose(_Sigma, _d.T @ _d / 150), (
    "The shared covariance is the mean over all examples of the squares about"
    " their own class mean."
)
assert len(_history) == 2, "There is one log-likelihood for each step."
_right = multivariate_normal(np.zeros(4), _d.T @ _d / 150).logpdf(
    _d
).sum() + 150 * np.log(1 / 3)
assert np.allclose(_history, _right), (
    "With full labels the first M-step is the last, and the shares belong to "
    "the likelihood."
)
_some = np.r_[0:20, 50:60, 100:130]
_pi, *_ = fit_sets(flowers[_some], _full[_some], 1)
assert np.allclose(_pi, [1 / 3, 1 / 6, 1 / 2]), "Shares need not be equal."
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "fit-sets-em", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rng = np.random.default_rng(1)
_sets = np.ones((150, 3), dtype=bool)
_sets[np.arange(150), (species + _rng.integers(1, 3, size=150)) % 3] = False
_pi, _mu, _Sigma, _history = fit_sets(flowers, _sets, 30)
assert np.all(np.diff(_history) > -1e-8), (
    "EM never lowers the log-likelihood; look for a step that is no maximum, "
    "or a set that is ignored."
)
assert np.shape(_mu) == (3, 4), "There is a mean for each class."
assert np.shape(_Sigma) == (4, 4), "There is one covariance for all classes."
### BEGIN HIDDEN TESTS


def _reference(x, allowed, steps):
    _r, _found = allowed / allowed.sum(axis=1, keepdims=True), []
    for _ in range(steps):
        _pi = _r.mean(axis=0)
        _mu = np.stack([np.average(x, axis=0, weights=v) for v in _r.T])
        _S = sum(
            _pi[k] * np.cov(x.T, aweights=_r[:, k], bias=True)
            for k in range(len(_pi))
        )
        _p = (
            np.stack(
                [
                    _pi[k] * multivariate_normal(_mu[k], _S).pdf(x)
                    for k in range(len(_pi))
                ],
                axis=1,
            )
            * allowed
        )
        _found.append(np.log(_p.sum(axis=1)).sum())
        _r = _p / _p.sum(axis=1, keepdims=True)
    return _pi, _mu, _S, _found


for _steps in (1, 2, 30):
    _want, _got = (
        _reference(flowers, _sets, _steps),
        fit_sets(flowers, _sets, _steps),
    )
    for _a, _b in zip(_want, _got, strict=True):
        assert np.allclose(_a, _b, rtol=1e-5, atol=1e-6), (
            "A single step already differs from EM; check the start, the "
            "weights and what is allowed."
        )
_few = np.ones((150, 3), dtype=bool)
_few[::10] = species[::10, None] == np.arange(3)
_want, _got = _reference(flowers, _few, 25), fit_sets(flowers, _few, 25)
assert np.allclose(_want[1], _got[1], rtol=1e-5, atol=1e-6), (
    "A missing label is the set of all classes, and a full one a set of one."
)
### END HIDDEN TESTS

# %% [markdown]
# What are weak labels worth? Six flowers have full labels; of the others
# nothing is known, or one class that they are *not*, or everything. All flowers
# of iris, three choices of the six.


# %%
def agreement(allowed):
    """Share of flowers whose most probable class is the true one."""
    pi, mu, Sigma, _ = fit_sets(flowers, allowed, 50)
    log_p = [multivariate_normal(m, Sigma).logpdf(flowers) for m in mu]
    return (np.argmax(np.log(pi) + np.stack(log_p, 1), 1) == species).mean()


full, table = species[:, None] == np.arange(3), []
for seed in range(3):
    rng = np.random.default_rng(seed)
    six = np.concatenate([rng.choice(50, 2, False) + 50 * k for k in range(3)])
    nothing = np.ones((150, 3), dtype=bool)
    excluded = (
        np.arange(3) != ((species + rng.integers(1, 3, 150)) % 3)[:, None]
    )
    nothing[six], excluded[six] = full[six], full[six]
    table.append([agreement(a) for a in (nothing, excluded, full)])
names = "nothing", "one excluded", "full"
for name, column in zip(names, np.transpose(table), strict=True):
    print(f"{name:12}", " ".join(f"{v:.3f}" for v in column))

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): shares that nobody tells you
#
# A classifier was trained where the classes had the shares $\pi_y$ (`old`,
# shape `(K,)`, all positive). It is used where they are $\pi'_y$, unknown; the
# densities $p(x \mid y)$ stay. There you have its probabilities $p(y \mid x_n)$
# for many unlabelled examples (`p`, shape `(N, K)`, rows with sum 1).
#
# Up to a factor that does not depend on $\pi'$, the likelihood of an example is
# $p'(x_n) \propto \sum_y p(y \mid x_n)\, \pi'_y / \pi_y$. Write
# `new_shares(p, old)`. It returns the shares, shape `(K,)`, that maximise the
# likelihood of all examples. Derive EM for them, or use another method that
# finds the maximum. Each share must be right to 0.002, in at most two seconds
# for a thousand examples.


# %% nbgrader={"grade": false, "grade_id": "new-shares", "locked": false, "schema_version": 3, "solution": true, "task": false}
def new_shares(p, old):
    """The shares of the classes that explain unlabelled examples best."""
    ### BEGIN SOLUTION
    shares = np.array(old, dtype=float)
    for _ in range(5000):
        r = p * (shares / old)  # E-step: Bayes' rule with these shares
        before, shares = shares, (r / r.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(shares - before).max() < 1e-8:
            break
    return shares
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "new-shares-sure", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_old = np.array([0.5, 0.3, 0.2])
_found = new_shares(np.eye(3)[[0, 0, 0, 1, 2, 2]], _old)
assert np.isclose(np.sum(_found), 1), "Shares sum to one."
assert np.allclose(_found, [1 / 2, 1 / 6, 1 / 3], atol=0.002), (
    "If the classifier is sure of every example, the shares are counted."
)
### BEGIN HIDDEN TESTS
assert np.allclose(
    new_shares(np.tile(np.eye(4)[2:], (5, 1)), np.array([0.1, 0.2, 0.3, 0.4])),
    [0, 0, 0.5, 0.5],
    atol=0.002,
), "A class may be absent."
assert np.allclose(_old, [0.5, 0.3, 0.2]), (
    "The arguments must stay as they are."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "new-shares-unsure", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_p = np.array([[0.8, 0.2]] * 6 + [[0.2, 0.8]] * 4)
_found = new_shares(_p, np.array([0.5, 0.5]))
# then 0.8 s + 0.2 (1 - s) = 0.6 for the share s of class 0
assert np.allclose(_found, [2 / 3, 1 / 3], atol=0.002), (
    "Unsure probabilities are pulled towards the old shares; their mean is "
    "not yet the answer."
)
### BEGIN HIDDEN TESTS
_found = new_shares(_p, np.array([0.8, 0.2]))
_s = np.linspace(0, 1, 100_001)[:, None]
_ratio = _s * _p[:, 0] / 0.8 + (1 - _s) * _p[:, 1] / 0.2
_best = _s[np.log(np.maximum(_ratio, 1e-300)).sum(axis=1).argmax(), 0]
assert np.allclose(_found, [_best, 1 - _best], atol=0.002), (
    "The old shares need not be equal, and their part in the probabilities "
    "has to be taken out."
)
for _seed in range(3):
    _rng = np.random.default_rng(_seed)
    _old, _new = np.array([0.6, 0.3, 0.1]), _rng.dirichlet([2.0, 2.0, 2.0])
    _y = _rng.choice(3, size=1000, p=_new)
    _x = np.array([0.0, 2.0, 4.0])[_y] + _rng.standard_normal(1000)
    _joint = _old * norm.pdf(_x[:, None], [0.0, 2.0, 4.0])
    _p = _joint / _joint.sum(axis=1, keepdims=True)
    _best = _old.copy()
    for _ in range(1000):
        _r = _p * _best / _old
        _best = (_r / _r.sum(axis=1, keepdims=True)).mean(axis=0)
    assert np.allclose(new_shares(_p, _old), _best, atol=0.003), (
        "Other shares have a higher likelihood; has the iteration come to rest?"
    )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): the classifier that loves zeros
#
# Gaussians with independent pixels, one for each digit, classify images of
# which some pixels are hidden (NaN). The program runs, and on whole images it
# does well. The more pixels are hidden, the more often it answers with the same
# few digits.


# %%
def faulty_log_joint(x, log_pi, mu, var):
    """Log p(observed pixels, class); NaN marks a pixel that is not known."""
    far = np.square(x[:, None] - mu) / var  # (N, K, D)
    constant = np.log(2 * np.pi * var).sum(axis=1)
    return log_pi - (np.nansum(far, axis=2) + constant) / 2


def pixels(part):
    """Digits as rows of 64 pixels in [0, 1], and their classes."""
    x, y = digits(part)
    return x.reshape(-1, 64).astype(float), y


train, labels = pixels("train")
test, test_labels = pixels("test")
classes = [train[labels == k] for k in range(10)]
log_pi = np.log([len(v) / len(train) for v in classes])
mu = np.stack([v.mean(axis=0) for v in classes])
var = np.stack([v.var(axis=0) for v in classes]) + 0.02


# %%
def report(log_joint):
    """Accuracy with hidden pixels, and how often the commonest answer."""
    for share in (0.0, 0.5, 0.8, 0.9):
        hidden = np.random.default_rng(0).random(test.shape) < share
        x = np.where(hidden, np.nan, test)
        found = log_joint(x, log_pi, mu, var).argmax(axis=1)
        counts = np.bincount(found, minlength=10)
        print(
            f"{share:.0%} hidden: {(found == test_labels).mean():.3f} right;",
            end=" ",
        )
        print(
            f"answers {counts.argmax()} in {counts.max() / len(x):.0%} of cases"
        )


report(faulty_log_joint)

# %% [markdown]
# Find the fault and mend it: write `log_joint(x, log_pi, mu, var)` of shape
# `(N, K)`, the logarithm of $\pi_k\, p_\theta(x_{\mathrm o} \mid y = k)$ for
# the observed pixels of each row of `x`, shape `(N, D)`. `log_pi` has the shape
# `(K,)`, `mu` and `var` (variances) have the shape `(K, D)`. A row may be
# complete, and it may be NaN throughout. NumPy must not warn.


# %% nbgrader={"grade": false, "grade_id": "log-joint", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_joint(x, log_pi, mu, var):
    """Log p(observed features, class), shape (N, K); NaN is not observed."""
    ### BEGIN SOLUTION
    seen = ~np.isnan(x)
    far = np.square(np.where(seen, x, 0)[:, None] - mu) / var
    each = far + np.log(2 * np.pi * var)  # (N, K, D); no pixel, no constant
    return log_pi - np.where(seen[:, None], each, 0).sum(axis=2) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "log-joint-whole", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_mu, _var = (
    np.array([[0.0, 1.0], [2.0, -1.0]]),
    np.array([[1.0, 4.0], [0.25, 1.0]]),
)
_x = np.array([[0.5, 0.5], [3.0, -2.0]])
_right = np.log([0.3, 0.7]) + norm.logpdf(_x[:, None], _mu, np.sqrt(_var)).sum(
    axis=2
)
assert np.shape(log_joint(_x, np.log([0.3, 0.7]), _mu, _var)) == (2, 2), (
    "There is a row for each example and a column for each class."
)
assert np.allclose(log_joint(_x, np.log([0.3, 0.7]), _mu, _var), _right), (
    "Of complete rows all features count, each with its variance."
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
_mu, _var = _rng.standard_normal((3, 7)), _rng.uniform(0.1, 3, (3, 7))
_x, _log_pi = _rng.standard_normal((5, 7)), np.log([0.2, 0.5, 0.3])
_right = _log_pi + norm.logpdf(_x[:, None], _mu, np.sqrt(_var)).sum(axis=2)
assert np.allclose(log_joint(_x, _log_pi, _mu, _var), _right), (
    "Of complete rows all features count, each with its variance."
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "log-joint-missing", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_mu, _var = (
    np.array([[0.0, 1.0], [2.0, -1.0]]),
    np.array([[1.0, 4.0], [0.25, 1.0]]),
)
_x = np.array([[np.nan, np.nan]])
assert np.allclose(
    log_joint(_x, np.log([0.3, 0.7]), _mu, _var), np.log([[0.3, 0.7]])
), "Of a row that shows nothing only the shares are left."
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1)
_mu, _var = _rng.standard_normal((3, 6)), _rng.uniform(0.05, 3, (3, 6))
_x, _log_pi = _rng.standard_normal((8, 6)), np.log([0.2, 0.5, 0.3])
_x[_rng.random((8, 6)) < 0.5] = np.nan
_copy = _x.copy()
for _row, _got in zip(_x, log_joint(_x, _log_pi, _mu, _var), strict=True):
    _o = ~np.isnan(_row)
    _right = _log_pi + norm.logpdf(
        _row[_o], _mu[:, _o], np.sqrt(_var[:, _o])
    ).sum(axis=1)
    assert np.allclose(_got, _right), (
        "What a hidden feature contributes must integrate to one in every "
        "class."
    )
assert np.array_equal(_x, _copy, equal_nan=True), (
    "The arguments must stay as they are."
)
### END HIDDEN TESTS

# %% [markdown]
# The same report with your function.

# %%
report(log_joint)

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): a proof by integration
#
# How could one have noticed? By the sum rule. Write `consistent(log_joint)`, a
# test for programs of the kind of Exercise 5. It gets a function with the
# arguments `(x, log_pi, mu, var)` and returns `True` or `False`.
#
# A program is consistent if its answers are joint densities,
# $\sum_k \int p(x, y = k)\, \mathrm dx = 1$, and if hiding a feature does the
# same as integrating over it. For every class, $p(x_{\mathrm o}, y = k)$ must
# be the integral of $p(x_{\mathrm o}, x_{\mathrm m}, y = k)$ over
# $x_{\mathrm m}$. Choose the parameters and the points at which you test, and a
# grid that is fine and wide enough. All programs here accept any number of
# features, classes and rows, and have independent Gaussian features. A fault
# changes some joint density by a tenth or more if the variances of the classes
# differ by a factor of 2 and the means lie 1 or farther from each other and
# from zero.


# %% nbgrader={"grade": false, "grade_id": "consistent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def consistent(log_joint):
    """True if hiding a feature is the same as integrating over it."""
    ### BEGIN SOLUTION
    log_pi = np.log([0.2, 0.8])
    mu = np.array([[1.0, -2.0], [3.0, 4.0]])
    var = np.array([[1.0, 3.0], [4.0, 0.5]])
    grid, step = np.linspace(-25, 25, 2001, retstep=True)
    x = np.column_stack([np.full_like(grid, 0.7), grid])
    by_sum = np.exp(log_joint(x, log_pi, mu, var)).sum(axis=0) * step
    hidden = np.array([[0.7, np.nan]])
    by_program = np.exp(log_joint(hidden, log_pi, mu, var))[0]
    one = np.column_stack([grid, np.full_like(grid, np.nan)])
    total = np.exp(log_joint(one, log_pi, mu, var)).sum() * step
    same = np.allclose(by_sum, by_program, rtol=0.01, atol=0)
    return bool(same and abs(total - 1) < 0.01)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "consistent-passes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _by_scipy(x, log_pi, mu, var):
    """Right: every feature on its own, hidden ones left out."""
    _each = norm.logpdf(x[:, None], mu, np.sqrt(var))
    return log_pi + np.nansum(_each, axis=2)


assert consistent(_by_scipy), (
    "This program is right: it sums the log-densities of what is seen."
)
### BEGIN HIDDEN TESTS


def _by_rows(x, log_pi, mu, var):
    _rows = []
    for _v in np.asarray(x):
        _o = np.isfinite(_v)
        _z = (_v[_o] - np.asarray(mu)[:, _o]) ** 2 / np.asarray(var)[:, _o]
        _c = np.log(2 * np.pi * np.asarray(var)[:, _o])
        _rows.append(np.asarray(log_pi) - (_z + _c).sum(axis=1) / 2)
    return np.array(_rows)


assert consistent(_by_rows), "Another right program was refused."


def _always_one(x, log_pi, mu, var):
    return 0 * _by_rows(x, log_pi, mu, var)


assert not consistent(_always_one), "A constant is no density."
### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "consistent-refuses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _right(x, log_pi, mu, var):
    _each = norm.logpdf(x[:, None], mu, np.sqrt(var))
    return log_pi + np.nansum(_each, axis=2)


def _filled(x, log_pi, mu, var):
    """Wrong: puts zero where a feature is hidden."""
    return _right(np.nan_to_num(x), log_pi, mu, var)


assert consistent(_right), "A right program must pass."
assert not consistent(_filled), (
    "This program invents a value for what is hidden."
)
### BEGIN HIDDEN TESTS


def _constant_kept(x, log_pi, mu, var):
    _far = np.nansum(np.square(x[:, None] - mu) / var, axis=2)
    return log_pi - (_far + np.log(2 * np.pi * var).sum(axis=1)) / 2


def _scaled_up(x, log_pi, mu, var):
    _each = norm.logpdf(x[:, None], mu, np.sqrt(var))
    _seen = np.maximum((~np.isnan(x)).sum(axis=1), 1)[:, None]
    return log_pi + np.nansum(_each, axis=2) * x.shape[1] / _seen


def _posterior(x, log_pi, mu, var):
    _joint = _right(x, log_pi, mu, var)
    return _joint - logsumexp(_joint, axis=1, keepdims=True)


def _no_shares(x, log_pi, mu, var):
    return _right(x, 0 * np.asarray(log_pi), mu, var)


def _no_constant(x, log_pi, mu, var):
    return log_pi - np.nansum(np.square(x[:, None] - mu) / var, axis=2) / 2


assert not consistent(_constant_kept), (
    "A program that keeps the constants of hidden features was let through."
)
assert not consistent(_scaled_up), (
    "A program that scales up what is seen was let through."
)
assert not consistent(_posterior), (
    "A program that returns posteriors was let through."
)
assert not consistent(_no_shares), (
    "A program that forgets the shares was let through."
)
assert not consistent(_no_constant), (
    "A program without normalising constants was let through."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (3 points): does it help?
#
# Write `compare(classifier, generator, data, sizes, seeds)`, which says whether
# synthetic rows help. `data` is the pair `(X, y)` of rows and labels, `sizes`
# the pair `(n, m)`.
#
# For each seed choose `n` rows at random as training rows, without looking at
# the labels; all others are test rows. `generator()` returns a new generator
# with the methods `fit(X, y)` and `sample(m, seed)`; the latter returns `m`
# rows and their labels. It is fitted to the training rows. `classifier()`
# returns a new classifier with the methods `fit(X, y)` and `score(X, y)`, the
# accuracy. Two classifiers are trained: one on the training rows and `m`
# synthetic rows; the control on the training rows and `m` *copies*, rows drawn
# from the training rows with replacement. Both are scored on the test rows, and
# `sample` gets the seed of the run.
#
# The *gain* of a run is the first accuracy minus the second. Return the triple
# `(gain, standard_error, word)`: the mean over the seeds; the standard
# deviation over the seeds (divided by their number minus one), over the root of
# their number; and `"helps"` if the mean is more than two standard errors above
# zero, `"hurts"` if it is more than two below, otherwise `"undecided"`. There
# are two seeds or more.


# %% nbgrader={"grade": false, "grade_id": "compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(classifier, generator, data, sizes, seeds):
    """Mean gain over copies, its standard error, and a word."""
    ### BEGIN SOLUTION
    (X, y), (n, m), gains = data, sizes, []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        own, rest = np.split(rng.permutation(len(X)), [n])
        copies, model = rng.choice(own, m), generator()
        model.fit(X[own], y[own])
        added = model.sample(m, seed), (X[copies], y[copies])
        made, copied = (
            classifier().fit(np.r_[X[own], S], np.r_[y[own], s])
            for S, s in added
        )
        scores = [v.score(X[rest], y[rest]) for v in (made, copied)]
        gains.append(scores[0] - scores[1])
    gain, error = np.mean(gains), np.std(gains, ddof=1) / len(gains) ** 0.5
    word = "helps" if gain > 2 * error else "undecided"
    return gain, error, "hurts" if gain < -2 * error else word
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compare-protocol", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_scored, _drawn, _learned = [], [], []


class _Pupil:
    """Remembers which rows it was given; real rows are 0, 1, ..., 49."""

    def fit(self, X, y):
        self.rows = np.asarray(X)[:, 0]
        assert np.array_equal(y, self.rows % 2), (
            "Rows and labels must stay together."
        )
        return self

    def score(self, X, y):
        tested = np.asarray(X)[:, 0]
        assert np.array_equal(y, tested % 2), (
            "Rows and labels must stay together."
        )
        _scored.append((self.rows, tested))
        return 0.5


class _Maker:
    """A generator whose draws are the numbers -2, -4, ..."""

    def fit(self, X, y):
        _learned.append(np.asarray(X)[:, 0])
        return self

    def sample(self, m, seed):
        _drawn.append((m, seed))
        return -2.0 * np.arange(1, m + 1)[:, None], np.zeros(m)


_X = np.arange(50.0)[:, None]
compare(_Pupil, _Maker, (_X, _X[:, 0] % 2), (20, 7), [5, 6, 7])
assert len(_scored) == 6, "Two classifiers are scored for each seed."
### BEGIN HIDDEN TESTS
assert sorted(_drawn) == [(7, 5), (7, 6), (7, 7)], (
    "The generator draws m rows once a run, with the seed of the run."
)
assert all(len(np.unique(v)) == 20 for v in _learned), (
    "The generator learns from n different rows."
)
_trained = {}
for _own, _tested in _scored:
    assert len(_own) == 27, (
        "Both classifiers learn from n real and m added rows."
    )
    assert len(np.unique(_tested)) == len(_tested) == 30, (
        "The test rows are all rows that are not for training."
    )
    assert _tested.min() >= 0, "Tests are done on real rows only."
    assert not np.isin(_own, _tested).any(), "A classifier has seen test rows."
    _trained.setdefault(tuple(sorted(_tested)), []).append(_own)
assert len(_trained) == 3, (
    "Each seed makes a split of its own, the same for both classifiers."
)
for _tested, _pair in _trained.items():
    assert sorted((_v < 0).sum() for _v in _pair) == [0, 7], (
        "One classifier gets synthetic rows, the other copies of real ones."
    )
    for _own in _pair:
        assert len(np.unique(_own[_own >= 0])) == 20, (
            "Both classifiers learn from all training rows."
        )
for _seen in _learned:
    assert any(not np.isin(_seen, _t).any() for _t in _trained), (
        "The generator has seen test rows, and what it draws tells about them."
    )
assert len({tuple(sorted(_v)) for _v in _learned}) == 3, (
    "A new generator learns from the training rows of each run."
)
### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "compare-numbers", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
def _world(values):
    """A classifier whose accuracy is 0.5, plus a value after made rows."""

    class _Fake:
        def fit(self, X, y):
            self.least = int(np.min(X))
            return self

        def score(self, X, y):
            return 0.5 + (values[-1 - self.least] if self.least < 0 else 0)

        def sample(self, m, seed):
            return np.full((m, 1), -1.0 - seed), np.zeros(m, dtype=int)

    return _Fake


_X, _y = np.arange(1.0, 41.0)[:, None], np.arange(40) % 2
_fake = _world([0.1, 0.2, 0.3])
_gain, _error, _word = compare(_fake, _fake, (_X, _y), (10, 5), [0, 1, 2])
assert np.isclose(_gain, 0.2), (
    "The gain is the accuracy with synthetic rows less that with copies, on "
    "average."
)
assert np.isclose(_error, 0.1 / 3**0.5), (
    "The gains 0.1, 0.2 and 0.3 have a standard deviation of 0.1."
)
assert _word == "helps", (
    "A gain of more than three standard errors is no accident."
)
### BEGIN HIDDEN TESTS
for _values, _expected in (
    ([-0.1, -0.2, -0.3, -0.2], "hurts"),
    ([0.1, -0.1, 0.2, -0.1], "undecided"),
    ([0.05, -0.01, 0.03, -0.01], "undecided"),
    ([0.02, 0.03, 0.02, 0.03], "helps"),
):
    _fake = _world(_values)
    _gain, _error, _word = compare(_fake, _fake, (_X, _y), (10, 5), range(4))
    assert np.isclose(_gain, np.mean(_values)), (
        "The gain is a mean over the seeds."
    )
    assert np.isclose(_error, np.std(_values, ddof=1) / 2), (
        "The standard error shrinks with the root of the number of seeds."
    )
    assert _word == _expected, (
        "Compare the mean with two standard errors, on both sides."
    )
### END HIDDEN TESTS

# %% [markdown]
# Biopsies again: 30 training rows, 300 synthetic ones, ten seeds. The generator
# has one Gaussian for each class, with independent features. Two classifiers
# learn from its draws.


# %%
class Bells:
    """A Gaussian with independent features for each class."""

    def fit(self, X, y):
        """Learn from the rows X with classes y."""
        bell = GaussianMixture(1, covariance_type="diag", ridge=0.05)
        self.model = ClassConditional(bell).fit(X, y)
        return self

    def sample(self, m, seed):
        """So many rows, and their classes."""
        return self.model.sample(m, random_state=seed)


def tree():
    """A decision tree."""
    return DecisionTreeClassifier(random_state=0)


def logistic():
    """A logistic regression."""
    return LogisticRegression(max_iter=1000)


for pupil in (logistic, tree):
    found = compare(pupil, Bells, (cells, benign), (30, 300), range(10))
    gain, error, word = found
    print(f"{pupil.__name__:8} gain {gain:+.3f} ± {error:.3f}: {word}")

# %% [markdown] tags=["exercise"]
# ## Exercise 8 (3 points): sixty scans become six thousand
#
# Marked by hand. A hospital has 60 labelled scans and 5000 without labels. A
# vendor fits a generative model to the 60, draws 6000 labelled scans, trains a
# classifier on four fifths of them and reports an accuracy of 97 % on the last
# fifth.
#
# Say in a few sentences what the 97 % measure, why the 6000 scans cannot tell
# more about disease than the 60, and what you would do with the 5000 instead,
# and how you would show that it works.

# %% [markdown] nbgrader={"grade": true, "grade_id": "vendor", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *What it measures.* Training and test rows come from the same generator, and
# so do the labels of the test. The number says how well the classifier agrees
# with the generator. It would be as high if the generator were wrong.
#
# *Why it is not more.* The 6000 are made from the 60 and dice. By the
# data-processing inequality they hold no information about the truth that the
# 60 do not hold. They can help a particular classifier only by what the
# generator knows besides: a form of the classes, or an invariance.
#
# *Instead.* The 5000 are new information about $p(x)$. Put them into the
# likelihood with the class summed out (EM with labels, or M2), or draw from
# groups found among them. Show it on real labelled scans that neither generator
# nor classifier has seen, of other patients, against the 60 alone and against
# copies, for several splits, with the spread.
