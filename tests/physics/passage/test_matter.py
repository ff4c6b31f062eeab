"""Materials of muons: what is known of them, and the general expressions for those that are not."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.passage.matter import KNOWN, generic, matter
from emiss.physics.passage.muons import restricted
from emiss.reco.parts.materials import shipped


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_elements_make_up_the_whole(name):
    assert sum(part for *_, part in KNOWN[name].elements) == pytest.approx(1.0, abs=1e-3)


def test_every_material_that_ships_is_known():
    for name, one in shipped().items():
        found = matter(name, one.density, one.z, one.a)
        assert found.elements == KNOWN[name].elements
        assert found.density == one.density


@pytest.mark.parametrize("name", ["lead", "tungsten", "iron", "copper", "aluminium", "silicon", "helium"])
@pytest.mark.parametrize("energy", [0.5, 5.0, 100.0])
def test_the_general_expressions_are_good_to_a_few_per_cent(name, energy):
    known = KNOWN[name]
    ((z, a, _),) = known.elements
    assert restricted(np.array(energy), generic(known.density, z, a)) == pytest.approx(
        restricted(np.array(energy), known), rel=0.04
    )


def test_a_material_of_another_kind_under_a_known_name_is_taken_at_its_word():
    assert matter("scintillator", 4.51, 54.0, 129.9).elements == ((54.0, 129.9, 1.0),)
    assert matter("iron", 7.6, 26.0, 55.845).excitation == KNOWN["iron"].excitation
