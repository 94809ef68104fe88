"""The Frechet distance: how far apart two Gaussians are, or two samples.

With the features of an Inception network for samples it is the FID (Heusel et
al. 2017, arXiv:1706.08500). With other features it is not comparable to a FID:
name the features, and the number of examples.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from course.metrics.samples import rows_of, two_samples

Vector = Float[Tensor, " D"]
Matrix = Float[Tensor, "D D"]


def frechet_distance(x: Any, y: Any) -> float:
    """The squared Frechet distance between Gaussians fitted to two samples.

    Each sample is replaced by its mean and its covariance (divided by N - 1).
    The result is biased: two samples of one distribution have a positive
    distance, which falls as 1/N. So compare only at equal N, beside the
    distance between two samples of real data.

    Args:
        x: shape (N, ...), features or pixels.
        y: shape (M, ...).

    Raises:
        ValueError: a sample with fewer than 2 examples, or other features.

    >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
    9.0
    """
    x, y = two_samples(x, y)
    return gaussian_frechet(*moments(x), *moments(y))


def gaussian_frechet(mu_1: Any, Sigma_1: Any, mu_2: Any, Sigma_2: Any) -> float:
    """|mu_1 - mu_2|^2 + tr(Sigma_1 + Sigma_2 - 2 (Sigma_1 Sigma_2)^(1/2)).

    The square of the 2-Wasserstein distance between two Gaussians.

    Raises:
        ValueError: the shapes do not fit, a covariance is not symmetric, or
            it has an eigenvalue that is clearly negative.

    Dowson & Landau 1982, Journal of Multivariate Analysis 12, 450-455.

    >>> gaussian_frechet([0.0], [[1.0]], [3.0], [[4.0]])  # 3^2 + (2 - 1)^2
    10.0
    """
    mu_1, mu_2, Sigma_1, Sigma_2 = (
        torch.as_tensor(v).detach().to(torch.float64)
        for v in (mu_1, mu_2, Sigma_1, Sigma_2)
    )
    _check(mu_1, Sigma_1)
    _check(mu_2, Sigma_2)
    if mu_1.shape != mu_2.shape:
        raise ValueError(
            f"the Gaussians have {len(mu_1)} and {len(mu_2)} dimensions: "
            f"describe both by the same features"
        )
    spread = Sigma_1.trace() + Sigma_2.trace()
    overlap = trace_of_root(Sigma_1, Sigma_2)
    return ((mu_1 - mu_2).square().sum() + spread - 2 * overlap).item()


def trace_of_root(Sigma_1: Matrix, Sigma_2: Matrix) -> Float[Tensor, ""]:
    """Tr (Sigma_1 Sigma_2)^(1/2), from eigenvalues of a symmetric matrix.

    Sigma_1 Sigma_2 is not symmetric, but it has the eigenvalues of R' Sigma_2
    R with R R' = Sigma_1, which is. So neither the root of a matrix nor complex
    numbers are needed.

    Raises:
        ValueError: an eigenvalue is negative by more than rounding.
    """
    R = factor(Sigma_1)
    return _not_negative(torch.linalg.eigvalsh(R.T @ Sigma_2 @ R)).sqrt().sum()


def factor(Sigma: Matrix) -> Matrix:
    """R with R R' = Sigma: Cholesky's, or by eigenvalues if Sigma is singular.

    Raises:
        ValueError: an eigenvalue is negative by more than rounding.
    """
    R, failed = torch.linalg.cholesky_ex(Sigma)
    if not failed:
        return R
    lam, Q = torch.linalg.eigh(Sigma)
    return Q * _not_negative(lam).sqrt()


def moments(x: Any) -> tuple[Vector, Matrix]:
    """Mean and covariance, sum (x_n - mu)(x_n - mu)' / (N - 1), of a sample.

    Raises:
        ValueError: fewer than 2 examples.
    """
    x = rows_of(x)
    mu = x.mean(dim=0)
    d = x - mu
    return mu, d.T @ d / (len(x) - 1)


def frechet_by_size(
    x: Any, y: Any, *, sizes: list[int], seed: int = 0
) -> list[float]:
    """The distance between random parts of x and y, one for each size.

    Args:
        x: shape (N, ...).
        y: shape (M, ...).
        sizes: numbers of examples taken from both, without replacement.
        seed: of the choice.

    Raises:
        ValueError: a size is below 2, or above that of a sample.
    """
    x, y = two_samples(x, y)
    most = min(len(x), len(y))
    if not sizes or min(sizes) < 2 or max(sizes) > most:
        raise ValueError(f"sizes must lie between 2 and {most}, not {sizes}")
    dice = torch.Generator().manual_seed(seed)

    def part(of: Tensor, n: int) -> Tensor:
        chosen = torch.randperm(len(of), generator=dice)[:n]
        return of[chosen.to(of.device)]

    return [frechet_distance(part(x, n), part(y, n)) for n in sizes]


def extrapolate(sizes: list[int], values: list[float]) -> tuple[float, float]:
    """Intercept a and slope b of the least-squares line, value = a + b / N.

    The intercept estimates the value for infinitely many examples (Chong &
    Forsyth 2020, arXiv:1911.07023).

    Raises:
        ValueError: fewer than two different sizes, or lengths that differ.

    >>> a, b = extrapolate([10, 20, 40], [1.5, 1.25, 1.125])
    >>> round(a, 6), round(b, 6)
    (1.0, 5.0)
    """
    if len(set(sizes)) < 2 or len(sizes) != len(values):
        raise ValueError(
            f"a line needs two different sizes and a value for each, not "
            f"{len(sizes)} sizes with {len(values)} values"
        )
    u = 1 / torch.tensor(sizes, dtype=torch.float64)
    A = torch.stack([torch.ones_like(u), u], dim=1)
    v = torch.tensor(values, dtype=torch.float64)[:, None]
    a, b = torch.linalg.lstsq(A, v, driver="gelsd").solution[:, 0].tolist()
    return a, b


def _not_negative(lam: Vector) -> Vector:
    """The eigenvalues, with negative ones that are rounding set to zero."""
    rounding = 1e-9 * lam.abs().max()
    if lam.min() < -rounding:
        raise ValueError(
            f"a covariance has the eigenvalue {lam.min().item():.3g}, and no "
            f"covariance has a negative one: check how it was computed"
        )
    return lam.clamp(min=0)


def _check(mu: Tensor, Sigma: Tensor) -> None:
    """A mean and a symmetric matrix of its size."""
    if mu.ndim != 1 or Sigma.shape != (len(mu), len(mu)):
        raise ValueError(
            f"a Gaussian needs a mean of shape (D,) and a covariance of shape "
            f"(D, D), not {tuple(mu.shape)} and {tuple(Sigma.shape)}"
        )
    if not torch.allclose(Sigma, Sigma.T, rtol=1e-8, atol=1e-12):
        raise ValueError("a covariance must be symmetric: pass S, not a root")
