"""Tables that emiss did not make: TTree, RNTuple and Parquet give the same cutflow, and what is misspelt is refused."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

CUTS = """
analysis: foreign
columns: {e: GeV, 'hits.u': mm}
cuts:
  - {name: energy, require: e > 20 GeV}
  - {name: hits, require: 'any(hits.u > 0 mm) and count(hits) < 3'}
  - {name: cells, require: sum(cell) > 1}
weights: {nominal: w}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    rng = np.random.default_rng(8)
    size = 500
    counts = rng.integers(0, 4, size)
    data = {
        "e": rng.uniform(0, 50, size),
        "w": rng.normal(1, 0.1, size),
        "cell": rng.normal(size=(size, 4)),
        "hits.u": ak.unflatten(rng.normal(size=int(counts.sum())), counts),
    }
    with uproot.recreate(folder / "tree.root") as file:
        file.mktree("t", {"e": "f8", "w": "f8", "cell": "4 * float64", "hits.u": "var * float64"})
        file["t"].extend(data)
    with uproot.recreate(folder / "ntuple.root") as file:
        file["t"] = ak.Array(data)
    ak.to_parquet(ak.Array(data), str(folder / "table.parquet"))
    assert pq.read_metadata(folder / "table.parquet").num_rows == size
    with uproot.open(folder / "ntuple.root") as file:
        assert "RNTuple" in file.classnames()["t;1"]
    (folder / "cuts.yaml").write_text(CUTS)
    return folder


NAMES = ("tree.root", "ntuple.root", "table.parquet")


def test_the_same_cutflow_from_each_kind(cli, files, tmp_path):
    made = []
    for name in NAMES:
        done = cli("select", files / name, "--analysis", files / "cuts.yaml", "--out", tmp_path / name)
        assert done.code == 0, done.err
        (sample,) = json.loads((tmp_path / name / "cutflow.json").read_text())["samples"].values()
        made.append(sample["regions"])
    assert made[0] == made[1] == made[2]
    rows = made[0]["nominal"]["weights"]["nominal"]["cuts"]
    assert 500 == rows[0]["n"] > rows[1]["n"] > rows[2]["n"] > rows[3]["n"] > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("require: e > 20", "require: ee > 20", "unknown name 'ee'"),
        ("any(hits.u", "any(hits.uu", "did you mean 'hits.u'"),
        ("sum(cell) > 1", "sum(cells) > 1", "did you mean 'cell'"),
        ("nominal: w", "nominal: ww", "did you mean 'w'"),
        ("columns: {e: GeV, 'hits.u': mm}", "columns: {'hits.u': mm}", "columns: {e: GeV}"),
    ],
)
def test_what_is_misspelt_or_has_no_unit_is_refused_in_each(cli, files, tmp_path, name, old, new, said):
    path = tmp_path / "cuts.yaml"
    path.write_text(CUTS.replace(old, new))
    done = cli("select", files / name, "--analysis", path)
    assert done.code == 2
    assert said in done.err
    assert f"{path}:" in done.err
