"""Libraries of shower profiles from simulated electrons on the cells of a calorimeter, as tables of constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.configs import overlay
from emiss.configs.errors import Location, UserError
from emiss.events.lists import Lists
from emiss.reco.calorimetry import sums_kernels
from emiss.reco.calorimetry.profile import FEWEST, Profiles, profiles_of
from emiss.reco.parts.grid import Grid
from emiss.samples.config import Response
from emiss.samples.walk.tracks import ELECTRON, tracks
from emiss.samples.walk.walking import Walk
from emiss.setups.constants import block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.configs.arrays import Bytes, Floats
    from emiss.reco.detector.model import Detector

PROFILES = "profile.txt"
"""The file of a set-up's constants that libraries are written to."""

ELECTRONS = 20_000
"""Of each energy."""

SIGMAS = 7.0
"""The threshold of a cell over its noise."""

SEED = 1729
"""Where the random numbers begin."""


def simulated(
    detector: Detector, *, electrons: int | None = None, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Mapping[str, str]]:
    """Return the rows of the libraries that a set-up wants, by type and name of the profile.

    Electrons come along z, evenly over the beam cell; their cells have the noise that the threshold stands for.

    Raises
    ------
    UserError
        If the set-up has no calorimeter with a library, or a profile would be of too few electrons.
    """
    count = ELECTRONS if electrons is None else electrons
    grids = {name: part for name, part in detector.of_kind(Grid).items() if part.library is not None}
    if not grids:
        raise UserError(
            f"no calorimeter of the set-up {detector.name} has a 'library' of profiles", at=Location(str(detector.file))
        )
    made: dict[str, Mapping[str, str]] = {}
    for name, part in grids.items():
        assert part.library is not None  # noqa: S101 - they are those that have one
        walk = Walk(detector, Response(), {}, {}, target=name)
        places = (len(part.library.edges) + 1) * (len(part.library.edges) + 2) // 2
        rows = []
        for number, energy in enumerate(part.library.energies):
            progress(f"{name}: {count} electrons of {energy:g} GeV")
            visible = shots(walk, name, part, energy, count, np.random.default_rng([SEED, number]))
            found = Profiles(detector, name, part).find(*_cells(detector, name, part, visible))
            values, counts = profiles_of(found.shares, found.place, places)
            if not np.any(counts >= FEWEST):
                message = f"{counts.max()} electrons of {energy:g} GeV at one place of '{name}' are too few"
                raise UserError(message, hint=f"{FEWEST} are needed")
            rows.append(values)
        made[f"{name}.profile"] = {
            row: " ".join(f"{value:.4g}" for value in values)
            for row, values in zip(part.library.bins(), np.concatenate(rows), strict=True)
        }
    return made


def text_of(made: Mapping[str, Mapping[str, str]], runs: str) -> str:
    """Return the text of a table of constants."""
    return "\n".join(block(kind, runs, rows, source="simulation of electrons") for kind, rows in made.items())


def inherited(detector: Detector) -> dict[str, Mapping[str, str]]:
    """Return the rows of the libraries that a set-up wants, as far as one that it extends has them among its constants."""
    _, files = overlay.load("detectors", detector.file)
    folders = [file.parent / "calib" for file in files if file.parent != detector.file.parent]
    found = [table for folder in folders if folder.is_dir() for table in Conditions.load(folder).tables]
    made: dict[str, Mapping[str, str]] = {}
    for name, part in detector.of_kind(Grid).items():
        wanted = part.needs(name).get(f"{name}.profile", ())
        rows = {
            row: " ".join(f"{value:.4g}" for value in values)
            for table in found
            if table.type == f"{name}.profile"
            for row, values in table.rows.items()
        }
        if wanted and set(wanted) <= set(rows):
            made[f"{name}.profile"] = {row: rows[row] for row in wanted}
    return made


def shots(
    walk: Walk, name: str, part: Grid, energy: float, count: int, rng: np.random.Generator, *, face: bool = False
) -> Floats:
    """Return what electrons show in all channels that begin at the front of a calorimeter, array of shape (N, channels).

    They come evenly over the beam cell, or over the whole face.
    """
    half = 0.5 * part.pitch
    (left, right), (down, up) = (-half, half), (-half, half)
    if face:
        x, y = part.centre(np.array([0, part.columns - 1]), np.array([0, part.rows - 1]))
        (left, right), (down, up) = (x[0] - half, x[1] + half), (y[0] - half, y[1] + half)
    front = part.volumes(name)[0].z
    begun = tracks(
        {
            "row": np.arange(count),
            "pdg": ELECTRON,
            "energy": energy,
            "x": part.x + rng.uniform(left, right, count),
            "y": part.y + rng.uniform(down, up, count),
            "z": front - 0.1,
        },
        count,
    )
    return walk.shown(begun, name, rng)


def _cells(detector: Detector, name: str, part: Grid, visible: Floats) -> tuple[Lists, Bytes]:
    """Return the cells above the threshold of a part, and that they are used."""
    numbers = detector.part_numbers(name)
    rng = np.random.default_rng(SEED)
    own = visible[:, numbers]
    own = own + rng.normal(0.0, part.threshold / SIGMAS, own.shape)
    event, column = np.nonzero(own > part.threshold)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=len(own)))])
    cells = Lists(offsets, {"channel": numbers[column].astype(np.int32), "energy": own[event, column]})
    return cells, np.full(len(event), sums_kernels.USED, np.uint8)
