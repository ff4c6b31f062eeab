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


def _tag(folder):
    """Return a folder with the constants of the demo."""
    folder.mkdir()
    for table in Conditions.load("demo").tables:
        (folder / Path(table.file).name).write_text(Path(table.file).read_text())
    return folder


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
    tag = _tag(tmp_path / "tag")
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
    everywhere = json.loads(cli("calib", "diff", "demo", tag, "--json").out)["moved"]
    assert {one["runs"] for one in everywhere if one["type"] == "sadc.pedestal"} == {"6114-6120"}
    assert "beside --run" in cli("calib", "diff", "demo", tag, "--other-run", 6114).err
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
    (tmp_path / "folder.txt").mkdir()
    for out in (tmp_path / "folder.txt", files["muon"] / "x.txt"):
        assert "needed here" in cli("calib", "derive", "mip", files["muon"], "--out", out).err
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


def test_the_light_when_gains_were_found_tells_how_they_are_in_a_later_run(cli, tmp_path):
    tag = _tag(tmp_path / "tag")
    # another run begins with half the light
    text = "type = sadc.drift\nruns = 6119\ncolumns = channel, response\nunits = -, -\necal@0- 0.5\nHCAL1.1.1@0- 1.25\n"
    (_tag(tmp_path / "true") / "drift.txt").write_text(text)
    runs = {
        run: simulate(
            _sample("calib_led", run).model_copy(update={"calib": str(tmp_path / "true")}),
            tmp_path / f"{run}.dat",
            events=150,
        )
        for run in (6118, 6119)
    }
    other = simulate(_sample("calib_muon", 6120), tmp_path / "muon.dat", events=50)
    first = cli("calib", "derive", "led", runs[6118], other, "--calib", tag, "--out", tag / "led.txt", "--no-page")
    assert first.code == 0, first.err
    assert "No event of run 6120 was taken." in first.out
    assert cli("calib", "check", tag).code == 0
    done = cli("calib", "derive", "drift", runs[6119], "--calib", tag, "--out", tag / "drift.txt", "--no-page")
    assert done.code == 0, done.err
    assert "relative to the light in sadc.led" in done.out
    assert "ECAL0.2.2: its light is 0.50 of that in sadc.led" in done.err
    assert cli("calib", "check", tag).code == 0
    (table,) = [one for one in Conditions.load(tag).tables if one.type == "sadc.drift"]
    for name, wanted in (("ECAL1.2.2", 0.5), ("HCAL1.1.1", 1.25), ("S0.0.0", 1.0)):
        values = [row[0] for key, row in table.rows.items() if key.startswith(f"{name}@")]
        assert sum(values) / len(values) == pytest.approx(wanted, rel=0.01)
    # the light is that of the run with events of LEDs, whatever other files come first
    only = (tag / "led.txt").read_text().replace("runs = 6118-", "runs = 6119")
    (tag / "led.txt").write_text(only)
    (tag / "drift.txt").unlink()
    again = cli("calib", "derive", "drift", other, runs[6119], "--calib", tag, "--out", tag / "drift.txt", "--no-page")
    assert "relative to the light in sadc.led" in again.out
    assert "No event of run 6120 was taken." in again.out
    assert "they are in the CSV" in again.err
    wrong = (tag / "led.txt").read_text().replace("ECAL1.2.2 ", "EACL1.2.2 ")
    (tag / "led.txt").write_text(wrong)
    done = cli("calib", "check", tag)
    assert done.code == 2
    assert "has no 'EACL1.2.2' (sadc.led); did you mean 'ECAL1.2.2'" in done.err
