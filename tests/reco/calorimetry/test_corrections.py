"""Corrections of cells: what digitisation does with a tag, the reconstruction with the same tag undoes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calib.conditions import Conditions, RunConditions
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError, UserErrors
from emiss.events.batch import Batch
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists
from emiss.reco.calorimetry.corrections import LEFT_OUT, CorrectionStage, mistakes
from emiss.reco.calorimetry.waveform import WaveformStage
from emiss.reco.pipeline import Pipeline
from emiss.samples.config import Digitisation
from emiss.samples.digitise import waveforms

RUN = 6105
HEADS = {
    "sadc.status": ("status", "-"),
    "sadc.walk": ("slope, charge", "ns, ADC"),
    "sadc.drift": ("response", "-"),
    "sadc.in_spill": ("response", "-"),
    "sadc.led": ("charge", "-"),
}
NO_START = 1 << QUALITY_BITS["no_start_time"]


def text(type_, *rows):
    columns, units = HEADS[type_]
    return f"type = {type_}\nruns = 6000-\ncolumns = channel, {columns}\nunits = -, {units}\n" + "\n".join(rows) + "\n"


def with_tables(conditions, *texts):
    own = conditions.for_run(RUN)
    return RunConditions(RUN, own.tag, (*own.tables, *parse_tables("\n".join(texts))))


@pytest.fixture(scope="module")
def hits(detector):
    """Cells in all channels of 40 events, of any size above the threshold; the first are those of the counters."""
    rng = np.random.default_rng(3)
    gain = Conditions.load("demo").for_run(RUN).get("sadc.gain", detector.channels)["gain"]
    events, channels = 40, len(detector.channels)
    charge = np.exp(rng.uniform(np.log(300.0), np.log(12000.0), (events, channels)))
    columns = {
        "channel": np.tile(np.arange(channels, dtype=np.int32), events),
        "energy": (charge * gain).ravel(),
        "time": np.where(
            detector.reference > 0, rng.uniform(0.0, 12.5, (events, 1)), rng.normal(size=(events, channels))
        ).ravel(),
    }
    header = {
        "entry": np.arange(events),
        "spill": np.repeat([1, 2, 3, 4], 10),
        "spill_position": np.tile(np.arange(1, 11) / 10.0, 4),
    }
    return Lists(np.arange(events + 1) * channels, columns), header


def measured(detector, made, read, hits, **settings):
    """Return the cells of hits that are digitised with some conditions and read with others, by event and channel."""
    cells, header = hits
    digits = waveforms(cells, detector, made, Digitisation(**settings), np.random.default_rng(1), header)
    found, products = _read(detector, read, digits, header)
    shape = (len(cells), len(detector.channels))
    energy, time = np.full(shape, np.nan), np.full(shape, np.nan)
    energy[found.parents, found["channel"]] = found["energy"]
    time[found.parents, found["channel"]] = found["time"]
    return energy, time, products


def _read(detector, conditions, digits, header):
    batch = Batch(RUN, (0, len(header["entry"])), header, sadc=digits)
    products = {}
    for stage in (WaveformStage(detector), CorrectionStage(detector)):
        stage.begin_run(conditions)
        products |= stage(batch, products)
    return products["cells"], products


def _true(detector, hits):
    cells, _ = hits
    shape = (len(cells), len(detector.channels))
    return cells["energy"].reshape(shape), cells["time"].reshape(shape)


def test_without_a_table_cells_pass_as_they_are(detector, conditions):
    stage = CorrectionStage(detector)
    stage.begin_run(conditions.for_run(RUN))
    cells, quality = object(), object()
    made = stage(SimpleNamespace(), {"cells": cells, "quality": quality})
    assert made["cells"] is cells
    assert made["quality"] is quality
    assert not made["remarks"]


def test_drift_and_place_in_the_spill_are_taken_away_from_energies(detector, conditions, hits):
    tables = with_tables(
        conditions,
        text("sadc.drift", "ecal@0-2 0.9", "ecal@3- 1.05", "ECAL1.2.2 1.2"),
        text("sadc.in_spill", "*@0-0.3 0.8", "*@0.3-1 1.1"),
    )
    true, _ = _true(detector, hits)
    energy, _, _ = measured(detector, tables, tables, hits)
    assert np.nanmedian(np.abs(energy / true - 1.0)) < 3e-3
    plain, _, _ = measured(detector, tables, conditions.for_run(RUN), hits)
    ratio = np.nanmedian(plain / true, axis=0)
    assert ratio[detector.channel_number["ECAL1.2.2"]] == pytest.approx(1.2 * 1.1, rel=0.01)
    event = np.nanmedian((plain / true)[:, detector.part_numbers("ecal")], axis=1)
    assert event[[1, 5, 21, 39]] == pytest.approx([0.72, 0.99, 0.84, 1.155], rel=0.01)


def test_walk_is_taken_away_from_times_that_of_the_reference_included(detector, conditions, hits):
    tables = with_tables(conditions, text("sadc.walk", "* 2 3000", "S0.0.0 3 6000"))
    _, true = _true(detector, hits)
    _, time, _ = measured(detector, tables, tables, hits)
    others = detector.reference == 0
    assert np.std((time - true)[:, others]) < 0.25  # of the noise; pulses near to the threshold have most of it
    assert np.abs(np.mean((time - true)[:, others])) < 0.01
    _, late, _ = measured(detector, tables, conditions.for_run(RUN), hits)
    assert np.std((late - true)[:, others]) > 1.5


def test_cells_that_are_not_good_are_left_out_and_counted(detector, conditions, hits):
    tables = with_tables(conditions, text("sadc.status", "ECAL1.1.2 1", "ECAL1.3.3 2"))
    energy, _, products = measured(detector, tables, tables, hits)
    dead, hot = (detector.channel_number[name] for name in ("ECAL1.1.2", "ECAL1.3.3"))
    assert np.isnan(energy[:, [dead, hot]]).all()
    assert np.isfinite(np.delete(energy, [dead, hot], axis=1)).all()
    assert products["remarks"] == {LEFT_OUT: 40}  # those of the hot channel: a dead one has none
    noisy, _, _ = measured(detector, tables, conditions.for_run(RUN), hits)
    assert np.isfinite(noisy[:, hot]).all()
    assert np.isnan(noisy[:, dead]).all()
    assert not (products["quality"] & NO_START).any()


def test_a_reference_that_is_not_good_leaves_times_relative_to_the_waveform(detector, conditions, hits):
    tables = with_tables(conditions, text("sadc.status", "S0.0.0 2"))
    _, true = _true(detector, hits)
    _, time, products = measured(detector, conditions.for_run(RUN), tables, hits)
    assert (products["quality"] & NO_START).all()
    number, other = detector.channel_number["S0.0.0"], detector.channel_number["S1.0.0"]
    assert np.abs(time[:, other] - true[:, other] - true[:, number]).max() < 0.5


def test_the_pipeline_puts_the_count_into_the_ledger_and_nothing_else_where_there_is_no_table(
    run_files, detector, tmp_path
):
    from emiss import reco

    plain = reco.process(reco.open(run_files["signal.dat"]))
    assert not plain.metadata.ledger.remarks
    tag = tmp_path / "tag"
    tag.mkdir()
    for number, table in enumerate({table.file for table in Conditions.load("demo").tables}):
        with Path(table).open() as file:
            (tag / f"{number}.txt").write_text(file.read())
    (tag / "status.txt").write_text(text("sadc.status", "S1.0.0 1"))
    corrected = reco.open(run_files["signal.dat"], calib=tag)
    table = reco.process(corrected)
    assert table.metadata.ledger.remarks[LEFT_OUT] > 0.9 * len(table)
    assert len(set(corrected.payloads) - set(reco.open(run_files["signal.dat"]).payloads)) == 1
    same = {name for name in plain.flat if np.array_equal(plain[name], table[name], equal_nan=True)}
    assert {"ecal.energy", "ecal.time", "hcal.energy"} <= same


@pytest.mark.parametrize(
    ("type_", "rows", "says"),
    [
        ("sadc.status", ["ECAL1.9.9 1"], "has no 'ECAL1.9.9'"),
        ("sadc.status", ["ECAL9.2.2 1"], "has no 'ECAL9.2.2'"),
        ("sadc.led", ["EACL1.2.2 3000"], "has no 'EACL1.2.2'"),
        ("sadc.drift", ["ECAL1.2.9@0- 1"], "has no 'ECAL1.2.9'"),
        ("sadc.drift", ["ecla@0- 1"], "has no 'ecla'"),
        ("sadc.drift", ["ecal@0-4 1", "ecal@6- 1"], "gap: no row behind 'ecal@0-4'"),
        ("sadc.in_spill", ["ecal@0-0.4 1", "ecal@0.3-1 1"], "overlaps"),
    ],
)
def test_what_a_set_up_does_not_have_and_gaps_are_told_before_a_job(detector, conditions, type_, rows, says):
    tables = with_tables(conditions, text(type_, *rows))
    assert [says in str(error) for error in mistakes(detector, tables)] == [True]
    tag = Conditions("text", tables.tables)
    with pytest.raises((UserError, UserErrors), match=says):
        Pipeline(detector, tag).check([RUN], "raw")


def test_elements_that_other_constants_of_the_tag_know_are_those_of_another_set_up(detector, conditions):
    tables = with_tables(conditions, text("sadc.status", "WCAL0.0.0 1"))
    assert len(list(mistakes(detector, tables))) == 1
    pedestal = (
        "type = sadc.pedestal\nruns = 1-\ncolumns = channel, even, odd, sigma\nunits = -, -, -, -\nWCAL0.0.0 1 1 1\n"
    )
    tables = RunConditions(tables.run, tables.tag, (*tables.tables, *parse_tables(pedestal)))
    assert not list(mistakes(detector, tables))
