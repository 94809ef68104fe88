"""A VAE that shares labels out: semi-supervised learning by a bound."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.distributions import (
    Categorical,
    Distribution,
    Independent,
    Normal,
    kl_divergence,
)

from course.nn.conditions import Labels, beside, one_hot, wanted
from course.nn.likelihoods import Likelihood, bernoulli
from course.nn.moments import mean_and_log_var
from course.protocols import Batch, Losses, PerExample

PerClass = Float[Tensor, "batch classes"]
Pairs = Float[Tensor, "pairs ..."]
UNKNOWN = -1  # the label of an example without one


class M2(nn.Module):
    """A model p(x, y, z) = p(y) p(z) p(x | y, z) that may lack labels.

    p(y) is uniform, p(z) standard normal. Two networks stand for the posterior,
    q(y, z | x) = q(y | x) q(z | x, y): a classifier, and a Gaussian for each
    class. Where y is known, log p(x, y) is bounded; where it is not, log p(x),
    with y summed out exactly.

    Args:
        encoder: maps the flattened x followed by e_y, the label as a vector,
            to 2 `latent_dim` numbers: the means of q(z | x, y), then its
            log-variances.
        decoder: maps z followed by e_y to the numbers that `likelihood` wants.
        classifier: maps x to a score for each class; its softmax is q(y | x).
        latent_dim: the dimension of z.
        classes: how many classes there are.
        likelihood: what the decoder's numbers mean, from
            `course.nn.likelihoods`.
        alpha: the weight of log q(y | x) where y is known. The bound of such
            an example holds no q(y | x): with 0 labels teach the classifier
            nothing directly.

    Source: Kingma, Rezende, Mohamed and Welling 2014 (arXiv:1406.5298), model
    M2, eq. 6 to 9.
    """

    def __init__(  # noqa: PLR0913, three networks
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        classifier: nn.Module,
        latent_dim: int,
        *,
        classes: int,
        likelihood: Likelihood = bernoulli(),  # noqa: B008 - it is immutable
        alpha: float | int = 1.0,
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.classifier = classifier
        self.classes = classes
        self.family = likelihood
        self.alpha = alpha
        self.register_buffer("origin", torch.zeros(latent_dim))

    @property
    def prior(self) -> Distribution:
        """p(z) = N(0, I)."""
        return Independent(Normal(self.origin, 1.0), 1)

    def posterior(self, x: Batch, y: Labels) -> Distribution:
        """q(z | x, y) = N(mu(x, y), diag(sigma(x, y)^2)).

        Raises:
            ValueError: the encoder's output has not twice the width of z.
        """
        output = self.encoder(beside(x, one_hot(y, self.classes, self.origin)))
        mu, log_var = mean_and_log_var(output, (len(x), len(self.origin)))
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def class_posterior(self, x: Batch) -> Categorical:
        """q(y | x), which stands for p(y | x).

        Raises:
            ValueError: the classifier has not a score for each class.
        """
        logits = self.classifier(x)
        if logits.shape != (len(x), self.classes):
            raise ValueError(
                f"the classifier must return a score for each class, in the "
                f"shape (batch, classes) = {(len(x), self.classes)}, not "
                f"{tuple(logits.shape)}: change its last layer or classes"
            )
        return Categorical(logits=logits)

    def likelihood(
        self, z: Float[Tensor, "batch latent"], y: Labels
    ) -> Distribution:
        """p(x | y, z), a product over features."""
        e = one_hot(y, self.classes, self.origin)
        return self.family(self.decoder(beside(z, e)))

    def labelled_elbo(self, x: Batch, y: Labels) -> PerExample:
        """L(x, y) <= log p(x, y), in nats per example, with one draw of z.

        L = E_q(z|x,y)[log p(x | y, z)] + log p(y) - KL(q(z | x, y) || p(z)).
        """
        q = self.posterior(x, y)
        log_p = self.likelihood(q.rsample(), y).log_prob(x)
        return log_p - math.log(self.classes) - kl_divergence(q, self.prior)

    def every_elbo(self, x: Batch) -> PerClass:
        """L(x, y) for every class y, shape (batch, classes)."""
        repeated, y = self.every(x)
        return self.labelled_elbo(repeated, y).unflatten(0, (len(x), -1))

    def elbo(self, x: Batch) -> PerExample:
        """U(x) <= log p(x), in nats per example: y is summed out exactly.

        U = sum_y q(y | x) (L(x, y) - log q(y | x)).
        """
        q = self.class_posterior(x)
        return (q.probs * self.every_elbo(x)).sum(1) + q.entropy()

    def loss(self, batch: Mapping[str, Tensor]) -> Losses:
        """Minus the bounds and the classifier's term, averaged over the batch.

        -(sum_l L(x, y) + sum_u U(x) + alpha sum_l log q(y | x)) / batch size,
        where l are the examples with a label and u those without: an unbiased
        estimate of the objective over all data, whichever the batch holds.

        Args:
            batch: examples "x" and their labels "y", -1 where it is not known.
        """
        x, y = batch["x"], batch["y"]
        known, q = (y != UNKNOWN)[:, None], self.class_posterior(x)
        hot = one_hot(torch.where(known[:, 0], y, 0), self.classes, q.probs)
        weight = torch.where(known, hot, q.probs)  # of L(x, y), sum 1 a row
        n, k = (~known | (hot > 0)).nonzero(as_tuple=True)
        bound = (weight[n, k] * self.labelled_elbo(x[n], k)).sum()
        bound = (bound + q.entropy()[~known[:, 0]].sum()) / len(x)
        log_q = q.logits[known & (hot > 0)].sum() / len(x)
        loss = -bound - self.alpha * log_q
        return {"loss": loss, "bound": -bound, "classification": -log_q}

    @torch.no_grad()
    def every_iwae(self, x: Batch, samples: int) -> PerClass:
        """Bounds on log p(x, y) for every class, shape (batch, classes).

        log 1/S sum_s p(x, y, z_s) / q(z_s | x, y), S = `samples`: tighter than
        `every_elbo` (Burda, Grosse & Salakhutdinov 2016, eq. 8), and what
        Bayes' rule should be given. Its logsumexp over y bounds log p(x).
        """
        repeated, y = self.every(x)
        q, log_w = self.posterior(repeated, y), []
        for z in q.sample((samples,)):
            log_joint = self.prior.log_prob(z) - math.log(self.classes)
            log_joint += self.likelihood(z, y).log_prob(repeated)
            log_w.append(log_joint - q.log_prob(z))
        bound = torch.stack(log_w).logsumexp(0) - math.log(samples)
        return bound.unflatten(0, (len(x), -1))

    @torch.no_grad()
    def sample(self, n: int, y: Tensor | int | None = None) -> Batch:
        """Draw `n` examples: y, then z from the prior, then x.

        Args:
            n: how many.
            y: the wanted class of each, shape (n,), or one for all; by default
                classes are drawn too, all with the same probability.
        """
        y = wanted(n, y, self.classes, self.origin)
        return self.likelihood(self.prior.sample((n,)), y).sample()

    def every(self, x: Batch) -> tuple[Pairs, Int64[Tensor, " pairs"]]:
        """Each example once with every class: row n K + k is (x_n, k)."""
        y = torch.arange(self.classes, device=x.device).repeat(len(x))
        return x.repeat_interleave(self.classes, dim=0), y
