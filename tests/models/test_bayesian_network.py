"""Bayesian networks against enumeration, pgmpy and networkx."""

import itertools
import math
import warnings

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from course.data import alarm_sized, asia, sprinkler
from course.models.bayesian_network import BayesianNetwork, elimination, plan
from course.models.bayesian_network.structure import min_fill, read_structure

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own deprecations
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

NETWORKS = {"sprinkler": sprinkler(), "asia": asia(), "alarm": alarm_sized()}
NAN = float("nan")


def ours(network):
    """The network of this course with the tables of some data."""
    return BayesianNetwork.from_tables(
        network.parents, network.tables, states=network.states
    )


def reference(network):
    """The same network in pgmpy."""
    arrows = [(p, c) for c in network.names for p in network.parents[c]]
    model = DiscreteBayesianNetwork(arrows)
    model.add_nodes_from(network.names)
    for name, above in network.parents.items():
        states = {v: list(network.states[v]) for v in (name, *above)}
        size = {v: len(s) for v, s in states.items()}
        table = network.tables[name].reshape(-1, size[name]).T
        cards = [size[v] for v in above]
        model.add_cpds(
            TabularCPD(
                name,
                size[name],
                table,
                evidence=list(above),
                evidence_card=cards,
                state_names=states,
            )
        )
    model.check_model()
    return model


def joint(network):
    """All rows, and the product of looked-up table entries for each."""
    sizes = [len(network.states[name]) for name in network.names]
    rows = np.array(list(itertools.product(*map(range, sizes))))
    at = {name: rows[:, d] for d, name in enumerate(network.names)}
    p = np.ones(len(rows))
    for name, above in network.parents.items():
        p *= network.tables[name][(*(at[v] for v in above), at[name])]
    return rows, p


def by_enumeration(network, query, evidence):
    """p(query | evidence) by adding up the joint."""
    rows, p = joint(network)
    for d, state in enumerate(evidence):
        if not np.isnan(state):
            p = p * (rows[:, d] == state)
    d = network.names.index(query)
    answer = np.bincount(rows[:, d], weights=p)
    return answer / answer.sum(), p.sum()


def with_holes(X, share, seed=1):
    """A copy of X with a share of its entries unknown."""
    holes = np.random.RandomState(seed).rand(*X.shape) < share
    return np.where(holes, np.nan, X)


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


@parametrize_with_checks([BayesianNetwork()])
def test_is_a_scikit_learn_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.parametrize("name", ["sprinkler", "asia"])
def test_the_joint_is_the_product_of_the_tables_and_sums_to_one(name):
    rows, p = joint(NETWORKS[name])
    model = ours(NETWORKS[name])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(
            model.score_samples(rows), np.log(p), rtol=1e-12
        )
    assert np.exp(model.log_prob(rows)).sum() == pytest.approx(1, abs=1e-12)


def test_summing_everything_out_leaves_one(network):
    unknown = np.full((2, len(network.names)), np.nan)
    model = ours(network)
    assert model.score_samples(unknown) == pytest.approx([0, 0], abs=1e-12)
    leaf = {network.names[-1]: [0, 1]}  # its states are all there is
    p = model.posterior(network.names[-1])
    assert p.sum() == pytest.approx(1)
    full = unknown.copy()
    full[:, -1] = leaf[network.names[-1]]
    np.testing.assert_allclose(np.exp(model.log_prob(full)), p[0, :2])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", ["sprinkler", "asia"])
def test_answers_are_those_of_enumeration(name, share):
    network, model = NETWORKS[name], ours(NETWORKS[name])
    X = with_holes(model.sample(20, random_state=0), share)
    log_p = model.score_samples(X)
    marginals = model.marginals(X)
    for n, row in enumerate(X):
        for query in network.names:
            truth, p = by_enumeration(network, query, row)
            assert log_p[n] == pytest.approx(math.log(p), abs=1e-10)
            np.testing.assert_allclose(
                marginals[query][n], truth, rtol=1e-10, atol=1e-12
            )
    for query in network.names:
        np.testing.assert_allclose(
            model.posterior(query, X), marginals[query], atol=1e-12
        )


