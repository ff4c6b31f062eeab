"""Files that grow: nothing is lost or counted twice, however they come, and what happens to them is said."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.events.ledger import Ledger
from emiss.monitor.following import Following
from emiss.reco.readers import open_run_file
from tests.emiss.monitor.conftest import EVENTS, SPILLS


def spills(found):
    return [(spill.key.spill, spill.physics, spill.late) for spill in found.spills]


WHOLE = [(spill, EVENTS, False) for spill in range(1, SPILLS + 1)]


@settings(max_examples=6)
@given(steps=st.lists(st.integers(1, 400_000), max_size=12))
def test_any_growth_gives_the_ledger_of_the_whole_file(steps, hurt, measuring, detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grown")
    (folder / "whole.dat").write_bytes(hurt)
    whole = sum((batch.ledger for batch in open_run_file(folder / "whole.dat", detector).batches()), Ledger())
    path, ledger, at, seen = folder / "run.dat", Ledger(), 0, []
    following = Following(path, 5.0)
    for now, step in enumerate([0, *steps, len(hurt)]):
        with path.open("ab") as file:
            file.write(hurt[at : at + step])
        at += step
        found = following.look(0.1 * now, final=at >= len(hurt))
        assert found.notes == []
        for spill in found.spills:
            ledger += measuring(spill).ledger
            seen.append(spill.key.spill)
    assert seen == [1, 2, 3, 5, 6, 7]
    assert ledger == whole
    assert sum(ledger.missing.values()) + sum(ledger.lost.values()) >= EVENTS + 10 + EVENTS // 2


def test_what_is_half_written_waits_and_is_no_damage(run, tmp_path):
    path = tmp_path / "run.dat"
    end = int(run.index.offset[run.rows(3, 3)[10]]) + 20
    path.write_bytes(run.data[:end])
    following = Following(path, 5.0)
    assert spills(following.look(0.0)) == WHOLE[:2]
    assert following.waiting == 20
    assert following.begun == ((6105, 3), 9)
    assert spills(following.look(3.0)) == []
    late = following.look(6.0)  # the file has not grown for too long
    assert [(spill.key.spill, spill.physics) for spill in late.spills] == [(3, 9)]
    path.write_bytes(run.data)
    rest = following.look(7.0, final=True)
    assert [spill.late for spill in rest.spills] == [True, *[False] * (SPILLS - 3)]
    assert [spill.physics for spill in rest.spills] == [EVENTS - 9, *[EVENTS] * (SPILLS - 3)]
    assert rest.notes == []
    assert following.waiting == 0


def test_a_file_that_is_cut_short_goes_on_where_it_ends(run, tmp_path):
    path = tmp_path / "run.dat"
    path.write_bytes(run.data[: int(run.index.offset[run.rows(5, 5)[10]])])
    following = Following(path, 5.0)
    assert spills(following.look(0.0)) == WHOLE[:4]
    os.truncate(path, int(run.index.offset[run.rows(4, 4)[10]]) + 7)
    (said,) = (note for note in following.look(1.0).notes if "cut short" in note)
    assert "bytes that were there are not there any more" in said
    path.write_bytes(run.data)
    found = following.look(2.0, final=True)
    assert [(spill.key.spill, spill.physics, spill.late) for spill in found.spills] == [
        (4, EVENTS - 9, True),
        *WHOLE[4:],
    ]


def test_other_content_under_the_same_name_is_read_from_its_beginning(run, tmp_path):
    path = tmp_path / "run.dat"
    path.write_bytes(run.joined(run.rows(1, 3)))
    following = Following(path, 5.0)
    assert spills(following.look(0.0)) == WHOLE[:2]
    path.write_bytes(run.joined(run.rows(4, 6)))  # as long, within a few bytes, and the same inode
    found = following.look(1.0)
    assert [note.partition(": ")[2] for note in found.notes] == [
        "40 events of run 6105 spill 3 are gone with it",
        "holds something else than before: it is read from its beginning",
    ]
    assert spills(found) == WHOLE[3:5]


def test_a_rotated_file_is_read_to_its_end_and_the_new_one_behind_it(run, tmp_path):
    path = tmp_path / "run.dat"
    half = int(run.index.offset[run.rows(3, 3)[10]])
    path.write_bytes(run.data[:half])
    following = Following(path, 5.0)
    found = following.look(0.0).spills
    end = int(run.index.offset[run.rows(4, 4)[0]])
    with path.open("ab") as file:
        file.write(run.data[half:end])
    path.rename(tmp_path / "run.dat.1")
    path.write_bytes(run.data[end:])
    looked = following.look(1.0, final=True)
    assert looked.notes == [f"{path}: is called run.dat.1 now"]
    assert [(s.key.spill, s.physics) for s in [*found, *looked.spills]] == [row[:2] for row in WHOLE]
    path.unlink()
    assert "is not there any more" in following.look(2.0).notes[0]
    assert all(piece.gone for spill in looked.spills for piece in spill.pieces if piece.file.path == path)


def test_a_link_that_points_to_the_next_file(run, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "1.dat").write_bytes(run.joined(run.rows(0, 2)))
    (tmp_path / "now.dat").symlink_to(data / "1.dat")
    following = Following(tmp_path / "now.dat", 5.0)
    assert spills(following.look(0.0)) == WHOLE[:1]
    (data / "2.dat").write_bytes(run.joined(run.rows(3, SPILLS)))
    (tmp_path / "now.dat").unlink()
    (tmp_path / "now.dat").symlink_to(data / "2.dat")
    found = following.look(1.0, final=True)
    assert (spills(found), found.notes) == (WHOLE[1:], [])


def test_a_spill_in_two_files_is_one_and_nothing_is_missing(run, measuring, tmp_path):
    """Two event builders take turns; one of them is slower."""
    following = Following(tmp_path, 5.0)
    turns = np.arange(len(run.index)) % 2 == 0
    (tmp_path / "a.dat").write_bytes(run.joined(np.flatnonzero(turns)))
    (tmp_path / "notes.txt").write_text("not a run file at all")
    (tmp_path / "b.dat").write_bytes(run.joined(np.intersect1d(np.flatnonzero(~turns), run.rows(1, 3))))
    found = following.look(0.0)
    assert spills(found) == WHOLE[:2]
    assert "notes.txt: not a raw run file that can be followed" in found.notes[0]
    ledgers = [measuring(spill).ledger for spill in found.spills]
    assert [sum(ledger.missing.values()) for ledger in ledgers] == [0, 0]
    assert [ledger.passed for ledger in ledgers] == [EVENTS, EVENTS]
    (tmp_path / "b.dat").write_bytes(run.joined(np.flatnonzero(~turns)))
    assert spills(following.look(1.0, final=True)) == WHOLE[2:]


def test_what_can_never_be_followed_is_refused(run, tmp_path):
    (tmp_path / "run.dat.gz").write_bytes(gzip.compress(run.data, 1))
    with pytest.raises(UserError, match="not compressed"):
        Following(tmp_path / "run.dat.gz", 5.0).look(0.0)
    assert Following(tmp_path / "not_there_yet.dat", 5.0).look(0.0).notes == []
