"""The n-gram model, with scikit-learn's manners."""

import math
from typing import Any

import torch
from jaxtyping import Float64
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, rows
from course.models.ngram.levels import Grams, Numbers, additive, kneser_ney
from course.nn.strings import Strings, shifted, until_end

SMOOTHINGS = ("kneser-ney", "additive")


class NGram(DensityMixin, BaseEstimator):
    """A distribution over strings, p(x) = prod_t p(x_t | the n - 1 before).

    A string is a row of whole numbers; 0 ends it, and what follows the first
    0 is ignored. A row without a 0 is the beginning of a string.

    Args:
        order: n; 1 knows no context, 2 the symbol before, and so on.
        smoothing: "kneser-ney" (interpolated, three discounts), or
            "additive": every count plus `alpha`.
        alpha: of additive smoothing; at 0, what was never seen is impossible.
        n_symbols: V, the end included; the largest entry plus 1 if None.

    Attributes:
        history_: mean log p(x_t | ...) of the training strings, in nats per
            symbol, with contexts of 0, 1, ..., n - 1 symbols.
        n_symbols_: V.

    Raises:
        ValueError: an option is wrong, an entry is not a whole number from 0
            to V - 1, or V**n is too large for 64 bits.

    Chen & Goodman 1998, Harvard TR-10-98: "An empirical study of smoothing
    techniques for language modeling".
    """

    def __init__(
        self, order=3, *, smoothing="kneser-ney", alpha=1.0, n_symbols=None
    ):
        self.order = order
        self.smoothing = smoothing
        self.alpha = alpha
        self.n_symbols = n_symbols

    def __sklearn_tags__(self):
        """Entries are symbols."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def fit(self, X: Any, y: Any = None) -> "NGram":
        """Count the n-grams of the strings X, shape (N, T)."""
        x = rows(self, X, fit=True)
        self.n_symbols_ = self.n_symbols or max(int(x.amax().item()) + 1, 2)
        check_options(self)
        grams = self._grams(check_symbols(self, x))
        self.levels_ = [self._level(grams, k + 1) for k in range(self.order)]
        self.history_ = like(X, self._probs(grams).log().mean(dim=1))
        return self

    def _level(self, grams: Grams, k: int):
        """The smoothed counts of k-grams."""
        if self.smoothing == "additive":
            return additive(grams, k, self.n_symbols_, self.alpha)
        return kneser_ney(grams, k, self.n_symbols_)

    def _grams(self, x: Strings) -> Grams:
        """Every symbol up to the end, with the n - 1 before it, 0 at first."""
        columns = [x]
        while len(columns) < self.order:
            columns.insert(0, shifted(columns[0]))
        return torch.stack(columns, dim=-1)[until_end(x)]

    def _probs(self, grams: Grams) -> Float64[Tensor, "order N"]:
        """p(x_t | the k - 1 before) for k = 1, ..., n."""
        V, p, path = self.n_symbols_, uniform(grams, self.n_symbols_), []
        for level in self.levels_:
            mixed = self.smoothing == "kneser-ney"
            p = level.probs(grams, V, p if mixed else uniform(grams, V))
            path.append(p)
        return torch.stack(path)

    def _read(self, X: Any) -> Strings:
        """The strings X, for a fitted model."""
        check_is_fitted(self)
        return check_symbols(self, rows(self, X))

    def log_probs(self, X: Any) -> Any:
        """Log p(x_t | ...) of every symbol, (N, T); 0 after the end."""
        x = self._read(X)
        out = torch.zeros_like(x, dtype=torch.float64)
        out[until_end(x)] = self._probs(self._grams(x))[-1].log()
        return like(X, out)

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every string up to its end, shape (N,), in nats."""
        return self.log_probs(X).sum(1)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) of the strings X, in nats."""
        return self.score_samples(X).mean().item()

    def next_probs(self, X: Any) -> Any:
        """p(w | x_1 .. x_T) of every symbol w after each row, (N, V).

        The rows are beginnings of any length, without an end.
        """
        check_is_fitted(self)
        return like(X, self._next(check_symbols(self, torch.as_tensor(X))))

    def _next(self, x: Tensor) -> Float64[Tensor, "N V"]:
        """Distribution of the symbol after each row; the row may be empty."""
        V, n = self.n_symbols_, self.order
        start = x.new_zeros(len(x), n)
        before = torch.cat([start, x], dim=1)[:, x.shape[1] + 1 :]
        w = torch.arange(V, device=x.device).repeat(len(x))[:, None]
        grams = torch.cat([before.repeat_interleave(V, dim=0), w], dim=1)
        return self._probs(grams)[-1].reshape(len(x), V)

    def sample(
        self,
        n: int = 1,
        random_state: Any = None,
        *,
        max_length: int | None = None,
        temperature: float | int = 1.0,
    ) -> Any:
        """Draw n strings, shape (n, max_length), with zeros after the end.

        Rows are as long as those of the fit where max_length is None.
        Probabilities are raised to the power 1 / temperature and normalised.

        Raises:
            ValueError: the temperature is not positive.
        """
        check_is_fitted(self)
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, not {temperature}")
        rng = check_random_state(random_state)
        device, V = self.levels_[0].grams.device, self.n_symbols_
        max_length = max_length or self.n_features_in_
        x = torch.zeros(n, max_length, dtype=torch.int64, device=device)
        going = torch.ones(n, dtype=torch.bool, device=device)
        for t in range(max_length):
            p = self._next(x[going, :t]).log().div(temperature).softmax(-1)
            u = torch.from_numpy(rng.uniform(size=len(p))).to(device)
            new = (p.cumsum(1) < u[:, None]).sum(1).clamp_max(V - 1)
            x[going, t] = new
            going[going.clone()] = new > 0
            if not going.any():
                break
        return like(self.history_, x)


def uniform(grams: Grams, V: int) -> Numbers:
    """1 / V for each gram."""
    return torch.full_like(grams[:, 0], 1, dtype=torch.float64) / V


def check_options(model: NGram) -> None:
    """Raise a ValueError for an option that cannot be."""
    if model.smoothing not in SMOOTHINGS:
        raise ValueError(
            f"smoothing must be one of {', '.join(SMOOTHINGS)}, not "
            f"{model.smoothing!r}"
        )
    if model.order < 1 or model.alpha < 0:
        raise ValueError(
            f"order must be at least 1 and alpha not negative, not "
            f"{model.order} and {model.alpha}"
        )
    if model.order * math.log2(model.n_symbols_) >= 63:
        raise ValueError(
            f"{model.n_symbols_} symbols to the power {model.order} do not fit "
            f"into 64 bits: decrease order"
        )


def check_symbols(model: NGram, x: Tensor) -> Strings:
    """The symbols as whole numbers, if they are from 0 to V - 1."""
    V, whole = model.n_symbols_, x.long()
    if (x != whole).any() or x.min() < 0 or x.max() >= V:
        raise ValueError(
            f"NGram takes strings of whole numbers from 0 to {V - 1}; these go "
            f"from {x.min()} to {x.max()}: encode them, with n_symbols so "
            f"large that it holds every symbol. Negative values in data "
            f"passed to NGram are no symbols"
        )
    return whole
