"""Drifts and places in the spill against the responses that charges were made with."""

import numpy as np
import pytest

from emiss.calib.conditions import RunConditions
from emiss.calib.run_ranges import RunRange
from emiss.calib.steps import steps
from emiss.calib.tables import parse_tables
from emiss.calibrate import written
from emiss.calibrate.calorimeters.drifts import Drift, InSpill
from emiss.calibrate.calorimeters.leds import Leds, light_of
from emiss.calibrate.calorimeters.responses import HALF, place, shifts
from emiss.calibrate.frame import Options
from emiss.configs.errors import UserError
from emiss.reco.formats.date.layout import CALIBRATION, PHYSICS
from tests.emiss.calibrate.pulses import Batch, derived, pulses

SPILLS, EACH = 30, 60


def _batches(charge, type_=CALIBRATION):
    """Charges of shape (spills, events, channels) as one batch for each spill."""
    size = charge.shape[1]
    for number, own in enumerate(charge):
        header = {
            "spill": np.full(size, number + 1),
            "spill_position": np.arange(1, size + 1) / size,
            "type": np.full(size, type_),
            "trigger": np.zeros(size, np.uint32),
        }
        yield Batch(header=header, pulses=pulses(own))


def _drifting(rng, channels, amplitude=0.05):
    phase = np.arange(channels)
    made = 1.0 + amplitude * np.sin(np.arange(SPILLS)[:, None] / 4.0 + phase)
    return made / made.mean(axis=0)


def _row(made, target):
    rows = [number for number, name in enumerate(made.channels) if name.partition("@")[0] == target]
    return made.values["response"][rows], made.errors["response"][rows]


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, size: 1.0 + 0.03 * rng.normal(size=size),
        lambda rng, size: np.where(
            rng.random(size) < 0.1, rng.uniform(0.4, 1.0, size), 1.0 + 0.035 * rng.normal(size=size)
        ),
        lambda rng, size: 1.0 + 0.08 * -np.log(np.square(rng.normal(size=size))),
    ],
    ids=["light", "showers", "muons"],
)
def test_shifts_of_any_distribution_have_pulls_of_width_one(draw):
    rng, away = np.random.default_rng(4), []
    for _ in range(12):
        true = 1.0 + 0.05 * np.sin(np.arange(40) / 5.0)
        true /= true.mean()
        counts = np.zeros((40, 2 * HALF))
        for row, response in zip(counts, true, strict=True):
            at, inside = place(response * draw(rng, 250), np.ones(250))
            np.add.at(row, at[inside], 1)
        found = shifts(counts)
        away.append((found.response - true) / found.error)
    assert abs(np.mean(away)) < 0.2
    assert 0.9 < np.std(away) < 1.1


def test_leds_tell_the_drift_of_each_channel_to_half_a_percent_per_spill(detector, conditions):
    rng, channels = np.random.default_rng(5), len(detector.channels)
    true = _drifting(rng, channels)
    light = rng.uniform(200.0, 3000.0, channels) * (1.0 + 0.03 * rng.normal(size=(SPILLS, EACH, channels)))
    charge = true[:, None, :] * light
    charge[:, :, 7] = np.nan
    charge[:, :, 40:] = np.nan
    found = derived(Drift, detector, conditions.for_run(6101), list(_batches(charge)))
    made = found.made[0]
    dark = {detector.channels[7], *detector.channels[40:]}
    assert dict(made.eyes) == dict.fromkeys(dark, "dead or not lit: no pulse")
    away, sigma = [], []
    for number, name in enumerate(detector.channels):
        if name not in dark:
            value, error = _row(made, name)
            away.append(value - true[:, number])
            sigma.append(error)
    assert np.sqrt(np.mean(np.square(away))) < 0.005
    assert 0.9 < np.std(np.array(away) / sigma) < 1.1
    table = parse_tables(written.table(found, RunRange(6101, 6101)))
    assert steps(table, "response", by_spill=True)[detector.channels[0]].values == pytest.approx(
        _row(made, detector.channels[0])[0], rel=1e-5
    )


