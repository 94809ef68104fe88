"""Sequences of symbols from hidden chains whose parameters are known.

`casino`, `weather`, `islands` and `motif` return a `HiddenChain`: its buffers
are the truth, and `sample(n, n_steps)` draws symbols with the states that
emitted them.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course.data.choices import check_count

BASES = "ACGT"


class HiddenChain(nn.Module):
    """A Markov chain of hidden states, each of which emits a symbol.

    z_1 ~ Cat(start), z_t ~ Cat(transitions[z_{t-1}]), x_t ~ Cat(probs[z_t]).

    Attributes:
        start: shape (K,); transitions: (K, K); probs: (K, C); float64.
        states, symbols: a name for each of the K and of the C.

    Raises:
        ValueError: shapes that do not fit, or probabilities that do not sum
            to 1.
    """

    def __init__(
        self,
        start: Float[Tensor, " K"],
        transitions: Float[Tensor, "K K"],
        probs: Float[Tensor, "K C"],
        *,
        states: tuple[str, ...],
        symbols: tuple[str, ...],
    ):
        super().__init__()
        K, C = len(states), len(symbols)
        for name, value, shape in (
            ("start", start, (K,)),
            ("transitions", transitions, (K, K)),
            ("probs", probs, (K, C)),
        ):
            value = value.to(torch.float64)
            off = (value.sum(-1) - 1).abs().max()
            if value.shape != shape or (value < 0).any() or off > 1e-6:
                raise ValueError(
                    f"{name} must be probabilities of shape {shape} that sum "
                    f"to 1 along the last axis, not {value.tolist()}"
                )
            value = value / value.sum(-1, keepdim=True)
            self.register_buffer(name, value)
        self.states, self.symbols = states, symbols

    def sample(
        self, n: int, n_steps: int
    ) -> tuple[Int[Tensor, "n T 1"], Int[Tensor, "n T"]]:
        """Draw n sequences: symbols, shape (n, T, 1), and states, (n, T)."""
        check_count("n", n)
        check_count("n_steps", n_steps)
        u = torch.rand(n_steps, n, dtype=torch.float64).to(self.start)
        z = torch.empty_like(u, dtype=torch.int64)
        edges = self.transitions.cumsum(-1)[:, :-1]
        z[0] = (self.start.cumsum(-1)[:-1] <= u[0, :, None]).sum(-1)
        for t in range(1, n_steps):
            z[t] = (edges[z[t - 1]] <= u[t, :, None]).sum(-1)
        z = z.T.contiguous()
        v = torch.rand(n, n_steps, 1, dtype=torch.float64).to(self.start)
        x = (self.probs.cumsum(-1)[:, :-1][z] <= v).sum(-1)
        return x[..., None], z


def casino() -> HiddenChain:
    """A casino that sometimes rolls a loaded die, which shows 6 half the time.

    The fair die is exchanged with probability 0.05 before each roll, the
    loaded one with 0.1. It starts in its long-run proportions, 2/3 and 1/3.
    (R. Durbin, S. Eddy, A. Krogh and G. Mitchison, Biological sequence
    analysis, 1998, section 3.2.)
    """
    loaded = torch.tensor([0.1] * 5 + [0.5])
    return HiddenChain(
        torch.tensor([2 / 3, 1 / 3]),
        torch.tensor([[0.95, 0.05], [0.1, 0.9]]),
        torch.stack([torch.full((6,), 1 / 6), loaded]),
        states=("fair", "loaded"),
        symbols=tuple("123456"),
    )


def weather() -> HiddenChain:
    """Rainy or sunny days, and what a friend far away says they did."""
    return HiddenChain(
        torch.tensor([0.6, 0.4]),
        torch.tensor([[0.7, 0.3], [0.4, 0.6]]),
        torch.tensor([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]]),
        states=("rainy", "sunny"),
        symbols=("walk", "shop", "clean"),
    )


def islands() -> HiddenChain:
    """DNA with islands, on average 100 bases long, that are rich in C and G.

    Between them lie 200 bases on average. A simple likeness of the CpG
    islands of real genomes.
    """
    return HiddenChain(
        torch.tensor([2 / 3, 1 / 3]),
        torch.tensor([[0.995, 0.005], [0.01, 0.99]]),
        torch.tensor([[0.3, 0.2, 0.2, 0.3], [0.15, 0.35, 0.35, 0.15]]),
        states=("sea", "island"),
        symbols=tuple(BASES),
    )


def motif(
    consensus: str = "TATAAT", *, purity: float = 0.9, every: int = 40
) -> HiddenChain:
    """DNA of equally frequent bases with a planted motif.

    State 0 is background. From it a motif begins with probability
    1 / `every`; its positions are states 1, 2, ... in a row, after which the
    background returns. A position shows its base of the consensus with
    probability `purity`, else one of the other three.

    Raises:
        ValueError: a letter that is no base, or a number out of range.
    """
    if not consensus or set(consensus) - set(BASES):
        raise ValueError(
            f"consensus must be a word of the letters {BASES}, not "
            f"{consensus!r}"
        )
    check_count("every", every)
    if not 0 < purity <= 1:
        raise ValueError(f"purity must be in (0, 1], not {purity}")
    K = len(consensus) + 1
    A = torch.zeros(K, K, dtype=torch.float64)
    A[0, 0], A[0, 1] = 1 - 1 / every, 1 / every
    A[torch.arange(1, K), torch.arange(2, K + 1) % K] = 1.0
    rho = torch.full((K, 4), (1 - purity) / 3, dtype=torch.float64)
    rho[0] = 0.25
    rho[torch.arange(1, K), [BASES.index(c) for c in consensus]] = purity
    return HiddenChain(
        torch.eye(K, dtype=torch.float64)[0],
        A,
        rho,
        states=("background", *(f"{t}{c}" for t, c in enumerate(consensus, 1))),
        symbols=tuple(BASES),
    )
