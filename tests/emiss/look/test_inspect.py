"""``emiss inspect`` and jobs on foreign files."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pytest
import uproot


@pytest.fixture
def foreign(tmp_path):
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 3, 50)
    with uproot.recreate(tmp_path / "f.root") as file:
        file.mktree(
            "t", {"RunNumber": "i4", "evtID": "i4", "E": "f4", "cells": "2 * 3 * float64", "hit.x": "var * float64"}
        )
        file["t"].extend(
            {
                "RunNumber": np.full(50, 3, np.int32),
                "evtID": np.arange(50, dtype=np.int32),
                "E": rng.uniform(0, 100, 50).astype("f4"),
                "cells": rng.normal(size=(50, 2, 3)),
                "hit.x": ak.unflatten(rng.normal(size=int(counts.sum())), counts),
            }
        )
    return tmp_path / "f.root"


def test_what_a_file_holds_and_a_map_that_runs(cli, foreign, tmp_path):
    done = cli("inspect", foreign, "--write-map", tmp_path / "mine.yaml")
    assert done.code == 0, done.err
    for said in ("t (TTree, 50 entries)", "f8[2][3]", "list of f8", "f4"):
        assert said in done.out
    text = (tmp_path / "mine.yaml").read_text()
    assert "event.run: RunNumber" in text
    assert "event.in_run: evtID" in text
    assert "'E': GeV" in text
    (tmp_path / "cuts.yaml").write_text(
        "analysis: mine\ncuts: [{name: e, require: foreign.E > 50 GeV}, {name: x, require: any(hit.x > 0 mm)}]\n"
    )
    options = ("--reader", tmp_path / "mine.yaml", "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "o")
    done = cli("process", foreign, *options)
    assert done.code == 0, done.err
    (sample,) = json.loads((tmp_path / "o" / "cutflow.json").read_text())["samples"].values()
    with uproot.open(foreign) as file:
        e, x = (file["t"][name].array() for name in ("E", "hit.x"))
    assert sample["regions"]["nominal"]["weights"]["nominal"]["cuts"][-1]["n"] == int(
        ak.sum((e > 50) & ak.any(x > 0, axis=1))
    )
    again = cli("process", foreign, *options)
    assert "1 stored tables used again" in again.out
    (tmp_path / "mine.yaml").write_text(text + "\n# another text\n")
    assert "used again" not in cli("process", foreign, *options).out
    done = cli("select", tmp_path / "o", "--analysis", tmp_path / "cuts.yaml")
    assert done.code == 0, done.err


def test_a_run_list_with_a_reader(cli, foreign, tmp_path):
    assert cli("inspect", foreign, "--write-map", tmp_path / "mine.yaml").code == 0
    (tmp_path / "cuts.yaml").write_text("analysis: mine\ncuts: [{name: e, require: foreign.E > 50 GeV}]\n")
    runs = "reader: mine.yaml\nanalysis: cuts.yaml\nsamples: {s: {role: signal, files: [f.root], on_target: 1e6}}\n"
    (tmp_path / "runs.yaml").write_text(runs)
    done = cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "o")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "o" / "cutflow.json").read_text())["samples"]["s"]["on_target"] == 1e6
    (tmp_path / "runs.yaml").write_text("calib: demo\n" + runs)
    assert "needs no 'calib'" in cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "o").err
    (tmp_path / "runs.yaml").write_text(runs.replace("reader: mine.yaml\n", ""))
    assert "the key 'detector' is missing" in cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "o").err


def test_mistakes(cli, foreign, tmp_path):
    assert "did you mean 't'" in cli("inspect", foreign, "--tree", "tt").err
    assert "no readable" in cli("inspect", tmp_path).err or cli("inspect", tmp_path).code == 2
    done = cli("process", foreign, "--reader", "lmdx", "--out", tmp_path / "o")
    assert done.code == 2
    assert "did you mean 'ldmx'" in done.err


@pytest.fixture
def odd(tmp_path):
    """A tree with a grid of branches, lists with and without a counter, and a branch that is damaged."""
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 3, 40)
    lists = {name: ak.unflatten(rng.random(int(counts.sum())), counts) for name in ("pt", "eta")}
    data = {f"ecalcellE_{i}_{j}": rng.random((40, 1)) for i in range(2) for j in range(3)}
    data |= {"E": rng.random((40, 1)), "run": np.ones(40, np.int32), "lost": rng.random(40), "mu": ak.zip(lists)}
    types = {
        name: values.type if isinstance(values, ak.Array) else np.dtype((values.dtype, values.shape[1:]))
        for name, values in data.items()
    }
    path = tmp_path / "odd.root"
    with uproot.recreate(path) as file:
        file.mktree("t", types).extend(data)
        file.mktree("u", {"x": "f8"}).extend({"x": np.ones(3)})
    with uproot.open(path) as file:
        seek = file["t/lost"].member("fBasketSeek")[0]
    content = bytearray(path.read_bytes())
    content[seek : seek + 60] = bytes(60)
    path.write_bytes(content)
    return path, data


def test_a_map_of_grids_and_collections_runs_as_it_is(cli, odd, tmp_path):
    path, data = odd
    done = cli("inspect", f"{path}:t", "--write-map", tmp_path / "mine.yaml")
    assert done.code == 0, done.err
    text = (tmp_path / "mine.yaml").read_text()
    assert "pattern: 'ecalcellE_{i}_{j}'" in text
    assert "mu.pt: mu.pt" in text
    assert "foreign.E: E[0]" in text
    assert "# left out, cannot be read: lost" in text
    (tmp_path / "cuts.yaml").write_text(
        "analysis: mine\ncuts: [{name: e, require: sum(ecalcellE_found.value) + foreign.E * 1 / 1 GeV > 3},"
        " {name: mu, require: any(mu.pt > 0.2 GeV and mu.eta > 0.2)}]\n"
    )
    options = ("--reader", tmp_path / "mine.yaml", "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "o")
    done = cli("process", path, *options)
    assert done.code == 0, done.err
    (sample,) = json.loads((tmp_path / "o" / "cutflow.json").read_text())["samples"].values()
    energy = sum(values[:, 0] for name, values in data.items() if name.startswith("ecal")) + data["E"][:, 0]
    muons = ak.to_numpy(ak.any((data["mu"].pt > 0.2) & (data["mu"].eta > 0.2), axis=1))
    wanted = [40, int((energy > 3).sum()), int(((energy > 3) & muons).sum())]
    assert [cut["n"] for cut in sample["regions"]["nominal"]["weights"]["nominal"]["cuts"]] == wanted


@pytest.mark.parametrize("role", ["data", "background"])
def test_a_map_says_the_role_of_bare_files(cli, foreign, tmp_path, role):
    said = f"role: {role}\n" if role != "data" else ""
    (tmp_path / "m.yaml").write_text(f"reader: m\ntree: t\n{said}columns: {{event.run: RunNumber, foreign.e: E}}\n")
    (tmp_path / "c.yaml").write_text("analysis: c\ncuts: [{name: e, require: foreign.e > 50}]\n")
    options = ("--reader", tmp_path / "m.yaml", "--analysis", tmp_path / "c.yaml", "--out", tmp_path / "o")
    done = cli("process", foreign, *options)
    assert done.code == 0, done.err
    samples = json.loads((tmp_path / "o" / "cutflow.json").read_text())["samples"]
    assert {name: sample["role"] for name, sample in samples.items()} == {role: role}
