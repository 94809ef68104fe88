"""The small networks are well formed, and those of their sources."""

import gzip
import warnings
from importlib.resources import files

import networkx as nx
import numpy as np
import pytest

from course import data

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own deprecations
    from pgmpy.readwrite import BIFReader

LOADERS = {
    "sprinkler": data.sprinkler,
    "asia": data.asia,
    "alarm_sized": data.alarm_sized,
}


def published(name):
    """A network of the collection that pgmpy ships."""
    path = files("pgmpy") / "utils" / "example_models" / f"{name}.bif.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return BIFReader(string=text).get_model()


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_network_is_a_graph_without_cycles_and_a_table_for_each(load):
    names, states, parents, tables = load()
    assert list(names) == list(parents)
    assert set(names) == set(states) == set(tables)
    arrows = [(p, c) for c in names for p in parents[c]]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(arrows))
    for name, table in tables.items():
        scope = [*parents[name], name]
        assert table.shape == tuple(len(states[v]) for v in scope)
        assert table.dtype == np.float64
        assert (table >= 0).all()
        np.testing.assert_allclose(table.sum(-1), 1, atol=1e-12)


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_every_call_returns_fresh_arrays(load):
    first = load()
    name = first.names[-1]
    kept = first.tables[name].copy()
    first.tables[name] += 1
    first.parents.clear()
    first.states.clear()
    assert np.array_equal(load().tables[name], kept)
    assert len(load().parents) == len(load().states) == len(first.names)


def test_asia_has_the_published_tables():
    ours, theirs = data.asia(), published("asia")
    assert set(ours.names) == set(theirs.nodes())
    for name in ours.names:
        table = theirs.get_cpds(name)
        axes = table.variables  # the variable itself first
        assert set(axes) == {name, *ours.parents[name]}
        scope = [*ours.parents[name], name]
        values = np.transpose(table.values, [axes.index(v) for v in scope])
        # they count yes as state 0
        assert table.state_names[name] == ["yes", "no"]
        np.testing.assert_allclose(np.flip(values), ours.tables[name])


def test_the_structure_is_that_of_alarm():
    ours, theirs = data.alarm_sized(), published("alarm")
    assert {n.upper() for n in ours.names} == set(theirs.nodes())
    arrows = {(p, c) for c in ours.names for p in ours.parents[c]}
    assert {(p.upper(), c.upper()) for p, c in arrows} == set(theirs.edges())
    assert (len(ours.names), len(arrows)) == (37, 46)
    for name, states in ours.states.items():
        found = theirs.get_cpds(name.upper()).state_names[name.upper()]
        assert {s.upper() for s in states} == set(found)
    assert {len(s) for s in ours.states.values()} == {2, 3, 4}


def test_the_random_tables_repeat_with_a_seed():
    first, again, other = (data.alarm_sized(s) for s in (0, 0, 1))
    for name in first.names:
        assert np.array_equal(first.tables[name], again.tables[name])
        assert not np.array_equal(first.tables[name], other.tables[name])
    assert min(t.min() for t in first.tables.values()) > 0
