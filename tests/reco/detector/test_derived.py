"""Derived quantities: what they give, in any batch size; and what is told of those that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from emiss import reco
from emiss.configs.errors import UserError, UserErrors
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of

GOOD = """
extends: na64e_lfc
name: mine
derived:
  missing: 100 GeV - ecal.energy - total
  total: {expression: sum(hcal.energy), unit: MeV, meaning: energy behind}
  hcal.share: hcal.energy / (sum(hcal.energy) + 1 MeV)
  tracks.pt: tracks.p * hypot(tracks.tx, tracks.ty)
  tracks.inverse: 1 / tracks.pt
  soft: sort(tracks, p).p
  pair.x: where(hcal.energy > 1 GeV, 1, 0)
  one: 3 mm
  pulled: atan2(tracks.x, tracks.y)
  pt_max: max(tracks.pt)
"""


def written(folder, derived: str):
    path = folder / "d.yaml"
    path.write_text(f"extends: na64e_lfc\nname: d\nderived:\n{derived}")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory, run_files):
    path = tmp_path_factory.mktemp("derived") / "mine.yaml"
    path.write_text(GOOD)
    return path, reco.process(reco.open(run_files["signal.root"], detector=path))


def test_they_are_what_numpy_says(made):
    table = made[1]
    energy = table.flat["hcal.energy"]
    total = np.array([sum(row) for row in energy.tolist()])
    np.testing.assert_allclose(table.flat["total"], 1000 * total)
    np.testing.assert_allclose(table.flat["missing"], 100 - table.flat["ecal.energy"] - total)
    np.testing.assert_allclose(table.flat["hcal.share"], energy / (total + 1e-3)[:, None])
    np.testing.assert_array_equal(table.flat["pair.x"], energy > 1)
    np.testing.assert_array_equal(table.flat["one"], np.full(300, 3.0))
    tracks = table.lists["tracks"]
    assert len(tracks["p"]) > 15
    np.testing.assert_allclose(tracks["pt"], tracks["p"] * np.hypot(tracks["tx"], tracks["ty"]))
    np.testing.assert_allclose(tracks["inverse"] * tracks["pt"], 1)
    soft = table.lists["soft"]
    np.testing.assert_array_equal(soft.offsets, tracks.offsets)
    by_event = [sorted(tracks["p"][a:b]) for a, b in zip(tracks.offsets, tracks.offsets[1:], strict=False)]
    np.testing.assert_array_equal(soft[""], np.concatenate(by_event))
    assert np.isnan(table.flat["pt_max"][tracks.counts == 0]).all()
    assert (tracks.counts == 0).any()


def test_they_are_declared_with_unit_shape_elements_and_expression(made):
    detector, table = load_detector(made[0]), made[1]
    declared = columns_of(detector)
    assert {name: declared[name] for name in declared if name in table.names} == {
        name: column for name, column in table.metadata.columns.items() if name in declared
    }
    total, share, pt = (declared[name] for name in ("total", "hcal.share", "tracks.pt"))
    assert (total.unit, total.meaning, total.expression) == ("MeV", "energy behind", "sum(hcal.energy)")
    assert (share.shape, share.size, share.elements) == ("fixed", 3, ("HCAL0", "HCAL1", "HCAL2"))
    assert (pt.shape, pt.unit, declared["soft"].shape, declared["one"].unit) == ("list", "GeV", "list", "mm")
    assert type(total).from_json("total", total.to_json()) == total


def test_no_value_depends_on_the_batch_size(made, run_files):
    path, whole = made
    small = reco.process(reco.open(run_files["signal.root"], detector=path), size=37)
    for name in ("missing", "hcal.share", "pt_max"):
        np.testing.assert_array_equal(small.flat[name], whole.flat[name])
    np.testing.assert_array_equal(small.lists["tracks"]["pt"], whole.lists["tracks"]["pt"])
    np.testing.assert_array_equal(small.lists["soft"].offsets, whole.lists["soft"].offsets)


def test_a_batch_without_events_has_them_too(made, run_files):
    run = reco.open(run_files["signal.root"], detector=made[0])
    batch = next(iter(run.files[0].batches(0, 0, 10)), None)
    if batch is None:
        batch = next(iter(run.files[0].batches(0, 5, 10))).take(np.zeros(5, bool))
    table = run.pipeline.run(batch)
    assert (len(table), table.flat["hcal.share"].shape, len(table.lists["soft"])) == (0, (0, 3), 0)


@pytest.mark.parametrize(
    ("derived", "line", "said"),
    [
        ("  a: b + 1 GeV\n  b: a * 2\n", 5, "'a' is defined by itself: a -> b -> a"),
        ("  ecal.energy: 3\n", 4, "the tables have a column 'ecal.energy' already"),
        ("  hcal: 5\n", 4, "'hcal' has columns of its own already"),
        ("  a: 5\n  a.b: 3\n", 4, "'a' has columns of its own already"),
        ("  truth.x: 1\n", 4, "columns of 'truth' are not made by set-ups"),
        ("  GeV: 1\n", 4, "'GeV' is a word of the language, or a unit"),
        ("  a.and: 1\n", 4, "'and' is a word of the language"),
        ("  a.b.c: 1\n", 4, "'a.b.c' cannot be the name of a column"),
        ("  a: ecal.energy > 1 GeV\n", 4, "is yes or no, where a number is needed"),
        ("  a: {expression: ecal.energy, unit: mm}\n", 4, "the expression is in GeV, and not in mm"),
        ("  a: {expression: ecal.energy, unit: bananas}\n", 4, "unknown unit 'bananas'"),
        ("  a: sqrt(ecal.energy)\n", 4, r"the expression is in GeV\^\(1/2\), for which there is no unit"),
        ("  a: ecal.enrgy\n", 4, "unknown name 'ecal.enrgy'.*did you mean 'ecal.energy'"),
        ('  a: "ecal.energy +"\n', 4, r"the expression ends behind '\+'"),
        ("  a: hcal.energy['HCAL7']\n", 4, "'hcal.energy' has no element 'HCAL7'"),
        ("  a: hcal.energy[-4]\n", 4, r"'hcal.energy' has 3 elements, there is no \[-4\]"),
        ("  tracks.n: count(tracks)\n", 4, "'tracks.n' does not give one value for each of 'tracks'"),
        ("  tracks.s: sort(tracks, p).p\n", 4, "'tracks.s' does not give one value for each of 'tracks'"),
        ("  s.x: hcal.energy\n", 4, "the arrays of 's' would have different lengths"),
        ("  o.a: tracks.p\n  o.b: sort(tracks, p).p\n", 4, "the lists of 'o' would have different lengths"),
        ("  o.a: tracks.p\n  o.b: 3\n", 5, "'o' would hold lists and other columns"),
        ("  a: {expresion: 3}\n", 4, "unknown key 'expresion'.*did you mean 'expression'"),
        ("  a: [1]\n", 4, "a list"),
        ("  a: truth.e0\n", 4, "unknown name 'truth.e0'"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(tmp_path, derived, line, said):
    with pytest.raises(UserError, match=said) as told:
        load_detector(written(tmp_path, derived))
    first = told.value.errors[0] if isinstance(told.value, UserErrors) else told.value
    assert (first.at.line, first.at.column > 2) == (line, True)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path):
    with pytest.raises(UserErrors) as told:
        load_detector(written(tmp_path, "  a: nothing\n  hcal: 1\n  c: {expression: ecal.energy, unit: mm}\n"))
    assert [error.at.line for error in told.value.errors] == [4, 5, 6]


def test_a_quantity_of_an_extended_set_up_can_be_changed_and_taken_out(tmp_path):
    written(tmp_path, "  a: 1 GeV\n  b: 2 GeV\n")
    path = tmp_path / "more.yaml"
    path.write_text("extends: d.yaml\nname: more\nderived: {a: ecal.energy * 2, b: null}\n")
    detector = load_detector(path)
    assert {name: column.expression for name, column in detector.quantities.columns.items()} == {"a": "ecal.energy * 2"}
