"""Muons and beam particles through a magnet and its Micromegas: bend, scattering, acceptance, and the points that are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.field.transport import UniformBox
from emiss.reco.parts.technologies import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.reco.detector.spectrometers import Arm
    from emiss.reco.field.transport import Field
    from emiss.samples.config import Response
    from emiss.samples.walk.state import State

TRUE = ("true", "across", "slope", "slope_across", "late")
"""What a particle did where it crossed a plane of the file: the coordinate of the view and the other one (mm), their slopes,
and how late it came (ns)."""


class Came(NamedTuple):
    """When N beam particles came, arrays of shape (N,), ns.

    Attributes
    ----------
    start : array
        As the reference counters tell it: the phase of the clock of the waveforms is in it.
    late : array
        Behind the particle that triggers, from which TDCs measure.
    """

    start: Floats
    late: Floats

    @classmethod
    def together(cls, count: int) -> Came:
        """Return particles that come with the trigger, and with the clock."""
        return cls(np.zeros(count), np.zeros(count))


POINTS = {"plane": "i2", "position": "f8", "charge": "f8", "time": "f8", **dict.fromkeys(TRUE, "f8")}
"""Fields of points, as in `emiss.events.batch.Batch`, and what the digitisation needs where planes are not in their places."""

AIR = 303.9e3
"""Radiation length of dry air at 20 C and 1 atm, mm (PDG: 36.62 g/cm2, 1.205 g/l)."""

BEND = 0.299792458e-3
"""GeV/(T mm): p = BEND * B * R for charge 1; the speed of light in these units."""


def bend(muons: State, box: UniformBox, z: float) -> None:
    """Move muons to `z` through the part of a uniform field that lies before it: the exact arc.

    In the plane across the field sin(angle) falls by BEND q B dz / p_t, a positive charge in By > 0 bends to -x. A muon
    that would be turned back is dead.
    """
    muons.drift_to(min(z, box.z_range[0]))
    stop = min(z, box.z_range[1])
    step = np.where(muons.alive, np.maximum(stop - np.maximum(muons.z, box.z_range[0]), 0.0), 0.0)
    inside = step > 0
    if box.by != 0.0 and np.any(inside):
        p = muons.momentum
        norm = muons.stretch
        transverse = p * np.sqrt(1.0 + muons.tx**2) / norm
        curvature = BEND * muons.charge * box.by / np.maximum(transverse, 1e-12)  # 1/mm
        sine = muons.tx / np.sqrt(1.0 + muons.tx**2)
        after = sine - curvature * step
        turned = inside & (np.abs(after) >= 1.0)
        bent = inside & ~turned & (curvature != 0.0)
        safe = np.where(bent, curvature, 1.0)
        after = np.where(bent, after, sine)
        alpha, beta = np.arcsin(sine), np.arcsin(after)
        muons.x = np.where(bent, muons.x + (np.cos(beta) - np.cos(alpha)) / safe, muons.x)
        # y grows with the arc in the plane across the field: dy/ds = p_y/p_t
        slope = muons.ty / np.sqrt(1.0 + muons.tx**2)
        muons.y = np.where(bent, muons.y + slope * (alpha - beta) / safe, muons.y)
        muons.tx = np.where(bent, np.tan(beta), muons.tx)
        muons.ty = np.where(bent, slope / np.cos(beta), muons.ty)
        muons.z = np.where(bent, muons.z + step, muons.z)
        muons.alive &= ~turned
    muons.drift_to(z)


def transport(muons: State, field: Field, z: float) -> None:
    """Move muons to `z` through the part of any field that lies before it; those that leave the known field are dead."""
    if isinstance(field, UniformBox):
        bend(muons, field, z)
        return
    muons.drift_to(min(z, field.region[0]))
    under_way = muons.alive & (muons.z < z) & (muons.momentum > 0)
    for start in np.unique(muons.z[under_way]):
        rows = np.flatnonzero(under_way & (muons.z == start))
        states = np.stack(
            [muons.x, muons.y, muons.tx, muons.ty, muons.charge / np.maximum(muons.momentum, 1e-12)], axis=1
        )[rows]
        moved, _ = field.transport(states, float(start), z)
        lost = np.isnan(moved[:, 0])
        muons.alive[rows[lost]] = False
        for values, column in zip((muons.x, muons.y, muons.tx, muons.ty), moved.T, strict=False):
            values[rows[~lost]] = column[~lost]
        muons.z[rows] = z


def stations(arm: Arm) -> list[float]:
    """Return the z (mm) of the stations of a spectrometer, along the beam."""
    return [z for _, z in sorted({plane.station: plane.z for plane in arm.planes}.items())]


def at_station(
    muons: State,
    arm: Arm,
    station: int,
    gap: float,
    settings: Response,
    came: Came,
    rng: np.random.Generator,
    *,
    radiating: Array | None = None,
) -> tuple[Array, list[dict[str, Array]]]:
    """Let particles that have come to the z of a station scatter in the air before it, cross its planes and scatter there.

    Parameters
    ----------
    gap : float
        mm of air before it.

    Returns
    -------
    here : bool array of shape (M,)
        Who crosses all its views.
    seen : list of columns
        The points in each view, with their events.
    """
    from emiss.physics.passage.muons import highland_angle
    from emiss.physics.passage.single_scattering import deflections

    count = len(muons.event)
    views = [
        (number, plane)
        for number, plane in zip(arm.numbers.tolist(), arm.planes, strict=True)
        if plane.station == station
    ]
    z = views[0][1].z
    if gap > 0.0:
        p = np.maximum(muons.momentum, 1e-3)
        theta = highland_angle(p, gap / AIR * muons.stretch)
        muons.scatter(np.where(muons.at(z), theta, 0.0), gap, rng)
    here = muons.at(z)
    local = {plane.view: (muons.x if plane.view == "x" else muons.y) - plane.centre for _, plane in views}
    for _, plane in views:
        here &= np.abs(local[plane.view]) < 0.5 * plane.strips * plane.pitch
    late = came.late[muons.event]
    smear = settings.tracker_time * rng.normal(size=count)
    deposit = settings.cluster_charge * moyal(settings.cluster_landau, count, rng)  # shared by the views
    found = []
    for number, plane in views:
        told = measured(plane, plane.centre + local[plane.view], rng)
        came_at = late if plane.timed else came.start[muons.event]
        crossing = _crossing(muons, plane.view)
        charge = deposit * np.exp(settings.cluster_sharing * rng.normal(size=count))
        seen = here & (rng.random(count) < plane.efficiency) & (charge > 0)
        if told.inside is not None:
            seen &= told.inside
        found.append(
            {
                "event": muons.event[seen],
                "plane": np.full(int(seen.sum()), number, np.int16),
                "position": told.position[seen],
                "charge": charge[seen],
                "time": (came_at + (smear if told.time is None else told.time))[seen],
                **{name: values[seen] for name, values in zip(TRUE, (*crossing, late), strict=True)},
            }
        )
    p = np.maximum(muons.momentum, 1e-3)
    x_over_x0 = views[0][1].x_over_x0
    thickness = x_over_x0 * muons.stretch
    if settings.plane_scattering == "moliere":
        kick_x, kick_y = deflections(p, np.where(here, thickness, 0.0), rng)
        muons.tx += kick_x
        muons.ty += kick_y
    else:
        muons.scatter(np.where(here, highland_angle(p, thickness), 0.0), 0.0, rng)
    if radiating is not None:
        muons.energy *= np.where(radiating & here, bremsstrahlung(x_over_x0, count, rng), 1.0)
    return here, found


def _crossing(muons: State, view: str) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the first of the columns `TRUE` of a view."""
    x, y = (muons.x, muons.tx), (muons.y, muons.ty)
    (own, slope), (across, slope_across) = (x, y) if view == "x" else (y, x)
    return own, across, slope, slope_across


