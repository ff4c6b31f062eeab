"""Trees of other programs: lists with one counter, RNTuple collections, broken branches, schemas; against uproot and vector."""

from __future__ import annotations

from collections import Counter
from pathlib import Path  # noqa: TC003 - annotations of fixtures
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import vector
from hypothesis import given
from hypothesis import strategies as st

from emiss import selection
from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.files import trees
from emiss.events.files.open import open_table, read
from emiss.reco.readers.foreign.reader import ForeignFile
from emiss.selection.analysis.read import from_document

EVENTS = 500
DIMUON = """
analysis: dimuon
objects:
  muon: {from: Muon, where: pt > 5 GeV and abs(eta) < 2.4}
  dimuon: {from: pairs(muon), where: first.charge != second.charge}
cuts:
  - {name: two_muons, require: count(muon) == 2}
  - {name: opposite_charge, require: count(dimuon) == 1}
  - {name: z_window, require: any(60 GeV < mass(dimuon) < 120 GeV)}
"""


def nano_data() -> dict[str, Any]:
    """Return what a small NanoAOD holds."""
    rng = np.random.default_rng(1)
    n = rng.integers(0, 4, EVENTS)
    k = int(n.sum())
    fields = {
        "pt": rng.exponential(40, k).astype("f4") + np.float32(3),
        "eta": rng.normal(0, 1.5, k).astype("f4"),
        "phi": rng.uniform(-3.14, 3.14, k).astype("f4"),
        "mass": np.full(k, 0.10566, "f4"),
        "dxy": rng.normal(0, 0.01, k).astype("f4"),
        "charge": rng.choice(np.int32([-1, 1]), k),
    }
    return {
        "run": np.ones(EVENTS, "u4"),
        "luminosityBlock": np.ones(EVENTS, "u4"),
        "event": np.arange(EVENTS, dtype="u8") + 5_000_000_000,
        "Muon": ak.zip({name: ak.unflatten(values, n) for name, values in fields.items()}),
        "Scale": ak.unflatten(rng.random(k), n),
        "MET_pt": rng.exponential(20, EVENTS).astype("f4"),
    }


def write_tree(path: Path, name: str, data: dict[str, Any], **more: Any) -> None:
    types = {key: value.type if isinstance(value, ak.Array) else value.dtype for key, value in data.items()}
    with uproot.recreate(path) as file:
        file.mktree(name, types, **more).extend(data)
        file.mktree("Runs", {"run": "u4"}).extend({"run": np.ones(1, "u4")})


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nano") / "nano.root"
    write_tree(path, "Events", nano_data())
    return path


@pytest.fixture(scope="module")
def rntuple(nano: Path) -> Path:
    path = nano.with_name("rntuple.root")
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", nano_data())
    return path


def by_hand(path: Path) -> list[int]:
    """Return the cutflow of `DIMUON` by a loop over events."""
    passed: Counter[str] = Counter()
    with uproot.open(path) as file:
        names = [f"Muon_{field}" for field in ("pt", "eta", "phi", "mass", "charge")]
        for muons in zip(*(file["Events"][name].array() for name in names), strict=True):
            passed["all"] += 1
            good = [muon for muon in zip(*muons, strict=True) if muon[0] > 5 and abs(muon[1]) < 2.4]
            if len(good) != 2:
                continue
            passed["two"] += 1
            if good[0][4] == good[1][4]:
                continue
            passed["opposite"] += 1
            a, b = (vector.obj(pt=float(m[0]), eta=float(m[1]), phi=float(m[2]), mass=float(m[3])) for m in good)
            passed["window"] += 60 < (a + b).mass < 120
    return [passed[name] for name in ("all", "two", "opposite", "window")]


def counted(path: Path | str, text: str = DIMUON) -> list[int]:
    result = selection.run(read(path), from_document(loads(text)))
    (sample,) = result.cutflow.samples.values()
    return [row.sequential.n for row in sample.regions["nominal"]["nominal"]]


def test_a_dimuon_cutflow_is_that_of_a_loop(nano: Path, rntuple: Path) -> None:
    wanted = by_hand(nano)
    assert wanted[-1] > 5
    assert counted(nano) == counted(f"{nano}:Events") == counted(rntuple) == wanted


