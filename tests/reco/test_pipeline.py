"""The whole reconstruction on simulated runs: both tiers agree, truth comes back, nothing depends on the batch size."""

from __future__ import annotations

import numpy as np
import pytest

from emiss import reco
from emiss.events.columns import Column
from emiss.events.table import EventTable
from emiss.reco.pipeline import Pipeline, check_stages, columns_of


def table_of(path, size=2048) -> EventTable:
    return reco.process(reco.open(path), size=size)


def assert_equal(a: EventTable, b: EventTable) -> None:
    assert a.names == b.names
    for name, values in a.flat.items():
        np.testing.assert_array_equal(values, b.flat[name], err_msg=name)
    for name, lists in a.lists.items():
        np.testing.assert_array_equal(lists.offsets, b.lists[name].offsets)
        for inner, values in lists.columns.items():
            np.testing.assert_array_equal(values, b.lists[name][inner], err_msg=f"{name}.{inner}")


@pytest.mark.parametrize("file", ["signal.dat", "signal.root", "beam.dat"])
def test_no_result_depends_on_the_batch_size(run_files, file):
    assert_equal(table_of(run_files[file], 2048), table_of(run_files[file], 37))


@pytest.mark.parametrize("file", ["signal.dat", "signal.root"])
def test_types_and_shapes_are_the_declared_ones(run_files, file):
    table = table_of(run_files[file])
    for name, column in table.metadata.columns.items():
        if column.shape == "list":
            collection, _, inner = name.rpartition(".")
            assert table.lists[collection][inner].dtype == column.type
        else:
            values = table.flat[name]
            assert values.dtype == column.type, name
            assert values.shape == ((300, column.size) if column.shape == "fixed" else (300,)), name


@pytest.mark.parametrize("sample", ["signal", "beam"])
def test_raw_and_simulated_tier_agree_within_the_digitisation(run_files, sample):
    raw, hits = table_of(run_files[f"{sample}.dat"]), table_of(run_files[f"{sample}.root"])
    np.testing.assert_array_equal(raw.flat["event.in_spill"], hits.flat["event.in_spill"])
    np.testing.assert_array_equal(raw.flat["event.trigger"], hits.flat["event.trigger"])
    # a cell at its threshold may be above in one tier only: 0.2 GeV in the ECAL, 0.15 GeV in the HCAL; noise is less
    np.testing.assert_allclose(raw["ecal.energy"], hits["ecal.energy"], atol=0.8, rtol=0.002)
    np.testing.assert_allclose(raw["hcal.energy"], hits["hcal.energy"], atol=0.45)
    # a panel is what both ends tell, or the larger one alone where the other is below its threshold
    np.testing.assert_allclose(raw["veto.energy"], hits["veto.energy"], atol=0.0025)
    both = np.isfinite(raw["ecal.time"]) & np.isfinite(hits["ecal.time"]) & (hits["ecal.energy"] > 5)
    assert np.mean(np.abs(raw["ecal.time"] - hits["ecal.time"])[both] < 1.0) > 0.99 if both.any() else True


def test_the_momentum_of_straight_muons_from_raw_files(run_files):
    raw, hits = table_of(run_files["muon.dat"]), table_of(run_files["muon.root"])
    true_p, true_charge = hits["truth.p_spec"], hits["truth.charge"]
    one = (raw.lists["tracks"].counts == 1) & (true_p > 0)
    assert one.sum() > 150
    tracks = raw.lists["tracks"]
    first = tracks.offsets[:-1][one]
    full = tracks["planes"][first] == 4
    pull = (tracks["q_over_p"][first] - true_charge[one] / true_p[one]) / tracks["sigma_q_over_p"][first]
    assert (tracks["charge"][first] == true_charge[one]).mean() > 0.99
    assert abs(np.mean(pull[full])) < 0.2
    assert 0.85 < np.std(pull[full & (np.abs(pull) < 5)]) < 1.15


def test_the_ledger_travels(run_files):
    table = table_of(run_files["signal.dat"])
    ledger = table.metadata.ledger
    assert ledger.passed == len(table) == 300
    assert ledger.not_physics == {"end_of_run": 1, "start_of_burst": 2, "start_of_run": 1}
    assert ledger.read == 304


