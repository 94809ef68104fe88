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
# # Autoencoders and bounds
#
# You repair, measure and mend small models of digits whose right answers are
# known exactly.
#
# **You need** the chapters *Autoencoders* and *Variational autoencoders*.
# Symbols are those of the page *Notation*.
#
# **Time:** about 80 minutes. **Points:** 20 points in six exercises.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them. When the sheet is graded, more
# tests are run, on other data and on edge cases; the text of each exercise says
# what they ask.

# %%
import math

import numpy as np
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from course.data import digits
from course.models.pca import PCA
from course.models.ppca import PPCA
from course.nn.mlp import MLP
from course.seeding import seeded

rows = digits("train")[0].reshape(-1, 64).astype(float)  # in [0, 1]
print("training images", rows.shape)

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (4 points): dropped pixels, repaired by one matrix
#
# A camera loses each pixel with probability `drop`, independently of all
# others, and writes the pixel's mean $\mu_d$ in its place. In terms of
# $d = x - \mu$ the damaged image is $\tilde d = b \odot d$, where $b$ is a mask
# of zeros and ones with $P(b_d = 0) = \text{drop}$.
#
# The best denoiser among matrices minimises
#
# $$
# \frac1N \sum_n \mathbb{E}_b \lVert d_n - W (b \odot d_n) \rVert^2 .
# $$
#
# No masks need to be drawn: the expectation over $b$ can be done with a pencil.
# Set the derivative by $W$ to zero, and take care of the diagonal. Compare your
# result with the Wiener filter of the chapter.
#
# Write `drop_denoiser(x, drop)` for a NumPy array `x` of shape `(N, D)` and
# `0 < drop < 1`. Return `(mu, W)`: the mean, shape `(D,)`, and the matrix,
# shape `(D, D)`; the repair of a damaged image is then $\mu + W \tilde d$. A
# pixel that never varies gets a row and a column of zeros in $W$. (The digits
# have such pixels.)


