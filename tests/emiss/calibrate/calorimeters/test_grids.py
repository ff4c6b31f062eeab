"""Intercalibration where cells are not good: what they would have seen is expected of nobody."""

import numpy as np
import pytest

from emiss.calib.conditions import RunConditions
from emiss.calib.tables import parse_tables
from emiss.calibrate.calorimeters.grids import Grids
from emiss.calibrate.frame import Options
from emiss.events.batch import Batch
from emiss.events.lists import Lists


@pytest.fixture(scope="module")
def conditions_with(conditions):
    def made(*rows):
        own = conditions.for_run(6111)
        head = "type = sadc.status\nruns = 6000-\ncolumns = channel, status\nunits = -, -\n"
        tables = parse_tables(head + "\n".join(rows) + "\n") if rows else []
        return RunConditions(6111, own.tag, (*own.tables, *tables))

    return made


def _hits(detector, events=300):
    """Electrons of 100 GeV, nine tenths in ECAL1.2.2 and one in ECAL1.1.2."""
    rng = np.random.default_rng(1)
    numbers = [detector.channel_number[name] for name in ("ECAL1.2.2", "ECAL1.1.2")]
    energy = 100.0 * (1.0 + 0.03 * rng.normal(size=(events, 1))) * np.array([0.9, 0.1])
    columns = {"channel": np.tile(np.array(numbers, np.int32), events), "energy": energy.ravel()}
    cells = Lists(np.arange(events + 1) * 2, {**columns, "time": np.zeros(2 * events)})
    return Batch(6111, (0, events), {"entry": np.arange(events)}, cells=cells)


@pytest.mark.parametrize(("rows", "total"), [((), 100.0), (("ECAL1.1.2 1", "ECAL0.3.4 2"), 90.0)])
def test_targets_are_without_the_energy_in_cells_that_are_not_good(detector, conditions_with, rows, total):
    one = Grids(detector, Options())
    one.begin_run(conditions_with(*rows))
    one.refer([_hits(detector)])
    number = int(np.flatnonzero(one.targets.number)[0])
    assert one.targets.mean[number] == pytest.approx(total, rel=0.01)


def test_showers_beside_cells_that_are_not_good_are_not_whole(detector, conditions_with):
    one = Grids(detector, Options())
    one.begin_run(conditions_with())
    before = one._inside.sum()
    one.begin_run(conditions_with("ECAL0.2.3 1"))
    names = [detector.channels[number] for number in one._numbers[one._main]]
    lost = {name for name, inside in zip(names, one._inside, strict=True) if not inside}
    assert before - one._inside.sum() == 9
    assert {f"ECAL1.{x}.{y}" for x in (1, 2, 3) for y in (2, 3, 4)} <= lost
