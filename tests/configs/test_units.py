"""Units: quantities as text, dimensions, and what is said of wrong ones."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs.units import ENERGY, FIELD, LENGTH, PURE, TIME, UNITS, UnitError, parse_quantity, parse_unit


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("20 GeV", ENERGY, 20.0),
        ("20000MeV", ENERGY, 20.0),
        ("250 um", LENGTH, 0.25),
        ("-2.3 m", LENGTH, -2300.0),
        ("12.5 ns", TIME, 12.5),
        ("1.4 T", FIELD, 1.4),
        ("15 percent", PURE, 0.15),
        ("2 mrad", PURE, 2e-3),
        ("1e11", PURE, 1e11),
        ("0", ENERGY, 0.0),
        ("6.8 T*m", FIELD * LENGTH, 6800.0),
        ("3 GeV/mm^2", ENERGY / LENGTH**2, 3.0),
        ("1_000 mm", LENGTH, 1000.0),
    ],
)
def test_quantities_in_base_units(text, dimension, value):
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "says"),
    [
        ("20", ENERGY, "write '20 GeV'"),
        ("20 mm", ENERGY, "is in mm, where a quantity in GeV"),
        ("20 GeVV", ENERGY, "did you mean 'GeV'"),
        ("abc", ENERGY, "no number with a unit"),
        ("1 GeV", PURE, "a pure number is needed"),
        ("1 GeV^x", ENERGY, "no whole power"),
        ("", LENGTH, "no number"),
    ],
)
def test_what_is_said_of_wrong_ones(text, dimension, says):
    with pytest.raises(UnitError, match=says.replace("(", r"\(")):
        parse_quantity(text, dimension)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_dimensions_are_a_group(a, b):
    x, y = parse_unit(a).dimension, parse_unit(b).dimension
    assert x * y == y * x
    assert (x * y) / y == x
    assert (x**2) ** Fraction(1, 2) == x
    assert (x / x).pure


def test_dimensions_in_words():
    assert str(ENERGY) == "GeV"
    assert str(LENGTH / TIME) == "mm/ns"
    assert str(ENERGY**2) == "GeV^2"
    assert str(PURE / LENGTH) == "1/mm"
    assert str(PURE) == "1"
