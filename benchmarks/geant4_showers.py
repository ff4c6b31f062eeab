"""Electromagnetic showers of the walk beside those of Geant4: preshower, cells by impact, VETO and HCAL.

    .venv/bin/python -m benchmarks.geant4_showers FOLDER

FOLDER holds `e100_a.npz`, which is not part of the repository (docs/validation.md says what it is).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.samples.walk.shower_rig import booked, cells, tables_of, world_of

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

COUNT = 20000
PITCH, COLUMNS, ROWS = 38.2, 5, 6
HCAL_MIP = 2.05
"""GeV on the scale of electrons: the most probable value of muons in a module."""

HCAL_VISIBLE_MIP = 0.0448
"""GeV in the scintillator of a module: the most probable value of muons above 30 GeV (Geant4, `mu_minus_5_90.npz`)."""


def row(name: str, theirs: float, ours: float) -> None:
    ratio = f"{ours / theirs:7.3f}" if theirs else ""
    print(f"{name:34} {theirs:10.4f} {ours:10.4f} {ratio}")


def shares(place: Floats, ecal: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the distance to the middle of the cell (the farther view), the share of the cell that is hit, and of 3 x 3."""
    total = ecal.sum(axis=(1, 2))
    events = np.arange(len(total))
    off, number = [], []
    for axis, count in enumerate((COLUMNS, ROWS)):
        i = np.clip((place[:, axis] / PITCH + count / 2).astype(int), 1, count - 2)
        number.append(i)
        off.append(np.abs(place[:, axis] - (i + 0.5 - count / 2) * PITCH))
    ix, iy = number
    block = sum(ecal[events, ix + i, iy + j] for i in (-1, 0, 1) for j in (-1, 0, 1))
    return np.maximum(*off), ecal[events, ix, iy] / total, np.asarray(block) / total


def main(folder: Path) -> None:
    data = np.load(folder / "e100_a.npz")
    rng = np.random.default_rng(1)
    world = world_of()
    tables = tables_of(world)
    theirs = data["ecal"].transpose(0, 3, 1, 2) / (data["ecal"].sum() / len(data["ecal"]) / 100.0)
    place = np.concatenate([data["primary"][:, 2:4], np.zeros((len(theirs), 1))], axis=1)
    places = place[rng.integers(0, len(place), COUNT)]
    booked(world, tables, 11, 100.0, 10, rng)
    begun = time.process_time()
    seen = booked(world, tables, 11, 100.0, COUNT, rng, place=places)
    took = time.process_time() - begun
    ours = cells(seen)
    print(f"{'100 GeV electrons':34} {'Geant4':>10} {'here':>10} {'ratio':>7}   {took / COUNT * 1e6:.1f} us each")
    sums = [ecal.sum(axis=(1, 2, 3)) for ecal in (theirs, ours)]
    row("ECAL, rms over mean", *(s.std() / s.mean() for s in sums))
    first = [ecal[:, 0].sum(axis=(1, 2)) / s for ecal, s in zip((theirs, ours), sums, strict=True)]
    row("preshower share, mean", *(f.mean() for f in first))
    row("  rms", *(f.std() for f in first))
    for q in (0.05, 0.16, 0.5, 0.84, 0.95):
        row(f"  quantile {q}", *(np.quantile(f, q) for f in first))
    at, centre, block = zip(*(shares(p, e.sum(axis=1)) for p, e in ((place, theirs), (places, ours))), strict=True)
    for low, high in ((0, 5), (5, 10), (10, 13), (13, 16), (16, 19.1)):
        here = [(a >= low) & (a < high) for a in at]
        row(f"centre cell, {low}-{high} mm off", *(c[h].mean() for c, h in zip(centre, here, strict=True)))
        row(f"3 x 3, {low}-{high} mm off", *(b[h].mean() for b, h in zip(block, here, strict=True)))
    middle = cells(booked(world, tables, 11, 100.0, COUNT, rng)).sum(axis=1)
    row("centre share on the middle, rms", 0.0042, (middle[:, 2, 3] / middle.sum(axis=(1, 2))).std())
    veto = data["veto"] * 1e3, seen.visible[:, 60] * 1e3
    row("VETO, MeV, mean", *(v.mean() for v in veto))
    for q in (0.16, 0.5, 0.84, 0.95):
        row(f"  quantile {q}", *(np.quantile(v, q) for v in veto))
    row("  above 6 MeV", *((v > 6.0).mean() for v in veto))
    hcal = data["hcal"][:, 0].sum(axis=(1, 2)) / HCAL_VISIBLE_MIP, seen.visible[:, 61:70].sum(axis=1) / HCAL_MIP
    row("HCAL 1, MIP, mean", *(h.mean() for h in hcal))
    row("  quantile 0.95", *(np.quantile(h, 0.95) for h in hcal))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("one argument: the folder of e100_a.npz")
    main(Path(sys.argv[1]))
