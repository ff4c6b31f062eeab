"""Derivations that are interrupted: sums are kept, used again to the last bit, and not mixed with those of anything else."""

import io

import numpy as np
import pytest

from emiss import runlist
from emiss.calibrate import running
from emiss.calibrate.frame import Options, Sums
from emiss.calibrate.kept import Kept
from emiss.configs.errors import UserError
from emiss.job.pools import Machine
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate


class Stopped(BaseException):
    """What an interrupt is."""


class Stopping(Machine):
    """A pool that is interrupted after some results."""

    def __init__(self, after=10**9):
        super().__init__()
        object.__setattr__(self, "left", [after])
        object.__setattr__(self, "made", [0])

    def stream(self, work, items):
        for done in super().stream(work, items):
            if not self.left[0]:
                raise Stopped
            self.left[0] -= 1
            self.made[0] += 1
            yield done


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    one = load_sample("calib_pedestal").with_detector("na64e_lfc").with_run(6114).model_copy(update={"calib": "demo"})
    return [simulate(one, folder / f"{seed}.dat", events=12, seed=seed) for seed in (1, 2)]


def _derive(files, folder, pool, **options):
    listed = runlist.from_files([str(file) for file in files], detector="na64e_lfc", analysis="", calib="demo")
    found, _ = running.derive(listed, "pedestals", Options(least=5, **options), pool=pool, keep=folder)
    return found.made[0]


def _same(a, b):
    return all(np.array_equal(a.values[name], b.values[name], equal_nan=True) for name in a.values)


def test_what_was_interrupted_goes_on_and_gives_the_same_to_the_last_bit(files, tmp_path):
    whole = Stopping()
    wanted = _derive(files, None, whole)
    assert whole.made[0] == 4  # two files in the pilot, and two behind it
    for after in (1, 2):  # in the pilot, and then behind it
        with pytest.raises(Stopped):
            _derive(files, tmp_path / "kept", Stopping(after))
    again = Stopping()
    assert _same(_derive(files, tmp_path / "kept", again), wanted)
    assert again.made[0] == 1


def test_sums_of_anything_else_are_not_used(files, tmp_path):
    with pytest.raises(Stopped):
        _derive(files, tmp_path / "kept", Stopping(3))
    for others, options in ((files[::-1], {}), (files, {"samples": 8})):
        pool = Stopping()
        _derive(others, tmp_path / "kept", pool, **options)
        assert pool.made[0] == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x93NUMPY", "object"])
def test_a_broken_file_of_sums_is_not_used(tmp_path, content):
    stage = Kept(tmp_path, "key").totals(0)
    stage.add(Sums({"a": np.arange(3)}, 5, 4, frozenset({7})))
    stage.save()
    (path,) = tmp_path.iterdir()
    again = Kept(tmp_path, "key").totals(0)
    assert (again.done, again.sums.read, again.sums.used, again.sums.runs) == (1, 5, 4, {7})
    assert again.sums["a"].tolist() == [0, 1, 2]
    assert Kept(tmp_path, "other").totals(0).done == 0
    if content == "object":
        out = io.BytesIO()
        np.savez(out, head=np.array([{}], object))
        content = out.getvalue()
    path.write_bytes(content)
    assert Kept(tmp_path, "key").totals(0).done == 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    stage = Kept(tmp_path / "file", "key").totals(0)
    stage.add(Sums({"a": np.zeros(1)}, 1, 1))
    with pytest.raises(UserError, match="file"):
        stage.save()


def test_each_option_is_in_the_key_of_the_sums(files):
    keys = set()
    listed = runlist.from_files([str(files[0])], detector="na64e_lfc", analysis="", calib="demo")
    shared, ranges = running.open_files(listed, None, Machine())
    changes = (
        {},
        {"trigger": "any"},
        {"samples": 8},
        {"least": 5},
        {"parts": ("ecal",)},
        {"events": "beam"},
        {"curved": True},
    )
    for change in changes:
        keys.add(running._key(shared, "drift", Options(**change), ranges))
    assert len(keys) == len(changes)
