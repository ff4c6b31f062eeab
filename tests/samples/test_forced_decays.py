"""Forced decays against natural ones: the same muons from hadrons that fly through a gap, by weight and by luck."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from emiss.samples.config import load_sample
from emiss.samples.generators import generator_of
from emiss.samples.simulate import Simulation
from emiss.samples.walk.tracks import ENERGY, MUON, PDG, ROW, TX, TY, Z
from emiss.samples.walk.walking import Passage

HADRONS, FORCED = 30_000, 10_000


def _generator(setup, name, beam=None, **process):
    sample = load_sample(name)
    return generator_of(
        sample.model_copy(
            update={
                "process": sample.process.model_copy(update=process),
                "beam": sample.beam.model_copy(update={"divergence": 0.0, **(beam or {})}),
            }
        ),
        setup,
    )


@pytest.fixture(scope="module")
def walk():
    return Simulation(load_sample("kaon_decay")).response.walk


def _muons(walk, tracks, z, seed):
    """Return muons among tracks that have flown to `z`, with decays on the way, and the energy that was lost by row."""
    passage = Passage(walk.nothing(int(tracks[:, ROW].max()) + 1))
    left = walk.move(tracks, z, passage, np.random.default_rng(seed))
    return left[np.abs(left[:, PDG]) == MUON], passage.seen


@pytest.mark.parametrize(("name", "energy"), [("kaon_decay", 15.0), ("pion_decay", 4.0)])
def test_forced_decays_are_natural_decays(setup, walk, name, energy):
    """Hadrons that decay by luck (some 2 to 4 %) against all of them made to, whose weights say how many do."""
    generator = _generator(setup, name, {"energy": energy, "spread": 0.1}, modes="all", begin=-5000.0, end=0.0)
    rng = np.random.default_rng(4)
    hadrons = generator.beam(HADRONS, rng).tracks()
    hadrons[:, Z] = generator.takes_over
    forced = hadrons[:FORCED].copy()
    natural, _ = _muons(walk, hadrons, 0.0, 5)
    products = generator.products(forced, rng)
    made, _ = _muons(walk, products.tracks, 0.0, 6)
    weight = products.weight[made[:, ROW].astype(int)] * generator.chance * HADRONS / FORCED
    assert len(natural) > 500
    assert weight.sum() == pytest.approx(len(natural), abs=3.5 * np.sqrt(len(natural)))
    one, other = ([m[:, ENERGY], np.hypot(m[:, TX], m[:, TY]) * m[:, ENERGY]] for m in (natural, made))
    for by_luck, by_force in zip(one, other, strict=True):
        bins = np.quantile(by_luck, np.linspace(0, 1, 7))
        counts, _ = np.histogram(by_luck, bins)
        found, _ = np.histogram(by_force, bins, weights=weight)
        squares, _ = np.histogram(by_force, bins, weights=weight**2)
        assert np.abs((found - counts) / np.sqrt(counts + squares)).max() < 4.0


def test_forced_decays_keep_the_energy_and_stay_in_their_range(setup):
    generator = _generator(setup, "kaon_decay", modes="muon", begin=-900.0, end=-300.0, branching_ratio=0.669)
    arrived = generator.beam(3000, np.random.default_rng(1)).tracks()
    arrived[:, Z] = generator.takes_over
    products = generator.products(arrived, np.random.default_rng(2))
    tracks = products.tracks
    total = np.bincount(tracks[:, ROW].astype(int), tracks[:, ENERGY]) + products.lost["neutrino"]
    np.testing.assert_allclose(total, arrived[:, ENERGY], rtol=1e-12)
    assert -900.0 <= tracks[:, Z].min() < -890.0
    assert -310.0 < tracks[:, Z].max() <= -300.0
    muons = np.bincount(tracks[np.abs(tracks[:, PDG]) == MUON, ROW].astype(int), minlength=3000)
    assert (muons == 1).all()
    three = len(tracks) / 3000 - 1.0  # a pi0 beside the muon, K_mu3
    assert three == pytest.approx(0.0335 / (0.6356 + 0.0335), abs=0.015)
    assert products.weight is None  # no spread of the momentum


def test_what_is_wrong_with_a_range_or_a_ratio_is_said(setup):
    process = load_sample("kaon_decay").process
    with pytest.raises(ValidationError, match=r"modes 'muon' of the kaon is 0\.6691, not 0\.6356"):
        type(process).model_validate({**process.model_dump(), "modes": "muon"})
    with pytest.raises(ValueError, match=r"not a range before the target"):
        _generator(setup, "kaon_decay", begin=100.0)
