"""The waveform stage: amplitude and time of synthetic pulses, flags, and the kernel against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import curve_fit

from emiss.events.batch import Batch
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry import waveform
from emiss.reco.calorimetry import waveform_kernels as kernels
from emiss.reco.calorimetry.waveform import HitStage, WaveformStage

PERIOD, RISE, FULL = 12.5, 30.0, 4095


def pulses(charge, start, *, even=120.0, odd=130.0, sigma=0.0, samples=32, seed=1):
    rng = np.random.default_rng(seed)
    charge, start = np.broadcast_arrays(np.asarray(charge, float), np.asarray(start, float))
    u = (np.arange(samples) * PERIOD - start[:, None]) / RISE
    shape = np.where(u > 0, u * np.exp(-np.maximum(u, 0)), 0) * PERIOD / RISE
    base = np.where(np.arange(samples) % 2, odd, even)
    values = base + charge[:, None] * shape + sigma * rng.normal(size=shape.shape)
    return np.clip(np.rint(values), 0, FULL).astype(np.uint16)


def measure(samples, *, sigma=1.2, n=None, before=4, after=8):
    size = len(samples)
    charge, start, status = np.empty(size), np.empty(size), np.empty(size, np.uint8)
    kernels.measure(
        samples,
        np.full(size, samples.shape[1] if n is None else n, np.uint16),
        np.arange(size) % 2,  # row of the constants
        np.full(2, 120.0),
        np.full(2, 130.0),
        np.full(2, sigma),
        6.0,
        before,
        after,
        FULL,
        PERIOD,
        RISE,
        kernels.scratch(samples.shape[1]),
        charge,
        start,
        status,
    )
    return charge, start, status


def test_charge_and_time_without_bias():
    rng = np.random.default_rng(2)
    true_charge, true_start = rng.uniform(500, 20000, 4000), rng.uniform(90, 115, 4000)
    charge, start, status = measure(pulses(true_charge, true_start, sigma=1.2))
    assert (status == kernels.GOOD).all()
    relative = charge / true_charge - 1.0
    assert abs(relative.mean()) < 0.003
    assert relative[true_charge > 5000].std() < 0.003
    assert abs((start - true_start).mean()) < 0.05
    assert (start - true_start)[true_charge > 5000].std() < 0.15


def test_the_time_of_a_noiseless_pulse_is_exact():
    start = np.linspace(95.0, 110.0, 50)
    _, found, _ = measure(pulses(20000.0, start))
    np.testing.assert_allclose(found, start, atol=0.05)  # rounding to whole ADC counts is left


@pytest.mark.parametrize("height", [40.0, 200.0, 2000.0])
def test_bias_and_resolution_are_those_of_the_noise(height):
    """Against the covariance of the two parameters that the derivatives of the pulse and the noise of the samples give."""
    rng = np.random.default_rng(9)
    true = rng.uniform(90, 115, 20000)
    samples = pulses(height * math.e * RISE / PERIOD, true, sigma=1.2, seed=10)
    charge, start, status = measure(samples)
    assert (status == kernels.GOOD).all()
    top = samples.argmax(axis=1)
    window = (np.arange(32) >= top[:, None] - 4) & (np.arange(32) <= top[:, None] + 8)
    u = np.maximum((np.arange(32) * PERIOD - true[:, None]) / RISE, 0.0)
    shape = np.where(window, u * np.exp(1.0 - u), 0.0)
    slope = np.where(window & (u > 0), height * (u - 1.0) * np.exp(1.0 - u) / RISE, 0.0)
    aa, at, tt = (shape**2).sum(axis=1), (shape * slope).sum(axis=1), (slope**2).sum(axis=1)
    noise = math.sqrt(1.2**2 + 1.0 / 12.0)  # and what rounding to whole counts adds
    scale = noise / np.sqrt(aa * tt - at**2)
    for pull in (
        (charge * PERIOD / RISE / math.e - height) / (scale * np.sqrt(tt)),
        (start - true) / (scale * np.sqrt(aa)),
    ):
        assert abs(pull.mean()) < 0.06  # of second order: a pulse is not linear in its start
        assert pull.std() == pytest.approx(1.0, abs=0.04)


def test_saturation_pile_up_and_nothing():
    quiet = pulses(0.0, [100.0], sigma=1.2)
    huge = pulses(60000.0, [100.0])
    double = (
        pulses(8000.0, [60.0]).astype(int) + pulses(8000.0, [220.0]).astype(int) - np.where(np.arange(32) % 2, 130, 120)
    )
    _, start, status = measure(np.concatenate([quiet, huge, double.astype(np.uint16)]))
    assert status.tolist() == [kernels.NO_PULSE, kernels.GOOD | kernels.SATURATED, kernels.GOOD | kernels.PILE_UP]
    assert math.isnan(start[0])
    assert abs(start[1] - 100.0) < 2.0


def test_the_fit_against_another_minimiser():
    samples = pulses([3000.0, 9000.0, 400.0, 30.0], [100.0, 105.0, 95.0, 100.0], sigma=1.2)
    charge, start, status = measure(samples)
    assert status[3] == kernels.NO_PULSE
    for row, got, when in zip(samples[:3].tolist(), charge, start, strict=False):
        values = np.array([v - (130.0 if k % 2 else 120.0) for k, v in enumerate(row)])
        top = int(values.argmax())
        window = np.arange(max(0, top - 4), top + 9)

        def pulse(k, amplitude, time):
            u = np.maximum((k * PERIOD - time) / RISE, 0.0)
            return amplitude * u * np.exp(1.0 - u)

        best, _ = curve_fit(pulse, window, values[window], p0=(values[top], top * PERIOD - RISE))
        assert got == pytest.approx(best[0] * math.e * RISE / PERIOD, rel=1e-3)
        assert when == pytest.approx(best[1], abs=0.02)


@pytest.mark.parametrize("over", [1.5, 3.0, 8.0, 20.0])
def test_a_saturated_pulse_is_recovered(over):
    """Many times the full scale, at any phase of the clock: what it comes down with tells size and time."""
    full = 3900.0 * math.e * RISE / PERIOD
    true = np.linspace(90.0, 110.0, 41)
    charge, start, status = measure(pulses(over * full, true, sigma=1.2))
    assert (status == kernels.GOOD | kernels.SATURATED).all()
    np.testing.assert_allclose(charge, over * full, rtol=0.05)
    np.testing.assert_allclose(start, true, atol=1.5)


def test_a_pulse_that_saturates_to_the_end_has_its_time():
    samples = pulses(8.0 * 3900.0 * math.e * RISE / PERIOD, [300.0])
    _, start, status = measure(samples)
    assert status[0] == kernels.GOOD | kernels.SATURATED
    assert start[0] == pytest.approx(300.0, abs=PERIOD)


def test_fewer_samples_than_the_array_is_wide():
    samples = pulses(9000.0, [100.0], samples=32)
    short = samples.copy()
    short[:, 20:] = 4000  # beyond the count: must not be looked at
    charge, start, status = measure(short, n=20)
    assert status[0] == kernels.GOOD
    assert abs(start[0] - 100.0) < 0.2
    assert charge[0] == pytest.approx(9000.0, rel=0.05)


def unit_pulse(start):
    u = np.maximum((np.arange(32) * PERIOD - start[:, None]) / RISE, 0.0)
    return u * np.exp(1.0 - u)


@pytest.mark.parametrize("height", [10.0, 20.0, 60.0])
def test_small_pulses_reach_the_best_fit_there_is(height):
    """Against a scan of all start times with the best amplitude at each, in plain NumPy.

    Near the start of a pulse the sum of squares has a kink at every sample, where a descent may come to rest.
    """
    rng = np.random.default_rng(3)
    true = rng.uniform(90, 115, 1000)
    samples = pulses(height * math.e * RISE / PERIOD, true, sigma=1.2, seed=4)
    charge, start, status = measure(samples)
    found = status > 0
    assert found.mean() > 0.8
    values = samples - np.where(np.arange(32) % 2, 130.0, 120.0)
    top = values.argmax(axis=1)
    window = (np.arange(32) >= top[:, None] - 4) & (np.arange(32) <= top[:, None] + 8)

    def rest(amplitude, time):
        return (np.where(window, values - amplitude[:, None] * unit_pulse(time), 0.0) ** 2).sum(axis=1)

    best = np.full(len(values), np.inf)
    for shift in np.arange(-45.0, 45.0, 0.25):
        time = top * PERIOD - RISE + shift
        shape = np.where(window, unit_pulse(time), 0.0)
        amplitude = (shape * values).sum(axis=1) / np.maximum((shape**2).sum(axis=1), 1e-9)
        best = np.minimum(best, rest(np.maximum(amplitude, 0.0), time))
    got = rest(charge * PERIOD / RISE / math.e, start)
    noise = 1.2**2
    assert ((got - best)[found] / noise).max() < 1e-6


def test_a_single_pulse_is_not_taken_for_two():
    rng = np.random.default_rng(5)
    charge = rng.uniform(60, 3000, 20000)
    _, _, status = measure(pulses(charge, rng.uniform(90, 115, 20000), sigma=1.2))
    assert np.mean(status > kernels.GOOD) < 2e-4


def test_every_second_pulse_of_some_size_is_seen():
    rng = np.random.default_rng(6)
    first, second = rng.uniform(2000, 20000, 500), rng.uniform(0.3, 1.0, 500)
    early = pulses(first, [100.0] * 500, sigma=1.2).astype(int)
    late = pulses(first * second, rng.uniform(200, 300, 500), even=0.0, odd=0.0)
    _, _, status = measure((early + late).clip(0, FULL).astype(np.uint16))
    assert np.mean((status & kernels.PILE_UP) > 0) > 0.99


@pytest.fixture(scope="module")
def raw_stage(detector, conditions):
    stage = WaveformStage(detector)
    stage.begin_run(conditions.for_run(6101))
    return stage


def digits(detector, conditions, events):
    """Return a batch of events given as lists of (channel name, energy, time), with the pulses of the demo's constants."""
    rows = [row for event in events for row in event]
    channel = np.array([detector.channel_number[name] for name, _, _ in rows])
    run = conditions.for_run(6101)
    pedestal, gain, time = (run.get(f"sadc.{kind}", detector.channels) for kind in ("pedestal", "gain", "time"))
    base = np.where(np.arange(32) % 2, pedestal["odd"][channel, None], pedestal["even"][channel, None])
    start = np.array([time for _, _, time in rows]) + time["offset"][channel]
    charge = np.array([energy for _, energy, _ in rows]) / gain["gain"][channel]
    values = base + (charge * PERIOD / RISE / math.e)[:, None] * unit_pulse(start)
    columns = {
        "channel": channel.astype(np.int32),
        "samples": np.clip(np.rint(values), 0, FULL).astype(np.uint16),
        "n_samples": np.full(len(rows), 32, np.uint16),
    }
    offsets = offsets_of(np.array([len(event) for event in events]))
    return Batch(
        run=6101, entries=(0, len(events)), header={"entry": np.arange(len(events))}, sadc=Lists(offsets, columns)
    )


