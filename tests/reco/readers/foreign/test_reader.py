"""Foreign files through maps: against plain uproot, and what is wrong in a map or a file is told before an event is read."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - annotations of fixtures

import awkward as ak
import numpy as np
import pytest
import uproot

from emiss import selection
from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.table import EventTable
from emiss.reco.formats.foreign_tree import ForeignTree
from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map


def mapped(path: Path, text: str) -> ForeignFile:
    return ForeignFile(path, loads(text, "map.yaml"))


def table_of(file: ForeignFile, size: int = 7) -> EventTable:
    return EventTable.concatenate(list(file.tables(size=size)))


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory) -> Path:
    """A tree such as users make by hand, with arrays, lists and one branch per cell."""
    rng = np.random.default_rng(3)
    size = 40
    counts = rng.integers(0, 4, size)
    data = {
        "run": np.repeat(np.int32([7, 8]), size // 2),
        "evt": np.arange(size, dtype=np.int64),
        "E": rng.uniform(0, 5000, size).astype(np.float32),
        "energy": rng.exponential(10, (size, 5, 6)),
        "hit.e": ak.unflatten(rng.uniform(0, 3, int(counts.sum())), counts),
        "hit.id": ak.unflatten(rng.integers(0, 3, int(counts.sum())), counts),
        "flag": rng.random(size) < 0.5,
    }
    data |= {f"c_{layer}_{ix}": rng.exponential(1, size) for layer in (0, 1) for ix in range(3)}
    path = tmp_path_factory.mktemp("foreign") / "flat.root"
    types = {name: np.asarray(values).dtype for name, values in data.items() if not name.startswith("hit")}
    types["energy"] = np.dtype(("f8", (5, 6)))
    with uproot.recreate(path) as file:
        file.mktree("t", {**types, "hit.e": "var * float64", "hit.id": "var * int64"})
        file["t"].extend(data)
        file["n"] = ak.Array({name: values for name, values in data.items() if name in ("run", "E", "hit.e")})
        file.mktree("rows", {"event": "i4", "channel": "i4", "charge": "f8"})
        event = np.repeat(np.arange(10), 4)
        file["rows"].extend({"event": event, "channel": np.tile(np.arange(4), 10), "charge": np.arange(40.0)})
    return path


MAP = """
reader: mine
tree: t
units: {E: MeV, 'hit.e': GeV}
objects:
  big: {from: hit, where: e > 1 GeV}
cells:
  ecal: {branch: energy, shape: [5, 6], axes: [ix, iy], value: energy, unit: MeV, above: 5 MeV, constants: {layer: 1}}
  strips: {pattern: 'c_{layer}_{ix}', value: charge, unit: '1', above: '0.5'}
groups:
  tower: {from: hit, by: id, where: e > 0.2 GeV, columns: {hits: count, total: {sum: e}, largest: {max: e}}}
columns:
  event.run: run
  event.in_run: evt
  ecal.energy: E
  hcal.energy: [E / 2, E / 4, 0]
  weight: {from: nowhere, default: '1'}
  ecal_cells.energy: ecal.energy
  ecal_cells.ix: ecal.ix
  ecal_cells.iy: ecal.iy
  ecal_cells.layer: ecal.layer
  mine.sum: sum(ecal.energy)
  mine.strips: sum(strips.charge)
  mine.last: last(strips.layer) * 10 + last(strips.ix)
  big.e: big.e
  tower.id: tower.id
  tower.hits: tower.hits
  tower.total: tower.total
  mine.flag: flag
