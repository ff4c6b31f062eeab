"""A set-up as the walk sees it: slabs of matter along z, what reads them out, and where energy is booked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.samples.walk.matter import Mixtures

PASSIVE, CELLS, PANELS = 0, 1, 2
"""Who reads a slab out: nobody; a grid of cells; panels side by side in x with two photomultipliers each, at top and bottom."""


class World(NamedTuple):
    """S slabs by the z of their front faces; boxes that may be turned about y and have a hole. Arrays of shape (S,).

    A slab is one layer of a grid, one module, all panels of a part, one counter, one volume. Its own frame has the origin at the
    middle of its front face, z along its depth.

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
        Where the slab's channels begin in `channels`.
    mip : array
        Visible energy of a minimum ionizing particle across the depth, the most probable one, GeV.
    visible : array
        Visible over deposited energy of an electromagnetic shower: 1 for calorimeters, which are on that scale; for
        counters and panels what the MIP's is.
    stochastic, constant : arrays
        Relative resolution for electromagnetic showers: stochastic/sqrt(E/GeV) and constant, in quadrature.
    attenuation : array
        Attenuation length along y of panels, mm; 0 for others.
    channels : int array
        Channel numbers of the cells of all slabs, column by column.
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
    stochastic: Floats
    constant: Floats
    attenuation: Floats
    channels: Ints
    mixtures: Mixtures


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
    """

    visible: Floats
    deposited: Floats
    leaked: Floats
    lost: Floats
