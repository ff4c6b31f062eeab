"""Models by name: what is there, what is refused, and what other packages hand in."""

import numpy as np
import pytest

from emiss.physics.emission import dark_photon_yields
from emiss.physics.processes import registry
from emiss.physics.processes.base import LEAD_TARGET, Beam, Model
from emiss.physics.processes.vectors import DarkPhoton

ELECTRON = Beam(11, 100.0)


@pytest.mark.parametrize("name", registry.names())
def test_each_name_gives_a_model_of_that_name(name):
    model = registry.make(name)
    assert isinstance(model, Model)
    assert model.name == name


def test_unknown_names_and_parameters_are_refused_with_what_there_is():
    with pytest.raises(ValueError, match="no model 'dork-photon'; there are dark-photon"):
        registry.make("dork-photon")
    with pytest.raises(ValueError, match=r"no parameter 'alpha'.*alpha_d, ratio"):
        registry.make("dark-photon", {"alpha": 0.1})
    with pytest.raises(ValueError, match="'alpha_d' is a number"):
        registry.make("dark-photon", {"alpha_d": "large"})


def test_a_model_of_another_package_is_made_with_its_parameters():
    made = registry.make("mine", {"ratio": 2.5}, {"mine": DarkPhoton})
    assert made.parameters["ratio"] == 2.5


def test_dark_photons_are_as_many_as_in_the_yields():
    mass = 0.01
    expected = dark_photon_yields.emission(mass, mixing=1e-4, threshold=50.0)
    made = registry.make("dark-photon").production(mass, ELECTRON, LEAD_TARGET, threshold=50.0)
    assert made.at(1e-4).sum() == pytest.approx(expected.total, rel=1e-3)
    above = dark_photon_yields.emission(mass, mixing=1e-4, threshold=75.0)
    assert made.at(1e-4)[made.energy > 75.0].sum() == pytest.approx(above.total, rel=2e-3)
    depth = 0.5 * (expected.depth[1:] + expected.depth[:-1]) * LEAD_TARGET.x0
    assert np.average(made.depth, weights=made.rate) == pytest.approx(
        depth @ expected.content.sum(axis=1) / expected.total, rel=1e-3
    )
