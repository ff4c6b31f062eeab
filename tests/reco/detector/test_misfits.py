"""Numbers of a detector file that cannot be, and constants that do not fit the detector: refused before the work."""

from __future__ import annotations

import shutil

import pytest

from emiss.calib.conditions import Conditions
from emiss.configs.errors import UserError
from emiss.configs.loader import SHIPPED
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline

SOURCE = SHIPPED / "detectors" / "na64e_lfc"


@pytest.fixture
def changed(tmp_path):
    """Return the path of the shipped detector file with one text in the place of another."""

    def change(old: str, new: str):
        text = (SOURCE / "detector.yaml").read_text(encoding="utf-8")
        assert text.count(old) == 1
        path = tmp_path / "detector.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        shutil.copy(SOURCE / "multiplex.txt", tmp_path)
        return path

    return change


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("period: 12.5 ns", "period: 0 ns", r"digitisers/msadc/period"),
        ("period: 12.5 ns", "period: 1e400 ns", r"'1e400 ns' is too large.*msadc/period"),
        ("period: 12.5 ns", "period: 1 s", r"should be less than or equal to 100000.*msadc/period"),
        ("rise: 30 ns", "rise: 0 ns", r"should be greater than 0.*pulse/rise"),
        ("rise: 30 ns", "rise: -30 ns", r"should be greater than 0.*pulse/rise"),
        ("start: 100 ns", "start: 500 ns", r"a pulse starts at 500 ns, after the waveform of 400 ns"),
        ("before: 4 ", "before: 24", r"a fit of 24 \+ 1 \+ 8 samples is longer than the waveform \(32\)"),
        ("before: 4 ", "before: -4", r"should be greater than or equal to 0.*measure/before"),
        ("threshold: 7 ", "threshold: 0", r"should be greater than 0.*measure/threshold"),
        ("window: [-15 ns, 15 ns]", "window: [15 ns, -15 ns]", r"the window ends before it begins.*time/window"),
        ("window: [-40 ns, 40 ns]", "window: [40 ns, 40 ns]", r"the window ends before it begins.*parts/mm/window"),
        ("rows: 6", "rows: 1000000000", r"should be less than or equal to 100.*parts/ecal/rows"),
        ("columns: 3", "columns: 0", r"should be greater than 0.*hcal/columns"),
        ("beam_cell: [2, 2]", "beam_cell: [5, 2]", r"the beam cell 5, 2 is none of the 5 x 6 cells.*ecal"),
        ("stochastic: 10 percent", "stochastic: 10", r"should be less than or equal to 1.*ecal/shower/stochastic"),
        ("block: 0.976", "block: 0.5", r"the share of the block is less than that of the cell.*ecal/profile"),
        ("radiation_lengths: 36", "radiation_lengths: 0", r"should be greater than 0.*ecal/layers/ECAL1"),
        ("ratio: 0.3", "ratio: 3", r"should be less than or equal to 1.*veto/ratio"),
        ("width: 200 mm", "width: -200 mm", r"should be greater than 0.*veto/width"),
        ("iron: 1200 mm", "iron: 1400 mm", r"1592 mm of matter in a depth of 1392 mm.*parts/hcal"),
        ("by: 1.4 T", "by: 1400 T", r"should be less than or equal to 50.*MBPL/by"),
        ("strips: 1000,", "strips: 1000000000,", r"should be less than or equal to 100000.*strips"),
        ("pitch: 250 um", "pitch: 0 um", r"should be greater than 0.*mm/pitch"),
        ("efficiency: 98 percent", "efficiency: 98", r"should be less than or equal to 1.*mm/efficiency"),
        ("energy: 100 GeV", "energy: 0 GeV", r"should be greater than 0.*beam/energy"),
        ("MM1: {z: 5.1 m}", "MM1: {z: 5100 km}", r"should be less than or equal to 1000000.*MM1/z"),
        ("elements: {SRD0: {}, SRD1: {}, SRD2: {}}", "elements: {}", r"at least 1 item.*srd/elements"),
        ("SRD2: {}}", "HCAL1: {}}", r"2 elements have the name 'HCAL1'"),
        ("[VETO4, VETO5]", "[VETO4, VETO4]", r"2 elements have the name 'VETO4'"),
        ("  veto:", "  tracks:", r"'tracks' has columns of its own already"),
        ("  veto:", "  event:", r"'event' has columns of its own already"),
        ("kind: panels", "kind: panel", r"no kind of part 'panel'; did you mean 'panels'"),
        ("{lead: 225 mm", "{lad: 225 mm", r"there is no material 'lad'; did you mean 'lead'.*ecal/matter"),
        ("reference: S0", "reference: S9", r"there is no counter 'S9'; did you mean .*time/reference"),
        ("trackers: [mm]", "trackers: [mms]", r"there is no tracker 'mms'; did you mean 'mm'"),
        ("magnet: MBPL", "magnet: hcal", r"there is no magnet 'hcal'"),
        ("match: HCAL2", "match: HCAL3", r"there is no part or element 'HCAL3'; did you mean"),
        ("SRD2: {}}", "S.2: {}}", r"44:\d+: 'S.2' is no name: a letter, then letters.*srd/elements"),
        ("beam: 3}", "beam: 40}", r"should be less than or equal to 31.*trigger_bits/beam"),
    ],
)
def test_a_number_that_cannot_be_is_refused_at_its_place(changed, old, new, says):
    path = changed(old, new)
    with pytest.raises(UserError, match=says) as raised:
        load_detector(path)
    assert str(raised.value).startswith(f"{path}")


def test_the_place_is_file_line_and_column(changed):
    path = changed("rise: 30 ns", "rise: 0 ns")
    with pytest.raises(UserError) as raised:
        load_detector(path)
    line, text = next((n, t) for n, t in enumerate(path.read_text().splitlines(), 1) if "rise: 0 ns" in t)
    assert str(raised.value.at) == f"{path}:{line}:{text.index('0 ns') + 1}"


@pytest.mark.parametrize("name", ["na64e_lfc", "na64e_beam"])
def test_the_shipped_detectors_and_constants_are_within_all_limits(name):
    pipeline = Pipeline(load_detector(name), Conditions.load("demo"))
    pipeline.check([6001], "raw")
    pipeline.check([6001], "hits")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "pedestals.txt",
            "288.70",
            "4092.0",
            r"sadc\.pedestal of channel 'S0\.0\.0' leaves no room below .* of 4095 ADC",
        ),
        ("pedestals.txt", "163.71  271.68  0.52", "163.71 271.68 600", r"'S1\.0\.0' leaves no room .* 4471\.68 ADC"),
        ("times.txt", "101.42", "401.42", r"sadc\.time of channel 'S0\.0\.0' is outside .*would start at 401\.42 ns"),
        ("times.txt", "101.42", "-1.42", r"sadc\.time of channel 'S0\.0\.0' is outside"),
    ],
)
def test_constants_that_do_not_fit_the_digitiser(tmp_path, detector, file, old, new, says):
    folder = tmp_path / "tag"
    shutil.copytree(SHIPPED / "calib" / "demo", folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    pipeline = Pipeline(detector, Conditions.load(folder))
    with pytest.raises(UserError, match=says) as raised:
        pipeline.check([6001], "raw")
    line = next(n for n, row in enumerate((folder / file).read_text().splitlines(), 1) if new in row)
    assert str(raised.value.at) == f"{folder / file}:{line}"
    pipeline.check([6001], "hits")  # simulated hits have no waveforms
