"""What constants were derived from: ``from = electrons, runs 6111``, and runs of which kinds fit which constants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.calib.run_ranges import RunRange, parse_ranges
from emiss.configs.errors import Location, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = {
    "random": "random triggers, nothing in most of them",
    "led": "light of monitoring",
    "electrons": "electrons of the beam",
    "muons": "muons, field on or off",
    "hadrons": "hadrons of the beam",
    "straight": "charged particles with the field off",
    "beam": "charged particles of several kinds",
    "any": "anything: what is derived does not depend on it",
}
"""What runs are of."""

PARTICLES = ("electrons", "muons", "hadrons", "beam", "straight")
"""Kinds of runs with particles, which may be called after one or several of them."""

FITTING: Mapping[str, tuple[str, ...]] = {
    "sadc.pedestal": ("random",),
    "sadc.gain": PARTICLES,
    "sadc.time": PARTICLES,
    "sadc.resolution": PARTICLES,
    "mip": ("muons", "beam", "straight"),
    "profile": ("electrons",),
    "apv.time": PARTICLES,
    "tdc.time": PARTICLES,
    "tracker.alignment": PARTICLES,
    "magnet.field": ("electrons", "muons", "hadrons", "beam"),
}
"""The kinds of runs that constants of a type, or of all types that end like this, may come from; those not named: from all."""

_ORIGIN = re.compile(r"(?P<kind>[\w-]+)\s*(?:,\s*runs?\s+(?P<runs>.+))?", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """What a table was derived from.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    runs : tuple of RunRange
        Empty where it is not said.
    at : Location
    """

    kind: str
    runs: tuple[RunRange, ...]
    at: Location

    def __str__(self) -> str:
        return text_of(self.kind, self.runs)


def text_of(kind: str, runs: Sequence[RunRange]) -> str:
    """Return an origin as it is written."""
    if not runs:
        return kind
    one = len(runs) == 1 and runs[0].first == runs[0].last
    return f"{kind}, {'run' if one else 'runs'} {', '.join(map(str, runs))}"


def fits(type_: str, kind: str) -> bool:
    """Return whether constants of a type may come from runs of a kind."""
    fitting = FITTING.get(type_) or FITTING.get(type_.rpartition(".")[2])
    return kind == "any" or fitting is None or kind in fitting


def alike(wanted: str, kind: str) -> bool:
    """Return whether runs of a kind may be what is wanted."""
    particles = {wanted, kind} <= set(PARTICLES)
    return wanted == kind or "any" in (wanted, kind) or (particles and bool({"beam", "straight"} & {wanted, kind}))


def fitting(type_: str) -> tuple[str, ...]:
    """Return the kinds of runs that constants of a type may come from."""
    return FITTING.get(type_) or FITTING.get(type_.rpartition(".")[2]) or tuple(KINDS)


def parse_origin(type_: str, text: str, at: Location) -> Origin:
    """Return what a text such as ``electrons, runs 6111-6113`` says of a table of a type.

    Raises
    ------
    ValueError
        If it is none, or runs of this kind are the wrong ones for the type.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        msg = f"'{text}' does not say what the constants are from, such as: electrons, runs 6111-6113"
        raise ValueError(msg)
    kind = match["kind"]
    if kind not in KINDS:
        msg = f"runs are of no kind '{kind}'; {did_you_mean(kind, KINDS, otherwise='kinds are')}"
        raise ValueError(msg)
    if not fits(type_, kind):
        msg = f"wrong kind of run: {type_} was derived from {text}, it comes from {' or '.join(fitting(type_))}"
        raise ValueError(msg)
    return Origin(kind, parse_ranges(match["runs"]) if match["runs"] else (), at)
