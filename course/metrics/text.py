"""Numbers for generated text: perplexity, BLEU, and how varied it is."""

import math
from collections import Counter
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

Tokens = Sequence[str]  # words of a list, or characters of a string


def perplexity(
    log_prob: Float[Tensor, " texts"], n_symbols: float | int
) -> float:
    """Return exp(-sum log p / n_symbols), the effective number of choices.

    Args:
        log_prob: log-probability of every text, in nats.
        n_symbols: how many symbols all texts have, their ends included.

    Raises:
        ValueError: there is not one symbol.

    >>> perplexity(torch.zeros(1), 3)  # a text that was certain
    1.0
    """
    if n_symbols < 1:
        raise ValueError(f"perplexity is per symbol; there are {n_symbols}")
    return math.exp(-log_prob.double().sum().item() / n_symbols)


def bleu(
    hypotheses: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    *,
    order: int = 4,
) -> float:
    """BLEU of a corpus, min(1, e^(1 - r/c)) prod_n p_n^(1/order), in 0 to 1.

    p_n is the share of n-grams of the hypotheses that stand in a reference,
    each counted at most as often as in the reference where it is most
    frequent. c is the length of all hypotheses, r that of the references
    nearest in length (the shorter of two equally near). Without smoothing:
    if some p_n is 0, so is BLEU.

    Args:
        hypotheses: tokens of each generated text.
        references: for each of them, the tokens of one or more references.
        order: the longest n-gram that counts.

    Raises:
        ValueError: not one list of references for each hypothesis, an empty
            list of them, or no hypothesis.

    Papineni, Roukos, Ward & Zhu 2002, ACL, sections 2.1 to 2.3.

    >>> bleu([["the", "cat", "sat"]], [[["the", "cat", "sat"]]], order=2)
    1.0
    """
    check_references(hypotheses, references)
    pairs = list(zip(hypotheses, references, strict=True))
    log_precision = 0.0
    for n in range(1, order + 1):
        hits = sum(clipped(h, refs, n) for h, refs in pairs)
        total = sum(max(len(h) - n + 1, 0) for h in hypotheses)
        if hits == 0:
            return 0.0
        log_precision += math.log(hits / total) / order
    c = sum(map(len, hypotheses))
    r = sum(nearest_length(h, refs) for h, refs in pairs)
    return math.exp(log_precision + min(0.0, 1 - r / c))


def distinct_n(texts: Sequence[Tokens], n: int = 2) -> float:
    """Different n-grams over all n-grams of the texts, from near 0 to 1.

    A generator that repeats itself has few different ones. The share falls
    with the amount of text: compare equal amounts.

    Li, Galley, Brockett, Gao & Dolan 2016, NAACL.

    Raises:
        ValueError: no text is as long as n.

    >>> distinct_n(["abab"], 2)  # ab, ba, ab
    0.6666666666666666
    """
    grams = sum((ngrams(text, n) for text in texts), Counter())
    if not grams:
        raise ValueError(f"no text has {n} symbols: give longer ones")
    return len(grams) / grams.total()


def ngrams(tokens: Tokens, n: int) -> Counter:
    """How often each n-gram stands in the tokens."""
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def clipped(hypothesis: Tokens, references: Sequence[Tokens], n: int) -> int:
    """How many n-grams of the hypothesis a reference has, each clipped."""
    most = Counter()
    for reference in references:
        most |= ngrams(reference, n)  # the larger of the two counts
    return (ngrams(hypothesis, n) & most).total()


def nearest_length(hypothesis: Tokens, references: Sequence[Tokens]) -> int:
    """The reference length nearest to the hypothesis; the shorter of two."""
    lengths = sorted(map(len, references))
    return min(lengths, key=lambda r: abs(r - len(hypothesis)))


def check_references(hypotheses: Sequence, references: Sequence) -> None:
    """Every hypothesis has a list of references, with one at least."""
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            f"BLEU needs a list of references for each hypothesis, and at "
            f"least one of them: there are {len(hypotheses)} hypotheses and "
            f"{len(references)} lists"
        )
    empty = [i for i, refs in enumerate(references) if len(refs) == 0]
    if empty:
        raise ValueError(f"hypotheses {empty} have no reference: give one")
