"""Trigger conditions of detector files: what they read, which bits they set, and what is wrong with them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.configs.loader import SHIPPED, shipped
from emiss.reco.detector.model import load_detector

SOURCE = SHIPPED / "detectors" / "na64e_lfc"


@pytest.fixture
def with_trigger(tmp_path):
    """Return a function that loads the shipped set-up with other conditions."""
    shutil.copy(SOURCE / "multiplex.txt", tmp_path)
    text = (SOURCE / "detector.yaml").read_text(encoding="utf-8").partition("\ntrigger:")[0]

    def load(*lines: str):
        block = "".join(f"  {line}\n" for line in lines)
        (tmp_path / "detector.yaml").write_text(f"{text}\ntrigger:\n{block}", encoding="utf-8")
        return load_detector(tmp_path)

    return load


def _visible(detector, **energies):
    """Return one event for each set of energies by channel (`S0_0_0`), GeV."""
    rows = max(len(values) for values in energies.values())
    made = np.zeros((rows, len(detector.channels)))
    for channel, values in energies.items():
        made[:, detector.channel_number[channel.replace("_", ".")]] = values
    return made


def test_shipped_conditions_are_counters_preshower_and_missing_energy():
    detector = load_detector("na64e_lfc")
    visible = _visible(
        detector,
        S0_0_0=[1e-3, 1e-3, 1e-3, 1e-3, 0.0, 1e-3],
        S1_0_0=[1e-3, 1e-3, 1e-3, 0.0, 1e-3, 1e-3],
        ECAL0_2_2=[3.0, 1.0, 3.0, 3.0, 3.0, 1.5],
        ECAL0_0_5=[0.0, 0.0, 0.0, 0.0, 0.0, 0.6],
        ECAL1_2_2=[50.0, 50.0, 93.0, 50.0, 50.0, 50.0],
    )
    words = detector.conditions.fired(visible)
    bits = detector.trigger_bits
    assert words.dtype == np.uint32
    np.testing.assert_array_equal(words >> bits["beam"] & 1, [1, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(words >> bits["physics"] & 1, [1, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(words & ~np.uint32(1 << bits["beam"] | 1 << bits["physics"]), 0)


@pytest.mark.parametrize("name", shipped("detectors"))
def test_conditions_of_shipped_set_ups_hold(name):
    detector = load_detector(name)
    assert set(detector.conditions.nodes) == set(detector.trigger)
    assert not detector.conditions.fired(np.zeros((3, len(detector.channels)))).any()


def test_conditions_read_the_same_sums_as_the_event_table(with_trigger):
    detector = with_trigger(
        "beam: veto.energy['VETO23'] > 4.9 MeV and veto.energy['VETO23'] < 5.1 MeV",
        "physics: hcal.energy['HCAL1'] > 5 GeV and sum(hcal.energy > 1 GeV) == 1",
        "random: not physics",
    )
    visible = _visible(
        detector, VETO2_0_0=[4e-3, 5e-3], VETO3_0_0=[6.25e-3, 1e-3], HCAL1_0_2=[3.0, 3.0], HCAL1_1_1=[3.0, 1.0]
    )
    # the geometric mean of 4 and 6.25 is 5; 1 is too little beside 5, which then counts alone
    words = detector.conditions.fired(visible)
    np.testing.assert_array_equal(words, [0b1001, 0b1010])


def test_a_constant_condition_sets_all_bits_or_none(with_trigger):
    visible = np.ones((3, len(load_detector("na64e_lfc").channels)))
    assert not with_trigger("beam: 1 > 2").conditions.fired(visible).any()
    np.testing.assert_array_equal(with_trigger("beam: 1 < 2").conditions.fired(visible), [8, 8, 8])
    assert with_trigger("beam: 1 < 2").conditions.fired(visible[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["bem: s.energy['S0'] > 1 MeV"], r":3: there is no trigger bit 'bem'.*did you mean 'beam'"),
        (["beam: physics", "physics: beam"], r"'beam' is defined by itself: beam -> physics -> beam"),
        (["beam: s.energy > 1 MeV"], r":9: a trigger condition needs one answer per event.*any\(\.\.\.\)"),
        (["beam: ecal.energy"], r"'ecal.energy' is a number.*compare it"),
        (["beam: s.energy['S9'] > 1 MeV"], r"no element 'S9'.*did you mean 'S1' or 'S0'"),
        (["beam: ecal.energy > 3 mm"], r"cannot compare GeV and mm"),
        (["beam: ecal.x > 3 mm"], r"unknown name 'ecal.x'.*'ecal.energy'"),
        (["beam: ecal.energy > 1 GeV and"], r"ends behind 'and'"),
        (["beam: ''"], r"at least 1 character"),
    ],
)
def test_wrong_conditions_are_told_at_their_place(with_trigger, lines, says):
    with pytest.raises(UserError, match=says) as caught:
        with_trigger(*lines)
    assert "detector.yaml:14" in str(caught.value)
