"""Conditions: the right value for each run and channel, and a message for everything that can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.calib.conditions import Conditions
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError

HEAD = "type = sadc.pedestal\nruns = {runs}\ncolumns = channel, even, odd, sigma\nunits = -, ADC, ADC, ADC\n{more}\n"
ROWS = "S0.0.0 100 110 1.2\nS1.0.0 120 130 1.3\n"


def block(runs: str, rows: str = ROWS, more: str = "") -> str:
    return HEAD.format(runs=runs, more=more) + rows


def tag(tmp_path, *texts: str) -> Conditions:
    for number, text in enumerate(texts):
        (tmp_path / f"t{number}.txt").write_text(text)
    return Conditions.load(tmp_path)


def test_values_by_run_and_channel_in_base_units(tmp_path):
    gain = "type = sadc.gain\nruns = 1-\ncolumns = channel, gain\nunits = -, MeV\n* 2\nS1.0.0 3\n"
    conditions = tag(tmp_path, block("1-10") + block("11-20", ROWS.replace("100", "105")), gain)
    assert conditions.for_run(10).get("sadc.pedestal", ["S1.0.0", "S0.0.0"])["even"].tolist() == [120.0, 100.0]
    assert conditions.for_run(11).get("sadc.pedestal", ["S0.0.0"])["even"].tolist() == [105.0]
    np.testing.assert_allclose(
        conditions.for_run(500).get("sadc.gain", ["S0.0.0", "S1.0.0", "X.0.0"])["gain"], [2e-3, 3e-3, 2e-3]
    )


def test_the_later_table_overrides_where_it_says_so(tmp_path):
    later = block("5-6", "S0.0.0 200 210 2\n", "override = yes")
    conditions = tag(tmp_path, block("1-10"), later)
    assert conditions.for_run(5).get("sadc.pedestal", ["S0.0.0", "S1.0.0"])["even"].tolist() == [200.0, 120.0]
    assert conditions.for_run(7).get("sadc.pedestal", ["S0.0.0"])["even"].tolist() == [100.0]
    assert conditions.for_run(5).payloads != conditions.for_run(7).payloads


def test_two_tables_with_the_same_value_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"t1\.txt:6.*'S0\.0\.0' in runs 5-10 stands in .*t0\.txt:6.*override = yes"):
        tag(tmp_path, block("1-10"), block("5-20"))
    tag(tmp_path, block("1-10"), block("11-20"))


def test_gaps_and_missing_channels_are_found_before_a_job(tmp_path):
    conditions = tag(tmp_path, block("1-10"))
    conditions.check([1, 10], {"sadc.pedestal": ["S0.0.0"]})
    with pytest.raises(UserError, match=r"run 11 has no table of type sadc\.pedestal"):
        conditions.check([10, 11], {"sadc.pedestal": ["S0.0.0"]})
    with pytest.raises(
        UserError, match=r"t0\.txt:1: run 3: no sadc\.pedestal even for channel 'S0\.0\.1'.*did you mean 'S0\.0\.0'"
    ):
        conditions.check([3], {"sadc.pedestal": ["S0.0.1"]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("S0 1 2 3", "<text>:1:1: a row before any"),
        (
            block("1-10").replace("sadc.pedestal", "sadc.pedestol"),
            "unknown type 'sadc.pedestol'; did you mean 'sadc.pedestal'",
        ),
        (block("10-1"), "<text>:2:8: the range '10-1' ends before it begins"),
        (block("1-10").replace("odd", "off", 1), "unknown column 'off'"),
        (block("1-10").replace("ADC, ADC, ADC", "ADC, ADC"), "4 columns but 3 units"),
        (block("1-10").replace("ADC, ADC, ADC", "GeV, ADC, ADC"), "'even' is in 1, not in GeV"),
        (block("1-10", "S0.0.0 1 2\n"), "channel 'S0.0.0' has 2 values for 3 columns"),
        (block("1-10", "S0.0.0 1 x 3\n"), "<text>:6:10: 'x' is no finite number"),
        (block("1-10", "S0.0.0 1 nan 3\n"), "'nan' is no finite number"),
        (block("1-10", ROWS + "S0.0.0 1 2 3\n"), "channel 'S0.0.0' has a row at line 6 already"),
        (block("1-10", ""), "the block has no rows"),
        (block("1-10", more="colour = red"), "unknown key 'colour'"),
        (block("1-10", more="override = perhaps"), "override is 'yes' or 'no'"),
        ("type = sadc.gain\nruns = 1\n* 3", "no 'columns = ...' line"),
    ],
)
def test_messages(text, says):
    with pytest.raises(UserError) as caught:
        parse_tables(text)
    assert says in str(caught.value)


def test_the_payload_id_is_of_the_values_not_of_the_text():
    (a,) = parse_tables(block("1-10"))
    (b,) = parse_tables("# a comment\n" + block("1-10").replace(" 110 ", "   110.0 "))
    (c,) = parse_tables(block("1-10").replace("110", "111"))
    assert a.payload == b.payload != c.payload
    assert len(a.payload) == 12


def test_the_shipped_tag_fits_the_shipped_detector(detector, conditions):
    from emiss.reco.pipeline import Pipeline

    pipeline = Pipeline(detector, conditions)
    conditions.check([6000, 6101, 6999], pipeline.needs("raw"))
    with pytest.raises(UserError, match="run 7000 has no table"):
        conditions.check([7000], pipeline.needs("raw"))


def test_a_missing_tag_is_named():
    with pytest.raises(UserError, match="did you mean 'demo'"):
        Conditions.load("demmo")
