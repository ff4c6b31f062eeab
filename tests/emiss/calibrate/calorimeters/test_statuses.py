"""Dead and hot channels of simulated runs: all are found, and no others, with their reasons."""

import numpy as np
import pytest

from emiss import runlist
from emiss.calibrate.frame import Options
from emiss.calibrate.running import derive
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

DEAD, HOT = ("ECAL1.1.2", "ECAL0.2.3", "SRD1.0.0"), ("ECAL1.0.5", "ECAL1.2.2", "HCAL2.0.0")
EVENTS = 1200


def _run(path, **changes):
    one = load_sample("calib_electron").with_detector("na64e_lfc").with_run(6111)
    digitisation = one.digitisation.model_copy(update=changes)
    return simulate(one.model_copy(update={"digitisation": digitisation, "calib": "demo"}), path, events=EVENTS)


def _derived(path, **options):
    listed = runlist.from_files([str(path)], detector="na64e_lfc", analysis="", calib="demo")
    return derive(listed, "status", Options(**options))[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("statuses")
    _run(made / "bad.dat", dead=DEAD, hot=HOT)
    _run(made / "good.dat")
    _run(made / "expected.root")
    return made


def _says(found, value):
    made = found.made[0]
    return {name for name, one in zip(made.channels, made.values["status"], strict=True) if one == value}


@pytest.mark.parametrize("simulated", [False, True])
def test_dead_and_hot_channels_are_found_with_reasons_and_no_others(folder, simulated):
    options = {"simulated": folder / "expected.root"} if simulated else {}
    found = _derived(folder / "bad.dat", **options)
    assert _says(found, 1) == set(DEAD)
    assert _says(found, 2) == set(HOT)
    assert found.remarks[0] == "Dead: SRD1.0.0, ECAL0.2.3, ECAL1.1.2."
    eyes = dict(found.made[0].eyes)
    assert all(eyes[name].startswith("dead: 0 pulses in 1200 events, others like it have") for name in DEAD)
    assert all(eyes[name].startswith("hot: its samples scatter by") for name in HOT)
    assert all(why.startswith("not sure") for name, why in eyes.items() if name not in DEAD + HOT)
    assert np.all(np.isfinite(found.made[0].values["status"]) == np.isfinite(found.made[0].errors["status"]))


def test_a_good_run_has_none(folder):
    found = _derived(folder / "good.dat")
    assert not _says(found, 1) | _says(found, 2)
    assert found.remarks[:2] == ("Dead: none.", "Hot: none.")
