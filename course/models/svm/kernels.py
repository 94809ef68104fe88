"""Kernels: inner products of features that nobody computes."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Rows = Float[Tensor, "n D"]
Others = Float[Tensor, "m D"]
Matrix = Float[Tensor, "n m"]


def linear(x: Rows, z: Others, **_: float | int) -> Matrix:
    """kernel(x, z) = x . z: no other features than x."""
    return x @ z.T


def poly(
    x: Rows, z: Others, *, gamma: float, degree: float | int, coef0: float | int
) -> Matrix:
    """kernel(x, z) = (gamma x . z + coef0)^degree: products of features."""
    return (gamma * (x @ z.T) + coef0) ** degree


def rbf(x: Rows, z: Others, *, gamma: float, **_: float | int) -> Matrix:
    """kernel(x, z) = exp(-gamma |x - z|^2): one bump on every example."""
    square = x.square().sum(1)[:, None] - 2 * x @ z.T + z.square().sum(1)
    return (-gamma * square.clamp(min=0)).exp()


KERNELS: dict[str, Callable[..., Tensor]] = {
    "linear": linear,
    "poly": poly,
    "rbf": rbf,
}


def width(gamma: float | int | str, x: Rows) -> float:
    """Gamma as a number: "scale" is 1 / (D var(X)), "auto" is 1 / D."""
    if gamma == "scale":
        variance = x.var(unbiased=False).item()
        return 1 / (x.shape[1] * variance) if variance else 1.0
    return 1 / x.shape[1] if gamma == "auto" else float(gamma)