def test_the_stage_gives_energies_and_times_relative_to_s0(detector, conditions, raw_stage):
    full = [("S0.0.0", 0.001, 3.0), ("ECAL1.2.2", 50.0, 4.0), ("HCAL1.1.1", 2.5, 1.0), ("HCAL0.0.0", 0.0, 3.0)]
    without_s0 = [("ECAL1.2.2", 50.0, 4.0)]
    saturated = [("S0.0.0", 0.001, 0.0), ("ECAL1.2.2", 400.0, 0.0)]
    out = raw_stage(digits(detector, conditions, [full, without_s0, [("HCAL0.0.0", 0.0, 0.0)], saturated]), {})
    cells, bits = out["cells"], QUALITY_BITS
    assert cells.counts.tolist() == [3, 1, 0, 2]
    np.testing.assert_allclose(cells["energy"][:4], [0.001, 50.0, 2.5, 50.0], rtol=0.01)
    np.testing.assert_allclose(cells["time"], [3.0, 1.0, -2.0, 4.0, 0.0, 0.0], atol=0.5)
    lacking, empty = 1 << bits["no_start_time"], 1 << bits["no_pulse"]
    assert out["quality"].tolist() == [0, lacking, lacking | empty, 0]
    assert cells["quality"].tolist() == [0, 0, 0, 0, 0, 1 << bits["saturated"]]


