"""What the keys of detector files mean, for the page about them; a key that has a description in its model needs none here."""

from __future__ import annotations

COMMON = {
    "kind": "which kind of part it is",
    "source": "where the numbers come from: published, NA64 code, illustrative, ...",
    "x": "centre of the front face",
    "y": "centre of the front face",
    "z": "front face",
    "angle": "rotation about y; a positive one turns the z axis of the box towards x",
    "width": "in x",
    "height": "in y",
    "depth": "in z",
    "hole": "width and height of an opening around the axis of the box",
    "matter": "mm of each material along the depth, the absorber first",
    "plates": "active plates along the depth; one per 4 mm of active material without it",
    "threshold": "a channel below it counts nothing",
    "pulse": "shape of its pulses, instead of that of the digitiser",
    "digitiser": "which of the digitisers reads it out, where there are several",
    "window": "pulses outside, relative to the reference, are out of time; that of `time` without it",
    "mip": "visible energy of a muon that crosses it",
    "columns": "cells in x",
    "rows": "cells in y",
}
"""By key, where no model says more."""

OF = {
    "Detector": {
        "name": "of the set-up",
        "beam": "what comes in",
        "maps": "folder of the XML channel maps, beside this file",
        "target": "part of the kind `grid` that the beam showers in; the first on the axis without it",
        "digitisers": "boards, by name",
        "time": "what times are relative to",
        "materials": "materials of your own, beside those that ship",
        "parts": "parts, by name; the name is that of their columns",
        "spectrometers": "magnets with their trackers; the name is that of the tracks",
        "trigger_bits": "bits of the trigger word, by name",
        "trigger": "conditions of these bits on visible energies, in the language of cuts, for the simulation",
        "stages": "stages of installed packages that are to run, by name (plug-ins.md)",
        "derived": "columns of your own: expressions, by name",
    },
    "Beam": {"particle": "e-, e+, mu-, mu+, pi-, ...", "energy": "of one particle"},
    "Tdc": {
        "kind": "a TDC, of trackers that tell times",
        "bin": "the width of a count",
        "bits": "of a count",
        "start": "of the trigger in the range; constants that are made begin with it",
        "dead_time": "in which a channel takes no other hit, in the simulation",
    },
    "Straw": {
        "diameter": "of the gas volume of a tube",
        "layers": "1, or 2 of which the second is moved by half a pitch",
        "spacing": "of two layers along z",
        "drift": "what a drift time says about the distance to the wire",
    },
    "Drift": {
        "velocity": "where it is one for all distances",
        "table": "instead of it: times and distances, from `[0 ns, 0 mm]` to the wall",
    },
    "Digitiser": {
        "kind": "a sampling ADC, of cells",
        "period": "between two samples",
        "samples": "of a waveform",
        "bits": "of a sample",
        "pulse": "shape of a pulse",
        "measure": "how a pulse is measured",
    },
    "Pulse": {
        "rise": "from the start to the maximum of (t/rise) exp(1 - t/rise)",
        "start": "of a pulse in time, from the first sample",
    },
    "Measurement": {
        "threshold": "of the maximum above the pedestal, in sigma of the pedestal",
        "before": "samples before the maximum in the fit",
        "after": "samples after it",
        "pulses": "2 looks for a second pulse in each waveform",
    },
    "Times": {
        "reference": "counter, or counters with weights, that times are relative to",
        "window": "pulses outside are out of time (pile-up); two times, or `5 sigma` of the constants",
    },
    "Material": {
        "density": "as `11.35 g/cm3`",
        "x0": "radiation length",
        "lambda": "nuclear interaction length",
        "critical": "critical energy of electrons",
        "z": "mean charge number",
        "a": "mean mass number",
    },
    "Counter": {"elements": "paddles, by name", "width": "of a paddle", "height": "of a paddle"},
    "Panels": {
        "elements": "the two photomultipliers of each panel, by its name; panels stand side by side in x",
        "ratio": "below it the larger end counts alone, else the geometric mean of both",
        "width": "of one panel",
    },
    "Modules": {
        "elements": "modules, by name",
        "pitch": "of the cells",
        "width": "of a module of one cell",
        "height": "of a module of one cell",
    },
    "Module": {"matter": "instead of that of the part"},
    "Grid": {
        "layers": "layers in depth, by name; the first of several is the preshower",
        "pitch": "of the cells",
        "beam_cell": "column and row of the cell that has its centre at x, y",
        "shower": "how showers of electrons are measured; what is simulated needs it",
        "profile": "shape of an electron's shower on the beam cell; makes `NAME.profile_chi2`",
        "library": "library of such shapes in the conditions, instead of `profile`",
    },
    "Layer": {"radiation_lengths": "of the layer"},
    "Shower": {
        "stochastic": "a in sigma/E = a/sqrt(E/GeV) + b in quadrature",
        "constant": "b",
    },
    "Profile": {
        "cell": "share of the beam cell",
        "block": "share of the 3 x 3 cells around it",
        "spread": "of the shares of cell, ring and rest",
    },
    "Library": {
        "energies": "of the electrons that profiles are of; between two they are interpolated",
        "edges": "of the intervals of both asymmetries that tell the place of impact",
    },
    "Tracker": {
        "stations": "stations, by name; planes are NAME with X or Y",
        "views": "x and y: how they are read out",
        "pitch": "of strips, fibres or wires",
        "multiplex": "table which channel reads which strip, beside this file; without it each strip has its own",
        "technology": "strips that share charge (micromegas, gem), fibres (hodoscope) or tubes (straw)",
        "straw": "what the tubes of straws are",
        "digitiser": "a TDC, for straws and hodoscopes; without it APV25 chips",
        "sigma": "intrinsic resolution",
        "x_over_x0": "radiation lengths of a station",
        "frame": "between two of the three samples of APV25 chips",
        "window": "of clusters that tracks are made of, relative to the trigger; of straws with the drift",
        "efficiency": "of a view, in the simulation",
    },
    "Station": {"x": "centre of the plane", "y": "centre of the plane", "z": "of the plane"},
    "StripView": {"strips": "strips, fibres or tubes of a plane", "channels": "that read them"},
    "Magnet": {
        "z": "first and last",
        "by": "vertical field; a positive charge in a positive field bends to -x",
        "edge": "length of soft edges",
        "map": "a field map instead of `by`",
        "width": "of the gap",
        "height": "of the gap",
    },
    "FieldMapFile": {
        "file": "text or ROOT, beside this file",
        "at": "where the origin of the map stands",
        "scale": "factor on the field",
    },
    "Spectrometer": {
        "magnet": "a part; without one tracks are straight and have no momentum",
        "trackers": "parts: stations before and behind the magnet, at least one on each side and two on one of them",
        "lowest_momentum": "whose bend is the largest that is looked for",
        "largest_slope": "of tracks that are looked for",
        "best": "name of the columns of the best track",
        "at": "part or element whose front the slopes of the best track are given at",
        "match": "part or element at whose middle tracks are compared with where a particle is expected",
        "incoming": "spectrometer whose best track is expected there, drawn on; the axis without it",
        "air": "tracks scatter in the air between the stations, too",
        "straight_momentum": "that scattering is taken of where there is no field; the beam's energy without it",
        "road": "how near to a track other clusters are counted, as `NAME.extra`",
        "reject_outliers": "leave a hit out that alone makes chi2 worse than so many sigmas; which one is `NAME.dropped`",
        "share_clusters": "look for two tracks where clusters of a view have merged; they are flagged as `NAME.shared`",
        "vertex": "where two tracks come nearest to each other, as `NAME_vertex`",
    },
    "Vertex": {"mass": "of both particles"},
    "Quantity": {
        "expression": "in the language of cuts",
        "unit": "of the column; that of the expression without it",
        "meaning": "one line",
    },
}
"""By model and key."""


def meaning(model: str, key: str) -> str:
    """Return what a key means; "" for one that nothing is said of."""
    return OF.get(model, {}).get(key) or COMMON.get(key, "")
