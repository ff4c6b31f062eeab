"""Best steps of a scan, their uncertainty, and what is written of scans and histograms."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import uhi.io.json
import uproot

from emiss import selection
from emiss.drawing import svg
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.selection import report
from emiss.selection.plotting import scan as plots
from emiss.selection.results import optimum
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.files import histograms as histogramfile
from emiss.selection.results.files import scans as scanfile
from emiss.selection.results.result import Result

COLUMNS = {"e": Column("e", unit="GeV"), "w": Column("w")}
TEXT = """
analysis: toy
parameters: {low: 20 GeV}
cuts:
  - {name: energy, require: e > low, scan: {parameter: low, from: 0 GeV, to: 50 GeV, points: 11}}
weights: {nominal: w}
histograms:
  - {name: e, of: e, bins: 5, from: 0 GeV, to: 100 GeV, after: [all, n-1]}
  - {name: plane, of: [e, w], bins: 5, from: [0, 0], to: [100 GeV, 2]}
"""


def sample(name: str, role: str, energies, on_target: float) -> EventTable:
    energies = np.asarray(energies, float)
    size = len(energies)
    metadata = Metadata(
        columns=COLUMNS, sample=name, role=role, on_target=on_target, ledger=Ledger(read=size, passed=size)
    )
    return EventTable(size, {"e": energies, "w": np.ones(size)}, {}, metadata)


def result() -> Result:
    rng = np.random.default_rng(4)
    analysis = selection.loads(TEXT)
    tables = [
        sample("signal", "signal", rng.uniform(30, 100, 4000), 1e12),
        sample("soft", "background", rng.exponential(8, 20_000), 1e11),
        sample("flat", "background", rng.uniform(0, 100, 100), 1e11),
        sample("run", "data", rng.uniform(0, 100, 50), 1e11),
    ]
    parts = [selection.run(table, analysis) for table in tables]
    return Result(
        sum((part.cutflow for part in parts), Cutflow.empty()),
        {name: made for part in parts for name, made in part.histograms.items()},
        {name: made for part in parts for name, made in part.scans.items()},
        parts[0].bound_scans,
    )


def test_best_step_against_the_events_themselves() -> None:
    whole = result()
    (curve,) = whole.curves()
    rng = np.random.default_rng(4)
    signal, soft, flat = rng.uniform(30, 100, 4000), rng.exponential(8, 20_000), rng.uniform(0, 100, 100)
    for i, low in enumerate(np.linspace(0, 50, 11)):
        s, b = (signal > low).sum() * 0.1, (soft > low).sum() + (flat > low).sum()
        assert curve.signal[i] == pytest.approx(s)
        assert curve.background[i] == pytest.approx(b)
        assert curve.merit[i] == pytest.approx(s / np.sqrt(b + 1))
    assert curve.best == (int(np.argmax(curve.merit)),)
    assert curve.close is not None
    assert curve.interval is not None
    best = curve.best_values[0]
    assert curve.close[0] <= best <= curve.close[1]
    assert curve.interval[0] <= best <= curve.interval[1]
    assert curve.interval[1] - curve.interval[0] <= 20


def test_replicas_have_the_covariance_of_the_steps() -> None:
    whole = result()
    counts = whole.scans["soft"]["low", "nominal"]
    drawn = optimum.replicas(counts, np.random.default_rng(1))
    assert drawn.shape == (optimum.REPLICAS, 11)
    np.testing.assert_allclose(drawn.mean(axis=0), counts.sum_w[0], rtol=0.05, atol=3)
    np.testing.assert_allclose(drawn.var(axis=0), counts.sum_w2[0], rtol=0.25, atol=6)
    together = np.cov(drawn[:, 1], drawn[:, 2])[0, 1]
    assert together == pytest.approx(counts.sum_w2[0][2], rel=0.25)  # what passes the higher threshold passes both


def test_interval_covers_the_best_step_of_independent_experiments() -> None:
    analysis = selection.loads(TEXT)
    bound = selection.bind(analysis, COLUMNS)
    truth_rng = np.random.default_rng(0)

    def best(rng, scale=1):
        tables = [
            sample("signal", "signal", rng.uniform(30, 100, 2000 * scale), 1e11 * scale),
            sample("soft", "background", rng.exponential(10, 3000 * scale), 1e11 * scale),
        ]
        parts = [selection.run(table, bound) for table in tables]
        scans = {name: made for part in parts for name, made in part.scans.items()}
        whole = Result(parts[0].cutflow + parts[1].cutflow, {}, scans, bound.scans)
        return whole.curves()[0]

    truth = best(truth_rng, 200).best_values[0]
    inside = []
    for seed in range(40):
        interval = best(np.random.default_rng(seed + 1)).interval
        inside.append(interval[0] <= truth <= interval[1])
    assert np.mean(inside) >= 0.5  # 68 % is meant, in steps of 5 GeV and with 40 tries


def test_files_of_scans() -> None:
    whole = result()
    (scan,) = whole.bound_scans
    data = json.loads(scanfile.dumps(scan, whole.scans, whole.cutflow))
    assert data["schema"] == "emiss.scan/1"
    assert data["axes"][0]["unit"] == "GeV"
    assert data["method"] == {"nominal": "threshold"}
    assert data["samples"]["signal"]["regions"]["nominal"]["n"][0] == 4000
    assert data["curves"][0]["best"][0] == whole.curves()[0].best_values[0]
    rows = list(csv.reader(io.StringIO(scanfile.csv(scan, whole.scans, whole.cutflow))))
    assert rows[0] == ["region", "signal", "low [GeV]", "events_signal", "events_background", "merit"]
    assert len(rows) == 12


def test_files_of_histograms(tmp_path) -> None:
    whole = result()
    text = histogramfile.dumps(whole.histograms, analysis="toy", cuts_hash="x")
    data = json.loads(text, object_hook=uhi.io.json.object_hook)
    assert data["schema"] == histogramfile.SCHEMA
    first = json.loads(text)["histograms"][0]["metadata"]
    assert (first["sample"], first["region"], first["stage"], first["undefined"]) == ("signal", "nominal", "all", 0)
    histogramfile.save_root(whole.histograms, tmp_path / "h.root")
    with uproot.open(tmp_path / "h.root") as file:
        read = file["signal/nominal/e_all"]
        made = whole.histogram("e", "all", sample="signal")
        assert read.classname == "TH1D"
        assert read.title == "e (signal, nominal, all)"
        assert read.axis().member("fTitle") == "e [GeV]"
        np.testing.assert_array_equal(read.values(flow=True), made.view(flow=True)["value"])
        np.testing.assert_array_equal(read.variances(flow=True), made.view(flow=True)["variance"])
        assert file["run/nominal/plane_all"].classname == "TH2D"
    assert [path.name for path in tmp_path.iterdir()] == ["h.root"]


def test_a_histogram_is_found_by_name() -> None:
    whole = result()
    assert whole.histogram("e", "n-1", sample="soft").sum(flow=True).value == 20_000
    from emiss.configs.errors import UserError

    with pytest.raises(UserError, match="no such histogram 'ee'"):
        whole.histogram("ee")


def test_the_page_holds_the_plots_with_their_texts(tmp_path) -> None:
    written = report.write_all(result(), tmp_path)
    names = {path.name for path in written}
    assert {"cutflow.html", "histograms.root", "histograms.json", "scan_low.json", "scan_low.svg"} <= names
    page = (tmp_path / "cutflow.html").read_text()
    assert page.count('<figure class="plot"') == 7  # two stages of e, the plane of four samples, the scan
    assert "e is cut at 20 GeV" in page
    assert "data / sim." in page  # data over simulation
    assert "signal: best at low = " in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_a_figure_is_the_same_text_every_time() -> None:
    whole = result()
    texts = {svg(plots.scan(whole.curves(), "merit", "t", "events")) for _ in range(2)}
    assert len(texts) == 1
