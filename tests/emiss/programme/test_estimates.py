"""``emiss background``: estimates from cutflows and histograms with their closures, budgets, events shared by regions."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from emiss.commands.app import app
from emiss.configs.errors import UserError
from emiss.events.ledger import Ledger
from emiss.physics.limits.budget import Entry, total
from emiss.programme import estimates
from emiss.reach.budgets import load_budget, paper
from emiss.selection.counting.counts import CutCounts, Tally
from emiss.selection.results.cutflow import Cutflow


def sample(name, role, counts, *, on_target=1e10, weight=1.0):
    """A sample whose regions hold so many events, of 10,000."""
    regions = {
        region: {
            "nominal": (
                CutCounts("all", "", Tally(10_000, 10_000 * weight, 10_000 * weight**2)),
                CutCounts("last", "x > 0", Tally(n, n * weight, n * weight**2)),
            )
        }
        for region, n in counts.items()
    }
    return Cutflow.single(
        analysis="a", cuts_hash="0123456789ab", sample=name, role=role, on_target=on_target, scale=1.0, partial=False,
        ledger=Ledger(read=10_000, passed=10_000), regions=regions, coverage={f"{name}.dat": ((0, 10_000),)}, provenance={},
    )  # fmt: skip


@pytest.fixture
def flow():
    data = sample("run", "data", {"a": 14, "b": 40, "c": 90, "d": 300, "zone": 200, "near": 52}, on_target=2e10)
    made = sample("pairs", "background", {"a": 30, "b": 80, "c": 180, "d": 500, "zone": 400, "near": 100}, weight=0.5)
    return data + made


def test_abcd_with_closure_and_correlation_in_simulation(flow):
    found = estimates.abcd(estimates.Regions(flow), ("a", "b", "c", "d"))
    assert found.estimate.value == 12.0
    assert found.per_particle == pytest.approx(12.0 / 2e10)
    (closure,) = found.closures
    assert closure.place == "a, simulation"
    assert closure.estimate.value == pytest.approx(80 * 180 / 500)
    assert closure.estimate.closes(closure.seen)
    assert found.correlation is not None
    assert abs(found.correlation[0]) < found.correlation[1]


def test_a_zone_is_transferred_by_the_ratio_of_the_simulation(flow):
    found = estimates.transfer(estimates.Regions(flow), "a", ["zone"], ["near"])
    assert found.estimate.value == pytest.approx(200 * 30 / 400)
    assert found.closures[0].estimate.value == pytest.approx(50.0)
    assert found.closures[0].seen.value == 52.0
    assert found.closures[0].estimate.closes(found.closures[0].seen)
    # data over simulation: 200 in 2e10 to 400 events of weight 1/2 in 1e10
    assert found.notes[-1].startswith("data over simulation in zone: 0.5 +- ")


def test_of_nothing_left_the_error_is_that_of_one_event():
    flow = sample("run", "data", {"a": 0, "zone": 100}) + sample(
        "pairs", "background", {"a": 0, "zone": 50}, weight=0.5
    )
    found = estimates.transfer(estimates.Regions(flow), "a", ["zone"])
    assert found.estimate.value == 0.0
    assert found.estimate.error == pytest.approx(100 / 50)


def test_tails_and_side_bands_of_a_histogram():
    edges = np.linspace(0.0, 100.0, 51)
    counts = np.round(2000.0 * np.exp(-0.06 * 0.5 * (edges[1:] + edges[:-1])))
    found = estimates.tail("exponential", edges, counts, [(10.0, 60.0)], (80.0, 100.0), [(60.0, 80.0)])
    true = sum(2000.0 * np.exp(-0.06 * (0.5 * (a + b))) for a, b in pairwise(edges[40:]))
    assert abs(found.estimate.value - true) < 3.0 * found.estimate.error
    assert found.closures[0].estimate.closes(found.closures[0].seen)
    line = estimates.tail(
        "sideband", edges, np.full(50, 30.0), [(0.0, 40.0), (60.0, 100.0)], (40.0, 60.0), [(40.0, 60.0)]
    )
    assert line.estimate.value == pytest.approx(300.0, rel=1e-3)
    with pytest.raises(UserError, match="no bin of the histogram is between 41 and 42"):
        estimates.tail("sideband", edges, np.full(50, 30.0), [(0.0, 100.0)], (40.0, 60.0), [(41.0, 42.0)])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda flow: estimates.abcd(estimates.Regions(flow), ("a", "b", "c")), "ABCD takes four regions"),
        (lambda flow: estimates.abcd(estimates.Regions(flow), ("a", "b", "c", "e")), "no region 'e'"),
        (lambda flow: estimates.Regions(flow, "rum"), "no sample 'rum'"),
        (lambda flow: estimates.transfer(estimates.Regions(flow), "a", []), "from which zones"),
        (lambda _: estimates.Regions(sample("x", "background", {"a": 1})), "no data sample"),
    ],
)
def test_what_cannot_be_estimated_is_told(flow, ask, message):
    with pytest.raises(UserError, match=message):
        ask(flow)


def test_the_command_writes_what_it_prints(flow, tmp_path):
    flow.save(tmp_path / "cutflow.json")
    told = ["background", "-r", str(tmp_path), "--model", "abcd", "--region", "a", "--from", "b,c,d"]
    printed = CliRunner().invoke(app, [*told, "--out", str(tmp_path / "estimate.json")])
    assert printed.exit_code == 0, printed.output
    assert "a, by abcd: 12 +- " in printed.output
    assert "closure in a, simulation" in printed.output
    data = json.loads((tmp_path / "estimate.json").read_text())
    assert data["estimate"]["value"] == 12.0
    assert data["closures"][0]["closes"] is True
    assert json.loads(CliRunner().invoke(app, [*told, "--json"]).output) == data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of --model, --budget and --overlap"),
        (["--model", "abc"], "there is no 'abc'"),
        (["--model", "abcd"], "where events were counted is missing"),
        (["--overlap"], "needs --analysis and --table"),
        (["--budget", "moun"], "did you mean 'muon'"),
    ],
)
def test_the_command_says_what_is_missing(arguments, message):
    assert message in str(CliRunner().invoke(app, ["background", *arguments]).exception)


def test_the_papers_budget_as_entries_is_the_formula():
    written = load_budget("e_to_mu_phi")
    assert written.total().value == paper().total().value
    assert written.total().error == pytest.approx(paper().total().error, rel=1e-14)
    by_name = {one.name: one for one in written.rates()}
    for rate in paper().rates():
        assert by_name[rate.source].value == rate.per_electron
        assert by_name[rate.source].error == pytest.approx(rate.error, rel=1e-14)
    assert by_name["dimuon"].room == 1.0 / 1.5e11


@pytest.mark.parametrize(("name", "tolerance"), [("muon", 1e-9), ("invisible_2019", 0.003), ("invisible_2023", 0.001)])
def test_totals_that_are_told_are_those_of_the_entries(name, tolerance):
    written = load_budget(name)
    assert written.total().value * written.on_target == pytest.approx(written.told.count, abs=tolerance)
    assert written.total().error * written.on_target == pytest.approx(written.told.error, rel=0.06)


def test_bounds_are_carried_apart_unless_the_budget_counts_them():
    entries = (
        Entry("a", "measured", 2.0, {"x": 0.1}),
        Entry("b", "bound", 5.0, counted=False),
        Entry("c", "bound", 1.0),
    )
    assert total(entries).value == 3.0
    printed = CliRunner().invoke(app, ["background", "--budget", "muon", "--on-target", "1.98e11"]).output
    assert "< 0.1" in printed
    assert "0.7 +- 0.3" in printed


def test_errors_of_one_cause_add_before_they_are_squared():
    shared = (Entry("a", "measured", 1.0, {"srd": 0.3}), Entry("b", "measured", 1.0, {"srd": 0.4}))
    apart = (Entry("a", "measured", 1.0, {"one": 0.3}), Entry("b", "measured", 1.0, {"two": 0.4}))
    assert total(shared).error == pytest.approx(0.7)
    assert total(apart).error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{kind: measured, count: 1}", r"own\.yaml:4:\d+.*a count needs 'on_target'"),
        ("{kind: measured, rate: 1, count: 1}", "one of rate, count, factors, sample, not rate and count"),
        ("{kind: measured}", "an entry has one of"),
        ("{kind: guessed, rate: 1}", "should be 'simulated', 'measured', 'extrapolated' or 'bound'"),
        ("{kind: extrapolated, factors: [n, m]}", "there is no number 'm'"),
        ("{kind: simulated, sample: 1e10}", "'sample' and 'left' go together"),
        ("{kind: simulated, sample: 1e10, left: 0, error: 1}", "the error follows from 'sample'"),
    ],
)
def test_mistakes_of_a_budget_have_a_place(tmp_path, change, message):
    path = tmp_path / "own.yaml"
    path.write_text(f"budget: own\nsource: me\nnumbers: {{n: {{value: 1}}}}\nentries: {{a: {change}}}\n")
    with pytest.raises(UserError, match=message):
        load_budget(path)


def test_events_that_two_regions_share_are_counted_once_in_their_union():
    from emiss import selection
    from emiss.events.columns import Column
    from emiss.events.table import EventTable, Metadata
    from emiss.selection.overlap import overlap

    analysis = selection.loads(
        "analysis: two\ncuts: [{name: x, require: x > 2}]\n"
        "regions: {low: {}, high: {replace: {x: x > 5}}, none: {replace: {x: x < 0}}}\n"
    )
    columns = {"x": Column("x", "f8", "1", "x")}
    table = EventTable(10, {"x": np.arange(10.0)}, {}, Metadata(columns=columns))
    found = overlap(selection.bind(analysis, columns), table)
    assert found.regions == ("low", "high", "none")
    assert found.both.tolist() == [[7, 4, 0], [4, 4, 0], [0, 0, 0]]
    assert (found.union, found.shared) == (7, 4)
    twice = found + found
    assert (twice.union, twice.shared) == (14, 8)


def test_select_tells_what_regions_share(cli, tmp_path):
    from emiss.events.columns import Column
    from emiss.events.files import open as stored
    from emiss.events.table import EventTable, Metadata

    text = "analysis: two\nparameters: {most: 5}\ncuts: [{name: x, require: x > 2}]\n"
    (tmp_path / "two.yaml").write_text(text + "regions: {low: {}, high: {replace: {x: x > most}}}\n")
    columns = {"x": Column("x", "f8", "1", "x")}
    for sample, events in (("a", 10), ("b", 20)):
        metadata = Metadata(columns=columns, sample=sample, role="background")
        stored.write(EventTable(events, {"x": np.arange(float(events))}, {}, metadata), tmp_path / f"{sample}.parquet")
    asked = ["select", tmp_path / "a.parquet", tmp_path / "b.parquet", "--analysis", tmp_path / "two.yaml", "--shared"]
    done = cli(*asked, "--set", "most=7", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "the regions together count 2 too many" in done.out
    data = json.loads((tmp_path / "out" / "shared.json").read_text())
    assert data["schema"] == "emiss.shared/1"
    assert data["samples"]["b"] == {"regions": ["low", "high"], "both": [[17, 12], [12, 12]], "union": 17, "shared": 12}