def _light(detector, own, *, without=()):
    """Return conditions with the light of all channels but some."""
    rows = "\n".join(f"{name} 1000 0.1" for name in detector.channels if name not in without)
    text = "type = sadc.led\nruns = 6000-\ncolumns = channel, charge, charge_error\nunits = -, -, -\n" + rows
    return RunConditions(own.run, own.tag, (*own.tables, *parse_tables(text + "\n")))


def test_drifts_are_relative_to_the_light_when_gains_were_found(detector, conditions):
    rng, channels = np.random.default_rng(9), len(detector.channels)
    own = conditions.for_run(6101)
    true = _drifting(rng, channels) * rng.uniform(0.8, 1.2, channels)
    true[:, 4] *= 0.5
    charge = 1000.0 * true[:, None, :] * (1.0 + 0.03 * rng.normal(size=(SPILLS, EACH, channels)))
    names = detector.channels
    found = derived(Drift, detector, _light(detector, own, without=names[3]), list(_batches(charge)))
    made, level = found.made
    assert "light in sadc.led" in found.remarks[0]
    assert set(dict(level.eyes)) == {names[3], names[4]}
    assert "no light in sadc.led" in dict(level.eyes)[names[3]]
    assert f"{true[:, 4].mean():.2f} of that in sadc.led" in dict(level.eyes)[names[4]]
    true[:, 3] /= true[:, 3].mean()
    away = np.array([(_row(made, name)[0] / true[:, number] - 1.0) for number, name in enumerate(names)])
    assert np.sqrt(np.mean(away**2)) < 0.005
    sigma = np.array([_row(made, name)[1] / true[:, number] for number, name in enumerate(names)])
    assert np.std(away[4:] / sigma[4:]) == pytest.approx(1.0, abs=0.1)
    assert np.isnan(level.values["mean"][3])
    lit = np.arange(channels) != 3
    assert (level.values["mean"] / true.mean(axis=0))[lit] == pytest.approx(1.0, abs=0.005)
    assert level.errors["mean"][0] == pytest.approx(
        np.hypot(0.05 / np.sqrt(SPILLS * EACH), 1e-4) * true[:, 0].mean(), rel=0.3
    )
    # without it nothing is said of the mean
    assert derived(Drift, detector, own, list(_batches(charge))).made[1].values.keys() == {"rms"}


@pytest.mark.parametrize("spread", [0.003, 0.03])
def test_light_is_found_also_where_other_pulses_are_in_its_events(detector, conditions, spread):
    rng, channels = np.random.default_rng(10), len(detector.channels)
    light = rng.uniform(200.0, 3000.0, channels)
    charge = light * (1.0 + spread * rng.normal(size=(SPILLS, EACH, channels)))
    charge[:, ::10] *= rng.uniform(0.5, 2.0, charge[:, ::10].shape)
    charge[:, :, 7] = np.nan
    charge[1:, :, 8] = np.nan
    found = derived(Leds, detector, conditions.for_run(6101), list(_batches(charge)))
    (made,) = found.made
    names = detector.channels
    assert dict(made.eyes) == {names[7]: "dead or not lit: no pulse", names[8]: "60 entries are too few"}
    good = made.found
    pulls = (made.values["charge"][good] - light[good]) / made.errors["charge"][good]
    assert 0.8 < np.std(pulls) < 1.3
    assert abs(made.values["charge"][good] / light[good] - 1.0).max() < 0.2 * spread
    (table,) = parse_tables(written.table(found, RunRange(6101, 6200)))
    given = light_of(RunConditions(6101, "x", (table,)), names)
    assert given.charge == pytest.approx(made.values["charge"], rel=1e-4, nan_ok=True)
    assert given.error[0] == pytest.approx(made.errors["charge"][0] / made.values["charge"][0], rel=0.01)
    assert light_of(conditions.for_run(6101), names) is None


