"""Planes that are not where the file has them: digitised with what is true, reconstructed with the same constants."""

import shutil

import numpy as np
import pytest

from emiss import reco
from emiss.calib.beside import constants_of
from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector
from emiss.samples.config import load_sample
from emiss.samples.digitise_trackers import in_place
from emiss.samples.simulate import simulate

EVENTS = 250


HEAD = """type = tracker.alignment
runs = 6000-6999
columns = channel, shift, rotation, z
units = -, um, mrad, mm
override = yes
"""


def written(folder, rows):
    """The tag of the set-up with another alignment."""
    shutil.copytree(constants_of("na64e_2018"), folder)
    (folder / "zz.txt").write_text(HEAD + "".join(f"{name} {text}\n" for name, text in rows.items()))
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Beam tracks in Micromegas, GEMs, fibres and straws: all in their places, misaligned and known to be, and not known."""
    folder, detector = tmp_path_factory.mktemp("placed"), load_detector("na64e_2018")
    rng, names = np.random.default_rng(3), detector.plane_names
    away = rng.choice([-1.0, 1.0], (3, len(names))) * np.array([[800.0], [5.0], [4.0]])
    tags = {
        "plain": written(folder / "plain", dict.fromkeys(names, "0 0 0")),
        "away": written(folder / "away", {n: " ".join(map(str, one)) for n, one in zip(names, away.T, strict=True)}),
    }  # fmt: skip
    files = {}
    for name, tag in tags.items():
        sample = load_sample("calib_muon").model_copy(update={"calib": str(tag)})
        files[name] = simulate(sample, folder / f"{name}.dat", events=EVENTS, seed=1)
    made = {}
    for name, (run, tag) in {"plain": ("plain",) * 2, "away": ("away",) * 2, "wrong": ("away", "plain")}.items():
        opened = reco.open(files[run], detector="na64e_2018", calib=tags[tag])
        made[name] = reco.process(opened)
    return made


def test_tracks_are_the_same_where_the_constants_are_right(tables):
    plain, away, wrong = (tables[name] for name in ("plain", "away", "wrong"))
    both = (plain["beam.n"] == 1) & (away["beam.n"] == 1)
    assert both.sum() > 0.9 * (plain["beam.n"] == 1).sum()
    ratio = away["beam.p"][both] / plain["beam.p"][both]
    assert np.median(ratio) == pytest.approx(1.0, abs=1e-3)
    assert np.std(np.clip(ratio, 0.95, 1.05)) < 0.008  # strips are hit elsewhere: the same resolution, other errors
    chi2 = [np.nanmean(np.minimum(t["beam.chi2"] / t["beam.ndf"], 20.0)) for t in (plain, away, wrong)]
    assert chi2[1] == pytest.approx(chi2[0], abs=0.25)
    assert not chi2[2] < 3.0 * chi2[0]


def test_hits_that_do_not_say_where_particles_went_are_of_planes_in_their_places(detector, conditions):
    class Turned:
        location = conditions.for_run(6101).location

        def get(self, _, channels):
            return {"shift": np.zeros(len(channels)), "rotation": np.full(len(channels), 1e-3)}

    columns = {"plane": np.zeros(1, np.int16), "position": np.zeros(1)}
    with pytest.raises(UserError, match=r"MM1X is moved by 0 mm, turned by 1 mrad"):
        in_place(Lists(np.array([0, 1]), columns), detector, Turned(), np.random.default_rng(1))
