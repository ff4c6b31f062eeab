"""Faults in constants and runs: each is told by name where a tag is checked, a job begins, or constants are derived."""

import json
import re
from pathlib import Path

import pytest

from emiss.configs import loader
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

DEMO = loader.find("calib", "demo")
RUN = 6101
SWAP = {"ECAL0.0.1": "ECAL0.0.4", "ECAL0.0.4": "ECAL0.0.1"}


def _override(rows, *more):
    return "\n".join(
        [
            "type = sadc.pedestal",
            "runs = 6100-6200",
            "columns = channel, even, odd, sigma",
            "units = -, ADC, ADC, ADC",
            *more,
            "override = yes",
            *rows,
        ]
    )


def _rows(text):
    return [line for line in text.splitlines() if line[:1].isalpha() and "=" not in line]


def _renamed(line):
    name = line.partition(" ")[0]
    return line.replace(name, SWAP.get(name, name), 1)


def _without(rows, *names):
    return [line for line in rows if line.split()[0] not in names]


DERIVED = "from = random, run 6100"
FAULTS = {
    "none": (lambda text: text, None, None),
    "a gap": (
        lambda text: text.replace("6000-6999", "6000-6100, 6102-6999"),
        r"gap: no sadc\.pedestal for runs 6101",
        r"run 6101 has no table of type sadc\.pedestal; a gap: .*pedestals\.txt:2 ends with run 6100, .*:2 begins",
    ),
    "an overlap": (
        lambda text: text + "\n" + text,
        r"pedestals\.txt:\d+: sadc\.pedestal of channel 'ECAL0\.0\.0' in runs 6000-6999 stands in .*pedestals\.txt:13 already",
        r"sadc\.pedestal of channel 'ECAL0\.0\.0' in runs 6000-6999 stands in .*pedestals\.txt:\d+ already",
    ),
    "a missing channel": (
        lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("ECAL1.2.2 ")),
        r"missing channel in runs 6000-6999: no sadc\.pedestal for ECAL1\.2\.2",
        r"pedestals\.txt:2: run 6101: no sadc\.pedestal even for channel 'ECAL1\.2\.2'",
    ),
    "an extra channel": (
        lambda text: text + "\nECAL1.9.9 200 200 0.6\n",
        r"pedestals\.txt:\d+: extra channel: the set-up na64e_lfc has no 'ECAL1\.9\.9'",
        None,
    ),
    "a range that starts late": (
        lambda text: text.replace("6000-6999", "6102-6999"),
        r"pedestals\.txt:2: starts late: no sadc\.pedestal before run 6102 \(runs 6000-6101\)",
        r"run 6101 has no table of type sadc\.pedestal; it starts late: .*pedestals\.txt:2 begins with run 6102",
    ),
    "swapped channels": (
        lambda text: text + "\n" + _override(map(_renamed, _rows(text)), DERIVED),
        r"pedestals\.txt:\d+: sadc\.pedestal: ECAL0\.0\.1 and ECAL0\.0\.4 look swapped",
        r"pedestals\.txt:\d+: sadc\.pedestal: ECAL0\.0\.1 and ECAL0\.0\.4 look swapped",
    ),
    "a dead cell": (
        lambda text: text + "\n" + _override(_without(_rows(text), "ECAL1.2.3"), DERIVED, "without = ECAL1.2.3"),
        r"pedestals\.txt:\d+: sadc\.pedestal: nothing was derived for ECAL1\.2\.3, dead or not hit",
        r"pedestals\.txt:\d+: sadc\.pedestal: nothing was derived for ECAL1\.2\.3, dead or not hit",
    ),
    "the wrong kind of run": (
        lambda text: text + "\n" + _override(_rows(text), "from = muons, run 6112"),
        r"pedestals\.txt:\d+:\d+: wrong kind of run: sadc\.pedestal was derived from muons, run 6112, it comes from random",
        r"pedestals\.txt:\d+:\d+: wrong kind of run: sadc\.pedestal was derived from muons, run 6112, it comes from random",
    ),
    "a value outside": (
        lambda text: text.replace("288.70", "-288.70"),
        r"pedestals\.txt:8:15: even of channel 'S0\.0\.0' is -288\.7, but must be 0 to 65535",
        r"pedestals\.txt:8:15: even of channel 'S0\.0\.0' is -288\.7, but must be 0 to 65535",
    ),
}
"""By name: what it makes of the pedestals; what a check and a job say, None where there is nothing to say."""

ONLY_TOLD = {"swapped channels", "a dead cell"}
"""Faults that forbid nothing: a warning, and exit code 0."""


def _tag(folder, change):
    folder.mkdir()
    for file in DEMO.glob("*.txt"):
        text = file.read_text()
        (folder / file.name).write_text(change(text) if file.name == "pedestals.txt" else text)
    return folder


def _spoken(done):
    said = " ".join((done.out + done.err).split())
    assert "Traceback" not in said
    assert not re.search(r"\bnan\b", said, re.IGNORECASE)
    return said


