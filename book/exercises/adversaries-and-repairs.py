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
# # Adversaries and repairs
#
# You read divergences off a classifier, mend a GAN's training loop, sharpen
# faces with known uncertainty, and judge a repair so that it may be believed.
#
# **You need** the chapters *Adversarial networks*, *Repairing images* and
# *Virtual portraits*. Symbols are those of the page *Notation*.
#
# **Time:** about 85 minutes. **Points:** 20 points in six exercises.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them. When the sheet is graded, more
# tests are run, on other data and on edge cases; the text of each exercise says
# what they ask.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.distributions import Normal
from torch.nn.functional import logsigmoid

from course.data import digits, faces
from course.models.mixture import GaussianMixture
from course.models.ppca import PPCA
from course.nn.mlp import MLP
from course.plotting import show_images, use_style
from course.seeding import seeded

use_style()
people = faces()[:, 0].astype(float)  # (100, 25, 25), in [0, 1]

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): what a classifier knows
#
# A discriminator was trained to the end on batches with $n_{\text{real}}$ real
# and $n_{\text{fake}}$ generated examples; the two numbers need not be equal.
# Its scores $a(x)$ are then *not* the log-ratio of the densities. Find out what
# they are, and what has to be subtracted.
#
# From its scores at examples of both kinds, three divergences can be estimated:
# $\mathrm{KL}(p_{\mathrm{data}} \,\Vert\, p_\theta)$,
# $\mathrm{KL}(p_\theta \,\Vert\, p_{\mathrm{data}})$ and
# $\mathrm{JS}(p_{\mathrm{data}}, p_\theta)$. Each is an expectation under the
# data, under the model, or under both.
#
# Write `divergences(real, fake, n_real, n_fake)`. `real` and `fake` are tensors
# of scores, shapes `(R,)` and `(F,)`, at examples of the data and of the model
# that were *not* trained on. `R` and `F` are sizes of these samples; `n_real`
# and `n_fake` describe the training. Return a dictionary with the numbers
# `"kl"`, `"reverse_kl"` and `"js"`, in nats, in the order of the formulas
# above. Scores of $\pm 1000$ must give finite numbers.


