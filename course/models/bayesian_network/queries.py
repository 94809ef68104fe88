"""What may be asked of a network whose tables are known."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import Rows, like, rows, tensor
from course.models.bayesian_network.evidence import (
    UNKNOWN,
    check_states,
    evidence_rows,
)
from course.models.bayesian_network.inference import (
    all_posteriors,
    joint_posterior,
    log_evidence,
)
from course.models.bayesian_network.sampling import ancestral
from course.models.bayesian_network.structure import (
    Structure,
    d_separated,
    read_structure,
)


class Queries:
    """Probabilities, samples and posteriors, p(x) = prod_d p(x_d | parents)."""

    def score_samples(self, X: Any) -> Any:
        """Log p(x) of every row, shape (N,), in nats; unknown is summed out.

        Of an impossible row it is minus infinity.
        """
        x = self._known_rows(X)
        return like(X, log_evidence(self._structure, self._beside(x), x))

    log_prob = score_samples

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x) over the rows of X, in nats."""
        return self.score_samples(X).mean().item()

    def sample(self, n: int = 1, random_state: Any = None) -> Any:
        """Draw n rows, shape (n, D): parents first, then each given its own.

        Without a `random_state` they differ from call to call.
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        tables = self._beside(torch.empty(0))
        drawn = ancestral(self._structure, tables, rng, n=n)
        return like(next(iter(self.tables_.values())), drawn)

    def posterior(self, query: Any, evidence: Any = None) -> Any:
        """p(query | evidence) for every row of evidence at once.

        Args:
            query: the name of a variable, or a list of names.
            evidence: from names to a state for all rows or one for each, by
                name or number; or rows as for `score_samples`.

        Returns:
            shape (N, S of the first variable, S of the second...).

        Raises:
            ValueError: a row has probability 0, or a name or state is unknown.
        """
        X, x = self._evidence(evidence)
        numbers = self._structure.numbers(query)
        if len(set(numbers)) < len(numbers) or not numbers:
            raise ValueError(
                f"query must name one variable or several different ones, not "
                f"{query!r}"
            )
        tables = self._beside(x)
        p = joint_posterior(self._structure, tables, x, query=numbers)
        return like(X, p)

    def marginals(self, evidence: Any = None) -> dict[Hashable, Any]:
        """p(x_d | evidence) of every variable, by name, shape (N, S) each."""
        X, x = self._evidence(evidence)
        found = all_posteriors(self._structure, self._beside(x), x)
        return {
            name: like(X, p)
            for name, p in zip(self._structure.names, found, strict=True)
        }

    def d_separated(self, x: Any, y: Any, given: Any = ()) -> bool:
        """Whether the arrows alone make x independent of y, given the rest.

        Each is a name or a collection of names; no table is needed.
        """
        structure = self._read_structure()
        x, y, given = (structure.numbers(v) for v in (x, y, given))
        return d_separated(structure, x, y, given=given)

    def _read_structure(self) -> Structure:
        """The arrows; without any given, none between the columns."""
        if self.parents is not None:
            return read_structure(self.parents)
        check_is_fitted(self, "n_features_in_")
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return read_structure(dict.fromkeys(names, ()))

    def _rows(self, X: Any, *, fit: bool = False) -> Rows:
        """The rows of X, checked, with NaN for every unknown entry."""
        x = rows(self, X, fit=fit, missing=True)
        return torch.where(x == UNKNOWN, torch.nan, x)

    def _beside(self, x: Tensor) -> list[Tensor]:
        """The tables as tensors on the device of x."""
        return [tensor(table, x) for table in self.tables_.values()]

    def _known_rows(self, X: Any) -> Rows:
        """The rows of X, for tables that are there: every state is one."""
        check_is_fitted(self)
        return self._checked(self._rows(X))

    def _checked(self, x: Rows) -> Rows:
        """The same rows, if all of their states are among the tables' own."""
        sizes = [table.shape[-1] for table in self.tables_.values()]
        check_states(self._structure, x, sizes)
        return x

    def _evidence(self, evidence: Any) -> tuple[Any, Rows]:
        """Evidence as rows of its own kind, and as a checked tensor."""
        check_is_fitted(self)
        if evidence is not None and not isinstance(evidence, Mapping):
            return evidence, self._known_rows(evidence)
        X = evidence_rows(self._structure, self.states, evidence or {})
        x = torch.as_tensor(X)
        return X, self._checked(torch.where(x == UNKNOWN, torch.nan, x))
