"""Bits-back coding: messages from a model with a latent variable."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from numpy.typing import ArrayLike

from course.coding.rans import Message

Table = Int64[ndarray, "... C"]


@dataclass(frozen=True)
class BitsBack:
    """A coder for p(x, z) = p(z) p(x | z) with z in a finite set.

    To push x: pop z by q(z | x), push x by p(x | z), push z by p(z). The bits
    that popping z took come back when the message is read, because x is known
    by then. A push costs log2 q(z|x) - log2 p(x|z) - log2 p(z) bits: the
    negative ELBO on average, -log2 p(x) where q is the exact posterior.

    Frequencies are whole numbers, as `integer_frequencies` makes them. The
    functions must return the same ones for the same x and z whenever they are
    called: run the networks on one example at a time, on one machine.

    Hinton and van Camp 1993; Frey and Hinton 1997; with asymmetric numeral
    systems Townsend, Bird and Barber 2019 (arXiv:1901.04866).

    Args:
        prior: frequencies of p(z), shape (..., number of values of z).
        posterior: from one x to those of q(z | x), of the same shape.
        likelihood: from one z, shape (...), to those of p(x | z), (D, C).
    """

    prior: Table
    posterior: Callable[[Int64[ndarray, " D"]], Table]
    likelihood: Callable[[Int64[ndarray, "..."]], Table]

    def push(self, message: Message, x: ArrayLike) -> None:
        """Put the examples in the rows of x onto the message, the last first.

        Args:
            message: needs bits to pop z from: `Message.random`, or other data.
            x: shape (N, D), whole numbers.

        Raises:
            ValueError: the message is too short to begin with, or x is not
                what the frequencies are for.
        """
        for row in np.atleast_2d(x)[::-1]:
            z = message.pop(self.posterior(row))
            message.push(row, self.likelihood(z))
            message.push(z, self.prior)

    def pop(self, message: Message, n: int) -> Int64[ndarray, "n D"]:
        """Take n examples off the message; it is left as before their push.

        Raises:
            ValueError: the message is too short, or was cut off.
        """
        rows = []
        for _ in range(n):
            z = message.pop(self.prior)
            row = message.pop(self.likelihood(z))
            message.push(z, self.posterior(row))
            rows.append(row)
        return np.stack(rows)