detector: na64e_lfc
"""


@pytest.mark.parametrize("size", [1, 7, 100])
def test_every_column_against_a_loop(ntuple: Path, size: int) -> None:
    with uproot.open(ntuple) as file:
        raw = file["t"].arrays(library="ak")
    file = mapped(ntuple, MAP)
    table = table_of(file, size)
    assert len(table) == 40
    np.testing.assert_array_equal(table.flat["event.run"], raw["run"])
    assert table.flat["event.run"].dtype == np.int32
    np.testing.assert_allclose(table.flat["ecal.energy"], np.asarray(raw["E"], float) / 1000, rtol=1e-12)
    np.testing.assert_allclose(table.flat["hcal.energy"][:, 1], np.asarray(raw["E"], float) / 4000, rtol=1e-12)
    np.testing.assert_array_equal(table.flat["weight"], np.ones(40))
    np.testing.assert_array_equal(table.flat["mine.flag"], raw["flag"])
    assert table.metadata.columns["mine.sum"].unit == "GeV"
    for i in range(40):
        cells = [(e / 1000, ix, iy) for ix, row in enumerate(raw["energy"][i]) for iy, e in enumerate(row) if e > 5]
        found = table.lists["ecal_cells"]
        rows = slice(found.offsets[i], found.offsets[i + 1])
        assert found["energy"][rows] == pytest.approx([c[0] for c in cells])
        assert found["ix"][rows].tolist() == [c[1] for c in cells]
        assert found["iy"][rows].tolist() == [c[2] for c in cells]
        assert table.flat["mine.sum"][i] == pytest.approx(sum(c[0] for c in cells))
        strips = [(raw[f"c_{k}_{j}"][i], 10 * k + j) for k in (0, 1) for j in range(3) if raw[f"c_{k}_{j}"][i] > 0.5]
        assert table.flat["mine.strips"][i] == pytest.approx(sum(s[0] for s in strips))
        if strips:
            assert table.flat["mine.last"][i] == strips[-1][1]
        hits = [(e, n) for e, n in zip(raw["hit.e"][i].to_list(), raw["hit.id"][i].to_list(), strict=True)]
        big = table.lists["big"]
        assert big["e"][big.offsets[i] : big.offsets[i + 1]].tolist() == [e for e, _ in hits if e > 1]
        tower = table.lists["tower"]
        rows = slice(tower.offsets[i], tower.offsets[i + 1])
        keys = sorted({n for e, n in hits if e > 0.2})
        assert tower["id"][rows].tolist() == keys
        assert tower["hits"][rows].tolist() == [sum(n == k and e > 0.2 for e, n in hits) for k in keys]
        assert tower["total"][rows] == pytest.approx([sum(e for e, n in hits if n == k and e > 0.2) for k in keys])
    assert file.index().runs() == [7, 8]


def test_rows_are_grouped_into_events(ntuple: Path) -> None:
    text = """
reader: rows
tree: rows
group_by: event
columns:
  event.in_run: event
  digits.channel: rows.channel
  digits.charge: rows.charge
  total.charge: sum(rows.charge)
