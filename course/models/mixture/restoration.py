"""What a Gaussian mixture makes of missing and of noisy entries: exactly.

With the observed entries first, Sigma = L L^T has the root
L = [[L_oo, 0], [L_mo, L_mm]]. Given x_o, component k has the mean
mu_m + L_mo L_oo^-1 (x_o - mu_o) and the covariance L_mm L_mm^T: one root holds
them both, and no difference of matrices is taken.
"""

from collections.abc import Iterator
from numbers import Real
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import like, tensor
from course.models.mixture.covariances import Full, cholesky
from course.models.mixture.em import e_step
from course.models.mixture.gaussian_em import Parameters
from course.models.mixture.missing import patterns

BLOCK = 2**22  # numbers in the means of a block of rows


class Given(NamedTuple):
    """For rows with the same entries missing: x_m given x_o and k.

    rows, m: the numbers of the rows and of the missing columns. Component k
    has the means mean[k], one for each row, and the covariance L[k] L[k]^T.
    """

    rows: Int[Tensor, " n"]
    m: Int[Tensor, " M"]
    mean: Float[Tensor, "K n M"]
    L: Float[Tensor, "K M M"]


class Restoration:
    """Filling in and cleaning, for mixtures of Gaussians."""

    def conditional(self, X: Any) -> tuple[Any, Any]:
        """Mean and variance of every entry given those present, (N, D) each.

        Of a mixture again: mean sum_k r_k mean_k, variance
        sum_k r_k (var_k + (mean_k - mean)^2), with r_k = p(k | x_o). An entry
        that is present has itself and 0. Needs missing="marginalise".
        """
        x, r, theta = self._given(X)
        mean, variance = x.clone(), torch.zeros_like(x)
        for rows, m, mean_k, L in conditionals(x, theta):
            r_k = r[rows].T[..., None]
            average = (r_k * mean_k).sum(dim=0)
            spread = L.square().sum(dim=-1)[:, None]
            spread = spread + (mean_k - average).square()
            mean[rows[:, None], m] = average
            variance[rows[:, None], m] = (r_k * spread).sum(dim=0)
        return like(X, mean), like(X, variance)

    def impute(self, X: Any) -> Any:
        """A copy of X with every NaN replaced by E[x_missing | x_observed].

        The mean over components: sum_k r_k (mu_k + G_k (x - mu_k)_o), with
        G_k = Sigma_:o Sigma_oo^-1. Needs missing="marginalise".
        """
        return self.conditional(X)[0]

    def sample_conditional(
        self, X: Any, n: int = 1, random_state: Any = None
    ) -> Any:
        """Draw the missing entries given those present, n times: (n, N, D).

        First k from p(k | x_o), then x_m from p(x_m | x_o, k): entries of one
        row are drawn together. Those present stay as they are.
        """
        x, r, theta = self._given(X)
        rng = check_random_state(random_state)
        u = tensor(rng.random_sample((n, len(x), 1)), x)
        k = (u > r.cumsum(dim=1)[:, :-1]).sum(dim=-1)  # (n, N)
        eps = tensor(rng.standard_normal((n, *x.shape)), x)
        drawn = x.expand(n, -1, -1).clone()
        for given in conditionals(x, theta):
            place = slice(None), given.rows[:, None], given.m
            drawn[place] = draw(given, k[:, given.rows], eps[place])
        return like(X, drawn)

    def denoise(self, Y: Any, noise_variance: float | int) -> Any:
        """E[x | y] of every row for y = x + noise, noise ~ N(0, v I): (N, D).

        sum_k r_k (mu_k + Sigma_k (Sigma_k + v I)^-1 (y - mu_k)), with the
        responsibilities r_k of the mixture of N(mu_k, Sigma_k + v I): no other
        function of y has a smaller expected squared error. An entry that is
        missing (NaN) is filled in, if missing is "marginalise".

        Args:
            Y: noisy rows, shape (N, D).
            noise_variance: v, in squared units of the data.

        Raises:
            ValueError: v is negative or no finite number.
        """
        check_noise(noise_variance)
        y, theta = self._dense(Y)
        return like(Y, posterior_mean(y, theta, float(noise_variance)))

    def _dense(self, X: Any) -> tuple[Tensor, Parameters]:
        """The rows of X, and the parameters with covariances as matrices."""
        x = self._read(X)
        theta = self._parameters(x)
        return x, theta._replace(Sigma=self._kind.dense(theta.Sigma))

    def _given(self, X: Any) -> tuple[Tensor, Tensor, Parameters]:
        """The rows, their responsibilities p(k | x_o), and the parameters."""
        x, theta = self._dense(X)
        return x, tensor(self.predict_proba(x), x), theta


def conditionals(x: Float[Tensor, "N D"], theta: Parameters) -> Iterator[Given]:
    """Each component given the entries present, some rows at a time."""
    _, mu, Sigma = theta
    size = max(1, BLOCK // mu.numel())
    for which, o in patterns(x):
        present, m = o.nonzero()[:, 0], (~o).nonzero()[:, 0]
        order, n = torch.cat([present, m]), len(present)
        L = cholesky(Sigma[:, order][:, :, order])
        for rows in which.nonzero()[:, 0].split(size):
            d = (x[rows][:, present] - mu[:, None, present]).mT
            z = torch.linalg.solve_triangular(L[:, :n, :n], d, upper=False)
            mean = mu[:, None, m] + (L[:, n:, :n] @ z).mT
            yield Given(rows, m, mean, L[:, n:, n:])


def draw(
    given: Given, k: Int[Tensor, "S n"], eps: Float[Tensor, "S n M"]
) -> Float[Tensor, "S n M"]:
    """Mean_k + L_k eps for the component k of every draw."""
    x = torch.empty_like(eps)
    for i in k.unique().tolist():
        s, n = (k == i).nonzero(as_tuple=True)
        x[s, n] = given.mean[i, n] + eps[s, n] @ given.L[i].T
    return x


def posterior_mean(
    y: Float[Tensor, "N D"], theta: Parameters, var: float
) -> Float[Tensor, "N D"]:
    """E[x | y_o] for y = x + noise of that variance."""
    pi, mu, Sigma = theta
    noisy = Sigma + var * torch.eye(y.shape[1]).to(y)
    mean = torch.empty_like(y)
    size = max(1, BLOCK // mu.numel())
    for which, o in patterns(y):
        S, here = noisy[:, o][:, :, o], mu[:, o]
        G = torch.cholesky_solve(Sigma[:, o], cholesky(S))  # (K, o, D)
        for rows in which.nonzero()[:, 0].split(size):
            y_o = y[rows][:, o]
            _, r = e_step(Full.log_joint(y_o, pi, here, S)[None])
            each = mu[:, None] + (y_o - here[:, None]) @ G  # (K, n, D)
            mean[rows] = torch.einsum("kn,knd->nd", r[0], each)
    return mean


def check_noise(variance: float | int) -> None:
    """The variance is a number from 0 on.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(variance, Real) or not 0 <= variance < float("inf"):
        raise ValueError(
            f"noise_variance must be a finite number and not negative, not "
            f"{variance!r}: it is sigma^2, in squared units of the data"
        )