# %% nbgrader={"grade": false, "grade_id": "drop-denoiser", "locked": false, "schema_version": 3, "solution": true, "task": false}
def drop_denoiser(x, drop):
    """Mean (D,) and matrix (D, D) that best repair dropped pixels."""
    ### BEGIN SOLUTION
    # E[b_i b_j] is (1 - drop)^2 off the diagonal, and 1 - drop on it
    mu = x.mean(axis=0)
    Sigma = (x - mu).T @ (x - mu) / len(x)
    seen = (1 - drop) * Sigma + drop * np.diag(np.diag(Sigma))
    return mu, Sigma @ np.linalg.pinv(seen, hermitian=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "drop-denoiser-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# Two pixels that are always equal.
_mu, _W = drop_denoiser(np.array([[-1.0, -1.0], [1.0, 1.0]]), 0.5)
assert np.allclose(_mu, 0), "the mean of each pixel is taken over the images"
assert np.allclose(_W, 2 / 3), (
    "for two equal pixels, each lost half of the time, all four weights are "
    "2/3: work out the mean of b_i b_j for i = j and for i different from j"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1)
_x = _rng.normal(size=(40, 4)) @ _rng.normal(size=(4, 4)) + [3.0, 0, -1, 2]
_masks = np.array(np.meshgrid(*[[0.0, 1.0]] * 4)).reshape(4, -1).T
for _drop in (0.1, 0.7):
    _d = _x - _x.mean(axis=0)
    _p = np.prod(np.where(_masks == 1, 1 - _drop, _drop), axis=1)
    # all sixteen masks of all images, weighted by their probability
    _in = (np.sqrt(_p)[:, None, None] * _masks[:, None] * _d).reshape(-1, 4)
    _out = (np.sqrt(_p)[:, None, None] * _d).reshape(-1, 4)
    _best = np.linalg.lstsq(_in, _out)[0].T
    _mu, _W = drop_denoiser(_x, _drop)
    assert np.allclose(_mu, _x.mean(axis=0)), "the mean is not that of x"
    assert np.allclose(_W, _best, atol=1e-6), (
        "there is a better matrix: check the mean, both kinds of entries of "
        "the expectation, and which side W stands on"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "drop-denoiser-digits", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_mu, _W = drop_denoiser(rows, 0.5)
assert np.isfinite(_W).all(), "A pixel that never varies must not spoil W"
assert _W.shape == (64, 64), "W has one row and one column a pixel"
### BEGIN HIDDEN TESTS
_still = rows.std(axis=0) == 0
for _part in (_W[_still], _W[:, _still]):
    assert np.allclose(_part, 0, atol=1e-6), (
        "A constant pixel has a row and a column of zeros"
    )
_test = digits("test")[0].reshape(-1, 64).astype(float)
_b = np.random.default_rng(0).random(_test.shape) > 0.5
_d = _test - rows.mean(axis=0)
_error = ((_d - (_b * _d) @ _W.T) ** 2).mean()
assert _error < 0.8 * ((_d - _b * _d) ** 2).mean(), (
    "on new digits the repair should be well ahead of the filled-in means"
)
_x = np.random.default_rng(2).normal(size=(50, 3)) * [1.0, 0.0, 2.0]
_W = drop_denoiser(_x, 0.3)[1]
assert np.allclose([_W[1], _W[:, 1]], 0, atol=1e-6), (
    "A constant pixel has a row and a column of zeros, on any data"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): what a diagonal guess costs
#
# A linear VAE has $z \sim \mathcal{N}(0, I_M)$ and
# $x \mid z \sim \mathcal{N}(\mu + \Lambda z, \sigma^2 I)$. Its exact posterior
# is a normal distribution whose covariance is the same for all $x$ and need not
# be diagonal. The encoder of the chapter can only give a *diagonal* normal $q$.
#
# Find the diagonal normal $q$ with the smallest
# $\mathrm{KL}(q \,\Vert\, p_\theta(z \mid x))$, and the divergence that is
# left. That divergence is the part of the gap between the bound and
# $\log p_\theta(x)$ which no encoder of this kind can close.
#
# Write `diagonal_gap(Lambda, var)` for a NumPy array `Lambda` of shape `(D, M)`
# and a positive number `var`, which is $\sigma^2$. Return `(std, gap)`: the
# standard deviations of the best $q$, shape `(M,)`, and the remaining
# divergence in nats, a number. It must work for hundreds of features, where a
# determinant itself would overflow.


# %% nbgrader={"grade": false, "grade_id": "diagonal-gap", "locked": false, "schema_version": 3, "solution": true, "task": false}
def diagonal_gap(Lambda, var):
    """Deviations (M,) of the best diagonal guess; nats that it falls short."""
    ### BEGIN SOLUTION
    precision = np.eye(Lambda.shape[1]) + Lambda.T @ Lambda / var
    own = np.diag(precision)
    gap = (np.log(own).sum() - np.linalg.slogdet(precision)[1]) / 2
    return 1 / np.sqrt(own), gap
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "diagonal-gap-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# One pixel, two features that do the same: a narrow, slanted posterior.
_std, _gap = diagonal_gap(np.array([[1.0, 1.0]]), 1.0)
assert np.shape(_std) == (2,), "there is one standard deviation a feature"
assert np.isclose(_gap, math.log(4 / 3) / 2), (
    "the posterior precision is [[2, 1], [1, 2]]. Which variances minimise "
    "KL(q || posterior)? The other divergence has another answer"
)
_gap = diagonal_gap(np.array([[2.0, 0.0], [0.0, 1.0]]), 0.3)[1]
assert np.isclose(_gap, 0), "with columns at right angles nothing is lost"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
for _var in (0.2, 1.7):
    _L = _rng.normal(size=(6, 3))
    _std, _gap = diagonal_gap(_L, _var)
    _P = torch.tensor(np.eye(3) + _L.T @ _L / _var)
    _exact = MultivariateNormal(torch.zeros(3).double(), precision_matrix=_P)

    def _kl(std, exact=_exact):
        S = torch.diag(torch.as_tensor(std) ** 2)
        q = MultivariateNormal(torch.zeros(3).double(), S)
        return torch.distributions.kl_divergence(q, exact).item()

    assert np.isclose(_gap, _kl(_std)), (
        "the gap is not that of these deviations"
    )
    for _other in _rng.uniform(0.8, 1.25, size=(30, 3)):
        assert _kl(_std * _other) >= _gap - 1e-9, (
            "A better diagonal guess exists"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "diagonal-gap-digits", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_ppca = PPCA(8).fit(rows)
_plain = diagonal_gap(_ppca.loadings_, _ppca.noise_variance_)[1]
assert abs(_plain) < 1e-6, "the loadings of PPCA are at right angles: no gap"
### BEGIN HIDDEN TESTS
_R = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
_turned = diagonal_gap(_ppca.loadings_ @ _R, _ppca.noise_variance_)[1]
assert _turned > 0.3, (
    "turning the code leaves p(x) as it is, but costs the guess"
)
_L = 50 * np.random.default_rng(1).normal(size=(400, 300))
_std, _gap = diagonal_gap(_L, 0.01)
_P = np.eye(300) + _L.T @ _L / 0.01
_true = (np.log(np.diag(_P)).sum() - np.log(np.linalg.eigvalsh(_P)).sum()) / 2
assert np.isclose(_gap, _true), "with 300 features a determinant overflows"
### END HIDDEN TESTS

# %% [markdown]
# Now turn the code of probabilistic PCA in the plane of its first and its last
# feature, and watch the gap. The model of the images,
# $\mathcal{N}(\mu, \Lambda\Lambda^\top + \sigma^2 I)$, stays the same, and no
# better encoder network could help.

# %%
ppca = PPCA(8).fit(rows)
for degrees in (0, 15, 30, 45):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = ppca.loadings_.copy()
    turned[:, [0, 7]] = turned[:, [0, 7]] @ np.array([[c, -s], [s, c]])
    change = turned @ turned.T - ppca.loadings_ @ ppca.loadings_.T
    gap = diagonal_gap(turned, ppca.noise_variance_)[1]
    print(f"{degrees:2} degrees: gap {gap:.3f} nats,", end=" ")
    print("covariance unchanged:", np.allclose(change, 0))

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (4 points): a normal likelihood for grey levels
#
# A pixel of the digits has 17 levels, $k = 0, \dots, 16$. A normal *density* at
# $k$ is no probability. Cut the line into cells instead: level $k$ gets the
# mass of $\mathcal{N}(\mu, \sigma^2)$ between $k - \tfrac12$ and
# $k + \tfrac12$; level 0 gets everything below $\tfrac12$, and level 16
# everything above $15\tfrac12$. Both $\mu$ and $\sigma$ are in levels.
#
# Write `log_mass(k, mu, sigma)` for tensors in double precision that broadcast
# against each other; `k` holds whole numbers from 0 to 16, `sigma` is positive.
# Return the *log* of the mass, in nats, in the broadcast shape. Two things are
# asked of it.
#
# - For each `mu` and `sigma`, also for `mu` outside of the levels, the masses
#   of all levels sum to 1.
# - Far from `mu` the log-mass must be right, and not `-inf`: at
#   $\mu = 16, \sigma = 0.3$ level 1 has a log-mass of about $-1173$. The
#   gradients by `mu` and `sigma` are finite.
#
# Two facts help. `torch.special.log_ndtr` is the log of the standard normal's
# distribution function, exact in the left tail. And a cell and its mirror image
# have the same mass.


# %% nbgrader={"grade": false, "grade_id": "log-mass", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_mass(k, mu, sigma):
    """Log-mass of level k under N(mu, sigma^2) cut into 17 cells, in nats."""
    ### BEGIN SOLUTION
    low, high = (k - 0.5 - mu) / sigma, (k + 0.5 - mu) / sigma
    right = low + high > 0  # measure a cell on the right by its mirror image
    a = torch.special.log_ndtr(torch.where(right, -high, low))
    b = torch.special.log_ndtr(torch.where(right, -low, high))
    inside = b + torch.log1p(-torch.exp(a - b))
    top = torch.where(k == 16, torch.special.log_ndtr(-low), inside)
    return torch.where(k == 0, torch.special.log_ndtr(high), top)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "log-mass-sums", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_k = torch.arange(17).double()
_sum = log_mass(_k, torch.tensor(5.3).double(), torch.tensor(2.0).double())
assert _sum.shape == (17,), "k, mu and sigma broadcast against each other"
assert torch.isclose(_sum.exp().sum(), torch.tensor(1.0).double()), (
    "the masses of the 17 levels should sum to 1. Where do the tails go?"
)
### BEGIN HIDDEN TESTS
_mu = torch.tensor([-8.0, 0.0, 0.2, 7.5, 15.9, 16.0, 31.0]).double()[:, None]
_sigma = torch.tensor([0.2, 1.0, 3.0, 40.0]).double()[:, None, None]
_all = log_mass(_k, _mu, _sigma)
assert _all.shape == (4, 7, 17), "the result has the broadcast shape"
assert torch.allclose(_all.exp().sum(-1), torch.ones(4, 7).double()), (
    "for some mean and width the masses do not sum to 1"
)
_n = Normal(torch.tensor(6.2).double(), 2.5)
_mass = _n.cdf(_k + 0.5) - _n.cdf(_k - 0.5)
_mass[0], _mass[16] = _n.cdf(_k[0] + 0.5), 1 - _n.cdf(_k[16] - 0.5)
_sum = log_mass(_k, torch.tensor(6.2).double(), torch.tensor(2.5).double())
assert torch.allclose(_sum.exp(), _mass), "the mass of some level is wrong"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "log-mass-tails", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_far = log_mass(*torch.tensor([1.0, 16.0, 0.3]).double())
assert torch.isfinite(_far), "far from mu the mass is tiny, but not zero"
assert abs(_far + 1173.2) < 0.5, "the log-mass at (1, 16, 0.3) is about -1173"
### BEGIN HIDDEN TESTS
_phi = torch.special.log_ndtr
for _case in [(3, 15.0, 0.4), (14, 2.0, 0.5), (9, 16.0, 0.25), (7, 0.0, 0.2)]:
    _k, _mu, _sigma = torch.tensor(_case).double()
    _gap = (_k - _mu).abs()  # the cell and its mirror image
    _far, _near = _phi(-(_gap + 0.5) / _sigma), _phi(-(_gap - 0.5) / _sigma)
    _true = _near + (-torch.expm1(_far - _near)).log()
    _found = log_mass(_k, _mu, _sigma)
    assert torch.isclose(_found, _true, rtol=1e-6), "A tail is wrong"
_k = torch.arange(17).double()
for _place in (-3.0, 0.0, 8.2, 16.0):
    _mu = torch.full((17,), _place).double().requires_grad_()
    _sigma = torch.full((17,), 0.3).double().requires_grad_()
    _total = log_mass(_k, _mu, _sigma).sum()
    _total.backward()
    assert _mu.grad.isfinite().all(), "the gradient by mu is not finite"
    assert _sigma.grad.isfinite().all(), "the gradient by sigma is not finite"
_mu = torch.tensor(0.0).double().requires_grad_()
_far = log_mass(*torch.tensor([12.0]).double(), _mu, _mu.detach() + 0.5)
_far.backward()
assert 40 < _mu.grad < 50, "far from the data the gradient must not vanish"
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (4 points): a low bound with an excuse
#
# Here is the smallest VAE of digits: one latent number, a linear decoder, and
# an encoder that is deliberately a little off. Since everything is normal,
# $\log p_\theta(x)$ is known. The function `broken_log_weights` computes
# $\log w_s$ for the importance-weighted bound. It runs, and the bound is
# hundreds of nats too low. A bound may be low, says its author, and blames the
# encoder. He is wrong: his function has **two** faults.

# %%
line = PPCA(1).fit(rows)
mu, Lambda = torch.tensor(line.mean_), torch.tensor(line.loadings_[:, 0])
model = {"mu": mu, "Lambda": Lambda, "var": float(line.noise_variance_)}


def guess(x):
    """Mean (N,) and log-variance (N,) of an encoder that is a little off."""
    precision = 1 + Lambda @ Lambda / model["var"]
    mean = (x - mu) @ Lambda / (model["var"] * precision)
    return 0.9 * mean + 0.05, torch.log(1.5 / precision).expand(len(x))


def exact_log_prob(x, model):
    """Exact log p(x), shape (N,)."""
    Sigma = torch.outer(model["Lambda"], model["Lambda"])
    Sigma = Sigma + model["var"] * torch.eye(64).double()
    return MultivariateNormal(model["mu"], Sigma).log_prob(x)


def broken_log_weights(x, eps, model, guess):
    """Log of p(x, z) / q(z | x) at codes made from noise eps, (S, N)."""
    mean, log_var = guess(x)
    q = Normal(mean, log_var.exp().sqrt())
    z = mean + log_var.exp() * eps
    images = model["mu"] + z[:, :, None] * model["Lambda"]
    log_x = Normal(images, model["var"]).log_prob(x).sum(dim=-1)
    return Normal(0.0, 1.0).log_prob(z) + log_x - q.log_prob(z)


x = torch.tensor(rows[:200])
with seeded(0):
    eps = torch.randn(50, 200).double()
log_w = broken_log_weights(x, eps, model, guess)
print(f"exact log p(x)    {exact_log_prob(x, model).mean():8.2f} nats")
print(f"bound, 50 draws   {(log_w.logsumexp(0) - math.log(50)).mean():8.2f}")

# %% [markdown]
# Write two functions in the answer cell.
#
# **Mend it.** `log_weights(x, eps, model, guess)` has the same arguments:
# images `x` of shape `(N, 64)`, standard normal noise `eps` of shape `(S, N)`,
# the dictionary `model`, and a function `guess` that returns mean and
# *log-variance* of the encoder. Return $\log w_s$, shape `(S, N)`. Use what you
# are given, not the global names: the tests bring a model and an encoder of
# their own.
#
# **Prove it.** A low bound can always be excused, and one that looks right may
# still be wrong. But whatever the encoder, the *mean* of the weights is exactly
# $p_\theta(x)$:
#
# $$
# \int \mathcal{N}(\epsilon; 0, 1)\; w(\epsilon)\; \mathrm{d}\epsilon
# = p_\theta(x), \qquad z = \mu_\phi(x) + \sigma_\phi(x)\, \epsilon .
# $$
#
# With one latent number this integral can be computed, without chance.
# `mean_weight(f, x, model, guess)` takes any function `f` with the signature of
# `log_weights` and returns the log of the integral for each image, shape
# `(N,)`, to 0.001 nats: add up on a grid of `eps`, or use a quadrature rule.
# The deviation of `guess` will be between half and twice that of the exact
# posterior, and its mean at most two posterior deviations off. Stay in
# logarithms: a weight may be as small as $e^{-2000}$. For a right function the
# result is `exact_log_prob(x, model)`, for a faulty one it is not.


# %% nbgrader={"grade": false, "grade_id": "weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_weights(x, eps, model, guess):
    """Log of p(x, z) / q(z | x) at codes made from noise eps, (S, N)."""
    ### BEGIN SOLUTION
    mean, log_var = guess(x)
    q = Normal(mean, (log_var / 2).exp())
    z = mean + q.stddev * eps
    images = model["mu"] + z[:, :, None] * model["Lambda"]
    log_x = Normal(images, math.sqrt(model["var"])).log_prob(x).sum(dim=-1)
    return Normal(0.0, 1.0).log_prob(z) + log_x - q.log_prob(z)
    ### END SOLUTION


def mean_weight(f, x, model, guess):
    """Log of the mean weight over all noise, for every image, (N,)."""
    ### BEGIN SOLUTION
    eps = torch.linspace(-12, 12, 1201).double()
    cell = eps[1] - eps[0]
    log_w = f(x, eps[:, None].expand(-1, len(x)), model, guess)
    log_p = Normal(0.0, 1.0).log_prob(eps)[:, None]
    return (log_w + log_p).logsumexp(dim=0) + cell.log()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "log-weights-exact", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
with seeded(1):
    _eps = torch.randn(400, 200).double()
_log_w = log_weights(x, _eps, model, guess)
assert _log_w.shape == (400, 200), "there is one weight for each draw and image"
_bound = (_log_w.logsumexp(0) - math.log(400)).mean()
assert abs(_bound - exact_log_prob(x, model).mean()) < 0.1, (
    "with 400 draws the bound should be close to the exact value. Which of the "
    "numbers are variances, and which are standard deviations?"
)
### BEGIN HIDDEN TESTS
_other = {"mu": 0 * mu, "Lambda": 0.5 * Lambda.flip(0), "var": 0.3}


def _posterior(x):
    """The exact posterior of the other model."""
    precision = 1 + _other["Lambda"] @ _other["Lambda"] / 0.3
    mean = x @ _other["Lambda"] / (0.3 * precision)
    return mean, -precision.log().expand(len(x))


_log_w = log_weights(x[:9], _eps[:5, :9], _other, _posterior)
assert torch.allclose(_log_w, exact_log_prob(x[:9], _other).expand(5, 9)), (
    "with the exact posterior as a guess, every weight equals p(x)"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "mean-weight-proof", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_wrong = mean_weight(broken_log_weights, x[:5], model, guess)
assert _wrong.shape == (5,), "there is one number for every image"
_miss = _wrong - exact_log_prob(x[:5], model)
assert (_miss.abs() > 1).all(), (
    "the broken function should be found out: its mean weight is far off"
)
### BEGIN HIDDEN TESTS


def _right(x, eps, model, guess):
    m, log_var = guess(x)
    z = m + (log_var / 2).exp() * eps
    miss = x - model["mu"] - z[..., None] * model["Lambda"]
    log_x = -(miss**2).sum(-1) / (2 * model["var"])
    log_x = log_x - 32 * math.log(2 * math.pi * model["var"])
    return log_x + (log_var + eps**2 - z**2) / 2


def _one_fault(x, eps, model, guess):
    """A right likelihood; codes drawn with the variance."""
    m, log_var = guess(x)
    q = Normal(m, (log_var / 2).exp())
    z = m + log_var.exp() * eps
    wide = (z - m) / q.stddev
    return _right(x, wide, model, guess)


def _narrow(x):
    mean, log_var = guess(x)
    return mean, log_var - math.log(1.5 * 3)


for _guess in (guess, _narrow):
    _found = mean_weight(_right, x[:20], model, _guess)
    assert torch.allclose(_found, exact_log_prob(x[:20], model), atol=1e-3), (
        "for right weights the mean should be p(x): does the grid reach far "
        "enough, and is the density of the noise in the integral?"
    )
_found = mean_weight(_one_fault, x[:20], model, guess)
assert (_found - exact_log_prob(x[:20], model)).abs().max() > 0.1, (
    "A function with one fault left should be found out, too"
)
_far = {**model, "var": model["var"] / 40}


def _exact(x):
    precision = 1 + Lambda @ Lambda / _far["var"]
    mean = (x - mu) @ Lambda / (_far["var"] * precision)
    return mean, -precision.log().expand(len(x))


_found = mean_weight(_right, x[:20], _far, _exact)
assert torch.allclose(_found, exact_log_prob(x[:20], _far), atol=1e-3), (
    "improbable images have weights that underflow: stay in logarithms"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): network or PCA, with few images and with many
#
# The chapter found that an autoencoder with a code of 8 numbers beats PCA after
# training on 1000 digits. Does it with fewer? The cell below has what an honest
# answer needs: several ways to split the data, and a small network that trains
# in a fraction of a second.


# %%
def split(seed, n):
    """Images to train on (n, 64) and to test on (447, 64), float32."""
    x, x_test = (
        torch.from_numpy(digits(part, split="stratified", seed=seed)[0])
        for part in ("train", "test")
    )
    return x[:n].flatten(1), x_test.flatten(1)


def trained(x, seed, steps=150):
    """An autoencoder with a code of 8 numbers: images (N, 64) to copies."""
    with seeded(seed):
        net = nn.Sequential(MLP(64, 64, 8), MLP(8, 64, 64))
        adam = torch.optim.Adam(net.parameters(), 6e-3, fused=True)
        for _ in range(steps):
            batch = x[torch.randint(len(x), (100,))]
            adam.zero_grad()
            (net(batch) - batch).square().sum(dim=1).mean().backward()
            adam.step()
    return net.requires_grad_(False)


# %% [markdown]
# Write `compare(n, seeds)`. For each seed, take the split with `n` training
# images, train the network with that seed, fit PCA with 8 components
# (`course.models.pca.PCA`, or your own), and measure on the *test* images the
# mean squared error per pixel of three kinds of copy. Return a dictionary:
#
# - `"mean"`, `"pca"`, `"network"`: arrays of one error a seed, where `"mean"`
#   copies every image by the mean of the training images;
# - `"gain"`: the mean over seeds of the relative gain
#   $(e_{\text{pca}} - e_{\text{network}}) / e_{\text{pca}}$;
# - `"spread"`: the standard deviation over seeds of that *paired* gain, with
#   $S - 1$ in the denominator for $S$ seeds;
# - `"clear"`: true if the gain differs from zero by more than two standard
#   errors, the standard error being the spread over $\sqrt S$.


# %% nbgrader={"grade": false, "grade_id": "compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(n, seeds):
    """Test errors of mean, PCA and network; the paired gain and its spread."""
    ### BEGIN SOLUTION
    errors = {"mean": [], "pca": [], "network": []}
    for seed in seeds:
        x, x_test = split(seed, n)
        pca = PCA(8).fit(x)
        copies = {
            "mean": x.mean(dim=0).expand_as(x_test),
            "pca": pca.inverse_transform(pca.transform(x_test)),
            "network": trained(x, seed)(x_test),
        }
        for name, copy in copies.items():
            errors[name].append((copy - x_test).square().mean().item())
    errors = {name: np.array(each) for name, each in errors.items()}
    gains = 1 - errors["network"] / errors["pca"]
    gain, spread = gains.mean(), gains.std(ddof=1)
    clear = abs(gain) > 2 * spread / math.sqrt(len(gains))
    return {**errors, "gain": gain, "spread": spread, "clear": bool(clear)}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compare-errors", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_found = compare(60, (0, 1))
for _name in ("mean", "pca", "network"):
    assert np.shape(_found[_name]) == (2,), "there is one error for each seed"
assert (_found["mean"] > 0.06).all(), "the mean image is the weakest copy"
assert (_found["pca"] < 0.04).all(), (
    "PCA should leave an error near 0.03 a pixel"
)
### BEGIN HIDDEN TESTS
for _i, _seed in enumerate((0, 1)):
    _x, _test = split(_seed, 60)
    _mean = _x.mean(dim=0)
    _V = torch.linalg.svd(_x - _mean, full_matrices=False).Vh[:8]
    _copy = _mean + (_test - _mean) @ _V.T @ _V
    _expected = {
        "mean": (_mean - _test).square().mean(),
        "pca": (_copy - _test).square().mean(),
        "network": (trained(_x, _seed)(_test) - _test).square().mean(),
    }
    for _name, _error in _expected.items():
        assert np.isclose(_found[_name][_i], _error.item(), rtol=1e-3), (
            "an error differs: fit on the n training images of the split, the "
            "mean included, and score the test images, per pixel"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "compare-spread", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_found = compare(300, (0, 1, 2))
assert _found["gain"] > 0, "with 300 images the network has the smaller error"
### BEGIN HIDDEN TESTS
_gains = 1 - np.array(_found["network"]) / np.array(_found["pca"])
assert np.isclose(_found["gain"], _gains.mean(), rtol=1e-3), "average the gains"
assert np.isclose(_found["spread"], _gains.std(ddof=1), rtol=1e-2), (
    "the spread is that of the paired gains, with S - 1 in the denominator"
)
assert _found["clear"], "all three seeds agree here: the gain is clear"
_found = compare(100, (0, 1, 2))
_gains = 1 - np.array(_found["network"]) / np.array(_found["pca"])
assert np.isclose(_found["spread"], _gains.std(ddof=1), rtol=1e-2), (
    "the spread is that of the paired gains, with S - 1 in the denominator"
)
assert not _found["clear"], "with 100 images nobody wins: the gain is not clear"
### END HIDDEN TESTS

# %% [markdown]
# Few images or many: the order of the two turns round.

# %%
for n in (40, 300):
    found = compare(n, (0, 1, 2))
    print(f"n = {n:3}: gain {found['gain']:+.1%}, spread {found['spread']:.1%}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (2 points): three lines of a table
#
# A poster compares models of the same test digits and calls the third one the
# winner.
#
# | model | printed as "log-likelihood" | |
# |---|---|---|
# | mixture of 20 tables | −97.5 nats | exact, 17 levels |
# | VAE, discretised logistic | −93.0 nats | ELBO, one draw |
# | linear VAE, normal pixels | +45.1 nats | exact, pixels in [0, 1] |
#
# Which of the three pairs of rows can be compared, and what may be concluded?
# This answer is marked by hand. Four sentences at most.

# %% [markdown] nbgrader={"grade": true, "grade_id": "poster", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Rows one and two are both log-probabilities of the 17 levels. The second is a
# lower bound, so the VAE's log-likelihood is at least −93.0 (up to the noise of
# the draw and of the test set), and the VAE is ahead of the mixture. The third
# is a log-density of real-valued pixels; it changes with the unit and cannot be
# set beside masses. For a comparison add the log of the cell,
# $64 \log \tfrac1{16} = -177$ nats, or better integrate the density over the
# cells.
