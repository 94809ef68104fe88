"""Recommenders: one sweep of ALS, and a table on planted tastes.

    python -m benchmarks.recommendation

writes benchmarks/results/recommendation.json (about three minutes):

* sweep: all users and then all items once, in one batch each, against a loop
  that solves one user after the other with NumPy; 2000 users, 500 items,
  M = 16, one thread. The factors are compared before anything is timed;
* planted: recall@10 and NDCG@10 on held-out interactions of 1000 users, five
  data sets; the penalty of ALS is chosen on a validation split;
* movielens: the same recommenders on MovieLens 100K, four stars or more, the
  last fifth of each user held out; null unless the file is in the cache or
  can be downloaded.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.data import PlantedTastes, hold_out, movielens  # noqa: E402
from course.metrics.ranking import ndcg_at_k, recall_at_k  # noqa: E402
from course.models.recommender import (  # noqa: E402
    ImplicitALS,
    ItemKNN,
    MultVAE,
    Popularity,
    als,
)
from course.seeding import seeded  # noqa: E402
from course.training import Turn, train  # noqa: E402

SEEDS, PENALTIES = range(5), (10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0)
ALPHA, PENALTY = 10.0, 30.0


def one_by_one(x: np.ndarray, W: np.ndarray) -> np.ndarray:
    """The best factor of every row, one row after the other."""
    Z, gram = np.empty((len(x), W.shape[1])), W.T @ W
    for n, row in enumerate(x):
        taken = np.flatnonzero(row)
        V, r = W[taken], row[taken]
        A = gram + ALPHA * (V.T * r) @ V + PENALTY * np.eye(len(gram))
        Z[n] = np.linalg.solve(A, (1 + ALPHA * r) @ V)
    return Z


def batched(x: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """The same, all rows at once."""
    return als.solve(x, W, alpha=ALPHA, penalty=PENALTY)


def sweep(
    *, N: int = 2000, D: int = 500, M: int = 16, repeats: int = 9
) -> dict:
    """Seconds of a sweep over users and items, batched over one by one.

    Raises:
        ValueError: the factors differ by more than 1e-9: times of two
            different computations say nothing.
    """
    x = PlantedTastes(D, mean=min(20, D // 4)).sample(N).x
    W = np.random.RandomState(0).randn(D, M)
    t, V = torch.tensor(x), torch.tensor(W)
    gap = float(abs(batched(t, V).numpy() - one_by_one(x, W)).max())
    if not gap <= 1e-9:
        raise ValueError(
            f"the factors differ by {gap:.1e}: find out why before comparing "
            f"times"
        )
    times = harness.contend(
        {
            "course": lambda: batched(t.T, batched(t, V)),
            "loop": lambda: one_by_one(x.T, one_by_one(x, W)),
        },
        repeats=repeats,
    )
    return {"N": N, "D": D, "M": M, "difference": gap, **times}


def chosen(seen: np.ndarray, M: int) -> ImplicitALS:
    """ALS with the penalty that is best on a split of what is seen."""
    fitting, val = hold_out(seen, seed=9)
    models = [ImplicitALS(M, penalty=p, random_state=0) for p in PENALTIES]
    found = [
        recall_at_k(m.fit(fitting).scores(fitting), val, seen=fitting).mean()
        for m in models
    ]
    return models[int(np.argmax(found))]


def mult_vae(seen: np.ndarray, seed: int, *, steps: int) -> np.ndarray:
    """Scores of a Mult-VAE trained on what is seen."""
    rows = torch.tensor(seen, dtype=torch.float32)
    with seeded(seed):
        vae = MultVAE(seen.shape[1], 16)
        turns = [Turn("loss", torch.optim.Adam(vae.parameters(), lr=3e-3))]
        loader = DataLoader(rows, batch_size=100, shuffle=True)
        for step in train(vae, loader, turns, steps=steps):
            vae.beta = min(1.0, 2 * step.number / steps)
    return vae.scores(rows).double().numpy()


def table(
    seen: np.ndarray, held: np.ndarray, seed: int, *, M: int = 8, steps: int
) -> dict:
    """By recommender, recall@10 and NDCG@10."""
    models = {
        "popularity": Popularity(),
        "item-knn": ItemKNN(50),
        "als": chosen(seen, M),
    }
    scores = {n: m.fit(seen).scores(seen) for n, m in models.items()}
    scores["mult-vae"] = mult_vae(seen, seed, steps=steps)
    return {name: judge(s, seen, held) for name, s in scores.items()}


def judge(scores: np.ndarray, seen: np.ndarray, held: np.ndarray) -> dict:
    """Both metrics at 10, averaged over users."""
    return {
        "recall": recall_at_k(scores, held, seen=seen).mean().item(),
        "ndcg": ndcg_at_k(scores, held, seen=seen).mean().item(),
    }


def summary(runs: list[dict]) -> dict:
    """By recommender and metric, mean and spread over runs."""
    return {
        name: {
            metric: {
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)),
            }
            for metric in runs[0][name]
            for values in [[r[name][metric] for r in runs]]
        }
        for name in runs[0]
    }


def planted(*, N: int = 1000, steps: int = 300) -> dict:
    """The table on planted tastes, five data sets, with the oracle."""
    world, runs = PlantedTastes(), []
    for seed in SEEDS:
        x, probs = world.sample(N, seed=seed)
        seen, held = hold_out(x, seed=seed)
        found = table(seen, held, seed, steps=steps)
        runs.append(found | {"oracle": judge(probs, seen, held)})
    return {"users": N, "items": 200, "seeds": len(runs), **summary(runs)}


def films(*, steps: int = 600) -> dict | None:
    """The table on MovieLens 100K, split by time; None without the file."""
    try:
        stars, times = movielens()
    except ConnectionError:
        return None
    x = (stars >= 4).astype(float)
    kept = x.sum(axis=1) >= 5
    seen, held = hold_out(x[kept], 0.2, times=times[kept])
    runs = [table(seen, held, s, M=32, steps=steps) for s in SEEDS]
    return {"users": int(kept.sum()), "items": x.shape[1], **summary(runs)}


def main() -> dict:
    """Measure all, and keep the results."""
    results = {"sweep": sweep(), "planted": planted(), "movielens": films()}
    return harness.save("recommendation", results)


if __name__ == "__main__":
    print(json.dumps(main()))
