"""Bayesian networks: a thousand questions against pgmpy.

    python -m benchmarks.bayesian_network

writes benchmarks/results/bayesian_network.json (about a minute). One thread.

For the clinic (asia, 8 variables) and an ALARM-sized network (37 variables),
1000 rows of evidence are drawn from the network, and about half of the entries
hidden, others in each row. Asked is the posterior of one variable in every row.
The course answers all 1000 rows in one call. pgmpy answers one row a call; it
is timed on the first 20 rows only, and its seconds are multiplied by 50. Before
any time is taken, the answers to these rows are compared.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import json  # noqa: E402
import logging  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402

from course.data import Network, alarm_sized, asia  # noqa: E402
from course.models.bayesian_network import BayesianNetwork  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own deprecations
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

ROWS, TIMED, HIDDEN = 1000, 20, 0.5
QUESTIONS = {"asia": (asia, "lung"), "alarm": (alarm_sized, "lvfailure")}


def reference(network: Network) -> VariableElimination:
    """The same network in pgmpy, with states numbered as ours."""
    model = DiscreteBayesianNetwork()
    model.add_nodes_from(network.names)
    for name, above in network.parents.items():
        model.add_edges_from((parent, name) for parent in above)
        C = [len(network.states[v]) for v in (name, *above)]
        table = network.tables[name].reshape(-1, C[0]).T
        model.add_cpds(TabularCPD(name, C[0], table, list(above), C[1:]))
    return VariableElimination(model)


def evidence(network: Network, model: BayesianNetwork, query: str):
    """Rows with NaN where hidden; the variable that is asked for always is."""
    rng = np.random.RandomState(0)
    x = model.sample(ROWS, random_state=rng)
    x = np.where(rng.rand(*x.shape) < HIDDEN, np.nan, x)
    x[:, network.names.index(query)] = np.nan
    return x


def row_by_row(
    theirs: VariableElimination, network: Network, query: str, *, x: np.ndarray
) -> Callable[[], np.ndarray]:
    """The answers of pgmpy to some rows, one call each."""
    known = [
        {n: int(v) for n, v in zip(network.names, row, strict=True) if v >= 0}
        for row in x
    ]
    return lambda: np.stack(
        [theirs.query([query], k, show_progress=False).values for k in known]
    )


def speed(load: Callable[[], Network], query: str, *, repeats: int = 9) -> dict:
    """Seconds of both, and ours over theirs for the same number of rows.

    Raises:
        ValueError: the answers differ by more than 1e-10.
    """
    network = load()
    model = BayesianNetwork.from_tables(network.parents, network.tables)
    x = evidence(network, model, query)
    theirs = row_by_row(reference(network), network, query, x=x[:TIMED])
    gap = np.abs(theirs() - model.posterior(query, x)[:TIMED]).max()
    if gap > 1e-10:
        raise ValueError(
            f"the answers differ by {gap:.1e}: find out why before comparing "
            f"times"
        )
    times = harness.contend(
        {"course": lambda: model.posterior(query, x), "pgmpy": theirs},
        repeats=repeats,
    )
    scale = ROWS / TIMED
    ratio = times["course"]["wall_ratio"]
    return {
        "variables": len(network.names),
        "rows": ROWS,
        "timed_rows_of_pgmpy": TIMED,
        "difference": float(gap),
        "seconds": times["course"]["wall_seconds"],
        "seconds_of_pgmpy": scaled(times["pgmpy"]["wall_seconds"], scale),
        "ratio": scaled(ratio, 1 / scale),
        "times_faster": scale / ratio["median"],
    }


def scaled(values: dict[str, float], by: float) -> dict[str, float]:
    """Every number times another."""
    return {name: value * by for name, value in values.items()}


def main() -> dict:
    """Measure all, and keep the results."""
    logging.disable(logging.WARNING)  # pgmpy's remarks
    results = {name: speed(*question) for name, question in QUESTIONS.items()}
    return harness.save("bayesian_network", results)


if __name__ == "__main__":
    print(json.dumps(main()))
