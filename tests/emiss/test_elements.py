"""Names of elements on their way: from a set-up through tables, parts, merging, kept events and cuts, in both formats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.events.files.open import open_table, read
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import check_stages, columns_of, stages_of

RUNS = "detector: d.yaml\nanalysis: cuts.yaml\ncalib: demo\nsamples: {mc: {role: signal, files: [run.root], on_target: 1e9}}\n"
CUTS = """
analysis: x
cuts:
  - {name: first, require: "hcal.energy['HCAL0'] > 1 GeV"}
  - {name: share, require: "share['HCAL1'] > -1"}
"""
SETUP = "extends: na64e_lfc\nname: d\nderived: {share: hcal.energy / (sum(hcal.energy) + 1 MeV)}\n"
NAMES = ("HCAL0", "HCAL1", "HCAL2")


@pytest.fixture
def folder(tmp_path, run_files, monkeypatch, undrawn) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(run_files["signal.root"], "run.root")
    for name, text in (("runs", RUNS), ("cuts", CUTS), ("d", SETUP)):
        Path(f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("suffix", ["root", "parquet"])
def test_names_are_kept_wherever_tables_go(folder, cli, suffix):
    tables = ("--tables", suffix)
    for part in ("1/2", "2/2"):
        done = cli("process", "runs.yaml", "--out", "out", *tables, "--part", part, "--keep", "kept")
        assert done.code == 0, done.err
    done = cli("merge", "out")
    assert done.code == 0, done.err
    assert cli("select", "out", "--analysis", "cuts.yaml", "--keep", "again", "--out", "o").code == 0
    found = [path for top in ("out/tables", "kept", "again") for path in sorted(Path(top).rglob(f"*.{suffix}"))]
    assert len(found) == 3, found
    for path in found:
        columns = open_table(path).columns
        assert columns["hcal.energy"].elements == columns["share"].elements == NAMES, path
        assert columns["share"].expression == "hcal.energy / (sum(hcal.energy) + 1 MeV)"
        table = read(path)
        energy = table.flat["hcal.energy"]
        np.testing.assert_allclose(table.flat["share"], energy / (energy.sum(axis=1) + 1e-3)[:, None])
    assert len(read(found[1])) == len(read(found[2])) == int((read(found[0]).flat["hcal.energy"][:, 0] > 1).sum()) > 10
    # cuts by name, on what was kept; and two analyses on the same tables
    Path("other.yaml").write_text(CUTS.replace("> 1 GeV", "> 2.5 GeV"))
    done = cli("diff", "cuts.yaml", "other.yaml", "--on", "out/tables")
    assert done.code in (0, 4), done.err
    assert cli("select", "kept", "--analysis", "other.yaml", "--out", "p").code == 0
    listed = json.loads(cli("columns", found[2], "--json").out)
    assert listed["share"]["elements"] == list(NAMES)


def test_columns_of_a_set_up_as_json(folder, cli):
    listed = json.loads(cli("columns", "--detector", "d.yaml", "--json").out)
    assert listed["hcal.energy"]["elements"] == list(NAMES)
    assert listed["share"]["expression"].startswith("hcal.energy /")
    assert "tracks.p" in listed


@pytest.mark.parametrize("index", ["3", "-4", "'HCAL3'"])
def test_an_element_that_there_is_not_is_told_before_the_job(folder, cli, index):
    Path("cuts.yaml").write_text(f'analysis: x\ncuts: [{{name: a, require: "hcal.energy[{index}] > 1 GeV"}}]\n')
    for line in (["check", "cuts.yaml", "--detector", "d.yaml"], ["process", "runs.yaml", "--out", "o"]):
        done = cli(*line)
        assert (done.code, "cuts.yaml:2:" in done.err, Path("o/tables").exists()) == (2, True, False), done.err


@pytest.mark.parametrize("lost", ["hcal.energy", "ecal_cells.energy", "beam.p", "beam_tracks.p"])
@pytest.mark.parametrize("tier", ["raw", "hits"])
def test_a_column_of_a_part_or_spectrometer_that_no_stage_makes_stops_at_the_start(lost, tier):
    from dataclasses import replace

    detector = load_detector("na64e_beam")
    columns, stages = columns_of(detector), stages_of(detector)[tier]
    check_stages(stages, columns)
    of, _, inner = lost.rpartition(".")
    other = replace(columns[lost], name=f"{of}x.{inner}")
    with pytest.raises(ValueError, match=f"no stage produces .*{of}x"):
        check_stages(stages, {**columns, other.name: other})
    rest = {name: column for name, column in columns.items() if column.collection != of and name != lost}
    if "." in lost and columns[lost].shape != "list":
        with pytest.raises(ValueError, match="are no columns of the table"):
            check_stages(stages, rest)


def test_a_quantity_of_a_part_that_is_not_there_is_an_error(folder):
    Path("d.yaml").write_text(SETUP.replace("share: hcal", "share: nowhere"))
    with pytest.raises(UserError, match=r"d.yaml:3:18: unknown name 'nowhere.energy'"):
        load_detector("d.yaml")
