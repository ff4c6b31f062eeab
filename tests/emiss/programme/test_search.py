"""Searches from their files to their limits: what ships, what ``emiss limit --search`` writes, prints and refuses."""

from __future__ import annotations

import json
import math

import pytest
from typer.testing import CliRunner

from emiss import selection
from emiss.commands.app import app
from emiss.configs.errors import UserError
from emiss.configs.loader import shipped
from emiss.physics.limits.contours import Interval, Peak
from emiss.programme.counted import Asked, background_of, periods_of
from emiss.programme.curves import Curve, compare, read_curve
from emiss.programme.mass_limit import SearchPoint
from emiss.programme.search_file import load_search
from emiss.samples.models import names as model_names

ALL = (
    "alp", "b-l", "conversion", "e_to_mu_phi", "generic-a", "generic-p", "generic-s", "hadron", "invisible", "muon",
    "muon-dark-photon", "positron", "semivisible", "visible",
)  # fmt: skip


def limit(*arguments):
    return CliRunner().invoke(app, ["limit", *arguments])


def test_all_searches_of_the_programme_ship():
    assert set(ALL) == set(shipped("searches"))


@pytest.mark.parametrize("name", ALL)
def test_a_search_that_ships_fits_its_set_ups_its_analysis_and_its_periods(name):
    search = load_search(name)
    regions = set(selection.load(search.analysis).regions)
    for case in search.cases:
        assert search.cases[case].model in model_names()
        assert search.cases[case].masses or search.masses
        assert {one.region for one in search.signatures_of(case)} <= regions | {""}
    left = background_of(search, "")
    for asked in (Asked(), Asked(on_target=1e11)):
        for period in periods_of(search, asked, left):
            assert period.on_target > 0.0
            assert set(period.setting.windows) == set(search.cases)
            assert 0.0 < period.setting.threshold < period.setting.beam.energy
            for windows in period.setting.windows.values():
                assert all(one.after is None or one.after > 0.0 for one in windows)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limit")
    curve = folder / "curve.csv"
    curve.write_text("# somebody's\nm,eps\n0.02,7e-5\n0.5,1e-3\n")
    result = limit(
        "--search", "invisible", "--on-target", "2.84e11", "--flat-efficiency", "0.5", "--mass", "20MeV",
        "--compare", str(curve), "--columns", "m,eps", "--out", str(folder / "out"),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return result.output, folder / "out"


def test_the_limit_is_written_as_points_with_intervals_a_table_and_figures(written):
    _, out = written
    data = json.loads((out / "limit.json").read_text())
    assert data["schema"] == "emiss.search/1"
    assert [point["mass"] for point in data["points"]] == [0.02]
    for point in data["points"]:
        ((low, high),) = point["intervals"]
        assert 1e-5 < low < 1e-4
        assert high == 1.0
        assert point["open"] == [[False, True]]
        assert point["efficiency"] == 0.5
        # events go with the square, and 2.3 are the limit
        assert point["signal"] * (low / data["plane"]["reference"]) ** 2 == pytest.approx(math.log(10.0), rel=1e-6)
    assert data["plane"]["coupling"] == "eps"
    m_chi, y = data["thermal"]["alpha_d 0.1"][0].values()
    assert m_chi == pytest.approx(0.02 / 3.0)
    assert y[0][0] == pytest.approx(data["points"][0]["intervals"][0][0] ** 2 * 0.1 / 81.0)
    rows = (out / "limit.csv").read_text().splitlines()
    assert rows[0].startswith("case,mass,low,high")
    assert len(rows) == 2
    assert (out / "limit.png").stat().st_size > 10_000
    assert (out / "limit_y.png").stat().st_size > 10_000
    assert (out / "limit.pdf").is_file()


def test_the_comparison_tells_the_ratio_by_mass_and_its_spread(written):
    output, out = written
    (compared,) = json.loads((out / "limit.json").read_text())["comparisons"]
    assert compared["mass"] == [0.02]
    assert compared["outside"] == 1
    assert compared["ratio"] == [compared["ours"][0] / 7e-5]
    assert compared["mean"] == pytest.approx(compared["ratio"][0])
    assert "over curve: " in output
    assert "efficiency 0.5" in output
    assert "background 0.528 +- 0.16" in output


def test_the_limit_on_phi_is_identical_through_the_general_path(tmp_path):
    table = tmp_path / "flat.csv"
    table.write_text("m_phi,efficiency\n0.3,0.1\n")
    old = json.loads(limit("--eot", "1e11", "--efficiencies", str(table), "--background", "budget", "--json").stdout)
    new = json.loads(
        limit(
            "--search", "e_to_mu_phi", "--on-target", "1e11", "--flat-efficiency", "0.1", "--mass", "300MeV", "--json"
        ).stdout
    )
    expected = [found[0][0] for found in new["points"][0]["expected"].values()]
    assert expected == pytest.approx(old["points"][0]["expected"], rel=1e-12)
    assert new["points"][0]["rates"][0] == pytest.approx(old["points"][0]["per_electron"], rel=1e-12)


def test_branching_ratios_and_scales_are_planes_like_any_other():
    mesons = json.loads(limit("--search", "hadron", "--flat-efficiency", "1", "--json").stdout)
    low = {point["case"]: point["intervals"][0][0] for point in mesons["points"]}
    assert 1e-5 < low["eta"] < low["eta-prime"] < 1e-3
    assert mesons["kind"] == "observed"
    scales = json.loads(
        limit("--search", "conversion", "--on-target", "1e12", "--flat-efficiency", "1", "--json").stdout
    )
    high = {point["case"]: point["intervals"][0][1] for point in scales["points"]}
    # the integrals over inelasticity: 1/12, 1, 28/3; thresholds change them a little
    assert high["T e-tau"] / high["V e-tau"] == pytest.approx((28.0 / 3.0) ** 0.25, rel=0.05)
    assert high["V e-tau"] / high["S e-tau"] == pytest.approx(12.0**0.25, rel=0.05)
    assert scales["plane"]["unit"] == "TeV"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--search", "invisble"], "no search 'invisble'|did you mean 'invisible'"),
        (["--search", "alp", "--eot", "1e11"], "--eot is not for --search"),
        (["--search", "alp", "--cutflow", "x"], "--cutflow is not for --search"),
        (["--search", "alp", "--flat-efficiency", "1.5"], "--flat-efficiency 1.5"),
        (["--search", "alp", "--on-target", "-1"], "--on-target -1"),
        (["--search", "alp", "--on-target", "lime"], "no reading 'lime'.*line"),
        (["--search", "alp", "--on-target", "1e11", "--periods", "na64e-2018"], "both say the exposure"),
        (["--search", "alp", "--periods", "na64e-2023", "--flat-efficiency", "1"], "told in several ways"),
        (["--search", "alp", "--observed", "1", "--flat-efficiency", "1"], "1 times for 3 periods"),
        (["--search", "hadron", "--mass", "1MeV"], "masses of their own \\(eta: 0.547862"),
        (["--search", "alp", "--ratio", "3"], "--ratio is not for --search"),
        (["--on-target", "1e11"], "--on-target: for --search"),
        (["--search", "alp", "--background", "bugdet"], "bugdet"),
        (["--search", "alp", "--flat-efficiency", "1", "--mass", "-1MeV"], "--mass"),
    ],
)
def test_options_that_are_wrong_are_told(arguments, message):
    result = limit(*arguments)
    assert isinstance(result.exception, UserError), result.output
    with pytest.raises(UserError, match=message):
        raise result.exception


