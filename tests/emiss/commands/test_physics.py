"""``emiss xsec`` and ``emiss constraints``: what they print, draw and refuse."""

from __future__ import annotations

import json

import pytest

from emiss.physics.constraints import g_minus_2, one_loop
from emiss.physics.emission.cross_sections import total


@pytest.mark.filterwarnings("ignore:improved:emiss.physics.RangeWarning")
def test_cross_sections_are_those_of_the_library(cli):
    done = cli("xsec", "--mass", "300 MeV", "-e", "50GeV", "-e", "100GeV", "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["totals"]
    assert [(row["m_phi"], row["energy"]) for row in rows] == [(0.3, 50.0), (0.3, 100.0)]
    assert rows[1]["pb"]["exact"] == pytest.approx(2.0487, rel=1e-4)
    assert rows[0]["pb"]["iww"] == pytest.approx(float(total(0.3, 50.0, method="iww")))
    assert rows[0]["error"]["exact"] < 1e-4 * rows[0]["pb"]["exact"]
    printed = cli("xsec", "--mass", "300MeV")
    assert "1.008" in printed.out
    assert "2.132" in printed.out


def test_out_of_range_is_a_warning_and_not_a_failure(cli):
    done = cli("xsec", "--beam", "muon", "--final", "electron", "--mass", "300MeV", "-e", "160GeV")
    assert done.code == 0
    assert "use the exact form" in done.err


@pytest.mark.parametrize("kind", ["totals", "ratios", "spectra"])
def test_figures_are_drawn(kind, tmp_path, cli):
    done = cli("xsec", "--figure", kind, "--mass", "0.3GeV", "--plot", tmp_path / "f.png")
    assert done.code == 0, done.err
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_constraints_as_json_are_those_of_the_library(tmp_path, cli):
    done = cli("constraints", "--mass", "0.3GeV", "--ratio", "2.5", "--json", "--plot", tmp_path / "c.pdf")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    low, high = g_minus_2.band(0.3, 2.0)
    assert data["phi"]["g_minus_2"]["bands"]["2"] == [[pytest.approx(float(low))], [pytest.approx(float(high))]]
    assert [line["ratio"] for line in data["phi"]["relic"]] == [2.5]
    moments = data["moments"]
    low, high = one_loop.band("V", 0.3, 2.0, g_minus_2.DIFFERENCES["wp2020"])
    assert moments["epsilon"]["muon, wp2020"]["V"] == [[pytest.approx(end / 0.302822, rel=1e-5)] for end in (low, high)]
    assert moments["epsilon"]["electron, caesium"]["V"] == [[0.0], [0.0]]
    assert data["alp"]["decay_length_m"] == [pytest.approx(3.967 / 81.0, rel=1e-3)]
    assert (tmp_path / "c.pdf").read_bytes()[:4] == b"%PDF"


def test_constraints_are_printed_as_tables(cli):
    done = cli("constraints")
    assert (done.code, done.err) == (0, "")
    for word in ("muon g-2", "final2025", "pseudo_dirac", "Landau", "decay length [m]", "ZEUS", "expected", "measured"):
        assert word in done.out
    assert "Lambda above" not in done.out


def test_masses_that_a_table_does_not_have_are_left_out_of_it_and_named(cli):
    done = cli("constraints", "-m", "10MeV", "-m", "0.3GeV", "-m", "150GeV", "--json")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert data["phi"]["m_phi"] == [0.3, 150.0]
    assert data["thermal"]["m_chi"] == [0.01, 0.3]
    assert data["alp"]["m_a"] == [0.01, 0.3]
    for said in ("phi left out: 0.01 GeV", "dark matter left out: 150 GeV", "ALPs left out: 150 GeV"):
        assert said in done.err
    alone = cli("constraints", "-m", "10MeV")
    assert alone.code == 0
    assert "no mass in range" in alone.out


@pytest.mark.parametrize("mass", ["4.5GeV", "10GeV", "13.5GeV"])
def test_heavy_masses_end_in_a_table(mass, cli):
    done = cli("xsec", "--mass", mass, "-e", "200GeV", "--json")
    assert done.code == 0, done.err
    pb = json.loads(done.out)["totals"][0]["pb"]
    assert 0.9 < pb["ww"] / pb["exact"] < 1.5
    assert "too high" in done.err


def test_nuclei_that_break_up_are_an_option(cli):
    plain, more = (json.loads(cli("xsec", "--mass", "1GeV", "--json", *extra).out) for extra in ((), ("--inelastic",)))
    assert (plain["inelastic"], more["inelastic"]) == (False, True)
    assert more["totals"][0]["pb"]["exact"] / plain["totals"][0]["pb"]["exact"] == pytest.approx(1.04, abs=0.005)
    assert "--inelastic" in cli("xsec").out


def test_an_integral_that_does_not_converge_is_a_message(cli, monkeypatch):
    from emiss.physics import quadrature

    monkeypatch.setattr(quadrature, "MAX_ROUNDS", 1)
    for command in (("xsec",), ("yields", "-m", "0.3GeV")):
        done = cli(*command)
        assert (done.code, done.out) == (2, "")
        assert "not at a relative error" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["xsec", "--mass", "50MeV"], "the muon decays"),
        (["xsec", "--mass", "3 mm"], "--mass"),
        (["xsec", "--figure", "total"], "there is no 'total'"),
        (["xsec", "--beam", "moun"], "is no lepton"),
        (["xsec", "--coupling", "0"], "not above 0"),
        (["constraints", "--mass", "50MeV", "--plot", "c.pdf"], "the muon decays"),
        (["constraints", "--ratio", "2"], "resonant"),
        (["constraints", "--difference", "wp"], "there is no 'wp'"),
        (["constraints", "--alp-coupling", "-1"], "not above 0"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2(arguments, says, cli):
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_an_axial_vector_of_muons(cli):
    done = cli("xsec", "--boson", "A", "--beam", "muon", "--mass", "100MeV", "--energy", "160GeV", "--json")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert (data["final"], data["boson"]) == ("muon", "A")
    assert data["totals"][0]["pb"]["exact"] == pytest.approx(
        float(total(0.1, 160.0, beam="muon", final="muon", boson="A")), rel=1e-4
    )
    assert "no 'Q' of electron" in cli("xsec", "--boson", "Q").err


def test_models_are_listed_with_their_parameters(cli):
    done = cli("models", "--json")
    listed = {one["name"]: one for one in json.loads(done.out)}
    assert listed["dark-photon"]["parameters"]["alpha_d"] == 0.1
    assert listed["conversion"]["unit"] == "TeV"
    assert "splitting=0.4" in cli("models", "inelastic").out
    assert "no model 'dark'" in cli("models", "dark").err


def test_yields_of_any_model(cli):
    done = cli(
        "yields",
        "--model",
        "eta",
        "--beam",
        "pi-",
        "--energy",
        "50GeV",
        "--eot",
        "2.9e9",
        "--channel",
        "invisible",
        "--json",
    )
    assert done.code == 0, done.err
    data = json.loads(done.out)
    (row,) = data["rows"]
    assert row["mass"] == pytest.approx(0.547862)
    assert row["coupling_limit"] == pytest.approx(data["coupling"] * 2.302585 / row["expected"], rel=1e-6)
    alp = cli("yields", "--model", "alp", "-m", "20MeV", "-t", "50GeV", "--target", "na64e_2018")
    assert "axion-like particle a: e- of 100 GeV on the target of na64e_2018" in alp.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "dork"), "no model 'dork'"),
        (("--model", "alp"), "needs a mass"),
        (("--model", "alp", "-m", "1MeV", "-s", "a"), "no NAME=VALUE"),
        (("--model", "axial", "-m", "10MeV", "-s", "alpha_d=x"), "'alpha_d' is a number"),
        (("--model", "alp", "-m", "1MeV", "--beam", "q"), "no beam particle 'q'"),
        (("--model", "alp", "-m", "1MeV", "--channel", "e+ e-"), "does not decay as 'e+ e-'"),
        (("--model", "alp", "-m", "1MeV", "--method", "ww"), "--method: is for phi"),
        (("--model", "alp", "-m", "1MeV", "--beam", "mu-"), "makes no shower"),
    ],
)
def test_yields_that_make_no_sense_are_refused(words, said, cli):
    done = cli("yields", *words)
    assert done.code != 0
    assert said in done.err
