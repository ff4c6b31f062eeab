"""``emiss check``: analyses against tables, run lists, readers, in any combination."""

from __future__ import annotations

import shutil
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

from emiss.configs import loader

CUTS = "analysis: mine\ncuts: [{name: quiet, require: ecal.energy < 60 GeV}]\n"
RUNS = """
detector: na64e_lfc
analysis: own.yaml
calib: demo
samples:
  mc: {role: signal, files: [mc.root], on_target: 1e12}
  run: {role: data, files: [run.dat], on_target: 1e9}
"""


@pytest.fixture
def folder(tmp_path, run_files) -> Path:
    shutil.copy(run_files["signal.root"], tmp_path / "mc.root")
    shutil.copy(run_files["signal.dat"], tmp_path / "run.dat")
    (tmp_path / "runs.yaml").write_text(RUNS)
    (tmp_path / "own.yaml").write_text(CUTS)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "my_cuts.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["analyses", "readers", "samples", "detectors"])
def test_all_that_ships_is_good(cli, kind):
    files = [loader.SHIPPED / kind / name for name in loader.shipped(kind)]
    files = [file if file.is_dir() else file.with_name(f"{file.name}.yaml") for file in files]
    assert len(files) >= 2
    done = cli("check", *files)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == len(files)


def test_what_is_made_with_something_is_checked_against_it(cli, tmp_path):
    done = cli("check", loader.SHIPPED / "analyses" / "ldmx_missing_energy.yaml")
    assert "(fits the columns of reader ldmx)" in done.out
    text = "made_with: ldmx\ncuts: [{name: a, require: hcal.larges < 3}]\n"
    assert "did you mean 'hcal.largest'" in cli("check", write(tmp_path, text)).err
    assert "did you mean 'ldmx'" in cli("check", write(tmp_path, text.replace("ldmx", "ldmy"))).err
    beam = "cuts: [{name: a, require: beam.p < 3 GeV}]\n"
    assert cli("check", write(tmp_path, beam)).code == 2
    assert cli("check", write(tmp_path, "made_with: na64e_beam\n" + beam)).code == 0
    assert cli("check", write(tmp_path, beam), "--detector", "na64e_beam").code == 0
    assert cli("check", write(tmp_path, text.replace("larges ", "largest ")), "--reader", "fadc125").code == 2


def test_truth_is_accepted_as_select_accepts_it(cli, tables, tmp_path):
    path = write(tmp_path, "cuts: [{name: out, require: truth.n_mu_exit > 0 and truth.e_lost > 1 GeV}]\n")
    assert cli("select", tables, "--analysis", path).code == 0
    assert cli("check", path).code == 0
    assert cli("check", path, tables).code == 0
    write(tmp_path, "cuts: [{name: out, require: truth.n_mu_exits > 0}]\n")
    assert "did you mean 'truth.n_mu_exit'" in cli("check", path).err
    assert "did you mean 'truth.n_mu_exit'" in cli("check", path, tables / "signal.root").err


def test_an_analysis_with_tables(cli, tables, tmp_path):
    path = write(tmp_path, CUTS)
    done = cli("check", path, tables)
    assert done.code == 0
    assert done.out.splitlines()[1] == f"{tables}: 3 event tables of dimuon, run, signal"
    assert "fits the columns of" in done.out
    write(tmp_path, CUTS + "blind: {samples: rum, box: ecal.energy < 1 GeV}\n")
    done = cli("check", path, tables)
    assert done.code == 2
    assert "my_cuts.yaml:3:18: blind: 'rum' is neither a sample nor a role" in done.err
    assert "did you mean 'run'" in done.err


def test_an_analysis_with_a_run_list(cli, folder):
    path = write(folder, CUTS + "blind: {samples: run, box: ecal.energy < 1 GeV}\n")
    assert cli("check", path, folder / "runs.yaml").code == 0
    write(folder, CUTS.replace("energy", "enrgy") + "blind: {samples: rum, box: ecal.energy < 1 GeV}\n")
    done = cli("check", path, folder / "runs.yaml")
    assert done.code == 2
    assert done.err.count("unknown name 'ecal.enrgy'") == 1
    assert done.err.count("'rum' is neither a sample nor a role") == 1
    (folder / "run.dat").unlink()  # before the data are there
    done = cli("check", path, folder / "runs.yaml")
    assert "no file matches 'run.dat'" in done.err
    assert "unknown name 'ecal.enrgy'" in done.err
    assert done.err.count("'rum' is neither a sample nor a role") == 1


def test_one_mistake_is_told_once_whatever_the_path(cli, folder, monkeypatch):
    monkeypatch.chdir(folder)
    write(folder, CUTS + "blind: {samples: rum, box: ecal.energy < 1 GeV}\n")
    done = cli("check", "my_cuts.yaml", "runs.yaml")
    assert done.code == 2
    assert done.err.count("'rum' is neither a sample nor a role") == 1
    assert done.err.startswith("my_cuts.yaml:3:18:")


def test_an_analysis_alone_can_only_warn_of_names(cli, tmp_path):
    done = cli("check", write(tmp_path, CUTS + "blind: {samples: [dta, data], box: ecal.energy < 1 GeV}\n"))
    assert done.code == 0
    assert "blind: 'dta' is no role (did you mean 'data'?)" in done.err
    assert "'data' is no role" not in done.err


