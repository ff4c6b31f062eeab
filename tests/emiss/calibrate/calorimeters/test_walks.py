"""Time walk against that which times were made with."""

import numpy as np
import pytest

from emiss.calibrate.calorimeters.walks import Walks
from emiss.calibrate.frame import Options
from emiss.configs.errors import UserError
from tests.emiss.calibrate.pulses import Batch, derived, pulses

SEEN = 30
"""Channels with pulses."""


def _batches(detector, rng, slope, q0, events=2000, parts=2):
    """Pulses in the first channels of events: times relative to a reference that has a walk, too, as they are measured."""
    channels, own = len(detector.channels), detector.reference > 0
    offset = rng.uniform(80.0, 120.0, channels)
    for _ in range(parts):
        charge = q0 * np.exp(rng.normal(0.0, 0.6, (events, channels)))
        late = slope * (np.sqrt(q0 / charge) - 1.0)
        time = offset + late + rng.normal(0.0, 1.0, (events, channels))
        reference = (late + rng.normal(0.0, 0.5, (events, channels))) @ detector.reference / detector.reference.sum()
        time -= np.where(own, 0.0, reference[:, None])
        charge[:, SEEN:] = np.nan
        yield Batch(header={"spill": np.ones(events)}, pulses=pulses(charge, time))


@pytest.fixture(scope="module")
def found(detector, conditions):
    rng, channels = np.random.default_rng(2), len(detector.channels)
    slope, q0 = rng.uniform(-2.0, 2.0, channels), rng.uniform(600.0, 3000.0, channels)
    batches = list(_batches(detector, rng, slope, q0))
    return derived(Walks, detector, conditions.for_run(6101), batches), slope, q0


def test_walks_of_two_nanoseconds_are_found_to_a_tenth_with_pulls_of_width_one(found, detector):
    made, slope, q0 = found[0].made[0], found[1][:SEEN], found[2][:SEEN]
    assert made.found.tolist() == [number < SEEN for number in range(len(detector.channels))]
    assert {why for _, why in made.eyes} == {"dead or not hit: no pulse"}
    value, error, charge = (one[:SEEN] for one in (made.values["slope"], made.errors["slope"], made.values["charge"]))
    true = slope * np.sqrt(q0 / charge)  # relative to the charge of the table
    assert np.abs(value - true).max() < 0.4
    assert np.sqrt(np.mean(np.square(value - true))) < 0.1
    assert 0.7 < np.std((value - true) / error) < 1.3
    assert np.nanmedian(made.chi2) == pytest.approx(1.0, abs=0.3)
    number = int(np.flatnonzero(detector.reference)[0])
    assert value[number] == pytest.approx(true[number], abs=0.1)


def test_pulses_of_one_size_tell_nothing_of_a_walk(detector, conditions):
    rng, channels = np.random.default_rng(3), len(detector.channels)
    batches = list(_batches(detector, rng, np.zeros(channels), np.full(channels, 1000.0), events=800, parts=1))
    charge = batches[0].pulses.charge
    charge[batches[0].pulses.channel == 5] = 1000.0
    batches[0] = Batch(header=batches[0].header, pulses=batches[0].pulses._replace(charge=charge))
    made = derived(Walks, detector, conditions.for_run(6101), batches).made[0]
    assert "of one size" in dict(made.eyes)[detector.channels[5]]
    assert not made.found[5]


def test_events_without_a_reference_are_refused(detector, conditions):
    channels = len(detector.channels)
    charge = np.full((50, channels), 1000.0)
    charge[:, detector.reference > 0] = np.nan
    batch = Batch(header={"spill": np.ones(50)}, pulses=pulses(charge, np.full(charge.shape, np.nan)))
    with pytest.raises(UserError, match="no event has a pulse in a reference"):
        derived(Walks, detector, conditions.for_run(6101), [batch], Options())
