from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.events.ledger import Damage, Ledger
from emiss.selection.counting.counts import CutCounts, Tally
from emiss.selection.counting.samples import SampleCounts
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

names = st.text(min_size=1, max_size=8)
counts = st.integers(0, 2**53)
sums = st.just(0.0) | st.floats(1e-50, 1e50)
tallies = st.builds(Tally, counts, sums | sums.map(lambda x: -x), sums)
few = st.dictionaries(names, st.integers(1, 10**9), max_size=2)
cuts = st.builds(CutCounts, names, names, tallies, counts, tallies, counts, tallies, tallies)
rows = st.builds(
    lambda start, cuts: (start, *cuts),
    st.builds(lambda t: CutCounts("all", "", t), tallies),
    st.lists(cuts, max_size=3),
)
samples = st.builds(
    SampleCounts,
    role=st.sampled_from(["signal", "background", "data"]),
    on_target=st.none() | st.floats(0, 1e15),
    scale=st.floats(0, 10),
    partial=st.booleans(),
    ledger=st.builds(
        Ledger,
        read=counts,
        passed=counts,
        lost=few,
        damage=st.dictionaries(names, st.builds(Damage, counts, counts), max_size=2),
        bytes_skipped=counts,
    ),
    regions=st.dictionaries(names, st.dictionaries(names, rows, min_size=1, max_size=2), max_size=2),
    coverage=st.dictionaries(names, st.tuples(st.integers(0, 9), st.integers(9, 99)).map(lambda r: (r,)), max_size=2),
    hidden=st.booleans(),
)
cutflows = st.builds(
    Cutflow,
    analysis=names,
    cuts_hash=names,
    provenance=st.dictionaries(names, st.none() | names | st.lists(st.integers(), max_size=2), max_size=2),
    samples=st.dictionaries(names, samples, max_size=2),
)


@given(cutflow=cutflows)
@settings(deadline=None, max_examples=60)
def test_json_and_back_is_equal(cutflow: Cutflow) -> None:
    text = json.dumps(cutflow.to_json(), allow_nan=False)
    assert Cutflow.from_json(json.loads(text)) == cutflow.sealed()


def test_the_file_has_the_documented_layout(make_cutflow: Callable[..., Cutflow]) -> None:
    data = make_cutflow("beam", (1000, 120, 0, 0), undefined=2).to_json()
    assert list(data) == ["schema", "analysis", "cuts_hash", "provenance", "ledger", "samples"]
    assert data["schema"] == "emiss.cutflow/1"
    sample = data["samples"]["beam"]
    assert sample["coverage"] == {"beam.dat": [[0, 1010]]}
    first, second, third, fourth = sample["regions"]["signal"]["weights"]["nominal"]["cuts"]
    assert first == {"name": "all", "n": 1000, "sum_w": 1000.0, "sum_w2": 1000.0, "undefined": 0}
    assert second["require"] == "count(tracks) == 1"
    assert second["individual"] == {"n": 125, "sum_w": 125.0, "sum_w2": 125.0, "undefined": 4}
    assert second["n_minus_1"] == second["only_failed"] == {"n": 3, "sum_w": 3.0, "sum_w2": 3.0}
    efficiency = second["efficiency"]
    assert efficiency["interval"] == "clopper-pearson 68.3 %"
    assert efficiency["total_low"] < efficiency["total"] == efficiency["relative"] == 0.12 < efficiency["total_high"]
    assert third["efficiency"]["total"] == 0.0
    assert third["efficiency"]["total_high"] == pytest.approx(1 - 0.1585 ** (1 / 1000))
    assert fourth["efficiency"]["relative"] is None  # 0/0
    assert fourth["efficiency"]["relative_high"] is None


def test_save_and_load(demo: Cutflow, tmp_path: Path) -> None:
    path = tmp_path / "cutflow.json"
    path.write_text("what was there before")
    demo.save(path)
    assert Cutflow.load(path) == demo.sealed()
    assert [p.name for p in tmp_path.iterdir()] == ["cutflow.json"]
    with pytest.raises(UserError, match="nowhere"):
        demo.save(tmp_path / "nowhere" / "cutflow.json")


def test_a_failed_write_leaves_what_was_there(demo: Cutflow, tmp_path: Path) -> None:
    from emiss.events.files.atomic import write_text

    path = tmp_path / "cutflow.json"
    demo.save(path)
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half of it \ud800")
    assert Cutflow.load(path) == demo.sealed()
    assert [p.name for p in tmp_path.iterdir()] == ["cutflow.json"]


def _changed(data: dict[str, Any], *keys: Any, to: Any = None) -> dict[str, Any]:
    inner = data
    for key in keys[:-1]:
        inner = inner[key]
    if to is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = to
    return data


@pytest.mark.parametrize(
    ("keys", "to", "message"),
    [
        (("schema",), "emiss.cutflow/2", "schema is 'emiss.cutflow/2', expected 'emiss.cutflow/1'"),
        (("schema",), None, "schema is None"),
        (("samples", "beam", "role"), None, "holds no 'role'"),
        (("samples", "beam", "regions"), [1], "wrong kind"),
        (("samples", "beam", "scale"), "much", "wrong kind"),
        (("analysis",), 3, "wrong kind: 3 is not a text"),
        (("ledger", "read"), 1, "not the sum"),
    ],
)
def test_a_file_that_is_no_cutflow_is_refused_by_name(
    demo: Cutflow, tmp_path: Path, keys: tuple[Any, ...], to: Any, message: str
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(_changed(demo.to_json(), *keys, to=to)))
    with pytest.raises(UserError, match=message) as caught:
        Cutflow.load(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": "emiss.cutflow/1",\n "analysis" 3}', ":2:13: no JSON"),
        ("[1, 2]", "a bare value"),
        ('{"schema": NaN}', "NaN is not a number"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_broken_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        Cutflow.load(path)
    with pytest.raises(UserError, match="No such file"):
        Cutflow.load(tmp_path / "other.json")


def test_null_and_not_nan_for_nothing_at_all(make_cutflow: Callable[..., Cutflow]) -> None:
    text = json.dumps(make_cutflow("beam", (0, 0, 0, 0)).to_json(), allow_nan=False)
    assert "NaN" not in text
    assert '"total": null' in text