def test_several_variables_have_a_joint_posterior():
    network, model = NETWORKS["asia"], ours(NETWORKS["asia"])
    rows, p = joint(network)
    given = (rows[:, 6] == 1) & (rows[:, 0] == 0)
    order = ["lung", "tub", "bronc"]
    table = np.zeros((2, 2, 2))
    d = [network.names.index(q) for q in order]
    np.add.at(table, tuple(rows[given][:, d].T), p[given])
    answer = model.posterior(order, {"xray": "yes", "asia": "no"})
    np.testing.assert_allclose(answer[0], table / table.sum(), atol=1e-12)


def test_the_clinic_gives_the_published_answers():
    """Lauritzen and Spiegelhalter 1988: dyspnoea after a visit to Asia."""
    p = ours(NETWORKS["asia"]).marginals({"asia": "yes", "dysp": "yes"})
    published = {"tub": 0.0878, "lung": 0.0995, "bronc": 0.8114}
    for name, value in published.items():
        assert p[name][0, 1] == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_answers_are_those_of_pgmpy(network, share):
    model, theirs = ours(network), VariableElimination(reference(network))
    X = with_holes(model.sample(6, random_state=2), share)
    queries = network.names[:: max(len(network.names) // 4, 1)]
    marginals = model.marginals(X)
    for query in queries:
        d = network.names.index(query)
        hidden = X.copy()
        hidden[:, d] = np.nan
        answer = model.posterior(query, hidden)
        for n, row in enumerate(hidden):
            known = {
                v: network.states[v][int(s)]
                for v, s in zip(network.names, row, strict=True)
                if not np.isnan(s)
            }
            found = theirs.query([query], known, show_progress=False)
            np.testing.assert_allclose(answer[n], found.values, atol=1e-10)
            if np.isnan(X[n, d]):
                np.testing.assert_allclose(
                    marginals[query][n], found.values, atol=1e-10
                )


def test_samples_have_the_frequencies_of_the_tables(network):
    model, n = ours(network), 20_000
    X = model.sample(n, random_state=0)
    for name, p in model.marginals().items():
        d = network.names.index(name)
        share = np.bincount(X[:, d], minlength=p.shape[1]) / n
        assert np.abs(share - p[0]).max() < 4.5 * 0.5 / n**0.5
    wet = X[X[:, 1] == 1] if len(network.names) == 4 else X
    p = model.posterior(network.names[-1], {network.names[1]: 1})
    if len(network.names) == 4:
        share = (wet[:, 3] == 1).mean()
        assert share == pytest.approx(p[0, 1], abs=4 * 0.5 / len(wet) ** 0.5)


def test_samples_repeat_with_a_seed_and_are_fresh_without():
    model = ours(NETWORKS["asia"])
    a, b = model.sample(50, random_state=1), model.sample(50, random_state=1)
    assert np.array_equal(a, b)
    assert a.dtype == np.int64
    np.random.seed(0)
    assert not np.array_equal(model.sample(50), model.sample(50))


@pytest.mark.parametrize("seed", range(6))
def test_d_separation_is_that_of_networkx(seed):
    rng = np.random.RandomState(seed)
    parents = random_graph(rng)
    graph = nx.DiGraph([(p, c) for c in parents for p in parents[c]])
    graph.add_nodes_from(parents)
    model, seen = BayesianNetwork(parents), set()
    for x, y in itertools.combinations(range(7), 2):
        rest = [v for v in range(7) if v not in (x, y)]
        for size in range(6):
            for given in itertools.combinations(rest, size):
                truth = nx.is_d_separator(graph, x, y, set(given))
                assert model.d_separated(x, y, given) == truth
                seen.add(truth)
    assert seen == {True, False}


def random_graph(rng, D=7, share=0.35):
    """A graph without cycles, its variables in no particular order."""
    order = rng.permutation(D).tolist()
    parents = dict.fromkeys(range(D), ())
    for i, child in enumerate(order):
        parents[child] = tuple(p for p in order[:i] if rng.rand() < share)
    return parents


def test_d_separation_is_independence_in_numbers():
    network, model = NETWORKS["asia"], ours(NETWORKS["asia"])
    rng = np.random.RandomState(0)
    tables = {  # none of them 0 or 1, so that no independence is an accident
        n: rng.dirichlet([1, 1], size=t.shape[:-1])
        for n, t in network.tables.items()
    }
    model = BayesianNetwork.from_tables(network.parents, tables)
    pairs = list(itertools.combinations(network.names, 2))
    for x, y in pairs:
        rest = [v for v in network.names if v not in (x, y)]
        for given in [(), *itertools.combinations(rest, 1), ("smoke", "tub")]:
            if {x, y} & set(given):
                continue
            p = model.posterior([x, y], dict.fromkeys(given, 1))[0]
            gap = np.abs(p - np.outer(p.sum(1), p.sum(0))).max()
            assert (gap < 1e-12) == model.d_separated(x, y, given)


def test_sets_may_be_separated_too():
    model = ours(NETWORKS["asia"])
    assert model.d_separated(["asia", "tub"], ["smoke", "bronc"])
    assert not model.d_separated(["asia", "tub"], "smoke", ["dysp"])
    with pytest.raises(ValueError, match="a variable in common"):
        model.d_separated("asia", "tub", ["tub"])


def test_evidence_comes_by_name_by_number_or_as_rows():
    model = ours(NETWORKS["asia"])
    X = np.full((3, 8), -1)
    X[:, 6], X[:2, 0], X[2, 4] = [1, 0, 1], 1, 0
    by_name = {
        "xray": ["yes", "no", "yes"],
        "asia": ["yes", 1, None],
        "bronc": [-1, NAN, "no"],
    }
    answers = [
        model.posterior("lung", e)
        for e in (X, X.astype(float), torch.tensor(X), by_name)
    ]
    for answer in answers:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-12)
    assert isinstance(answers[2], torch.Tensor)
    one = model.posterior("lung", {"asia": "yes", "xray": torch.tensor([1, 0])})
    assert isinstance(one, torch.Tensor)
    np.testing.assert_allclose(one, answers[0][:2])
    # evidence on the query itself is certain
    np.testing.assert_allclose(
        model.posterior("xray", by_name), [[0, 1], [1, 0], [0, 1]]
    )


def test_tensors_in_tensors_out():
    network = NETWORKS["asia"]
    tables = {n: torch.tensor(t) for n, t in network.tables.items()}
    model = BayesianNetwork.from_tables(network.parents, tables)
    X = model.sample(5, random_state=0)
    assert isinstance(X, torch.Tensor)
    assert isinstance(model.tables_["tub"], torch.Tensor)
    assert isinstance(model.score_samples(X), torch.Tensor)
    assert isinstance(model.score_samples(X.numpy()), np.ndarray)
    assert torch.equal(X, torch.tensor(ours(network).sample(5, random_state=0)))


def test_every_row_is_as_if_alone_and_arguments_are_unchanged(network):
    model = ours(network)
    X = with_holes(model.sample(15, random_state=0), 0.4)
    before, query = X.copy(), network.names[0]
    together = model.posterior(query, X)
    alone = [model.posterior(query, X[n : n + 1]) for n in range(15)]
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-11)
    np.testing.assert_array_equal(X, before)


