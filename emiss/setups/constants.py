"""Constants to begin with, made from a set-up: round numbers with which it can be simulated and reconstructed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.run_ranges import covers
from emiss.calib.table_types import PROFILE, table_type
from emiss.calib.tables import ANY
from emiss.reco.detector.boards import by_channel
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.calib.conditions import Conditions
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import ReadOut

    Values = Mapping[str, Mapping[str, str]]

PEDESTAL, NOISE = 200.0, 0.6
"""ADC; the noise is that of the demo runs."""

HEADROOM = 1.05
"""The full scale of a calorimeter's channel, over the energy of the beam."""

MIPS = 20.0
"""The full scale of a counter or panel, over the energy of a minimum ionizing particle."""

THIN = 1e-3
"""A module whose MIP is below this part of the beam's energy is read out as a counter, if no shower begins in it."""

BEGINS, STEEPEST = 1.0, 0.15
"""Radiation lengths from which on a shower begins; the part of its energy left in one at most (PDG 2022, Eq. 34.36)."""

THRESHOLDS = 200.0
"""The full scale of a module without a MIP scale, over its threshold."""

COLUMNS = {
    "sadc.pedestal": ("even, odd, sigma", "ADC, ADC, ADC"),
    "sadc.time": ("offset", "ns"),
    "sadc.gain": ("gain", "MeV"),
    "sadc.status": ("status", "-"),
    "sadc.walk": ("slope, charge", "ns, ADC"),
    "sadc.drift": ("response", "-"),
    "sadc.in_spill": ("response", "-"),
    "apv.gain": ("gain, noise", "-, ADC"),
    "apv.status": ("status", "-"),
    "apv.time": ("t0, r0, a0", "ns, -, ns"),
    "tdc.time": ("t0", "ns"),
    "tdc.status": ("status", "-"),
    "tracker.alignment": ("shift", "um"),
    "magnet.field": ("scale", "-"),
}
"""Columns and units by type; all others are the scales of modules, NAME.mip."""


def values(detector: Detector) -> Values:
    """Return the values of all constants that a set-up needs, by type and channel; a row ``*`` is for all without their own."""
    made: dict[str, Mapping[str, str]] = {
        "sadc.pedestal": {ANY: f"{PEDESTAL:g} {PEDESTAL:g} {NOISE:g}"},
        "sadc.time": _starts(detector),
        "sadc.gain": dict(_gains(detector)),
    }
    for name, part in detector.of_kind(Modules).items():
        for kind in part.needs(name):
            made[kind] = {element: f"{module.mip or part.mip:g}" for element, module in part.elements.items()}
    if len(detector.timed) < len(detector.planes):
        made |= {"apv.gain": {ANY: "1 5"}, "apv.status": {ANY: "0"}, "apv.time": {ANY: "0 1.3 20"}}
    if detector.timed:
        made |= {"tdc.time": _triggers(detector), "tdc.status": {ANY: "0"}}
    if detector.planes:
        made["tracker.alignment"] = {ANY: "0"}
    if detector.magnets:
        made["magnet.field"] = dict.fromkeys(detector.magnets, "1")
    return made


def tables(made: Values, runs: str) -> dict[str, str]:
    """Return the texts of the tables by file name, one file for each kind of read-out."""
    files: dict[str, list[str]] = {}
    for kind, rows in made.items():
        files.setdefault(f"{kind.partition('.')[0]}.txt", []).append(block(kind, runs, rows))
    return {name: "\n".join(blocks) for name, blocks in files.items()}


def block(
    kind: str,
    runs: str,
    rows: Mapping[str, str],
    *,
    source: str = "illustrative",
    columns: tuple[str, str] | None = None,
) -> str:
    """Return the text of a block of a table, with other `columns` and units than those of `values` where they are given."""
    names, units = columns or COLUMNS.get(kind, ("scale", "GeV"))
    if table_type(kind) is PROFILE:
        names, units = ", ".join(PROFILE.columns), ", ".join("-" for _ in PROFILE.columns)
    head = (f"type = {kind}", f"runs = {runs}", f"columns = channel, {names}", f"units = -, {units}")
    return "\n".join([*head, f"source = {source}", *(f"{name:<14} {text}" for name, text in rows.items()), ""])


def lacking(made: Values, conditions: Conditions, run: int) -> Values:
    """Return those of the values that no table gives for a run."""
    found: dict[str, Mapping[str, str]] = {}
    for kind, rows in made.items():
        known = {name for t in conditions.tables if t.type == kind and covers(t.runs, run) for name in t.rows}
        rest = {} if ANY in known else {name: text for name, text in rows.items() if name not in known}
        if rest:
            found[kind] = rest
    return found


def _starts(detector: Detector) -> dict[str, str]:
    """Return where the pulses of channels start: one row where all boards agree."""
    starts = {board.pulse.start for board in detector.boards}
    if len(starts) == 1:
        return {ANY: f"{starts.pop():g}"}
    return {detector.channels[n]: f"{board.pulse.start:g}" for board in detector.boards for n in board.channels}


def _triggers(detector: Detector) -> dict[str, str]:
    """Return where the trigger comes in the ranges of TDCs: one row where all agree."""
    planes = [plane for plane in detector.planes if plane.timed]
    starts = {detector.tdc(plane).start for plane in planes}
    if len(starts) == 1:
        return {ANY: f"{starts.pop():g}"}
    return {f"{plane.name}.{n}": f"{detector.tdc(plane).start:g}" for plane in planes for n in range(plane.strips)}


def _gains(detector: Detector) -> Iterator[tuple[str, str]]:
    """Yield each channel with the energy of full scale over the charge of a pulse that just fits."""
    charges = by_channel(detector.boards, _largest)
    for part in detector.read_out.values():
        for channel in part.channels():
            energy = _full_scale(detector, part, channel.partition(".")[0])
            yield channel, f"{1e3 * energy / charges[detector.channel_number[channel]]:.5g}"


def _largest(board: Board) -> float:
    """Return the charge of a pulse that just fits."""
    area = np.e * board.pulse.rise / board.digitiser.period  # of (t/rise) exp(1 - t/rise), in samples
    return float((board.digitiser.full_scale - PEDESTAL) * area)


def _full_scale(detector: Detector, part: ReadOut, element: str) -> float:
    """Return the largest energy of a channel, GeV."""
    beam = detector.beam.energy
    match part:
        case Counter():
            return MIPS * (part.elements[element].mip or part.mip)
        case Panels():
            return MIPS * part.mip
        case Modules() if part.mip is not None:
            mip = part.elements[element].mip or part.mip
            if mip >= THIN * beam:
                return HEADROOM * beam
            matter = detector.volumes[element].matter or {}
            deep = sum(length / detector.material(name).x0 for name, length in matter.items())
            return MIPS * mip if deep < BEGINS else HEADROOM * beam * min(STEEPEST * deep, 1.0)
        case Grid():
            return HEADROOM * beam
    return THRESHOLDS * part.threshold
