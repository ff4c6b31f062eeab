"""``emiss yields``."""

from __future__ import annotations

import json

import pytest

from emiss.physics.emission import dark_photon_yields, yields


def test_the_table_of_phi_has_its_thresholds(cli):
    done = cli(
        "yields", "-m", "0.3GeV", "-m", "1000MeV", "-t", "20GeV", "-t", "50GeV", "--method", "ww", "--eot", "1e12"
    )
    assert done.code == 0, done.err
    assert done.err == ""
    for said in ("e- N -> mu- N phi on lead", "h = 0.0001, ww", "above", "section", "[pb]", "per 1e12"):
        assert said in done.out
    rows = [line.split() for line in done.out.splitlines() if line.split()[:1] in (["0.3"], ["1"])]
    assert [row[:2] for row in rows] == [["0.3", "20"], ["1", "20"], ["0.3", "50"], ["1", "50"]]
    made = yields.emission(0.3, coupling=1e-4, threshold=50.0, method="ww")
    assert float(rows[2][3]) == pytest.approx(made.total, rel=1e-3)
    assert float(rows[2][4]) == pytest.approx(made.total * 1e12, rel=1e-3)


def test_json_of_the_dark_photon_and_a_plot(cli, tmp_path):
    options = ("--model", "dark-photon", "-m", "10MeV", "--coupling", "1e-5", "--eot", "2.84e11", "--efficiency", "0.5")
    done = cli("yields", *options, "--json", "--plot", tmp_path / "y.png")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert data["schema"] == "emiss.yields/1"
    assert (data["model"], data["threshold_of"], data["energy"]) == ("dark-photon", "A'", 100.0)
    assert data["provenance"]["version"]
    (row,) = data["rows"]
    made = dark_photon_yields.emission(0.01, mixing=1e-5)
    assert row["threshold"] == 50.0
    assert row["per_electron"] == pytest.approx(made.total)
    assert row["expected"] == pytest.approx(0.5 * 2.84e11 * made.total)
    assert row["coupling_limit"] == pytest.approx(3.30e-5, rel=0.35)
    assert 50.0 < row["mean_energy"] < 100.0
    assert (tmp_path / "y.png").read_bytes()[:4] == b"\x89PNG"


def test_approximations_warn_unless_they_are_corrected(cli):
    options = ("yields", "--model", "dark-photon", "-m", "100MeV", "--method", "iww")
    plain, corrected = cli(*options, "--json"), cli(*options, "--json", "--k-factors")
    assert plain.err.count("off by 10 % to a factor 3") == 1
    assert corrected.err == ""
    exact = dark_photon_yields.emission(0.1).total
    ratios = [json.loads(done.out)["rows"][0]["per_electron"] / exact for done in (plain, corrected)]
    assert ratios[0] > 1.5
    assert ratios[1] == pytest.approx(1.0, abs=0.05)


def test_what_cannot_be_made_has_no_limit(cli):
    done = cli("yields", "-m", "99GeV", "-t", "20GeV", "--method", "exact", "--json")
    assert done.code == 0, done.err
    (row,) = json.loads(done.out)["rows"]
    assert row["per_electron"] < 1e-30
    done = cli("yields", "--model", "dark-photon", "-m", "120GeV", "--json")
    (row,) = json.loads(done.out)["rows"]
    assert (row["per_electron"], row["coupling_limit"], row["mean_energy"]) == (0.0, None, None)
    assert " - " in cli("yields", "--model", "dark-photon", "-m", "120GeV").out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-m", "0.3"), "--mass: '0.3' needs a unit: write '0.3 GeV'"),
        (("-m", "3mm"), "--mass: '3mm' is in mm, where a quantity in GeV is needed"),
        (("-m", "0.1GeV"), "m_phi must be above 0.105147 GeV"),
        (("-t", "-1GeV"), "--threshold: '-1GeV' is not above 0"),
        (("-t", "120GeV"), "the lowest energy (120 GeV) must be above 0 and below that of the electron (100 GeV)"),
        (("--coupling", "0"), "a coupling is above 0"),
        (("--coupling", "nan"), "a coupling is above 0"),
        (("--k-factors",), "K factors correct the spectrum of A'"),
        (("--plot", "y.gif"), "a plot is written to .png, .pdf or .svg, not '.gif'"),
    ],
)
def test_mistakes(cli, options, message):
    done = cli("yields", *options)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_what_is_beyond_perturbativity_is_remarked(cli):
    done = cli("yields", "-m", "3GeV", "--eot", "1e8")
    assert done.code == 0
    assert "a limit on the coupling = " in done.err
    assert "is beyond 3.54: perturbation theory does not hold there" in done.err
    options = ("--model", "dark-photon", "-m", "1GeV", "-m", "10MeV", "--method", "iww", "--k-factors", "--eot", "100")
    assert "is beyond 1: " in cli("yields", *options).err
    assert "the coupling 5 is beyond perturbativity" in cli("yields", "-m", "0.3GeV", "--coupling", "5").err


def test_break_up_makes_more(cli):
    plain, more = (
        json.loads(cli("yields", "-m", "1GeV", "--json", *extra).out)["rows"][0] for extra in ((), ("--inelastic",))
    )
    for quantity in ("cross_section", "per_electron"):
        assert 1.03 < more[quantity] / plain[quantity] < 1.08


def test_the_help_has_an_example(cli):
    assert "For example:" in cli("yields", "--help").out


def test_positrons_are_counted_on_demand(cli):
    options = ("yields", "-m", "0.3GeV", "--method", "ww", "--json")
    alone, both = (json.loads(cli(*options, *more).out) for more in ((), ("--positrons",)))
    assert (alone["leptons"], both["leptons"]) == (["e-"], ["e-", "e+"])
    made = yields.emission(0.3, coupling=1e-4, method="ww", leptons=("e+",))
    rates = [data["rows"][0]["per_electron"] for data in (alone, both)]
    assert rates[1] - rates[0] == pytest.approx(made.total)
    refused = cli("yields", "--model", "dark-photon", "--positrons")
    assert (refused.code, "--positrons: is for phi" in refused.err) == (2, True)
