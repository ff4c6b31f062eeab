"""The kinds of conditions tables: their columns with dimensions and limits, and how columns of errors are called."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from emiss.calib.limits import Limits
from emiss.configs.units import ENERGY, LENGTH, PURE, TIME, Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class TableType:
    """A kind of conditions: its columns with their dimensions, and what it is."""

    columns: Mapping[str, Dimension]
    meaning: str
    limits: Mapping[str, Limits]
    without: str | None = None
    """What to do where there is none."""
    optional: Mapping[str, float] = field(default_factory=dict)
    """The columns that a table may leave out, each with the value, in base units, that holds then."""
    spare: bool = False
    """Whether there need be none: what it corrects is not corrected then, and so is a channel without a row."""

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that each channel has a value in."""
        return tuple(name for name in self.columns if name not in self.optional)


KNOTS = 256
"""Points of a pulse's template at most."""

# ADC words have 16 bits at most; what a set-up allows beyond that (its own number of bits) is checked against the detector
_PEDESTAL = Limits(0.0, 65535.0)

TYPES: Mapping[str, TableType] = {
    "sadc.pedestal": TableType(
        {"even": PURE, "odd": PURE, "sigma": PURE},
        "pedestals of even and odd samples and their noise, ADC",
        {"even": _PEDESTAL, "odd": _PEDESTAL, "sigma": Limits(0.0, 65535.0, open=True)},
    ),
    "sadc.gain": TableType(
        {"gain": ENERGY},
        "energy per ADC count of charge (sum over samples above the pedestal)",
        {"gain": Limits(0.0, 1000.0, open=True)},
    ),
    "sadc.time": TableType(
        {"offset": TIME}, "start of an in-time pulse in the waveform", {"offset": Limits(-1e5, 1e5)}
    ),
    "sadc.resolution": TableType(
        {"sigma": TIME},
        "rms of the times of a channel, relative to the reference; for windows in sigma alone",
        {"sigma": Limits(0.0, 1e5, open=True)},
        "add one, or give the windows in times: 'window: [-15 ns, 15 ns]'",
    ),
    "sadc.status": TableType(
        {"status": PURE},
        "0 for a good channel of cells, 1 for a dead, 2 for a hot one; channels without a row are good",
        {"status": Limits(0.0, 2.0, whole=True)},
        spare=True,
    ),
    "sadc.walk": TableType(
        {"slope": TIME, "charge": PURE},
        "time walk: pulses of the charge q (ADC) are late by slope (sqrt(charge/q) - 1)",
        {"slope": Limits(-1e3, 1e3), "charge": Limits(0.0, 1e9, open=True)},
        spare=True,
    ),
    "sadc.drift": TableType(
        {"response": PURE},
        "what channels or parts give in spills, ECAL1.2.2@3-7, over what their gains say",
        {"response": Limits(0.01, 100.0)},
        spare=True,
    ),
    "sadc.led": TableType(
        {"charge": PURE},
        "mean charge (ADC) of the light of LEDs when gains were found; drifts of later runs are relative to it",
        {"charge": Limits(0.0, 1e9, open=True)},
        spare=True,
    ),
    "sadc.in_spill": TableType(
        {"response": PURE},
        "what channels or parts give at places in the spill, ecal@0-0.1, over what their gains say",
        {"response": Limits(0.01, 100.0)},
        spare=True,
    ),
    "sadc.template": TableType(
        {"height": PURE, "first": TIME, "step": TIME, **{f"v{k}": PURE for k in range(KNOTS)}},
        "the pulse over its height, v0, v1, ... in equal steps of time since its start; a row for each slice of heights (ADC)",
        {
            "height": Limits(0.0, 1e7, open=True),
            "first": Limits(-1e4, 1e4),
            "step": Limits(0.0, 1e3, open=True),
            **{f"v{k}": Limits(-1.0, 2.0) for k in range(KNOTS)},
        },
        "`emiss calib derive templates` makes one from any runs with pulses, or say 'fit: pulse' in the set-up",
        optional=dict.fromkeys((f"v{k}" for k in range(KNOTS)), math.nan),
    ),
    "hcal.mip": TableType(
        {"scale": ENERGY}, "visible energy of a muon that crosses the module", {"scale": Limits(0.0, 1000.0, open=True)}
    ),
    "apv.gain": TableType(
        {"gain": PURE, "noise": PURE},
        "relative gain and noise (ADC) of a read-out channel",
        {"gain": Limits(0.0, 1000.0, open=True), "noise": Limits(0.0, 65535.0, open=True)},
    ),
    "apv.status": TableType(
        {"status": PURE},
        "0 for a good read-out channel, 1 for a dead, 2 for a hot one",
        {"status": Limits(0.0, 2.0, whole=True)},
    ),
    "apv.time": TableType(
        {"t0": TIME, "r0": PURE, "a0": TIME},
        "ratio timing t = t0 + a0 ln(r0/r - 1) of a plane",
        {"t0": Limits(-1e5, 1e5), "r0": Limits(0.0, 1000.0, open=True), "a0": Limits(-1e5, 1e5, zero=False)},
    ),
    "tdc.time": TableType(
        {"t0": TIME},
        "time of the trigger in the range of a TDC's channel: a hit's time is count * bin - t0",
        {"t0": Limits(-1e7, 1e7)},
        "`emiss setup wire` adds the constants that a set-up lacks",
    ),
    "tdc.status": TableType(
        {"status": PURE},
        "0 for a good wire, 1 for a dead, 2 for a noisy one",
        {"status": Limits(0.0, 2.0, whole=True)},
        "`emiss setup wire` adds the constants that a set-up lacks",
    ),
    "tracker.alignment": TableType(
        {"shift": LENGTH, "rotation": PURE, "z": LENGTH},
        "where a plane is: shift, added to its coordinate; rotation about the beam axis, from x to y; z, how far downstream",
        {"shift": Limits(-1000.0, 1000.0), "rotation": Limits(-0.1, 0.1), "z": Limits(-100.0, 100.0)},
        optional={"rotation": 0.0, "z": 0.0},
    ),
    "magnet.field": TableType(
        {"scale": PURE},
        "factor on the nominal field of a magnet; 0: off, tracks are straight and have no momentum",
        {"scale": Limits(-10.0, 10.0)},
    ),
}
"""The kinds of tables. Limits are those of the apparatus at large: what lies outside is a slip, of a unit or of a key."""

