"""Evidence enters; probabilities, posteriors and expected counts come out.

Derivatives do much of the work (A. Darwiche, A differential approach to
inference in Bayesian networks, 2003): one contraction gives p(evidence), and
its gradient the posteriors of all variables.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from course.models.bayesian_network.elimination import (
    Factor,
    contract,
    log_scale,
    product,
)
from course.models.bayesian_network.plan import Plan, make_plan
from course.models.bayesian_network.structure import Scope, Structure

Tables = list[Tensor]  # p(x_d | parents): axes parents..., d


def sizes_of(tables: Tables) -> list[int]:
    """The number of states of every variable."""
    return [table.shape[-1] for table in tables]


def with_unknown(table: Float[Tensor, "... S"]) -> Float[Tensor, "... T"]:
    """A table with one more state at the end, unknown: of probability 1."""
    return torch.cat([table, torch.ones_like(table[..., :1])], dim=-1)


def look_up(
    table: Tensor, family: Scope, states: Int64[Tensor, "D n"], known: set[int]
) -> Factor:
    """The entries of a table that agree with what every row knows."""
    table = with_unknown(table) if family[-1] in known else table
    scope = sorted(v for v in family if v not in known)
    given = [v for v in family if v in known]
    table = table.permute([family.index(v) for v in [*scope, *given]])
    index = states.new_zeros(states.shape[1] if given else 1)
    for v, size in zip(given, table.shape[len(scope) :], strict=True):
        index = index * size + states[v]
    table = table.reshape(*table.shape[: len(scope)], -1)
    return Factor(tuple(scope), table[..., index])


def allowed(
    states: Int64[Tensor, " n"], size: int, like: Tensor
) -> Float[Tensor, "S n"]:
    """One-hot columns for what is known, ones for what is not."""
    one_hot = torch.eye(size, dtype=like.dtype, device=like.device)
    return with_unknown(one_hot)[:, states]


def read(
    plan: Plan, tables: Tables, x: Float[Tensor, "n D"]
) -> tuple[list[Factor], list[Factor]]:
    """The tables with the evidence looked up, and the soft evidence."""
    states = state_numbers(tables, x)
    pairs = [(tables[f[-1]], f) for f in plan.families]
    factors = [look_up(t, f, states, plan.known) for t, f in pairs]
    sizes = sizes_of(tables)
    soft = {v: allowed(states[v], sizes[v], x) for v in sorted(plan.soft)}
    return factors, [Factor((v,), e, 0) for v, e in soft.items()]


def state_numbers(
    tables: Tables, x: Float[Tensor, "n D"]
) -> Int64[Tensor, "D n"]:
    """Columns of state numbers; one more than the last means unknown."""
    sizes = torch.tensor(sizes_of(tables)).to(x)
    return torch.where(x.isnan(), sizes, x).long().T.contiguous()


def log_evidence(
    structure: Structure, tables: Tables, x: Float[Tensor, "N D"]
) -> Float[Tensor, " N"]:
    """Log p(x_o) of every row, its unknown entries summed out."""
    plan = make_plan(structure, x, sizes_of(tables))
    log_p = []
    for block in x.split(plan.rows):
        factors, soft = read(plan, tables, block)
        log_p.append(log_scale(contract(factors + soft, plan.order), block))
    return torch.cat(log_p)


def joint_posterior(
    structure: Structure,
    tables: Tables,
    x: Float[Tensor, "N D"],
    *,
    query: list[int],
) -> Float[Tensor, "N ..."]:
    """p(query | x_o), one axis for each variable of the query, in its order."""
    keep = frozenset(query)
    plan = make_plan(structure, x, sizes_of(tables), keep=keep)
    axes = [sorted(keep).index(q) for q in query]
    parts = []
    for block in x.split(plan.rows):
        factors, soft = read(plan, tables, block)
        left = contract(factors + soft, plan.order)
        whole, *scales = product([f for f in left if f.scope])
        values = whole.values.expand(*whole.values.shape[:-1], len(block))
        total = values.sum(dim=tuple(range(len(query))))
        check_possible(total.log() + log_scale(left + scales, block))
        parts.append((values / total).permute(-1, *axes))
    return torch.cat(parts)


def all_posteriors(
    structure: Structure, tables: Tables, x: Float[Tensor, "N D"]
) -> list[Float[Tensor, "N S"]]:
    """p(x_d | x_o) for every variable d, from one gradient.

    With a factor e_d over each unknown variable, p(x_d | x_o) is
    e_d * d log p(x_o) / d e_d.
    """
    sizes = sizes_of(tables)
    plan = make_plan(structure, x, sizes, everything=True)
    parts = [[] for _ in sizes]
    for block in x.split(plan.rows):
        factors, soft = read(plan, tables, block)
        free = [f.values.requires_grad_() for f in soft]
        log_p = log_scale(contract(factors + soft, plan.order), block)
        check_possible(log_p)
        slopes = torch.autograd.grad(log_p.sum(), free) if free else ()
        states = state_numbers(tables, block)
        answer = {d: allowed(states[d], sizes[d], x) for d in plan.known}
        for f, slope in zip(soft, slopes, strict=True):
            answer[f.scope[0]] = f.values.detach() * slope
        for d, part in enumerate(parts):
            part.append(answer[d].T)
    return [torch.cat(part) for part in parts]


def expected_counts(
    structure: Structure, tables: Tables, x: Float[Tensor, "N D"]
) -> tuple[Float[Tensor, " N"], Tables]:
    """Log p(x_o) of every row, and sum_n p(x_d, parents | x_o) for every d.

    The counts of a table theta are theta * d sum_n log p(x_o) / d theta.
    """
    plan = make_plan(structure, x, sizes_of(tables), everything=True)
    free = [table.clone().requires_grad_() for table in tables]
    counts, parts = [torch.zeros_like(table) for table in tables], []
    for block in x.split(plan.rows):
        factors, soft = read(plan, free, block)
        log_p = log_scale(contract(factors + soft, plan.order), block)
        check_possible(log_p)
        slopes = torch.autograd.grad(log_p.sum(), free)
        for count, table, slope in zip(counts, tables, slopes, strict=True):
            count += table * slope
        parts.append(log_p.detach())
    return torch.cat(parts), counts


def check_possible(log_p: Float[Tensor, " n"]) -> None:
    """Every row of evidence can occur.

    Raises:
        ValueError: a row has probability 0; there is no posterior given it.
    """
    impossible = log_p.isneginf()
    if impossible.any():
        raise ValueError(
            f"{int(impossible.sum())} rows of evidence have probability 0, so "
            f"there is no posterior given them: find them with score_samples "
            f"(minus infinity), then correct them or smooth the tables"
        )
