"""What is drawn for corrections in the closed loop, and what is derived beside it."""

import numpy as np
import pytest

from emiss.calib.conditions import Conditions, RunConditions
from emiss.calib.steps import by_spills, subject
from emiss.calib.tables import parse_tables
from emiss.calibrate.frame import Made
from emiss.reco.calorimetry.corrections import DEAD, DRIFT, STATUS, WALK, Corrections, mistakes
from emiss.validate import loop_corrections


@pytest.fixture(scope="module")
def true(detector):
    """The corrections of a run of each kind."""
    tables = parse_tables(loop_corrections.tables(detector, np.random.default_rng(4)))
    tag = Conditions("drawn", tuple(tables))
    return {run: tag.for_run(run) for run in (loop_corrections.LED, loop_corrections.ELECTRON)}


def _made(type_, channels, **columns):
    size = len(channels)
    errors = {name: np.full(size, 0.01) for name in columns}
    none = np.full(size, np.nan)
    units = dict.fromkeys(columns, "-")
    return Made(type_, tuple(channels), units, columns, errors, np.ones(size, int), none, ("",) * size)


def test_what_is_drawn_fits_the_set_up_and_belongs_to_its_runs(detector, true, conditions):
    led, electrons = true[loop_corrections.LED], true[loop_corrections.ELECTRON]
    assert {table.type for table in led.tables} == {"sadc.drift"}
    assert {table.type for table in electrons.tables} == {"sadc.status", "sadc.walk", "sadc.in_spill"}
    for one in true.values():
        assert not list(mistakes(detector, one))
    own = conditions.for_run(6101)
    found = Corrections.of(detector, RunConditions(6101, own.tag, (*own.tables, *led.tables)))
    middle = 0.5 * (found.drift.values.max(axis=0) + found.drift.values.min(axis=0))
    assert np.ptp(found.drift.values / middle) == pytest.approx(2.0 * loop_corrections.DRIFTING, rel=0.01)
    assert 0.5 < np.abs(middle - 1.0).max() / loop_corrections.SINCE <= 1.05


def test_true_responses_of_some_spills_are_those_of_these_and_since_gains_were_found(detector, true):
    led = true[loop_corrections.LED]
    rows = {name: row[0] for table in led.tables for name, row in table.rows.items()}
    name = detector.channels[3]
    own = np.array([value for row, value in rows.items() if subject(row) == name])[:12]
    made = _made(DRIFT, by_spills(name, list(range(1, 13))), response=own)
    found = loop_corrections.beside(made, "response", led, 1.0)
    assert found.values == pytest.approx(found.true, rel=1e-5)


def test_walks_are_compared_at_the_charge_of_the_table_and_unknown_statuses_count_as_good(detector, true):
    electrons = true[loop_corrections.ELECTRON]
    rows = {table.type: table.rows for table in electrons.tables}
    slope, charge = (np.array([rows[WALK][name][k] for name in detector.channels]) for k in (0, 1))
    made = _made(WALK, detector.channels, slope=0.5 * slope, charge=4.0 * charge)
    found = loop_corrections.beside(made, "slope", electrons, 0.1)
    assert found.values == pytest.approx(found.true)
    status = np.array([rows[STATUS].get(name, (np.nan,))[0] for name in detector.channels])
    found = loop_corrections.beside(_made(STATUS, detector.channels, status=status), "status", electrons, 0.0)
    assert (found.values == found.true).all()
    assert (found.true == DEAD).sum() == loop_corrections.FEW
