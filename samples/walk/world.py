"""What kernels know of a set-up: slabs of matter along z (`World`), and where what particles leave is booked (`Seen`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints

PASSIVE, CELLS, PANELS = 0, 1, 2
"""Who reads a slab out: nobody; a grid of cells; panels side by side in x with photomultipliers at top and bottom."""

LOST = ("invisible", "neutrino", "rest mass", "synchrotron light")
"""Columns of `Seen.lost`: what nothing can see, by name."""

INVISIBLE, NEUTRINO = 0, 1
"""Two of them, for kernels."""


class World(Protocol):
    """S slabs by the z of their front faces: a structured array of shape (S,), each field of which is an array of shape (S,).

    Boxes that may be turned about y and have a hole. A slab is one layer of a grid, one module, all panels of a part, one
    counter, one volume. Its own frame has the origin at the middle of its front face, z along its depth.

    One array in place of fifty, each of which would be seven words on the stack in every call that is not inlined.

    Attributes
    ----------
    x, y, z : arrays
        The middle of the front face, mm.
    sine, cosine : arrays
        Of the rotation about y; a positive angle turns the slab's z axis towards x.
    depth, half_x, half_y, hole_x, hole_y : arrays
        mm; half the width and height of the box and of its hole.
    mixture : int array
        Number of the mixture in `Mixtures`.
    part : int array
        Number of the part that deposits and leaks are booked under.
    body : int array
        Number of what has one calibration: a grid (all its layers), a module, a panel's part, a counter.
    kind : int array
        `PASSIVE`, `CELLS` or `PANELS`.
    columns, rows : int arrays
        Of cells; `rows` is 2 for panels (top, bottom).
    first : int array
        Where the slab's channels begin in `Seen.channels`.
    mip : array
        Visible energy of a minimum ionizing particle across the depth, the most probable one, GeV.
    visible, visible_of_hadrons : arrays
        Visible over deposited energy of showers, electromagnetic ones and those of hadrons: 1 for calorimeters, which are on
        that scale, for counters and panels what the MIP's is. Where muons set the scale, electromagnetic ones show e/mip of
        what a muon shows, and hadrons 1: a pion of 100 GeV shows some 100 GeV.
    stochastic, constant : arrays
        Relative resolution for electromagnetic showers: stochastic/sqrt(E/GeV) and constant, in quadrature.
    attenuation : array
        Attenuation length along y of panels, mm; 0 for others.
    by_muons : int array
        1 for modules with the scale of muons (`emiss.samples.walk.muons.muon_world`), 0 for what electrons calibrate.
    like : int array
        The first slab of the same body.
    scale : array
        Of this event: the calibration of the slab's body (`emiss.samples.walk.shower_kernels.calibrate`).
    x0, moliere, critical, charge : arrays
        Of its mixture, see `emiss.samples.walk.matter.Mixtures`; `charge` is its z.
    plates, e_mip, stopping, soft, tail_seen, per_length : arrays
        For showers, see `emiss.samples.walk.shower.shower_matter`.
    nucleus, length, shadowing, minimum, ionising, protons, neutrons, neutron_seen, both, unit, diffusion : arrays
        For hadrons, see `emiss.samples.walk.hadron_tables.hadron_matter`.
    """

    x: Floats
    y: Floats
    z: Floats
    sine: Floats
    cosine: Floats
    depth: Floats
    half_x: Floats
    half_y: Floats
    hole_x: Floats
    hole_y: Floats
    mixture: Ints
    part: Ints
    body: Ints
    kind: Ints
    columns: Ints
    rows: Ints
    first: Ints
    mip: Floats
    visible: Floats
    visible_of_hadrons: Floats
    stochastic: Floats
    constant: Floats
    attenuation: Floats
    by_muons: Ints
    like: Ints
    scale: Floats
    x0: Floats
    moliere: Floats
    critical: Floats
    charge: Floats
    plates: Floats
    e_mip: Floats
    stopping: Floats
    soft: Floats
    tail_seen: Floats
    per_length: Floats
    nucleus: Floats
    length: Floats
    shadowing: Floats
    minimum: Floats
    ionising: Floats
    protons: Floats
    neutrons: Floats
    neutron_seen: Floats
    both: Floats
    unit: Floats
    diffusion: Floats

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, which: slice) -> World:
        """Return some of the slabs."""
        ...

    def copy(self) -> World:
        """Return a copy."""
        ...


COLUMNS = np.dtype(
    [(name, "i8" if kind == "Ints" else "f8") for name, kind in World.__annotations__.items()], align=True
)


class Seen(NamedTuple):
    """What N beam particles leave. Energies in GeV.

    deposited + leaked + lost = energy of the beam particle, row by row.

    Attributes
    ----------
    visible : array of shape (N, channels)
        On the scale of the part.
    deposited, leaked : arrays of shape (N, parts)
        All that stays in a part, seen or not; what leaves it and does not come to another part.
    lost : array of shape (N, names)
        What nothing can see, by name.
    channels : int array
        Channel numbers of the cells of all slabs, column by column: `World.first` says where those of a slab begin.
    """

    visible: Floats
    deposited: Floats
    leaked: Floats
    lost: Floats
    channels: Ints