def test_rows_may_pass_in_blocks(network, monkeypatch):
    model = ours(network)
    X = with_holes(model.sample(100, random_state=0), 0.4)
    whole = model.score_samples(X), model.marginals(X)
    monkeypatch.setattr(plan, "CACHE", 1)
    np.testing.assert_array_equal(model.score_samples(X), whole[0])
    for name, p in model.marginals(X).items():
        np.testing.assert_allclose(p, whole[1][name], rtol=1e-13, atol=0)


def chain(D, S=2, seed=0):
    """A Markov chain of D variables: as a network, and its matrix."""
    A = np.random.RandomState(seed).dirichlet(np.ones(S), size=S)
    parents = {d: (d - 1,) if d else () for d in range(D)}
    tables = {d: A if d else np.full(S, 1 / S) for d in range(D)}
    return BayesianNetwork.from_tables(parents, tables), A


def test_more_variables_than_letters_and_no_underflow():
    model, A = chain(400, S=12)
    ends = model.posterior(399, {0: np.arange(12)})
    power = np.linalg.matrix_power(A, 399)
    np.testing.assert_allclose(ends, power, rtol=1e-10)
    X = model.sample(2, random_state=0)
    steps = np.log(A[X[:, :-1], X[:, 1:]]).sum(axis=1) + math.log(1 / 12)
    assert (steps < -745).all()  # exp would be 0
    np.testing.assert_allclose(model.score_samples(X), steps, rtol=1e-12)


