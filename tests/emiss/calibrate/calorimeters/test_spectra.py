"""Scales from the shapes of spectra: toys, and modules of a set-up against simulated hits."""

import numpy as np
import pytest

from emiss import runlist
from emiss.calib.conditions import Conditions
from emiss.calibrate.calorimeters import spectra
from emiss.calibrate.frame import Options
from emiss.calibrate.running import derive
from emiss.configs.errors import UserError
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate


def _counts(energy):
    counts = np.zeros((len(energy), spectra.BINS))
    for row, values in enumerate(energy):
        spectra._count(counts, np.full(len(values), row), values)
    return counts


def test_a_shift_is_found_in_peaks_and_in_spectra_without_one():
    rng, channels, size = np.random.default_rng(3), 20, 20_000
    gain = rng.uniform(0.8, 1.2, channels) * 50.0

    def drawn():
        falling = 2e4 * rng.standard_gamma(1.5, (channels // 2, size))
        peak = 1e5 * (1.0 + 0.02 * rng.normal(size=(channels // 2, size)))
        return np.concatenate([falling, peak])

    below, counts = spectra.integrals(_counts(drawn())), _counts(drawn() / gain[:, None])
    before, low, top = np.full(channels, np.log(50.0)), np.full(channels, np.log(20.0)), np.full(channels, np.log(1e5))
    start = spectra.scanned(counts, below, before, low, top)
    edges = spectra.equal_shares(below, start, low, top, counts)
    fits = spectra.Spectra._fitted(spectra.between(counts, edges), below, edges, start)
    away, error = fits.values[:, spectra.GAIN] - np.log(gain), np.sqrt(2.0) * fits.errors[:, spectra.GAIN]
    assert fits.converged.all()
    assert np.abs(away).max() < 0.03
    assert error[: channels // 2].max() < 0.02
    assert error[channels // 2 :].max() < 0.001
    assert 0.6 < (away / error).std() < 1.5
    assert np.abs(away / error).max() < 4.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Electrons as a raw run and as hits, and muons."""
    made = tmp_path_factory.mktemp("spectra")
    for name, sample, file in (("electron", "calib_electron", "run.dat"), ("expected", "calib_electron", "hits.root"),
                               ("muon", "calib_muon", "muons.dat")):  # fmt: skip
        one = load_sample(sample).with_detector("na64e_lfc")
        seed = one.seed + (name == "expected")
        simulate(one.model_copy(update={"calib": "demo", "seed": seed}), made / file, events=3000)
    return made


def _derived(run, **options):
    listed = runlist.from_files([run], detector="na64e_lfc", analysis="", calib="demo")
    return derive(listed, "spectrum", Options(**options))[0]


def test_gains_of_the_srd_are_those_of_the_digitisation(folder):
    found = _derived(folder / "run.dat", simulated=folder / "hits.root")
    made = found.made[0]
    assert made.channels == ("SRD0.0.0", "SRD1.0.0", "SRD2.0.0")
    true = 1e3 * Conditions.load("demo").for_run(6111).get("sadc.gain", made.channels)["gain"]
    away, error = made.values["gain"] - true, made.errors["gain"]
    assert (error / true).max() < 0.03
    assert np.abs(away / error).max() < 4.0
    assert not made.eyes


def test_other_particles_and_a_run_without_hits_are_refused(folder):
    with pytest.raises(UserError, match="run 6112 is none of the simulated particles"):
        _derived(folder / "muons.dat", simulated=folder / "hits.root")
    with pytest.raises(UserError, match="against simulated hits"):
        _derived(folder / "run.dat")
