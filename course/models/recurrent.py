"""Recurrent language models: one symbol after another, with a memory."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.distributions import Categorical

from course.nn.strings import Strings, shifted, until_end
from course.protocols import Losses, PerExample

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentLanguageModel(nn.Module):
    """A distribution over strings, p(x) = prod_t p(x_t | h_t).

    The state h_t = cell(h_{t-1}, x_{t-1}) summarises all that came before.
    Symbols are whole numbers; 0 ends a string (and stands before its first).

    Args:
        n_symbols: V, the end included.
        cell: "rnn" (Elman 1990), "gru" (Cho et al. 2014, arXiv:1406.1078) or
            "lstm" (Hochreiter & Schmidhuber 1997).
        embedding, hidden: widths of the symbols' vectors and of the state.
        layers: how many cells are stacked.
        dropout: of the embedding and of the output, in training.
        max_length: where `sample` stops a string that does not end.

    Raises:
        ValueError: the cell has no such name, or V is below 2.
    """

    def __init__(  # noqa: PLR0913, the parts of a network
        self,
        n_symbols: int,
        *,
        cell: str = "gru",
        embedding: int = 32,
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.0,
        max_length: int = 200,
    ):
        super().__init__()
        if cell not in CELLS or n_symbols < 2:
            raise ValueError(
                f"cell must be one of {', '.join(CELLS)}, not {cell!r}, and "
                f"n_symbols at least 2 (the end and a symbol), not {n_symbols}"
            )
        self.max_length = max_length
        self.embedding = nn.Embedding(n_symbols, embedding)
        self.cell = CELLS[cell](embedding, hidden, layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, n_symbols)

    def logits(
        self, before: Strings, state=None
    ) -> tuple[Float[Tensor, "batch length V"], object]:
        """Logits of the symbol after each of `before`, and the last state."""
        h, state = self.cell(self.dropout(self.embedding(before)), state)
        return self.head(self.dropout(h)), state

    def log_probs(self, x: Strings) -> Float[Tensor, "batch length"]:
        """Log p(x_t | x_1 .. x_{t-1}) of every symbol; 0 after the end."""
        check_symbols(x, self.head.out_features)
        logits, _ = self.logits(shifted(x))
        each = logits.log_softmax(-1).gather(-1, x[..., None])[..., 0]
        return each.where(until_end(x), 0.0)

    def log_prob(self, x: Strings) -> PerExample:
        """Log p(x) of every string up to its end, in nats.

        A row without a 0 is a beginning: the value is the log-probability
        that a string begins so.
        """
        return self.log_probs(x).sum(dim=1)

    def loss(self, x: Strings) -> Losses:
        """Mean of -log p(x_t | ...) over all symbols of the batch, in nats."""
        n = until_end(x).sum()
        return {"loss": -self.log_prob(x).sum() / n}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        temperature: float | int = 1.0,
        begin: Int[Tensor, "rows begun"] | None = None,
    ) -> Int[Tensor, "n max_length"]:
        """Draw n strings, shape (n, max_length), with zeros after the end.

        Args:
            n: how many.
            temperature: logits are divided by it: below 1 the likely symbols
                become likelier, above 1 all become more alike.
            begin: how the strings begin, shape (n, length) or (1, length).

        Raises:
            ValueError: the temperature is not positive.
        """
        if not temperature > 0:
            raise ValueError(
                f"temperature must be positive, not {temperature}: take a "
                f"small one such as 0.01 for the most likely symbols"
            )
        start = self.head.weight.new_zeros((n, 1), dtype=torch.int64)
        x = start[:, :0] if begin is None else begin.expand(n, -1)
        before, state, was = torch.cat([start, x], dim=1), None, self.training
        self.eval()
        while x.shape[1] < self.max_length:
            logits, state = self.logits(before, state)
            new = Categorical(logits=logits[:, -1] / temperature).sample()
            ended = (x == 0).any(dim=1)
            before = new.masked_fill(ended, 0)[:, None]
            x = torch.cat([x, before], dim=1)
        self.train(was)
        return x


def check_symbols(x: Strings, V: int) -> None:
    """Raise a ValueError unless every symbol is one of 0 .. V - 1."""
    if x.shape[1] < 1 or x.min() < 0 or x.max() >= V:
        raise ValueError(
            f"strings are rows of whole numbers from 0 to {V - 1}, of length "
            f"1 or more; these have shape {tuple(x.shape)}"
            + (f" and go from {x.min()} to {x.max()}" if x.numel() else "")
        )
