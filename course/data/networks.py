"""Small Bayesian networks: variables, arrows and tables, as plain data."""

from typing import NamedTuple

import numpy as np

from course.data.monitoring import ARROWS, STATES

Names = tuple[str, ...]


class Network(NamedTuple):
    """Discrete variables, their arrows, and a table for each.

    Attributes:
        names: of the variables.
        states: the names of each variable's states.
        parents: the names of each variable's parents.
        tables: float64 arrays p(variable | parents): an axis for every
            parent, in order, then the variable's own, along which it sums
            to 1.
    """

    names: Names
    states: dict[str, Names]
    parents: dict[str, Names]
    tables: dict[str, np.ndarray]


def _yes_or_no(parents: dict[str, Names], yes: dict[str, object]) -> Network:
    """A network of variables with the states no (0) and yes (1).

    The tables hold p(yes | parents) only.
    """
    tables = {name: np.asarray(p, dtype=np.float64) for name, p in yes.items()}
    return Network(
        tuple(parents),
        dict.fromkeys(parents, ("no", "yes")),
        dict(parents),
        {name: np.stack([1 - p, p], axis=-1) for name, p in tables.items()},
    )


def sprinkler() -> Network:
    """Clouds, a sprinkler, rain and wet grass: 4 variables, no or yes.

    Source: S. Russell and P. Norvig, Artificial Intelligence: A Modern
    Approach, 3rd edition 2010, figure 14.12.
    """
    return _yes_or_no(
        {
            "cloudy": (),
            "sprinkler": ("cloudy",),
            "rain": ("cloudy",),
            "wet": ("sprinkler", "rain"),
        },
        {
            "cloudy": 0.5,
            "sprinkler": [0.5, 0.1],
            "rain": [0.2, 0.8],
            "wet": [[0.0, 0.9], [0.9, 0.99]],
        },
    )


def asia() -> Network:
    """A chest clinic: 8 variables, no or yes.

    The variables are a visit to Asia, tuberculosis, smoking, lung cancer,
    bronchitis, either of tuberculosis and cancer, an abnormal x-ray, and
    dyspnoea (shortness of breath). The numbers are fictitious.

    Source: S. L. Lauritzen and D. J. Spiegelhalter, Local computations with
    probabilities on graphical structures and their application to expert
    systems, 1988, table 1.
    """
    return _yes_or_no(
        {
            "asia": (),
            "tub": ("asia",),
            "smoke": (),
            "lung": ("smoke",),
            "bronc": ("smoke",),
            "either": ("tub", "lung"),
            "xray": ("either",),
            "dysp": ("either", "bronc"),
        },
        {
            "asia": 0.01,
            "tub": [0.01, 0.05],
            "smoke": 0.5,
            "lung": [0.01, 0.1],
            "bronc": [0.3, 0.6],
            "either": [[0.0, 1.0], [1.0, 1.0]],
            "xray": [0.05, 0.98],
            "dysp": [[0.1, 0.8], [0.7, 0.9]],
        },
    )


def alarm_sized(seed: int = 0) -> Network:
    """The variables, states and 46 arrows of ALARM, with random tables.

    ALARM watches over a patient under anaesthesia. Only its structure is
    here. Its tables are not: every row of a table is drawn from a Dirichlet
    distribution with all parameters 1, so no answer means anything medical.

    Source of the structure: I. A. Beinlich, H. J. Suermondt, R. M. Chavez,
    G. F. Cooper, The ALARM monitoring system, 1989.
    """
    rng = np.random.RandomState(seed)
    tables = {}
    for name, above in ARROWS.items():
        shape = [len(STATES[parent]) for parent in above]
        tables[name] = rng.dirichlet(np.ones(len(STATES[name])), size=shape)
    return Network(tuple(ARROWS), dict(STATES), dict(ARROWS), tables)