OWN = """\
search: own
title: own
setup: na64e_2018
cases:
  a: {model: alp}
masses: [10 MeV]
threshold: 50 GeV
analysis: alp
signatures:
  - {channels: [gamma gamma], after: HCAL0 back}
periods: na64e-2018
plane: {low: 1e-6, high: 1, reference: 1e-3}
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("model: alp", "model: alpp"), r"own\.yaml:5:\d+.*no model 'alpp'"),
        (("model: alp", "model: alp, parameters: {g: 1}"), r"own\.yaml:5:\d+.*no parameter 'g'"),
        (("masses:", "mases:"), r"own\.yaml:6:\d+.*unknown key 'mases'.*'masses'"),
        (("masses: [10 MeV]\n", ""), r"own\.yaml:5:\d+.*the case 'a' has no masses"),
        (("HCAL0 back", "HCAL0 bock"), r"own\.yaml:10:\d+"),
        (("low: 1e-6, high: 1", "low: 1, high: 1e-6"), "range of couplings is empty"),
        (("threshold: 50 GeV", "threshold: 50 GeV\nthreshold_share: 0.5"), "one of 'threshold' and 'threshold_share'"),
        (("threshold: 50 GeV", "threshold: 50 mm"), r"own\.yaml:7:\d+.*'50 mm' is in mm"),
    ],
)
def test_mistakes_of_a_search_file_have_a_place(tmp_path, change, message):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(*change))
    with pytest.raises(UserError, match=message):
        load_search(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("HCAL0 back", "HCALO back"), r"own\.yaml:10:\d+.*no element 'HCALO'.*did you mean"),
        (("after: HCAL0 back", "after: HCAL0 back, before: ecal front"), "'ecal front' is not behind 'HCAL0 back'"),
        (("masses:", "target: {part: wcal}\nmasses:"), "na64e_2018 has no part 'wcal'"),
        (("masses:", "target: {material: scintillator}\nmasses:"), "no pure material 'scintillator'"),
    ],
)
def test_what_a_set_up_lacks_is_told_at_its_place(tmp_path, change, message):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(*change))
    search = load_search(path)
    with pytest.raises(UserError, match=message):
        periods_of(search, Asked(on_target=1e11), background_of(search, ""))


def point(mass, *intervals):
    found = tuple(Interval(low, high, open_high=high >= 1.0) for low, high in intervals)
    return SearchPoint("a", mass, found, (found,) * 5, Peak(1.0, 1.0), 1.0, 1.0, 0.0, ((1.0, 0.0),), (1.0,), None)


def test_a_curve_with_two_branches_is_compared_with_the_nearer_end():
    points = [point(0.01, (1e-4, 1e-2)), point(0.04, (2e-4, 2.5e-3)), point(0.1)]
    curve = Curve("c", (0.01, 0.02, 0.03, 0.02, 0.05, 0.2), (1.1e-4, 1.3e-4, 2e-3, 6e-3, 1e-3, 1e-3))
    found = compare(curve, points)
    assert found.mass == (0.01, 0.02, 0.03, 0.02)
    assert found.ours[:2] == pytest.approx((1e-4, math.sqrt(1e-4 * 2e-4)))
    assert found.ours[3] == pytest.approx(math.sqrt(1e-2 * 2.5e-3))
    assert found.outside == 2
    assert found.spread > 1.0


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("0.1 1e-3\n0.2 2e-3\n", "", ((0.1, 0.2), (1e-3, 2e-3))),
        ("m;x;g\n0.1;7;1e-3\n0.2;7;2e-3\n", "m,g", ((0.1, 0.2), (1e-3, 2e-3))),
        ("0.1,7,1e-3\n0.2,7,2e-3\n", "1,3", ((0.1, 0.2), (1e-3, 2e-3))),
    ],
)
def test_curves_are_read_from_tables_of_any_kind(tmp_path, text, columns, expected):
    path = tmp_path / "curve.txt"
    path.write_text(text)
    found = read_curve(path, columns)
    assert (found.mass, found.coupling) == expected


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("m,g\n0.1,-1\n0.2,1\n", "", r"curve\.txt:2: '-1' is no number above 0"),
        ("m,g\n0.1,1\n0.2,1\n", "m,h", "no column 'h'.*'g'|known: g, m"),
        ("m,g\n0.1,1\n", "", "two points or more"),
        ("0.1 1\n0.2 1\n", "m", "two names or numbers"),
    ],
)
def test_curves_that_are_none_are_told(tmp_path, text, columns, message):
    path = tmp_path / "curve.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_curve(path, columns)
