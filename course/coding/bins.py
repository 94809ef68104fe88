"""A normal latent variable in bins that its prior fills equally."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from course.coding.frequencies import as_symbols, integer_frequencies


class NormalBins:
    """2^bits bins of N(0, 1) with equal mass: the most entropy that many allow.

    Under the prior each bin costs `bits` bits, exactly (Townsend, Bird and
    Barber 2019, arXiv:1901.04866).

    Args:
        bits: log2 of the number of bins, 1 to 20.
        precision: of the frequencies of the posterior, above `bits`.

    Attributes:
        edges: shape (2^bits + 1,), from -inf to inf.
        centres: shape (2^bits,), the median of each bin.

    Raises:
        ValueError: bits or precision are out of range.
    """

    def __init__(self, bits: int = 10, precision: int = 20):
        if not 1 <= bits <= 20 or not bits < precision <= 31:
            raise ValueError(
                f"bits must lie between 1 and 20, and the precision above it "
                f"up to 31; they are {bits} and {precision}"
            )
        self.bits, self.precision, n = bits, precision, 1 << bits
        self.edges = ndtri(np.arange(n + 1) / n)
        self.centres = ndtri((np.arange(n) + 0.5) / n)

    def prior(self, M: int) -> Int64[ndarray, "M bins"]:
        """Frequencies of M independent features under N(0, 1): all are 1."""
        return np.ones((M, 1 << self.bits), dtype=np.int64)

    def posterior(
        self, mu: ArrayLike, sigma: ArrayLike
    ) -> Int64[ndarray, "M bins"]:
        """Frequencies of M features, each N(mu, sigma^2), in the bins.

        Raises:
            ValueError: a mean is not finite, or sigma is not positive.
        """
        mu = np.asarray(mu, np.float64)[:, None]
        sigma = np.asarray(sigma, np.float64)[:, None]
        if not (np.isfinite(mu).all() and (sigma > 0).all()):
            raise ValueError(
                "means must be finite and widths positive: give the standard "
                "deviation, not its logarithm"
            )
        mass = np.diff(ndtr((self.edges - mu) / sigma), axis=1)
        return integer_frequencies(mass, self.precision)

    def centre(self, k: ArrayLike) -> Float64[ndarray, "..."]:
        """The values z that the numbers k of bins stand for.

        Raises:
            ValueError: there is no such bin.
        """
        return self.centres[as_symbols(k, len(self.centres))]