def test_a_cause_of_hundreds_of_effects_does_not_underflow():
    rng = np.random.RandomState(0)
    p = rng.rand(300, 2) * 0.05
    parents = {"y": (), **dict.fromkeys(range(300), ("y",))}
    tables = {"y": [0.3, 0.7]}
    tables |= {d: np.stack([1 - p[d], p[d]], axis=-1) for d in range(300)}
    model = BayesianNetwork.from_tables(parents, tables)
    X = (rng.rand(3, 300) < 0.95).astype(float)
    log_p = np.where(X[..., None] == 1, np.log(p), np.log(1 - p)).sum(axis=1)
    log_p += np.log([0.3, 0.7])
    assert (log_p < -745).all()  # exp would be 0
    X = np.c_[np.full(3, NAN), X]
    np.testing.assert_allclose(
        model.score_samples(X), np.logaddexp(*log_p.T), rtol=1e-12
    )
    X[:, -1] = NAN  # now no row has the same gaps
    X[0, 5] = X[1, 7] = NAN
    marginals = model.marginals(X)
    for n, row in enumerate(X[:, 1:]):
        at = np.where(row[:, None] == 1, np.log(p), np.log(1 - p))
        joint = np.nansum(np.where(np.isnan(row)[:, None], 0, at), axis=0)
        joint += np.log([0.3, 0.7])
        truth = np.exp(joint - np.logaddexp(*joint))
        np.testing.assert_allclose(marginals["y"][n], truth, rtol=1e-10)
        np.testing.assert_allclose(model.posterior("y", X)[n], truth)
        q = truth @ p[299]
        np.testing.assert_allclose(marginals[299][n], [1 - q, q], rtol=1e-10)


def test_a_scale_is_taken_out_and_cancels():
    f = torch.rand(2, 3, 4, dtype=torch.float64)
    values, scale = elimination.rescale(f * 1e-150)
    assert (values.amax(dim=(0, 1)) == 1).all()
    torch.testing.assert_close(values * scale.values, f * 1e-150)
    deep = elimination.Factor((3, 5), f * 1e-30, elimination.DEEP)
    whole, *scales = elimination.product([deep, deep])
    assert len(scales) == 1
    assert whole.depth == 0
    log_p = elimination.log_scale(
        elimination.contract([whole, *scales], [3, 5]), f.new_zeros(4, 1)
    )
    truth = f.square().sum(dim=(0, 1)).log() - 60 * math.log(10)
    torch.testing.assert_close(log_p, truth)
    # few tables keep their scale
    assert len(elimination.product([deep._replace(depth=1)] * 2)) == 1


def test_min_fill_sums_leaves_out_first_and_keeps_the_star_small():
    # an arrow from a hub to eight leaves: the hub first would join them all
    parents = {"hub": (), **{f"leaf {i}": ("hub",) for i in range(8)}}
    families = read_structure(parents).families
    order = min_fill(families, range(9), [3] * 9)
    assert plan.largest_table(families, order, [3] * 9) == 9
    assert plan.largest_table(families, [0, *range(1, 9)], [3] * 9) == 3**9


def test_variables_that_do_not_matter_are_left_out():
    network = NETWORKS["alarm"]
    structure = read_structure(network.parents)
    x = torch.full((1, 37), NAN, dtype=torch.float64)
    sizes = [len(network.states[n]) for n in network.names]
    d = network.names.index("bp")
    made = plan.make_plan(structure, x, sizes, keep=frozenset([d]))
    names = {network.names[f[-1]] for f in made.families}
    assert "bp" in names
    assert "hypovolemia" in names
    assert not names & {"hrbp", "hrekg", "hrsat", "history", "cvp", "press"}


def test_impossible_evidence_has_a_defined_answer():
    model = ours(NETWORKS["asia"])
    impossible = {"tub": ["yes", "no"], "either": "no"}
    X = np.full((2, 8), NAN)
    X[:, 1], X[:, 5] = [1, 0], 0
    log_p = model.score_samples(X)
    assert log_p[0] == -np.inf
    assert np.isfinite(log_p[1])
    for question in (
        lambda: model.posterior("smoke", impossible),
        lambda: model.posterior("either", X),
        lambda: model.marginals(X),
    ):
        with pytest.raises(ValueError, match="1 rows of evidence have prob"):
            question()