class Forgetful:
    """A stage with a product less than it declares, or one more, or with one of another shape."""

    def __init__(self, stage, drop: str = "", change=None) -> None:
        self._stage, self._drop, self._change = stage, drop, change
        self.produces = stage.produces

    def __getattr__(self, name):
        return getattr(self._stage, name)

    def __call__(self, batch, products):
        made = dict(self._stage(batch, products))
        made.pop(self._drop, None)
        return made if self._change is None else made | self._change(made)


def pipeline_with(detector, conditions, **changes) -> Pipeline:
    pipeline = Pipeline(detector, conditions)
    stages = pipeline._stages["hits"]
    stages[2] = Forgetful(stages[2], **changes)
    return pipeline


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drop": "hcal.mip"}, r"declares other products than it makes: \['hcal.mip'\]"),
        ({"drop": "ecal_cells"}, r"\['ecal_cells'\]"),
        ({"change": lambda _: {"hcal.mips": 1}}, r"\['hcal.mips'\]"),
        ({"change": lambda made: {"hcal.mip": made["hcal.mip"][:, :1]}}, r"hcal.mip is of shape \(\d+, 1\)"),
        ({"change": lambda made: {"ecal_cells": made["ecal_cells"].slice(0, 2)}}, "the lists of 'ecal_cells' are not"),
    ],
)
def test_a_stage_that_forgets_a_column_stops_the_run(run_files, detector, conditions, changes, message):
    from emiss.reco.readers import open_run_file

    file = open_run_file(run_files["beam.root"], detector)
    batch = next(iter(file.batches(0, 5)))
    assert len(pipeline_with(detector, conditions).run(batch)) == 5
    with pytest.raises(ValueError, match=message):
        pipeline_with(detector, conditions, **changes).run(batch)


def test_declarations_of_stages_are_checked_before_the_first_event(detector, conditions):
    stages = Pipeline(detector, conditions)._stages["raw"]
    columns = columns_of(detector)
    check_stages(stages, columns)
    with pytest.raises(ValueError, match=r"CorrectionStage uses \['cells', 'quality'\]"):
        check_stages(stages[1:], columns)
    with pytest.raises(ValueError, match=r"no stage produces \['mm.n_clusters', 'tracks'\]"):
        check_stages(stages[:-1], columns)
    with pytest.raises(ValueError, match=r"no stage produces \['ecal.spread'\]"):
        check_stages(stages, columns | {"ecal.spread": Column("ecal.spread")})
    with pytest.raises(ValueError, match=r"CalorimeterStage produces \['ecal.x'\], which are no columns"):
        check_stages(stages, {name: column for name, column in columns.items() if name != "ecal.x"})


@pytest.mark.parametrize("file", ["signal.dat", "signal.root"])
@pytest.mark.parametrize(
    "asked",
    [
        ("event.quality", "tracks.p", "tracks.match_x", "hcal.energy"),
        ("ecal.time", "ecal.profile_chi2", "ecal_cells.energy", "ecal_cells.ix"),
        ("hcal.mip", "hcal.time", "veto.energy", "veto.pileup", "srd.energy", "truth.e_mu"),
        ("mm.n_clusters",),
        ("event.run", "weight"),
    ],
    ids=lambda names: names[0],
)
def test_columns_that_are_asked_for_are_those_of_the_whole_table(run_files, file, asked):
    run = reco.open(run_files[file])
    whole = reco.process(run)
    part = Pipeline(run.detector, run.conditions, asked)
    tables = list(part.tables(run.files[0], 0, None, 128))
    found = EventTable.concatenate(tables)
    wanted = [name for name in asked if not name.startswith("truth.") or file.endswith(".root")]
    assert sorted(found.names) == sorted(wanted)
    assert sorted(found.metadata.columns) == sorted(wanted)
    for name in wanted:
        ours, theirs = found[name], whole[name]
        assert repr(ours.tolist()) == repr(theirs.tolist()), name
    assert found.metadata.ledger == whole.metadata.ledger


def test_stages_that_no_column_needs_are_left_out(run_files):
    run = reco.open(run_files["signal.root"])

    def stages(*asked: str) -> list[str]:
        pipeline = Pipeline(run.detector, run.conditions, asked)
        return [type(stage).__name__ for stage in pipeline._stages["hits"]]

    assert stages("event.run") == []
    assert stages("hcal.energy") == ["HitStage", "CalorimeterStage"]
    assert stages("tracks.p") == ["PointStage", "TrackStage"]