NOT_NEGATIVE = Limits(0.0, 1e9)
"""Of errors."""

WITHIN_ONE = Limits(-1.0, 1.0)
"""Of correlations."""

_MIP = re.compile(r"[A-Za-z]\w*\.mip")
_PROFILE = re.compile(r"[A-Za-z]\w*\.profile")

SHARES = 9
"""Cells of a block of 3 x 3."""

PROFILE = TableType(
    dict.fromkeys(
        (
            *(f"mean{k}" for k in range(SHARES)),
            *(f"rms{k}" for k in range(SHARES)),
            *(f"corr{a}{b}" for a, b in combinations(range(SHARES), 2)),
        ),
        PURE,
    ),
    "shares of 3 x 3 cells, column by column, of an electron's shower: means, rms, correlations",
    {
        **{f"mean{k}": Limits(0.0, 1.0) for k in range(SHARES)},
        **{f"rms{k}": Limits(0.0, 1.0) for k in range(SHARES)},
        **{f"corr{a}{b}": Limits(-1.0, 1.0) for a, b in combinations(range(SHARES), 2)},
    },
    "`emiss setup profiles` makes one from simulated electrons",
)
"""Of a library of profiles; its rows are named by energy and place of impact (`emiss.reco.parts.profiles`)."""


ERROR = "_error"
"""What the error of a column is called: a table may have one for each of its columns, and no job needs it."""


def error_of(column: str) -> str:
    """Return the name of the column with the errors of another one."""
    return column + ERROR


CORRELATION = "_corr"
"""What the correlation of the errors of two columns is called, behind both of their names."""


def correlation_of(column: str, other: str) -> str:
    """Return the name of the column with the correlations of the errors of two columns, in their order in the type."""
    return f"{column}_{other}{CORRELATION}"


def table_type(name: str) -> TableType | None:
    """Return a kind of tables; NAME.mip is there for the modules of every part, NAME.profile for grids with a library."""
    if _PROFILE.fullmatch(name):
        return PROFILE
    return TYPES.get(name) or (TYPES["hcal.mip"] if _MIP.fullmatch(name) else None)
