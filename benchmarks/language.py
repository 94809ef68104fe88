"""Language models: letters of English prose, with time to train.

    python -m benchmarks.language

writes benchmarks/results/language.json (two minutes a seed): test
perplexity per letter, on the sentences of the chapter on sequence models, of
n-grams with modified Kneser-Ney smoothing, of a GRU trained until validation
stops improving, and of their average, for three seeds. The order of the
n-gram, the epoch of the network and the weight of the average are chosen on
the validation sentences.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import copy  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.data import Vocabulary, prose  # noqa: E402
from course.models.ngram import NGram  # noqa: E402
from course.models.recurrent import RecurrentLanguageModel  # noqa: E402
from course.nn.strings import until_end  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import Turn, train  # noqa: E402

LENGTH, SEEDS, ORDERS = 160, range(3), range(2, 10)
STEPS, LOOK, BATCH, LR, DECAY = 1000, 100, 32, 8e-3, 0.05
SIZE = {"hidden": 192, "embedding": 32, "dropout": 0.4}


def sentences(part: str) -> list[str]:
    """Sentences in small letters, as in the chapter."""
    parts = [re.split(r"(?<=[.:]) (?=[A-Z])", p) for p in prose(part)]
    texts = [re.sub(r"[^a-z ,.]+", "", s.lower()) for p in parts for s in p]
    texts = [" ".join(t.split()) for t in texts]
    return [t for t in texts if 20 <= len(t) < LENGTH]


def strings() -> tuple[dict[str, torch.Tensor], int]:
    """The parts as rows of symbols, and the number of symbols."""
    v = Vocabulary.of(sentences("train"))
    parts = ("train", "val", "test")
    rows = {p: v.encode(sentences(p), length=LENGTH) for p in parts}
    return {p: torch.tensor(x) for p, x in rows.items()}, len(v)


def ngram_steps(model: NGram, x: torch.Tensor) -> torch.Tensor:
    """Log p of every letter, as a vector."""
    return model.log_probs(x)[until_end(x)]


@torch.no_grad()
def network_steps(model: RecurrentLanguageModel, x: torch.Tensor):
    """Log p of every letter, as a vector."""
    model.eval()
    return model.log_probs(x)[until_end(x)].double()


def learn(x: dict[str, torch.Tensor], V: int) -> RecurrentLanguageModel:
    """The network of the look that does best on validation."""
    model = RecurrentLanguageModel(V, max_length=LENGTH, **SIZE)
    opt = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, LR, total_steps=STEPS)
    loader = DataLoader(x["train"], BATCH, shuffle=True)
    value, kept = -np.inf, None
    turns = [Turn("loss", opt)]
    for step in train(model, loader, turns, steps=STEPS, clip=1.0):
        plan.step()
        if step.number % LOOK == 0:
            now = network_steps(model, x["val"]).mean().item()
            print(step.number, np.exp(-now), file=sys.stderr, flush=True)
            if now > value:
                value, kept = now, copy.deepcopy(model.state_dict())
            model.train()
    model.load_state_dict(kept)
    return model


def average(a: torch.Tensor, b: torch.Tensor, weight: float) -> torch.Tensor:
    """Log of weight e^a + (1 - weight) e^b."""
    logs = np.log([weight, 1 - weight])
    return torch.logaddexp(a + logs[0], b + logs[1])


def compare(x: dict[str, torch.Tensor], V: int, counts: NGram, seed: int):
    """Test perplexity of a network, and of its average with the n-gram."""
    with seeded(seed):
        model = learn(x, V)
    ours = {p: network_steps(model, x[p]) for p in ("val", "test")}
    theirs = {p: ngram_steps(counts, x[p]) for p in ("val", "test")}
    weights = np.linspace(0.1, 0.9, 9)
    value = [average(ours["val"], theirs["val"], w).mean() for w in weights]
    weight = float(weights[int(np.argmax(value))])
    both = average(ours["test"], theirs["test"], weight)
    return {
        "network": ours["test"].mean().neg().exp().item(),
        "average": both.mean().neg().exp().item(),
        "weight": weight,
    }


def summary(runs: list[dict], name: str) -> dict:
    """Mean and standard deviation over seeds."""
    values = [run[name] for run in runs]
    return {"mean": np.mean(values), "sd": np.std(values, ddof=1)}


def main() -> dict:
    """Measure all, and keep the results."""
    x, V = strings()
    grams = [NGram(n, n_symbols=V).fit(x["train"]) for n in ORDERS]
    counts = max(grams, key=lambda m: ngram_steps(m, x["val"]).mean())
    runs = [compare(x, V, counts, seed) for seed in SEEDS]
    results = {
        "order": counts.order,
        "ngram": ngram_steps(counts, x["test"]).mean().neg().exp().item(),
        **{name: summary(runs, name) for name in ("network", "average")},
        "seeds": len(runs),
        "runs": runs,
    }
    return harness.save("language", results)


if __name__ == "__main__":
    print(json.dumps(main()))