@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_names_each_fault(cli, tmp_path, fault):
    change, said, _ = FAULTS[fault]
    done = cli("calib", "check", _tag(tmp_path / "tag", change))
    assert done.code == (0 if said is None or fault in ONLY_TOLD else 2), _spoken(done)
    assert re.search(said or "all 9 types that na64e_lfc needs are there", _spoken(done)), _spoken(done)


def test_a_register_of_runs_is_given_to_a_check(cli, tmp_path):
    tag = _tag(tmp_path / "tag", lambda text: text + "\n" + _override(_rows(text), "from = random, run 6114"))
    (tmp_path / "runs.yaml").write_text("kinds:\n  muons: 6112-6114\n")
    assert cli("calib", "check", tag).code == 0
    done = cli("calib", "check", tag, "--register", tmp_path / "runs.yaml")
    assert done.code == 2
    assert re.search(
        r"pedestals\.txt:\d+:8: wrong kind of run: .* run 6114 is of muons \(.*runs\.yaml:2:3\)", _spoken(done)
    )
    assert "holds from run 6100 on, before run 6114" in _spoken(done)


def _job(cli, tmp_path, change):
    shipped = Path(__file__).parents[3] / "samples" / "data" / "signal.dat"
    tag = _tag(tmp_path / "tag", change)
    return cli("process", shipped, "--calib", tag, "--out", tmp_path / "out", "--events", 5)


REFUSED = [fault for fault, (_, _, said) in FAULTS.items() if said is not None and fault not in ONLY_TOLD]


@pytest.mark.parametrize("fault", REFUSED)
def test_a_job_names_each_fault_before_it_begins(cli, tmp_path, fault):
    change, _, said = FAULTS[fault]
    done = _job(cli, tmp_path, change)
    assert done.code == 2, _spoken(done)
    assert re.search(said, _spoken(done)), _spoken(done)
    assert not (tmp_path / "out" / "cutflow.json").exists()


def test_a_job_with_swapped_channels_and_a_dead_cell_names_both_and_goes_on(cli, tmp_path, undrawn):
    def change(text):
        rows = _without(map(_renamed, _rows(text)), "ECAL1.2.3")
        return text + "\n" + _override(rows, DERIVED, "without = ECAL1.2.3")

    done = _job(cli, tmp_path, change)
    assert done.code == 0, _spoken(done)
    for fault in ONLY_TOLD:
        assert re.search(FAULTS[fault][2], _spoken(done)), _spoken(done)
    about = json.loads((tmp_path / "out" / "cutflow.json").read_text())["provenance"]["constants"]
    assert (about["tag"], about["snapshot"], len(about["sha256"])) == ("tag", False, 64)
    assert sorted(about["tables"].values()).count("sadc.pedestal 6100-6200") == 1
    manifest = json.loads((tmp_path / "out" / "tables" / "manifest.json").read_text())
    assert about in (manifest.get("constants"), manifest.get("about", {}).get("constants"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Random triggers, and some muons."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for name, run, events in (("calib_pedestal", 6114, 80), ("calib_muon", 6112, 20)):
        one = load_sample(name).with_detector("na64e_lfc").with_run(run).model_copy(update={"calib": "demo"})
        made[name] = simulate(one, folder / f"{name}.dat", events=events)
    return made


def test_a_derivation_names_swapped_channels_and_its_table_is_told_of_by_a_check(cli, tmp_path, runs):
    tag = _tag(tmp_path / "tag", lambda text: "\n".join(map(_renamed, text.splitlines())))
    out = tag / "new.txt"
    wanted = ("calib", "derive", "pedestals", runs["calib_pedestal"], "--calib", tag, "--out", out, "--no-page")
    done = cli(*wanted, "--least", 20, "--to-run", 6120)
    assert done.code == 0, done.err
    assert "ECAL0.0.1: swapped with ECAL0.0.4?" in done.err
    assert re.search(r"events, with tag \([0-9a-f]{12}\)\nfrom = random, run 6114\noverride = yes", out.read_text())
    assert "ECAL0.0.1 and ECAL0.0.4 look swapped" in _spoken(cli("calib", "check", tag))
    assert [path.name for path in tag.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("registered", [False, True])
def test_a_derivation_refuses_the_wrong_kind_of_run_by_name(cli, tmp_path, runs, registered):
    tag = _tag(tmp_path / "tag", lambda text: text)
    more = ["--trigger", "any"] if registered else []
    if registered:
        (tag / "runs.yaml").write_text("kinds:\n  muons: 6112\n")
    done = cli("calib", "derive", "pedestals", runs["calib_muon"], "--calib", tag, "--out", tmp_path / "new.txt", *more)
    assert done.code == 2
    said = r"runs\.yaml:2:3: wrong kind of run: pedestals is derived from random triggers, run 6112 is of muons"
    assert re.search(said if registered else "none of 20 events has the trigger bit 'random'", _spoken(done))
    assert not (tmp_path / "new.txt").exists()
