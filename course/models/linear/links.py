"""From the score a = w^T x + b to a distribution of y, and its loss.

The three families have one thing in common: the derivative of the loss by the
score is mean(a) - y, whatever the family (P. McCullagh, J. Nelder, Generalized
Linear Models, 1989, section 2.2).
"""

import torch
from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, "n K"]  # K = 1 for one number or two classes


def sigmoid(a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1 / (1 + exp(-a)), between 0 and 1, without overflow.

    The exponential is only taken of numbers that are not positive.
    """
    e = torch.exp(-a.abs())
    return torch.where(a >= 0, 1, e) / (1 + e)


def softplus(a: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Log(1 + exp(a)) = -log(1 - sigmoid(a)), without overflow."""
    return a.clamp(min=0) + torch.log1p(torch.exp(-a.abs()))


def softmax(a: Scores) -> Scores:
    """exp(a_k) / sum_j exp(a_j) of every row: the largest is taken off first.

    That changes nothing, and no exponential is then larger than one.
    """
    e = torch.exp(a - a.amax(dim=1, keepdim=True))
    return e / e.sum(dim=1, keepdim=True)


class Gaussian:
    """Y ~ N(a, s^2): the mean is the score. The loss leaves s^2 out."""

    bend = 1.0  # the most that the loss curves as a function of the score

    @staticmethod
    def mean(a: Scores) -> Scores:
        """The mean of y: a itself."""
        return a

    @staticmethod
    def loss(a: Scores, y: Scores) -> Float[Tensor, " n"]:
        """(y - a)^2 / 2 = -s^2 log p(y) + constant."""
        return (y - a).square().sum(dim=1) / 2

    @staticmethod
    def curvature(p: Scores) -> Float[Tensor, "n K K"]:
        """The derivative of the mean by the score: 1."""
        return torch.ones_like(p)[:, :, None]


class Bernoulli:
    """Y is 1 with probability sigmoid(a), else 0: the score is a log-odds."""

    bend = 0.25

    @staticmethod
    def mean(a: Scores) -> Scores:
        """The probability of 1."""
        return sigmoid(a)

    @staticmethod
    def loss(a: Scores, y: Scores) -> Float[Tensor, " n"]:
        """-log p(y) = softplus(a) - y a, in nats."""
        return (softplus(a) - y * a).sum(dim=1)

    @staticmethod
    def curvature(p: Scores) -> Float[Tensor, "n K K"]:
        """The derivative of the mean by the score: p (1 - p)."""
        return (p * (1 - p))[:, :, None]


class Categorical:
    """Y is class k with probability softmax(a)_k; y is one-hot."""

    bend = 0.5

    @staticmethod
    def mean(a: Scores) -> Scores:
        """The probability of every class."""
        return softmax(a)

    @staticmethod
    def loss(a: Scores, y: Scores) -> Float[Tensor, " n"]:
        """-log p(y) = logsumexp(a) - a_y, in nats."""
        return torch.logsumexp(a, dim=1) - (y * a).sum(dim=1)

    @staticmethod
    def curvature(p: Scores) -> Float[Tensor, "n K K"]:
        """The derivatives of the mean by the scores: diag(p) - p p^T."""
        return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
