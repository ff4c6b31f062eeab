"""Digitisation: sums of pulses, noise, dead, hot and neighbouring channels against explicit sums and closed forms; tiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from emiss import reco, selection
from emiss.calib.conditions import Conditions
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError
from emiss.events.batch import Batch
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry.sums import CalorimeterStage
from emiss.reco.calorimetry.waveform import HitStage, WaveformStage
from emiss.samples.beam import any_beside
from emiss.samples.beam_schema import PileUp
from emiss.samples.config import Digitisation, load_sample
from emiss.samples.digitise import start_times, waveforms
from emiss.samples.digitise_trackers import strips, timed
from emiss.samples.simulate import Simulation, blocks_of, simulate
from tests import straws

RUN = 6105
PULSES = 1 << QUALITY_BITS["pile_up"]


def _cells(detector, events):
    """Return cells of events given as lists of (channel, energy, time)."""
    rows = [row for event in events for row in event]
    columns = {
        "channel": np.array([detector.channel_number[name] for name, _, _ in rows], np.int32),
        "energy": np.array([energy for _, energy, _ in rows], np.float64),
        "time": np.array([time for _, _, time in rows], np.float64),
    }
    return Lists(offsets_of(np.array([len(event) for event in events])), columns)


def _digits(detector, conditions, events, seed=1, **settings):
    rng = np.random.default_rng(seed)
    return waveforms(_cells(detector, events), detector, conditions.for_run(RUN), Digitisation(**settings), rng)


class Front:
    """The constants of a channel, and its waveforms by hand."""

    def __init__(self, detector, conditions, name):
        constants, number = conditions.for_run(RUN), detector.channel_number[name]
        self.board = next(board for board in detector.boards if number in board.channels)
        level = {key: values[0] for key, values in constants.get("sadc.pedestal", [name]).items()}
        self.sigma = level["sigma"]
        self.gain = constants.get("sadc.gain", [name])["gain"][0]
        self.offset = constants.get("sadc.time", [name])["offset"][0]
        self.base = np.where(np.arange(32) % 2, level["odd"], level["even"])

    def pulse(self, energy, time):
        """Return the samples of a pulse, its formula sample by sample."""
        period, rise = self.board.digitiser.period, self.board.pulse.rise
        made = np.zeros(32)
        for k in range(32):
            u = (k * period - self.offset - time) / rise
            made[k] = energy / self.gain * (u * np.exp(-u) if u > 0 else 0.0) * period / rise
        return made


def test_hits_of_one_channel_are_one_waveform_the_sum_of_their_pulses(detector, conditions):
    name = "ECAL1.2.2"
    front = Front(detector, conditions, name)
    found = _digits(detector, conditions, [[(name, 20.0, 0.0), (name, 12.0, 55.0), (name, 3.0, -40.0)]], seed=5)
    noise = front.sigma * np.random.default_rng(5).normal(size=32)
    pulses = front.pulse(20.0, 0.0) + front.pulse(12.0, 55.0) + front.pulse(3.0, -40.0)
    assert found.counts.tolist() == [1]
    np.testing.assert_array_equal(found["samples"][0], np.rint(front.base + noise + pulses))


def test_two_pulses_that_saturate_only_together_do(detector, conditions):
    name = "ECAL1.2.2"
    front = Front(detector, conditions, name)
    energy = 0.7 * (4095 - front.base.max()) / front.pulse(1.0, 0.0).max()
    one = _digits(detector, conditions, [[(name, energy, 0.0)]])
    two = _digits(detector, conditions, [[(name, energy, 0.0), (name, energy, 5.0)]])
    assert one["samples"].max() < 4095 == two["samples"].max()


def test_the_reference_is_the_first_cell_of_each_counter(detector, conditions):
    events = [
        [("S0.0.0", 1e-3, 3.0), ("ECAL1.2.2", 50.0, 0.0), ("S0.0.0", 1e-3, 63.0), ("ECAL1.2.2", 20.0, 60.0)],
        [("ECAL1.2.2", 50.0, 0.0)],
        [("S0.0.0", 1e-3, -4.0)],
    ]
    assert start_times(_cells(detector, events), detector.reference).tolist() == [3.0, 0.0, -4.0]
    two = np.zeros(len(detector.channels))
    two[[detector.channel_number["S0.0.0"], detector.channel_number["S1.0.0"]]] = 3.0, 1.0
    more = [[("S1.0.0", 1e-3, 8.0), ("S0.0.0", 1e-3, 4.0), ("S0.0.0", 1e-3, 50.0), ("S1.0.0", 1e-3, 60.0)]]
    assert start_times(_cells(detector, more), two).tolist() == [5.0]
    # the cell of the particle that triggers is where it is without the other one
    front = Front(detector, conditions, "ECAL1.2.2")
    both = _digits(detector, conditions, events[:1], seed=2)
    row = both["channel"].tolist().index(detector.channel_number["ECAL1.2.2"])
    pulses = front.pulse(50.0, 3.0) + front.pulse(20.0, 63.0)
    np.testing.assert_allclose(both["samples"][row], front.base + pulses, atol=6 * front.sigma)


def test_a_second_pulse_of_the_reference_is_out_of_time_in_the_hits_tier(detector, conditions):
    event = [("S0.0.0", 1e-3, 3.0), ("ECAL1.2.2", 50.0, 1.0), ("S0.0.0", 2e-3, 63.0), ("ECAL1.2.2", 20.0, 60.0)]
    near = [("S0.0.0", 1e-3, 5.0), ("S0.0.0", 2e-3, 17.0)]  # 12 ns apart, in the window of 15 ns
    header = {"entry": np.arange(2), "quality": np.zeros(2, np.uint32)}
    batch = Batch(run=RUN, entries=(0, 2), header=header, cells=_cells(detector, [event, near]))
    products = HitStage(detector)(batch, {})
    assert sorted(products["cells"]["time"].tolist()) == [1.0, 3.0, 5.0, 12.0, 60.0, 60.0]
    stage = CalorimeterStage(detector)
    stage.begin_run(conditions.for_run(RUN))
    made = stage(batch, products)
    assert made["s.energy"][:, 0].tolist() == [1e-3, pytest.approx(3e-3)]
    assert made["s.pileup"][:, 0].tolist() == [2e-3, 0.0]
    assert made["s.time"][0, 0] == 3.0
    assert (made["ecal.energy"][0], made["ecal.pileup"][0]) == (50.0, 20.0)
    assert made["event.quality"].tolist() == [PULSES, 0]


def test_quiet_channels_have_their_noise_where_all_are_written(detector, conditions):
    names, count = detector.channels, 400
    event = [("S0.0.0", 1e-3, 0.0), ("ECAL1.2.2", 50.0, 0.0)]
    found = _digits(detector, conditions, [event] * count, all_channels=True)
    assert (found.counts == len(names)).all()
    channel = detector.channel_number["HCAL1.1.1"]
    samples = found["samples"][found["channel"] == channel]
    front = Front(detector, conditions, "HCAL1.1.1")
    width = np.hypot(front.sigma, 1 / np.sqrt(12))
    np.testing.assert_allclose(samples.mean(axis=0), front.base, atol=4.5 * width / np.sqrt(count))
    assert (samples - front.base).std() == pytest.approx(width, rel=0.02)
    assert (_digits(detector, conditions, [event], all_channels=True, zero_suppression=7).counts == [2]).all()
    assert (_digits(detector, conditions, [event]).counts == [2]).all()


def test_noise_passes_a_low_zero_suppression_as_often_as_it_should(detector, conditions):
    count, at = 300, 3.2
    found = _digits(detector, conditions, [[]] * count, all_channels=True, zero_suppression=at)
    level = conditions.for_run(RUN).get("sadc.pedestal", detector.channels)
    expected = variance = 0.0
    for channel in range(len(detector.channels)):
        base = np.where(np.arange(32) % 2, level["odd"][channel], level["even"][channel])
        sigma = level["sigma"][channel]
        largest = np.floor(base + at * sigma) + 0.5  # what rounds to the largest value that does not pass
        passes = 1 - np.prod(stats.norm.cdf((largest - base) / sigma))
        expected, variance = expected + count * passes, variance + count * passes * (1 - passes)
    assert len(found["channel"]) == pytest.approx(expected, abs=4 * np.sqrt(variance))


def test_dead_channels_see_nothing_and_hot_ones_are_there_in_every_event(detector, conditions):
    event = [("S0.0.0", 1e-3, 0.0), ("ECAL1.2.2", 50.0, 0.0), ("HCAL1.1.1", 2.0, 0.0)]
    settings = {"dead": ("ECAL1.2.2",), "hot": ("SRD*",), "hot_noise": 30}
    found = _digits(detector, conditions, [event] * 100, **settings)
    names = [detector.channels[number] for number in found["channel"]]
    assert {name: names.count(name) for name in dict.fromkeys(names)} == {
        "S0.0.0": 100, "HCAL1.1.1": 100, "SRD0.0.0": 100, "SRD1.0.0": 100, "SRD2.0.0": 100,
    }  # fmt: skip
    front = Front(detector, conditions, "SRD0.0.0")
    samples = found["samples"][[name == "SRD0.0.0" for name in names]].astype(float)
    inside = samples > 0  # the noise goes below zero
    assert (samples - front.base)[:, inside.all(axis=0)].std() == pytest.approx(30 * front.sigma, rel=0.05)
    quiet = _digits(detector, conditions, [event], all_channels=True, dead=("ECAL1.2.2",))
    row = quiet["channel"].tolist().index(detector.channel_number["ECAL1.2.2"])
    assert np.abs(quiet["samples"][row] - Front(detector, conditions, "ECAL1.2.2").base).max() < 30
    with pytest.raises(UserError, match=r"has no channel 'ECAL1.2.22'; did you mean 'ECAL1.2.2'"):
        _digits(detector, conditions, [event], dead=("ECAL1.2.22",))


def test_a_part_of_a_pulse_is_in_the_channels_beside_it(detector, conditions):
    board = detector.boards[0]
    place = board.channels.tolist().index(detector.channel_number["ECAL1.2.2"])
    own = board.channels[place - 1 : place + 2]
    found = _digits(detector, conditions, [[("ECAL1.2.2", 60.0, 0.0)]] * 50, cross_talk=0.02)
    assert sorted(set(found["channel"].tolist())) == sorted(own.tolist())
    front = Front(detector, conditions, "ECAL1.2.2")
    for number in own[[0, 2]].tolist():
        mine = found["samples"][found["channel"] == number]
        base = Front(detector, conditions, detector.channels[number]).base
        np.testing.assert_allclose(mine.mean(axis=0) - base, 0.02 * front.pulse(60.0, 0.0), atol=5 * front.sigma / 7)
    # the first channel of a board has one neighbour
    first = detector.channels[board.channels[0]]
    assert len(set(_digits(detector, conditions, [[(first, 1.0, 0.0)]], cross_talk=0.1)["channel"].tolist())) == 2


def test_clock_and_baseline_move_samples_as_much_as_they_should(detector, conditions):
    name, count, jitter, drift = "ECAL1.2.2", 2000, 0.8, 6.0
    front = Front(detector, conditions, name)
    event = [(name, 50.0, 0.0)]
    late = _digits(detector, conditions, [event] * count, jitter=jitter)["samples"].astype(float)
    slope = np.gradient(np.array([front.pulse(50.0, -step)[9] for step in (-0.5, 0.0, 0.5)]), 0.5)[1]
    width = np.sqrt((jitter * slope) ** 2 + front.sigma**2 + 1 / 12)
    assert late[:, 9].std() == pytest.approx(width, rel=0.07)
    assert jitter * slope > 5 * front.sigma
    # one clock for all channels of the digitiser: their samples move together
    pair = _digits(detector, conditions, [[*event, ("ECAL1.2.3", 50.0, 0.0)]] * count, jitter=jitter)["samples"]
    assert np.corrcoef(pair[::2, 9].astype(float), pair[1::2, 9].astype(float))[0, 1] > 0.95
    moved = _digits(detector, conditions, [event] * count, drift=drift)["samples"].astype(float).mean(axis=1)
    assert moved.std() == pytest.approx(np.hypot(drift, front.sigma / np.sqrt(32)), rel=0.07)


def _with_status(conditions, text):
    """Return the constants of a run with some read-out channels that are not good."""
    constants = conditions.for_run(RUN)
    (table,) = parse_tables(text)
    return replace(constants, tables=(*constants.tables, table))


def test_strips_are_noisy_dead_or_hot(detector, conditions):
    first, second = (next(p for p in detector.planes if p.name == name) for name in detector.plane_names[:2])
    block = (
        "type = apv.status\nruns = 6000-6999\ncolumns = channel, status\nunits = -, -\nsource = t\noverride = yes\n\n"
    )
    rows = f"* 0\n{first.name}.3 1\n{second.name}.5 2\n"
    constants = _with_status(conditions, block + rows)
    count, at = 400, 3.0
    nothing = Lists.empty(count, {"plane": "i2", "position": "f8", "charge": "f8", "time": "f8"})
    settings = Digitisation(all_channels=True, strip_threshold=at)
    found = strips(nothing, detector, constants, settings, np.random.default_rng(3))
    key = found["plane"].astype(int) * 1000 + found["wire"]
    assert 3 not in key
    hot = found.rows(key == 1005)
    noise = constants.get("apv.gain", [f"{first.name}.{wire}" for wire in range(first.channels)])["noise"]

    def passing(sigma, true):
        # in one of three frames, whose lowest bits are lost: 2, 2 and 1 of them
        return 1 - np.prod([stats.norm.cdf((np.floor(at * sigma / low + 1) * low - 0.5) / true) for low in (4, 4, 2)])

    (own,) = constants.get("apv.gain", [f"{second.name}.5"])["noise"]
    assert (hot.counts == 1).mean() == pytest.approx(passing(own, 20 * own), abs=0.08)
    passes = [passing(sigma, sigma) for sigma in noise]
    expected = count * (np.sum(passes) - passes[3])
    assert (found["plane"] == 0).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    quiet = strips(nothing, detector, constants, Digitisation(), np.random.default_rng(3))
    assert set(quiet["plane"].tolist()) == {1}
    assert set(quiet["wire"].tolist()) == {5}


def test_wires_of_a_tdc_are_noisy_or_dead(tmp_path):
    detector = straws.make(tmp_path)
    plane = next(one for one in detector.planes if one.name in detector.timed)
    block = (
        "type = tdc.status\nruns = 6000-6999\ncolumns = channel, status\nunits = -, -\nsource = t\noverride = yes\n\n"
    )
    text = block + f"* 0\n{plane.name}.2 2\n{plane.name}.4 1\n"
    constants = _with_status(Conditions.load(tmp_path / "calib"), text)
    number, count, mean = detector.plane_names.index(plane.name), 3000, 0.3
    columns = {
        "plane": np.full(count, number, np.int16),
        "position": np.full(count, float(plane.position(np.array([4.0]))[0])),
        "charge": np.ones(count),
        "time": np.zeros(count),
    }
    points = Lists(np.arange(count + 1), columns)
    rng = np.random.default_rng(4)
    hits = timed(points, detector, constants, Digitisation(noisy_hits=mean), rng)
    assert set(zip(hits["plane"].tolist(), hits["wire"].tolist(), strict=True)) == {(number, 2)}
    assert len(hits["time"]) == pytest.approx(count * mean, abs=4 * np.sqrt(count * mean))
    tdc = detector.tdc(plane)
    assert stats.kstest(hits["time"] * tdc.bin / tdc.range, "uniform").pvalue > 1e-3


RATE = 2.5e7 / 4.8e9  # per ns
WINDOW = (40.0, 150.0)


@pytest.fixture(scope="module")
def piled():
    """Beam electrons with others 40 to 150 ns behind, where two pulses of a waveform are told apart, in both tiers."""
    sample = load_sample("beam")
    pile_up = PileUp(particles=2.5e7, per=4.8e9, window=WINDOW)
    sample = sample.model_copy(update={"beam": sample.beam.model_copy(update={"pile_up": pile_up})})
    simulation = Simulation(sample)
    stages = WaveformStage(simulation.detector), HitStage(simulation.detector), CalorimeterStage(simulation.detector)
    for stage in stages:
        stage.begin_run(simulation.conditions)
    waves, hits, sums = stages
    made = {"raw": [], "hits": []}
    for block in blocks_of(3000):
        batch, rng = simulation.block(block)
        shared = simulation.detector, simulation.conditions, sample.digitisation, rng
        raw = replace(batch, sadc=waveforms(batch.cells, *shared), cells=None)
        made["raw"].append(sums(raw, waves(raw, {})))
        made["hits"].append(sums(batch, hits(batch, {})))
    return {
        tier: {
            name: np.concatenate([one[name] for one in found]) for name in ("event.quality", "ecal.pileup", "s.pileup")
        }
        for tier, found in made.items()
    }


@pytest.mark.parametrize("tier", ["raw", "hits"])
def test_the_fraction_with_pile_up_is_poissons(piled, tier):
    expected = any_beside(PileUp(particles=2.5e7, per=4.8e9, window=WINDOW), *WINDOW)
    assert expected == pytest.approx(1 - np.exp(-RATE * 110.0))
    error = np.sqrt(expected * (1 - expected) / 3000)
    assert np.mean(piled[tier]["event.quality"] & PULSES > 0) == pytest.approx(expected, abs=3 * error)


def test_energy_out_of_time_is_in_its_columns(piled):
    late = piled["hits"]["event.quality"] & PULSES > 0
    for name in ("ecal.pileup", "s.pileup"):
        values = piled["hits"][name].reshape(3000, -1)[:, 0]
        assert (values[late] > 0).mean() > 0.99
        assert (values[~late] == 0).all()
    assert np.median(piled["hits"]["ecal.pileup"][late]) > 80.0
    # where a waveform is measured as one pulse, that of the other particle counts where it is the larger one
    assert 0.3 < np.mean(piled["raw"]["ecal.pileup"][late] > 0.5) < 1.0


def test_both_tiers_have_the_same_cutflow(run_files):
    analysis = selection.load("e_to_mu_phi")
    for name in ("signal", "beam", "muon"):
        counts = {}
        for tier in (".dat", ".root"):
            table = reco.process(reco.open(run_files[name + tier]))
            counter = selection.bind(analysis, table.metadata.columns).counter(
                sample=name, role="control", unblind=True
            )
            counter.add(table)
            counts[tier] = counter.yields().regions
        for region, variations in counts[".root"].items():
            for one, other in zip(variations["nominal"], counts[".dat"][region]["nominal"], strict=True):
                assert one.name == other.name
                n = one.individual.n
                assert other.individual.n == pytest.approx(n, abs=max(3, np.sqrt(n * (1 - n / 300)))), (name, one.name)
                assert other.sequential.n == pytest.approx(one.sequential.n, abs=3), (name, one.name)


def test_raw_files_are_the_same_for_any_number_of_events_and_with_all_that_is_on(tmp_path):
    sample = load_sample("beam")
    digitisation = Digitisation(
        all_channels=True, zero_suppression=5, jitter=0.1, drift=1, cross_talk=0.01, hot=("SRD0.*",), dead=("HCAL0.*",)
    )
    sample = sample.model_copy(update={"digitisation": digitisation})
    made = [simulate(sample, tmp_path / f"{name}.dat", events=40).read_bytes() for name in "ab"]
    assert made[0] == made[1]
    table = reco.process(reco.open(tmp_path / "a.dat"))
    assert len(table) == 40
    assert np.median(table["ecal.energy"]) == pytest.approx(102.0, abs=4.0)  # 2 % of it in neighbours
    assert (table["hcal.energy"][:, 0] == 0).all()
