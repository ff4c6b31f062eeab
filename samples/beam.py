"""Beam particles at the ECAL front: kinds, momenta, places and slopes; and those that come beside the one that triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.samples.beam_schema import PARTICLES
from emiss.samples.walk.tracks import masses

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.samples.beam_schema import Beam, BeamView, PileUp

SLOWEST = 0.01
"""Particles below this part of the nominal momentum are drawn again: no beam line brings them here."""


class BeamParticles(NamedTuple):
    """Beam particles at the reference plane, the front of the ECAL; arrays of shape (N,).

    Attributes
    ----------
    pdg : int32 array
    energy : array
        Total energy, GeV.
    x, y : arrays
        mm.
    tx, ty : arrays
        Slopes dx/dz and dy/dz.
    """

    pdg: Array
    energy: Floats
    x: Floats
    y: Floats
    tx: Floats
    ty: Floats


class Beside(NamedTuple):
    """The particles that come beside those that trigger; arrays of shape (M,), by event and time.

    Attributes
    ----------
    event : int array
    time : array
        Relative to the particle that triggers, ns.
    particles : BeamParticles
    """

    event: Ints
    time: Floats
    particles: BeamParticles


def composition(beam: Beam, particle: str = "e-") -> tuple[Ints, Floats]:
    """Return the PDG codes of a beam and their shares, the largest first.

    Parameters
    ----------
    beam : Beam
    particle : str
        What a beam without a composition consists of: that of the set-up.

    Raises
    ------
    ValueError
        If there is no such particle.
    """
    name = "p" if particle == "proton" else particle
    if name not in PARTICLES:
        msg = f"no beam particle '{particle}'; one of {', '.join(PARTICLES)}"
        raise ValueError(msg)
    shares = sorted((beam.composition or {name: 1.0}).items(), key=lambda item: -item[1])
    return np.array([PARTICLES[key] for key, _ in shares]), np.array([share for _, share in shares])


def sample(
    beam: Beam, rows: int, rng: np.random.Generator, *, particle: str = "e-", pdg: int | None = None
) -> BeamParticles:
    """Return beam particles at the reference plane.

    Parameters
    ----------
    beam : Beam
    rows : int
        How many.
    rng : numpy Generator
        Its state alone decides the outcome.
    particle : str
        What a beam without a composition consists of.
    pdg : int, optional
        All are of this kind, whatever the composition: what a process asks for. They have the beam's momentum.
    """
    codes, shares = composition(beam, particle)
    kinds = np.full(rows, pdg) if pdg is not None else codes[_drawn(shares, rng.random(rows))]
    nominal = _nominal(beam.energy, codes[0])
    momentum = nominal * (1.0 + _deviations(beam, rows, rng))
    wide = np.zeros(rows, np.bool_) if beam.halo is None else rng.random(rows) < beam.halo.fraction
    x, tx = _view(beam, beam.x, wide, rng)
    y, ty = _view(beam, beam.y, wide, rng)
    return BeamParticles(kinds.astype(np.int32), np.hypot(momentum, masses(kinds)), x, y, tx, ty)


def beside(beam: Beam, events: int, rng: np.random.Generator, *, particle: str = "e-") -> Beside:
    """Return the beam particles that come in the window of events beside those that trigger; none without `beam.pile_up`.

    Their number is Poisson's, their times are even in the window, and they are drawn from the beam as the others are.
    """
    pile_up = beam.pile_up
    count = np.zeros(events, np.int64) if pile_up is None else rng.poisson(pile_up.mean, events)
    event = np.repeat(np.arange(events), count)
    low, high = (0.0, 0.0) if pile_up is None else pile_up.window
    time = rng.uniform(low, high, len(event))
    time = time[np.lexsort((time, event))]
    return Beside(event, time, sample(beam, len(event), rng, particle=particle))


def any_beside(pile_up: PileUp, begin: float, end: float) -> float:
    """Return the probability that another particle comes between two times (ns): 1 - exp(-rate x time in the window)."""
    low, high = max(begin, pile_up.window[0]), min(end, pile_up.window[1])
    return float(-np.expm1(-pile_up.rate * max(high - low, 0.0)))


def _nominal(energy: float, pdg: int) -> float:
    """Return the momentum (GeV) of a particle of an energy."""
    mass = float(masses(np.array([pdg]))[0])
    if energy <= mass:
        msg = f"a beam energy of {energy:g} GeV is not above the mass of its particle, {mass:g} GeV"
        raise ValueError(msg)
    return float(np.sqrt(energy**2 - mass**2))


def _drawn(shares: Floats, uniform: Floats) -> Ints:
    """Return numbers of kinds by their shares."""
    return np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)


def _deviations(beam: Beam, rows: int, rng: np.random.Generator) -> Floats:
    """Return relative deviations of the momentum, shape (rows,)."""
    made = np.empty(rows)
    open_ = np.arange(rows)
    while len(open_):
        values = beam.spread * rng.standard_normal(len(open_))
        if beam.tail is not None:
            far = rng.random(len(open_)) < beam.tail.fraction
            low = beam.tail.side == "low"
            more = -rng.standard_exponential(len(open_)) if low else rng.standard_normal(len(open_))
            values = np.where(far, beam.tail.spread * more, values)
        made[open_] = values
        open_ = open_[values < SLOWEST - 1.0]
    return made


def _view(beam: Beam, view: BeamView, wide: Array, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return positions (mm) and slopes in one view."""
    size = beam.size if view.size is None else view.size
    divergence = beam.divergence if view.divergence is None else view.divergence
    one, two = rng.standard_normal((2, len(wide)))
    place = size * one
    slope = divergence * (view.correlation * one + np.sqrt(1.0 - view.correlation**2) * two)
    if beam.halo is not None:
        place = np.where(wide, beam.halo.size * one, place)
        slope = np.where(wide, beam.halo.divergence * two, slope)
    return view.offset + place, view.tilt + slope
