"""The target of a set-up as `emiss.physics.processes` takes it: nuclei per volume, radiation length and thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.physics.constants import AVOGADRO, LEAD, Nucleus
from emiss.physics.nuclei import ELEMENTS
from emiss.physics.processes.base import Target

if TYPE_CHECKING:
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume
    from emiss.reco.parts.materials import Material
    from emiss.samples.setup import SetUp

SAME = 0.02
"""Relative; a material is of a known nucleus whose charge and mass are as near."""


def target_of(setup: SetUp, part: str | None = None) -> tuple[Target, float]:
    """Return the target of a set-up, or another part of it, and the z of its front (mm); materials are spread evenly.

    Raises
    ------
    UserError
        If there is no such part, or the detector file does not say what it is made of.
    """
    detector, name = setup.detector, part or setup.target_name
    if name not in detector.parts:
        raise UserError(
            f"{detector.name} has no part '{name}' to be a target", hint=f"parts: {', '.join(detector.parts)}"
        )
    volumes = sorted((one for one in detector.parts[name].volumes(name) if one.matter), key=lambda one: one.z)
    if not volumes:
        raise UserError(
            f"the part '{name}' of {detector.name} has no matter: nothing can be made in it",
            hint="give it `matter`, as in `matter: {lead: 225 mm, scintillator: 225 mm}`",
        )
    return of_volumes(detector, volumes), volumes[0].z


def of_volumes(detector: Detector, volumes: list[Volume]) -> Target:
    """Return volumes one behind the other as one target."""
    thickness = sum(volume.depth for volume in volumes)
    numbers: dict[Nucleus, float] = {}
    lengths = 0.0
    for volume in volumes:
        for name, path in (volume.matter or {}).items():
            material = detector.material(name)
            lengths += path / material.x0
            for nucleus, number in _nuclei(material).items():
                numbers[nucleus] = numbers.get(nucleus, 0.0) + number * path / thickness
    return Target(tuple(numbers.items()), thickness / lengths, thickness)


def _nuclei(material: Material) -> dict[Nucleus, float]:
    """Return the nuclei of a material and how many of each there are per mm^3; of a compound those of its elements."""
    if not material.elements:
        return {_nucleus(material): AVOGADRO * material.density / material.a * 1e-3}
    counts = {ELEMENTS[name]: count for name, count in material.elements.items()}
    formula = sum(nucleus.molar_mass * count for nucleus, count in counts.items())
    return {nucleus: AVOGADRO * material.density / formula * 1e-3 * count for nucleus, count in counts.items()}


def _nucleus(material: Material) -> Nucleus:
    """Return the nucleus that a material is known by, or one with its mean charge and mass."""
    for known in (LEAD, *ELEMENTS.values()):
        if abs(material.z / known.z - 1.0) < SAME and abs(material.a / known.molar_mass - 1.0) < SAME:
            return known
    return Nucleus(material.z, material.a, 0.1 * material.x0 * material.density, material.a)
