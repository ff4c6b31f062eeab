"""What a search takes from a set-up: the matter of its target and the places of decays, relative to the front of the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.physics.constants import AVOGADRO, Nucleus
from emiss.physics.nuclei import ELEMENTS
from emiss.physics.processes.base import Beam, Target
from emiss.reco.parts.materials import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.programme.search_file import SearchFile, SearchTarget, Signature
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume
    from emiss.reco.parts.materials import Material

CODES = {
    "e-": 11,
    "e+": -11,
    "mu-": 13,
    "mu+": -13,
    "pi-": -211,
    "pi+": 211,
    "K-": -321,
    "K+": 321,
    "p": 2212,
    "pbar": -2212,
}
"""PDG codes of beams."""


@dataclass(frozen=True)
class Window:
    """Where decays count, mm behind the front of the target; everywhere if `after` is None, without end if `before` is inf."""

    after: float | None = None
    before: float = math.inf


@dataclass(frozen=True)
class Setting:
    """What a search takes from a set-up.

    Attributes
    ----------
    setup : str
        Its name.
    beam : Beam
    target : Target
    threshold : float
        Lowest energy of the new particle that is counted, GeV.
    windows : mapping of case to tuple of Window
        Of the signatures, in their order.
    """

    setup: str
    beam: Beam
    target: Target
    threshold: float
    windows: Mapping[str, tuple[Window, ...]]


def setting_of(search: SearchFile, detector: Detector, particle: str, energy: float) -> Setting:
    """Return what a search takes from a set-up.

    Parameters
    ----------
    search : SearchFile
    detector : Detector
    particle, energy : str, float
        Of the beam, GeV.

    Raises
    ------
    UserError
        If the set-up lacks a part or material that the search names.
    """
    if particle not in CODES:
        raise UserError(f"no beam of '{particle}'", hint=did_you_mean(particle, CODES))
    front, target = _target(search, detector)
    windows = {}
    for case, written in search.cases.items():
        path: tuple[str | int, ...] = ("cases", case, "signatures") if written.signatures else ("signatures",)
        windows[case] = tuple(
            _window(search, (*path, position), one, detector, front)
            for position, one in enumerate(search.signatures_of(case))
        )
    return Setting(detector.name, Beam(CODES[particle], energy), target, search.lowest(energy), windows)


def _target(search: SearchFile, detector: Detector) -> tuple[float, Target]:
    """Return z of the target's front, mm, and the target."""
    wanted = search.target
    if wanted is not None and wanted.material:
        return _front(detector), _pure(search, wanted)
    names = wanted.elements if wanted is not None else _own(search, detector)
    volumes = [
        _volume(search, ("target", "elements", position) if wanted is not None else ("setup",), name, detector)
        for position, name in enumerate(names)
    ]
    matter: dict[str, float] = {}
    for volume in volumes:
        for name, length in (volume.matter or {}).items():
            matter[name] = matter.get(name, 0.0) + length
    if not matter:
        raise search.document.error(
            f"the set-up {detector.name} does not say what {', '.join(names)} is made of", ("setup",)
        )
    front = float(min(volume.z_range[0] for volume in volumes))
    back = float(max(volume.z_range[1] for volume in volumes))
    known = {name: detector.material(name) for name in matter}
    return front, mixture(matter, known, back - front)


def _own(search: SearchFile, detector: Detector) -> tuple[str, ...]:
    if detector.target is None:
        raise search.document.error(
            f"the set-up {detector.name} names no target",
            ("setup",),
            hint="name its elements: target: {elements: [...]}",
        )
    return tuple(volume.name for volume in detector.parts[detector.target].volumes(detector.target))


def _front(detector: Detector) -> float:
    return 0.0 if detector.target is None else detector.parts[detector.target].volumes(detector.target)[0].z_range[0]


def _pure(search: SearchFile, wanted: SearchTarget) -> Target:
    if wanted.material not in ELEMENTS or wanted.material not in shipped():
        known = [name for name in ELEMENTS if name in shipped()]
        hint = did_you_mean(wanted.material, known)
        raise search.document.error(f"no pure material '{wanted.material}'", ("target", "material"), hint=hint)
    nucleus, density = ELEMENTS[wanted.material], shipped()[wanted.material].density
    return Target.of(nucleus, density, wanted.radiation_lengths * 10.0 * nucleus.radiation_length / density)


def mixture(matter: Mapping[str, float], materials: Mapping[str, Material], thickness: float) -> Target:
    """Return mm of materials spread evenly over a thickness; radiation lengths add as inverses."""
    number: dict[Nucleus, float] = {}
    radiation_lengths = 0.0
    for name, length in matter.items():
        material = materials[name]
        radiation_lengths += length / material.x0
        parts = {nucleus_of(one, material): count for one, count in (material.elements or {name: 1.0}).items()}
        formula = sum(nucleus.molar_mass * count for nucleus, count in parts.items())
        for nucleus, count in parts.items():
            per_mm3 = count * AVOGADRO * material.density / formula * 1e-3
            number[nucleus] = number.get(nucleus, 0.0) + per_mm3 * length / thickness
    return Target(tuple(number.items()), thickness / radiation_lengths, thickness)


def nucleus_of(name: str, material: Material) -> Nucleus:
    """Return the nucleus of an element; of what is none and says no elements, one of its mean charge and mass."""
    if name in ELEMENTS:
        return ELEMENTS[name]
    return Nucleus(material.z, material.a, 0.1 * material.x0 * material.density, material.a)


def _window(
    search: SearchFile, path: tuple[str | int, ...], one: Signature, detector: Detector, front: float
) -> Window:
    if one.after is None:
        return Window()
    after = _end(search, (*path, "after"), one.after, detector) - front
    if one.before is None:
        return Window(after)
    before = _end(search, (*path, "before"), one.before, detector) - front
    if not after < before:
        text = f"'{one.before}' is not behind '{one.after}' in {detector.name}"
        raise search.document.error(text, (*path, "before"))
    return Window(after, before)


def _end(search: SearchFile, path: tuple[str | int, ...], text: str, detector: Detector) -> float:
    name, _, face = text.rpartition(" ")
    z = _volume(search, path, name, detector).z_range
    return float(z[0] if face == "front" else z[1])


def _volume(search: SearchFile, path: tuple[str | int, ...], name: str, detector: Detector) -> Volume:
    if name not in detector.volumes:
        hint = did_you_mean(name, detector.volumes)
        raise search.document.error(f"the set-up {detector.name} has no element '{name}'", path, hint=hint)
    return detector.volumes[name]
