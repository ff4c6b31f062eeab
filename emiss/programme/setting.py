"""What a search takes from a set-up: the matter of its target and the places of decays, relative to the front of the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.physics.nuclei import ELEMENTS
from emiss.physics.processes.base import Beam, Target
from emiss.reco.parts.materials import shipped
from emiss.samples.beam_schema import PARTICLES
from emiss.samples.setup import SetUp
from emiss.samples.targets import target_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.programme.search_file import SearchFile, SearchTarget, Signature
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume


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
    particle : str
        Of the beam.
    front, back : float
        z of the target's front, and of the end of the last part, mm.
    """

    setup: str
    beam: Beam
    target: Target
    threshold: float
    windows: Mapping[str, tuple[Window, ...]]
    particle: str = ""
    front: float = 0.0
    back: float = 0.0


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
    if particle not in PARTICLES:
        raise UserError(f"no beam of '{particle}'", hint=did_you_mean(particle, PARTICLES))
    front, target = _target(search, detector)
    back = max(float(volume.z_range[1]) for volume in detector.volumes.values())
    windows = {}
    for case, written in search.cases.items():
        path: tuple[str | int, ...] = ("cases", case, "signatures") if written.signatures else ("signatures",)
        windows[case] = tuple(
            _window(search, (*path, position), one, detector, front)
            for position, one in enumerate(search.signatures_of(case))
        )
    return Setting(
        detector.name, Beam(PARTICLES[particle], energy), target, search.lowest(energy), windows, particle, front, back
    )


def _target(search: SearchFile, detector: Detector) -> tuple[float, Target]:
    """Return z of the target's front, mm, and the target."""
    wanted, setup = search.target, SetUp(detector)
    if wanted is not None and wanted.material:
        return setup.target.z, _pure(search, wanted)
    part = None if wanted is None else wanted.part
    try:
        target, front = target_of(setup, part)
    except UserError as error:
        path: tuple[str, ...] = ("setup",) if part is None else ("target", "part")
        raise search.document.error(error.message, path, hint=error.hint) from None
    return front, target


def _pure(search: SearchFile, wanted: SearchTarget) -> Target:
    if wanted.material not in ELEMENTS or wanted.material not in shipped():
        known = [name for name in ELEMENTS if name in shipped()]
        hint = did_you_mean(wanted.material, known)
        raise search.document.error(f"no pure material '{wanted.material}'", ("target", "material"), hint=hint)
    nucleus, density = ELEMENTS[wanted.material], shipped()[wanted.material].density
    return Target.of(nucleus, density, wanted.radiation_lengths * 10.0 * nucleus.radiation_length / density)


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