def points_of(found: Sequence[dict[str, Array]], event_of: Ints, events: int) -> Lists:
    """Return the points seen at stations by event (as `Batch.points`); `event_of` is the event of each row."""
    if not found:
        return Lists.empty(events, POINTS)
    columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    event = event_of[columns.pop("event")]
    order = np.argsort(event, kind="stable")
    counts = np.bincount(event, minlength=events)
    return Lists(offsets_of(counts), {name: values[order] for name, values in columns.items()})


def moyal(width: float, shape: int | tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return energies of most probable value 1 from the Moyal distribution of that width, a stand-in for Landau's.

    The variable -ln(z^2) of a normal z follows Moyal's density exp(-(v + exp(-v))/2)/sqrt(2 pi).
    """
    normal = np.abs(rng.normal(size=shape))
    return np.maximum(1.0 - 2.0 * width * np.log(np.maximum(normal, 1e-12)), 0.0)


def bremsstrahlung(thickness: float, count: int, rng: np.random.Generator) -> Floats:
    """Return the part of its energy that an electron keeps in `thickness` radiation lengths, shape (count,).

    Its logarithm is Gamma distributed with the shape thickness/ln 2 (H. Bethe, W. Heitler, Proc. R. Soc. A 146 (1934) 83).
    """
    kept: Floats = np.exp(-rng.gamma(thickness / np.log(2.0), size=count))
    return kept
