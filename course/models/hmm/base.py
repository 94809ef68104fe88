"""What every hidden Markov model does, however its states emit."""

import warnings
from abc import abstractmethod
from typing import Any

import torch
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from course.arrays import like, tensor
from course.models.hmm.drawing import draw_states
from course.models.hmm.em import Emission, Run, State, best, climb
from course.models.hmm.layout import EndToEnd, check_possible
from course.models.hmm.options import (
    check_chain,
    check_options,
)
from course.models.hmm.scaled import Scaled
from course.models.hmm.scan import Scan
from course.models.hmm.sequences import Sequences, read
from course.models.hmm.viterbi import best_path, best_path_by_scan, log_joint

# a scan wins where it makes fewer products than this for a step in time
SCAN_BELOW = {"cpu": 200, "cuda": 100_000}


class HMM(DensityMixin, BaseEstimator):
    """A Markov chain of hidden states z_t, each of which emits an x_t."""

    def fit(self, X: Any, y: Any = None, *, lengths: Any = None) -> "HMM":
        """Fit to sequences by Baum-Welch; the best of `n_init` runs."""
        check_options(self)
        s = read(self, X, lengths, fit=True)
        if len(s.x) < self.n_states:
            raise ValueError(
                f"Expected n_samples >= n_states but got n_states = "
                f"{self.n_states}, n_samples = {len(s.x)}: decrease n_states"
            )
        chains = self._chains(s, self.n_init)
        emission = self._emission(s.x[chains.rows])
        rng = check_random_state(self.random_state)
        start = (*self._start_chain(s.x, rng), *self._start(emission, rng))
        options = {"tol": float(self.tol), "max_iter": self.max_iter}
        runs = climb(chains, emission, start, **options)
        run = best(runs, self)
        pi, A, *theta = run.state
        self._set(s.kind(), pi, A, *emission.restore(*theta))
        self._keep(run, s.kind())
        ends = torch.tensor([r.objective for r in runs], dtype=torch.float64)
        self.restarts_ = like(s.kind(), ends)
        return self

    def _start_chain(self, x: Tensor, rng: Any) -> State:
        """Equal initial probabilities; transitions half of which stay."""
        B, K = self.n_init, self.n_states
        pi = x.new_full((B, K), 1 / K)
        A = tensor(rng.dirichlet([1.0] * K, size=(B, K)), x)
        A = (A + torch.eye(K).to(A)) / 2
        return check_chain(self.start_init, self.transitions_init, pi, A)

    @classmethod
    def _from(
        cls, start: Any, transitions: Any, *theta: Tensor, **options: Any
    ) -> Any:
        """A model with these parameters, for `from_parameters`."""
        model = cls(len(start), **options)
        pi = theta[0].new_empty(1, len(start))
        A = pi.new_empty(1, *[len(start)] * 2)
        pi, A = check_chain(start, transitions, pi, A)
        model.n_features_in_ = theta[0].shape[1]
        model._set(start, pi[0], A[0], *theta)
        return model

    def _chains(self, s: Sequences, runs: int) -> Scaled | Scan:
        """The algorithm for these sequences."""
        scan = self.algorithm == "scan"
        if self.algorithm == "auto":
            products = runs * len(s.x) * self.n_states**3
            limit = SCAN_BELOW.get(s.x.device.type, 200)
            scan = products < limit * max(s.lengths)
        return (Scan if scan else Scaled)(s.lengths, s.x.device)

    def _keep(self, run: Run, X: Any) -> None:
        """Set the attributes that tell how the fit went."""
        self.history_ = like(X, torch.tensor(run.history, dtype=torch.float64))
        self.n_iter_ = len(run.history) - 1
        self.converged_ = run.converged
        if not run.converged:
            warnings.warn(
                f"Baum-Welch did not converge in {self.max_iter} steps: "
                f"increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _set(self, X: Any, pi: Tensor, A: Tensor, *theta: Tensor) -> None:
        """Keep the parameters as arrays of the kind of X."""
        self.start_, self.transitions_ = like(X, pi), like(X, A)
        self._set_emission(X, *theta)
        K = self.n_states
        self.n_parameters_ = K - 1 + K * (K - 1) + self._count()

    def _chain(self, x: Tensor) -> State:
        """Pi and A beside x."""
        return tensor(self.start_, x), tensor(self.transitions_, x)

    def _read(self, X: Any, lengths: Any) -> tuple[Sequences, Tensor]:
        """The sequences, and log b_k(x_t) of all steps, shape (L, K)."""
        check_is_fitted(self)
        s = read(self, X, lengths)
        return s, self._log_b(s.x)

    def score_samples(self, X: Any, *, lengths: Any = None) -> Any:
        """Log p(x) of every sequence, shape (N,), in nats."""
        s, log_b = self._read(X, lengths)
        chains, (pi, A) = self._chains(s, 1), self._chain(s.x)
        log_p = chains.log_p(log_b[None, chains.rows], pi[None], A[None])
        return like(s.kind(), log_p[0])

    def score(self, X: Any, y: Any = None, *, lengths: Any = None) -> float:
        """Mean log p(x) over the sequences, in nats."""
        return self.score_samples(X, lengths=lengths).mean().item()

    def predict_proba(self, X: Any, *, lengths: Any = None) -> Any:
        """The posterior p(z_t = k | x) of every step, in the form of X.

        Shape (T, K); (N, T, K) with zeros for padding; or a list of (T_n, K).

        Raises:
            ValueError: a sequence is impossible, p(x) = 0.
        """
        s, log_b = self._read(X, lengths)
        chains, (pi, A) = self._chains(s, 1), self._chain(s.x)
        e = chains.posterior(log_b[None, chains.rows], pi[None], A[None])
        check_possible(e.log_p[0])
        r = torch.empty_like(e.r[0])
        r[chains.rows] = e.r[0]
        return s.restore(r, fill=0.0)

    def decode(self, X: Any, *, lengths: Any = None) -> tuple[Any, Any]:
        """The most probable path (Viterbi): log p(x, z), and its states z.

        The first has shape (N,), in nats, the second the form of `predict`.
        """
        s, log_b = self._read(X, lengths)
        chains = self._chains(s, 1)
        theta = [p.log() for p in self._chain(s.x)]
        if isinstance(chains, Scan):
            z = best_path_by_scan(log_b, *theta, scan=chains)
        else:
            z, rows = torch.empty_like(chains.rows), chains.rows
            z[rows] = best_path(log_b[rows], *theta, layout=chains.layout)
        ends = EndToEnd(s.lengths, s.x.device)
        value = log_joint(z, log_b, *theta, layout=ends)
        check_possible(value)
        return like(s.kind(), value), s.restore(z, fill=-1)

    def predict(self, X: Any, *, lengths: Any = None) -> Any:
        """The states of the most probable path, from 0, in the form of X.

        Shape (T,); (N, T) with -1 for padding; or a list of (T_n,).
        """
        return self.decode(X, lengths=lengths)[1]

    def sample(
        self,
        n_steps: int = 1,
        n_sequences: int | None = None,
        *,
        random_state: Any = None,
        return_states: bool = False,
    ) -> Any:
        """Draw z_1 from pi, z_t from row z_{t-1} of A, and x_t from z_t.

        One sequence, shape (n_steps, D), or `n_sequences` of them, shape
        (n_sequences, n_steps, D); with `return_states` also the states,
        without the last axis.
        """
        check_is_fitted(self)
        rng = check_random_state(random_state)
        pi, A = (p.numpy() for p in self._chain(torch.empty(0)))
        z = draw_states(pi, A, rng, size=(n_sequences or 1, n_steps))
        x = self._draw(z.flatten(), rng).view(*z.shape, -1)
        if n_sequences is None:
            x, z = x[0], z[0]
        x, z = like(self.start_, x), like(self.start_, z)
        return (x, z) if return_states else x

    @abstractmethod
    def _emission(self, x: Tensor) -> Emission:
        """How states emit, with a `restore`, for the rows of x."""

    @abstractmethod
    def _start(self, emission: Emission, rng: Any) -> State:
        """Where the emission's parameters start, for every run."""
