"""Fits of templates against scipy's least squares, against pulses that were put in, and templates that are learned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares

from emiss.calib.templates import Template
from emiss.events.lists import Lists
from emiss.reco.calorimetry import learning
from emiss.reco.calorimetry.templates import Shape, grid, share
from emiss.reco.calorimetry.waveform import Settings, measure_pulses
from emiss.reco.calorimetry.waveform_kernels import GOOD, PILE_UP, SATURATED

PERIOD, RISE, FULL, LEVEL, SIGMA = 12.5, 30.0, 4095, 200.0, 1.2
SETTINGS = Settings(PERIOD, RISE, 7.0, 4, 8, FULL, pulses=2, template=True)
AREA = np.e * RISE / PERIOD


def pulse_of(up: float, down: float, smear: float, rise: float = RISE):
    """Return a smooth pulse, two exponentials smeared, over its height, with half of it where the nominal pulse has that."""
    times = np.arange(-200.0, 900.0, 0.1)
    late = np.maximum(times, 0.0)
    kernel = np.exp(-0.5 * (np.arange(-6.0, 6.001, 0.1 / smear)) ** 2)
    values = np.convolve(np.exp(-late / down) - np.exp(-late / up), kernel / kernel.sum(), "same")
    values /= values.max()
    at = int(np.argmax(values > 0.5))
    half = np.interp(0.5, values[at - 1 : at + 1], times[at - 1 : at + 1])
    spline = CubicSpline(times, values)
    return lambda t: spline(np.asarray(t) + half - learning.HALF * rise)


SLOW, FAST = pulse_of(10.0, 35.0, 4.0), pulse_of(6.0, 28.0, 4.0)


def template_of(*shapes, heights=(100.0, 2000.0)) -> Template:
    knots = learning.Knots.of(RISE)
    values = np.array([shape(knots.times()) for shape in shapes])
    return Template(np.array(heights[: len(shapes)]), knots.first, knots.step, values)


def waveforms(pulses, shape=SLOW, *, seed=1, sigma=SIGMA, samples=32, period=PERIOD, full=FULL):
    """Return samples of pulses given as heights and starts, arrays of shape (D,)."""
    size = len(pulses[0][1])
    values = LEVEL + sigma * np.random.default_rng(seed).normal(size=(size, samples))
    for height, start in pulses:
        values += np.reshape(height, (-1, 1)) * shape(np.arange(samples) * period - start[:, None])
    return np.clip(np.rint(values), 0, full).astype(np.uint16)


def measure(samples, template, settings=SETTINGS, sigma=SIGMA):
    """Return heights, starts, status and chi2, each of shape (D, 2)."""
    size, longest = samples.shape
    digits = Lists(
        np.array([0, size]),
        {"channel": np.zeros(size, np.int32), "samples": samples, "n_samples": np.full(size, longest, np.uint16)},
    )
    constants = {"even": np.full(1, LEVEL), "odd": np.full(1, LEVEL), "sigma": np.full(1, sigma)}
    found = np.empty((size, 2)), np.empty((size, 2)), np.zeros((size, 2), np.uint8), np.empty((size, 2))
    made = None
    if template is not None:
        sampling = {"period": settings.period, "rise": settings.rise, "samples": longest}
        made = grid([template], np.zeros(1, np.int64), **sampling)
    measure_pulses(digits, np.arange(size), constants, settings, made, found)
    return found[0] * settings.period / (np.e * settings.rise), *found[1:]


def starts(size, seed=2, period=PERIOD):
    return 100.0 + period * np.random.default_rng(seed).random(size)


def test_one_pulse_is_that_of_least_squares():
    start = starts(30)
    heights = np.geomspace(20.0, 3500.0, 30)
    samples = waveforms([(heights, start)])
    template = template_of(SLOW)
    height, found, status, chi2 = measure(samples, template)
    assert (status[:, 0] == GOOD).all()
    shape = Shape(template, RISE)
    noise = np.sqrt(SIGMA**2 + 1.0 / 12.0)
    for row in range(30):
        values = samples[row] - LEVEL
        top = int(values.argmax())
        window = np.arange(top - 4, top + 9)

        def left(x, window=window, values=values):
            return (values[window] - x[0] * shape(window * PERIOD - x[1])[0]) / noise

        best = least_squares(left, [heights[row], start[row]], x_scale=[heights[row], 1.0], xtol=1e-12, ftol=1e-12)
        assert height[row, 0] == pytest.approx(best.x[0], rel=1e-4)
        assert found[row, 0] == pytest.approx(best.x[1], abs=0.01)
        assert chi2[row, 0] == pytest.approx(2.0 * best.cost / 11.0, rel=2e-3, abs=5e-3)


@pytest.mark.parametrize("template", [True, False])
def test_two_pulses_are_those_of_least_squares(template):
    """Of templates, and of the analytic pulse, which is fitted from sums that are made once."""
    shape = SLOW if template else (lambda t: np.maximum(t / RISE, 0.0) * np.exp(1.0 - np.maximum(t / RISE, 0.0)))
    rng = np.random.default_rng(3)
    start, apart, part = starts(40), rng.uniform(28.0, 150.0, 40), rng.uniform(0.3, 1.0, 40)
    samples = waveforms([(1500.0, start), (1500.0 * part, start + apart)], shape)
    height, found, status, chi2 = measure(samples, template_of(SLOW) if template else None)
    assert (status == GOOD | PILE_UP).all()
    noise = np.sqrt(SIGMA**2 + 1.0 / 12.0)
    clock = np.arange(32) * PERIOD
    spline = Shape(template_of(SLOW), RISE)

    def fitted(time):
        return spline(time)[0] if template else shape(time)

    for row in range(40):

        def left(x, row=row):
            return (samples[row] - LEVEL - x[0] * fitted(clock - x[1]) - x[2] * fitted(clock - x[3])) / noise

        first = [1500.0, start[row], 1500.0 * part[row], start[row] + apart[row]]
        best = least_squares(left, first, x_scale=[1500.0, 1.0, 1500.0, 1.0], xtol=1e-13, ftol=1e-13)
        order = [0, 1] if best.x[0] >= best.x[2] else [1, 0]
        np.testing.assert_allclose(height[row], best.x[::2][order], rtol=2e-3)
        np.testing.assert_allclose(found[row], best.x[1::2][order], atol=0.03)
        assert chi2[row] == pytest.approx(2.0 * best.cost / 28.0, rel=5e-3)


def test_a_pulse_between_two_slices_is_fitted_with_both():
    both = template_of(FAST, SLOW)
    low, part = share(both.heights, np.array([10.0, 100.0, np.sqrt(100.0 * 2000.0), 5000.0]))
    assert low.tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(part, [0.0, 0.0, 0.5, 1.0])
    height = 100.0 * 20.0**0.5
    samples = waveforms([(height, starts(400))], lambda t: 0.5 * (FAST(t) + SLOW(t)))
    for template, good in ((both, True), (template_of(SLOW), False)):
        found, _, _, chi2 = measure(samples, template)
        assert bool(abs(found[:, 0].mean() / height - 1.0) < 1e-3) is good
        assert bool(np.mean(chi2[:, 0]) < 1.2) is good


@pytest.mark.parametrize("over", [1.2, 2.0, 4.0])
def test_a_saturated_pulse_is_recovered(over):
    start = starts(300)
    height, found, status, chi2 = measure(waveforms([(over * (FULL - LEVEL), start)]), template_of(SLOW))
    assert (status[:, 0] == GOOD | SATURATED).all()
    np.testing.assert_allclose(height[:, 0], over * (FULL - LEVEL), rtol=0.02)
    assert np.abs(found[:, 0] - start).max() < 0.5
    assert np.mean(chi2[:, 0]) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("template", [True, False])
def test_a_second_equal_pulse_50_ns_away_is_measured_without_bias(template):
    shape = SLOW if template else (lambda t: np.maximum(t / RISE, 0.0) * np.exp(1.0 - np.maximum(t / RISE, 0.0)))
    for height in (60.0, 1500.0):
        start = starts(1000)
        samples = waveforms([(height, start), (height, start + 50.0)], shape)
        found, _, status, _ = measure(samples, template_of(SLOW) if template else None)
        both = status[:, 1] > 0
        assert both.mean() > 0.98
        assert np.abs(found[both].mean(axis=0).mean() / height - 1.0) < 0.005


@pytest.mark.parametrize(
    ("settings", "rise", "apart"), [(SETTINGS, 30.0, 25.0), (None, 12.0, 12.0), (None, 30.0, 12.0)]
)
def test_pulses_as_near_as_that_are_told_apart(settings, rise, apart):
    """25 ns with samples of 12.5 ns, 12 ns with 4 ns, of the shapes that the analytic fit knows."""

    def shape(t):
        return np.maximum(t / rise, 0.0) * np.exp(1.0 - np.maximum(t / rise, 0.0))

    period = PERIOD if settings else 4.0
    how = settings or Settings(period, rise, 7.0, 6 if rise < 20 else 12, 12 if rise < 20 else 25, FULL, 2)
    start = starts(500, period=period)
    samples = waveforms(
        [(1000.0, start), (700.0, start + apart)], shape, samples=32 if settings else 128, period=period
    )
    height, found, status, _ = measure(samples, None, how)
    both = status[:, 1] > 0
    assert both.mean() > 0.98
    early = found.argmin(axis=1)
    assert height[both, early[both]].mean() == pytest.approx(1000.0, rel=0.02)
    assert np.abs(found.max(axis=1) - found.min(axis=1) - apart)[both].mean() < 2.0


def test_one_pulse_is_not_taken_for_two():
    heights = np.geomspace(15.0, 3800.0, 6000)
    _, _, status, chi2 = measure(waveforms([(heights, starts(6000))]), template_of(SLOW))
    assert (status[:, 1] > 0).mean() < 1e-3
    assert np.mean(chi2[:, 0]) == pytest.approx(1.0, abs=0.06)


def test_a_channel_without_a_template_has_the_analytic_pulse():
    samples = waveforms([(500.0, starts(20))])
    size = len(samples)
    digits = Lists(
        np.array([0, size]),
        {"channel": np.zeros(size, np.int32), "samples": samples, "n_samples": np.full(size, 32, np.uint16)},
    )
    constants = {"even": np.full(1, LEVEL), "odd": np.full(1, LEVEL), "sigma": np.full(1, SIGMA)}
    made = []
    for one in (grid([], np.full(1, -1), period=PERIOD, rise=RISE, samples=32), None):
        found = np.empty((size, 1)), np.empty((size, 1)), np.zeros((size, 1), np.uint8), np.empty((size, 1))
        measure_pulses(digits, np.arange(size), constants, Settings(PERIOD, RISE, 7.0, 4, 8, FULL), one, found)
        made.append(found)
    for a, b in zip(made[0][:3], made[1][:3], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_template_is_learned_from_its_pulses():
    rng = np.random.default_rng(5)
    size = 20_000
    heights = np.exp(rng.uniform(np.log(80.0), np.log(3000.0), size))
    digits = Lists(
        np.array([0, size]),
        {
            "channel": np.zeros(size, np.int32),
            "samples": waveforms([(heights, starts(size, 6))], seed=7),
            "n_samples": np.full(size, 32, np.uint16),
        },
    )
    constants = {"even": np.full(1, LEVEL), "odd": np.full(1, LEVEL), "sigma": np.full(1, SIGMA)}
    told, knots = None, learning.Knots.of(RISE)
    for _ in range(3):
        sums = learning.empty(1, 1)
        for rows in np.array_split(np.arange(size), 3):
            learning.add(digits, rows, constants, SETTINGS, told, np.zeros(0), sums, index=np.zeros(1, np.int64))
        found = learning.learn(sums, RISE, PERIOD)
        told = [Template(np.ones(1), knots.first, knots.step, found.values[0])]
    assert found.pulses[0, 0] > 0.99 * size
    assert found.chi2[0, 0] == pytest.approx(1.0, abs=0.03)
    assert np.abs(found.values[0, 0] - SLOW(knots.times())).max() < 0.008
    start = starts(4000, 8)
    samples = waveforms([(1000.0, start)], seed=9)
    height, at, _, chi2 = measure(samples, told[0])
    assert height[:, 0].mean() == pytest.approx(1000.0, rel=0.005)
    assert (at[:, 0] - start).mean() == pytest.approx(0.0, abs=0.1)
    assert np.mean(chi2[:, 0]) == pytest.approx(1.0, abs=0.1)
    assert np.median(measure(samples, None)[3][:, 0]) > 100.0


def test_a_template_stands_at_half_its_height_and_is_over_it():
    knots = learning.Knots.of(RISE)
    values, height = learning.placed(7.0 * SLOW(knots.times() - 9.0), knots, RISE)
    assert height == pytest.approx(7.0, rel=1e-4)
    np.testing.assert_allclose(values[:-10], SLOW(knots.times())[:-10], atol=2e-3)
