"""The model: any subset of the kinds of data may be at hand."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import (
    Distribution,
    Independent,
    Normal,
    kl_divergence,
)

from course.models.joint_vae.parts import (
    Latent,
    Modality,
    product_of_experts,
)
from course.nn.moments import mean_and_log_var
from course.protocols import Losses, PerExample

Subset = tuple[str, ...]
Expert = tuple[Latent, Latent]


class JointVAE(nn.Module):
    """A model p(z) prod_i p(x_i | z) of several kinds of data together.

    Given z, the kinds are independent: what they have in common is in z. Any
    of them may be missing; its expert and its likelihood are then left out.

    Args:
        modalities: by name; batches list their data in this order.
        latent_dim: the dimension of z.
        subsets: of the names, whose bounds the loss adds up; by default all,
            without the empty one. With the full set alone no expert ever works
            by itself, and crossing from one kind to another fails.

    Raises:
        ValueError: a subset is empty, or names what is not there.
    """

    def __init__(
        self,
        modalities: Mapping[str, Modality],
        latent_dim: int,
        *,
        subsets: Sequence[Subset] | None = None,
    ):
        super().__init__()
        self.modalities = nn.ModuleDict(modalities)
        self.register_buffer("origin", torch.zeros(latent_dim))
        names, k = tuple(modalities), range(1, len(modalities) + 1)
        every = [subset for size in k for subset in combinations(names, size)]
        self.subsets = list(every if subsets is None else subsets)
        for subset in self.subsets:
            self.check(subset)

    def check(self, names: Sequence[str]) -> None:
        """Raise a ValueError unless these are modalities, at least one."""
        known = list(self.modalities)
        if not names or not set(names) <= set(known):
            raise ValueError(
                f"name at least one of {known}, and nothing else; not "
                f"{list(names)}"
            )

    @property
    def prior(self) -> Distribution:
        """p(z) = N(0, I)."""
        return Independent(Normal(self.origin, 1.0), 1)

    def posterior(self, **observed: Tensor) -> Distribution:
        """q(z | what is observed): the prior times the experts of what is.

        p(z | x_1, x_2) is in proportion to p(z) p(x_1 | z) p(x_2 | z), and each
        expert stands for a likelihood (Wu & Goodman 2018, section 2.1).

        Raises:
            ValueError: nothing is observed, or what is no modality; an
                encoder's output has not twice the width of z.
        """
        self.check(tuple(observed))
        return self.product([self.expert(k, x) for k, x in observed.items()])

    def expert(self, name: str, x: Tensor) -> Expert:
        """Mean and log-variance of what this kind of data says about z."""
        output = self.modalities[name].encoder(x)
        network = f"the encoder of {name!r}"
        return mean_and_log_var(
            output, (len(x), len(self.origin)), network=network
        )

    def product(self, experts: Sequence[Expert]) -> Distribution:
        """The normalised product of the experts and the prior."""
        zeros = self.origin.expand_as(experts[0][0])
        mu, log_var = zip(*experts, (zeros, zeros), strict=True)
        mu, log_var = product_of_experts(torch.stack(mu), torch.stack(log_var))
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def likelihood(
        self, name: str, z: Float[Tensor, "... latent"]
    ) -> Distribution:
        """p(x | z) of one kind of data, a product over its features.

        Any axes may come before that of z.
        """
        *front, latent = z.shape
        part = self.modalities[name]
        output = part.decoder(z.reshape(-1, latent))
        output = output.reshape(*front, *output.shape[1:])
        return part.family(output, batch_dims=len(front))

    def elbo(
        self, **observed: Tensor
    ) -> tuple[dict[str, PerExample], PerExample]:
        """Log p(x_i | z) of each observed kind for one z ~ q; KL(q || p).

        The sum of the first minus the second is a bound on the log-probability
        of what is observed, the rest summed out. Nats per example. Wu & Goodman
        2018, section 2.1.
        """
        q = self.posterior(**observed)
        z = q.rsample()
        log_p = {
            name: self.likelihood(name, z).log_prob(x)
            for name, x in observed.items()
        }
        return log_p, kl_divergence(q, self.prior)

    def loss(self, batch: Sequence[Tensor]) -> Losses:
        """The sum of the negative bounds of all `subsets`, nats per example.

        Wu & Goodman 2018, section 2.2, with every subset at every step. Each is
        reported too, under the names of its members: "image+caption". Every
        network is called once, for all subsets together.
        """
        data = dict(zip(self.modalities, batch, strict=True))
        experts = {name: self.expert(name, x) for name, x in data.items()}
        q = {s: self.product([experts[k] for k in s]) for s in self.subsets}
        z = {s: q[s].rsample() for s in q}
        bound = {s: -kl_divergence(q[s], self.prior) for s in q}
        for name, x in data.items():
            members = [s for s in self.subsets if name in s]
            together = torch.stack([z[s] for s in members])
            log_p = self.likelihood(name, together).log_prob(x)
            weight = self.modalities[name].weight
            for s, value in zip(members, log_p, strict=True):
                bound[s] = bound[s] + weight * value
        parts = {"+".join(s): -value.mean() for s, value in bound.items()}
        return {"loss": sum(parts.values())} | parts

    @torch.no_grad()
    def sample(self, n: int) -> dict[str, Tensor]:
        """Draw `n` examples of every kind together: z, then each given z."""
        z = self.prior.sample((n,))
        return {k: self.likelihood(k, z).sample() for k in self.modalities}

    @torch.no_grad()
    def cross(self, **observed: Tensor) -> dict[str, Tensor]:
        """Draw what is not observed given what is, once for each row.

        First z from q(z | what is observed), then every other kind given z.
        """
        z = self.posterior(**observed).sample()
        others = [k for k in self.modalities if k not in observed]
        return {k: self.likelihood(k, z).sample() for k in others}
