"""``--keep``: the events that pass, and only they, in tables that can be selected on again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from emiss import selection
from emiss.events.files.open import open_table, read


def cuts_of(path, sample):
    data = json.loads((path / "cutflow.json").read_text())["samples"][sample]
    return data["regions"]["nominal"]["weights"]["nominal"]["cuts"], data["ledger"]


@pytest.mark.parametrize("after", [None, "single_track"])
def test_what_passes_is_kept_and_nothing_else(cli, tables, tmp_path, after):
    more = () if after is None else ("--after", after)
    done = cli("select", tables, "--keep", tmp_path / "skim", "--out", tmp_path / "o", *more)
    assert done.code == 0, done.err
    analysis = selection.load("e_to_mu_phi")
    for sample in ("signal", "dimuon", "run"):
        whole, kept = read(tables / f"{sample}.root"), read(tmp_path / "skim" / f"{sample}.root")
        mask = selection.bind(analysis, open_table(tables / f"{sample}.root").columns).passing(whole, None, after)
        expected = whole.take(mask)
        assert f"kept {len(expected)} of {len(whole)} events of {sample}" in done.out
        assert kept.names == expected.names
        for name, values in expected.flat.items():
            np.testing.assert_array_equal(kept.flat[name], values)
        for name, lists in expected.lists.items():
            np.testing.assert_array_equal(kept.lists[name].offsets, lists.offsets)
            for inner, values in lists.columns.items():
                np.testing.assert_array_equal(kept.lists[name][inner], values)
    assert 0 < len(read(tmp_path / "skim" / "signal.root")) < 300


def test_a_skim_is_selected_on_like_the_table_it_is_from(cli, tables, tmp_path):
    assert cli("select", tables, "--keep", tmp_path / "skim", "--out", tmp_path / "a").code == 0
    done = cli("select", tmp_path / "skim", "--out", tmp_path / "b")
    assert done.code == 0, done.err
    for sample in ("signal", "dimuon", "run"):
        (before, ledger), (after, skimmed) = cuts_of(tmp_path / "a", sample), cuts_of(tmp_path / "b", sample)
        assert [row["name"] for row in after[:2]] == ["all", "skimmed"]
        assert (
            after[0] == before[0]
        )  # what was read, so that efficiencies, intervals and limits are those of all events
        assert after[1]["n"] == after[-1]["n"] == before[-1]["n"]
        assert after[-1]["efficiency"]["total_high"] == before[-1]["efficiency"]["total_high"]
        cut = before[0]["n"] - before[-1]["n"]
        assert skimmed["read"] == ledger["read"]
        assert skimmed["excluded"] == ({"not_selected": cut} if cut else {})
        assert skimmed["read"] == skimmed["passed"] + sum(skimmed["not_physics"].values()) + cut
    a, b = (json.loads((tmp_path / x / "cutflow.json").read_text())["samples"]["signal"]["on_target"] for x in "ab")
    assert a == b == 1e13


def test_columns_and_formats(cli, tables, tmp_path):
    done = cli("select", tables / "signal.root", "--keep", tmp_path / "s.parquet", "--columns", "event.*, tracks.p")
    assert done.code == 0, done.err
    table = open_table(tmp_path / "s.parquet")
    assert set(table.columns) == {
        name for name in open_table(tables / "signal.root").columns if name[:6] == "event."
    } | {"tracks.p"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--keep", "x.root"), "one file cannot hold the samples"),
        (("--keep", "x.csv"), "a skim is written to .root or .parquet"),
        (("--keep", "skim", "--columns", "ecal.enrgy"), "did you mean 'ecal.energy'"),
        (("--keep", "skim", "--after", "mip_vto"), "did you mean 'mip_veto'"),
        (("--keep", "skim", "--region", "sgnal"), "no region 'sgnal'"),
        (("--columns", "ecal.energy"), "add --keep FOLDER"),
    ],
)
def test_mistakes_leave_nothing_behind(cli, tables, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    done = cli("select", tables, *options)
    assert done.code == 2
    assert said in done.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_skim_does_not_take_the_place_of_its_table(cli, tables):
    done = cli("select", tables, "--keep", tables)
    assert done.code == 2
    assert "would take the place of the input" in done.err


def test_process_keeps_too(cli, run_files, tmp_path):
    done = cli("process", run_files["signal.root"], "--out", tmp_path / "o", "--keep", tmp_path / "skim")
    assert done.code == 0, done.err
    rows, _ = cuts_of(tmp_path / "o", "data")
    assert len(read(tmp_path / "skim" / "data.parquet")) == rows[-1]["n"] > 0
