"""The columns of the event table, declared once: type, unit, meaning, named bits.

The writer, ``emiss columns``, the docs and the "did you mean" of the cut engine all read this list. A collection is the
name before the last dot; its list columns share one length per event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "emiss.events/1"

Shape = Literal["flat", "fixed", "list"]

TYPE_BITS: Mapping[str, int] = {
    "start_of_run": 1,
    "end_of_run": 2,
    "start_of_run_files": 3,
    "end_of_run_files": 4,
    "start_of_burst": 5,
    "end_of_burst": 6,
    "physics": 7,
    "calibration": 8,
    "end_of_link": 9,
    "format_error": 10,
}
"""Bits of `event.type`: bit n is set for an event of DATE type n."""

TRIGGER_BITS: Mapping[str, int] = {"physics": 0, "random": 1, "calibration": 2, "beam": 3}
"""Bits of `event.trigger` in the demo set-up; a detector file may name others."""

QUALITY_BITS: Mapping[str, int] = {
    "saturated": 0,
    "pile_up": 1,
    "no_pulse": 2,
    "damaged": 3,
    "missing_source": 4,
    "after_lost_block": 5,
    "no_start_time": 6,
    "part_lost": 7,
}
"""Bits of `event.quality`; none set means nothing is known against the event."""

DAMAGE_BITS = ("damaged", "missing_source", "part_lost", "after_lost_block")
"""Those that tell of data that were lost, in the event or before it."""


def split(name: str) -> tuple[str, str]:
    """Return collection and inner name of a column; a list without a dot has the inner name ``""``."""
    collection, _, inner = name.rpartition(".")
    return (collection, inner) if collection else (name, "")


def join(collection: str, inner: str) -> str:
    """Return the full name of a column, the inverse of `split`."""
    return f"{collection}.{inner}" if inner else collection


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Full name, e.g. ``tracks.p``.
    type : str
        NumPy type: f8, i4, i8, u4, bool.
    unit : str
        Unit of the stored values; ``1`` for a pure number.
    meaning : str
        One line.
    shape : "flat", "fixed" or "list"
        One value per event, a fixed number of values (`size`), or a list.
    size : int
        Length of a fixed column.
    bits : mapping of name to bit number
        For words of named bits.
    """

    name: str
    type: str = "f8"
    unit: str = "1"
    meaning: str = ""
    shape: Shape = "flat"
    size: int = 1
    bits: Mapping[str, int] = field(default_factory=dict)

    @property
    def collection(self) -> str:
        """The name before the last dot (the whole name where there is none)."""
        return split(self.name)[0]

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as it is stored in a table's metadata."""
        data: dict[str, Any] = {"type": self.type, "unit": self.unit, "meaning": self.meaning, "shape": self.shape}
        if self.shape == "fixed":
            data["size"] = self.size
        if self.bits:
            data["bits"] = dict(self.bits)
        return data

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> Column:
        """Return the declaration that `to_json` wrote."""
        return cls(
            name=name,
            type=data.get("type", "f8"),
            unit=data.get("unit", "1"),
            meaning=data.get("meaning", ""),
            shape=data.get("shape", "flat"),
            size=int(data.get("size", 1)),
            bits=data.get("bits", {}),
        )


def _flat(group: str, type_: str, rows: str, shape: Shape = "flat") -> list[Column]:
    """Declare the columns of a group from lines ``name | unit | meaning``."""
    columns = []
    for row in rows.strip().splitlines():
        name, unit, meaning = (part.strip() for part in row.split("|"))
        columns.append(Column(f"{group}.{name}", type_, unit, meaning, shape))
    return columns


