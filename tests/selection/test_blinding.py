"""What the blind box depends on."""

from __future__ import annotations

import pytest

from emiss.selection import loads
from emiss.selection.blinding import box_parameters

TEXT = """
analysis: blinded
parameters: {{x: 2, y: '{value}', z: 1}}
blind: {{samples: run, box: 'ecal.energy > y'}}
cuts: [{{name: all_in, require: 'z > 0'}}]
"""


@pytest.mark.parametrize("value", ["x * 2 GeV", "2 GeV * x", "x * 1 GeV + 2 GeV"])
def test_a_parameter_behind_a_parameter_of_the_box(value):
    assert box_parameters(loads(TEXT.format(value=value))) == {"x", "y"}


@pytest.mark.parametrize("value", ["5 GeV", "-5 GeV", "1_000 MeV"])
def test_a_plain_number_depends_on_nothing(value):
    assert box_parameters(loads(TEXT.format(value=value))) == {"y"}
