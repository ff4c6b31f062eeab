"""The waveform stage: amplitude and time of synthetic pulses, flags, and the kernel against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import curve_fit

from reco import waveform_kernels as kernels

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


def test_a_saturated_pulse_is_recovered():
    charge, start, status = measure(pulses([40000.0], [103.0], sigma=1.2))
    assert status[0] == kernels.GOOD | kernels.SATURATED
    assert charge[0] == pytest.approx(40000.0, rel=0.02)
    assert start[0] == pytest.approx(103.0, abs=0.5)


def test_fewer_samples_than_the_array_is_wide():
    samples = pulses(9000.0, [100.0], samples=32)
    short = samples.copy()
    short[:, 20:] = 4000  # beyond the count: must not be looked at
    charge, start, status = measure(short, n=20)
    assert status[0] == kernels.GOOD
    assert abs(start[0] - 100.0) < 0.2
    assert charge[0] == pytest.approx(9000.0, rel=0.05)
