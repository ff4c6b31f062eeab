"""A tag as a whole: its hash, snapshots that never change, what was derived from what, and what is suspicious."""

import hashlib
import json

import pytest

from emiss.calib import tag as tags
from emiss.calib.conditions import Conditions
from emiss.calib.recorded import differences
from emiss.calib.suspects import suspicious
from emiss.configs.errors import UserError


def _gains(runs="1-", rows=None, extra="", type_="sadc.gain", columns="gain", unit="MeV"):
    rows = rows or {f"A.0.{k}": f"{1 + 0.1 * k:g}" for k in range(10)}
    lines = [f"type = {type_}", f"runs = {runs}", f"columns = channel, {columns}", f"units = -, {unit}", extra]
    return "\n".join([*lines, *(f"{name} {text}" for name, text in rows.items())]) + "\n"


def _folder(path, **texts):
    path.mkdir()
    for name, text in texts.items():
        (path / f"{name}.txt").write_text(text)
    return path


def test_the_hash_is_that_of_sha256sum(tmp_path):
    folder = _folder(tmp_path / "tag", b=_gains(), a=_gains(type_="hcal.mip", columns="scale"))
    lines = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in ("a.txt", "b.txt"))
    sums = "".join(lines).encode()  # what sha256sum prints
    files = Conditions.load(folder).files
    assert files.sha256 == hashlib.sha256(sums).hexdigest()
    assert not files.snapshot
    (folder / "a.txt").write_text((folder / "a.txt").read_text() + "# more\n")
    assert Conditions.load(folder).files.sha256 != files.sha256


@pytest.fixture
def frozen(tmp_path, monkeypatch):
    """A snapshot, and the folder that it is of."""
    folder = _folder(tmp_path / "tag", gains=_gains(), mips=_gains(type_="hcal.mip", columns="scale"))
    monkeypatch.chdir(tmp_path)
    return tags.take(tags.read(folder), tmp_path / "v1"), folder


def test_a_snapshot_is_the_tag_and_is_found_by_its_hash(frozen, tmp_path):
    snapshot, folder = frozen
    assert snapshot.sha256 == tags.read(folder).sha256
    assert Conditions.load("v1").tables[0].rows == Conditions.load(folder).tables[0].rows
    assert tags.find(snapshot.sha256[:8]).resolve() == tmp_path / "v1"
    assert tags.take(tags.read(folder), tmp_path / "v1").files == snapshot.files  # again: nothing happens
    with pytest.raises(UserError, match="no snapshot of this hash"):
        tags.find("0123456789")
    (folder / "gains.txt").write_text(_gains("5-"))
    with pytest.raises(UserError, match="v1: is there already: a snapshot is never changed"):
        tags.take(tags.read(folder), tmp_path / "v1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v1: (v1 / "mips.txt").unlink(), r"mips\.txt: this file of the snapshot is not there"),
        (lambda v1: (v1 / "x.txt").write_text(_gains("1-2", {"B": "1"})), r"x\.txt: is no part of the snapshot"),
        (lambda v1: (v1 / "SNAPSHOT.json").write_text("{}"), r"SNAPSHOT\.json: is no manifest"),
        (lambda v1: (v1 / "SNAPSHOT.json").write_bytes(b"\xff\x00"), r"SNAPSHOT\.json: is no manifest"),
    ],
)
def test_a_changed_snapshot_is_refused_with_the_file(frozen, tmp_path, change, said):
    for path in (tmp_path / "v1").iterdir():
        path.chmod(0o644)
    change(tmp_path / "v1")
    with pytest.raises(UserError, match=said):
        Conditions.load(tmp_path / "v1")


def test_a_changed_file_and_a_changed_manifest_are_told(frozen, tmp_path):
    v1 = tmp_path / "v1"
    assert (v1 / "gains.txt").stat().st_mode & 0o222 == 0
    (v1 / "gains.txt").chmod(0o644)
    (v1 / "gains.txt").write_text(_gains("1-99"))
    with pytest.raises(UserError, match=r"gains\.txt: is not as it was when the snapshot was taken"):
        Conditions.load(v1)
    (v1 / "SNAPSHOT.json").chmod(0o644)
    said = json.loads((v1 / "SNAPSHOT.json").read_text())
    said["files"]["gains.txt"] = hashlib.sha256((v1 / "gains.txt").read_bytes()).hexdigest()
    (v1 / "SNAPSHOT.json").write_text(json.dumps(said))
    with pytest.raises(UserError, match="the snapshot's hash is not that of its files"):
        Conditions.load(v1)