def test_the_cells_of_the_stage_are_the_pulses_of_its_waveforms(detector, conditions, raw_stage):
    """Event by event against `measure`, with pulses of all sizes, late ones and two in one waveform."""
    rng = np.random.default_rng(7)
    names = np.array(detector.channels)
    events = [
        [("S0.0.0", 0.0005, 0.0)] * (number % 3 > 0)
        + [(name, 10.0 ** rng.uniform(-4, 2), rng.uniform(-20, 60)) for name in rng.choice(names[4:], 12)]
        for number in range(40)
    ]
    batch = digits(detector, conditions, events)
    batch.sadc["samples"][::5, 20:] += 300
    out = raw_stage(batch, {})["cells"]
    constants = {
        name: values
        for kind in ("pedestal", "gain", "time")
        for name, values in conditions.for_run(6101).get(f"sadc.{kind}", detector.channels).items()
    }
    charge, start, status = waveform.measure(batch.sadc, constants, raw_stage._settings[0])
    found, channel = status > 0, batch.sadc["channel"]
    energy, time = charge * constants["gain"][channel], start - constants["offset"][channel]
    np.testing.assert_array_equal(out.parents, batch.sadc.parents[found])
    np.testing.assert_array_equal(out["channel"], channel[found])
    np.testing.assert_allclose(out["energy"], energy[found], rtol=1e-14)
    zero = np.zeros(len(batch))
    reference = found & (channel == detector.channel_number["S0.0.0"])
    zero[batch.sadc.parents[reference]] = time[reference]
    shifted = np.where(reference, time, time - zero[batch.sadc.parents])
    np.testing.assert_allclose(out["time"], shifted[found], atol=1e-11)
    for bit, flag in (("saturated", kernels.SATURATED), ("pile_up", kernels.PILE_UP)):
        told = (out["quality"] & (1 << QUALITY_BITS[bit])) > 0
        np.testing.assert_array_equal(told, (status[found] & flag) > 0)
        assert told.any()


def test_hits_without_s0_are_flagged_as_in_raw_data(detector):
    columns = {
        "channel": np.array([detector.channel_number[name] for name in ("S0.0.0", "S1.0.0", "S1.0.0")], np.int32),
        "energy": np.full(3, 0.001),
        "time": np.zeros(3),
    }
    cells = Lists(np.array([0, 2, 3, 3]), columns)
    batch = Batch(run=6101, entries=(0, 3), header={"entry": np.arange(3)}, cells=cells)
    lacking, empty = 1 << QUALITY_BITS["no_start_time"], 1 << QUALITY_BITS["no_pulse"]
    assert HitStage(detector)(batch, {})["quality"].tolist() == [0, lacking, lacking | empty]


def test_what_the_kernels_call_is_compiled_with_them():
    """Else the last bits of a table depend on whether its process has compiled the kernels, or found them on disk."""
    called = [
        f for name, f in vars(kernels).items() if hasattr(f, "targetoptions") and name not in ("measure", "cells")
    ]
    assert len(called) > 5
    assert all(f.targetoptions.get("forceinline") for f in called)
