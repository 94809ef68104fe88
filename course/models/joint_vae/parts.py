"""What a joint model is made of: experts, and kinds of data."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical

from course.nn.likelihoods import Likelihood

Latent = Float[Tensor, "*batch latent"]


def product_of_experts(
    mu: Float[Tensor, "experts *batch latent"],
    log_var: Float[Tensor, "experts *batch latent"],
) -> tuple[Latent, Latent]:
    """The normalised product of N(mu_e, var_e) over e: mean and log-variance.

    1 / var = sum_e 1 / var_e, and mu = var sum_e mu_e / var_e: precisions add,
    and each mean counts by its precision (Wu & Goodman 2018, section 2.1).

    >>> mu, log_var = product_of_experts(torch.tensor([[0.0], [4.0]]),
    ...                                  torch.tensor([[1.0], [1.0]]).log())
    >>> mu, log_var.exp()
    (tensor([2.]), tensor([0.5000]))
    """
    weights = (-log_var).softmax(0)
    return (weights * mu).sum(0), -(-log_var).logsumexp(0)


def words(n_symbols: int) -> Likelihood:
    """p(c | z) for texts of one length: a categorical for each place.

    The decoder's output ends in an axis of `n_symbols` logits; texts are int64,
    numbers from 0 to n_symbols - 1.
    """
    return Likelihood(lambda a: Categorical(logits=a), outputs=n_symbols)


class Modality(nn.Module):
    """One kind of data: how it is read, and how it is written.

    Args:
        encoder: maps examples to 2 latent_dim numbers, the means and then the
            log-variances of an expert: a Gaussian over z that stands for
            p(x | z) as a function of z. The prior is not part of it.
        decoder: maps z to the numbers that `likelihood` wants.
        likelihood: what these mean, from `course.nn.likelihoods` or `words`.
        weight: of its log-likelihood in the loss; the bound has 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: Likelihood,
        weight: float | int = 1.0,
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.family = likelihood
        self.weight = weight
