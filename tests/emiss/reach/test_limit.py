"""``emiss limit``: from cutflows, tables and simulation to the curve; what it writes, refuses and warns of."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.job.run import run_job
from emiss.job.select import select
from emiss.physics.emission import yields
from emiss.physics.limits import Period, upper_limit
from emiss.physics.nuclei import NUCLEI
from emiss.reach import background as backgrounds
from emiss.reach import efficiencies, sensitivity
from emiss.reach.budgets import paper
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.selection.counting.counts import Tally
from emiss.selection.results.cutflow import Cutflow

REGION = {"min_muon_energy": 15.0, "max_angle": 0.02}
"""Signal events are made there alone, with its share as their weight: more of few events are left."""


@pytest.fixture(scope="module")
def masses(tmp_path_factory) -> Path:
    """A cutflow of two signal samples of different mass, as `emiss process` makes it from a run list, and its tables."""
    from emiss import runlist
    from emiss.job.plan import plan

    folder = tmp_path_factory.mktemp("masses")
    sample = load_sample("signal")
    listed = ""
    for name, mass in (("light", 0.11), ("heavy", 1.0)):
        changed = sample.model_copy(
            update={"process": sample.process.model_copy(update={"m_phi": mass, **REGION}), "name": name}
        )
        simulate(changed, folder / f"{name}.root", events=400)
        listed += f"  {name}: {{role: signal, files: [{name}.root]}}\n"
    simulate(load_sample("pion_decay"), folder / "pion.root", events=300)
    listed += "  pion: {role: background, files: [pion.root]}\n"
    head = "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nsamples:\n"
    (folder / "runs.yaml").write_text(head + listed, encoding="utf-8")
    run_job(plan(runlist.load(folder / "runs.yaml"), folder / "out"), folder / "out")
    return folder / "out"


def test_the_mass_comes_with_the_cutflow_and_the_efficiency_with_it(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    light, heavy = efficiencies.from_cutflow(flow)
    assert (light.m_phi, heavy.m_phi, light.threshold, light.beam_energy) == (0.11, 1.0, 20.0, 100.0)
    # of 400 events, each with the weight of the region they are made in
    counts = flow.samples["light"]
    rows = (
        counts.regions["nominal"]["nominal"]
        if "nominal" in counts.regions
        else next(iter(counts.regions.values()))["nominal"]
    )
    assert light.value == pytest.approx(rows[-1].sequential.sum_w / 400, rel=1e-6)
    assert 0.05 < light.value < 0.2
    assert 0.005 < heavy.value < 0.04
    assert light.error == pytest.approx(light.value / math.sqrt(rows[-1].sequential.n), rel=1e-6)
    again = select([masses], selection.load("e_to_mu_phi"), None).cutflow  # from the stored tables
    assert [(one.m_phi, pytest.approx(one.value)) for one in efficiencies.from_cutflow(again)] == [
        (one.m_phi, one.value) for one in (light, heavy)
    ]


def test_the_limit_is_on_the_coupling_whose_signal_is_the_limit_in_events(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    found = [replace(one, error=0.0) for one in efficiencies.from_cutflow(flow)]
    background = backgrounds.from_budget(paper())
    one = sensitivity.DataPeriod(1e11, 1, efficiencies=tuple(found), background=background)
    points = sensitivity.curve([one])
    unseen = (1e11 / 1.5e11,)
    for point in points:
        rate, _, _ = yields.per_electron(point.m_phi, coupling=point.observed)
        events = 1e11 * rate * point.efficiency
        expected = Period(1.0, 1e11 * background.per_electron, 1, background.relative_error, unseen=unseen)
        assert events == pytest.approx(upper_limit(expected).observed, rel=1e-5)
    # twice the electrons without background: 1/sqrt(2) in h, as h^2 counts
    empty = [sensitivity.DataPeriod(n, 0, efficiencies=tuple(found[:1])) for n in (1e11, 2e11)]
    once, twice = (sensitivity.curve([period])[0] for period in empty)
    assert once.observed / twice.observed == pytest.approx(math.sqrt(2.0))
    assert sensitivity.curve([empty[0], empty[0]])[0].observed == pytest.approx(twice.observed)


def test_the_background_of_a_cutflow_is_that_of_its_samples(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    found = backgrounds.from_cutflow(flow)
    counts = flow.samples["pion"]
    left = efficiencies.last_row(counts, None)
    assert left.n > 20
    assert found.per_electron == pytest.approx(left.n / counts.on_target)
    # the SRD's error of the rate besides that of the counts
    assert found.relative_error == pytest.approx(math.hypot(0.25, 1.0 / math.sqrt(left.n)))
    assert found.unseen == ()
    assert found.warnings == ("the cutflow has no sample of dimuons, kaon decays: they are not in the background",)


def test_a_sample_of_which_nothing_is_left_is_not_zero(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    counts = flow.samples["pion"]
    gone = replace(flow, samples={**flow.samples, "pairs": replace(counts, regions=_emptied(counts.regions))})
    found = backgrounds.from_cutflow(gone)
    (unseen,) = found.unseen
    assert unseen.upper == pytest.approx(2.3026 / counts.on_target, rel=1e-4)
    assert found.per_electron == backgrounds.from_cutflow(flow).per_electron
    light = tuple(efficiencies.from_cutflow(flow))
    both = [
        sensitivity.DataPeriod(1e11, efficiencies=light, background=b) for b in (found, backgrounds.from_cutflow(flow))
    ]
    assert sensitivity.curve([both[0]])[0].median >= sensitivity.curve([both[1]])[0].median
    # ten million times the sample: it can show no limit
    many = replace(both[0], on_target=counts.on_target * 1e7)
    with pytest.raises(UserError, match=r"samples that are too small: up to 2\.3e\+07 of pairs events"):
        sensitivity.curve([many])
    zero = backgrounds.from_cutflow(gone, empty="zero")
    assert zero.unseen == ()
    assert "nothing is left of pairs" in zero.warnings[-1]


def test_the_budget_is_for_its_own_cuts(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    own = efficiencies.from_cutflow(flow)
    assert backgrounds.choose("auto", own, flow, None, paper()).warnings == ()
    assert backgrounds.choose("auto", own, flow, None, paper()).source.startswith("budget")
    other = [replace(one, cuts="0123") for one in own]
    assert backgrounds.choose("auto", other, replace(flow, cuts_hash="0123"), None, paper()).source == "cutflow, pion"
    signals = replace(flow, cuts_hash="0123", samples={"light": flow.samples["light"]})
    with pytest.raises(UserError, match="there is no background for these cuts"):
        backgrounds.choose("auto", other, signals, None, paper())
    assert "OTHER CUTS" in backgrounds.choose("budget", other, signals, None, paper()).warnings[0]
    assert "the region 'loose'" in backgrounds.choose("budget", own, flow, "loose", paper()).warnings[0]
    unknown = [replace(one, cuts="") for one in own]
    assert "nothing says" in backgrounds.choose("auto", unknown, None, None, paper()).warnings[0]
    assert "nothing says" in backgrounds.choose("cutflow", unknown, flow, None, paper()).warnings[-1]
    with pytest.raises(UserError, match="the efficiencies of 0123"):
        backgrounds.choose("cutflow", other, flow, None, paper())


def test_phi_of_positrons_are_counted_with_theirs(masses, tmp_path):
    """The rate is that of the leptons that an efficiency is of, wherever it comes from; what says nothing is of electrons."""
    flow = Cutflow.load(masses / "cutflow.json")
    counts = flow.samples["light"]
    assert counts.process["leptons"] == ["e-"]
    (electrons,) = efficiencies.from_cutflow(replace(flow, samples={"light": counts}))
    silent = {key: value for key, value in counts.process.items() if key != "leptons"}
    old = efficiencies.from_cutflow(replace(flow, samples={"light": replace(counts, process=silent)}))
    assert (old[0].value, old[0].leptons) == (electrons.value, ("e-",))
    table = tmp_path / "e.csv"
    table.write_text("m_phi,efficiency,leptons\n0.11,0.1,e- e+\n0.3,0.1,\n")
    both, one = efficiencies.from_table(table, threshold=20.0, beam_energy=100.0)
    assert (both.leptons, one.leptons) == (("e-", "e+"), ("e-",))
    rates = [
        yields.per_electron(0.11, coupling=1e-4, leptons=leptons)[0] for leptons in (("e-",), ("e+",), both.leptons)
    ]
    assert rates[0] + rates[1] == pytest.approx(rates[2])
    assert 0.02 < rates[1] / rates[0] < 0.5
    (point,) = sensitivity.curve([sensitivity.DataPeriod(1e11, 0, efficiencies=(both,))])
    assert point.per_electron == pytest.approx(rates[2])
    table.write_text("m_phi,efficiency,leptons\n0.11,0.1,mu-\n")
    with pytest.raises(UserError, match="row 1: leptons are 'e-', 'e\\+' or 'e- e\\+', not 'mu-'"):
        efficiencies.from_table(table, threshold=20.0, beam_energy=100.0)
    with pytest.raises(ValueError, match="leptons are"):
        yields.per_electron(0.11, coupling=1e-4, leptons=("e-", "e-"))


def test_a_signal_counted_without_its_weights_is_refused(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    counts = flow.samples["light"]
    bare = {
        region: {
            name: tuple(
                replace(row, sequential=Tally(row.sequential.n, row.sequential.n, row.sequential.n)) for row in rows
            )
            for name, rows in variations.items()
        }
        for region, variations in counts.regions.items()
    }
    with pytest.raises(UserError, match="'light' was counted without the weights that its events carry"):
        efficiencies.from_cutflow(replace(flow, samples={"light": replace(counts, regions=bare)}))
    with pytest.raises(UserError, match="has an efficiency of"):
        efficiencies.from_cutflow(replace(flow, samples={"light": replace(counts, scale=100.0)}))


def test_a_blinded_sample_has_no_efficiency_and_no_background(masses):
    flow = Cutflow.load(masses / "cutflow.json")
    hidden = replace(flow, samples={name: replace(counts, hidden=True) for name, counts in flow.samples.items()})
    for taken in (efficiencies.from_cutflow, backgrounds.from_cutflow):
        with pytest.raises(UserError, match="is blinded: the events in its box are missing"):
            taken(hidden)


def _emptied(regions):
    return {
        region: {name: (*rows[:-1], replace(rows[-1], sequential=Tally())) for name, rows in variations.items()}
        for region, variations in regions.items()
    }


def test_the_command_writes_the_curve_in_every_form(masses, tmp_path, cli):
    done = cli("limit", "--eot", "1e11", "--cutflow", masses, "--analysis", "e_to_mu_phi", "-o", tmp_path / "o")
    assert (done.code, done.err) == (0, "")
    assert "90 % CL upper limits on h" in done.out
    assert "background 1.95 +- 0.49, up to 1.5 of dimuon (90 %), a projection" in done.out
    assert "WARNING" not in done.out
    assert "reaches the 3 sigma band of g-2 at no mass" in done.out
    data = json.loads((tmp_path / "o" / "limit.json").read_text())
    assert data["schema"] == "emiss.limit/1"
    assert [point["m_phi"] for point in data["points"]] == [0.11, 1.0]
    assert data["points"][0]["observed"] is None
    assert data["points"][0]["limit"]["method"] == "exact"
    assert data["provenance"]["inputs"][0]["path"].endswith("cutflow.json")
    rows = list(csv.DictReader((tmp_path / "o" / "limit.csv").read_text().splitlines()))
    assert [float(row["median"]) for row in rows] == pytest.approx([p["expected"][2] for p in data["points"]], rel=1e-5)
    assert float(rows[0]["g2_low"]) == pytest.approx(3.43e-4, rel=1e-2)
    assert (tmp_path / "o" / "limit.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "o" / "limit.pdf").read_bytes()[:4] == b"%PDF"


def test_periods_table_and_observations_from_the_command_line(tmp_path, cli):
    table = tmp_path / "table.csv"
    table.write_text("# of Fig. 5\nm_phi,efficiency,error\n0.11,0.06,0.006\n1,0.03,0\n")
    options = ["--efficiencies", table, "--background", "1.95e-11", "--background-error", "0.2", "--json"]
    done = cli("limit", "--eot", "6e10", "--observed", "0", "--eot", "4e10", "--observed", "2", *options)
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert [(p["on_target"], p["observed"]) for p in data["periods"]] == [(6e10, 0), (4e10, 2)]
    assert data["warnings"] == ["background: 1.95e-11 per electron as given, nothing says for which cuts"]
    assert data["warnings"][0] in done.err
    whole = cli("limit", "--eot", "1e11", "--observed", "2", *options)
    assert [p["observed"] for p in data["points"]] == pytest.approx(
        [p["observed"] for p in json.loads(whole.out)["points"]], rel=1e-5
    )


def test_a_mass_may_be_simulated_on_the_spot(tmp_path, cli):
    done = cli("limit", "--eot", "1e11", "--mass", "300 MeV", "--events", "300", "--json", "--plot", tmp_path / "l.svg")
    assert done.code == 0, done.err
    (point,) = json.loads(done.out)["points"]
    assert point["m_phi"] == 0.3
    assert 0.03 < point["efficiency"]["value"] < 0.07
    assert "<svg" in (tmp_path / "l.svg").read_text()


def test_all_mistakes_of_the_options_are_said_at_once(cli):
    done = cli("limit", "--eot", "-1", "--method", "best", "--plot", "x.gif", "--target", "leed")
    assert done.code == 2
    for said in ("--eot must be above 0", "--method: there is no 'best'", "not '.gif'", "did you mean 'lead'"):
        assert said in done.err


def test_periods_may_have_all_of_their_own(masses, tmp_path, cli):
    flow = Cutflow.load(masses / "cutflow.json")
    left = replace(efficiencies.last_row(flow.samples["pion"], None), n=2)
    rows = flow.samples["pion"].regions["nominal"]["nominal"]
    seen = {"nominal": {"nominal": (*rows[:-1], replace(rows[-1], sequential=left))}}
    run = replace(flow.samples["pion"], role="data", on_target=5e10, regions=seen, process={}, coverage={})
    replace(flow, samples={**flow.samples, "run": run}).save(tmp_path / "cutflow.json")
    (tmp_path / "table.csv").write_text("m_phi,efficiency,error\n0.11,0.06,0.006\n1,0.03,0.001\n")
    (tmp_path / "periods.yaml").write_text(
        "periods:\n"
        "  first: {data: run, cutflow: cutflow.json, efficiency_error: 10 percent}\n"
        "  second:\n"
        "    on_target: 2e11\n"
        "    on_target_error: 5 percent\n"
        "    observed: 1\n"
        "    efficiencies: table.csv\n"
        "    efficiency_factor: 0.5\n"
        "    background: 1e-11\n"
        "    background_error: 0.4\n"
        "    target: tungsten\n"
    )
    shown = cli("limit", "--periods", tmp_path / "periods.yaml", "--empty", "zero", "-o", tmp_path / "o")
    assert shown.code == 0, shown.err
    data = json.loads((tmp_path / "o" / "limit.json").read_text())
    first, second = data["periods"]
    assert (first["name"], first["on_target"], first["observed"], first["nucleus"]) == ("first", 5e10, 2, "lead")
    assert (second["observed"], second["efficiency_factor"], second["background"]["relative_error"]) == (1, 0.5, 0.4)
    assert "period first: nothing is left of dimuon" in data["warnings"][0]
    assert "period second: background: 1e-11 per electron as given" in data["warnings"][1]
    # by hand: both counters with their own numbers
    light = efficiencies.from_cutflow(flow)[0]
    budget = paper().total()
    lead, tungsten = (
        yields.per_electron(0.11, coupling=1e-4, nucleus=NUCLEI[name])[0] for name in ("lead", "tungsten")
    )
    by_hand = [
        Period(
            5e10 * lead * light.value,
            5e10 * budget.value,
            2,
            budget.error / budget.value,
            math.hypot(0.1, light.error / light.value),
        ),
        Period(2e11 * tungsten * 0.5 * 0.06, 2.0, 1, math.hypot(0.4, 0.05), math.hypot(0.05, 0.1)),
    ]
    assert data["points"][0]["limit"]["observed"] == pytest.approx(upper_limit(by_hand).observed, rel=1e-6)
    assert data["points"][0]["efficiency"]["value"] == pytest.approx((5e10 * light.value + 2e11 * 0.03) / 2.5e11)
    assert "period second: 2e+11 EOT +- 0.05, background 2 +- 0.8, 1 observed, efficiency x 0.5, tungsten" in shown.out
    assert shown.out.index("WARNING") < shown.out.index("90 % CL")
    # the same data sample, by options
    alone = cli("limit", "--cutflow", tmp_path, "--data", "run", "--json")
    assert json.loads(alone.out)["periods"][0]["observed"] == 2, alone.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("periods: {a: {observed: 1}}\n", "'on_target' is missing"),
        ("periods: {a: {on_target: 1e11, observd: 1}}\n", "did you mean 'observed'"),
        ("periods: {a: {on_target: 1e11, target: leed}}\n", "did you mean 'lead'"),
        ("periods: {a: {on_target: 1e11, observed: 1, data: run}}\n", "both say what was seen"),
        ("periods: {a: {on_target: -1}}\n", "greater than 0"),
        ("periods: {a: {on_target: inf}}\n", "is no number"),
        ("periods: {}\n", "at least 1"),
    ],
)
def test_a_wrong_file_of_periods_is_refused_with_its_place(text, says, tmp_path, cli):
    (tmp_path / "p.yaml").write_text(text)
    done = cli("limit", "--periods", tmp_path / "p.yaml")
    assert done.code == 2
    assert says in done.err
    assert "p.yaml:1:" in done.err


def test_the_readings_of_the_srd_are_a_hundred_apart(tmp_path, cli):
    table = tmp_path / "t.csv"
    table.write_text("m_phi,efficiency\n0.3,0.05\n")
    shared = ("limit", "--eot", "1e11", "--efficiencies", table, "--json")
    factor, level = (json.loads(cli(*shared, "--srd-reading", name).out) for name in ("factor", "level"))
    assert level["background"]["per_electron"] == pytest.approx(100.0 * factor["background"]["per_electron"])
    assert level["points"][0]["expected"][2] > 2.0 * factor["points"][0]["expected"][2]


def test_the_asymptotic_method_says_that_it_is_wrong_here(tmp_path, cli):
    table = tmp_path / "t.csv"
    table.write_text("m_phi,efficiency\n0.3,0.05\n")
    done = cli(
        "limit",
        "--eot",
        "1e11",
        "--observed",
        "0",
        "--efficiencies",
        table,
        "--method",
        "asymptotic",
        "--empty",
        "zero",
    )
    assert done.code == 0, done.err
    assert "no event observed: the asymptotic limit is too low" in done.out
    assert "CLs, asymptotic" in done.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--eot", "-1"], "--eot must be above 0"),
        (["--eot", "1e11", "--observed", "1", "--observed", "2"], "given 2 times for 1 periods"),
        (["--eot", "1e11", "--method", "asymptotics"], "did you mean 'asymptotic'"),
        (["--eot", "1e11", "--difference", "wp2021"], "did you mean"),
        (["--eot", "1e11", "--confidence", "90"], "between 0 and 1"),
        (["--eot", "1e11", "--plot", "x.gif"], "not '.gif'"),
        (["--eot", "1e11", "--background", "cutflow", "--efficiencies", "T"], "needs --cutflow"),
        (["--eot", "1e11", "--background", "budge", "--efficiencies", "T"], "did you mean 'budget'"),
        (["--eot", "1e11", "--srd-reading", "levels", "--efficiencies", "T"], "did you mean 'level'"),
        (["--eot", "1e11", "--mass", "300"], "needs a unit"),
        (["--eot", "1e11", "--mass", "50 MeV", "--events", "1"], "cannot be simulated at 0.05 GeV"),
        (["--eot", "1e11", "--efficiencies", "T", "--ratio", "2"], "resonant"),
        (["--eot", "1e11", "--signal", "a=signal"], "--signal is for the samples of a cutflow"),
        (["--eot", "1e11", "--sample", "dimuon", "--mass", "1 GeV"], "is no signal"),
        (["--eot", "inf", "--efficiencies", "T"], "--eot must be above 0, and finite"),
        (["--eot", "1e19", "--efficiencies", "T"], "samples that are too small"),
        (["--eot", "1e30", "--efficiencies", "T", "--background", "1e-3"], "there is no limit"),
        (["--efficiencies", "T"], "--eot is missing"),
        (["--eot", "1e11", "--data", "run"], "and there is no --cutflow"),
        (["--eot", "1e11", "--empty", "nil"], "--empty: there is no 'nil'"),
        (["--eot", "1e11", "--target", "leed"], "did you mean 'lead'"),
        (["--eot", "1e11", "--periods", "p.yaml"], "leave out one of them"),
        (
            ["--eot", "1e11", "--efficiencies", "T", "--background", "1e-11", "--srd-factor", "1e-6"],
            "are for the budget",
        ),
        (["--eot", "1e11", "--efficiencies", "T", "--efficiency-error", "inf"], "--efficiency-error must be"),
        (["--eot", "1e11", "--efficiencies", "T", "--mass", "1 GeV"], "the efficiencies are given"),
        (["--eot", "1e11", "--efficiencies", "T", "--cutflow", "c.json"], "both give efficiencies"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2(options, says, tmp_path, cli):
    table = tmp_path / "t.csv"
    table.write_text("m_phi,efficiency\n0.3,0.05\n")
    done = cli("limit", *(table if option == "T" else option for option in options))
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("m_phi,eficiency\n0.3,0.05\n", "did you mean 'efficiency'"),
        ("m_phi\n0.3\n", "'efficiency' is missing"),
        ("m_phi,efficiency\n0.3,much\n", "row 1"),
        ("m_phi,efficiency\n0.3,5\n", "no efficiency"),
        ("m_phi,efficiency\n0.1,0.5\n", "below 0.105147 GeV the muon decays"),
        ("m_phi,efficiency\n0.3,0.1\n0.3,0.2\n", "two efficiencies at 0.3 GeV"),
        ("m_phi,efficiency\n", "empty"),
        ("m_phi,efficiency\n0.3,0\n", "no signal is left at any mass"),
    ],
)
def test_a_wrong_table_is_refused(text, says, tmp_path, cli):
    table = tmp_path / "t.csv"
    table.write_text(text)
    done = cli("limit", "--eot", "1e11", "--efficiencies", table)
    assert done.code == 2
    assert says in done.err


def test_a_cutflow_of_other_cuts_or_without_masses_is_refused(masses, tmp_path, cli):
    cuts = tmp_path / "harder.yaml"
    cuts.write_text("analysis: e_to_mu_phi\nextends: e_to_mu_phi\nparameters: {e_miss_min: 30 GeV}\n")
    done = cli("limit", "--eot", "1e11", "--cutflow", masses, "--analysis", cuts)
    assert (done.code, "made with other cuts" in done.err) == (2, True)
    flow = Cutflow.load(masses / "cutflow.json")
    silent = replace(flow, samples={"signal": replace(flow.samples["light"], process={})})
    with pytest.raises(UserError, match="does not say at which mass"):
        efficiencies.from_cutflow(silent)
    light = load_sample("signal")
    light = light.model_copy(update={"process": light.process.model_copy(update={"m_phi": 0.11, **REGION})})
    told = efficiencies.from_cutflow(silent, known={"signal": light})
    assert told[0].value == pytest.approx(efficiencies.from_cutflow(flow)[0].value)
    with pytest.raises(UserError, match="no region 'nominl'"):
        efficiencies.from_cutflow(flow, region="nominl")


def test_a_signal_that_the_cutflow_has_not_is_refused() -> None:
    from emiss.configs.errors import UserError
    from emiss.reach.efficiencies import from_cutflow
    from emiss.samples.config import load_sample
    from emiss.selection.results.cutflow import Cutflow

    with pytest.raises(UserError, match="--signal sginal: the cutflow has no sample of this name"):
        from_cutflow(Cutflow.empty(), known={"sginal": load_sample("signal")})


VARIED = """
analysis: varied
extends: e_to_mu_phi
variations:
  rate: {weight: {up: weight * 1.1, down: weight / 1.1}}
