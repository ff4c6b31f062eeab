"""The index on disk: what is saved is loaded again, and what cannot be is said and made anew."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from emiss.reco.formats.date.index.events import Index
from emiss.reco.readers import open_run_file


def test_what_is_saved_is_loaded(run_files, detector, tmp_path, caplog):
    index = open_run_file(run_files["beam.dat"], detector).index()
    path = tmp_path / "deep" / "i.npz"
    assert Index.load(path) is None
    index.save(path)
    with caplog.at_level(logging.WARNING):
        again = Index.load(path)
    assert again is not None
    assert caplog.text == ""
    assert set(vars(again)) == set(vars(index))
    for name, values in vars(index).items():
        np.testing.assert_array_equal(vars(again)[name], values)
    assert [entry.name for entry in path.parent.iterdir()] == ["i.npz"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_what_is_no_index_is_said_and_made_again(run_files, detector, tmp_path, caplog, damage):
    path = tmp_path / "i.npz"
    open_run_file(run_files["beam.dat"], detector).save_index(path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    kinds = {"cut": raw[: len(raw) // 2], "flipped": raw, "empty": b""}
    if damage == "other":
        np.savez(path, allow_pickle_of_old=np.zeros(3))
    else:
        path.write_bytes(kinds[damage])
    file = open_run_file(run_files["beam.dat"], detector)
    with caplog.at_level(logging.WARNING):
        file.load_index(path)
    assert f"{path}: not an index that can be used, it is made again" in caplog.text
    assert len(file.index()) == 304
    file.save_index(path)
    assert Index.load(path) is not None
