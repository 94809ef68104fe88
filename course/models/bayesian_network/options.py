"""The options of a network, checked before anything is computed."""

from collections.abc import Hashable, Iterable, Mapping
from numbers import Real
from typing import Any

from jaxtyping import Float
from torch import Tensor

from course.models.bayesian_network.structure import Structure


def check_options(model: Any, structure: Structure) -> None:
    """Raise a ValueError that says which option is wrong, and what it can be.

    Raises:
        ValueError: a negative or infinite number, or states of a variable
            that there is not.
    """
    for name in ("smoothing", "tol", "max_iter"):
        value = getattr(model, name)
        if not (isinstance(value, Real) and 0 <= value < float("inf")):
            raise ValueError(
                f"{name} must be a finite number and not negative, "
                f"not {value!r}"
            )
    if model.max_iter != int(model.max_iter):
        raise ValueError(f"max_iter must be whole, not {model.max_iter!r}")
    for name in model.states or ():
        structure.number(name)
        count_states(model.states, name)


def check_columns(model: Any, structure: Structure) -> None:
    """The columns are the variables, in their order, as far as one can see."""
    D = len(structure.names)
    if model.n_features_in_ != D:
        raise ValueError(
            f"X has {model.n_features_in_} columns, but parents has {D} "
            f"entries: give every column one, with () if it has no parents"
        )
    columns = getattr(model, "feature_names_in_", structure.names)
    if tuple(columns) != structure.names:
        raise ValueError(
            f"the columns of X are {tuple(columns)}, but parents has "
            f"{structure.names}: put both in the same order"
        )


def count_states(states: Mapping | None, name: Hashable) -> int | None:
    """How many states a variable was said to have; None where nothing was."""
    if states is None or name not in states:
        return None
    given = states[name]
    S = len(tuple(given)) if isinstance(given, Iterable) else given
    if isinstance(given, str) or int(S) != S or S < 1:
        raise ValueError(
            f"states of {name!r} must be a number of at least 1 or a tuple of "
            f"names, not {given!r}"
        )
    return int(S)


def data_sizes(
    structure: Structure, states: Mapping | None, x: Float[Tensor, "N D"]
) -> list[int]:
    """The number of states of every column: as was said, or as the data say.

    Raises:
        ValueError: nothing was said about a column without any entry.
    """
    empty = x.isnan().all(dim=0)
    most = x.nan_to_num().amax(dim=0)
    sizes = []
    for d, name in enumerate(structure.names):
        S = count_states(states, name)
        if S is None and empty[d]:
            raise ValueError(
                f"{name!r} has no entry that is known: say in states how many "
                f"states it has"
            )
        sizes.append(S or int(most[d].item()) + 1)
    return sizes
