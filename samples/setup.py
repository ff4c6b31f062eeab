"""What the fast simulation takes the parts of a set-up for, by their kinds and places along the beam."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.reco.detector.axis import axis
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels

if TYPE_CHECKING:
    from emiss.reco.detector.model import Detector
    from emiss.reco.detector.spectrometers import Arm
    from emiss.reco.parts.base import Volume


def on_axis(volume: Volume, *, x: float = 0.0) -> bool:
    """Tell whether the axis, or a line along it at x (mm), goes through a box and not through its hole."""
    away = (abs(x - volume.x), abs(volume.y))
    inside = all(at < 0.5 * size for at, size in zip(away, (volume.width, volume.height), strict=True))
    return inside and not all(at < 0.5 * size for at, size in zip(away, volume.hole, strict=True))


class SetUp:
    """A detector as the simulation sees it.

    The target is what the detector file says (``target: NAME``), or else the first calorimeter with cells in columns and rows
    (kind `grid`) that the axis goes into.

    Raises
    ------
    UserError
        If there is none.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        grids = detector.of_kind(Grid)
        crossed = sorted((grid.z, name) for name, grid in grids.items() if all(map(on_axis, grid.volumes(name))))
        if detector.target is None and not crossed:
            raise UserError(
                "the set-up has no part of the kind 'grid' on its axis, which the beam showers in",
                at=Location(str(detector.file)),
            )
        self.target_name = detector.target or crossed[0][1]
        self.target = grids[self.target_name]

    @cached_property
    def counters(self) -> dict[str, float]:
        """The counters before the target, which each beam particle crosses: visible energy of a MIP, GeV."""
        return {
            name: mip
            for part in self.detector.of_kind(Counter).values()
            for name, mip, volume in zip(part.names(), part.mips(), part.volumes(""), strict=True)
            if volume.z < self.target.z and (on_axis(volume) or on_axis(volume, x=axis(self.detector, volume.z)))
        }

    @cached_property
    def taggers(self) -> list[str]:
        """The modules of one cell before the target without a MIP scale: they see synchrotron light."""
        return [
            volume.name
            for part in self.detector.of_kind(Modules).values()
            if part.cells == 1 and part.mip is None
            for volume in part.volumes("")
            if volume.z < self.target.z
        ]

    @cached_property
    def lit(self) -> bool:
        """Whether the light of a magnet comes to the modules on its way through the set-up: they have places and matter."""
        volumes = [self.detector.volumes[name] for name in self.taggers]
        begins = min((volume.z for volume in volumes), default=0.0)
        bends = any(magnet.z[1] <= begins for magnet in self.detector.magnets.values())
        return bends and all(one.matter and min(one.width, one.height, one.depth) > 0.0 for one in volumes)

    @cached_property
    def absorbers(self) -> dict[str, Modules]:
        """The calorimeters that muons cross, beside those of the kind `grid`."""
        return {
            name: part
            for name, part in self.detector.of_kind(Modules).items()
            if part.mip is not None and all(volume.matter for volume in part.volumes(name))
        }

    @cached_property
    def last_absorber(self) -> Volume:
        """The last module on the axis, or else the target."""
        volumes = [volume for part in self.absorbers.values() for volume in part.volumes("")]
        volumes = [volume for volume in volumes if on_axis(volume)] or [*self.target.volumes("")]
        return max(volumes, key=lambda volume: volume.z)

    @cached_property
    def panels(self) -> dict[str, Panels]:
        """Panels, along the beam."""
        return dict(sorted(self.detector.of_kind(Panels).items(), key=lambda item: item[1].z))

    @cached_property
    def decays_from(self) -> float:
        """Where decays of beam particles begin to go unnoticed, mm: at what tags them, or else at the first counter."""
        volumes = self.detector.volumes
        return min((volumes[name].z for name in self.taggers or self.counters), default=self.target.z)

    @cached_property
    def upstream(self) -> dict[str, Arm]:
        """The spectrometers before the target."""
        return {name: arm for name, arm in self.detector.arms.items() if arm.planes[-1].z <= self.target.z}

    @cached_property
    def downstream(self) -> dict[str, Arm]:
        """The other spectrometers, along the beam."""
        others = {name: arm for name, arm in self.detector.arms.items() if name not in self.upstream}
        return dict(sorted(others.items(), key=lambda item: item[1].planes[0].z))
