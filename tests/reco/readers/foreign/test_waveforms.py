"""Waveforms of other digitisers through a map: the pulses that were put in, against the kernel, and mistakes that are told."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - annotations of fixtures

import awkward as ak
import numpy as np
import pytest
import uproot

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.table import EventTable
from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map
from emiss.reco.readers.foreign.waveforms import LEAST_SIGMA

PERIOD, RISE, CHANNELS, EVENTS, SAMPLES = 8.0, 40.0, 3, 60, 64
LEVEL = np.array([90.0, 110.0, 75.0])

MAP = """
reader: waves
tree: rows
group_by: event
waveforms:
  pulses: {samples: wave, channel: channel, period: 8 ns, bits: 12, pedestal: [0, 8], rise: 40 ns}
columns:
  pulses.channel: pulses.channel
  pulses.charge: pulses.charge
  pulses.height: pulses.height
  pulses.time: pulses.time
  pulses.pedestal: pulses.pedestal
  pulses.saturated: pulses.saturated
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Waveforms with one pulse each, as rows with a list, as rows with an array and as one array per event."""
    rng = np.random.default_rng(4)
    charge, start = rng.uniform(2000, 12000, (EVENTS, CHANNELS)), rng.uniform(100, 200, (EVENTS, CHANNELS))
    charge[:, 2] = 0
    u = (np.arange(SAMPLES) * PERIOD - start[..., None]) / RISE
    shape = np.where(u > 0, u * np.exp(-np.maximum(u, 0)), 0) * PERIOD / RISE
    noise = rng.normal(0, 0.8, shape.shape)
    waves = np.clip(np.rint(LEVEL[:, None] + charge[..., None] * shape + noise), 0, 4095).astype(np.uint32)
    flat = waves.reshape(-1, SAMPLES)
    short = [row[: SAMPLES - 4 * (i % 2)] for i, row in enumerate(flat)]
    path = tmp_path_factory.mktemp("waves") / "w.root"
    event, channel = np.repeat(np.arange(EVENTS), CHANNELS), np.tile(np.arange(CHANNELS), EVENTS)
    with uproot.recreate(path) as file:
        file.mktree("rows", {"event": "i4", "channel": "i4", "wave": "var * uint32", "x": "f8"})
        file["rows"].extend({"event": event, "channel": channel, "wave": ak.Array(short), "x": event * 1.0})
        fixed = np.dtype(("u4", (SAMPLES,)))
        file.mktree("fixed", {"event": "i4", "channel": "i4", "wave": fixed})
        file["fixed"].extend({"event": event, "channel": channel, "wave": flat})
        file.mktree("one", {"wave": fixed})
        file["one"].extend({"wave": waves[:, 0]})
    return path, charge, start


def read(path, text, size=7):
    return EventTable.concatenate(list(ForeignFile(path, loads(text, "map.yaml")).tables(size=size)))


@pytest.mark.parametrize("size", [1, 13, 1000])
def test_pulses_come_back(made, size):
    path, charge, start = made
    pulses = read(path, MAP, size).lists["pulses"]
    assert pulses.counts.tolist() == [CHANNELS] * EVENTS
    measured = {name: values.reshape(EVENTS, CHANNELS) for name, values in pulses.columns.items()}
    assert (measured["channel"] == np.arange(CHANNELS)).all()
    np.testing.assert_allclose(np.median(measured["pedestal"], axis=0), LEVEL, atol=0.3)
    np.testing.assert_allclose(measured["charge"][:, :2] / charge[:, :2], 1, atol=0.03)
    np.testing.assert_allclose(measured["time"][:, :2], start[:, :2], atol=1.5)
    assert (measured["charge"][:, 2] == 0).all()
    assert np.isnan(measured["time"][:, 2]).all()
    height = charge[:, :2] * PERIOD / RISE / np.e
    np.testing.assert_allclose(measured["height"][:, :2], height, rtol=0.02, atol=4)
    assert not measured["saturated"].any()


def test_rows_of_arrays_and_events_of_one_waveform_are_the_same(made):
    path, charge, _ = made
    lists = read(path, MAP.replace("tree: rows", "tree: fixed")).lists["pulses"]
    np.testing.assert_allclose(lists["charge"].reshape(EVENTS, CHANNELS)[:, :2] / charge[:, :2], 1, atol=0.03)
    text = MAP.replace("tree: rows", "tree: one").replace("group_by: event\n", "").replace(" channel: channel,", "")
    one = read(path, text).lists["pulses"]
    np.testing.assert_array_equal(one["charge"], lists["charge"].reshape(EVENTS, CHANNELS)[:, 0])
    assert not one["channel"].any()


def test_noise_that_rounding_hides_does_not_make_pulses(tmp_path):
    with uproot.recreate(tmp_path / "w.root") as file:
        file.mktree("one", {"wave": np.dtype(("u2", (16,)))})
        file["one"].extend({"wave": np.full((5, 16), 100, np.uint16) + (np.arange(16) == 12)})
    text = MAP.replace("tree: rows", "tree: one").replace("group_by: event\n", "").replace(" channel: channel,", "")
    assert 6 * LEAST_SIGMA > 1
    assert not read(tmp_path / "w.root", text).lists["pulses"]["charge"].any()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "samples: wave",
            "samples: wav",
            "map.yaml:6:21: no branch 'wav' (at /waveforms/pulses/samples); did you mean 'wave'",
        ),
        ("samples: wave", "samples: channel", "holds no list or array of whole numbers"),
        (
            "channel: channel",
            "channel: chanel",
            "no branch of whole numbers 'chanel' (at /waveforms/pulses/channel); did you mean 'rows.channel'?",
        ),
        ("channel: channel", "channel: x", "no branch of whole numbers 'x'"),
        ("[0, 8]", "[8, 8]", "the first sample and the one behind the last"),
        ("8 ns", "8 MeV", "8 MeV"),
        ("rise: 40 ns", "rise: 40 ns, raise: 3", "unknown key 'raise'"),
    ],
)
def test_mistakes_are_told_when_the_file_is_opened(made, old, new, said):
    with pytest.raises(UserError) as told:
        read(made[0], MAP.replace(old, new))
    assert said in told.value.render()


@pytest.mark.shared
def test_real_waveforms_have_stable_pedestals_and_amplitudes(shared: Path) -> None:
    """The channels without a source of pulses; see docs/validation.md for those with one."""
    file = ForeignFile(shared / "data" / "fadc125_waveforms.root", load_reader_map("fadc125"))
    pulses = EventTable.concatenate(list(file.tables())).lists["pulses"]
    assert len(pulses) == 237
    with uproot.open(file.path) as raw:
        tree = raw["Df125WindowRawData"]
        waves, channel = tree["waveform"].array(), tree["channel"].array(library="np")
    tail = ak.to_numpy(ak.mean(waves[:, 160:320], axis=1))
    np.testing.assert_allclose(pulses["pedestal"], tail, rtol=1e-12)
    for number in range(24):
        if number not in (11, 13):
            assert pulses["pedestal"][pulses["channel"] == number].std() < 0.2
    assert (channel == pulses["channel"]).all()
    pulser = (pulses["channel"] == 13) & (pulses["height"] > 500)
    assert pulser.sum() == 228
    assert pulses["height"][pulser].std() / pulses["height"][pulser].mean() < 0.01
