"""Tables of approximate over exact totals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from emiss.physics.emission import cross_sections
from emiss.physics.emission.k_factors import KFactors

pytestmark = pytest.mark.filterwarnings(
    "ignore:improved Weizsaecker-Williams is about 2 to 7:emiss.physics.RangeWarning"
)


@pytest.fixture(scope="module")
def table() -> KFactors:
    return KFactors.compute(np.geomspace(0.11, 1.0, 8), np.geomspace(20.0, 100.0, 5), "iww")


def test_at_and_between_the_points(table):
    for mass, energy in ((table.m_phi[0], table.energy[-1]), (table.m_phi[3], table.energy[2]), (0.37, 66.0)):
        wanted = cross_sections.total(mass, energy, method="iww") / cross_sections.total(mass, energy)
        assert table(mass, energy) == pytest.approx(wanted, rel=0.01)
    assert table(np.array([[0.2], [0.3]]), np.array([30.0, 50.0, 70.0])).shape == (2, 3)


def test_it_comes_back_from_its_text(table):
    again = KFactors.from_json(table.to_json())
    np.testing.assert_array_equal(again.ratio, table.ratio)
    np.testing.assert_array_equal(again.energy, table.energy)
    assert (again.method, again.beam, again.nucleus) == ("iww", "electron", table.nucleus)


def test_a_table_of_one_energy():
    table = KFactors.compute([0.2, 0.3], 100.0, "ww")
    assert table(0.3, 100.0) == pytest.approx(1.008, rel=1e-3)


def test_what_is_refused(table):
    with pytest.raises(ValueError, match="a mass is outside the table"):
        table(2.0, 50.0)
    with pytest.raises(ValueError, match="must rise"):
        KFactors.compute([0.3, 0.2], 100.0)
    with pytest.raises(ValueError, match="3 GeV cannot be made at 2 GeV"):
        KFactors.compute([0.3, 3.0], [2.0, 50.0])
    with pytest.raises(ValueError, match="no K-factor table"):
        KFactors.from_json("{}")
    data = json.loads(table.to_json())
    with pytest.raises(ValueError, match="not complete: 'energy'"):
        KFactors.from_json(json.dumps({k: v for k, v in data.items() if k != "energy"}))
    with pytest.raises(ValueError, match="do not fit"):
        KFactors.from_json(json.dumps(data | {"energy": [1.0]}))


def test_a_table_of_a_vector():
    table = KFactors.compute([0.01, 0.1], [50.0, 100.0], "iww", boson="vector")
    assert table.boson == "vector"
    assert (table.beam, table.final) == ("electron", "electron")
    assert table(0.1, 100.0) == pytest.approx(1.672, abs=2e-3)
    again = KFactors.from_json(table.to_json())
    np.testing.assert_array_equal(again.ratio, table.ratio)
    assert again.boson == "vector"
    assert json.loads(table.to_json())["boson"] == "vector"
