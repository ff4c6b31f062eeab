"""Which corrections that a tag has already are made before constants are derived."""

import pytest

from emiss.calib.conditions import RunConditions
from emiss.calib.tables import parse_tables
from emiss.calibrate.calorimeters.drifts import Drift, InSpill
from emiss.calibrate.calorimeters.leds import Leds
from emiss.calibrate.calorimeters.mips import Mips
from emiss.calibrate.calorimeters.statuses import Statuses
from emiss.calibrate.calorimeters.times import Times
from emiss.calibrate.calorimeters.walks import Walks
from emiss.calibrate.frame import Options

ALL = {
    "status": "type = sadc.status\nruns = 6000-\ncolumns = channel, status\nunits = -, -\nECAL1.2.2 1\n",
    "slope": "type = sadc.walk\nruns = 6000-\ncolumns = channel, slope, charge\nunits = -, ns, -\n* 1 500\n",
    "drift": "type = sadc.drift\nruns = 6000-\ncolumns = channel, response\nunits = -, -\n*@0- 0.5\n",
    "in_spill": "type = sadc.in_spill\nruns = 6000-\ncolumns = channel, response\nunits = -, -\n*@0-1 0.9\n",
}


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        (Statuses, {"status"}),
        (Walks, {"slope", "drift", "in_spill"}),  # late pulses are those that are small in ADC
        (Times, set()),
        (Mips, set()),
        (Leds, set()),  # the light belongs to gains that are found with all corrections
        (Drift, {"drift"}),
        (InSpill, {"in_spill"}),
    ],
)
def test_what_is_derived_anew_is_not_taken_away_before(detector, conditions, kind, without):
    own = conditions.for_run(6101)
    one = kind(detector, Options())
    tables = [table for text in ALL.values() for table in parse_tables(text)]
    one.begin_run(RunConditions(own.run, own.tag, (*own.tables, *tables)))
    made = one._measure._corrections._corrections
    assert {name for name in ALL if getattr(made, name) is None} == without
