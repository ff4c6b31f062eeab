"""Events that are wanted: the same ones from the run file and from its table, and those that other ways find."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from emiss import events, selection
from emiss.configs.errors import UserError
from emiss.events.files.open import write
from emiss.look.judge import Judge, Wanted, read_numbers
from emiss.look.opening import open_events
from emiss.look.search import Search, listed
from emiss.selection.results.result import run

BLIND = """\
analysis: hidden
cuts: [{name: some, require: ecal.energy > 5 GeV}, {name: one, require: count(tracks) == 1}]
blind: {samples: data, box: ecal.energy > 40 GeV}
"""


@pytest.fixture(scope="module")
def cuts():
    return selection.load("e_to_mu_phi")


@pytest.fixture(scope="module", params=["raw", "stored"])
def opened(request):
    return open_events([request.getfixturevalue(request.param)], None, None)


def names(opened, analysis, wanted, *, unblind=False):
    search = Search(opened.files, Judge(analysis, opened.detector, unblind=unblind), wanted)
    search.advance(10**6)
    assert search.done
    assert search.looked == search.total == 500
    return [(row.run, row.spill, row.number) for row in search.found]


def numbers_of(table, mask):
    return list(zip(*(table[f"event.{key}"][mask].tolist() for key in ("run", "spill", "in_spill")), strict=True))


@pytest.mark.parametrize("after", ["quality", "mip_veto", "missing_energy"])
def test_events_that_pass_are_those_of_a_selection(opened, stored, cuts, after):
    table = events.read(stored)
    mask = run(table, cuts).passed(after=after)
    found = names(opened, cuts, Wanted(passing=after))
    assert found == numbers_of(table, mask)
    assert len(found) > 0


def test_events_that_fail_only_one_cut(opened, stored, cuts):
    table = events.read(stored)
    others = [cut.name for cut in cuts.cuts if cut.name != "mip_hcal"]
    without = replace(cuts, regions={"nominal": tuple(cut for cut in cuts.cuts if cut.name in others)}, histograms=())
    mask = run(table, without).passed() & ~run(table, cuts).passed()
    assert names(opened, cuts, Wanted(failing="mip_hcal")) == numbers_of(table, mask)


def test_an_expression_and_a_list(opened, stored, cuts):
    table = events.read(stored)
    energy = table["ecal.energy"]
    found = names(opened, None, Wanted(expression="10 GeV < ecal.energy and not (ecal.energy > 0.02 TeV)"))
    assert found == numbers_of(table, (energy > 10.0) & (energy <= 20.0))
    chosen = read_numbers("6101/2/3, 6101/1/7 9/9/9")
    assert names(opened, cuts, Wanted(events=chosen)) == [(6101, 1, 7), (6101, 2, 3)]


def test_a_search_goes_only_as_far_as_is_asked(stored, monkeypatch):
    opened = open_events([stored], None, None)
    (file,) = opened.files
    file.step = 100
    search = Search(opened.files, Judge(None, opened.detector), Wanted(expression="ecal.energy > 0 GeV"))
    search.advance(50)
    assert (search.looked, search.done) == (100, False)
    assert len(search.found) == 100 == len({row.row for row in search.found})
    search.advance(10**6)
    assert (search.looked, len(search.found)) == (500, 500)


def test_a_list_without_a_filter_reads_what_it_shows(opened, cuts, monkeypatch):
    judge = Judge(cuts, opened.detector)
    (file,) = opened.files
    read, blocks = [], file.blocks
    monkeypatch.setattr(
        file, "blocks", lambda start, stop, columns: read.append(stop - start) or blocks(start, stop, columns)
    )
    rows = listed(opened.files, judge, Wanted(), 490, 50)
    assert [row.number for row in rows] == list(range(241, 251))
    assert read == [10]


def test_a_table_counts_once_and_is_not_mixed_with_run_files(raw, stored):
    assert len(open_events([stored, stored], None, None).files) == 1
    with pytest.raises(UserError, match="a run file among event tables"):
        open_events([stored, raw], None, None)


def test_what_is_hidden_is_never_found(opened, stored, tmp_path):
    analysis = selection.loads(BLIND)
    table = events.read(stored)
    outside = table["ecal.energy"] <= 40.0
    judge = Judge(analysis, opened.detector)
    assert judge.hides(opened.files[0])
    assert 0 < outside.sum() < 500
    assert names(opened, analysis, Wanted()) == numbers_of(table, outside)
    assert names(opened, analysis, Wanted(expression="ecal.energy > 40 GeV")) == []
    assert names(opened, analysis, Wanted(), unblind=True) == numbers_of(table, np.ones(500, bool))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"passing": "mip_vto"}, "no cut 'mip_vto'; did you mean 'mip_veto'"),
        ({"region": "other"}, "no region 'other'"),
        ({"expression": "ecal.energy > 20 Gev"}, "filter:1:18: unknown unit 'Gev'; did you mean 'GeV'"),
        ({"expression": "ecal.energy +"}, "filter:1:13: the expression ends"),
        ({"expression": "ecal.energy"}, "filter:1:1"),
        ({"expression": "hcal.energy > 1 GeV"}, "filter:1:1"),
    ],
)
def test_what_cannot_be_asked(opened, cuts, wanted, message):
    with pytest.raises(UserError) as caught:
        Search(opened.files, Judge(cuts, opened.detector), Wanted(**wanted))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["6101/1", "6101/1/x", "6101/1/1/1", "-1/1/1", "6101/1/999999999999999"])
def test_what_is_no_event(text):
    with pytest.raises(UserError, match="is no event; expected RUN/SPILL/NUMBER"):
        read_numbers(f"6101/1/2, {text}")


def test_an_event_of_a_table_has_the_digits_of_its_run_file(raw, stored):
    (table,), (file,) = (open_events([path], None, None).files for path in (stored, raw))
    row = 17
    entry = int(events.read(stored)["event.entry"][row])
    from_table, from_file = table.one(row), file.one(entry)
    assert from_table.lacking == ""
    np.testing.assert_array_equal(from_table.batch.sadc["samples"], from_file.batch.sadc["samples"])
    assert from_table.table.flat["ecal.energy"] == from_file.table.flat["ecal.energy"]
    with pytest.raises(UserError, match="no row 500"):
        table.one(500)
    with pytest.raises(UserError, match="no physics event"):
        file.one(0)
    with pytest.raises(UserError, match="no entry 504"):
        file.one(504)


def test_a_run_file_that_is_gone_or_another_one(raw, stored, hits, tmp_path):
    copy = tmp_path / "copy.dat"
    shutil.copy(raw, copy)
    table = events.read(stored)
    provenance = dict(table.metadata.provenance)
    provenance["inputs"] = [{**provenance["inputs"][0], "path": str(copy)}]
    moved = write(table.with_metadata(provenance=provenance), tmp_path / "moved.parquet")
    row = 3
    assert open_events([moved], None, None).files[0].one(row).batch is not None
    shutil.copy(raw.parent / "beam.dat", copy)
    one = open_events([moved], None, None).files[0].one(row)
    assert one.batch is None
    assert "copy.dat: holds other events than the table was made of" in one.lacking
    copy.unlink()
    assert "copy.dat" in open_events([moved], None, None).files[0].one(row).lacking


def test_tables_without_a_set_up(stored, tmp_path):
    table = events.read(stored).with_metadata(provenance={})
    path = write(table, tmp_path / "bare.parquet")
    with pytest.raises(UserError, match="does not say of which set-up"):
        open_events([path], None, None)
    one = open_events([path], "na64e_lfc", None).files[0].one(2)
    assert one.lacking == "the table does not say of which run file it was made"
