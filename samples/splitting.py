"""Splitting: events that promise something behind a part are followed there several times, the others once in a while."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.samples.beam import BeamParticles
from emiss.samples.particles import Beamed
from emiss.samples.walk.tracks import ENERGY, ID, MUON, PDG, ROW, availables
from emiss.samples.walk.walking import Passage

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.samples.config import Sample, Splitting
    from emiss.samples.setup import SetUp
    from emiss.samples.truth import Passed


def place_of(rule: Splitting, setup: SetUp) -> float:
    """Return the z (mm) of the front face of the first element of the part that events are split before."""
    volumes = setup.detector.parts[rule.before].volumes(rule.before)
    return min(volume.z for volume in volumes)


def check(sample: Sample, setup: SetUp, *, behind: float | None = None) -> None:
    """See that a sample splits before a part of its set-up, `behind` the place (mm) where its process happens.

    Raises
    ------
    UserError
        At the place in the sample's file.
    """
    rule = sample.splitting
    if rule is None:
        return
    at = None if sample.document is None else sample.document.locate(("splitting", "before"))
    parts = [name for name, part in setup.detector.parts.items() if part.volumes(name)]
    if rule.before not in parts:
        message = f"the set-up {setup.detector.name} has no part '{rule.before}'"
        raise UserError(message, at=at, hint=did_you_mean(rule.before, parts, otherwise="its parts are"))
    if behind is not None and place_of(rule, setup) <= behind:
        message = f"events are split behind their process, and the part '{rule.before}' begins before it"
        raise UserError(message, at=at)


def promising(rule: Splitting, tracks: Floats, rows: int) -> Bools:
    """Tell which beam particles have what a rule asks for among the tracks that have come to its place."""
    owner = tracks[:, ROW].astype(np.int64)
    good = np.ones(rows, np.bool_)
    if rule.energy is not None:
        energy = np.bincount(owner, availables(tracks), minlength=rows)
        good &= (energy >= rule.energy[0]) & (energy < rule.energy[1])
    if rule.muons is not None:
        muon = (np.abs(tracks[:, PDG]) == MUON) & (tracks[:, ENERGY] >= rule.muon_energy) & (tracks[:, ID] >= 0)
        good &= np.bincount(owner[muon], minlength=rows) == rule.muons
    return good


def chosen(importance: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return as many events as there are, in their order, each as often as its importance says, and their weights.

    Systematic resampling: event i of importance q_i comes N q_i / sum(q) times, rounded up or down with this mean, and
    has the weight sum(q) / (N q_i) each time, so that all sums of weights keep their mean (J. Carpenter, P. Clifford,
    P. Fearnhead, IEE Proc. Radar Sonar Navig. 146 (1999) 2; splitting and Russian roulette in one).

    Parameters
    ----------
    importance : array of shape (N,)
        Above 0.

    Returns
    -------
    events : int array of shape (N,)
    weights : array of shape (N,)
    """
    count = len(importance)
    ends = np.cumsum(importance)
    step = ends[-1] / count
    events = np.searchsorted(ends, (np.arange(count) + rng.random()) * step, side="right")
    events = np.minimum(events, count - 1)
    return events, step / importance[events]


def split(rule: Splitting, tracks: Floats, passed: Passed, rng: np.random.Generator) -> tuple[Floats, Passed]:
    """Return tracks at the place of splitting and what became of the events so far, with some events several times.

    Which ones is decided by the beam particle that triggers; those beside it come along.
    """
    rows = len(passed.event)
    good = promising(rule, tracks, rows)[passed.main]
    events, weight = chosen(np.where(good, float(rule.copies), 1.0), rng)
    row, owner = taken(passed.event, events)
    where, its = taken(tracks[:, ROW].astype(np.int64), row)
    products, of_product = taken(passed.products.tracks[:, ROW].astype(np.int64), row)
    beam = passed.beam
    return renumbered(tracks[where], its), replace(
        passed,
        beam=Beamed(BeamParticles(*(values[row] for values in beam.particles)), beam.z, beam.born),
        began=passed.began[row],
        event=owner,
        main=passed.main[row],
        products=replace(passed.products, tracks=renumbered(passed.products.tracks[products], of_product)),
        emission=passed.emission[row],
        weight=passed.weight[row] * weight[owner],
        time=passed.time[row],
        told={name: values[row] for name, values in passed.told.items()},
        passage=_again(passed.passage, row),
    )


def taken(owner: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """Return the places of all that belongs to each of the `wanted` owners in turn, and the number of its turn.

    Parameters
    ----------
    owner : int array of shape (M,)
        Whose each thing is; in any order.
    wanted : int array of shape (N,)
    """
    order = np.argsort(owner, kind="stable")
    begin, end = (np.searchsorted(owner[order], wanted, side=side) for side in ("left", "right"))
    count = end - begin
    turn = np.repeat(np.arange(len(wanted)), count)
    within = np.arange(len(turn)) - np.repeat(np.cumsum(count) - count, count)
    return order[begin[turn] + within], turn


def renumbered(tracks: Floats, rows: Ints) -> Floats:
    """Return tracks as those of other rows; the array given is changed."""
    tracks[:, ROW] = rows
    return tracks


def _again(passage: Passage, row: Ints) -> Passage:
    """Return what beam particles have left up to here for each of `row`."""

    def columns(points: dict[str, Array]) -> dict[str, Array]:
        where, its = taken(points["event"], row)
        return {**{name: values[where] for name, values in points.items()}, "event": its}

    def of(tracks: Floats) -> tuple[Ints, Floats]:
        where, its = taken(tracks[:, ROW].astype(np.int64), row)
        return where, renumbered(tracks[where], its)

    seen, stations = passage.seen, {}
    for name, (tracks, here) in passage.stations.items():
        where, made = of(tracks)
        stations[name] = (made, here[where])
    return Passage(
        seen=seen._replace(
            visible=seen.visible[row], deposited=seen.deposited[row], leaked=seen.leaked[row], lost=seen.lost[row]
        ),
        points=[columns(points) for points in passage.points],
        marked={name: of(tracks)[1] for name, tracks in passage.marked.items()},
        stations=stations,
    )