# %% nbgrader={"grade": false, "grade_id": "divergences", "locked": false, "schema_version": 3, "solution": true, "task": false}
def divergences(real, fake, n_real, n_fake):
    """KL, reverse KL and JS of data and model in nats, from scores."""
    ### BEGIN SOLUTION
    shift = np.log(n_real / n_fake)  # log-odds of the two classes
    r, f = real - shift, fake - shift
    value = logsigmoid(r).mean() + logsigmoid(-f).mean()
    js = (value + np.log(4)) / 2
    return {
        "kl": r.mean().item(),
        "reverse_kl": -f.mean().item(),
        "js": js.item(),
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "divergences-kl", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# Data N(0, 1), model N(1, 1): the log-ratio is 1/2 - x, and KL = 1/2.
_q = Normal(0.0, 1.0).icdf((torch.arange(1000).double() + 0.5) / 1000)
_found = divergences(0.5 - _q, 0.5 - (_q + 1), 64, 64)
assert np.isclose(_found["kl"], 0.5, atol=1e-4), (
    "KL(data || model) is the mean log-ratio under the data"
)
assert np.isclose(_found["reverse_kl"], 0.5, atol=1e-4), (
    "KL(model || data) is a mean under the model, with the other sign"
)
### BEGIN HIDDEN TESTS
# Data N(0, 1), model N(1, 2^2); three times as many fakes in training.
_p, _m = Normal(0.0, 1.0), Normal(1.0, 2.0)


def _score(x):
    return _p.log_prob(x) - _m.log_prob(x) + np.log(1 / 3)


_found = divergences(_score(_q), _score(1 + 2 * _q[::2]), 32, 96)
_kl = torch.distributions.kl_divergence(_p, _m).item()
assert np.isclose(_found["kl"], _kl, atol=0.01), (
    "with unequal classes the scores are shifted by a constant: which one?"
)
_kl = torch.distributions.kl_divergence(_m, _p).item()
assert np.isclose(_found["reverse_kl"], _kl, atol=0.05), (
    "the shift enters both divergences, and does not depend on how many "
    "examples are scored"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "divergences-js", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_zero = torch.zeros(50)
assert np.isclose(divergences(_zero, _zero, 10, 10)["js"], 0, atol=1e-6), (
    "a fair discriminator that never knows means equal distributions, JS = 0"
)
_sure = divergences(_zero + 1000, _zero - 1000, 10, 10)["js"]
assert np.isclose(_sure, np.log(2), atol=1e-5), (
    "a discriminator that is always right and sure means JS = log 2: does "
    "a logarithm of zero spoil it?"
)
### BEGIN HIDDEN TESTS
_wrong = divergences(_zero - 1000, _zero + 1000, 10, 10)["js"]
assert np.isclose(_wrong, np.log(2) - 1000), (
    "a discriminator that is sure and wrong must give a finite number: take "
    "no logarithm of a rounded probability"
)
_p, _m = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
_half = (_p + _m) / 2
_js = (_p * (_p / _half).log() + _m * (_m / _half).log()).sum() / 2
_score = (_p / _m).log() + np.log(5)
_real = _score.repeat_interleave(torch.tensor([5, 3, 2]))
_fake = _score.repeat_interleave(torch.tensor([1, 1, 3]))
_found = divergences(_real, _fake, 500, 100)["js"]
assert np.isclose(_found, _js.item(), atol=1e-5), (
    "JS is half of the value of the game plus log 2; the game is the one with "
    "equal classes"
)
### END HIDDEN TESTS

# %% [markdown]
# Here it is at work: digits against a "model" that knows each pixel on its own,
# made by shuffling each pixel over the images; three times as many fakes as
# digits in a batch, and scores of new examples of both kinds. With a shift
# forgotten, both KLs are off by $\log 3$.

# %%
x_train, x_test = (
    torch.from_numpy(digits(part, split="stratified")[0]).flatten(1)
    for part in ("train", "test")
)
with seeded(0):
    order = torch.rand(7000, 64).argsort(dim=0)
    fakes = x_train.repeat(7, 1).gather(0, order)
    judge = MLP(64, 64, 1)
    adam = torch.optim.Adam(judge.parameters(), 1e-2, fused=True)
    for _ in range(150):
        r = judge(x_train[torch.randint(1000, (32,))])
        f = judge(fakes[torch.randint(6000, (96,))])
        adam.zero_grad()
        (-logsigmoid(r).sum() - logsigmoid(-f).sum()).backward()
        adam.step()
with torch.no_grad():
    scores = [judge(x)[:, 0] for x in (x_test, fakes[6000:])]
print({k: round(v, 2) for k, v in divergences(*scores, 32, 96).items()})

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (4 points): find the fault, mend it, prove it
#
# The next cell plays rounds of a GAN by plain gradient descent: a turn of the
# discriminator down $L_D$, then a turn of the generator down the non-saturating
# $L_G$. It runs, and the samples even come near the data,
# $\mathcal{N}(3, 0.5^2)$. But in the end the discriminator says about two
# thirds to data and samples alike. Batches are of equal size, so theory says
# one half.
#
# Write two functions in the answer cell.
#
# `mended_round(G, D, x, z, lr)` does what was meant. `G` and `D` are modules
# that are changed in place; `D` returns scores of shape `(N, 1)`; `x` holds
# real examples, `z` noise. First the discriminator moves: each of its
# parameters by $-\text{lr}$ times the gradient of
#
# $$
# L_D = -\frac1N \sum_n \log D_\omega(x_n)
# - \frac1N \sum_n \log(1 - D_\omega(G_\theta(z_n))) ,
# $$
#
# with the samples held constant. Then the generator moves in the same way down
# $L_G = -\frac1N \sum_n \log D_\omega(G_\theta(z_n))$, judged by the
# discriminator that has just moved; the same `z` serves both. Whatever
# gradients are left in the modules by earlier work must not matter.
#
# `is_sound(play)` is your proof. It takes a function with these arguments, lets
# it play **two** rounds with networks and batches of your choice, and returns
# `True` if every move of either player is the one described, `False` otherwise.


# %%
def faulty_round(G, D, x, z, lr):
    """One turn of the discriminator and one of the generator, with a fault."""

    def move(player):
        with torch.no_grad():
            for p in player.parameters():
                p -= lr * p.grad
        player.zero_grad()  # ready for the next turn

    fake = G(z)
    loss_D = -logsigmoid(D(x)).mean() - logsigmoid(-D(fake.detach())).mean()
    loss_D.backward()
    move(D)
    loss_G = -logsigmoid(D(fake)).mean()
    loss_G.backward()
    move(G)


def play_toy(play, rounds=300):
    """Mean and deviation of the samples; D of data, D of samples."""
    with seeded(0):
        G, D = MLP(2, 16, 1), MLP(1, 16, 16, 1)
        for _ in range(rounds):
            play(G, D, 3 + 0.5 * torch.randn(64, 1), torch.randn(64, 2), 0.1)
        x, fake = 3 + 0.5 * torch.randn(2000, 1), G(torch.randn(2000, 2))
        verdicts = [D(v).sigmoid().mean().item() for v in (x, fake)]
    return fake.mean().item(), fake.std().item(), *verdicts


print(
    "mean {:.2f}, deviation {:.2f}, D(real) {:.2f}, D(fake) {:.2f}".format(
        *play_toy(faulty_round)
    )
)


# %% nbgrader={"grade": false, "grade_id": "round", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mended_round(G, D, x, z, lr):
    """One turn of the discriminator, then one of the generator, in place."""

    ### BEGIN SOLUTION
    def move(player, loss):
        own = list(player.parameters())
        slopes = torch.autograd.grad(loss, own)  # leaves nothing behind
        with torch.no_grad():
            for p, slope in zip(own, slopes, strict=True):
                p -= lr * slope

    fake = G(z).detach()
    move(D, -logsigmoid(D(x)).mean() - logsigmoid(-D(fake)).mean())
    move(G, -logsigmoid(D(G(z))).mean())
    ### END SOLUTION


def is_sound(play):
    """Whether both players of two rounds move down their own losses."""
    ### BEGIN SOLUTION
    with seeded(7):
        G, D = MLP(2, 8, 1).double(), MLP(1, 8, 1).double()
        batches = torch.randn(2, 20, 3).double()
    twin_G, twin_D = copy.deepcopy(G), copy.deepcopy(D)
    for batch in batches:
        x, z = batch[:, :1] + 2, batch[:, 1:]
        play(G, D, x, z, 0.5)
        mended_round(twin_G, twin_D, x, z, 0.5)
    pairs = [(G, twin_G), (D, twin_D)]
    return all(
        torch.allclose(p, q, atol=1e-8)
        for a, b in pairs
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "round-mended", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_G, _D = nn.Linear(1, 1), nn.Linear(1, 1)
for _p in (*_G.parameters(), *_D.parameters()):
    nn.init.constant_(_p, 0.0)
mended_round(_G, _D, torch.full((4, 1), 2.0), torch.ones(4, 1), 0.1)
assert torch.isclose(_D.weight, torch.tensor(0.1)).all(), (
    "at the start D is 1/2 everywhere and all fakes are 0, so the weight of "
    "D moves by lr times half of the mean of x"
)
assert torch.isclose(_G.bias, torch.tensor(0.005), atol=1e-4).all(), (
    "the generator is judged by the discriminator that has just moved"
)
### BEGIN HIDDEN TESTS
with seeded(3):
    _G, _D = MLP(2, 5, 1).double(), MLP(1, 5, 1).double()
    _x, _z = torch.randn(3, 9, 1).double() + 1, torch.randn(3, 9, 2).double()


def _wanted(G, D, x, z, lr):
    """All parameters after a round; the modules stay as they are."""
    call = torch.func.functional_call
    own = {"D": D, "G": G}
    own = {
        k: {
            n: p.detach().clone().requires_grad_()
            for n, p in m.named_parameters()
        }
        for k, m in own.items()
    }

    def moved(k, loss):
        slopes = torch.autograd.grad(loss, list(own[k].values()))
        pairs = zip(own[k].items(), slopes, strict=True)
        own[k] = {n: (p - lr * s).detach() for (n, p), s in pairs}

    fake = call(G, own["G"], z)
    loss = -call(D, own["D"], x).sigmoid().log().mean()
    moved(
        "D",
        loss - (1 - call(D, own["D"], fake.detach()).sigmoid()).log().mean(),
    )
    moved("G", -call(D, own["D"], fake).sigmoid().log().mean())
    return [*own["D"].values(), *own["G"].values()]


for _p in (*_G.parameters(), *_D.parameters()):
    _p.grad = torch.ones_like(_p)  # left by earlier work
for _xs, _zs in zip(_x, _z, strict=True):
    _want = _wanted(_G, _D, _xs, _zs, 0.3)
    mended_round(_G, _D, _xs, _zs, 0.3)
    _n = len(list(_D.parameters()))
    for _i, _p in enumerate((*_D.parameters(), *_G.parameters())):
        _same = torch.allclose(_p, _want[_i], atol=1e-8)
        assert _same or _i >= _n, (
            "the discriminator must move by the gradient of its own loss "
            "alone: what lies in its parameters when its turn begins?"
        )
        assert _same or _i < _n, (
            "the generator must move down the non-saturating loss, judged by "
            "the discriminator that has just moved"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "round-proof", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert not is_sound(faulty_round), (
    "your proof accepts the faulty function: compare every parameter after "
    "the second round with what it should be"
)
### BEGIN HIDDEN TESTS


def _rounds(kind):
    softplus = nn.functional.softplus

    def step(own, loss, lr):
        slopes = torch.autograd.grad(loss, own, retain_graph=True)
        with torch.no_grad():
            for p, slope in zip(own, slopes, strict=True):
                p.sub_(lr * slope)

    def play(G, D, x, z, lr):
        own_D, own_G = list(D.parameters()), list(G.parameters())
        if kind == "generator first":
            step(own_G, softplus(-D(G(z))).mean(), lr)
        fake = G(z).detach()
        step(own_D, softplus(-D(x)).mean() + softplus(D(fake)).mean(), lr)
        score = D(G(z))
        loss = -softplus(score) if kind == "minimax" else softplus(-score)
        if kind in ("right", "minimax"):
            step(own_G, loss.mean(), lr)

    return play


assert is_sound(_rounds("right")), (
    "your proof rejects a right function: allow for rounding, and give both "
    "sides the same start, data and noise"
)
for _name in ("minimax", "idle", "generator first"):
    assert not is_sound(_rounds(_name)), (
        "your proof accepts a function whose generator does not make the "
        "move described; check both players"
    )
### END HIDDEN TESTS

# %%
print(
    "mean {:.2f}, deviation {:.2f}, D(real) {:.2f}, D(fake) {:.2f}".format(
        *play_toy(mended_round)
    )
)

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (4 points): faces from 25 numbers
#
# A camera delivers the means of blocks of 5 × 5 pixels, with a little noise: 25
# numbers in place of 625. In general a linear camera delivers
#
# $$
# y = A x + \sigma\epsilon, \qquad \epsilon \sim \mathcal{N}(0, I) .
# $$
#
# Lost pixels are the case in which $A$ has some rows of the identity matrix,
# noisy images the case $A = I$; the chapter treats both. Let
# $x \sim \mathcal{N}(\mu, \Sigma)$. Then $x$ and $y$ are jointly normal. Find
# their joint covariance, and from it the mean and the covariance of $x$ given
# $y$.
#
# Write `restore(y, A, sigma, mu, Sigma)` for NumPy arrays: measurements `y` of
# shape `(N, R)`, the camera `A` of shape `(R, D)`, the number `sigma` $\ge 0$,
# and the model's mean `(D,)` and covariance `(D, D)`. Return the conditional
# means, shape `(N, D)`, and the conditional variance of each pixel, shape
# `(D,)`; why is it the same for all measurements? $\Sigma$ may have no inverse,
# as long as the covariance of $y$ has one.


# %% nbgrader={"grade": false, "grade_id": "restore", "locked": false, "schema_version": 3, "solution": true, "task": false}
def restore(y, A, sigma, mu, Sigma):
    """Mean (N, D) and variances (D,) of x given y = A x + sigma noise."""
    ### BEGIN SOLUTION
    cross = Sigma @ A.T
    of_y = A @ cross + sigma**2 * np.eye(len(A))
    gain = np.linalg.solve(of_y, cross.T).T
    variance = np.diag(Sigma) - (gain * cross).sum(axis=1)
    return mu + (y - A @ mu) @ gain.T, variance
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "restore-mean", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# Two pixels with correlation 0.8; only their mean is seen, exactly.
_Sigma = np.array([[1.0, 0.8], [0.8, 1.0]])
_A = np.array([[0.5, 0.5]])
_mean = restore(np.array([[1.0], [3.0]]), _A, 0.0, np.zeros(2), _Sigma)[0]
assert np.shape(_mean) == (2, 2), "there is one row of D pixels a measurement"
assert np.allclose(_mean, [[1, 1], [3, 3]]), (
    "without noise the restored pixels must have the mean that was seen"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
_S = np.cov(_rng.normal(size=(30, 6)) @ _rng.normal(size=(6, 6)), rowvar=False)
_A, _mu = _rng.normal(size=(3, 6)), _rng.normal(size=6)
_y = _rng.normal(size=(4, 3))
# the same by the normal equations of the log-posterior
_P = np.linalg.inv(_S) + _A.T @ _A / 0.49
_true = np.linalg.solve(_P, (np.linalg.solve(_S, _mu) + _y @ _A / 0.49).T).T
_mean = restore(_y, _A, 0.7, _mu, _S)[0]
assert np.allclose(_mean, _true), (
    "the mean is not where log p(x) + log p(y | x) is largest: check the "
    "mean of y, and that sigma is squared"
)
_m = GaussianMixture(1, ridge=1e-3, missing="marginalise")
_m.fit(people.reshape(100, -1)[:, ::7])
_eye = np.eye(90)[:40]
_x = people.reshape(100, -1)[:3, ::7]
_mean = restore(_x[:, :40], _eye, 0.0, _m.means_[0], _m.covariances_[0])[0]
_holes = np.where(np.arange(90) < 40, _x, np.nan)
assert np.allclose(_mean, _m.impute(_holes), atol=1e-6), (
    "with rows of the identity and no noise it must be the chapter's repair"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "restore-variance", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_Sigma = np.array([[1.0, 0.8], [0.8, 1.0]])
_A = np.array([[1.0, 0.0]])
_var = restore(np.zeros((5, 1)), _A, 0.0, np.zeros(2), _Sigma)[1]
assert np.shape(_var) == (2,), "there is one variance a pixel, for all rows"
assert np.allclose(_var, [0, 0.36]), (
    "the pixel that was seen exactly has no variance left, the other one "
    "1 - 0.8^2"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1)
_L, _A = _rng.normal(size=(8, 3)), _rng.normal(size=(5, 8))
_S = _L @ _L.T  # of rank 3: no inverse
_z = np.linalg.inv(np.eye(3) + (_A @ _L).T @ (_A @ _L) / 0.25)
_var = restore(_rng.normal(size=(2, 5)), _A, 0.5, np.ones(8), _S)[1]
assert np.allclose(_var, np.diag(_L @ _z @ _L.T)), (
    "the variance differs where Sigma has no inverse: invert only the "
    "covariance of y"
)
_var = restore(np.zeros((1, 5)), _A, 1e4, np.ones(8), _S)[1]
assert np.allclose(_var, np.diag(_S), rtol=1e-4), (
    "with endless noise the variance of the model is left"
)
### END HIDDEN TESTS

# %% [markdown]
# Now 20 faces that the model has not seen: what the camera delivers, the
# restored faces, their uncertainty, the truth. The variance says where *not* to
# believe the picture.

# %% mystnb={"image": {"alt": "Four rows of eight faces. First coarse grey blocks, five by five. Then soft, blotchy faces with eyes and a mouth, in the right light. Then eight times the same dim map, a little brighter along eyes, mouth and chin. Last the true, sharp faces, mostly of visibly other people."}, "figure": {"name": "fig-sheet-adversaries-faces", "caption": "From the top: measurements, conditional means, standard deviation of each pixel (times 5), true faces."}}
blocks = np.kron(np.eye(5), np.ones(5) / 5)  # (5, 25): means of five
camera = np.kron(blocks, blocks)  # (25, 625)
prior = PPCA(20).fit(people[:80].reshape(80, -1))
Lambda, v = prior.loadings_, prior.noise_variance_
Sigma = Lambda @ Lambda.T + v * np.eye(625)
with seeded(0):
    seen = people[80:].reshape(20, -1) @ camera.T
    seen = seen + 0.02 * np.random.standard_normal(seen.shape)
sharp, variance = restore(seen, camera, 0.02, prior.mean_, Sigma)
error = np.sqrt(((sharp - people[80:].reshape(20, -1)) ** 2).mean())
print(f"error {error:.3f}, expected {np.sqrt(variance.mean()):.3f}")
raw = np.kron(seen.reshape(20, 5, 5), np.ones((5, 5)))
doubt = np.tile(np.sqrt(variance).reshape(1, 25, 25) * 5, (8, 1, 1))
shown = [raw[:8], sharp[:8].reshape(8, 25, 25), doubt, people[80:88]]
show_images(np.concatenate(shown), columns=8, cmap="gray")
plt.show()

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): an attribute that leaves the others alone
#
# The chapter moved the light on a face along
# $v = \mathrm{Cov}(z, y) / \mathrm{Var}(y)$, and the face darkened as well: in
# the training faces the two go together. Look for directions that move one
# attribute and hold the others.
#
# Write `directions(z, Y)` for codes `z` of shape `(N, M)` and attributes `Y` of
# shape `(N, J)`, NumPy arrays, not centred. Return `V` of shape `(M, J)`:
# column $j$ says how the code changes, on average, if attribute $j$ grows by 1
# *while the other attributes stay as they are*. That is the linear regression,
# with an intercept, of each number of the code on all attributes at once. No
# attribute is a linear function of the others.


# %% nbgrader={"grade": false, "grade_id": "directions", "locked": false, "schema_version": 3, "solution": true, "task": false}
def directions(z, Y):
    """Change of the code (M, J) for 1 more of each attribute alone."""
    ### BEGIN SOLUTION
    z, Y = z - z.mean(axis=0), Y - Y.mean(axis=0)
    return np.linalg.lstsq(Y, z)[0].T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "directions-value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_y = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0], [5.0, 6.0]])
_V = directions(np.c_[4 + 2 * _y[:, 0], _y[:, 1], 0 * _y[:, 0]], _y)
assert np.shape(_V) == (3, 2), (
    "there is one row a feature, one column an attribute"
)
assert np.allclose(_V, [[2, 0], [0, 1], [0, 0]], atol=1e-9), (
    "the first feature is 4 + 2 y_1, so it owes nothing to y_2, although "
    "the two attributes go together"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
_Y = _rng.normal(size=(60, 3)) @ _rng.normal(size=(3, 3)) + [5.0, 0, -2]
_z = _rng.normal(size=(60, 4)) + _Y @ _rng.normal(size=(3, 4)) + 7
_V = directions(_z, _Y)
_ones = np.c_[_Y, np.ones(60)]
_left = _z - _ones @ np.linalg.solve(_ones.T @ _ones, _ones.T @ _z)
_rest = _z - _Y @ _V.T
assert np.allclose(_rest - _rest.mean(axis=0), _left), (
    "what the attributes leave unexplained is not least: regress on all "
    "attributes at once, with an intercept"
)
_one = directions(_z, _Y[:, :1])[:, 0]
_cov = np.cov(_z, _Y[:, :1], rowvar=False)
assert np.allclose(_one, _cov[:4, 4] / _cov[4, 4]), (
    "a single attribute must give the direction of the chapter"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "directions-faces", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
# Codes that keep everything: all 625 numbers, turned.
_x = people.reshape(100, -1)
_u = np.linalg.svd(_x - _x.mean(axis=0))[2]
_C = np.zeros((25, 25, 2))
_C[:, :12, 0], _C[:, 13:, 0], _C[..., 1] = 1 / 300, -1 / 300, 1 / 625
_C = _C.reshape(625, 2)  # light from the left, brightness
_V = directions((_x - 0.4) @ _u.T, _x @ _C)
_given = _C.T @ _u.T @ _V
assert np.allclose(np.diag(_given), 1, atol=1e-6), (
    "asking for 1 more of an attribute should deliver 1 more of it"
)
### BEGIN HIDDEN TESTS
assert np.allclose(_given, np.eye(2), atol=1e-6), (
    "asking for light must not change the brightness, nor the reverse"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): half a face, and an honest table
#
# The left half of a face is lost. The chapters offer PPCA; a friend offers the
# mirror image of the right half, "since faces are symmetric"; and there is
# always the mean face. Judge them so that the verdict holds.
#
# Write `compare(seeds, Ms)`. For each seed, shuffle the 100 faces of `people`
# with `np.random.RandomState(seed).permutation(100)`: the first 60 train, the
# next 20 validate, the last 20 test. The hole is columns 0 to 11 of every face
# (`hole` in the cell below). For each number of directions in the list `Ms`,
# fit `PPCA(M, missing="marginalise")` to the training faces and fill the hole
# of damaged faces (NaN in the hole) by its `impute`. Choose the $M$ with the
# smallest error on the *validation* faces, the first one in case of a tie. An
# error is the mean squared error of the pixels of the hole, over all faces of a
# part. Return a dictionary of arrays with one entry a seed:
#
# - `"mean"`, `"mirror"`, `"ppca"`: errors on the test faces of the mean
#   training face, of the mirrored right half, and of PPCA with the chosen $M$;
# - `"M"`: the chosen $M$;
# - `"tempting"`: the error on the test faces of PPCA with the $M$ that is best
#   *on the test faces*. It is not a result. It shows what choosing on the test
#   faces would have printed.

# %%
hole = np.zeros((25, 25), dtype=bool)
hole[:, :12] = True


# %% nbgrader={"grade": false, "grade_id": "compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(seeds, Ms):
    """Test errors of three repairs, M, and what cheating would print."""

    ### BEGIN SOLUTION
    def error(found, x):
        return ((found - x)[:, hole] ** 2).mean()

    def fill(model, x):
        damaged = np.where(hole, np.nan, x).reshape(len(x), -1)
        return model.impute(damaged).reshape(x.shape)

    table = {k: [] for k in ("mean", "mirror", "ppca", "M", "tempting")}
    for seed in seeds:
        order = np.random.RandomState(seed).permutation(100)
        x, x_val, x_test = np.split(people[order], [60, 80])
        fits = [PPCA(M, missing="marginalise") for M in Ms]
        fits = [m.fit(x.reshape(60, -1)) for m in fits]
        on_val = [error(fill(m, x_val), x_val) for m in fits]
        on_test = [error(fill(m, x_test), x_test) for m in fits]
        best = int(np.argmin(on_val))
        table["mean"].append(error(x.mean(axis=0), x_test))
        table["mirror"].append(error(x_test[:, :, ::-1], x_test))
        table["ppca"].append(on_test[best])
        table["M"].append(Ms[best])
        table["tempting"].append(min(on_test))
    return {name: np.array(column) for name, column in table.items()}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compare-baselines", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_found = compare([0, 1], [4])
assert np.shape(_found["mirror"]) == (2,), "there is one entry a seed"
assert (_found["mirror"] > _found["mean"]).all(), (
    "hair and light are not symmetric: the mirror should lose to the mean"
)
### BEGIN HIDDEN TESTS
for _i, _seed in enumerate([0, 1]):
    _order = np.random.RandomState(_seed).permutation(100)
    _x, _test = people[_order[:60]], people[_order[80:]]
    _miss = (_x.mean(axis=0) - _test)[:, :, :12]
    assert np.isclose(_found["mean"][_i], (_miss**2).mean()), (
        "the mean face is that of the training faces, scored in the hole alone"
    )
    _miss = _test[:, :, 24:12:-1] - _test[:, :, :12]
    assert np.isclose(_found["mirror"][_i], (_miss**2).mean()), (
        "column 0 is filled from column 24, and only the hole is scored"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "compare-honest", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_found = compare([0, 1], [2, 6, 10])
assert set(np.asarray(_found["M"]).tolist()) <= {2, 6, 10}, "M is one of Ms"
assert (_found["tempting"] <= _found["ppca"] + 1e-12).all(), (
    "the best M on the test faces cannot be worse there than the chosen one"
)
### BEGIN HIDDEN TESTS
_Ms = [2, 6, 10]
for _i, _seed in enumerate([0, 1]):
    _order = np.random.RandomState(_seed).permutation(100)
    _parts = [people[_order[60:80]], people[_order[80:]]]
    _errors = []
    for _M in _Ms:
        _p = PPCA(_M).fit(people[_order[:60]].reshape(60, -1))
        _S = _p.loadings_ @ _p.loadings_.T + _p.noise_variance_ * np.eye(625)
        _o, _h = ~hole.ravel(), hole.ravel()
        _R = np.linalg.solve(_S[_o][:, _o], _S[_o][:, _h])
        _rows = [_x.reshape(20, -1) - _p.mean_ for _x in _parts]
        _errors.append(
            [((_d[:, _h] - _d[:, _o] @ _R) ** 2).mean() for _d in _rows]
        )
    _val, _test = np.transpose(_errors)
    _best = int(np.argmin(_val))
    assert _found["M"][_i] == _Ms[_best], (
        "M must have the least error on the validation faces, in the hole"
    )
    assert np.isclose(_found["ppca"][_i], _test[_best], rtol=1e-4), (
        "the error of PPCA is that of the chosen M on the test faces"
    )
    assert np.isclose(_found["tempting"][_i], _test.min(), rtol=1e-4), (
        "the tempting number is the least error on the test faces"
    )
### END HIDDEN TESTS

# %%
table = compare([0, 1, 2, 3], [2, 6, 10, 20])
for name in ("mean", "mirror", "ppca", "tempting"):
    each = " ".join(f"{e:.4f}" for e in table[name])
    print(f"{name:9} {each}   {table[name].mean():.4f}")
for name in ("ppca", "tempting"):
    gain = table["mean"] - table[name]
    error = gain.std(ddof=1) / 2
    print(f"{name:9} ahead of the mean face by {gain.mean():.4f} ± {error:.4f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): the man on the picture
#
# A surveillance camera took a face of 5 × 5 blocks. A company sharpens it with
# a model like that of exercise 3, learned from a hundred press photographs. The
# police print the sharpened face with the words "this is the man", and the
# company adds that its method has an error of 0.02 per pixel, measured on the
# photographs that it learned from. Name three things that are wrong, and for
# each what should have been done or shown in its place. This answer is marked
# by hand.

# %% [markdown] nbgrader={"grade": true, "grade_id": "man", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# The picture is the mean of all faces that fit the 25 numbers, one answer among
# very many. Show several draws from the conditional distribution, or the
# variance of each pixel, and say that whatever the draws do not share was not
# seen.
#
# What the blocks do not fix comes from the prior, here from a hundred press
# photographs of certain kinds of people; for a face unlike them it is wrong and
# looks just as sharp. It shows what is plausible, not what was there, and is no
# evidence of who it was.
#
# An error on training faces is that of remembering. Measure it on faces of
# other people, beside a baseline such as the plain blocks or the mean face,
# with its spread.
