"""Hadrons through the line of the Geant4 samples: balance, lengths, decays, and numbers of Geant4's pions of 100 GeV."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.passage.decay_kernels import decay_path
from emiss.samples.walk.hadron_tables import hadron_matter
from tests.samples.walk.hadron_rig import run
from tests.samples.walk.line import line


@pytest.fixture(scope="module")
def pions():
    seen, out = run(-211, 100.0, 3000)
    ecal = seen.visible[:, 1:61].reshape(-1, 2, 5, 6).transpose(0, 2, 3, 1)
    return seen, ecal, seen.visible[:, 63:].reshape(-1, 3, 3, 3), out


@pytest.mark.parametrize(
    ("pdg", "energy"),
    [
        (-211, 1.0),
        (-211, 200.0),
        (321, 20.0),
        (130, 50.0),
        (310, 5.0),
        (2212, 100.0),
        (2112, 2.0),
        (-2212, 1.5),
        (-2112, 30.0),
    ],
)
def test_energy_is_all_accounted_for(pdg, energy):
    seen, _ = run(pdg, energy, 150)
    total = seen.deposited.sum(axis=1) + seen.leaked.sum(axis=1) + seen.lost.sum(axis=1)
    np.testing.assert_allclose(total, energy, rtol=1e-11)
    for one in (seen.deposited, seen.leaked, seen.visible):
        assert one.min() >= 0.0


def test_no_iron_is_needed_for_kaons_to_become_pions():
    seen, out = run(310, 20.0, 3000, z=-1500.0)
    flown = out[:, 4] + 1500.0
    before = flown[flown < 1499.0]
    wanted = -np.expm1(-1500.0 / decay_path(310, 20.0))
    assert len(before) / 3000 == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / 3000))
    assert seen.lost[:, 1].mean() < 1.0  # pi pi, hardly a neutrino


@pytest.mark.parametrize(("pdg", "energy"), [(310, 1.0), (130, 1.0), (321, 1.0), (-211, 1.0), (2112, 5.0), (211, 50.0)])
def test_nothing_is_out_of_all_proportion(pdg, energy):
    # decays upstream of a thin counter, too, which has a large scale
    seen, _ = run(pdg, energy, 4000, spread=60.0)
    for one in seen:
        assert np.isfinite(one).all()
    assert seen.visible[:, 0].max() < 0.1
    assert seen.visible.max() < 10.0 * energy


def test_pions_interact_where_those_of_geant4_do(pions):
    end = pions[3][:, 4]
    # 0.746 +- 0.020 of 500 end in the ECAL, 0.238 +- 0.019 in the first module; pi- of 100 GeV, FTFP_BERT
    assert np.mean(end < 450.0) == pytest.approx(0.746, abs=0.05)
    assert np.mean((end > 700.0) & (end < 2092.0)) == pytest.approx(0.238, abs=0.05)


def test_sums_are_those_of_geant4(pions):
    _, ecal, hcal, out = pions
    end = out[:, 4]
    late = (end > 700.0) & (end < 1000.0)
    unit = hcal[late].sum(axis=(1, 2, 3)).mean() / 100.0  # the HCAL on the scale of the pions that begin in it
    first, second = ecal.sum(axis=(1, 2, 3)), hcal.sum(axis=(1, 2, 3)) / unit
    both = first + second
    assert np.median(both) == pytest.approx(95.1, rel=0.04)
    low, high = np.percentile(both, [16, 84])
    assert 0.5 * (high - low) == pytest.approx(5.6, rel=0.3)
    for limit, wanted in ((1.0, 0.246), (2.0, 0.276)):  # pions that are a MIP in the ECAL
        assert np.mean(first < limit) == pytest.approx(wanted, abs=0.05)
    low, high = np.percentile(second[late], [16, 84])
    assert 0.5 * (high - low) == pytest.approx(5.1, rel=0.35)
    centre = hcal.sum(axis=1)[:, 1, 1] / second / unit
    assert np.median(centre[end < 450.0]) == pytest.approx(0.61, abs=0.1)
    assert np.median(centre[late]) == pytest.approx(0.79, abs=0.06)
    modules = hcal.sum(axis=(2, 3))
    assert 0.005 < modules[late, 1].sum() / modules[late].sum() < 0.04  # 0.012


def test_the_veto_sees_slow_particles_of_both_sides(pions):
    veto = pions[0].visible[:, 61]
    assert np.median(veto) == pytest.approx(0.44, rel=0.25)  # GeV; 0.44 +- 0.03
    assert np.percentile(veto, 84) == pytest.approx(1.10, rel=0.25)


def test_showers_share_cells_as_those_of_geant4(pions):
    _, ecal, _, _ = pions
    cells = ecal.sum(axis=(0, 3))
    assert cells[2, 2:4].sum() / cells.sum() == pytest.approx(0.652, rel=0.08)
    assert cells[1:4, 1:5].sum() / cells.sum() == pytest.approx(0.922, rel=0.04)


def test_nothing_reaches_behind_three_modules_unseen(pions):
    _, ecal, hcal, out = pions
    assert np.all(ecal.sum(axis=(1, 2, 3)) + hcal.sum(axis=(1, 2, 3)) > 2.0)
    assert np.mean(out[:, :4].sum(axis=1) > 5.0) < 0.01


def test_protons_show_less_than_pions():
    shown = [run(pdg, 100.0, 1500)[0].visible.sum(axis=1).mean() for pdg in (-211, 2212)]
    assert (
        0.9 < shown[1] / shown[0] < 1.0
    )  # of 0.9 to 0.97 (Akchurin et al., Nucl. Instrum. Meth. A 408 (1998) 380, in copper)


def test_of_vacuum_there_is_no_length():
    mixed = line().mixtures
    empty = type(mixed)(*(np.full_like(values, np.nan) for values in mixed))._replace(
        lambda_=np.zeros(len(mixed.lambda_))
    )
    assert np.all(hadron_matter(empty)["length"] == np.inf)
