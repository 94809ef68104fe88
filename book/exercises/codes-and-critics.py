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
# # Codes and critics
#
# You build codes whose every bit can be read back, hold a distance between its
# bounds, and compare two models of pixels by the bits that they need for new
# images.
#
# **You need** the chapters *Compression* and *Stable GANs*. Symbols are those
# of the page *Notation*.
#
# **Time:** about 90 minutes. **Points:** 20 points in seven exercises.
#
# Replace each `raise NotImplementedError("not done yet")` by your lines and run
# the tests below it. Leave the names of functions and the test cells as they
# are: your work is found and marked by them. When the sheet is graded, more
# tests are run, on other data and on edge cases; the text of each exercise says
# what they ask.

# %%
import heapq
import zlib

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from course.data import digits
from course.seeding import seeded


def as_levels(x):
    """Grey levels 0 to 16 as whole numbers, shape (N, 8, 8)."""
    return np.round(16 * x[:, 0]).astype(int)


x_train, x_test = (digits(part)[0] for part in ("train", "test"))

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (2 points): the best prefix code
#
# Huffman's code is built from the leaves. Take the two least probable symbols;
# their code words shall differ in the last bit only. Merge them into one symbol
# with the sum of their probabilities, and go on until one symbol is left. The
# length of a code word is the number of merges that its symbol took part in.
#
# Write `huffman(p)` for an array of `C` $\ge 2$ positive probabilities in any
# order. Return the lengths, an array of `C` whole numbers, in the order of `p`.
# Where probabilities are equal there are several best codes; any of them
# counts.


# %% nbgrader={"grade": false, "grade_id": "huffman", "locked": false, "schema_version": 3, "solution": true, "task": false}
def huffman(p):
    """Lengths of the code words of a best prefix code, shape (C,)."""
    ### BEGIN SOLUTION
    lengths = np.zeros(len(p), dtype=int)
    heap = [(weight, c, [c]) for c, weight in enumerate(p)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (a, _, left), (b, tie, right) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[left + right] += 1
        heapq.heappush(heap, (a + b, len(p) + tie, left + right))
    return lengths
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "huffman-lengths", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_lengths = huffman(np.array([0.125, 0.5, 0.125, 0.25]))
assert np.array_equal(_lengths, [3, 1, 3, 2]), (
    "these probabilities are powers of 1/2, so each length is -log2 p; they "
    "stand in the order of p"
)
_p = np.bincount(as_levels(x_train).ravel(), minlength=17) / x_train.size
_lengths = huffman(_p)
assert np.isclose((0.5**_lengths).sum(), 1), (
    "in a best code no bit string is left over: Kraft's sum is exactly 1"
)
### BEGIN HIDDEN TESTS
_entropy = -(_p * np.log2(_p)).sum()
assert _entropy <= _p @ _lengths < _entropy + 1, (
    "the expected length lies less than one bit above the entropy"
)


def _all_codes(C):
    """Every list of C lengths with Kraft's sum 1, in rising order."""
    if C == 1:
        return {(0,)}
    found = set()
    for code in _all_codes(C - 1):
        for i in range(C - 1):
            grown = (*code[:i], *code[i + 1 :], code[i] + 1, code[i] + 1)
            found.add(tuple(sorted(grown)))
    return found


_rng = np.random.default_rng(0)
for _C in (2, 3, 5, 7):
    for _ in range(8):
        _p = _rng.dirichlet(np.full(_C, 0.7)) + 1e-9
        _p = _p / _p.sum()
        _best = min(np.sort(_p)[::-1] @ np.array(c) for c in _all_codes(_C))
        assert np.isclose(_p @ huffman(_p), _best), (
            "a shorter prefix code exists: merge the two least probable of "
            "all symbols, old and merged, every time"
        )
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): so many bits, and not one more
#
# The chapter finds rate and distortion from the water level. In practice the
# rate is given: the line carries so many bits an image. Then the level $\zeta$
# has to be found for which
#
# $$
# \sum_m \max\Bigl(0, \tfrac12 \log_2 \frac{\lambda_m}{\zeta}\Bigr)
# = \mathcal{R} .
# $$
#
# If you knew how many features stand out of the water, the equation could be
# solved for $\zeta$ on paper. Write `water_level(lam, rate)` for eigenvalues
# `lam`, an array of shape `(D,)` in any order, $\ge 0$ and not all zero, and
# `rate` $\ge 0$ in bits. Return $\zeta$ and the distortion
# $\frac1D\sum_m \min(\lambda_m, \zeta)$, two numbers, exact to nine digits. At
# rate 0 return the lowest of the levels that send nothing.


