"""``emiss calib`` on small runs: tables that a tag takes, faults that are told by name, what a tag holds."""

import csv
import json
from pathlib import Path

import pytest

from emiss.calib.conditions import Conditions
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate


def _sample(name, run, **changes):
    one = load_sample(name).with_detector("na64e_lfc").with_run(run)
    digitisation = one.digitisation.model_copy(update=changes)
    return one.model_copy(update={"digitisation": digitisation, "calib": "demo"})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Raw runs of random triggers, electrons with a dead cell, and muons."""
    folder = tmp_path_factory.mktemp("runs")
    samples = {
        "random": _sample("calib_pedestal", 6114),
        "electron": _sample("calib_electron", 6111, dead=("ECAL1.2.3",)),
        "muon": _sample("calib_muon", 6112),
    }
    events = {"random": 300, "electron": 1500, "muon": 1500}
    return {name: simulate(one, folder / f"{name}.dat", events=events[name]) for name, one in samples.items()}


def test_pedestals_become_a_table_that_a_tag_takes_with_a_page_beside_it(cli, files, tmp_path):
    tag = tmp_path / "tag"
    tag.mkdir()
    for file in Conditions.load("demo").tables:
        (tag / Path(file.file).name).write_text(Path(file.file).read_text())
    before = Conditions.load(tag).for_run(6114)
    done = cli(
        "calib", "derive", "pedestals", files["random"], "--calib", tag, "--out", tag / "new.txt", "--to-run", 6120
    )
    assert done.code == 0, done.err
    assert "98 of 98" in done.out
    assert {path.suffix for path in tag.glob("new.*")} == {".txt", ".html", ".pdf", ".csv"}
    after = Conditions.load(tag)
    names = [
        row["channel"] for row in csv.DictReader((tag / "new.csv").read_text().splitlines()) if row["column"] == "even"
    ]
    old, new = (one.get("sadc.pedestal", names)["even"] for one in (before, after.for_run(6114)))
    assert abs(new - old).max() < 0.2
    assert (new != old).mean() > 0.9  # some may agree to the last digit
    assert after.for_run(6121).get("sadc.pedestal", names)["even"].tolist() == old.tolist()
    shown = cli("calib", "show", "sadc.pedestal", "--run", 6114, "--calib", tag, "--channel", "S0*", "--json")
    first = json.loads(shown.out)[0]
    assert first["at"].endswith("new.txt:9")
    assert 0.0 < first["error"] < 0.1
    assert cli("calib", "check", tag).code == 0
    moved = cli("calib", "diff", "demo", tag, "--run", 6114, "--most", 3, "--out", tmp_path / "moved.csv")
    assert "sadc.pedestal" in moved.out
    assert (tmp_path / "moved.svg").stat().st_size > 1000


def test_swapped_channels_are_named(cli, files, tmp_path):
    tag = tmp_path / "tag"
    tag.mkdir()
    for table in Conditions.load("demo").tables:
        text = Path(table.file).read_text()
        if table.type == "sadc.pedestal":
            text = text.replace("ECAL0.0.1 ", "X ").replace("ECAL0.0.4 ", "ECAL0.0.1 ").replace("X ", "ECAL0.0.4 ")
        (tag / Path(table.file).name).write_text(text)
    done = cli(
        "calib", "derive", "pedestals", files["random"], "--calib", tag, "--out", tmp_path / "new.txt", "--no-page"
    )
    assert done.code == 0
    assert "ECAL0.0.1: swapped with ECAL0.0.4?" in done.err


def test_a_dead_cell_is_told_and_keeps_its_gain(cli, files, tmp_path):
    done = cli("calib", "derive", "ecal", files["electron"], "--out", tmp_path / "ecal.txt", "--least", 20, "--no-page")
    assert done.code == 0, done.err
    text = (tmp_path / "ecal.txt").read_text()
    assert "# ECAL1.2.3: dead or not hit: no pulse" in text
    (lost,) = (line for line in text.splitlines() if line.startswith("without = "))
    assert "ECAL1.2.3" in lost.partition(" = ")[2].split(", ")
    assert "from = electrons, run 6111" in text
    done = cli(
        "calib", "derive", "times", files["electron"], "--out", tmp_path / "times.txt", "--least", 20, "--no-page"
    )
    assert done.code == 0, done.err
    text = (tmp_path / "times.txt").read_text()
    assert "# ECAL1.2.3: dead or not hit: no pulse" in text
    assert "override = yes" in text.partition("sadc.resolution")[0]
    assert "override = yes" not in text.partition("sadc.resolution")[2]  # there is none to override


def test_runs_of_the_wrong_kind_are_refused_by_name(cli, files, tmp_path):
    out = tmp_path / "x.txt"
    for kind, run, said in (
        ("mip", "electron", "is none of muons"),
        ("ecal", "muon", "is none of electrons"),
        ("pedestals", "muon", "has the trigger bit 'random'"),
        ("times", "random", "have a pulse in a reference counter"),
        ("alignment", "muon", "is none of straight tracks"),
    ):
        wrong = files[run]
        done = cli("calib", "derive", kind, wrong, "--out", out)
        assert done.code == 2, (kind, done.out)
        assert said in done.err, (kind, done.err)
        assert not out.exists()


def test_a_table_is_of_the_runs_that_gave_events_and_holds_from_the_first_of_them(cli, files, tmp_path):
    out = tmp_path / "x.txt"
    done = cli("calib", "derive", "pedestals", files["muon"], files["random"], "--out", out, "--no-page")
    assert "300 of 1800 events of run 6114" in done.out
    text = out.read_text()
    assert "\nruns = 6114-\n" in text
    assert "from = random, run 6114" in text


def test_gains_of_muons_are_those_of_the_digitisation(cli, files, tmp_path):
    done = cli(
        "calib", "derive", "mip", files["muon"], "--out", tmp_path / "mip.txt", "--part", "hcal", "--no-override"
    )
    assert done.code == 0, done.err
    made = Conditions.load(tmp_path / "mip.txt").tables[0].rows
    true = Conditions.load("demo").for_run(6112).get("sadc.gain", list(made))["gain"]
    middle = dict(zip(made, true, strict=True))["HCAL1.1.1"]
    assert made["HCAL1.1.1"][0] == pytest.approx(middle, rel=0.03)
    assert abs(made["HCAL1.1.1"][0] - middle) < 4.0 * made["HCAL1.1.1"][1]


def test_mistakes_are_told(cli, files, tmp_path):
    assert "did you mean 'pedestals'" in cli("calib", "derive", "pedestal", files["random"], "--out", "x.txt").err
    assert "is a '.txt'" in cli("calib", "derive", "mip", files["muon"], "--out", tmp_path / "x.csv").err
    assert (
        "no part 'hcl'"
        in cli("calib", "derive", "mip", files["muon"], "--part", "hcl", "--out", tmp_path / "x.txt").err
    )
    assert "mip knows no '--curved'" in cli("calib", "derive", "mip", files["muon"], "--curved", "--out", "x.txt").err
    assert (
        "mip knows no '--samples'" in cli("calib", "derive", "mip", files["muon"], "--samples", 4, "--out", "x.txt").err
    )
    late = cli("calib", "derive", "mip", files["muon"], "--from-run", 9, "--to-run", 8, "--out", tmp_path / "x.txt")
    assert late.code == 2
    assert "--to-run 8 comes before --from-run 9" in late.err
    assert not (tmp_path / ".x.derive").exists()  # before the events are read
    assert "no channel 'ECAL9*'" in cli("calib", "show", "sadc.gain", "--run", 6101, "--channel", "ECAL9*").err
    assert "no constants of type 'sadc.gian'" in cli("calib", "show", "sadc.gian", "--run", 6101).err
    assert "run 5000 has no table" in cli("calib", "show", "sadc.gain", "--run", 5000).err
    assert "starts late" in cli("calib", "check", "--runs", "5990-6100").err
    assert "no table has a value" in cli("calib", "history", "ECAL1.2.9").err


def test_events_of_leds_tell_drifts_and_are_no_physics(cli, files, tmp_path):
    led = simulate(_sample("calib_led", 6118), tmp_path / "led.dat", events=160)
    out = tmp_path / "drift.txt"
    assert cli("calib", "derive", "drift", led, "--out", out, "--no-page", "--part", "ecal").code == 0
    (table,) = Conditions.load(out).tables
    assert [str(one) for one in table.runs] == ["6118"]
    assert {name.partition("@")[2] for name in table.rows} == {"0-1", "2", "3-"}  # the last spill is short
    for run, options, said in (
        (files["muon"], (), "is of the type calibration, or with the trigger bit 'calibration'"),
        (led, ("--events", "beam"), "is of the beam"),
        (files["muon"], ("--events", "bem"), "did you mean 'beam'"),
    ):
        done = cli("calib", "derive", "drift", run, "--out", tmp_path / "x.txt", *options)
        assert done.code == 2
        assert said in done.err
    done = cli("calib", "derive", "times", files["muon"], "--events", "led", "--out", tmp_path / "x.txt")
    assert "it takes no '--events'" in done.err
    from emiss import reco

    ledger = reco.process(reco.open(led)).metadata.ledger
    assert (ledger.passed, ledger.not_physics["calibration"]) == (0, 160)
