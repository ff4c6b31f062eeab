"""Event mixing: what independent parts do together by accident, with an error that is right, and parts that are not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.files import open as stored
from emiss.events.lists import Lists
from emiss.events.table import EventTable, Metadata
from emiss.programme.mixing import Mixing, estimate, mix, mixed

ANALYSIS = """
analysis: two
cuts:
  - {name: up, require: up.energy > 0.8}
  - {name: down, require: down.energy > 0.9}
  - {name: both, require: up.energy + down.energy > 1.75}
regions: {signal: {}, more: {replace: {down: down.energy > 0.5}}}
blind: {samples: data, box: up.energy > 0.8 and down.energy > 0.9}
"""
COLUMNS = {name: Column(name, "f8", "1", name) for name in ("up.energy", "down.energy")}
TRUE = 0.2 * 0.1 - 0.5 * 0.05**2
"""The share of uniform pairs above both cuts and their sum's."""


def table(rng, events=2000, shared=0.0, role="background"):
    up, down = rng.random(events), rng.random(events)
    same = rng.random(events) < shared
    down[same] = up[same]
    metadata = Metadata(columns=COLUMNS, sample="s", role=role, on_target=1e6)
    return EventTable(events, {"up.energy": up, "down.energy": down}, {}, metadata)


@pytest.fixture(scope="module")
def bound():
    return selection.bind(selection.loads(ANALYSIS), COLUMNS)


def test_independent_columns_close_with_the_error_that_is_told(bound):
    rng = np.random.default_rng(7)
    found = [estimate(bound, table(rng), "signal", Mixing(("down",), draws=10)) for _ in range(40)]
    values = np.array([one.value for one in found])
    pulls = (values - 2000 * TRUE) / [one.error for one in found]
    assert abs(pulls.mean()) < 3.5 / np.sqrt(40)
    assert 0.75 < pulls.std() < 1.4
    # better than counting what passes: sqrt(37.5) events
    assert values.std() < 0.8 * np.sqrt(2000 * TRUE)


def test_parts_that_are_not_independent_do_not_close(bound, tmp_path):
    path = tmp_path / "s.parquet"
    write(path, table(np.random.default_rng(1), shared=0.5))
    found = mix(save(tmp_path), [path], "", Mixing(("down",)), ["more"])
    assert [one.place for one in found.closures] == ["signal, unmixed", "more, unmixed"]
    assert not found.closures[0].estimate.closes(found.closures[0].seen)
    assert found.per_particle == pytest.approx(found.estimate.value / 1e6)


def test_what_is_hidden_is_in_no_mixture_and_no_closure(bound, tmp_path):
    path = tmp_path / "s.parquet"
    data = table(np.random.default_rng(2), role="data")
    write(path, data)
    found = mix(save(tmp_path), [path], "", Mixing(("down",)))
    assert not found.closures
    assert "blind box" in found.notes[-1]
    box = (data["up.energy"] > 0.8) & (data["down.energy"] > 0.9)
    assert found.estimate.value == pytest.approx(
        estimate(bound, data.take(~box), "signal", Mixing(("down",))).value, rel=0.3
    )


def test_columns_of_a_part_travel_together_and_others_stay():
    flat = {"a.x": np.arange(4.0), "a.y": np.arange(4.0) + 10.0, "b.x": np.arange(4.0)}
    tracks = Lists(np.array([0, 1, 1, 3, 3]), {"p": np.array([1.0, 2.0, 3.0])})
    one = mixed(EventTable(4, flat, {"tracks": tracks}), ["a", "tracks"], np.array([2, 3, 0, 1]))
    assert one["a.x"].tolist() == [2.0, 3.0, 0.0, 1.0]
    assert one["a.y"].tolist() == [12.0, 13.0, 10.0, 11.0]
    assert one["b.x"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert one["tracks.p"].tolist() == [[2.0, 3.0], [], [1.0], []]


@pytest.mark.parametrize(
    ("parts", "events", "message"),
    [
        (("dwon",), 100, "no column of 'dwon'.*did you mean 'down'"),
        (("up", "down"), 100, "nothing is mixed"),
        (("down",), 12, "12 events are not enough"),
    ],
)
def test_what_cannot_be_mixed_is_told(bound, parts, events, message):
    with pytest.raises(UserError, match=message):
        estimate(bound, table(np.random.default_rng(3), events), "signal", Mixing(parts))


def test_the_command(cli, tmp_path):
    path = tmp_path / "s.parquet"
    write(path, table(np.random.default_rng(4)))
    told = ["background", "--model", "mixing", "--analysis", save(tmp_path), "--table", str(path), "--mix", "down"]
    done = cli(*told, "--out", str(tmp_path / "mixed.json"))
    assert done.code == 0, done.err
    assert "signal, by mixing: " in done.out
    assert "closure in signal, unmixed" in done.out
    data = json.loads((tmp_path / "mixed.json").read_text())
    assert data["estimate"]["value"] == pytest.approx(2000 * TRUE, rel=0.5)
    assert "--mix" in cli(*told[:-2]).err
    assert "is given twice" in cli(*told, "--table", tmp_path / "." / "s.parquet").err
    assert "needs --analysis and --table" in cli("background", "--model", "mixing").err


def save(folder):
    path = folder / "two.yaml"
    path.write_text(ANALYSIS)
    return str(path)


def write(path, made):
    stored.write(made, path)
