"""Parts of the fast response and of the digitisation against closed forms and independent integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector
from emiss.samples.config import Digitisation, Response
from emiss.samples.digitise import waveforms
from emiss.samples.digitise_trackers import strips
from emiss.samples.particles import deflect
from emiss.samples.walk.line import StationAt
from emiss.samples.walk.state import State
from emiss.samples.walk.stations import BEND, Came, at_station, bend, moyal, stations, transport
from emiss.samples.walk.tracks import ELECTRON, ENERGY, MUON, MUON_MASS, PDG, tracks
from emiss.samples.walk.walking import Passage, Walk


def _muons(energy, *, charge=-1.0, x=0.0, y=0.0, z=0.0, tx=0.0, ty=0.0):
    energy = np.atleast_1d(np.asarray(energy, float))
    places = (np.full(energy.shape, value) for value in (x, y, z, tx, ty))
    charges = np.full(energy.shape, charge)
    return State(np.arange(len(energy)), charges, energy.copy(), *places, np.ones(energy.shape, bool))


def test_deflect_gives_the_angle_to_the_axis_and_all_azimuths():
    rng = np.random.default_rng(1)
    tx, ty = rng.normal(0, 0.1, (2, 1000))
    theta, phi = rng.uniform(0, 0.4, 1000), rng.uniform(0, 2 * np.pi, 1000)
    ux, uy = deflect(tx, ty, theta, phi)
    dot = (1 + tx * ux + ty * uy) / np.sqrt((1 + tx**2 + ty**2) * (1 + ux**2 + uy**2))
    np.testing.assert_allclose(dot, np.cos(theta), rtol=1e-12)
    # around the z axis itself the azimuth is the ordinary one
    ux, uy = deflect(np.zeros(1), np.zeros(1), np.array([0.3]), np.array([0.7]))
    np.testing.assert_allclose([ux[0], uy[0]], np.tan(0.3) * np.array([np.cos(0.7), np.sin(0.7)]))


def test_landau_like_energies_follow_moyals_distribution():
    values = moyal(0.08, 20000, np.random.default_rng(3))
    assert stats.kstest((values - 1.0) / 0.08, stats.moyal.cdf).pvalue > 1e-3


def test_scattering_has_the_covariance_of_a_thick_scatterer():
    muons = _muons(np.full(100_000, 20.0))
    theta, length = 3e-3, 500.0
    muons.scatter(np.full(100_000, theta), length, np.random.default_rng(4))
    expected = theta**2 * np.array([[length**2 / 3, length / 2], [length / 2, 1.0]])
    np.testing.assert_allclose(np.cov(muons.x, muons.tx), expected, rtol=0.03)
    np.testing.assert_allclose(np.cov(muons.y, muons.ty), expected, rtol=0.03)
    assert abs(np.corrcoef(muons.x, muons.y)[0, 1]) < 0.02


@pytest.mark.parametrize("charge", [-1.0, 1.0])
def test_the_bend_is_the_motion_in_the_field(detector, charge):
    magnet = detector.magnets["MBPL"]
    p = np.array([3.0, 15.0, 80.0])
    muons = _muons(np.hypot(p, MUON_MASS), charge=charge, x=2.0, y=-3.0, z=magnet.z[0] - 100, tx=0.02, ty=-0.03)
    bend(muons, detector.field("MBPL"), magnet.z[1] + 50)
    for number, momentum in enumerate(p):
        unit = np.array([0.02, -0.03, 1.0]) / np.sqrt(1 + 0.02**2 + 0.03**2)
        place, steps = np.array([2.0 + 0.02 * 100, -3.0 - 0.03 * 100, magnet.z[0]]), 4000

        def slope(state, factor=BEND * charge * magnet.by / momentum):
            # d(x, y)/dz and du/dz along z, with du/ds = factor * u x B/|B|
            u = state[2:]
            return np.concatenate([u[:2] / u[2], factor * np.cross(u, [0.0, 1.0, 0.0]) / u[2]])

        state, h = np.concatenate([place[:2], unit]), (magnet.z[1] - magnet.z[0]) / steps
        for _ in range(steps):
            middle = state + 0.5 * h * slope(state)
            state = state + h * slope(middle)
        tx, ty = state[2] / state[4], state[3] / state[4]
        np.testing.assert_allclose([muons.tx[number], muons.ty[number]], [tx, ty], rtol=1e-5)
        np.testing.assert_allclose(
            [muons.x[number], muons.y[number]], [state[0] + 50 * tx, state[1] + 50 * ty], rtol=1e-5
        )
    assert (np.sign(muons.tx - 0.02) == -charge).all()  # By > 0 bends a positive charge to -x


def test_a_muon_that_the_field_turns_back_is_gone(detector):
    muons = _muons([0.5, 20.0])
    bend(muons, detector.field("MBPL"), detector.magnets["MBPL"].z[1])
    assert muons.alive.tolist() == [False, True]


def test_digits_give_back_energy_and_time(detector, conditions):
    from emiss.events.batch import Batch
    from emiss.reco.calorimetry.waveform import WaveformStage

    constants = conditions.for_run(6105)
    events, rng = 50, np.random.default_rng(6)
    s0 = detector.channel_number["S0.0.0"]
    cell = int(detector.numbers("ECAL1")[14])
    cells = Lists(
        np.arange(events + 1) * 2,
        {
            "channel": np.tile([s0, cell], events).astype(np.int32),
            "energy": np.stack([np.full(events, 1e-3), np.linspace(5, 80, events)], axis=1).ravel(),
            "time": np.stack([rng.uniform(-6, 6, events), rng.normal(0, 1, events)], axis=1).ravel(),
        },
    )
    digits = waveforms(cells, detector, constants, Digitisation(), rng)
    digits.columns["n_samples"] = np.full(2 * events, detector.samples)
    stage = WaveformStage(detector)
    stage.begin_run(constants)
    found = stage(Batch(6105, (0, events), {"entry": np.arange(events)}, sadc=digits), {})["cells"]
    of_cell = found["channel"] == cell
    np.testing.assert_allclose(found["energy"][of_cell], cells["energy"][1::2], rtol=0.02, atol=0.15)
    assert np.abs(found["time"][of_cell] - cells["time"][1::2]).max() < 1.0


def test_amplitudes_give_back_position_charge_and_time(detector, conditions):
    from emiss.events.batch import Batch
    from emiss.reco.tracking.strips import StripStage

    constants = conditions.for_run(6106)
    events, rng = 300, np.random.default_rng(7)
    points = Lists(
        np.arange(events + 1),
        {
            "plane": np.arange(events) % len(detector.planes),
            "position": rng.uniform(-35, 35, events),
            "charge": rng.uniform(250, 700, events),
            "time": rng.normal(0, 5, events),
        },
    )
    digits = strips(points, detector, constants, Digitisation(), rng)
    stage = StripStage(detector)
    stage.begin_run(constants)
    found = stage(Batch(6106, (0, events), {"entry": np.arange(events)}, apv=digits), {})["clusters"]
    one = found.counts == 1
    assert one.mean() > 0.98
    rows = found.offsets[:-1][one]
    assert (found["plane"][rows] == points["plane"][one]).all()
    assert np.abs(found["position"][rows] - points["position"][one]).std() < 0.03  # strip noise: well below 100 um
    np.testing.assert_allclose(found["charge"][rows] / points["charge"][one], 1.0, atol=0.15)
    assert np.nanstd(found["time"][rows] - points["time"][one]) < 3.0


def test_muons_decay_in_the_spectrometer_as_often_as_they_should(detector):
    """At 0.3 GeV, so that there are some: 3.35 m between the first and the last station."""
    walk = Walk(detector, Response(), dict.fromkeys(detector.magnets, 0.0), {})
    items = [item for item in walk.line if isinstance(item, StationAt)]
    count, energy = 60_000, 0.3
    at_first = items[0].z
    muons = tracks({"row": np.arange(count), "pdg": MUON, "energy": energy, "z": at_first, "id": 0}, count)
    behind = walk.run(muons, items, Passage(walk.nothing(count)), Came.together(count), np.random.default_rng(5))
    p = np.sqrt(energy**2 - MUON_MASS**2)
    expected = count * (1 - np.exp(-(items[-1].z - at_first) * MUON_MASS / (p * 658.6384e3)))
    assert np.sum(behind[:, PDG] == MUON) == pytest.approx(count - expected, abs=5 * np.sqrt(expected))
    share = behind[behind[:, PDG] == ELECTRON, ENERGY] / energy
    assert 0.8 * expected < len(share) < expected  # some fly backwards, with little energy
    assert share.sum() / expected == pytest.approx(0.35, abs=0.02)  # Michel's spectrum: 7/10 of half the muon's mass


def test_planes_scatter_with_tails_where_that_is_asked_for(detector):
    widths = {}
    for kind in ("highland", "moliere"):
        state, arm, rng = _muons(np.full(40_000, 50.0), z=5000.0), detector.arms["tracks"], np.random.default_rng(6)
        for number, z in enumerate(stations(arm)):
            transport(state, arm.field, z)
            at_station(state, arm, number, 0.0, Response(plane_scattering=kind), Came.together(40_000), rng)
        widths[kind] = np.quantile(np.abs(state.ty), 0.6827), np.mean(np.abs(state.ty) > 2e-4)
    assert widths["moliere"][0] == pytest.approx(widths["highland"][0], rel=0.12)
    assert widths["highland"][1] == 0.0
    assert widths["moliere"][1] > 0.0


def test_what_tdcs_read_is_as_late_as_its_particle_and_knows_nothing_of_the_clock():
    detector = load_detector("na64e_2018")
    arm = detector.arms["beam_tracks"]
    number = next(plane.station for plane in arm.planes if plane.straw is not None)
    places = np.random.default_rng(6).uniform(-20.0, 20.0, (2, 2000))
    state = _muons(np.full(2000, 50.0), x=places[0], y=places[1], z=stations(arm)[number])
    late = np.where(np.arange(2000) < 1000, 0.0, 100.0)
    came = Came(late + 6.0, late)
    _, found = at_station(state, arm, number, 0.0, Response(), came, np.random.default_rng(7))
    for points in found:
        since = points["time"] - late[points["event"]]
        assert points["late"].tolist() == late[points["event"]].tolist()
        assert -15.0 < since.min() < since.max() < 90.0
        halves = [since[points["event"] // 1000 == half] for half in (0, 1)]
        assert np.mean(halves[0]) == pytest.approx(np.mean(halves[1]), abs=3.0)
    fibres = next(plane.station for plane in arm.planes if plane.name == "HOD1X")
    state = _muons(np.full(2000, 50.0), x=places[0], y=places[1], z=stations(arm)[fibres])
    _, found = at_station(state, arm, fibres, 0.0, Response(), came, np.random.default_rng(7))
    for points in found:
        assert np.mean(points["time"] - late[points["event"]]) == pytest.approx(0.0, abs=0.5)
