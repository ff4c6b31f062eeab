"""The set-ups that ship: their files are those that are made from them, and each can be simulated, read and cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emiss import reco
from emiss.calib.tables import parse_tables
from emiss.configs import loader
from emiss.configs.document import Document
from emiss.reco.detector.model import load_detector
from emiss.reco.parts.grid import Grid
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.setups import grammar
from emiss.setups.profiles import PROFILES
from emiss.setups.ship import BY_HAND, files

ROOT = Path(__file__).parents[3]
NAMES = [name for name in loader.shipped("detectors") if name not in BY_HAND]
INVISIBLE = ("na64e_beam", "na64e_2016", "na64e_2018", "na64e_2021", "na64e_2022", "na64e_2023", "na64e_2025")
PAIRS = [
    *(("invisible", name) for name in INVISIBLE),
    *((analysis, name) for analysis in ("alp", "semivisible", "conversion") for name in INVISIBLE[::3]),
    *(("positron", f"na64e_plus_{year}") for year in (2022, 2023, 2025)),
    ("conversion", "na64e_lfc"),
    ("visible", "na64e_visible_2017"),
    ("visible", "na64e_visible_2018"),
    ("muon", "na64mu_2022"),
    ("hadron", "na64h_2022"),
]


@pytest.mark.parametrize("name", NAMES)
def test_maps_and_constants_are_those_of_the_file(name):
    """Otherwise: make setups."""
    folder = loader.SHIPPED / "detectors" / name
    there = {
        str(path.relative_to(folder)): path.read_text()
        for kind in ("maps", "calib")
        for path in folder.glob(f"{kind}/*")
    }
    library = there.pop(f"calib/{PROFILES}", "")
    assert there == files(name)
    wanted = [
        row
        for key, part in load_detector(name).of_kind(Grid).items()
        for row in part.needs(key).get("ecal.profile", ())
    ]
    assert [row for table in parse_tables(library) for row in table.rows] == wanted


@pytest.mark.parametrize("name", loader.shipped("detectors"))
def test_every_block_says_where_it_is_from(name):
    detector = load_detector(name)
    for part in (detector.beam, detector.time, *detector.parts.values(), *detector.spectrometers.values()):
        assert part.source in ("published", "illustrative", "NA64 code")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_simulated_and_read(name, tmp_path):
    sample = load_sample("beam").with_detector(name)
    table = reco.process(reco.open(simulate(sample, tmp_path / "x.dat", events=30), detector=name))
    assert len(table) == 30
    beam = load_detector(name).beam.energy
    if name.startswith("na64e_20"):
        assert np.median(table["ecal.energy"]) == pytest.approx(beam, rel=0.1)
    elif name.startswith("na64e_visible"):
        assert np.median(np.sum(table["wcal.energy"], axis=1)) == pytest.approx(beam, rel=0.1)
    tracks = table["beam.n"] == 1
    assert tracks.mean() > 0.8
    assert np.median(table["beam.p"][tracks]) == pytest.approx(beam, rel=0.05)


@pytest.mark.parametrize(("analysis", "name"), PAIRS)
def test_analyses_fit_their_set_ups(analysis, name, cli):
    done = cli("check", loader.find("analyses", analysis), "--detector", name)
    assert done.code == 0, done.err
    assert f"fits the columns of detector {name}" in done.out


def test_the_page_has_the_grammar_of_the_models():
    """Otherwise: make setups."""
    text = (ROOT / "docs" / "setups.md").read_text(encoding="utf-8")
    assert grammar.page(text) == text
    assert "| `beam_cell` | 2 x whole number | needed |" in text


def test_every_key_is_explained():
    assert not grammar.undescribed()


def test_the_page_shows_each_set_up():
    text = (ROOT / "docs" / "setups.md").read_text(encoding="utf-8")
    for name in loader.shipped("detectors"):
        assert f"`{name}`" in text
        assert f"![{name}](setups/{name}.svg)" in text
        assert (ROOT / "docs" / "setups" / f"{name}.svg").is_file()


def test_lists(cli):
    done = cli("setup", "list")
    assert done.code == 0
    for name in loader.shipped("detectors"):
        assert name in done.out
    assert isinstance(
        loader.load(loader.find("detectors", "_na64")), Document
    )  # the base of many, and none of the list
    assert "_na64" not in done.out


@pytest.mark.parametrize(
    ("material", "least"), [("copper", 1.403), ("silicon", 1.664), ("tungsten", 1.145), ("iron", 1.451)]
)
def test_minimum_ionization(material, least):
    """Of the materials that shipped set-ups are made of, MeV cm2/g: Review of Particle Physics 2022, atomic properties."""
    from emiss.physics.passage.muons import MATERIALS, ionisation

    loss = ionisation(np.geomspace(0.2, 2.0, 200), material).min() * 1e4 / MATERIALS[material].density
    assert loss == pytest.approx(least, rel=0.005)