"""


@pytest.fixture(scope="module")
def varied(masses, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("varied")
    (folder / "varied.yaml").write_text(VARIED)
    select([masses], selection.load(folder / "varied.yaml")).cutflow.save(folder / "cutflow.json")
    return folder


def test_a_variation_is_the_error_of_the_efficiency_that_is_given_by_hand(varied, cli):
    limit = ("limit", "--eot", "1e11", "--cutflow", varied, "--background", "1e-11", "--observed", 0, "--json")
    moved = json.loads(cli(*limit).out)
    without = json.loads(cli(*limit, "--no-variations").out)
    by_hand = json.loads(cli(*limit, "--no-variations", "--efficiency-error", "0.1").out)
    ends = [[point["observed"] for point in one["points"]] for one in (moved, by_hand, without)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)
    assert all(a > 1.001 * b for a, b in zip(ends[0], ends[2], strict=True))
    (found,) = moved["variations"]["contributions"]
    assert found["name"] == "rate"
    assert found["signal"] == pytest.approx([0.1, 1 / 1.1 - 1.0])
    assert found["background"] == [0.0, 0.0]
    assert found["limit"] > 0.0
    assert without["variations"] is None
    table = cli(*limit[:-1]).out
    assert re.search(r"rate +\+10 -9.09 +\+0 \+0 +\+", table), table


@pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # both are pyhf's
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_variations_are_parameters_of_the_workspaces_that_samples_and_periods_share(varied, cli, tmp_path):
    import pyhf

    (tmp_path / "periods.yaml").write_text(
        "periods:\n"
        f"  one: {{on_target: 1e11, cutflow: {varied}, background: cutflow, observed: 1}}\n"
        f"  two: {{on_target: 2e11, cutflow: {varied}, background: cutflow, observed: 1}}\n"
    )
    out = tmp_path / "out"
    done = cli("limit", "--periods", tmp_path / "periods.yaml", "--export", "pyhf", "--out", out, "--quiet")
    assert done.code == 0, done.err
    index = json.loads((out / "pyhf" / "index.json").read_text())
    assert [entry["mass"] for entry in index["workspaces"]] == [0.11, 1.0]
    for entry in index["workspaces"]:
        found = pyhf.Workspace(
            json.loads((out / "pyhf" / entry["file"]).read_text())
        )  # refuses what its schema refuses
        model = found.model()
        at = model.config.par_order.index("variation_rate")
        parameters = model.config.suggested_init()
        before = model.expected_actualdata(parameters)
        parameters[at] = 1.0
        assert model.expected_actualdata(parameters) == pytest.approx(1.1 * before)
        signal = [s["data"][0] for c in found["channels"] for s in c["samples"] if s["name"] == "signal"]
        assert sum(signal) == pytest.approx(entry["signal"])
    assert cli("limit", "--eot", "1e11", "--cutflow", varied, "--export", "hepdata", "--out", out).code == 2
    assert cli("limit", "--eot", "1e11", "--cutflow", varied, "--export", "pyhf").code == 2


def test_a_variation_that_leaves_nothing(varied):
    from emiss.reach import variations

    assert variations.of_sum([(1.0, (("a", 1.2, 0.9),)), (3.0, ())]) == (
        ("a", pytest.approx(1.05), pytest.approx(0.975)),
    )
    flow = Cutflow.load(varied / "cutflow.json")
    counts = flow.samples["pion"]
    rows = counts.regions["nominal"]

    def emptied(*names: str) -> Cutflow:
        gone = {
            name: (*found[:-1], replace(found[-1], sequential=Tally(0, 0.0, 0.0))) if name in names else found
            for name, found in rows.items()
        }
        return replace(flow, samples={**flow.samples, "pion": replace(counts, regions={"nominal": gone})})

    assert variations.of_sample(flow, "pion", None) == (("rate", pytest.approx(1.1), pytest.approx(1 / 1.1)),)
    assert variations.of_sample(emptied("rate_up"), "pion", None) == (
        ("rate", pytest.approx(1.1), pytest.approx(1 / 1.1)),
    )
    with pytest.raises(UserError, match="leaves nothing of sample 'pion'"):
        variations.of_sample(emptied("rate_up", "rate_down"), "pion", None)
