"""What a generative model promises, and the types its methods speak in.

A neural model learns by lowering its losses (see `course.training`) and can be
sampled. Only a model with a tractable likelihood also has `log_prob`. A lower
bound has a name of its own, `elbo`, because a bound is not a likelihood.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

Batch = Float[Tensor, "batch ..."]  # examples along the first axis
PerExample = Float[Tensor, " batch"]  # one number for each example
Losses = dict[str, Float[Tensor, ""]]  # named scalars; "loss" is minimised


@runtime_checkable
class Generative(Protocol):
    """Can make new examples."""

    def sample(self, n: int) -> Batch:
        """Draw `n` examples, in the space of the data."""
        ...


@runtime_checkable
class Likelihood(Generative, Protocol):
    """Can also say how probable an example is."""

    def log_prob(self, x: Batch) -> PerExample:
        """Log-density (or log-probability) of every example, in nats."""
        ...
