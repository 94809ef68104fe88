"""Whether probabilities of classes can be believed, and a repair."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import brentq
from torch import Tensor

Probabilities = Float[Tensor, "N K"]
Classes = Int64[Tensor, " N"]
STEEPEST = 1e6  # 1 / T beyond which a minimum is no longer looked for


@dataclass(frozen=True)
class Reliability:
    """What was claimed and what came true, by bins of the claim.

    Attributes:
        confidence: mean probability of the predicted class, shape (bins,); NaN
            where no example fell.
        accuracy: share of right predictions, shape (bins,); NaN likewise.
        share: of all examples in each bin, shape (bins,), sum 1.
        edges: of the bins, shape (bins + 1,), from 0 to 1.
    """

    confidence: Float[Tensor, " bins"]
    accuracy: Float[Tensor, " bins"]
    share: Float[Tensor, " bins"]
    edges: Float[Tensor, " edges"]


def reliability(probs: Any, y: Any, *, bins: int = 10) -> Reliability:
    """Confidence and accuracy of predictions, in bins of equal width.

    The prediction is the most probable class, the confidence its probability.
    A bin holds its upper edge, as in Guo et al. 2017.

    Args:
        probs: p(y = k | x_n), shape (N, K); rows sum to 1.
        y: the true classes, numbers from 0 to K - 1, shape (N,).
        bins: how many.

    Raises:
        ValueError: rows that are no probabilities, labels that are no
            classes, or no bin.
    """
    p, y = pair(probs, y)
    if bins < 1:
        raise ValueError(f"at least 1 bin is needed, not {bins}")
    confidence, predicted = p.max(dim=1)
    edges = torch.linspace(0, 1, bins + 1, dtype=p.dtype, device=p.device)
    which = torch.bucketize(confidence, edges[1:-1])
    hot = torch.nn.functional.one_hot(which, bins).to(p)
    count = hot.sum(dim=0)
    right = (predicted == y).to(p)
    return Reliability(
        confidence @ hot / count, right @ hot / count, count / len(p), edges
    )


def expected_calibration_error(probs: Any, y: Any, *, bins: int = 10) -> float:
    """ECE = sum_b share_b |accuracy_b - confidence_b|, between 0 and 1.

    0 is perfect, up to noise: even calibrated predictions have an error of
    about 1 / sqrt(examples in a bin) in each. It says nothing about accuracy.
    Arguments and errors are those of `reliability`.

    Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017 (arXiv:1706.04599), eq. 3.

    >>> expected_calibration_error([[0.75, 0.25]] * 4, [0, 0, 0, 1])
    0.0
    """
    found = reliability(probs, y, bins=bins)
    gaps = (found.accuracy - found.confidence).abs()
    return (found.share * gaps.nan_to_num()).sum().item()


def brier_score(probs: Any, y: Any) -> float:
    """Mean over n of sum_k (p(y = k | x_n) - 1[y_n = k])^2, between 0 and 2.

    Lowest on average where the probabilities are the true ones, so that it
    measures calibration and sharpness together (Brier 1950). With two classes
    it is twice the number that looks at one of them alone.

    Raises:
        ValueError: rows that are no probabilities, labels that are no classes.
    """
    p, y = pair(probs, y)
    hot = torch.nn.functional.one_hot(y, p.shape[1]).to(p)
    return (p - hot).square().sum(dim=1).mean().item()


def best_temperature(scores: Any, y: Any) -> float:
    """T > 0 that minimises -mean_n log softmax(scores_n / T)_{y_n}.

    Above 1 it makes predictions less sure, below 1 surer; which class is the
    most probable stays. Fit it on examples that did not train the model.

    With b = 1 / T the objective is convex, and its derivative the mean of
    E_p[a] - a_y, where a are the scores and p = softmax(b a).

    Args:
        scores: logits or log-probabilities, shape (N, K), finite.
        y: the true classes, numbers from 0 to K - 1, shape (N,).

    Raises:
        ValueError: scores that are not finite, labels that are no classes; or
            there is no best T, because all predictions are right (the surer
            the better) or the scores are worse than none.

    Guo, Pleiss, Sun & Weinberger 2017 (arXiv:1706.04599), section 4.2.
    """
    a = doubles(scores)
    y = classes_of(a, y)
    if not a.isfinite().all():
        raise ValueError(
            "scores must be finite: an impossible class stays impossible at "
            "every temperature, so smooth the model first"
        )
    own = a.gather(1, y[:, None]).mean()

    def slope(b: float) -> float:
        return (((b * a).softmax(dim=1) * a).sum(dim=1).mean() - own).item()

    top = 1.0
    while slope(top) < 0 and top < STEEPEST:
        top *= 2
    if slope(0.0) >= 0 or slope(top) <= 0:
        why = "worse than none" if slope(0.0) >= 0 else "all right"
        raise ValueError(
            f"no temperature is best: the predictions are {why} on these "
            f"{len(a)} examples; use more, which the model was not trained on"
        )
    return 1 / brentq(slope, 0.0, top, xtol=1e-12)


def doubles(value: Any) -> Tensor:
    """The numbers as float64; a list is not rounded to float32 first."""
    if not isinstance(value, Tensor):
        value = np.asarray(value, dtype=np.float64)
    return torch.as_tensor(value).detach().to(torch.float64)


def pair(probs: Any, y: Any) -> tuple[Probabilities, Classes]:
    """Probabilities as float64 and classes beside them, checked."""
    p = doubles(probs)
    y = classes_of(p, y)
    off = (p.sum(dim=1) - 1).abs().max()
    if not (p.min() >= 0 and off < 1e-4):  # float32 rounds; NaN fails too
        raise ValueError(
            f"rows of probs must be probabilities with the sum 1, but one is "
            f"off by {off.item():.2g} or has an entry below 0: apply a softmax"
        )
    return p, y


def classes_of(a: Tensor, y: Any) -> Classes:
    """The labels as int64 beside the rows of a, checked."""
    y = torch.as_tensor(y).to(a.device)
    if a.ndim != 2 or len(a) == 0 or y.shape != a.shape[:1]:
        raise ValueError(
            f"one row of numbers and one label are needed for each example, "
            f"not the shapes {tuple(a.shape)} and {tuple(y.shape)}"
        )
    if y.is_floating_point() or not 0 <= y.min() <= y.max() < a.shape[1]:
        raise ValueError(
            f"labels must be whole numbers from 0 to {a.shape[1] - 1}, the "
            f"columns of the first argument: renumber them"
        )
    return y.to(torch.int64)
