"""What is monitored, and when there is an alarm: against `emiss quality`, references and limits."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from emiss import selection
from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.monitor import page, reference, told
from emiss.monitor.measured import Measuring
from emiss.monitor.watch import Alarm, Note, Shown
from emiss.reco.quality.summary import Limits, Survey, surveys, verdicts
from emiss.reco.readers import open_run_file
from tests.emiss.monitor.conftest import EVENTS, SPILLS


def all_of(watch, **given):
    given = given or {"once": True}
    return list(watch.run(threading.Event(), **given))


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def path(run, tmp_path):
    (tmp_path / "run.dat").write_bytes(run.data)
    return tmp_path / "run.dat"


def test_numbers_are_those_of_quality(hurt, watching, detector, measuring, tmp_path):
    (tmp_path / "run.dat").write_bytes(hurt)
    shown = of(all_of(watching(tmp_path / "run.dat")), Shown)
    file = open_run_file(tmp_path / "run.dat", detector)
    found = surveys(file, measuring.channels, detector.full_scale, measuring.source.conditions)
    whole = sum(found, Survey.empty([], len(measuring.channels)))
    expected = verdicts(whole, measuring.channels, Limits())
    assert [(one.spill, one.value("spill.events")) for one in shown] == [(v.spill, v.events) for v in expected]
    assert [one.value("ledger.bad_or_hurt") for one in shown] == pytest.approx([v.lost for v in expected])
    assert [one.value("spill.saturated") for one in shown] == pytest.approx([v.saturated for v in expected])
    for row, one in enumerate(shown):
        np.testing.assert_allclose(one.table.flat["channel.pedestal"][0], whole.pedestal()[row])


def test_gaps_and_losses_are_alarms_with_spill_value_and_limit(hurt, watching, tmp_path):
    (tmp_path / "run.dat").write_bytes(hurt)
    watch = watching(tmp_path / "run.dat")
    found = [(alarm.spill, alarm.name) for alarm in of(all_of(watch), Alarm)]
    assert {(5, "spills_missing"), (5, "losses"), (7, "losses")} <= set(found)
    assert not [spill for spill, _ in found if spill < 5]
    (gap,) = (alarm for alarm in watch.alarms if alarm.name == "spills_missing")
    assert (gap.run, gap.value, gap.limit) == (6105, 1.0, "above 0")
    assert watch.totals.events == 5 * EVENTS - 10 + EVENTS // 2 - 1


def test_a_changed_channel_is_named(path, watching, measuring, tmp_path):
    first = watching(path)
    all_of(first)
    first.whole.save(tmp_path / "reference.json", measuring.channels, measuring.planes)
    known = reference.load(tmp_path, measuring.channels, measuring.planes)
    assert (known.spills, known.events) == (SPILLS, SPILLS * EVENTS)
    assert of(all_of(watching(path, reference=known)), Alarm) == []
    one = measuring.channels.index("ECAL1.2.2")
    factor = np.where(np.arange(len(measuring.channels)) == one, 2.0, 1.0)
    piled = known.piled._replace(height=known.piled.height * factor, square=known.piled.square * factor**2)
    moved = replace(known, piled=piled, shift=known.shift + 7.0 * (factor > 1) * known.quiet)
    alarms = of(all_of(watching(path, reference=moved)), Alarm)
    assert {(alarm.name, alarm.of) for alarm in alarms} == {("gain", "ECAL1.2.2"), ("pedestal", "ECAL1.2.2")}
    assert {round(alarm.value) for alarm in alarms if alarm.name == "gain"} == {50}
    assert alarms[0].said.startswith(f"{alarms[0].name} of ECAL1.2.2: ")
    with pytest.raises(UserError, match="has no channel of this set-up"):
        reference.load(tmp_path, ["X.0.0"], [])
    with pytest.raises(UserError, match="not what 'emiss monitor' keeps"):
        reference.load(path, measuring.channels, [])


def test_a_reader_that_is_too_slow_skips_and_says_how_many(path, watching):
    watch = watching(path, behind=2)
    events = all_of(watch, until=lambda: True)
    (said,) = (note.said for note in of(events, Note))
    assert said == f"5 spills with {5 * EVENTS} events were not looked at, to keep up: 6105/1 to 6105/5"
    assert [one.spill for one in of(events, Shown)] == [6, 7]
    assert of(events, Shown)[0].value("spill.gap") == 0  # skipped is not missing
    assert (watch.totals.skipped, watch.totals.skipped_events) == (5, 5 * EVENTS)


def test_silence_is_an_alarm_once(path, watching, tmp_path):
    rules = tmp_path / "quiet.yaml"
    rules.write_text("monitor: quiet\nsilence: 0.1 s\n")
    watch = watching(path, rules)
    stop = threading.Event()
    found = []
    for event in watch.run(stop):
        found.append(event)
        if isinstance(event, Alarm):
            threading.Timer(0.6, stop.set).start()
    (alarm,) = of(found, Alarm)
    assert (alarm.name, alarm.run, alarm.limit) == ("silence", -1, "above 0.1 s")
    assert watch.totals.looked_at == SPILLS


def test_a_run_without_constants_is_said_and_the_others_go_on(run, watching, tmp_path):
    data = bytearray(run.data[: run.index.offset[run.rows(3, 3)[0]]])
    for offset in run.index.offset[run.index.offset < len(data)]:
        data[offset + 20 : offset + 24] = (999_999_999).to_bytes(4, "little")
    (tmp_path / "a.dat").write_bytes(data)
    (tmp_path / "b.dat").write_bytes(run.joined(run.rows(1, 1)))
    events = all_of(watching(tmp_path))
    assert [one.run for one in of(events, Shown)] == [6105]
    alarms = of(events, Alarm)
    assert [(alarm.name, alarm.run, alarm.value) for alarm in alarms] == [("not_looked_at", 999_999_999, EVENTS)] * 2
    assert "999999999" in alarms[0].said


def test_of_a_blinded_sample_no_number_is_told(path, watching, detector, monkeypatch, tmp_path):
    cuts = tmp_path / "cuts.yaml"
    cuts.write_text(
        "analysis: hidden\ncuts: [{name: some, require: event.in_spill > 20}]\n"
        "blind: {samples: data, box: event.in_spill > 30}\n"
    )
    blinded = Measuring(detector.file, loader.find("calib", "demo"), selection.load(str(cuts)))
    assert blinded.hidden
    watch = watching(path, with_=blinded)
    shown = of(all_of(watch), Shown)
    assert told.spill_of(shown[0])["cutflow"] == []
    assert not [name for name in shown[0].table.flat if name.startswith("cut.")]
    assert told.cutflow(watch) == []
    monkeypatch.setattr(told, "MANY", 10)
    assert page.news(watch, {})["cutflow"] == [
        {"cut": "all", "n": None, "share": 1.0},
        {"cut": "some", "n": None, "share": 0.333},  # 21 to 30 of 1 to 30: those behind are hidden
    ]
