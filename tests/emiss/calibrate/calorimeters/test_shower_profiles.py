"""Libraries of shower profiles from raw electrons: chi2 on the other half, and what is kept of the library before."""

import numpy as np
import pytest

from emiss import runlist
from emiss.calib.run_ranges import RunRange
from emiss.calibrate import written
from emiss.calibrate.calorimeters import shower_profiles
from emiss.calibrate.frame import Options
from emiss.calibrate.running import derive
from emiss.configs.errors import UserError
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate


def _derived(folder, sample):
    one = load_sample(sample)
    beam = one.beam.model_copy(update={"size": 30.0})
    run = simulate(one.model_copy(update={"beam": beam}), folder / f"{sample}.dat", events=3000)
    listed = runlist.from_files([run], detector="na64e_2018", analysis="", calib=None)
    return derive(listed, "profile", Options())[0]


def test_a_half_of_electrons_agrees_with_the_profiles_of_the_other(tmp_path):
    found = _derived(tmp_path, "calib_electron")
    made, judged = found.made
    assert {name.partition(".")[0] for name in made.channels} == {"E80", "E160"}  # those around 100 GeV
    mean, error, number = judged.values["mean"], judged.errors["mean"], made.entries[: len(judged.channels)]
    lit = number > 200
    assert lit.sum() >= 4
    assert np.average(mean[lit], weights=number[lit]) == pytest.approx(1.0, abs=0.15)  # of some 150 electrons each
    assert (np.abs(mean[lit] - 1.0) < 4.0 * error[lit] + 0.1).all()
    assert "with the profiles before it was" in found.remarks[0]
    assert "type = ecal.profile\n" in written.table(found, RunRange(6111, 6111))


def test_muons_are_refused(tmp_path):
    with pytest.raises(UserError, match="run 6112 is none of electrons inside 'ecal'"):
        _derived(tmp_path, "calib_muon")


def test_rows_are_what_their_moments_are():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.full(9, 4.0), 500)
    sums = {"number": np.array([500]), "sum": shares.sum(axis=0)[None], "square": (shares.T @ shares)[None]}
    mean, covariance = shower_profiles.moments(sums)
    assert covariance[0] == pytest.approx(np.cov(shares.T, bias=True), abs=1e-12)
    again = shower_profiles.as_moments(shower_profiles.as_rows(mean, covariance))
    assert again[0] == pytest.approx(mean)
    assert again[1] == pytest.approx(covariance)
