"""Pedestals against those that waveforms were made with, with pulses, tails of pulses and noisy channels among them."""

from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calibrate.calorimeters.pedestals import Pedestals
from emiss.calibrate.frame import Options, Sums
from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector


@pytest.fixture(scope="module")
def detector():
    return load_detector("na64e_lfc")


def _batch(rng, even, odd, sigma, events, pulses):
    """Waveforms of all channels; in a share `pulses` of the events all of them have one, of any size and age."""
    channels = len(even)
    base = np.where(np.arange(32) % 2, odd[:, None], even[:, None])
    values = base + sigma[:, None] * rng.normal(size=(events, channels, 32))
    hit = rng.random(events) < pulses
    late = np.maximum(np.arange(32) * 12.5 / 30.0 - rng.uniform(-8.0, 12.0, (events, 1, 1)), 0.0)
    sizes = rng.exponential(200.0, (events, channels, 1)) * (np.arange(channels) + 1)[:, None] / channels
    values += hit[:, None, None] * sizes * late * np.exp(1.0 - late)
    columns = {
        "channel": np.tile(np.arange(channels, dtype=np.int32), events),
        "samples": np.clip(np.rint(values), 0, 4095).astype(np.uint16).reshape(-1, 32),
        "n_samples": np.full(events * channels, 32, np.uint16),
    }
    return SimpleNamespace(sadc=Lists(np.arange(events + 1) * channels, columns))


def _derived(detector, batch, options=None):
    one = Pedestals(detector, options or Options())
    pilot = one.empty(None)
    one.add(batch, pilot, None)
    learned = one.learn(pilot)
    halves = []
    for rows in np.array_split(np.arange(len(batch.sadc)), 2):
        sums = one.empty(learned)
        one.add(SimpleNamespace(sadc=batch.sadc.take(rows)), sums, learned)
        sums.read = sums.used = len(rows)
        halves.append(sums)
    return one.finish(Sums.total(halves), learned).made[0]


def _truth(detector, rng):
    channels = len(detector.channels)
    return rng.uniform(100.0, 300.0, (2, channels)), rng.uniform(0.5, 1.0, channels)


def test_pedestals_and_noise_are_those_of_the_waveforms_whatever_pulses_are_among_them(detector):
    rng = np.random.default_rng(1)
    (even, odd), sigma = _truth(detector, rng)
    made = _derived(detector, _batch(rng, even, odd, sigma, 1500, 0.3))
    assert made.found.all()
    for column, true in (("even", even), ("odd", odd)):
        away = made.values[column] - true
        assert np.abs(away).max() < 0.1
        assert np.std(away / made.errors[column]) == pytest.approx(1.0, abs=0.2)
    assert made.values["sigma"] == pytest.approx(np.sqrt(sigma**2 + 1.0 / 12.0), rel=0.02)
    assert not made.eyes
    assert np.nanmedian(made.chi2) == pytest.approx(1.0, abs=0.4)


def test_noisy_silent_and_missing_channels_need_eyes(detector):
    rng = np.random.default_rng(2)
    (even, odd), sigma = _truth(detector, rng)
    sigma[3], sigma[5] = 12.0, 0.0
    batch = _batch(rng, even, odd, sigma, 400, 0.0)
    batch = SimpleNamespace(sadc=batch.sadc.rows(batch.sadc["channel"] != 7))
    made = _derived(detector, batch)
    eyes = dict(made.eyes)
    names = detector.channels
    assert "noisy" in eyes[names[3]]
    assert "no waveform" in eyes[names[7]]
    assert len(eyes) <= 3
    assert not made.found[7]


def test_waveforms_that_all_have_a_pulse_are_refused_but_their_first_samples_are_not(detector):
    rng = np.random.default_rng(3)
    (even, odd), sigma = _truth(detector, rng)
    batch = _batch(rng, even, odd, sigma, 300, 0.0)
    late = np.maximum((np.arange(32) - 8) * 12.5 / 30.0, 0.0)
    batch.sadc.columns["samples"][:] += np.rint(500.0 * late * np.exp(1.0 - late)).astype(np.uint16)
    with pytest.raises(UserError, match="random triggers"):
        _derived(detector, batch)
    made = _derived(detector, batch, Options(samples=8))
    assert np.abs(made.values["even"] - even).max() < 0.25
