"""Hidden Markov models: Baum-Welch against hmmlearn, and long sequences.

    python -m benchmarks.hmm

writes benchmarks/results/hmm.json (about a minute):

* symbols, signals: ten Baum-Welch steps from the same start, 500 sequences of
  100 steps, K = 16, one thread, against hmmlearn with its faster option
  (scaling), and the largest relative difference between the two
  log-likelihoods at any step;
* long: the log-likelihood of one sequence of 100 000 steps, K = 2, step by
  step and by a parallel prefix.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import copy  # noqa: E402
import json  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from hmmlearn import hmm as reference  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from course.models.hmm import CategoricalHMM, GaussianHMM  # noqa: E402

STEPS = 10


def chain(K: int, rng: np.random.RandomState) -> dict:
    """Initial and transition probabilities."""
    return {
        "start": rng.dirichlet(np.ones(K)),
        "transitions": rng.dirichlet(np.ones(K), K),
    }


def symbols(K: int, C: int = 32) -> tuple:
    """A model of symbols that makes data, ours and hmmlearn's with a start."""
    rng = np.random.RandomState(0)
    truth, start = (
        chain(K, rng) | {"probs": rng.dirichlet(np.ones(C), K)}
        for _ in range(2)
    )
    ours = CategoricalHMM(
        K,
        n_categories=C,
        start_init=start["start"],
        transitions_init=start["transitions"],
        probs_init=start["probs"][:, None],
        tol=0.0,
        max_iter=STEPS,
    )
    theirs = reference.CategoricalHMM(
        K, n_iter=STEPS, tol=-np.inf, init_params="", implementation="scaling"
    )
    theirs.startprob_, theirs.transmat_ = start["start"], start["transitions"]
    theirs.emissionprob_ = start["probs"]
    return CategoricalHMM.from_parameters(**truth), ours, theirs


def signals(K: int, D: int = 4) -> tuple:
    """The same for Gaussian states with full covariances.

    hmmlearn's priors are set to zero: by default it does not maximise the
    likelihood.
    """
    rng = np.random.RandomState(0)
    sigma = np.stack([np.eye(D)] * K)
    truth = chain(K, rng) | {"means": 2 * rng.randn(K, D)}
    start = chain(K, rng) | {"means": 2 * rng.randn(K, D)}
    ours = GaussianHMM(
        K,
        ridge=0.0,
        start_init=start["start"],
        transitions_init=start["transitions"],
        means_init=start["means"],
        covariances_init=sigma,
        tol=0.0,
        max_iter=STEPS,
    )
    theirs = reference.GaussianHMM(
        K,
        covariance_type="full",
        covars_prior=0.0,
        covars_weight=0.0,
        n_iter=STEPS,
        tol=-np.inf,
        init_params="",
        implementation="scaling",
    )
    theirs.startprob_, theirs.transmat_ = start["start"], start["transitions"]
    theirs.means_, theirs.covars_ = start["means"], sigma
    made = GaussianHMM.from_parameters(**truth, covariances=sigma)
    return made, ours, theirs


def speed(models: tuple, *, N: int, T: int, repeats: int = 7) -> dict:
    """Seconds of ten steps, ours over theirs, and how far they differ.

    Raises:
        ValueError: the likelihoods differ by more than 1e-10: times of two
            different computations say nothing.
    """
    truth, ours, theirs = models
    X = truth.sample(T, N, random_state=0)
    flat, lengths = X.reshape(N * T, -1), [T] * N
    start = vars(copy.deepcopy(theirs))

    def fit_theirs():
        vars(theirs).update(copy.deepcopy(start))
        return theirs.fit(flat, lengths)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        times = harness.contend(
            {"course": lambda: ours.fit(X), "hmmlearn": fit_theirs},
            repeats=repeats,
        )
    steps = ours.history_[:-1] * N * T / np.array(theirs.monitor_.history) - 1
    difference = np.abs(steps).max()
    if ours.n_iter_ != STEPS or difference > 1e-10:
        raise ValueError(
            f"the likelihoods differ by {difference:.1e} after "
            f"{ours.n_iter_} steps: find out why before comparing times"
        )
    size = {"sequences": N, "T": T, "K": ours.n_states, "steps": STEPS}
    return {**size, "relative_difference": float(difference), **times}


def long(T: int = 100_000, *, repeats: int = 5) -> dict:
    """Seconds of one log-likelihood, by both algorithms, which must agree.

    Raises:
        ValueError: they do not.
    """
    model = symbols(2, C=6)[0]
    X = model.sample(T, random_state=0)
    values = {}

    def run(algorithm):
        model.set_params(algorithm=algorithm)
        values[algorithm] = model.score(X)

    times = harness.contend(
        {name: lambda name=name: run(name) for name in ("scan", "scaled")},
        repeats=repeats,
    )
    if not np.isclose(values["scan"], values["scaled"], rtol=1e-12, atol=0):
        raise ValueError(f"the algorithms differ: {values}")
    return {"T": T, "K": 2, "log_likelihood": values["scan"], **times}


def main() -> dict:
    """Measure all, and keep the results."""
    size = {"N": 500, "T": 100}
    results = {
        "symbols": speed(symbols(16), **size),
        "signals": speed(signals(16), **size),
        "long": long(),
    }
    return harness.save("hmm", results)


if __name__ == "__main__":
    print(json.dumps(main()))
