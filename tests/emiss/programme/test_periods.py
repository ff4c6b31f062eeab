"""Periods: sums are those of the talks, every contradiction is an alternative, and a number with two readings is no number."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from emiss.commands.app import app
from emiss.configs.errors import UserError
from emiss.programme.period_table import sums_table, table
from emiss.programme.periods import load_periods
from emiss.reco.detector.model import load_detector

OWN = """
programme: own
readings: {log: the logbook, table: a table}
periods:
  a: {mode: x, year: 2021, beam: {particle: e-, energy: 100 GeV}, setup: s, recorded: {log: 1e10, table: 2e10}}
  b: {mode: x, year: 2022, beam: {particle: e-, energy: 100 GeV}, setup: s, recorded: {log: 3e10, table: 3e10}}
  c: {mode: y, year: 2022, beam: {particle: mu-, energy: 160 GeV}, setup: s, recorded: {log: 5e10}}
sums:
  ab: {of: [a, b], analysed: {table: 2e10}, observed: 0}
"""


@pytest.fixture(scope="module")
def periods():
    return load_periods()


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.yaml"

    def load(text=OWN):
        path.write_text(text)
        return load_periods(path)

    return load


@pytest.mark.parametrize(
    ("name", "reading", "value"),
    [
        ("na64e-2016-2018", "line", 3.0e11),
        ("na64e-2016-2021", "line", 3.52e11),
        ("na64e-2016-2022", "line", 9.92e11),
        ("na64e-until-2024", "line", 2.022e12),
        ("na64e-all", "line", 2.552e12),
        ("na64e+-until-2024", "line", 8.85e10),
        ("na64e+-all", "line", 9.775e10),
        ("na64mu-all", "table", 3.2e11),
        ("na64h-all", "first of each", 1.24e10),
    ],
)
def test_periods_add_up_to_the_sums_of_the_talks(periods, name, reading, value):
    added = {row["name"]: row["added"] for row in sums_table(periods)}
    assert added[name][reading] == pytest.approx(value, rel=1e-12)


def test_electrons_with_the_visible_runs(periods):
    lines = periods.total(list(periods.of_mode("na64e")), "line")[0]
    visible = periods.sums["visible-2017-2018"].recorded["line"].value
    assert lines + visible == pytest.approx(2.636e12)
    published = [periods.periods[name].analysed["published"].value for name in ("visible-2017", "visible-2018")]
    assert sum(published) == visible == pytest.approx(8.4e10)


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("na64e-2016", "analysed", {4.3e10, 2.75e9}),
        ("na64e-2022", "recorded", {6.4e11, 6e11}),
        ("na64e-2023", "recorded", {5.1e11, 4.4e11}),
        ("na64e-2025", "recorded", {5.3e11, 5e11}),
        ("na64e+-2022", "recorded", {5e10, 1e10}),
        ("na64mu-2022", "recorded", {4e10, 2e10, 5e10}),
        ("na64mu-2023", "recorded", {1.6e11, 1.5e11}),
        ("na64e-2016-2021", "analysed", {3.22e11, 3.2e11}),
        ("na64e-2016-2022", "recorded", {9.7e11, 9e11}),
        ("na64e-until-2024", "recorded", {1.9e12, 1.93e12}),
        ("na64e-all", "recorded", {2.5e12, 2.43e12}),
        ("na64mu-all", "recorded", {2e11, 3.2e11, 3.5e11}),
    ],
)
def test_every_contradiction_is_in_the_file_and_not_resolved(periods, name, kind, values):
    entry = periods.periods.get(name) or periods.sums[name]
    readings = entry.readings(kind)
    assert {one.value for one in readings.values()} == values
    assert entry.decided(kind) is None
    assert all(periods.source(reading, one) != reading for reading, one in readings.items())


def test_every_set_up_is_there_with_the_beam_of_its_period_or_another_energy(periods):
    setups = {one.setup for one in periods.periods.values()}
    particles = {name: load_detector(name).beam.particle for name in setups}
    for name, one in periods.periods.items():
        assert particles[one.setup].rstrip("+-") == one.beam.particle.rstrip("+-"), name


def test_published_exposures_are_shared_among_the_periods(periods):
    found = periods.exposures("na64e-2016..na64e-2018", ["published"])
    assert [one.name for one in found] == ["na64e-2016", "na64e-2017", "na64e-2018"]
    assert sum(one.on_target for one in found) == pytest.approx(2.84e11)
    assert found[0].on_target / found[2].on_target == pytest.approx(4.5e10 / 2.0e11)
    assert {one.observed for one in found} == {0}
    assert sum(one.on_target for one in periods.exposures("na64e-2016-2022", ["published"])) == pytest.approx(9.37e11)


def test_a_number_with_alternatives_and_no_choice_is_an_error(periods):
    with pytest.raises(
        UserError, match=r"na64\.yaml:\d+.*na64e-2023.*line 5\.1e\+11, table 4\.4e\+11.*--on-target line"
    ):
        periods.exposures("na64e-2022..na64e-2024")
    assert periods.exposures("na64e-2023", ["table"])[0].on_target == 4.4e11
    assert periods.exposures("na64e-2024")[0].on_target == 5.2e11  # both say the same


def test_a_choice_of_the_file_is_taken_and_a_reading_that_is_named_goes_before_it(own):
    text = OWN.replace(
        "recorded: {log: 1e10, table: 2e10}", "recorded: {log: 1e10, table: 2e10}, choice: {recorded: log}"
    )
    known = own(text)
    assert known.exposures("a")[0].on_target == 1e10
    assert known.exposures("a", ["table"])[0].on_target == 2e10
    assert sum(one.on_target for one in known.exposures("a..b")) == pytest.approx(2e10)  # what was analysed of both


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a..c", "the first is of the mode x, the last of y"),
        ("b..a", "before the first"),
        ("a,a..b", "a is named twice"),
        ("aa", "there is no period 'aa'.*did you mean"),
        ("a..d", "there is no period 'd'"),
    ],
)
def test_names_of_periods_that_there_are_not(own, text, message):
    with pytest.raises(UserError, match=message):
        own().exposures(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("log: 5e10", "log: -5e10"), r"own\.yaml:7:\d+.*greater than 0"),
        (("mode: y", "modus: y"), r"own\.yaml:7:\d+.*unknown key 'modus'.*'mode'"),
        (("of: [a, b]", "of: [a, bb]"), r"own\.yaml:9:\d+.*no period 'bb'"),
        (("table: a table", "tables: a table"), r"who says 'table' is not told"),
        (("{log: 5e10}", "{log: 5e10}, choice: {recorded: lag}"), "no reading 'lag'.*'log'"),
        ((", recorded: {log: 5e10}", ""), "how many particles came to the target is missing"),
    ],
)
def test_mistakes_of_a_file_have_a_place(own, change, message):
    with pytest.raises(UserError, match=message):
        own(OWN.replace(*change))


def test_the_command_prints_all_readings_and_as_json_their_sources():
    printed = CliRunner().invoke(app, ["periods", "--mode", "na64mu", "--sum"])
    assert printed.exit_code == 0, printed.output
    assert "line 4e+10" in printed.output
    assert "table 3.2e+11" in printed.output
    data = json.loads(CliRunner().invoke(app, ["periods", "--sum", "--json"]).output)
    assert {row["name"] for row in data["periods"]} == set(load_periods().periods)
    assert data["periods"][0]["recorded"]["line"]["source"].startswith("D. Peshekhonov")
    wrong = CliRunner().invoke(app, ["periods", "--mode", "na64"])
    assert "did you mean" in str(wrong.exception)


def test_what_was_analysed_goes_before_what_was_recorded(periods):
    rows = {row["name"]: row for row in table(periods)}
    assert rows["na64mu-2022"]["undecided"] == []
    assert rows["na64e-2016"]["undecided"] == ["analysed"]
    assert periods.exposures("na64mu-2022")[0].on_target == 1.98e10
