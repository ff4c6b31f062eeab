"""Lepton moments and thermal targets in the plane of a search."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.physics.constraints import one_loop, thermal
from emiss.programme.checking import check_search
from emiss.programme.counted import Asked, Left, periods_of
from emiss.programme.mass_limit import How
from emiss.programme.result import SearchLimit
from emiss.programme.run import Limiting, flat, limits
from emiss.programme.search_figure import dark_matter, plane
from emiss.programme.search_file import load_search
from emiss.programme.search_lines import DIFFERENCES, moments, targets


def test_bands_explain_the_difference_in_the_coupling_of_the_plane():
    (band,) = moments(load_search("invisible"), [1e-3, 0.1])
    told = DIFFERENCES["electron"]["rubidium"]
    e = load_search("invisible").model("alpha_d 0.1").charge("electron")
    explained = one_loop.contribution("V", band.mass, e * band.high, lepton="electron")
    np.testing.assert_allclose(explained, told.value + 2.0 * told.error, rtol=1e-9)
    assert not band.low.any()  # no moment at all is within two standard deviations
    for case in moments(load_search("muon"), [1e-3, 1.0]):  # g itself
        explained = one_loop.contribution("V", case.mass, case.high, lepton="muon")
        known = DIFFERENCES["muon"][case.difference]
        np.testing.assert_allclose(explained, known.value + 2.0 * known.error, rtol=1e-9)


def test_a_sign_that_a_particle_cannot_have_is_explained_by_no_coupling():
    scalar, pseudoscalar = (
        {one.difference: one for one in moments(load_search(name), [1e-2, 0.1])} for name in ("generic-s", "generic-p")
    )
    assert not scalar["caesium"].high.any()
    assert pseudoscalar["caesium"].low.all()


def test_thermal_targets_are_where_the_lines_hold():
    found = targets([1e-4, 5.0], 3.0)
    assert set(found) == set(thermal.LINES)
    mass, y = found["scalar"]
    assert mass[0] > thermal.LIGHTEST
    assert mass[-1] == pytest.approx(thermal.HEAVIEST)
    np.testing.assert_allclose(y, thermal.line(mass, "scalar") / 81.0)
    assert not targets([2.0, 5.0], 3.0)
    assert not targets([1e-2, 0.1], 2.0)


def test_figures_have_them():
    search = load_search("invisible")
    periods = periods_of(search, Asked(on_target=2.84e11), Left(0.0, 0.0, "none"))
    how = How(search.plane.low, search.plane.high, search.plane.reference)
    case = next(iter(search.cases))
    efficiencies = {(case, mass): flat(search, case, periods, 0.5) for mass in (0.01, 0.03)}
    points = limits(Limiting(search, tuple(periods), how), efficiencies)
    found = SearchLimit(search, periods, Left(0.0, 0.0, "none"), how, points, [], "flat")
    (place,) = plane(found).axes
    assert any("rubidium" in text for text in place.get_legend_handles_labels()[1])
    (place,) = dark_matter(found).axes
    assert [text for text in place.get_legend_handles_labels()[1] if "thermal" in text] == [
        "thermal, scalar", "thermal, majorana", "thermal, pseudo-dirac"
    ]  # fmt: skip
    drawn = place.get_lines()[0].get_ydata()
    assert drawn == pytest.approx([one.intervals[0].low ** 2 * 0.1 / 81.0 for one in points])
    (told,) = found.to_json({})["moments"]
    assert told["lepton"] == "electron"
    assert len(told["mass"]) == len(told["high"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("invisible", ("[rubidium]", "[rubidum]"), "no difference 'rubidum' of the electron.*did you mean 'rubidium'"),
        ("alp", ("plane:", "moments: {electron: [rubidium]}\nplane:"), "'photons' does not couple to leptons"),
    ],
)
def test_moments_that_there_are_not_are_told_at_their_place(tmp_path, name, change, message):
    text = load_search(name).document.text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(UserError, match=message) as error:
        check_search(path)
    assert "own.yaml:" in error.value.render()
