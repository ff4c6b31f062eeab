"""Published numbers that ship, with a flat efficiency: one of each kind, compared as `emiss validate` does.

Nothing is fitted to them; what is tolerated is in `configs/validations`.
"""

from __future__ import annotations

import pytest

from emiss.programme.counted import Asked, background_of, periods_of
from emiss.programme.mass_limit import How
from emiss.programme.run import Limiting, flat, limits
from emiss.programme.search_file import load_search
from emiss.validate.checks import load_checks


def point(search, case, mass, efficiency, on_target=None):
    """Return the point of a case, with nothing observed where the exposure is a number."""
    observed = (0,) if on_target is not None else ()
    periods = periods_of(search, Asked(on_target=on_target, observed=observed), background_of(search, ""))
    how = How(search.plane.low, search.plane.high, search.plane.reference)
    work = Limiting(search, tuple(periods), how)
    (found,) = limits(work, {(case, mass): flat(search, case, periods, efficiency)})
    return found


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("invisible", "lowest ε at 10 MeV, 2.84e11 electrons, efficiency 0.5"),
        ("invisible", "lowest ε at 237.3 MeV, 9.37e11 electrons, efficiency 0.5"),
        ("b-l", "lowest g at 2 MeV, 3.22e11 electrons, efficiency 0.5"),
        ("alp", "lower g at 16.6 MeV, 2.84e11 electrons, efficiency 0.5 [1/GeV]"),
        ("alp", "upper g at 28.3 MeV, 2.84e11 electrons, efficiency 0.5 [1/GeV]"),
        ("positron", "lowest ε at 200 MeV, alpha_D 0.1, efficiency 0.5"),
        ("hadron", "Br(η → invisible), efficiency 1"),
        ("hadron", "ratio of the two, efficiency 1"),
        ("conversion", "Λ_T / Λ_V, e → τ: that of the talk's table"),
        ("conversion", "Λ_V / Λ_S, e → τ: that of the talk's table"),
    ],
)
def test_a_check_point_is_within_what_is_tolerated(name, what):
    search = load_search(name)
    (check,) = [one for one in load_checks(name, search).checks if one.what == what]

    def ours(case, mass):
        found = point(search, case, mass, check.efficiency, check.on_target)
        return found.intervals[0].low if check.quantity == "low" else found.intervals[-1].high

    case = check.case or next(iter(search.cases))
    value = ours(case, check.mass)
    if check.over is not None:
        value /= ours(check.over.case or case, check.over.mass or check.mass)
    assert check.agrees(value / check.published), value


def test_without_a_splitting_the_semivisible_curve_is_the_invisible_one(tmp_path):
    plain, split = load_search("invisible"), load_search("semivisible")
    text = split.document.text.replace("splitting: 0.4}}", "splitting: 0}}")
    assert text != split.document.text
    (tmp_path / "split.yaml").write_text(text, encoding="utf-8")
    split = load_search(tmp_path / "split.yaml")
    (one,), (other,) = plain.cases, split.cases
    found, expected = point(split, other, 0.01, 0.5, 2.84e11), point(plain, one, 0.01, 0.5, 2.84e11)
    assert found.intervals[0].low == pytest.approx(expected.intervals[0].low, rel=1e-5)
    assert found.signal / expected.signal == pytest.approx((split.plane.reference / plain.plane.reference) ** 2)
