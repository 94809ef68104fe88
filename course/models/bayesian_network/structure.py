"""Who depends on whom: a directed graph without cycles, and what it implies."""

from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

Scope = tuple[int, ...]  # some variables, by number
Neighbours = dict[int, set[int]]  # of every variable of an undirected graph


class Structure(NamedTuple):
    """Names of the variables, and the numbers of every variable's parents."""

    names: tuple[Hashable, ...]
    parents: tuple[Scope, ...]

    @property
    def families(self) -> list[Scope]:
        """Every variable's parents followed by itself: the axes of its table.

        >>> read_structure({"rain": (), "wet": ("rain",)}).families
        [(0,), (0, 1)]
        """
        return [(*pa, d) for d, pa in enumerate(self.parents)]

    def number(self, name: Hashable) -> int:
        """The column of a variable.

        Raises:
            ValueError: there is no variable of this name.
        """
        if name not in self.names:
            known = ", ".join(map(repr, self.names))
            raise ValueError(f"unknown variable {name!r}: it is one of {known}")
        return self.names.index(name)

    def numbers(self, names: Hashable | Iterable[Hashable]) -> list[int]:
        """The columns of several variables, or of a single one."""
        several = isinstance(names, list | tuple | set | frozenset)
        return [self.number(n) for n in (names if several else [names])]


def read_structure(parents: Mapping[Hashable, Iterable]) -> Structure:
    """The structure that a mapping from names to parents' names describes.

    Raises:
        ValueError: a parent is unknown or named twice, or there is a cycle.
    """
    names = tuple(parents)
    for name, above in parents.items():
        if isinstance(above, str):
            raise ValueError(
                f"the parents of {name!r} are the string {above!r}: write a "
                f"tuple, ({above!r},)"
            )
        if missing := [p for p in above if p not in parents]:
            raise ValueError(
                f"{missing[0]!r}, a parent of {name!r}, is not a variable: "
                f"give it an entry of its own, with () if it has no parents"
            )
        if len(set(above)) < len(tuple(above)):
            raise ValueError(f"a parent of {name!r} is named twice: once is it")
    number = {name: d for d, name in enumerate(names)}
    numbers = tuple(tuple(number[p] for p in parents[n]) for n in names)
    structure = Structure(names, numbers)
    topological(structure)
    return structure


def topological(structure: Structure) -> list[int]:
    """The variables in an order that puts parents before children.

    Raises:
        ValueError: there is a cycle; the message shows it.
    """
    order, left = [], set(range(len(structure.names)))
    while left:
        above = {d: left.intersection(structure.parents[d]) for d in left}
        ready = sorted(d for d in left if not above[d])
        if not ready:
            raise ValueError(
                f"the arrows form a cycle, {show_cycle(structure, left)}: "
                f"remove or turn one of them"
            )
        order += ready
        left -= set(ready)
    return order


def show_cycle(structure: Structure, left: set[int]) -> str:
    """A cycle among variables that each have a parent among themselves."""
    path = [min(left)]
    while path[-1] not in path[:-1]:
        path.append(next(p for p in structure.parents[path[-1]] if p in left))
    cycle = path[path.index(path[-1]) :][::-1]
    return " -> ".join(str(structure.names[d]) for d in cycle)


def ancestors(structure: Structure, variables: Iterable[int]) -> set[int]:
    """Some variables, their parents, the parents of those, and so on."""
    found, new = set(), set(variables)
    while new:
        found |= new
        new = {p for d in new for p in structure.parents[d]} - found
    return found


def join(scopes: Iterable[Scope]) -> Neighbours:
    """The graph that links any two variables of a common scope.

    For the families of a network it is the moral graph: parents of one child
    are married.
    """
    neighbours: Neighbours = {v: set() for scope in scopes for v in scope}
    for scope in scopes:
        for u, v in combinations(scope, 2):
            neighbours[u].add(v)
            neighbours[v].add(u)
    return neighbours


def d_separated(
    structure: Structure,
    x: Iterable[int],
    y: Iterable[int],
    *,
    given: Iterable[int],
) -> bool:
    """Whether every path from x to y is blocked by the given variables.

    Asked of the moral graph of all their ancestors: no way leads from x to y
    that avoids the given ones (Lauritzen and Spiegelhalter 1988; Lauritzen,
    Dawid, Larsen, Leimer 1990, Proposition 3).
    """
    x, y, given = set(x), set(y), set(given)
    if x & y or x & given or y & given:
        raise ValueError(
            "x, y and given have a variable in common: each may stand in one "
            "of them only"
        )
    families = structure.families
    graph = join([families[d] for d in ancestors(structure, x | y | given)])
    reached, new = set(), x
    while new:
        reached |= new
        new = {w for v in new for w in graph[v]} - reached - given
    return reached.isdisjoint(y)


def min_fill(
    scopes: Iterable[Scope], hidden: Iterable[int], sizes: list[int]
) -> list[int]:
    """An order to sum the hidden variables out in, that keeps tables small.

    Next comes the variable whose neighbours lack the fewest links among
    themselves; of several, the one that makes the smallest table.
    """
    graph, order = join(scopes), []
    costs = {v: cost(graph, v, sizes) for v in hidden}
    while costs:
        v = min(costs, key=lambda v: (costs[v], v))
        around = graph.pop(v)
        for u in around:
            graph[u] |= around
            graph[u] -= {u, v}
        del costs[v]
        order.append(v)
        near = around.union(*(graph[u] for u in around))
        costs |= {u: cost(graph, u, sizes) for u in near & costs.keys()}
    return order


def cost(graph: Neighbours, v: int, sizes: list[int]) -> tuple[int, int]:
    """Links that summing v out would add, and entries of the table it makes."""
    around = sorted(graph[v])
    fill = sum(w not in graph[u] for u, w in combinations(around, 2))
    entries = sizes[v]
    for u in around:
        entries *= sizes[u]
    return fill, entries