def test_a_map_an_analysis_and_a_file(cli, tmp_path):
    import numpy as np
    import uproot

    with uproot.recreate(tmp_path / "f.root") as file:
        file.mktree("t", {"evt": "i8", "E": "f8", "hits_e": "var * float64"})
        import awkward as ak

        hits = ak.unflatten(np.ones(10), np.full(5, 2))
        file["t"].extend({"evt": np.arange(5), "E": np.ones(5), "hits_e": hits})
    (tmp_path / "map.yaml").write_text(
        "reader: m\ntree: t\nunits: {E: GeV}\ncolumns: {ecal.energy: E, hits.e: hits_e}\n"
    )
    path = write(tmp_path, CUTS.replace("ecal.energy", "sum(hits.e) * ecal.energy"))
    good = [
        (path, tmp_path / "map.yaml", tmp_path / "f.root"),
        (path, tmp_path / "f.root", "--reader", tmp_path / "map.yaml"),
    ]
    for arguments in good:
        done = cli("check", *arguments)
        assert done.code == 0, done.err
        assert "read by the map 'm', 5 events, 5 columns" in done.out
    write(tmp_path, CUTS.replace("ecal.energy", "hits.e"))
    for arguments in good:
        assert "a pure number" in cli("check", *arguments).err
    (tmp_path / "map.yaml").write_text("reader: m\ntree: t\ncolumns: {ecal.energy: EE}\n")
    assert "unknown name 'EE'" in cli("check", *good[0]).err


def test_a_child_of_an_analysis_is_no_detector(cli, tmp_path):
    for text in ("extends: e_to_mu_phi\n", "extends: e_to_mu_phi\nparameters: {e_miss_min: 25 GeV}\n"):
        assert "analysis 'e_to_mu_phi', 5 cuts" in cli("check", write(tmp_path, text)).out
    assert "detector 'na64e_lfc'" in cli("check", write(tmp_path, "extends: na64e_lfc\n")).out


def test_an_empty_analysis_is_refused(cli, tables, tmp_path):
    for text in ("", "analysis: nothing\n", "analysis: nothing\nregions: {signal: {}}\nweights: {nominal: weight}\n"):
        path = write(tmp_path, text)
        done = cli("select", tables, "--analysis", path)
        assert done.code == 2
        assert "is empty: it has neither a cut nor a histogram" in done.err
        assert cli("check", path).code == 2
    histogram = "analysis: h\nhistograms: [{name: e, of: ecal.energy, bins: 3, from: 0 GeV, to: 9 GeV}]\n"
    assert cli("select", tables, "--analysis", write(tmp_path, histogram)).code == 0


def test_two_stations_at_one_z_are_refused(cli, tmp_path, run_files):
    shipped = loader.SHIPPED / "detectors" / "na64e_lfc"
    shutil.copytree(shipped, tmp_path / "det")
    text = (tmp_path / "det" / "detector.yaml").read_text()
    (tmp_path / "det" / "detector.yaml").write_text(text.replace("MM4: {z: 8.45 m}", "MM4: {z: 7.95 m}"))
    for command in (
        ("check", tmp_path / "det"),
        ("process", run_files["beam.dat"], "--detector", tmp_path / "det", "--out", tmp_path / "o"),
    ):
        done = cli(*command)
        assert done.code == 2
        assert "detector.yaml:118:16: MM3 and MM4 stand at one z, 7950 mm" in done.err


@pytest.mark.shared
def test_what_a_map_promises_is_what_a_file_gives(shared):
    from emiss.reco.readers.foreign.expected import expected_columns
    from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

    for reader, file in (("ldmx", "ldmx_ecal_100_events.root"), ("fadc125", "fadc125_waveforms.root")):
        document = load_reader_map(reader)
        assert expected_columns(document) == ForeignFile(shared / "data" / file, document).columns


MANY = """
analysis: many
weight: {nominal: weigth}
parameters:
  low: 3 Gev
  high: [1 GeV, {a: b}]
  good: 4 GeV
objects:
  muon: {from: tracks, where: p >> 3 GeV}
  fast: {form: tracks, where: p > 3 GeV}
define:
  sum_: ecal.energy +
  twice: 2 * sum_
cuts:
  - name: one
    requires: ecal.enrgy < low
  - name: two
    require: count(muon) == 1 and twice > 3
  - name: three
    require: count(trcks) == 1
    scan: {parameter: good, from: 1 GeV, to: 2 GeV, points: many}
  - name: four
    require: first(fast.p) > 3 GeV and nothing > 3
histograms:
  - {name: a, of: ecal.x, bins: x, from: 0 mm, to: 2 mm}
  - {name: b, of: ecal.xx, bins: 3, from: 0 mm, to: 2 mm, after: one}
regions:
  signal: {drop: [fiv]}
blind: {samples: data, box: ecal.energie > 3 GeV}
"""


def test_all_mistakes_at_once_and_none_that_only_follows(cli, tmp_path):
    done = cli("check", write(tmp_path, MANY))
    assert done.code == 2
    said = [line.partition("my_cuts.yaml:")[2] for line in done.err.splitlines() if line.startswith(str(tmp_path))]
    expected = (
        "3:1: unknown key 'weight'",
        "3:19: unknown name 'weigth'",
        "5:10: unknown unit 'Gev'",
        "6:17: a mapping is no text",
        "9:34: a value is needed before '>'",
        "10:10: unknown key 'form'",
        "12:21: the expression ends behind '+'",
        "16:5: unknown key 'requires'",
        "16:15: unknown name 'ecal.enrgy'",
        "20:20: unknown name 'trcks'",
        "21:61: 'many' is no whole number",
        "23:40: unknown name 'nothing'",
        "25:33: 'x' is no whole number",
        "26:19: unknown name 'ecal.xx'",
        "28:19: there is no cut 'fiv'",
        "29:29: unknown name 'ecal.energie'",
    )
    assert len(said) == len(expected), "\n".join(said)
    for line, part in zip(said, expected, strict=True):  # in the order of the file
        assert line.startswith(part)
