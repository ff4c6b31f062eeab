"""``emiss diff`` on cutflows, analyses and tables."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

from emiss import selection
from emiss.events.files.open import open_table, read, write
from emiss.selection.results.result import columns_of


@pytest.fixture(scope="module")
def tables(tables, tmp_path_factory) -> Path:
    """The stored tables as Parquet files: they are opened again and again here, and faster than ROOT files."""
    folder = tmp_path_factory.mktemp("parquet") / "tables"
    for path in sorted(tables.glob("*.root")):
        write(read(path), folder / f"{path.stem}.parquet")
    return folder


@pytest.fixture
def changed(tmp_path):
    path = tmp_path / "tighter.yaml"
    path.write_text("analysis: e_to_mu_phi\nextends: e_to_mu_phi\nparameters: {e_miss_min: 40 GeV}\n")
    return path


def test_two_cutflows(cli, tables, tmp_path):
    for name, value in (("a", 20), ("b", 20), ("c", 40)):
        assert cli("select", tables, "--set", f"e_miss_min={value}GeV", "--out", tmp_path / name).code == 0
    same = cli("diff", tmp_path / "a", tmp_path / "b" / "cutflow.json")
    assert (same.code, same.out) == (0, "no difference\n")
    done = cli("diff", tmp_path / "a", tmp_path / "c")
    assert done.code == 4
    assert "missing_energy: A requires e_miss > 20 GeV" in done.out
    assert "missing_energy: B requires e_miss > 40 GeV" in done.out
    assert "signal  missing_energy  in sequence" in done.out
    data = json.loads(cli("diff", tmp_path / "a", tmp_path / "c", "--json").out)
    assert {cut["cut"] for cut in data["cuts"]} >= {"missing_energy"}
    assert data["events"] is None


def test_two_analyses_say_which_events(cli, tables, tmp_path, changed):
    shipped = tmp_path / "shipped.yaml"
    shipped.write_text("analysis: e_to_mu_phi\nextends: e_to_mu_phi\n")
    done = cli("diff", shipped, changed, "--on", tables, "--events", tmp_path / "moved.csv")
    assert done.code == 4
    rows = list(csv.DictReader((tmp_path / "moved.csv").read_text().splitlines()))
    expected = []
    for sample in ("dimuon", "run", "signal"):
        table = read(tables / f"{sample}.parquet")
        masks = [
            selection.bind(selection.load("e_to_mu_phi", {"e_miss_min": f"{value} GeV"}), columns_of(table)).passing(
                table
            )
            for value in (20, 40)
        ]
        gone = table.take(masks[0] & ~masks[1])
        names = [gone.flat[f"event.{name}"].tolist() for name in ("run", "spill", "in_spill")]
        expected += [(sample, "/".join(map(str, event)), "A", "missing_energy") for event in zip(*names, strict=True)]
    assert [tuple(row.values()) for row in rows] == expected
    assert f"{len(expected)} events pass on one side only" in done.out
    assert cli("diff", shipped, shipped, "--on", tables).code == 0


def test_two_tables_by_the_identity_of_events(cli, tables, tmp_path):
    whole = read(tables / "signal.parquet")
    passing = selection.bind(selection.load("e_to_mu_phi"), columns_of(whole)).passing(whole)
    first = int(passing.nonzero()[0][0])
    left = whole.take(~(whole.flat["event.entry"] == whole.flat["event.entry"][first]))
    left.flat["ecal.energy"][:] += 3.0
    write(replace(left, metadata=whole.metadata), tmp_path / "other.root")
    done = cli("diff", tables / "signal.parquet", tmp_path / "other.root", "--json")
    assert done.code == 4
    events = json.loads(done.out)["events"]
    absent = [event for event in events if event["stopped_by"] == ""]
    assert absent == [
        {
            "sample": "signal",
            "event": [int(whole.flat[f"event.{name}"][first]) for name in ("run", "spill", "in_spill")],
            "passes": "A",
            "stopped_by": "",
        }
    ]
    assert all(event["stopped_by"] == "missing_energy" for event in events if event not in absent)
    assert cli("diff", tables / "signal.parquet", tables / "signal.parquet").code == 0


def test_numbers_that_repeat_within_a_sample_are_told_apart_by_their_place(cli, tables, tmp_path):
    """Two simulated files of one run have the same run, spill and number: a folder does not differ from itself."""
    whole = read(tables / "signal.parquet")
    second = replace(whole, metadata=replace(whole.metadata, provenance={}))
    second.flat["event.file"] = second.flat["event.file"] + 1
    second.flat["ecal.energy"] = second.flat["ecal.energy"] + 5.0  # other events under the same numbers
    for folder in ("a", "b"):
        write(read(tables / "signal.parquet"), tmp_path / folder / "tables" / "one.parquet")
        write(second, tmp_path / folder / "tables" / "two.parquet")
    assert cli("diff", tmp_path / "a/tables", tmp_path / "b/tables").code == 0
    second.flat["event.file"] = second.flat["event.file"] - 1
    write(second, tmp_path / "b" / "tables" / "two.parquet")
    done = cli("diff", tmp_path / "a/tables", tmp_path / "b/tables")
    assert done.code == 2
    assert "cannot be told apart" in done.err


def test_boxes_that_differ_are_not_compared(cli, tables, tmp_path, changed):
    blinded = tmp_path / "blinded.yaml"
    blinded.write_text(
        "analysis: e_to_mu_phi\nextends: e_to_mu_phi\nblind: {samples: data, box: 'e_miss > 40 GeV and e_miss < 90 GeV'}\n"
    )
    done = cli("diff", changed, blinded, "--on", tables)
    assert done.code == 2
    assert "hide different events of 'run'" in done.err
    assert cli("diff", changed, blinded, "--on", tables, "--unblind").code == 4
    assert cli("diff", blinded, blinded, "--on", tables).code == 0


BOXED = """
analysis: e_to_mu_phi
extends: e_to_mu_phi
parameters: {floor: 40 GeV}
define: {inside: e_miss > floor and e_miss < 90 GeV}
blind: {samples: data, box: inside}
"""


def test_boxes_are_compared_by_what_is_behind_them(cli, tables, tmp_path):
    """The same text of the box, another definition: the events that move would be those inside one of them."""
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    paths[0].write_text(BOXED)
    for text in (
        BOXED.replace("floor: 40", "floor: 30"),
        BOXED.replace("and e_miss < 90 GeV", ""),
        BOXED.replace("e_miss > floor", "e_miss + 1 GeV > floor"),
        BOXED.replace("samples: data", "samples: dimuon"),
        BOXED.replace("define: {", "define: {calorimeters: 1.01 * ecal.energy, "),
        BOXED.replace("define:", "objects: {muon: {where: charge < 0}}\ndefine:"),
    ):
        paths[1].write_text(text)
        done = cli("diff", *paths, "--on", tables)
        assert done.code == 2, text
        assert "hide different events of '" in done.err
        assert done.out == ""
    for text in (
        BOXED.replace("inside", "hidden_ones"),
        BOXED.replace("box: inside", "box: 'floor < e_miss and 90 GeV > e_miss'").replace("40 GeV", "40000 MeV"),
    ):
        paths[1].write_text(text)
        assert cli("diff", *paths, "--on", tables / "run.parquet").code == 0, text
    paths[1].write_text(BOXED.replace("samples: data", "samples: run"))  # hides the same events, but is another rule
    done = cli("diff", *paths, "--on", tables / "run.parquet")
    assert done.code == 4
    assert "the blinded samples: data and run" in done.out


def test_a_definition_and_histograms_that_changed_are_named(cli, tables, tmp_path):
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    text = """
analysis: a
define: {seen: ecal.energy + sum(hcal.energy)}
cuts: [{name: quiet, require: seen < 80 GeV}]
histograms: [{name: x, of: ecal.x, bins: 4, from: -20 mm, to: 20 mm}]
"""
    paths[0].write_text(text)
    paths[1].write_text(
        text.replace("ecal.energy +", "ecal.energy + 5 GeV +").replace("of: ecal.x", "of: ecal.x + 5 mm")
    )
    for path in paths:
        assert cli("select", tables, "--analysis", path, "--out", tmp_path / path.stem).code == 0
    for arguments in ((*paths, "--on", tables), (tmp_path / "a", tmp_path / "b" / "cutflow.json")):
        done = cli("diff", *arguments)
        assert done.code == 4
        assert "quiet: seen is ecal.energy + sum(hcal.energy) in A" in done.out
        assert "quiet: seen is ecal.energy + 5 GeV + sum(hcal.energy) in B" in done.out
        assert "sample signal: histogram x, region nominal, all, weight nominal" in done.out
        notes = json.loads(cli("diff", *arguments, "--json").out)["histograms"]
        assert {note["sample"] for note in notes} == {"signal", "dimuon", "run"}
    (tmp_path / "b" / "histograms.json").unlink()
    done = cli("diff", tmp_path / "a", tmp_path / "b")
    assert done.code == 4
    assert "histograms.json: there and not there" in done.out
    assert cli("diff", tmp_path / "a", tmp_path / "a").code == 0
    (tmp_path / "b" / "histograms.json").write_text("{}")
    assert cli("diff", tmp_path / "a", tmp_path / "b").code == 2


def test_mistakes(cli, tables, tmp_path, changed):
    assert "add --on" in cli("diff", changed, changed).err
    done = cli("diff", changed, tables)
    assert done.code == 2
    assert "tighter.yaml is an analysis" in done.err
    assert "tables is event tables: two of one kind are compared" in done.err
    assert "no such file or folder" in cli("diff", tables, tmp_path / "nowhere").err
    assert cli("diff", "e_to_mu_phi", changed, "--on", tables).code == 4
    assert "--on is for two analyses" in cli("diff", tables, tables, "--on", tables).err
    assert open_table(tables / "signal.parquet").entries == 300
    (tmp_path / "cutflow.json").write_text("{}")
    done = cli("diff", tmp_path, tmp_path)
    assert done.code == 2
    assert "cutflow.json" in done.err
