"""What the page is told: the numbers of `select`, thresholds that agree with them, and nothing of what is hidden."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.files.open import write
from emiss.events.table import EventTable
from emiss.job.select import select
from emiss.selection.display import view
from emiss.tune.limits import Limits
from tests.emiss.tune.conftest import ANALYSIS, table_of

BLIND = ANALYSIS + "blind: {samples: data, box: energy > 50 GeV and hits_box}\n"
BLIND = BLIND.replace("cuts:\n", "define: {hits_box: count(hits) < limit}\ncuts:\n", 1).replace(
    "  narrow", "  limit: 2\n  narrow", 1
)


def test_the_page_shows_what_select_counts(stored, cuts, make_session):
    session = make_session(stored, cuts)
    for asked in ({}, {"least": "35 GeV"}, {"least": "35 GeV", "window": "[0 GeV, 30 GeV]", "narrow": "0.25"}):
        answer = session.answer({"parameters": asked})
        expected = select([stored], selection.load(cuts, asked)).cutflow
        for sample in answer["cutflow"]:
            lines = view.lines(expected, sample["name"], "nominal", 1e11)
            shown = [(row["cut"], row["n"], row["expected"], row["total"], row["n1"]) for row in sample["rows"]]
            assert shown == [(x.row.name, x.n, x.expected, x.total, x.n_minus_1) for x in lines]
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_thresholds_and_their_figure_of_merit(stored, cuts, make_session):
    session = make_session(stored, cuts)
    answer = session.answer({"merit": "signal - background / 4"})
    assert set(answer["gates"]) == {"least", "window[0]", "window[1]", "twice"}
    assert (answer["steps"], answer["idle"]) == ([], [])
    gate = answer["gates"]["least"]
    (merit,) = gate["merit"]
    start, step = gate["range"]["from"], gate["range"]["step"]
    assert len(merit["values"]) == round((gate["range"]["to"] - start) / step) + 1
    at = merit["values"].index(max(merit["values"]))
    assert merit["best"] == pytest.approx(start + at * step)
    turned = session.answer({"parameters": {"least": f"{merit['best']} GeV"}, "merit": "signal - background / 4"})
    left = {s["name"]: float(s["rows"][-1]["expected"]) for s in turned["cutflow"] if s["name"] != "taken"}
    assert merit["at_best"] == pytest.approx(left["wanted"] - left["unwanted"] / 4, rel=2e-3)
    reached = next(s for s in answer["cutflow"] if s["name"] == "wanted")["rows"][1]
    assert sum(gate["samples"]["wanted"]) == pytest.approx(float(reached["n1"]) * 100, rel=2e-3)


def test_any_value_can_be_evaluated(stored, cuts, make_session):
    session = make_session(stored, cuts)
    found = session.steps({"knob": "least", "merit": "signal"})
    gate = session.answer({"merit": "signal"})["gates"]["least"]
    assert found["merit"][0]["values"][0] == pytest.approx(gate["merit"][0]["values"][0], rel=1e-4)
    with pytest.raises(UserError, match="computed from 'narrow'"):
        session.steps({"knob": "narrow"})
    with pytest.raises(UserError, match="no value 'narow' to turn"):
        session.steps({"knob": "narow"})


def test_what_is_computed_from_a_parameter_goes_along(stored, cuts, make_session):
    session = make_session(stored, cuts)
    assert session.answer({"parameters": {"narrow": "0.25"}})["values"]["twice"] == 0.5
    assert session.answer({"parameters": {"narrow": "0.25", "twice": "3"}})["values"]["twice"] == 3.0


def test_ranges(stored, cuts, make_session):
    session = make_session(stored, cuts)
    said = {v["name"]: v["range"] for p in session.describe()["parameters"] for v in p["values"]}
    assert said["least"] == {"from": 0.0, "to": 100.0, "step": 1.0}
    answer = session.answer({"ranges": {"least": {"start": 10, "stop": 22}}})
    assert answer["gates"]["least"]["range"] == {"from": 10.0, "to": 22.0, "step": 0.1}
    comments = {p["name"]: p["comment"] for p in session.describe()["parameters"]}
    assert comments["least"] == "Energy in the first part. a choice"


def test_cuts_off_and_moved_are_not_in_the_command(stored, cuts, make_session):
    session = make_session(stored, cuts, set_={"narrow": "0.75"})
    command = session.answer({"parameters": {"least": "30 GeV"}})["command"]
    assert command["whole"]
    assert command["text"].endswith("--set narrow=0.75 --set 'least=30 GeV'")
    answer = session.answer({"cuts": ["shape", "first"]})
    assert not answer["command"]["whole"]
    assert [row["cut"] for row in answer["cutflow"][0]["rows"]] == ["all", "shape", "first"]
    assert "window[0]" in answer["idle"]
    assert session.answer({"cuts": []})["gates"] == {}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"parameters": {"lest": "3 GeV"}}, "there is no parameter 'lest'"),
        ({"parameters": {"least": "3"}}, "is not"),
        ({"parameters": {"least": "3 GeV\ncuts: []"}}, None),
        ({"parameters": {"least": "nan GeV"}}, None),
        ({"merit": "signal / noise"}, "unknown name 'noise'"),
        ({"merit": "signal >"}, None),
        ({"cuts": ["first", "first"]}, "a cut is there twice"),
        ({"region": "x"}, "there is no region"),
        ({"ranges": {"least": {"start": 3, "stop": 2}}}, "from a smaller to a larger"),
        ({"ranges": {"least": {"start": 0, "stop": 1e300}}}, "from a smaller to a larger"),
        ({"ranges": {"x": {"start": 0, "stop": 1}}}, "there is no value 'x'"),
        ({"unknown": 1}, "something else than is expected"),
        (None, "something else than is expected"),
        ([1], "something else than is expected"),
    ],
)
def test_mistakes(stored, cuts, make_session, asked, message):
    with pytest.raises(UserError, match=message):
        make_session(stored, cuts).answer(asked)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JUNK = st.dictionaries(
    st.sampled_from(["parameters", "region", "cuts", "weight", "merit", "ranges", "knob"]),
    PLAIN
    | st.lists(PLAIN | st.sampled_from(["first", "shape"]), max_size=3)
    | st.dictionaries(st.sampled_from(["least", "window", "twice", "start"]), PLAIN, max_size=3)
    | st.fixed_dictionaries(
        {"least": st.fixed_dictionaries({"start": st.floats() | PLAIN, "stop": st.floats() | PLAIN})}
    ),
)


@settings(max_examples=60)
@given(asked=JUNK)
def test_whatever_is_sent_is_answered_or_refused(stored, make_session, shared_session, asked):
    for question in (shared_session.answer, shared_session.steps, shared_session.save):
        try:
            json.dumps(question(asked), allow_nan=False)
        except UserError:
            continue


@pytest.fixture(scope="module")
def shared_session(stored, make_session, tmp_path_factory):
    path = tmp_path_factory.mktemp("shared") / "cuts.yaml"
    path.write_text(ANALYSIS)
    return make_session(stored, path)


def _with_inside(folder, count: int) -> None:
    """Write data with so many events inside the box, at different places."""
    table = table_of("taken", "data", 300, 7)
    outside = table.take(np.flatnonzero((table.flat["energy"] < 50) | (table.lists["hits"].counts >= 2)))
    inside = table.take(np.flatnonzero((table.flat["energy"] > 50) & (table.lists["hits"].counts < 2))[:count])
    both = EventTable.concatenate([inside, outside])
    size = len(both)
    metadata = table_of("taken", "data", size, 0).metadata
    write(EventTable(size, both.flat, both.lists, metadata), folder / "taken.parquet")


def test_nothing_of_what_is_inside_the_box_is_told(tmp_path, make_session):
    said = []
    path = tmp_path / "cuts.yaml"
    path.write_text(BLIND)
    for count in (0, 1, 13):
        folder = tmp_path / "tables"
        folder.mkdir(exist_ok=True)
        write(table_of("wanted", "signal", 200, 1), folder / "wanted.parquet")
        _with_inside(folder, count)
        session = make_session(folder, path)
        asked = {"parameters": {"least": "2 GeV"}, "cuts": ["shape", "first"]}
        answers = [session.describe(), session.answer({}), session.answer(asked), session.save(asked)]
        answers.append(session.steps({"knob": "least"}))
        said.append(json.dumps(answers, sort_keys=True))
        held = session.live.samples["taken"]
        assert all(((b.table.flat["energy"] <= 50) | (b.table.lists["hits"].counts >= 2)).all() for b in held.blocks)
        # nor is there a way to another box
        locked = {p["name"]: p["locked"] for p in session.describe()["parameters"]}
        assert locked["limit"] == "the blind box depends on it"
        with pytest.raises(UserError, match="cannot be turned here: the blind box depends on it"):
            session.answer({"parameters": {"limit": "1"}})
        opened = make_session(folder, path, unblind=True)
        assert opened.live.samples["taken"].size == held.size + count
    assert said[0] == said[1] == said[2]
    with pytest.raises(UserError, match="--set limit: the blind box depends on it"):
        make_session(folder, path, set_={"limit": "3"})


def test_the_limit_follows_the_cuts(tmp_path, cuts, make_session):
    process = {"kind": "signal", "m_phi": 0.3, "threshold": 20.0, "beam_energy": 100.0, "per_electron": 1e-6}
    write(table_of("wanted", "signal", 400, 1, process=process), tmp_path / "wanted.parquet")
    session = make_session(tmp_path, cuts, limits=Limits(1e9, "1e-10"))
    medians = []
    for least in ("20 GeV", "90 GeV"):
        found = session.limit({"parameters": {"least": least}})
        medians.append(float(found["points"][0]["median"]))
        assert found["points"][0]["mass"] == "0.3"
        assert found["background"] == "0.1"
    assert 1.5 * medians[0] < medians[1]
    assert all(map(math.isfinite, medians))
    with pytest.raises(UserError, match="no limit was asked for"):
        make_session(tmp_path, cuts).limit({})


@pytest.mark.parametrize(
    "text",
    [
        "cuts: [{name: one, require: energy > 20 GeV}]\n",
        "histograms: [{name: e, of: hits.e, bins: 3, from: 0 GeV, to: 9 GeV}]\n",
        "parameters: {never: 3}\ncuts: [{name: one, require: count(hits) > 7}]\n",
    ],
)
def test_an_analysis_that_leaves_little_to_turn(stored, make_session, tmp_path, text):
    path = tmp_path / "cuts.yaml"
    path.write_text(text)
    session = make_session(stored, path)
    json.dumps([session.describe(), session.answer({}), session.save({})], allow_nan=False)
    assert session.answer({})["gates"] == {}


def test_an_empty_table(cuts, make_session, tmp_path):
    write(table_of("wanted", "signal", 0, 1), tmp_path / "empty" / "wanted.parquet")
    answer = make_session(tmp_path / "empty", cuts).answer({})
    assert [row["n"] for row in answer["cutflow"][0]["rows"]] == ["0"] * 4
    json.dumps(answer, allow_nan=False)


def test_tables_with_other_columns_share_a_sample_only_if_they_fit(tmp_path, cuts, make_session):
    one = table_of("wanted", "signal", 50, 1)
    write(one, tmp_path / "a.parquet")
    write(table_of("wanted", "signal", 70, 2), tmp_path / "b.parquet")
    assert make_session(tmp_path, cuts).live.samples["wanted"].size == 120
