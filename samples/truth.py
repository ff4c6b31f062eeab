"""The truth columns of simulated events: what they say, and how they follow from what has happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.walk.tracks import ENERGY, ID, MUON, MUON_MASS, PDG, ROW, TX, TY, X, Y, Z

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.samples.particles import Beamed, Products
    from emiss.samples.setup import SetUp
    from emiss.samples.walk.walking import Passage

TRUTH: Mapping[str, tuple[str, str]] = {
    "pdg": ("1", "PDG code of the beam particle"),
    "e_beam": ("GeV", "energy of the beam particle at the target, before it radiates in matter"),
    "n_beam": ("1", "beam particles, those beside the one that triggers included"),
    "e_ecal": ("GeV", "energy that stays in the target, seen or not"),
    "e_lost": ("GeV", "energy that nothing can see: phi, neutrinos"),
    "e_leaked": ("GeV", "energy that leaves the set-up, and is not lost"),
    "e_emission": ("GeV", "energy of the particle that gave the muons: electron, photon or hadron; 0 for none"),
    "n_mu": ("1", "muons that the process made"),
    "n_mu_exit": ("1", "muons that leave the last HCAL module through its back face"),
    "n_mu_downstream": ("1", "muons under way behind the last HCAL module, those that left a side before it included"),
    "n_mu_spec": ("1", "muons inside the first Micromegas"),
    "charge": ("e", "charge of the muon of highest energy; 0 for none"),
    "e_mu": ("GeV", "energy of the muon of highest energy at its production; 0 for none"),
    "e_mu2": ("GeV", "the same for the muon of second highest energy"),
    "z_mu": ("mm", "z of the production of the muons; 0 for none"),
    "theta_mu": ("rad", "angle to z of the muon of highest energy at its production"),
    "p_exit": ("GeV", "momentum of the muon of highest energy behind the last HCAL module; 0 if it stopped"),
    "p_spec": ("GeV", "momentum of the muon of highest energy at the first Micromegas; 0 if it is not there"),
    "x": ("mm", "x of the muon of highest energy at the first Micromegas"),
    "y": ("mm", "y of the muon of highest energy at the first Micromegas"),
    "tx": ("1", "dx/dz of the muon of highest energy at the first Micromegas"),
    "ty": ("1", "dy/dz of the muon of highest energy at the first Micromegas"),
}
"""Unit and meaning of the truth columns, by name without the prefix."""

OF_MODELS: Mapping[str, tuple[str, str]] = {
    "e_x": ("GeV", "energy of the new particle; 0 for none"),
    "e_decaying": (
        "GeV",
        "energy of what decays in flight, of the new particle or the heavier one of its pair; 0 for none",
    ),
    "z_x": ("mm", "z of its production; 0 for none"),
    "z_decay": ("mm", "z of its decay; 0 if it is not seen"),
}
"""The same of those that samples of a model have beside."""

MEANINGS = {**TRUTH, **OF_MODELS}


@dataclass(frozen=True)
class Passed:
    """What became of events.

    Attributes
    ----------
    beam : Beamed
        N beam particles: those that trigger, each followed by those that come beside it.
    began : array of shape (N,)
        Energy with which each begins, GeV: electrons radiate in fields before they are where `beam` is given.
    event : int array of shape (N,)
    main : bool array of shape (N,)
        Who triggers.
    products : Products
    emission : array of shape (N,)
        `Products.emission`, 0 where nothing was made.
    weight : array of shape (N,)
        `Products.weight`.
    time : array of shape (N, channels)
        ns.
    told : mapping of name to array of shape (N,)
        `Products.truth`.
    passage : Passage
    first : (spectrometer, station), optional
        The station that truth is told at.
    end : str
        The mark at the end of the absorbers.
    """

    beam: Beamed
    began: Floats
    event: Ints
    main: Bools
    products: Products
    emission: Floats
    weight: Floats
    time: Floats
    told: Mapping[str, Floats]
    passage: Passage
    first: tuple[str, int] | None
    end: str


def truth_of(passed: Passed, setup: SetUp, parts: tuple[str, ...]) -> dict[str, Array]:
    """Return the columns of `TRUTH`: of the beam particles that trigger; energies are those of all."""
    seen, event = passed.passage.seen, passed.event
    events = int(passed.main.sum())
    made = passed.products.tracks
    muons = made[(np.abs(made[:, PDG]) == MUON) & (made[:, ID] >= 0)]
    row = event[muons[:, ROW].astype(np.int64)]
    order = np.lexsort((-muons[:, ENERGY], row))  # by event, highest energy first
    muons, row = muons[order], row[order]
    counts = np.bincount(row, minlength=events)
    first = np.cumsum(counts) - counts
    has, has_two = counts > 0, counts > 1
    leading = muons[first[has]]
    number = np.full(events, -9.0)  # of the muon of highest energy; one that nothing has
    number[has] = leading[:, ID]

    def of(values: Array, where: Array, kind: str = "f8") -> Array:
        result = np.zeros(events, kind)
        result[where] = values
        return result

    def events_of(tracks: Floats) -> Ints:
        found: Ints = event[tracks[:, ROW].astype(np.int64)]
        return found

    emission = np.bincount(event, passed.emission, minlength=events)
    behind, out = _behind(passed, setup)
    there = _at_first(passed)
    same = behind[behind[:, ID] == number[events_of(behind)]]
    own = there[there[:, ID] == number[events_of(there)]]
    at = events_of(own)

    def summed(values: Array) -> Array:
        return np.bincount(event, values, minlength=events)

    return {
        "pdg": passed.beam.pdg[passed.main].astype(np.int32),
        "e_beam": passed.beam.energy[passed.main],
        "n_beam": np.bincount(event, minlength=events).astype(np.int32),
        "e_ecal": summed(seen.deposited[:, parts.index(setup.target_name)]),
        "e_lost": summed(seen.lost.sum(axis=1)),
        "e_leaked": summed(seen.leaked.sum(axis=1)),
        "e_emission": emission,
        "n_mu": counts.astype(np.int32),
        "n_mu_exit": _count(events_of(behind[out]), events),
        "n_mu_downstream": _count(events_of(behind), events),
        "n_mu_spec": _count(events_of(there), events),
        "charge": of(-np.sign(leading[:, PDG]), has, "i4"),
        "e_mu": of(leading[:, ENERGY], has),
        "e_mu2": of(muons[first[has_two] + 1, ENERGY], has_two),
        "z_mu": of(leading[:, Z], has),
        "theta_mu": of(np.arctan(np.hypot(leading[:, TX], leading[:, TY])), has),
        "p_exit": of(_momentum(same), events_of(same)),
        "p_spec": of(_momentum(own), at),
        "x": of(own[:, X], at),
        "y": of(own[:, Y], at),
        "tx": of(own[:, TX], at),
        "ty": of(own[:, TY], at),
        **{name: summed(values) for name, values in passed.told.items()},
    }


def _count(event: Ints, events: int) -> Array:
    return np.bincount(event, minlength=events).astype(np.int32)


def _momentum(tracks: Floats) -> Floats:
    momentum: Floats = np.sqrt(np.maximum(tracks[:, ENERGY] ** 2 - MUON_MASS**2, 0.0))
    return momentum


def _behind(passed: Passed, setup: SetUp) -> tuple[Floats, Array]:
    """Return the muons behind the last absorber, and which of them come out of its back face."""
    tracks = passed.passage.marked.get(passed.end, np.zeros((0, ID + 1)))
    last = setup.last_absorber
    muons = tracks[(np.abs(tracks[:, PDG]) == MUON) & (tracks[:, Z] <= last.z + last.depth)]
    inside = (np.abs(muons[:, X] - last.x) < 0.5 * last.width) & (np.abs(muons[:, Y] - last.y) < 0.5 * last.height)
    return muons, inside


def _at_first(passed: Passed) -> Floats:
    """Return the muons inside all views of the first station behind the target."""
    if passed.first is None or passed.first not in passed.passage.stations:
        return np.zeros((0, ID + 1))
    tracks, here = passed.passage.stations[passed.first]
    return tracks[here & (np.abs(tracks[:, PDG]) == MUON)]
