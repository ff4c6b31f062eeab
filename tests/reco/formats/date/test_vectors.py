"""The raw format against the test vectors: what the DAQ's own library gives, event by event, digit by digit."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import yaml

from emiss.configs.errors import UserError
from emiss.reco.formats.date.dump import dump

PACKED = Path(__file__).with_name("vectors.tar.xz")
HEADER = ("type", "run", "spill", "event_in_spill", "event_in_run", "trigger", "time", "good")

with tarfile.open(PACKED) as _archive:
    NAMES = sorted(n.removeprefix("./").removesuffix(".dat") for n in _archive.getnames() if n.endswith(".dat"))
NAMES.remove("example")

COUNT_DIFFERS = {
    "bad_sadc_size0_hang": "the library hangs in its third event; ours goes on",
    "bad_oob_event_size_12": "the library crashes in its second event; ours ends before it",
}
"""Vectors whose number of events is not defined: the events before are compared."""


@pytest.fixture(scope="module")
def vectors(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_oracle(vectors, name):
    wanted = json.loads((vectors / f"{name}.json").read_text())
    *events, last = dump(vectors / f"{name}.dat", vectors / wanted["maps"], policy="oracle")
    assert set(last) == {"ledger"}
    if name not in COUNT_DIFFERS:
        assert len(events) == len(wanted["events"])
    for want, got in zip(wanted["events"], events, strict=False):
        if "special" in want or "lost" in got:
            assert "special" in want or not want["decoded"]
            continue
        assert {key: got[key] for key in HEADER} == {key: want[key] for key in HEADER}
        assert got["sadc"] == want["sadc"]
        assert got["apv"] == want["apv"]
        assert got["errors"] == [error[0] for error in want["errors"]]


@pytest.mark.parametrize("name", NAMES)
def test_safe_accounts_for_every_event(vectors, name):
    maps = json.loads((vectors / f"{name}.json").read_text())["maps"]
    *events, last = dump(vectors / f"{name}.dat", vectors / maps)
    ledger = last["ledger"]
    bins = [*ledger["not_physics"].values(), *ledger["lost"].values(), *ledger["excluded"].values()]
    assert ledger["read"] == len(events) == ledger["passed"] + sum(bins)
    for event in events:
        for digit in event.get("sadc", []):
            assert len(digit[-1]) > 0


SAFE = yaml.safe_load(Path(__file__).with_name("safe_policy.yaml").read_text(encoding="utf-8"))


def test_the_list_of_the_safe_policy_is_complete():
    assert sorted(SAFE["vectors"]) == NAMES
    used = {rule for vector in SAFE["vectors"].values() for rule in vector["differs"].values()}
    assert used == set(SAFE["rules"])


@pytest.mark.parametrize("name", NAMES)
def test_safe_differs_from_the_oracle_by_rule_only(vectors, name):
    maps = vectors / json.loads((vectors / f"{name}.json").read_text())["maps"]
    sides = []
    for policy in ("oracle", "safe"):
        *events, last = dump(vectors / f"{name}.dat", maps, policy=policy)
        sides.append({event["index"]: event for event in events})
    oracle, safe = sides
    wanted = SAFE["vectors"][name]
    assert {key: value for key, value in last["ledger"].items() if value} == wanted["ledger"]
    differing = [i for i in sorted({*oracle, *safe}) if oracle.get(i) != safe.get(i)]
    assert differing == list(wanted["differs"])
    for i, rule in wanted["differs"].items():
        if rule == "go_on":
            assert i not in oracle
        elif rule == "short_channel":
            full = [digit for digit in oracle[i]["sadc"] if digit in safe[i]["sadc"]]
            assert safe[i]["sadc"] == full
            assert len(full) < len(oracle[i]["sadc"])


def test_worked_example(vectors):
    (event, last) = dump(vectors / "example.dat", vectors / "exmaps")
    assert event["run"] == 6101
    assert event["trigger"] == 0x80000005
    assert last["ledger"]["passed"] == 1


def test_a_truncated_file_loses_one_event(vectors):
    *_, last = dump(vectors / "bad_truncated_payload.dat", vectors / "maps")
    assert last["ledger"]["lost"] == {"raw.truncated": 1}
    assert last["ledger"]["incomplete_at_end"] == 1


def test_the_search_goes_on_after_damage(vectors):
    *_, oracle = dump(vectors / "bad_magic.dat", vectors / "maps", policy="oracle")
    *_, safe = dump(vectors / "bad_magic.dat", vectors / "maps")
    assert safe["ledger"]["passed"] > oracle["ledger"]["passed"]
    assert sum(safe["ledger"]["lost"].values()) == 1


def test_a_bad_map_line_is_named(vectors, tmp_path):
    (tmp_path / "m.xml").write_text(
        '<Map>\n<ChipSADC version="2" options="xy data_format3">\nECAL0 618 0 x 0 0\n</ChipSADC>\n</Map>'
    )
    with pytest.raises(UserError, match=r"m\.xml:3"):
        list(dump(vectors / "good_small.dat", tmp_path))
