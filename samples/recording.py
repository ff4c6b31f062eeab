"""The events of a block: drawn once, or in rounds until enough of them are recorded, each round from its own seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists
from emiss.samples.response import Draws, Hits
from emiss.samples.trigger import recorded, until

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Ints
    from emiss.samples.config import Required
    from emiss.samples.response import Response

GENERATION, RESPONSE, DIGITS, TURNS, LIGHT = range(5)
"""Stages of a block with random numbers of their own: process and beam, set-up, digitisation, prescaled triggers, LEDs."""


def seeds(seed: int, number: int, stage: int, turn: int = 0) -> np.random.Generator:
    """Return the random numbers of a stage of a block, in a round."""
    return np.random.default_rng([seed, number, stage, *([turn] if turn else [])])


def drawn(
    response: Response, required: Required | None, size: int, wanted: int, *, seed: int, number: int
) -> tuple[Hits, int]:
    """Return the first events of a block.

    Parameters
    ----------
    response : Response
    required : Required, optional
        Triggers; events without them are drawn again.
    size : int
        Events of a round: the same for any number that is wanted, as the number decides the random numbers.
    wanted : int
        Events, `size` at most.
    seed, number : int
        Of the sample, and of the block.

    Returns
    -------
    hits : Hits
    generated : int
        Events that these stand for, up to the last one.

    Raises
    ------
    UserError
        If in many rounds no event is recorded.
    """

    def draw(turn: int) -> Hits:
        draws = Draws(seeds(seed, number, GENERATION, turn), seeds(seed, number, RESPONSE, turn))
        return response.hits(size, draws)

    if required is None:
        return take(draw(0), np.arange(wanted)), wanted

    def draw_recorded(turn: int) -> tuple[Hits, Bools]:
        hits = draw(turn)
        keep, words = recorded(required, response.setup.detector, hits.trigger, seeds(seed, number, TURNS, turn))
        # what is not recorded is let go at once: there may be a thousand rounds
        return take(replace(hits, trigger=words), np.flatnonzero(keep)), keep

    pieces, generated = until(wanted, draw_recorded, required)
    return joined([take(hits, np.arange(len(rows))) for hits, rows in pieces]), generated


def take(hits: Hits, rows: Ints) -> Hits:
    """Return some events."""
    truth = {name: values[rows] for name, values in hits.truth.items()}
    return Hits(hits.cells.take(rows), hits.points.take(rows), hits.trigger[rows], truth, hits.weight[rows])


def joined(pieces: list[Hits]) -> Hits:
    """Return the events of all pieces, one after the other."""
    return Hits(
        Lists.concatenate(piece.cells for piece in pieces),
        Lists.concatenate(piece.points for piece in pieces),
        np.concatenate([piece.trigger for piece in pieces]),
        {name: np.concatenate([piece.truth[name] for piece in pieces]) for name in pieces[0].truth},
        np.concatenate([piece.weight for piece in pieces]),
    )