def test_a_list_is_called_by_its_field_and_by_its_branch(nano: Path) -> None:
    file = open_table(nano)
    assert file.columns["Muon.pt"].alias == "Muon_pt"
    assert "Muon_pt" not in file.columns
    assert "Scale" in file.columns
    text = (
        "objects: {Muon: {from: [Muon_pt, Muon_eta], where: Muon_pt > 20 GeV}}\n"
        "cuts: [{name: c, require: count(Muon) == 2}]"
    )
    with uproot.open(nano) as opened:
        pt = opened["Events/Muon_pt"].array()
    assert counted(nano, text) == [EVENTS, int(ak.sum(ak.sum(pt > 20, axis=1) == 2))]


def test_units_are_those_of_the_schema(nano: Path) -> None:
    units = {name: column.unit for name, column in open_table(nano).columns.items()}
    assert units["Muon.pt"] == units["Muon.mass"] == units["MET_pt"] == "GeV"
    assert units["Muon.dxy"] == "cm"
    assert {units[name] for name in ("Muon.eta", "Muon.phi", "Muon.charge", "run", "Scale")} == {"1"}


def test_a_broken_branch_costs_nothing_that_is_not_asked_of_it(nano: Path, tmp_path: Path) -> None:
    with uproot.open(nano) as file:
        seek = file["Events/Muon_dxy"].member("fBasketSeek")[0]
    data = bytearray(nano.read_bytes())
    data[seek : seek + 60] = bytes(60)
    broken = tmp_path / "broken.root"
    broken.write_bytes(data)
    file = open_table(broken)
    assert len(next(file.batches(["Muon.pt", "MET_pt"]))) == EVENTS
    with pytest.raises(UserError, match=r"broken\.root"):
        next(file.batches(["Muon.dxy"]))
    text = "reader: m\ntree: Events\ncolumns: {event.run: run, muons.p: Muon_pt * cosh(Muon.eta)}"
    (table,) = ForeignFile(broken, loads(text)).tables()
    with uproot.open(nano) as opened:
        pt, eta = (opened[f"Events/Muon_{name}"].array() for name in ("pt", "eta"))
    np.testing.assert_allclose(table.lists["muons"]["p"], ak.to_numpy(ak.flatten(pt * np.cosh(eta))), rtol=1e-6)


def test_a_branch_whose_type_cannot_be_told_is_left_out() -> None:
    class Tree:
        def arrays(self, names: list[str], **_: Any) -> Any:
            if "bad" in names:
                raise ValueError("no interpretation\nand more")
            return ak.Array([dict.fromkeys(names, 1.0)])[:0]

    found, wrong = trees.forms(Tree(), ["a", "bad", "b"])
    assert list(found) == ["a", "b"]
    assert wrong == {"bad": "no interpretation"}


@pytest.mark.parametrize(
    ("counter", "branches", "fields"),
    [
        ("nMuon", ["Muon_pt", "Muon_eta"], ["Muon.pt", "Muon.eta"]),
        ("mu_n", ["mu_pt"], ["mu.pt"]),
        ("nhits", ["x", "y"], ["hits.x", "hits.y"]),
        ("n", ["hit_x", "hit_y"], ["hit.x", "hit.y"]),
        ("nScale", ["Scale"], []),
        ("n", ["x", "y"], []),
        ("nTaken", ["Taken_a", "Taken_b"], []),
        ("nMuon", ["Muon_pt", "Muon_2x"], []),
    ],
)
def test_the_name_of_a_collection(counter: str, branches: list[str], fields: list[str]) -> None:
    found = trees.collections(dict.fromkeys(branches, counter), branches, [*branches, counter, "Taken"])
    assert list(found.values()) == fields


_NAMES = st.lists(st.from_regex(r"[a-c]{1,2}(_[a-c]{1,2})?", fullmatch=True), unique=True, max_size=8)


@given(_NAMES, st.data())
def test_names_of_fields_are_never_two_things(names: list[str], data: st.DataObject) -> None:
    counter = {name: data.draw(st.sampled_from(["na", "nb", "n", "c_n"])) for name in names}
    found = trees.collections(counter, names, names)
    assert len(set(found.values())) == len(found)
    assert not {full.partition(".")[0] for full in found.values()} & set(names)
    for branch, full in found.items():
        collection = full.partition(".")[0]
        assert {counter[other] for other, one in found.items() if one.startswith(f"{collection}.")} == {counter[branch]}