# %% nbgrader={"grade": false, "grade_id": "water", "locked": false, "schema_version": 3, "solution": true, "task": false}
def water_level(lam, rate):
    """Water level and distortion per feature at a rate in bits."""
    ### BEGIN SOLUTION
    high = np.sort(lam[lam > 0])[::-1]
    m = np.arange(1, len(high) + 1)
    levels = np.log2(high).cumsum() / m - 2 * rate / m
    # with too few features out of the water the level lies below the next one
    count = np.append(levels[:-1] >= np.log2(high[1:]), True).argmax()
    zeta = 2.0 ** levels[count]
    return zeta, np.minimum(lam, zeta).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "water-level", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_zeta, _error = water_level(np.array([1.0, 16.0]), 1.0)
assert np.isclose(_zeta, 4) and np.isclose(_error, 2.5), (
    "one bit is spent on the large feature alone, whose error falls from 16 to "
    "4; the other one is not sent"
)
_zeta, _ = water_level(np.array([1.0, 16.0]), 4.0)
assert np.isclose(_zeta, 0.25), "with four bits both features are sent"
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
for _D in (1, 2, 9, 40):
    _lam = _rng.gamma(0.3, size=_D) + 1e-12
    for _rate in (1e-3, 0.5, 7.0, 60.0):
        _zeta, _error = water_level(_lam, _rate)
        _bits = np.maximum(0, np.log2(_lam / _zeta) / 2).sum()
        assert np.isclose(_bits, _rate, rtol=1e-6), (
            "at this level the rate is another one"
        )
        assert np.isclose(_error, np.minimum(_lam, _zeta).mean()), (
            "the distortion is the mean of min(lambda, zeta) over all features"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "water-edges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_flat = x_train.reshape(-1, 64).astype(float)
_lam = np.linalg.eigvalsh(np.cov(_flat.T)).clip(0)
with np.errstate(all="ignore"):
    _zeta, _error = water_level(_lam, 30.0)
assert 0.01 < _error < 0.02, "30 bits leave an error of between 0.01 and 0.02"
### BEGIN HIDDEN TESTS
_bits = np.log2(_lam[_lam > _zeta] / _zeta).sum() / 2
assert np.isclose(_bits, 30, rtol=1e-6), "the rate at this level is not 30 bits"
with np.errstate(all="ignore"):
    _zeta, _error = water_level(np.array([0.5, 0.0, 2.0, 0.0]), 0.0)
assert np.isclose(_zeta, 2) and np.isclose(_error, 2.5 / 4), (
    "at rate 0 the water reaches up to the largest feature"
)
with np.errstate(all="ignore"):
    _zeta, _error = water_level(np.array([3.0, 0.0, 3.0]), 2.0)
assert np.isclose(_zeta, 0.75) and np.isclose(_error, 0.5), (
    "a feature without variance costs nothing and has no error; equal "
    "features share the bits"
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (4 points): a record that nobody can read
#
# The next cell codes a list of symbols while learning their frequencies, as the
# chapter does to save the table: symbol $c$ counts one more than it has been
# seen. Its author printed the length and was happy. It cannot be decoded. Find
# the **two** faults.
#
# `push` and `pop` are right. They work with whole numbers of any size, and with
# frequencies of any sum.


# %%
def push(v, c, f):
    """The number v with symbol c on top, by frequencies f."""
    return sum(f) * (v // f[c]) + sum(f[:c]) + v % f[c]


def pop(v, f):
    """The number before the last push, and the symbol that was pushed."""
    c, rest = 0, v % sum(f)
    while rest >= f[c]:
        rest, c = rest - f[c], c + 1
    return f[c] * (v // sum(f)) + rest, c


def faulty_encode(x, C):
    """A whole number that holds the symbols x, each from 0 to C - 1."""
    v, f = 1 << 32, [1] * C
    for c in x:
        f[c] += 1
        v = push(v, c, f)
    return v


def faulty_decode(v, n, C):
    """The n symbols in v, as a list."""
    x, f = [], [1] * C
    for _ in range(n):
        f = [1 + x.count(c) for c in range(C)]
        v, c = pop(v, f)
        x.append(c)
    return x


stream = as_levels(x_test)[:20].ravel().tolist()
packed = 8 * len(zlib.compress(bytes(stream), 9))
v = faulty_encode(stream, 17)
back = faulty_decode(v, len(stream), 17)
right = np.mean(np.array(back) == stream)
print(f"zlib {packed} bits, this code {v.bit_length() - 32} bits")
print(f"symbols that come back: {right:.0%}")

# %% [markdown]
# Write two functions in the answer cell. `encode(x, C)` takes a list `x` of
# whole numbers from 0 to $C - 1$, begins with $v = 2^{32}$ and returns the
# whole number (a Python `int`) that holds them; `decode(v, n, C)` returns the
# list of the `n` symbols, in their order. Each symbol $x_i$ is coded with
# frequencies that count the symbols before it, itself not included: $f_c$ is
# one more than the number of times that $c$ stands among them. So the length is
#
# $$
# 32 + \sum_i \log_2 \frac{\sum_c f_c}{f_{x_i}}
# \quad \text{bits, up to rounding.}
# $$
#
# Nothing but `v`, `n` and `C` may be known to `decode`. You may use `push` and
# `pop`. That every list comes back is the proof.


# %% nbgrader={"grade": false, "grade_id": "coder", "locked": false, "schema_version": 3, "solution": true, "task": false}
def encode(x, C):
    """A whole number that holds the symbols x, each from 0 to C - 1."""
    ### BEGIN SOLUTION
    f, tables = [1] * C, []
    for c in x:
        tables.append(list(f))  # what the receiver knows before this symbol
        f[c] += 1
    v = 1 << 32
    for c, table in zip(x[::-1], tables[::-1], strict=True):
        v = push(v, c, table)  # a stack: the first symbol goes on last
    return v
    ### END SOLUTION


def decode(v, n, C):
    """The n symbols in v, as a list."""
    ### BEGIN SOLUTION
    f, x = [1] * C, []
    for _ in range(n):
        v, c = pop(v, f)
        f[c] += 1
        x.append(c)
    return x
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "coder-back", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert decode(encode([0, 1, 1, 2], 3), 4, 3) == [0, 1, 1, 2], (
    "the list does not come back: which symbol is popped first, and which "
    "counts does the receiver have by then?"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(0)
for _C in (1, 2, 17):
    for _n in (0, 1, 300):
        _x = (_C * _rng.random(_n) ** 3).astype(int).tolist()
        assert decode(encode(_x, _C), _n, _C) == _x, (
            "some list does not come back: try one symbol, none, an alphabet "
            "of one letter, and a few hundred symbols"
        )
_stream = as_levels(x_test)[5:20].ravel().tolist()
assert decode(encode(_stream, 17), len(_stream), 17) == _stream, (
    "the pixels of fifteen digits do not come back"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "coder-length", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_bits = encode([0] * 50, 2).bit_length() - 32
assert 5 <= _bits <= 8, (
    "fifty equal symbols of two cost log2 51, about 5.7 bits"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1)
for _C in (2, 17):
    _x = (_C * _rng.random(400) ** 3).astype(int)
    _ideal = 0.0
    for _i, _c in enumerate(_x):
        _ideal += np.log2((_i + _C) / (1 + (_x[:_i] == _c).sum()))
    _bits = encode(_x.tolist(), _C).bit_length() - 32
    assert abs(_bits - _ideal) < 2 + 0.001 * _ideal, (
        "the length differs: each symbol is coded with counts of the symbols "
        "before it, itself not included"
    )
    _other = encode(_x[::-1].tolist(), _C).bit_length() - 32
    assert abs(_bits - _other) < 3, (
        "the order of the symbols should not matter for the length"
    )
### END HIDDEN TESTS

# %%
v = encode(stream, 17)
right = np.mean(np.array(decode(v, len(stream), 17)) == stream)
print(
    f"this code {v.bit_length() - 32} bits, symbols that come back {right:.0%}"
)

# %% [markdown] tags=["exercise"]
# ## Exercise 4 (3 points): a distance between two bounds
#
# Let $x_1, \dots, x_N$ and $y_1, \dots, y_N$ be two samples of the same size.
# Their Wasserstein distance $\mathrm{W}_1$ is the mean length of the shortest
# pairing. Every pairing gives an upper bound, and *every* function gives a
# lower one: let
#
# $$
# L = \max_{i,j} \frac{\lvert f(x_i) - f(y_j)\rvert}{\lVert x_i - y_j\rVert} .
# $$
#
# Show that
# $\lvert \frac1N \sum_i f(x_i) - \frac1N \sum_j f(y_j) \rvert / L \le \mathrm{W}_1$.
# Why do pairs of two $x$ not matter?
#
# Write `sandwich(f, pairs, x, y)`. `f` maps an array of shape `(N, D)` to one
# of shape `(N,)`; `pairs` is a permutation, $x_i$ goes to
# $y_{\text{pairs}[i]}$; `x` and `y` have shape `(N, D)`. Return the lower and
# the upper bound, two numbers. Points may coincide: such pairs are left out of
# $L$. If $f$ has the same value everywhere, the lower bound is 0.


# %% nbgrader={"grade": false, "grade_id": "sandwich", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sandwich(f, pairs, x, y):
    """A lower and an upper bound of the Wasserstein distance of x and y."""
    ### BEGIN SOLUTION
    upper = np.linalg.norm(x - y[pairs], axis=1).mean()
    rise, way = np.abs(f(x)[:, None] - f(y)), cdist(x, y)
    L = (rise[way > 0] / way[way > 0]).max(initial=0.0)
    gap = abs(f(x).mean() - f(y).mean())
    return (gap / L if L > 0 else 0.0), upper
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sandwich-line", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_x, _y = np.array([[0.0], [1.0], [5.0]]), np.array([[3.0], [8.0], [1.0]])
with np.errstate(all="ignore"):
    _lower, _upper = sandwich(lambda v: v[:, 0], np.array([2, 0, 1]), _x, _y)
assert np.isclose(_lower, 2) and np.isclose(_upper, 2), (
    "on this line the sorted pairing and the straight critic meet at 2"
)
with np.errstate(all="ignore"):
    _lower, _ = sandwich(lambda v: 7 - 3 * v[:, 0], np.arange(3), _x, _y)
assert np.isclose(_lower, 2), (
    "a critic with another slope, sign or offset gives the same bound"
)
### BEGIN HIDDEN TESTS
for _f in (lambda v: 0 * v[:, 0] + 4, lambda v: np.zeros(len(v))):
    with np.errstate(all="ignore"):
        _lower = sandwich(_f, np.arange(3), _x, _y)[0]
    assert _lower == 0, "a constant critic gives the bound 0"
_rng = np.random.default_rng(0)
for _ in range(5):
    _x, _y = _rng.normal(size=(2, 12, 2))
    _y[3] = _x[4]  # two points that coincide
    _cost = np.sqrt(((_x[:, None] - _y) ** 2).sum(-1))
    _best = linear_sum_assignment(_cost)[1]
    _true = _cost[np.arange(12), _best].mean()
    _pairs, _w = _rng.permutation(12), _rng.normal(size=2)

    def _bent(v, w=_w):
        return np.sin(2 * v @ w)

    with np.errstate(all="ignore"):
        _lower, _upper = sandwich(_bent, _pairs, _x, _y)
    assert _lower <= _true + 1e-9, (
        "a lower bound lies above the distance: divide by the largest slope "
        "between any x and any y"
    )
    assert np.isclose(_upper, _cost[np.arange(12), _pairs].mean()), (
        "the upper bound is the mean Euclidean length of the pairs"
    )
    _slopes = []
    for _a in _x:
        for _b in _y:
            if not np.array_equal(_a, _b):
                _rise = abs(_bent(_a[None])[0] - _bent(_b[None])[0])
                _slopes.append(_rise / np.sqrt(((_a - _b) ** 2).sum()))
    _gap = abs(_bent(_x).mean() - _bent(_y).mean())
    assert np.isclose(_lower, _gap / max(_slopes)), (
        "the bound could be better: only pairs of one x and one y count"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sandwich-digits", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_flat, _y = x_train.reshape(-1, 64).astype(float), digits("train")[1]
_three, _eight = _flat[_y == 3][:80], _flat[_y == 8][:80]
_way = _eight.mean(axis=0) - _three.mean(axis=0)
_lower, _upper = sandwich(lambda v: v @ _way, np.arange(80), _three, _eight)
assert 0 < _lower < _upper, "the lower bound of threes and eights is positive"
### BEGIN HIDDEN TESTS
_cost = np.sqrt(((_three[:, None] - _eight) ** 2).sum(-1))
_best = linear_sum_assignment(_cost)[1]
_true = _cost[np.arange(80), _best].mean()
_better = sandwich(lambda v: v @ _way, _best, _three, _eight)[1]
assert _lower <= _true + 1e-9 and np.isclose(_better, _true), (
    "the best pairing reaches the distance itself, and no critic passes it"
)
with np.errstate(all="ignore"):
    _same = sandwich(lambda v: v @ _way, np.arange(80), _three, _three)
assert np.allclose(_same, 0), "a sample has distance 0 from itself"
### END HIDDEN TESTS

# %% [markdown]
# Threes and eights, three times: the critic that points from mean to mean, with
# images paired as they come; the same critic with the best pairing; and the
# distance to the nearest three as a critic. The last two squeeze the distance
# from both sides.

# %%
flat, labels = x_train.reshape(-1, 64).astype(float), digits("train")[1]
three, eight = flat[labels == 3][:80], flat[labels == 8][:80]
way = eight.mean(axis=0) - three.mean(axis=0)
in_order, best = np.arange(80), linear_sum_assignment(cdist(three, eight))[1]
tries = {
    "from mean to mean": (lambda v: v @ way, in_order),
    "with the best pairs": (lambda v: v @ way, best),
    "nearest three": (lambda v: cdist(v, three).min(axis=1), best),
}
for name, (f, pairs) in tries.items():
    lower, upper = sandwich(f, pairs, three, eight)
    print(f"{name:20} {lower:.2f} <= W1 <= {upper:.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 5 (3 points): how much a convolution stretches
#
# Spectral normalisation divides the weight of a convolution, flattened to a
# matrix, by its largest singular value. An exercise of the chapter shows that
# this bounds the stretch of the image, but not by 1. How much *does* a
# convolution stretch? With stride 1 and circular padding (what leaves on the
# right comes back on the left) it has an exact answer: the Fourier transform
# turns the convolution into a product. At each frequency the channels are mixed
# by one small complex matrix.
#
# Write `stretch(K, side)`: the largest of $\lVert K * x\rVert / \lVert x\rVert$
# over all images $x$ of shape `(n_in, side, side)`. `K` is an array of shape
# `(n_out, n_in, k, k)`, as in `nn.Conv2d`, and `side` $\ge k$. Return a number.
# It must be quick where a matrix of all pixels by all pixels would not fit: 16
# channels of 64 × 64 pixels.


# %% nbgrader={"grade": false, "grade_id": "stretch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stretch(K, side):
    """Operator norm of a circular convolution on side x side pixels."""
    ### BEGIN SOLUTION
    spectrum = np.fft.fft2(K, (side, side))  # (n_out, n_in, side, side)
    mixing = np.moveaxis(spectrum, (0, 1), (2, 3))
    return np.linalg.norm(mixing, 2, axis=(2, 3)).max()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "stretch-one-channel", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_mean = np.full((1, 1, 3, 3), 1 / 9)
assert np.isclose(stretch(_mean, 8), 1), (
    "a mean of nine pixels leaves a constant image as it is: stretch 1"
)
_edge = np.array([[[[1.0, -1.0], [0.0, 0.0]]]])
assert np.isclose(stretch(_edge, 8), 2), (
    "the difference of neighbours doubles an image of stripes"
)
### BEGIN HIDDEN TESTS
assert np.isclose(stretch(_edge, 7), 2 * np.cos(np.pi / 14)), (
    "on 7 pixels stripes do not close: only whole frequencies occur"
)
_rng = np.random.default_rng(0)
_K = _rng.normal(size=(1, 1, 3, 3))
_T = torch.tensor(_K)
_eye = torch.eye(36).double().reshape(36, 1, 6, 6)
_pad = torch.nn.functional.pad(_eye, (1, 1, 1, 1), mode="circular")
_dense = torch.nn.functional.conv2d(_pad, _T).reshape(36, 36)
assert np.isclose(stretch(_K, 6), torch.linalg.matrix_norm(_dense, 2).item()), (
    "the largest singular value of the matrix of all pixels is another one"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "stretch-channels", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_mix = np.array([[3.0, 0.0], [4.0, 0.0]])[:, :, None, None]  # 1 x 1 kernels
assert np.isclose(stretch(_mix, 5), 5), (
    "a 1 x 1 convolution mixes channels: here (1, 0) becomes (3, 4)"
)
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1)
_K = _rng.normal(size=(3, 2, 4, 4))
_eye = torch.eye(72).double().reshape(72, 2, 6, 6)
_pad = torch.nn.functional.pad(_eye, (1, 2, 1, 2), mode="circular")
_dense = torch.nn.functional.conv2d(_pad, torch.tensor(_K)).reshape(72, -1)
assert np.isclose(stretch(_K, 6), torch.linalg.matrix_norm(_dense, 2).item()), (
    "with several channels the largest singular value is another one"
)
assert np.isfinite(stretch(_rng.normal(size=(16, 16, 3, 3)), 64)), (
    "16 channels of 64 x 64 pixels should be no problem"
)
### END HIDDEN TESTS

# %%
with seeded(0):
    K = torch.randn(8, 8, 4, 4).double().numpy()
K = K / np.linalg.norm(K.reshape(8, -1), 2)  # what spectral_norm does
print(f"norm of the flattened weight 1, stretch {stretch(K, 16):.2f}")

# %% [markdown] tags=["exercise"]
# ## Exercise 6 (3 points): does the left neighbour help?
#
# Two models of the 17 levels of a pixel, both tables of counts. The first knows
# the place $d$ of the pixel, the second its place and the level $l$ of its left
# neighbour; outside of the image, to the left of column 0, the level is 0. With
# counts $n$ from the training images,
#
# $$
# p(c \mid d) = \frac{n_{dc} + a}{n_d + 17 a}, \qquad
# p(c \mid d, l) = \frac{n_{dlc} + a}{n_{dl} + 17 a} .
# $$
#
# The second has 17 times as many tables to fill from the same 1000 images; is
# it ahead on new ones?
#
# Write `compare(seeds, smoothings)`. For each seed, `split(seed)` of the cell
# below gives training, validation and test images. Each model gets, from the
# list `smoothings`, the $a$ with the fewest bits on the *validation* images,
# the first one in case of a tie. Return a dictionary of arrays, one entry a
# seed: `"place"` and `"left"`, bits per test image ($-\log_2 p$ of all 64
# pixels, averaged over images), and `"a_place"` and `"a_left"`, the chosen $a$;
# and the numbers `"gain"`, the mean over seeds of bits saved by the second
# model, and `"error"`, its standard error: the standard deviation of these
# savings ($S - 1$ in the denominator) over $\sqrt S$, for $S$ seeds.


# %%
def split(seed):
    """Levels of 1000, 350 and 447 images, each (N, 8, 8)."""
    parts = ("train", "val", "test")
    return [
        as_levels(digits(p, split="stratified", seed=seed)[0]) for p in parts
    ]


# %% nbgrader={"grade": false, "grade_id": "compare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(seeds, smoothings):
    """Bits per test image of two models, what was chosen, and the gain."""

    ### BEGIN SOLUTION
    def left_of(x):
        return np.pad(x, ((0, 0), (0, 0), (1, 0)))[:, :, :-1]

    def bits(counts, a, contexts, x):
        rows, columns = np.indices((8, 8))
        n = counts[rows, columns, contexts]  # (N, 8, 8, 17)
        p = np.take_along_axis(n, x[..., None], axis=-1)[..., 0] + a
        return -np.log2(p / (n.sum(axis=-1) + 17 * a)).sum(axis=(1, 2)).mean()

    def best(context, x, x_val, x_test):
        counts = np.zeros((8, 8, 17, 17))
        rows, columns = np.indices((8, 8))
        np.add.at(counts, (rows, columns, context(x), x), 1)
        on_val = [bits(counts, a, context(x_val), x_val) for a in smoothings]
        a = smoothings[int(np.argmin(on_val))]
        return bits(counts, a, context(x_test), x_test), a

    pairs = [
        (best(np.zeros_like, *parts), best(left_of, *parts))
        for parts in map(split, seeds)
    ]
    table = np.array(pairs)  # (S, model, bits and a)
    saved = table[:, 0, 0] - table[:, 1, 0]
    return {
        "place": table[:, 0, 0],
        "left": table[:, 1, 0],
        "a_place": table[:, 0, 1],
        "a_left": table[:, 1, 1],
        "gain": saved.mean(),
        "error": saved.std(ddof=1) / np.sqrt(len(saved)),
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compare-bits", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_found = compare([0, 1], [0.1])
for _name in ("place", "left"):
    assert np.shape(_found[_name]) == (2,), "there is one entry a seed"
    assert (np.abs(_found[_name] - 150) < 25).all(), (
        "a digit costs roughly 150 bits: all 64 pixels, base 2"
    )
### BEGIN HIDDEN TESTS
_x, _, _test = split(1)
for _name in ("place", "left"):
    _total = 0.0
    for _i, _j in np.ndindex(8, 8):
        _context, _new = (
            v[:, _i, _j - 1] if _name == "left" and _j else 0 * v[:, 0, 0]
            for v in (_x, _test)
        )
        _n = np.full((17, 17), 0.1)
        for _l, _c in zip(_context, _x[:, _i, _j], strict=True):
            _n[_l, _c] += 1
        _p = _n / _n.sum(axis=1, keepdims=True)
        _total -= np.log2(_p[_new, _test[:, _i, _j]]).mean()
    assert np.isclose(_found[_name][1], _total), (
        "the bits differ: check the context of column 0, the smoothing, and "
        "that the test images alone are scored"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "compare-choice", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_as = [0.01, 0.05, 0.2, 1.0, 5.0]
_found = compare([0, 1, 2], _as)
assert set(np.asarray(_found["a_left"]).tolist()) <= set(_as), (
    "a is one of the list"
)
### BEGIN HIDDEN TESTS
for _i, _seed in enumerate([0, 1, 2]):
    _x, _val, _test = split(_seed)
    for _name in ("place", "left"):
        _scores = []
        for _part in (_val, _test):
            _old, _new = (
                np.pad(v, ((0, 0), (0, 0), (1, 0)))[:, :, :8]
                if _name == "left"
                else np.zeros_like(v)
                for v in (_x, _part)
            )
            _bits = np.zeros(len(_as))
            for _d in range(64):
                _n = np.zeros((17, 17))
                _at = [
                    v.reshape(-1, 64)[:, _d] for v in (_old, _x, _new, _part)
                ]
                np.add.at(_n, (_at[0], _at[1]), 1)
                for _k, _a in enumerate(_as):
                    _p = (_n + _a) / (_n + _a).sum(axis=1, keepdims=True)
                    _bits[_k] -= np.log2(_p[_at[2], _at[3]]).mean()
            _scores.append(_bits)
        _best = int(np.argmin(_scores[0]))
        assert np.isclose(_found["a_" + _name][_i], _as[_best]), (
            "each model gets its own a, the best one on the validation images"
        )
        assert np.isclose(_found[_name][_i], _scores[1][_best]), (
            "the bits of the chosen a are reported on the test images"
        )
_saved = np.asarray(_found["place"]) - np.asarray(_found["left"])
assert np.isclose(_found["gain"], _saved.mean()), (
    "the gain is a mean of bits saved"
)
assert np.isclose(_found["error"], _saved.std(ddof=1) / np.sqrt(3)), (
    "the standard error is that of the savings, seed by seed"
)
### END HIDDEN TESTS

# %%
table = compare([0, 1, 2], [0.01, 0.05, 0.2, 1.0])
for name in ("place", "left"):
    each = " ".join(f"{bits:.1f}" for bits in table[name])
    print(f"{name:5} {each} bits, a = {table['a_' + name]}")
print(f"saved {table['gain']:.1f} ± {table['error']:.1f} bits an image")

# %% [markdown] tags=["exercise"]
# ## Exercise 7 (2 points): two teams, two figures
#
# Team A reports that the figure of its WGAN-GP critic (mean score of data minus
# mean score of samples) fell from 6.0 to 0.4, team B that its critic with
# clipped weights ends at 0.05. "So B's samples are eight times closer to the
# data", says the press. Why does that not follow, and what should both teams
# report? Four sentences at most. This answer is marked by hand.

# %% [markdown] nbgrader={"grade": true, "grade_id": "teams", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# A critic's figure is the distance only for the best function of slope 1. With
# clipped weights the slope bound is an unknown number, and with a penalty the
# slope is only nearly 1, so the two figures are in different units; a weak or
# badly trained critic also reports little. Both teams should score the same
# number of samples against the same held-out images with a measure that does
# not depend on their critics, such as a Fréchet distance with precision and
# recall, over several seeds, beside the value that real images reach.
