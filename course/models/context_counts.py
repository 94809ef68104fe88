"""Images one pixel at a time, each given its neighbours, by counting."""

from itertools import combinations
from typing import Any

import torch
from jaxtyping import Float64, Int64
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import pad

from course.arrays import like, rows

Pixels = Int64[Tensor, "N D"]
Context = tuple[str, ...]
OFFSETS = {  # rows down, columns right: all come earlier in reading order
    "left": (0, -1),
    "up": (-1, 0),
    "up left": (-1, -1),
    "up right": (-1, 1),
}


class ContextCounts(DensityMixin, BaseEstimator):
    """p(x) = prod_d p(x_d | position d, some earlier neighbours of d).

    Counts for a context are completed by those for the contexts that know
    one thing less, on average over which one:
    p(c | h) = (n(h, c) + a mean_i p(c | h without i)) / (n(h) + a).
    At the bottom, knowing nothing, all categories are equal.

    Args:
        shape: height and width of the images; None for one row of D values.
        neighbours: some of "left", "up", "up left" and "up right".
        strengths: a for contexts of 1, 2, ... parts (the position is one);
            the last one also for all longer contexts.
        n_categories: C; the largest entry plus one where it is None.

    Attributes:
        history_: mean log p(x) of the training rows, in nats, by contexts of
            the position alone, then with one neighbour more each.
        n_categories_: C.

    Raises:
        ValueError: an option is wrong, X is not as wide as `shape`, or an
            entry is not a whole number from 0 to C - 1.
    """

    def __init__(
        self,
        *,
        shape=None,
        neighbours=("left", "up"),
        strengths=(2.0, 10.0, 50.0),
        n_categories=None,
    ):
        self.shape = shape
        self.neighbours = neighbours
        self.strengths = strengths
        self.n_categories = n_categories

    def __sklearn_tags__(self):
        """Entries are categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def fit(self, X: Any, y: Any = None) -> "ContextCounts":
        """Count pixels by their contexts; X has shape (N, D), D = H * W."""
        x = rows(self, X, fit=True)
        self.n_categories_ = self.n_categories or int(x.amax().item()) + 1
        x = check_pixels(self, x)
        parts, path = self._parts(x), []
        self.tables_ = {
            h: Table(key(parts, h, self._base), x.flatten(), self.n_categories_)
            for h in subsets(("position", *self.neighbours))
        }
        for k in range(1 + len(self.neighbours)):
            p = self._probs(parts, ("position", *self.neighbours[:k]))
            path.append(pick(p, x).log().sum(1).mean())
        self.history_ = like(X, torch.stack(path))
        return self

    @property
    def _base(self) -> int:
        """All parts of a context are below this number."""
        return max(self.n_features_in_, self.n_categories_ + 1)

    def _parts(self, x: Pixels) -> dict[str, Pixels]:
        """What each pixel's context consists of; C stands for no neighbour."""
        H, W = self.shape or (1, x.shape[1])
        image = pad(x.reshape(-1, H, W), (1, 1, 1, 0), value=self.n_categories_)
        parts = {"position": torch.arange(H * W, device=x.device).expand_as(x)}
        for name in self.neighbours:
            down, right = OFFSETS[name]
            moved = image[:, 1 + down :, 1 + right :][:, :H, :W]
            parts[name] = moved.reshape(x.shape)
        return parts

    def _probs(self, parts: dict, full: Context) -> Float64[Tensor, "ND C"]:
        """p(c | context) of every pixel, from the empty context upwards."""
        C, n = self.n_categories_, parts["position"].numel()
        device = parts["position"].device
        p = {(): torch.full((n, C), 1 / C, dtype=torch.float64, device=device)}
        for h in subsets(full)[1:]:
            a = self.strengths[min(len(h), len(self.strengths)) - 1]
            less = [p[tuple(i for i in h if i != out)] for out in h]
            counts = self.tables_[h].counts(key(parts, h, self._base))
            total = counts.sum(1, keepdim=True)
            p[h] = (counts + a * sum(less) / len(h)) / (total + a)
        return p[full]

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row of X, shape (N,), in nats."""
        check_is_fitted(self)
        x = check_pixels(self, rows(self, X))
        p = self._probs(self._parts(x), ("position", *self.neighbours))
        return like(X, pick(p, x).log().sum(1))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) of the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows, shape (n, D), pixel after pixel."""
        check_is_fitted(self)
        rng, D = check_random_state(random_state), self.n_features_in_
        x = torch.zeros(n, D, dtype=torch.int64, device=self.device_)
        full = ("position", *self.neighbours)
        for d in range(D):
            parts = {k: v[:, d : d + 1] for k, v in self._parts(x).items()}
            edges = self._probs(parts, full).cumsum(1)
            u = torch.from_numpy(rng.uniform(size=(n, 1))).to(x.device)
            x[:, d] = (edges < u).sum(1).clamp_max(edges.shape[1] - 1)
        return like(self.history_, x)

    @property
    def device_(self) -> torch.device:
        """Where the counts lie."""
        return self.tables_[()].known.device


class Table:
    """How often each category follows each context."""

    def __init__(self, keys: Int64[Tensor, " M"], x: Tensor, C: int):
        self.known, where = torch.unique(keys, return_inverse=True)
        cells = torch.bincount(where * C + x, minlength=len(self.known) * C)
        self.cells = cells.reshape(-1, C).double()

    def counts(self, keys: Int64[Tensor, " M"]) -> Float64[Tensor, "M C"]:
        """The counts for each context; zeros for one never seen."""
        i = torch.searchsorted(self.known, keys).clamp_max(len(self.known) - 1)
        return self.cells[i] * (self.known[i] == keys)[:, None]


def subsets(parts: Context) -> list[Context]:
    """All selections of the parts, the smaller ones first."""
    sizes = range(len(parts) + 1)
    return [h for k in sizes for h in combinations(parts, k)]


def key(parts: dict, h: Context, base: int) -> Int64[Tensor, " M"]:
    """A context as one number, with its parts as digits."""
    number = torch.zeros_like(parts["position"])
    for name in h:
        number = number * base + parts[name]
    return number.flatten()


def pick(p: Float64[Tensor, "ND C"], x: Pixels) -> Float64[Tensor, "N D"]:
    """The probability of each pixel's own category."""
    return p.gather(1, x.reshape(-1, 1)).reshape(x.shape)


def check_pixels(model: ContextCounts, x: Tensor) -> Pixels:
    """The rows as whole numbers, if options and entries make sense."""
    C, D, whole = model.n_categories_, x.shape[1], x.long()
    H, W = model.shape or (1, D)
    unknown = sorted(set(model.neighbours) - set(OFFSETS))
    if unknown or H * W != D or min(model.strengths, default=0) <= 0:
        raise ValueError(
            f"shape must multiply to the {D} columns of X, neighbours be some "
            f"of {', '.join(OFFSETS)}, and strengths be positive; they are "
            f"{model.shape}, {model.neighbours} and {model.strengths}"
        )
    if (x != whole).any() or x.min() < 0 or x.max() >= C:
        raise ValueError(
            f"ContextCounts takes whole numbers from 0 to {C - 1}; these go "
            f"from {x.min()} to {x.max()}. Negative values in data passed to "
            f"ContextCounts are no categories"
        )
    return whole