"""
    table = table_of(mapped(ntuple, text), 3)
    assert len(table) == 10
    assert table.flat["event.in_run"].tolist() == list(range(10))
    np.testing.assert_allclose(table.flat["total.charge"], np.arange(40.0).reshape(10, 4).sum(axis=1))
    assert table.lists["digits"].counts.tolist() == [4] * 10


def test_rows_that_do_not_stand_together_are_refused(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "r.root") as file:
        file.mktree("rows", {"event": "i4", "x": "f8"})
        file["rows"].extend({"event": np.int32([1, 1, 2, 1]), "x": np.arange(4.0)})
    with pytest.raises(UserError, match="the rows of 'event' = 1 do not stand together"):
        ForeignTree(tmp_path / "r.root", "rows", "event").read(["event"], 0, 1)


def test_an_rntuple_reads_like_a_tree(ntuple: Path) -> None:
    text = "reader: n\ntree: {tree}\nunits: {{E: MeV}}\ncolumns: {{ecal.energy: E, hits.e: hit.e}}\n"
    one, other = (table_of(mapped(ntuple, text.format(tree=name))) for name in "tn")
    np.testing.assert_array_equal(one.flat["ecal.energy"], other.flat["ecal.energy"])
    np.testing.assert_array_equal(one.lists["hits"]["e"], other.lists["hits"]["e"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tree: t\n", "tree: tt\n", "no tree 'tt'"),
        ("ecal.energy: E\n", "ecal.energy: EE\n", "map.yaml:15:16: unknown name 'EE'"),
        ("{E: MeV, 'hit.e'", "{'hit.e'", "'ecal.energy' is in GeV"),
        ("{E: MeV,", "{Ene: MeV,", "no branch is called 'Ene'"),
        ("shape: [5, 6]", "shape: [6, 5]", "'energy' is 5 x 6, the map says 6 x 5"),
        ("axes: [ix, iy]", "axes: [ix]", "name its 2 axes"),
        ("branch: energy", "branch: E", "'E' is no fixed array"),
        ("c_{layer}_{ix}", "cc_{layer}_{ix}", "no branch is called like 'cc_{layer}_{ix}'"),
        ("by: id", "by: idd", "did you mean 'hit.id'"),
        ("{sum: e}", "{suum: e}", "'suum' is no reduction"),
        ("ecal.energy: E\n", "ecal.energy: hit.e\n", "'ecal.energy' is one value per event; this is a list"),
        ("big.e: big.e", "big.e: big.e\n  big.f: hit.e", "are made of different lists"),
        ("big.e: big.e", "big: big.e", "a list needs the name of a collection"),
        ("reader: mine", "reader: mine\nclumns: 1", "unknown key 'clumns'"),
    ],
)
def test_mistakes_are_told_when_the_file_is_opened(ntuple: Path, old: str, new: str, said: str) -> None:
    assert old in MAP
    with pytest.raises(UserError) as caught:
        mapped(ntuple, MAP.replace(old, new))
    assert said in caught.value.render()


def test_a_cell_that_is_missing_is_no_empty_cell(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "c.root") as file:
        names = [f"c_{i}_{j}" for i in range(2) for j in range(3) if (i, j) != (1, 1)]
        file.mktree("t", dict.fromkeys(names, "f8"))
        file["t"].extend({name: np.ones(2) for name in names})
    text = "reader: c\ncells: {x: {pattern: 'c_{i}_{j}', unit: '1'}}\ncolumns: {n.cells: count(x)}\n"
    with pytest.raises(UserError, match="the cell i 1, j 1 is missing"):
        mapped(tmp_path / "c.root", text)


def test_a_whole_number_that_is_undefined_is_refused(ntuple: Path) -> None:
    file = mapped(ntuple, "reader: m\ntree: t\ncolumns: {event.run: first(hit.id)}\n")
    with pytest.raises(UserError, match=r"'event\.run' is a whole number, and undefined for"):
        table_of(file)


@pytest.mark.shared
def test_ldmx_against_plain_uproot(shared: Path) -> None:
    path = shared / "data" / "ldmx_ecal_100_events.root"
    table = table_of(ForeignFile(path, load_reader_map("ldmx")), 33)
    with uproot.open(path) as file:
        tree = file["LDMX_Events"]
        energy = tree["EcalRecHits_sim/EcalRecHits_sim.energy_"].array()
        pe = tree["HcalRecHits_sim/HcalRecHits_sim.pe_"].array()
        names = ("trackID_", "energy_", "px_", "py_", "pz_")
        track, e, px, py, pz = (tree[f"RecoilSimHits_sim/RecoilSimHits_sim.{name}"].array() for name in names)
        run = tree["EventHeader/run_"].array()
    total = np.array([sum(map(float, hits)) / 1000 for hits in energy])
    np.testing.assert_allclose(table.flat["ecal.energy"], total, rtol=1e-9)
    np.testing.assert_array_equal(table.flat["event.run"], run)
    left = []
    for i in range(100):
        above = [int(t) for t, x in zip(track[i], e[i], strict=True) if x > 1000]
        tracks = sorted(t for t in set(above) if above.count(t) >= 4)
        rows = slice(table.lists["tracks"].offsets[i], table.lists["tracks"].offsets[i + 1])
        assert table.lists["tracks"]["hits"][rows].tolist() == [above.count(t) for t in tracks]
        momenta = [
            max(
                float(x**2 + y**2 + z**2) ** 0.5
                for n, q, x, y, z in zip(track[i], e[i], *(np.asarray(p[i], float) for p in (px, py, pz)), strict=True)
                if n == t and q > 1000
            )
            for t in tracks
        ]
        np.testing.assert_allclose(table.lists["tracks"]["p"][rows], np.array(momenta) / 1000, rtol=1e-9)
        if len(tracks) == 1 and 8 - total[i] > 0.3 and not (len(pe[i]) and max(pe[i]) > 8):
            left.append(i)
    analysis = selection.load("ldmx_missing_energy", {"e_miss_min": "0.3 GeV"})
    rows = selection.run(table, analysis).cutflow.samples["data"].regions["nominal"]["nominal"]
    assert rows[-1].sequential.n == len(left) > 10


def test_the_flat_ntuple_that_ships(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    size = 30
    energy = rng.exponential(400, (size, 5, 6))
    counts = rng.integers(0, 3, size)
    data = {"run": np.full(size, 7, np.int32), "event": np.arange(size), "energy": energy}
    data |= {f"hcal_{m}_{c}": rng.exponential(80, size) for m in (0, 1) for c in range(9)}
    momenta = ak.unflatten(rng.uniform(5, 90, int(counts.sum())), counts)
    types = {name: np.asarray(values).dtype for name, values in data.items()} | {"energy": np.dtype(("f8", (5, 6)))}
    with uproot.recreate(tmp_path / "ntuple.root") as file:
        file.mktree("ntuple", {**types, "track_p": "var * float64"})
        file["ntuple"].extend({**data, "track_p": momenta})
    table = table_of(ForeignFile(tmp_path / "ntuple.root", load_reader_map("flat_ntuple")))
    above = np.where(energy > 5, energy, 0).sum(axis=(1, 2)) / 1000
    np.testing.assert_allclose(table["ecal.energy"], above, rtol=1e-12)
    hcal = np.stack([sum(data[f"hcal_{m}_{c}"] for c in range(9)) for m in (0, 1)], axis=1) / 1000
    np.testing.assert_allclose(table["hcal.energy"], hcal, rtol=1e-12)
    rows = selection.run(table, selection.load("flat_ntuple")).cutflow.samples["data"].regions["nominal"]["nominal"]
    one = counts == 1
    missing = one & (100 - above - ak.to_numpy(ak.sum(momenta, axis=1)) > 20)
    assert [row.sequential.n for row in rows] == [size, one.sum(), missing.sum(), (missing & (hcal < 1).all(1)).sum()]


def test_a_cell_that_is_undefined_is_no_cell_without_energy(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    energy = rng.exponential(10, (50, 2, 3))
    energy[rng.random(energy.shape) < 0.1] = np.nan
    energy[7, 0, 0] = np.inf
    key = rng.integers(0, 3, 100).astype(float)
    key[::9] = np.nan
    with uproot.recreate(tmp_path / "n.root") as file:
        file.mktree("t", {"energy": np.dtype(("f8", (2, 3))), "hit_k": "var * float64", "hit_e": "var * float64"})
        hits = {
            name: ak.unflatten(values, np.full(50, 2)) for name, values in (("hit_k", key), ("hit_e", np.ones(100)))
        }
        file["t"].extend({"energy": energy, **hits})
    text = """