def test_light_far_from_that_of_the_first_events_is_refused(detector):
    one = Leds(detector, Options())
    with pytest.raises(UserError, match="no charge is near"):
        one.finish(one.empty(np.ones(len(detector.channels))), np.ones(len(detector.channels)))


def test_the_sum_of_a_part_tells_its_drift_and_parts_that_are_hardly_seen_have_none(detector, conditions):
    rng, channels = np.random.default_rng(6), len(detector.channels)
    own = conditions.for_run(6101)
    gain = own.get("sadc.gain", detector.channels)["gain"]
    true = _drifting(rng, 1)[:, 0]
    charge = np.full((SPILLS, 300, channels), np.nan)
    cells = detector.part_numbers("ecal")[:4]
    energy = 100.0 * (1.0 + 0.035 * rng.normal(size=(SPILLS, 300))) * true[:, None]
    charge[:, :, cells] = energy[:, :, None] * rng.dirichlet([5.0] * 4, (SPILLS, 300)) / gain[cells]
    charge[:, ::5, detector.part_numbers("hcal")[0]] = 500.0
    batches = list(_batches(charge, PHYSICS))
    made = derived(Drift, detector, own, batches, Options(events="beam", parts=("ecal", "hcal"))).made[0]
    value, error = _row(made, "ecal")
    assert value == pytest.approx(true, rel=0.01)
    assert 0.6 < np.std((value - true) / error) < 1.4
    assert dict(made.eyes) == {"hcal": "seen in 20% of the events alone"}


def test_a_sag_at_the_beginning_of_spills_is_found_to_a_percent(detector, conditions):
    rng, channels = np.random.default_rng(7), len(detector.channels)
    own = conditions.for_run(6101)
    number = detector.channel_number["S0.0.0"]
    sag = 1.0 - 0.1 * np.exp(-(np.arange(1, 101) / 100.0) / 0.15)
    charge = np.full((SPILLS, 100, channels), np.nan)
    charge[:, :, number] = 1000.0 * sag * (1.0 + 0.1 * rng.normal(size=(SPILLS, 100)))
    made = derived(InSpill, detector, own, list(_batches(charge, PHYSICS)), Options(parts=("s",))).made[0]
    assert made.channels[0] == "s@0-0.1"
    true = np.array([part.mean() for part in np.split(sag, [9, 19, 29, 39, 49, 59, 69, 79, 89])])
    value, _ = _row(made, "s")
    assert value == pytest.approx(true / true.mean(), abs=0.02)
    assert value[0] < 0.97


def test_what_is_too_broad_or_too_rare_for_single_spills_is_taken_together(detector, conditions):
    rng, channels = np.random.default_rng(8), len(detector.channels)
    charge = np.full((SPILLS, EACH, channels), np.nan)
    charge[:, :, 0] = 1000.0 * np.exp(0.2 * rng.normal(size=(SPILLS, EACH)))
    charge[:, :2, 1] = 1000.0 * (1.0 + 0.02 * rng.normal(size=(SPILLS, 2)))
    charge[:, :, 2] = 1000.0 * np.exp(0.6 * rng.normal(size=(SPILLS, EACH)))
    made = derived(Drift, detector, conditions.for_run(6101), list(_batches(charge)), Options(least=50)).made[0]
    names = detector.channels
    broad, rare = (_row(made, names[number]) for number in (0, 1))
    assert 3 <= len(broad[0]) <= 6
    assert broad[1].max() < 0.012
    assert len(rare[0]) == 3
    assert "too broad" in dict(made.eyes)[names[2]]


def test_parts_without_cells_are_refused(detector):
    with pytest.raises(UserError, match="is of cells, and mm has none"):
        InSpill(detector, Options(parts=("mm",)))


def test_runs_together_are_refused_as_spills_are_counted_in_each(detector, conditions):
    one = Drift(detector, Options())
    sums = one.empty(np.ones(len(detector.channels)))
    sums.runs = frozenset({6101, 6102})
    with pytest.raises(UserError, match="of one run, not of 6101, 6102"):
        one.finish(sums, None)
