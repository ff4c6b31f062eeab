"""Which events a sample records: required bits, prescale, and the count of events that were drawn for them."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.samples.config import Required, load_sample
from emiss.samples.trigger import check, fired, recorded, until

N = 100_000


def _required(text: str) -> Required:
    return loader.validate(loader.loads(text, "sample.yaml"), Required)


def _words(detector, rng):
    bits = detector.trigger_bits
    return (1 << bits["beam"]) * (rng.random(N) < 0.8).astype(np.uint32) | (rng.random(N) < 0.1).astype(np.uint32)


def test_required_bits_are_recorded_and_one_in_n_of_the_prescaled(detector):
    rng = np.random.default_rng(3)
    words = _words(detector, rng)
    beam, physics = words >> 3 & 1 > 0, words & 1 > 0
    keep, left = recorded(_required("{require: physics}"), detector, words, rng)
    np.testing.assert_array_equal(keep, physics)
    np.testing.assert_array_equal(left, words)
    keep, left = recorded(_required("{require: [physics], prescale: {beam: 50}}"), detector, words, rng)
    turn = left >> 3 & 1 > 0
    assert left.dtype == np.uint32
    np.testing.assert_array_equal(keep, physics | turn)
    assert not (turn & ~beam).any()
    assert turn.sum() == pytest.approx(beam.sum() / 50, abs=4 * np.sqrt(beam.sum() / 50))
    assert turn[physics].mean() == pytest.approx(turn.mean(), abs=4 * np.sqrt(0.016 / physics.sum()))
    keep, left = recorded(_required("{require: physics, prescale: {physics: 1}}"), detector, words, rng)
    np.testing.assert_array_equal(keep, physics)
    np.testing.assert_array_equal(left, words)


def test_fired_are_the_conditions_of_the_detector_file(detector):
    visible = np.zeros((2, len(detector.channels)))
    visible[1, detector.channel_number["S0.0.0"]] = 1e-3
    np.testing.assert_array_equal(fired(detector, visible), [0, 1 << detector.trigger_bits["beam"]])


def test_rounds_are_drawn_until_enough_are_recorded():
    rng = np.random.default_rng(5)
    drawn = []

    def draw(number):
        keep = rng.random(1000) < 0.3
        drawn.append(keep)
        return number, keep

    pieces, generated = until(1000, draw, _required("{require: physics}"))
    assert sum(len(rows) for _, rows in pieces) == 1000
    assert [number for number, _ in pieces] == list(range(len(drawn)))
    for number, rows in pieces:
        assert drawn[number][rows].all()
    flat = np.concatenate(drawn)
    assert flat[:generated].sum() == 1000
    assert flat[generated - 1]  # the last one counted is the last one recorded: wanted/generated is the efficiency
    assert until(0, draw, _required("{require: physics}")) == ([], 0)


def test_a_trigger_that_never_fires_ends_with_a_message():
    with pytest.raises(UserError, match="of 200 events none fires the trigger 'physics' or 'beam'"):
        until(1, lambda _: (None, np.zeros(1, bool)), _required("{require: physics, prescale: {beam: 2}}"))


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (
            "require: physiks",
            r":2:20: the set-up na64e_lfc has no condition for a trigger 'physiks'.*did you mean 'physics'",
        ),
        ("require: [physics, random]", r"no condition for a trigger 'random'.*its conditions are for: beam, physics"),
        ("require: physics, prescale: {beem: 10}", r":2:40: .*trigger 'beem'.*did you mean 'beam'"),
        ("require: physics, prescale: {beam: 0}", r"greater than 0"),
        ("require: []", r"at least 1 item"),
        ("prescale: {beam: 10}", r"the key 'require' is missing"),
    ],
)
def test_triggers_that_cannot_be_are_refused_where_they_are_written(tmp_path, detector, block, says):
    shipped = loader.find("samples", "beam").read_text(encoding="utf-8")
    path = tmp_path / "sample.yaml"
    path.write_text(f"# a trigger\ntrigger: {{{block}}}\n{shipped}", encoding="utf-8")
    with pytest.raises(UserError, match=says):
        check(load_sample(path), detector)


def test_samples_without_a_trigger_need_none(detector):
    check(load_sample("beam"), detector)