GOOD = {"a": (), "b": ("a",)}
TABLES = {"a": [0.4, 0.6], "b": [[0.1, 0.9], [0.8, 0.2]]}


@pytest.mark.parametrize(
    ("parents", "tables", "message"),
    [
        (GOOD | {"a": ("b",)}, TABLES, r"cycle, (a -> b -> a|b -> a -> b)"),
        ({"a": ("a",)}, {"a": np.eye(2)}, "cycle, a -> a"),
        (GOOD | {"b": ("c",)}, TABLES, "'c', a parent of 'b', is not a varia"),
        (GOOD | {"b": "a"}, TABLES, "write a tuple"),
        (GOOD | {"b": ("a", "a")}, TABLES, "named twice"),
        (GOOD, {"a": [0.4, 0.6]}, "no table for 'b'"),
        (GOOD, TABLES | {"c": [1.0]}, "unknown variable 'c'"),
        (GOOD, TABLES | {"b": [0.1, 0.9]}, r"axes \('a', 'b'\) and shape"),
        (GOOD, TABLES | {"b": np.eye(3)}, r"\(2, 3\), not \(3, 3\)"),
        (GOOD, TABLES | {"a": 1.0}, r"shape \(0,\), not \(\)"),
        (GOOD, TABLES | {"a": [0.4, 0.7]}, "a sum of 1.1: divide by the sum"),
        (GOOD, TABLES | {"a": [-0.4, 1.4]}, "negative or NaN"),
        (GOOD, TABLES | {"a": [NAN, 1.0]}, "negative or NaN"),
        (GOOD, TABLES | {"b": [[0.1, 0.8], [0.9, 0.2]]}, "axis 0 sums to 1"),
        (GOOD, TABLES | {"b": [[0.1], [0.9, 0.2]]}, "not an array of numbers"),
    ],
)
def test_a_malformed_network_is_refused(parents, tables, message):
    with pytest.raises(ValueError, match=message):
        BayesianNetwork.from_tables(parents, tables)


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ({"flu": "yes"}, "unknown variable 'flu': it is one of 'asia'"),
        ({"xray": "maybe"}, "unknown state 'maybe' of 'xray': .* 'no', 'yes'"),
        ({"xray": 2}, "'xray' has 2 states, numbered from 0 to 1, and .* 2"),
        ({"xray": 0.5}, "there is 0.5"),
        ({"xray": -2}, "there is -2"),
        ({"xray": [0, 1], "dysp": [0, 1, 1]}, "has 2 rows, other evidence 3"),
        (np.zeros((2, 7)), "X has 7 features"),
    ],
)
def test_unknown_evidence_is_refused(evidence, message):
    with pytest.raises(ValueError, match=message):
        ours(NETWORKS["asia"]).posterior("lung", evidence)


def test_other_mistakes_are_refused_too():
    model = ours(NETWORKS["asia"])
    for query in ("flu", ["lung", "flu"]):
        with pytest.raises(ValueError, match="unknown variable 'flu'"):
            model.posterior(query)
    for query in ([], ["lung", "lung"]):
        with pytest.raises(ValueError, match="several different ones"):
            model.posterior(query)
    with pytest.raises(ValueError, match="states of 'a' must be a number"):
        BayesianNetwork.from_tables(GOOD, TABLES, states={"a": "no yes"})
    with pytest.raises(ValueError, match="unknown variable 'c'"):
        BayesianNetwork.from_tables(GOOD, TABLES, states={"c": 2})
    with pytest.raises(ValueError, match="without names: use numbers"):
        BayesianNetwork.from_tables(GOOD, TABLES).posterior("a", {"b": "yes"})
    with pytest.raises(NotFittedError):
        BayesianNetwork(GOOD).posterior("a")


@pytest.mark.gpu
def test_a_gpu_gives_the_same_answer(network):
    model = ours(network)
    X = torch.tensor(with_holes(model.sample(50, random_state=0), 0.4))
    here, there = model.score_samples(X), model.score_samples(X.cuda())
    assert there.is_cuda
    torch.testing.assert_close(there.cpu(), here)
    there = model.marginals(X.cuda())
    for name, p in model.marginals(X).items():
        torch.testing.assert_close(there[name].cpu(), p)
        answer = model.posterior(name, X.cuda())
        torch.testing.assert_close(answer.cpu(), p)