reader: n
tree: t
objects: {hit: {from: [hit_k, hit_e]}}
cells: {cal: {branch: energy, shape: [2, 3], axes: [ix, iy], unit: MeV, above: 5 MeV}}
groups: {tower: {from: hit, by: hit_k, columns: {n: count}}}
columns: {ecal.energy: sum(cal.energy), tower.n: tower.n}
"""
    table = table_of(mapped(tmp_path / "n.root", text))
    bad = ~np.isfinite(energy).all(axis=(1, 2))
    assert 10 < bad.sum() < 50
    np.testing.assert_array_equal(np.isnan(table["ecal.energy"]), bad)
    np.testing.assert_allclose(
        table["ecal.energy"][~bad], np.where(energy > 5, energy, 0).sum(axis=(1, 2))[~bad] / 1000, rtol=1e-12
    )
    cells = table.metadata.ledger.damage["map.cal.undefined_cell"]
    assert (cells.records, cells.events) == (np.count_nonzero(~np.isfinite(energy)), bad.sum())
    keys = table.metadata.ledger.damage["map.tower.undefined_key"]
    assert (keys.records, keys.events) == (12, len({i // 2 for i in range(0, 100, 9)}))
    (row,) = (
        selection.run(table, selection.loads("cuts: [{name: quiet, require: ecal.energy < 1 TeV}]"))
        .cutflow.samples["data"]
        .regions["nominal"]["nominal"][1:]
    )
    assert (row.sequential.n, row.undefined) == (50 - bad.sum(), bad.sum())


@pytest.mark.parametrize("group", ["", "group_by: evt\n"])
def test_a_tree_without_entries_is_a_table_without_events(tmp_path: Path, group: str) -> None:
    with uproot.recreate(tmp_path / "z.root") as file:
        file.mktree("t", {"evt": "i8", "energy": np.dtype(("f8", (2, 3))), "e": "f8"})
    text = f"reader: z\ntree: t\n{group}columns: {{event.in_run: evt, ecal.energy: EXPR}}\n"
    if group:
        file = mapped(tmp_path / "z.root", text.replace("EXPR", "sum(rows.e)").replace("}", "}\nunits: {rows.e: GeV}"))
    else:
        text += "cells: {cal: {branch: energy, axes: [ix, iy], unit: MeV}}\n"
        file = mapped(tmp_path / "z.root", text.replace("EXPR", "sum(cal.energy)"))
    assert len(file.index()) == 0
    table = table_of(file)
    assert len(table) == 0
    assert table.metadata.ledger.read == 0


def test_all_mistakes_of_a_map_are_told_at_once(ntuple: Path) -> None:
    text = MAP
    for old, new in (
        ("{E: MeV,", "{E: Mev, nowhere: mm,"),
        ("where: e > 1 GeV}", "where: e >> 1 GeV}"),
        ("shape: [5, 6]", "shape: [6, 5]"),
        ("c_{layer}_{ix}", "cc_{layer}_{ix}"),
        ("{sum: e}", "{suum: e}"),
        ("event.run: run", "event.run: runn"),
        ("mine.flag: flag", "mine.flag: flag +"),
    ):
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(UserError) as caught:
        mapped(ntuple, text)
    said = str(caught.value)
    assert len(said.splitlines()) == 8, said
    for part in (
        "unknown unit 'Mev'",
        "no branch is called 'nowhere'",
        "a value is needed before '>'",
        "'energy' is 5 x 6, the map says 6 x 5",
        "no branch is called like 'cc_{layer}_{ix}'",
        "'suum' is no reduction",
        "unknown name 'runn'",
        "the expression ends behind '+'",
    ):
        assert part in said, part


@pytest.mark.parametrize(("number", "said"), [("4294967301", "4294967301"), ("0 - 3e9", "-3000000000")])
def test_a_number_that_its_column_cannot_hold_is_refused(ntuple, number, said):
    text = f"reader: mine\ntree: t\ncolumns:\n  event.run: run * 0 + {number}\n  ecal.energy: E * 1 MeV\n"
    with pytest.raises(UserError, match=rf"map\.yaml:4.*'event\.run' is a whole number from .*{said} for .*40 in all"):
        table_of(mapped(ntuple, text), size=100)
