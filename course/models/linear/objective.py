"""What a linear model minimises: the mean loss and a penalty."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.arrays import tensor

Theta = Float[Tensor, "P K"]  # a column of weights and intercept per score
ALL = slice(None)


def with_one(x: Float[Tensor, "N D"]) -> Float[Tensor, "N P"]:
    """Rows [x, 1]: the last weight is then the intercept."""
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


@dataclass(frozen=True)
class Objective:
    """J(theta) = mean_n loss(theta^T [x_n, 1], y_n) + lambda/2 |w|^2.

    Attributes:
        x: rows [x, 1], shape (N, P).
        y: targets, shape (N, K): numbers, zeros and ones, or one-hot rows.
        family: what a score means, from `course.models.linear.links`.
        penalty: lambda of every row of theta, shape (P, 1); zero for the last,
            the intercept.
    """

    x: Float[Tensor, "N P"]
    y: Float[Tensor, "N K"]
    family: Any
    penalty: Float[Tensor, "P 1"]

    def loss(self, theta: Theta, batch: Any = ALL) -> Tensor:
        """J(theta) over the rows of the batch, a scalar."""
        losses = self.family.loss(self.x[batch] @ theta, self.y[batch])
        return losses.mean() + (self.penalty * theta.square()).sum() / 2

    def gradient(self, theta: Theta, batch: Any = ALL) -> Theta:
        """The mean of [x, 1] (mean(a) - y)^T, plus lambda w."""
        x, y = self.x[batch], self.y[batch]
        error = self.family.mean(x @ theta) - y
        return x.T @ error / len(x) + self.penalty * theta

    def hessian(self, theta: Theta) -> Float[Tensor, "PK PK"]:
        """The mean of [x, 1][x, 1]^T (x) curvature, plus lambda."""
        (N, P), K = self.x.shape, theta.shape[1]
        S = self.family.curvature(self.family.mean(self.x @ theta))
        H = theta.new_empty(P, K, P * K)
        for k in range(K):
            Sx = self.x[:, :, None] * S[:, k, None, :]
            H[:, k] = self.x.T @ Sx.reshape(N, -1) / N
        return H.view(P * K, -1) + self.penalty.repeat(1, K).flatten().diag()

    def step_limit(self) -> float:
        """2 / L, where L bounds the curvature of J in every direction.

        Below it, no step of gradient descent raises J (Y. Nesterov, Lectures
        on Convex Optimization, 2018, section 1.2.3).
        """
        top = torch.linalg.matrix_norm(self.x, 2).square() / len(self.x)
        return 2 / (self.family.bend * top + self.penalty.amax()).item()


def objective(
    x: Float[Tensor, "N D"], y: Float[Tensor, "N K"], family: Any, penalty: Any
) -> Objective:
    """The objective of rows x, with one penalty or one for each feature."""
    weights = tensor(penalty, x).expand(x.shape[1])
    return Objective(
        with_one(x),
        y,
        family,
        torch.cat([weights, weights.new_zeros(1)])[:, None],
    )
