"""Blocks of events with required triggers: those of the same rounds whoever asks, and how many were drawn for them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.readers.simulated import SimulatedRunFile
from emiss.samples.config import Required, load_sample
from emiss.samples.recording import RESPONSE, drawn, seeds
from emiss.samples.response import Hits
from emiss.samples.simulate import Simulation, blocks_of, simulate

PHYSICS = Required(require=("physics",))
SIZE = 200


def _answering(detector, share):
    """Return a response of events with one cell, whose energy tells them apart, of which a share is physics."""

    def hits(events, draws):
        values, words = draws.response.random(events), draws.generation.random(events) < share
        columns = {"channel": np.zeros(events, np.int32), "energy": values, "time": np.zeros(events)}
        points = Lists.empty(events, {"plane": "i2", "position": "f8", "charge": "f8", "time": "f8"})
        return Hits(
            Lists(np.arange(events + 1), columns), points, words.astype(np.uint32), {"e_mu": values}, np.ones(events)
        )

    return SimpleNamespace(hits=hits, setup=SimpleNamespace(detector=detector))


def test_rounds_have_seeds_of_their_own_and_the_first_one_those_without_a_trigger(detector):
    response = _answering(detector, 0.25)
    free, number = drawn(response, None, SIZE, SIZE, seed=3, number=7)
    assert number == SIZE
    np.testing.assert_array_equal(free.truth["e_mu"], seeds(3, 7, RESPONSE).random(SIZE))
    hits, generated = drawn(response, PHYSICS, SIZE, SIZE, seed=3, number=7)
    # by hand: all rounds one after the other, and those that are physics of them
    rounds = range(40)
    words = np.concatenate([seeds(3, 7, 0, turn).random(SIZE) < 0.25 for turn in rounds])
    values = np.concatenate([seeds(3, 7, 1, turn).random(SIZE) for turn in rounds])
    kept = np.flatnonzero(words)[:SIZE]
    np.testing.assert_array_equal(hits.truth["e_mu"], values[kept])
    np.testing.assert_array_equal(hits.cells["energy"], values[kept])
    assert (hits.trigger == 1).all()
    assert generated == kept[-1] + 1
    assert generated == pytest.approx(SIZE / 0.25, abs=4 * np.sqrt(SIZE * 0.75) / 0.25)


def test_fewer_events_are_the_first_of_many(detector):
    response = _answering(detector, 0.25)
    many, _ = drawn(response, PHYSICS, SIZE, SIZE, seed=3, number=7)
    few, generated = drawn(response, PHYSICS, SIZE, 31, seed=3, number=7)
    np.testing.assert_array_equal(few.truth["e_mu"], many.truth["e_mu"][:31])
    assert len(few.cells) == len(few.points) == len(few.trigger) == 31
    words = seeds(3, 7, 0).random(SIZE) < 0.25
    assert generated == np.flatnonzero(words)[30] + 1


@pytest.fixture(scope="module")
def asking(tmp_path_factory):
    """A beam that makes the physics trigger one time in some ten."""
    path = tmp_path_factory.mktemp("asking") / "asking.yaml"
    path.write_text(
        "name: asking\nrole: background\nrun: 6150\nseed: 5\nevents: 60\ndetector: na64e_lfc\ncalib: demo\n"
        "beam: {energy: 100 GeV, size: 4 mm, divergence: 0.1 mrad, source: x}\n"
        "spill: {events: 250, start: 1660000000, period: 30 s, source: x}\n"
        "trigger: {require: physics, prescale: {beam: 100}}\nprocess: {kind: beam}\n",
        encoding="utf-8",
    )
    return load_sample(path)


def test_files_say_how_many_events_were_drawn(asking, detector, tmp_path):
    told = []
    simulate(asking, tmp_path / "a.root", exposure=lambda *said: told.append(said))
    simulate(asking, tmp_path / "a.dat", exposure=lambda *said: told.append(said))
    file = SimulatedRunFile(tmp_path / "a.root", detector)
    generated = file.metadata["generated"]
    assert told == [(generated, float(generated))] * 2
    assert file.on_target == generated > 2 * 60
    batch = next(iter(file.batches()))
    bits = detector.trigger_bits
    fired = 1 << bits["physics"] | 1 << bits["beam"]
    assert (batch.header["trigger"] & fired > 0).all()
    batch, _ = Simulation(asking).block(blocks_of(60)[0])
    assert batch.generated == generated
    np.testing.assert_array_equal(batch.header["trigger"], next(iter(file.batches())).header["trigger"])


def test_a_trigger_that_is_not_there_is_told_before_anything_is_made(asking):
    wrong = asking.model_copy(update={"trigger": Required(require=("fysics",))})
    with pytest.raises(UserError, match=r"no condition for a trigger 'fysics'.*did you mean 'physics'"):
        Simulation(wrong)
