"""Splitting against brute force: the same means, with less spread where events are split for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emiss.configs.errors import UserError
from emiss.samples.config import Splitting, load_sample
from emiss.samples.response import Draws
from emiss.samples.simulate import Simulation, simulate
from emiss.samples.splitting import chosen, taken

PARTS = 12


def _split(name, **rule):
    sample = load_sample(name)
    return sample.model_copy(update={"splitting": Splitting(**rule)})


def _sums(simulation, observed):
    """Return weighted numbers of what is observed per event, in each of `PARTS` blocks."""
    blocks = simulation.blocks(PARTS * 1000)
    return np.array([observed(batch) @ batch.header["weight"] / 1000 for batch, _ in blocks])


def test_one_muon_behind_a_pair_is_as_frequent_as_without_splitting():
    # pairs of which one muon ends in the ECAL, or is beside the HCAL: one in fifty
    def lone(batch):
        return np.stack([(batch.truth["n_mu_exit"] == 1), (batch.truth["n_mu_exit"] == 2), np.ones(len(batch))])

    brute = _sums(Simulation(load_sample("dimuon")), lone)
    rule = {"before": "hcal", "copies": 10, "muons": 1, "muon_energy": 3.0}
    split = _sums(Simulation(_split("dimuon", **rule), seed=5), lone)
    means = [each.mean(axis=0) for each in (brute, split)]
    errors = [each.std(axis=0, ddof=1) / np.sqrt(PARTS) for each in (brute, split)]
    pulls = (means[0] - means[1])[:2] / np.hypot(errors[0], errors[1])[:2]
    assert np.abs(pulls).max() < 4.0
    assert means[1][2] == pytest.approx(1.0, abs=0.05)


def test_copies_share_their_past_and_not_their_future():
    simulation = Simulation(_split("pion_decay", before="hcal", copies=50, energy=(50.0, 70.0)))
    passed = simulation.response.passage(400, Draws(np.random.default_rng(1), np.random.default_rng(2)))
    seen, parts = passed.passage.seen, simulation.response.walk.parts
    np.testing.assert_allclose(
        (seen.deposited + seen.leaked).sum(axis=1) + seen.lost.sum(axis=1), passed.began, rtol=1e-9
    )
    past = seen.deposited[:, parts.index("ecal")]
    future = seen.deposited[:, parts.index("hcal")]
    same = np.flatnonzero(np.diff(past) == 0.0)
    assert len(same) > 100
    assert (np.diff(future)[same] != 0.0).mean() > 0.99
    np.testing.assert_array_equal(passed.weight[same], passed.weight[same + 1])
    assert passed.weight.sum() == pytest.approx(400, rel=0.2)
    assert (np.diff(passed.event) >= 0).all()
    assert passed.main.sum() == 400


@given(arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([1.0, 3.0, 100.0])), st.integers(0, 99))
def test_what_is_chosen_comes_as_often_as_it_should(importance, seed):
    events, weights = chosen(importance, np.random.default_rng(seed))
    mean = len(importance) * importance / importance.sum()
    times = np.bincount(events, minlength=len(importance))
    assert (np.abs(times - mean) <= 1.0 + 1e-9).all()
    np.testing.assert_allclose(weights * mean[events], 1.0)


def test_the_mean_weight_of_each_event_is_one():
    importance = np.array([1.0, 7.0, 1.0, 2.0])
    rng, total = np.random.default_rng(3), np.zeros(4)
    for _ in range(4000):
        events, weights = chosen(importance, rng)
        total += np.bincount(events, weights, minlength=4)
    np.testing.assert_allclose(total / 4000, 1.0, atol=0.1)


@given(st.lists(st.integers(0, 6), max_size=30), st.lists(st.integers(0, 6), max_size=10))
def test_all_that_belongs_to_an_owner_is_found(owner, wanted):
    found, turn = taken(np.array(owner, np.int64), np.array(wanted, np.int64))
    expected = [(k, one) for one, who in enumerate(wanted) for k, its in enumerate(owner) if its == who]
    assert list(zip(found.tolist(), turn.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"before": "hcall"}, "has no part 'hcall'"), ({"before": "ecal"}, "the part 'ecal' begins before it")],
)
def test_a_place_that_cannot_be_is_told(changes, message):
    with pytest.raises(UserError, match=message):
        _ = Simulation(_split("dimuon", **{"before": "hcal", "copies": 3, "muons": 1, **changes})).generator


def test_raw_files_have_no_weights(tmp_path):
    with pytest.raises(UserError, match="raw files hold no weights: sample 'dimuon' has 'splitting'"):
        simulate(_split("dimuon", before="hcal", copies=3, muons=1), tmp_path / "a.dat", events=10)
