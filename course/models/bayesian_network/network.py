"""Bayesian networks of discrete variables with scikit-learn's manners."""

import warnings
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from torch import Tensor

from course.arrays import like, tensor
from course.models.bayesian_network.evidence import check_states
from course.models.bayesian_network.learning import Settings, learn
from course.models.bayesian_network.options import (
    check_columns,
    check_options,
    data_sizes,
)
from course.models.bayesian_network.queries import Queries
from course.models.bayesian_network.structure import Structure, read_structure
from course.models.bayesian_network.tables import read_tables


class BayesianNetwork(Queries, DensityMixin, BaseEstimator):
    """A product of tables along arrows, p(x) = prod_d p(x_d | parents of d).

    Rows hold state numbers, from 0. NaN and -1 mark an entry as unknown, here
    and in evidence: it is summed out, and `fit` then runs EM.

    Args:
        parents: from the name of each variable, in the order of the columns,
            to the names of its parents. Without it there are no arrows.
        states: from names to tuples of state names, or numbers of states;
            where it says nothing, the largest entry plus one.
        smoothing: pseudo-counts that each entry of each table gets; 0 is
            maximum likelihood.
        tol: EM stops once its objective rises by less, in nats per row.
        max_iter: the most EM steps.
        random_state: seed of the start of EM.

    Attributes:
        tables_: from names to p(variable | parents): an axis for every parent,
            in order, then the variable's own.
        history_: the objective of EM at the start and after every step: the
            mean log-likelihood plus the sum of smoothing * log table over N.
            It never falls. Complete rows need one step; then it has one entry.
        n_iter_, converged_: EM steps taken; whether the rise fell below tol.
        n_parameters_: the number of free parameters.
    """

    def __init__(  # noqa: PLR0913, an estimator's options
        self,
        parents=None,
        *,
        states=None,
        smoothing=1.0,
        tol=1e-6,
        max_iter=500,
        random_state=None,
    ):
        self.parents = parents
        self.states = states
        self.smoothing = smoothing
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_tables(
        cls,
        parents: Mapping[Hashable, Iterable],
        tables: Mapping[Hashable, Any],
        *,
        states: Mapping | None = None,
    ) -> "BayesianNetwork":
        """A network whose tables are known; nothing is left to fit.

        Raises:
            ValueError: the arrows form a cycle, a parent or a table is missing,
                or a table has a wrong shape or does not sum to 1.
        """
        model = cls(parents, states=states)
        structure = read_structure(parents)
        check_options(model, structure)
        read = read_tables(structure, tables, states)
        model.n_features_in_ = len(structure.names)
        kind = next((t for t in tables.values() if isinstance(t, Tensor)), None)
        model._keep(kind, structure, read)
        return model

    def __sklearn_tags__(self):
        """Entries are categories; NaN is allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True  # but for -1, unknown
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None) -> "BayesianNetwork":
        """Learn the tables from rows, shape (N, D): count, or EM with gaps."""
        x = self._rows(X, fit=True)
        structure = self._read_structure()
        check_options(self, structure)
        check_columns(self, structure)
        sizes = data_sizes(structure, self.states, x)
        check_states(structure, x, sizes)
        how = Settings(self.smoothing, self.tol, int(self.max_iter))
        rng = check_random_state(self.random_state)
        result = learn(structure, x, sizes, settings=how, rng=rng)
        self._keep(X, structure, result.tables)
        self.history_ = like(X, tensor(result.history, x))
        self.n_iter_, self.converged_ = result.steps, result.converged
        if not result.converged:
            warnings.warn(
                f"EM did not converge in {self.max_iter} steps: increase "
                f"max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _keep(self, X: Any, structure: Structure, tables: list) -> None:
        """Set what every network has, fitted or given."""
        self._structure = structure
        self.tables_ = dict(
            zip(structure.names, (like(X, t) for t in tables), strict=True)
        )
        self.n_parameters_ = sum(
            t.numel() // t.shape[-1] * (t.shape[-1] - 1) for t in tables
        )