def test_overrides_are_part_of_the_id_of_a_table(tmp_path):
    low, high = _gains("1-9", {"A": "1"}), _gains("1-9", {"A": "2"})
    ids = []
    for name, texts in (("one", (low, high)), ("two", (high, low))):
        plain, over = texts
        over = over.replace("units", "override = yes\nunits")
        ids.append(Conditions.load(_folder(tmp_path / name, a=plain, b=over)).for_run(3).payloads)
    assert ids[0] != ids[1]


def test_what_tables_are_from_is_read_and_the_wrong_kind_is_refused(tmp_path):
    good = Conditions.load(_folder(tmp_path / "good", a=_gains(extra="from = electrons, runs 5-7, 9")))
    assert str(good.tables[0].origin) == "electrons, runs 5-7, 9"
    for text, said in (
        ("random, run 5", r"a\.txt:5:8: wrong kind of run: sadc\.gain was derived from random, run 5"),
        ("electron, run 5", "did you mean 'electrons'"),
        ("muons, run x", "is no run or range"),
        ("muons; 5", "does not say what the constants are from"),
    ):
        (tmp_path / "good" / "a.txt").write_text(_gains(extra=f"from = {text}"))
        with pytest.raises(UserError, match=said):
            Conditions.load(tmp_path / "good")


def test_a_register_of_runs_is_compared(tmp_path):
    folder = _folder(tmp_path / "tag", a=_gains(extra="from = electrons, runs 5-7"))
    (folder / "runs.yaml").write_text("kinds:\n  electrons: 5\n  muons: 6-8\n")
    with pytest.raises(
        UserError, match=r"a\.txt:5:8: wrong kind of run: sadc\.gain is said to be from.*run 6 is of muons"
    ):
        Conditions.load(folder)
    (folder / "runs.yaml").write_text("kinds:\n  electrons: 5-7\n  random: [7, 8]\n")
    with pytest.raises(
        UserError, match=r"runs\.yaml:3:3: runs 7 are of random here, and of electrons at .*runs\.yaml:2:3"
    ):
        Conditions.load(folder)
    (folder / "runs.yaml").write_text("kinds: {electrons: 5-7, beam: 8}\n")
    assert Conditions.load(folder).register.of(8)[0] == "beam"
    for text in ("[1]", "kinds: 5", "kinds: {electrons: {a: 1}}", "kind: {}", "kinds: {electron: 5}", "\x00"):
        (folder / "runs.yaml").write_text(text)
        with pytest.raises(UserError, match=r"runs\.yaml"):
            Conditions.load(folder)


def test_swapped_lost_and_early_constants_are_told(tmp_path):
    rows = {f"A.0.{k}": f"{1 + 0.1 * k:g}" for k in range(10)}
    new = {name: text for name, text in rows.items() if name != "A.0.9"} | {"A.0.2": "1.5", "A.0.5": "1.2"}
    extra = "from = electrons, run 50\noverride = yes\nwithout = B.0.0"
    tag = _folder(tmp_path / "tag", a=_gains("1-", {**rows, "B.0.0": "3"}), b=_gains("40-60", new, extra))
    found = [str(error) for error in suspicious(Conditions.load(tag))]
    assert len(found) == 3
    assert "b.txt:10: sadc.gain: A.0.2 and A.0.5 look swapped" in found[0]
    assert "a.txt:8 and " in found[0]
    assert (
        "b.txt:1: sadc.gain: nothing was derived for B.0.0, A.0.9, dead or not hit: the value before holds" in found[1]
    )
    assert "b.txt:5:8: sadc.gain holds from run 40 on, before run 50 that it is derived from" in found[2]
    late = _folder(tmp_path / "late", a=_gains("1-9", rows), b=_gains("10-", {**rows, "A.0.2": "1.5", "A.0.5": "1.2"}))
    (found,) = suspicious(Conditions.load(late))
    assert "look swapped" in str(found)
    assert not list(suspicious(Conditions.load("demo")))


def test_results_tell_which_constants_are_different(tmp_path):
    mips = _gains("1-", type_="hcal.mip", columns="scale")
    one, two = (
        Conditions.load(_folder(tmp_path / name, a=_gains("1-9", {"A": gain}), b=mips))
        for name, gain in (("one", "1"), ("two", "2"))
    )
    a, b = ({"constants": tag.about(tag.for_run(5).payloads)} for tag in (one, two))
    first, second = differences(a, b)
    assert first == f"constants: one {one.files.sha256[:12]} and two {two.files.sha256[:12]}"
    ids = [tag.tables[0].payload for tag in (one, two)]
    assert second == f"constants sadc.gain: runs 1-9 ({ids[0]}) and 1-9 ({ids[1]})"
    assert differences(a, a) == []
    assert differences(a, {}) == []
    assert differences({"constants": [a["constants"]]}, b)[1:] == [second]
