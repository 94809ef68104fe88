"""Hidden chains: their parameters, and samples that keep to them."""

import pytest
import torch

from course.data import HiddenChain, casino, islands, motif, weather
from course.data.hmms import BASES
from course.seeding import seeded

CHAINS = {
    "casino": casino(),
    "weather": weather(),
    "islands": islands(),
    "motif": motif(every=10),
}
every_chain = pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)


@every_chain
def test_samples_have_the_frequencies_of_the_chain(chain):
    with seeded(0):
        x, z = chain.sample(1000, 120)
    K = len(chain.states)
    assert x.shape == (1000, 120, 1)
    assert x.dtype == z.dtype == torch.int64
    first = torch.bincount(z[:, 0], minlength=K) / 1000
    torch.testing.assert_close(first.double(), chain.start, atol=0.05, rtol=0)
    for rows, columns, truth in (
        (z[:, :-1], z[:, 1:], chain.transitions),
        (z, x[..., 0], chain.probs),
    ):
        count = torch.zeros_like(truth)
        flat = rows.flatten() * truth.shape[1] + columns.flatten()
        count.view(-1).index_add_(0, flat, torch.ones(flat.shape).double())
        share = count / count.sum(1, keepdim=True)
        torch.testing.assert_close(share, truth, atol=0.02, rtol=0)
        assert ((count > 0) <= (truth > 0)).all()


@every_chain
def test_names_fit_and_rows_sum_to_one(chain):
    assert chain.transitions.shape == (len(chain.states),) * 2
    assert chain.probs.shape == (len(chain.states), len(chain.symbols))
    for table in (chain.start, chain.transitions, chain.probs):
        torch.testing.assert_close(
            table.sum(-1), torch.ones_like(table.sum(-1))
        )


def test_the_long_run_is_where_the_casino_and_the_islands_start():
    for chain in (casino(), islands()):
        torch.testing.assert_close(chain.start @ chain.transitions, chain.start)


def test_samples_are_reproducible_and_fresh():
    with seeded(1):
        first, second = casino().sample(2, 50), casino().sample(2, 50)
    with seeded(1):
        again = casino().sample(2, 50)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], second[0])


def test_the_motif_is_planted_where_the_states_say():
    chain = motif("GATTACA", purity=1.0, every=5)
    with seeded(0):
        x, z = chain.sample(20, 100)
    begun = (z[:, :-6] == 1).nonzero()
    assert len(begun) > 100
    for n, t in begun.tolist():
        assert "".join(BASES[i] for i in x[n, t : t + 7, 0]) == "GATTACA"
        assert z[n, t : t + 7].tolist() == list(range(1, 8))
    assert chain.states[:3] == ("background", "1G", "2A")


def test_wrong_arguments_are_explained():
    for word in ("", "GATTUCA", "acgt"):
        with pytest.raises(ValueError, match="consensus"):
            motif(word)
    with pytest.raises(ValueError, match="purity"):
        motif(purity=0.0)
    with pytest.raises(ValueError, match="every"):
        motif(every=0)
    with pytest.raises(ValueError, match="n_steps"):
        casino().sample(1, 0)
    names = {"states": ("a", "b"), "symbols": ("x", "y")}
    eye = torch.eye(2)
    for tables in (
        (eye[0], eye, 2 * eye),
        (1.5 * eye[0], eye, eye),
        (eye[0], -eye, eye),
    ):
        with pytest.raises(ValueError, match="sum to 1"):
            HiddenChain(*tables, **names)


@pytest.mark.gpu
def test_a_chain_follows_its_buffers():
    x, z = casino().cuda().sample(3, 5)
    assert x.is_cuda
    assert z.is_cuda