COLUMNS: tuple[Column, ...] = (
    *_flat(
        "event",
        "i4",
        """
        run | 1 | run number
        spill | 1 | number of the spill in the run
        in_spill | 1 | number of the event in the spill
        in_run | 1 | number of the event in the run
        file | 1 | number made of the content of the input file; the manifest has its name
        """,
    ),
    Column("event.entry", "i8", "1", "position in the index of the input file"),
    Column("event.time", "i8", "s", "Unix time"),
    Column("event.trigger", "u4", "bits", "trigger bits", bits=TRIGGER_BITS),
    Column("event.type", "u4", "bits", "event type as one bit", bits=TYPE_BITS),
    Column("event.quality", "u4", "bits", "what is known against the event", bits=QUALITY_BITS),
    Column("spill.position", "f8", "1", "position within the spill, 0 to 1"),
    Column("weight", "f8", "1", "weight of a simulated event; 1 for data"),
    Column("beam.n", "i4", "1", "tracks in the upstream spectrometer"),
    *_flat(
        "beam",
        "f8",
        """
        p | GeV | momentum of the best upstream track; undefined without one
        tx | 1 | dx/dz of the best upstream track at the target
        ty | 1 | dy/dz of the best upstream track at the target
        chi2 | 1 | chi2 of the best upstream track
        ndf | 1 | degrees of freedom of the best upstream track
        """,
    ),
    Column("srd.energy", "f8", "GeV", "energy in each SRD module", "fixed"),
    Column("srd.time", "f8", "ns", "time of each SRD module relative to S0; undefined without a hit", "fixed"),
    Column(
        "s.time",
        "f8",
        "ns",
        "time of each beam counter relative to S0, of S0 in trigger time; undefined without a hit",
        "fixed",
    ),
    Column("s.energy", "f8", "GeV", "energy in each beam counter", "fixed"),
    *_flat(
        "ecal",
        "f8",
        """
        energy | GeV | energy in the ECAL, preshower included
        preshower | GeV | energy in the first 4 radiation lengths
        x | mm | energy-weighted x of the main part; undefined without energy
        y | mm | energy-weighted y of the main part; undefined without energy
        time | ns | energy-weighted time relative to S0; undefined without energy
        profile_chi2 | 1 | distance of the lateral profile to that of an electron, per share compared; undefined without energy
        pileup | GeV | energy in pulses outside the time window
        """,
    ),
    *_flat(
        "ecal_cells",
        "f8",
        """
        energy | GeV | energy of the cell
        time | ns | time of the cell relative to S0
        """,
        "list",
    ),
    *_flat(
        "ecal_cells",
        "i4",
        """
        ix | 1 | column of the cell
        iy | 1 | row of the cell
        layer | 1 | 0 preshower, 1 main
        """,
        "list",
    ),
    Column("veto.energy", "f8", "GeV", "energy in each VETO panel", "fixed"),
    Column("hcal.energy", "f8", "GeV", "energy in each HCAL module", "fixed"),
    Column("hcal.mip", "f8", "1", "energy in each HCAL module in units of a minimum ionizing muon", "fixed"),
    Column("hcal.time", "f8", "ns", "time of each HCAL module relative to S0; undefined without a hit", "fixed"),
    Column("hcal.centre_fraction", "f8", "1", "share of the central cell in each HCAL module", "fixed"),
    Column("hcal_zero.energy", "f8", "GeV", "energy in the HCAL module at zero degrees"),
    Column("vhcal.energy", "f8", "GeV", "energy in the upstream veto calorimeter"),
    Column("wcal.energy", "f8", "GeV", "energy in each part of the WCAL", "fixed"),
    *_flat(
        "beam_tracks",
        "f8",
        """
        p | GeV | momentum
        charge | e | charge
        q_over_p | 1/GeV | charge over momentum
        sigma_q_over_p | 1/GeV | its error from the fit
        x | mm | x at the first upstream plane
        y | mm | y at the first upstream plane
        tx | 1 | dx/dz at the first upstream plane
        ty | 1 | dy/dz at the first upstream plane
        chi2 | 1 | chi2 of the fit
        time | ns | mean time of the clusters relative to the trigger
        """,
        "list",
    ),
    *_flat(
        "beam_tracks",
        "i4",
        """
        ndf | 1 | degrees of freedom of the fit
        planes | 1 | stations with a hit on the track
        """,
        "list",
    ),
    *_flat(
        "tracks",
        "f8",
        """
        p | GeV | momentum
        charge | e | charge
        q_over_p | 1/GeV | charge over momentum
        sigma_q_over_p | 1/GeV | its error from the fit
        x | mm | x at the first plane
        y | mm | y at the first plane
        tx | 1 | dx/dz at the first plane
        ty | 1 | dy/dz at the first plane
        chi2 | 1 | chi2 of the fit
        """,
        "list",
    ),
    *_flat(
        "tracks",
        "i4",
        """
        ndf | 1 | degrees of freedom of the fit
        planes | 1 | stations with a hit on the track
        """,
        "list",
    ),
    *_flat(
        "tracks",
        "f8",
        """
        time | ns | mean time of the clusters relative to the trigger
        match_x | mm | x distance to the expected trajectory at the last HCAL
        match_y | mm | y distance to the expected trajectory at the last HCAL
        """,
        "list",
    ),
)

_BY_NAME = {column.name: column for column in COLUMNS}


def column(name: str) -> Column:
    """Return the declaration of a column; the columns under ``truth.`` are declared by the sample that wrote them."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    msg = f"column {name} is not declared"
    raise KeyError(msg)
