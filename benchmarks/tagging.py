"""Electrons and hadrons in the modules that tag by synchrotron light: `python -m benchmarks.tagging` prints what comes out.

Two ways: the fast one (`emiss.samples.tagging`, modules without places), and photons and knock-on electrons one by one on
straight lines to the modules of shipped set-ups that have places, from the windows, counters, stations and air on the way.
"""

from __future__ import annotations

import numpy as np

from emiss.physics.constants import PION_MASS
from emiss.physics.passage import knock_on, synchrotron
from emiss.reco.detector.model import load_detector
from emiss.samples.beam_schema import Tagging
from emiss.samples.setup import SetUp
from emiss.samples.tagging import seen

EVENTS, HADRONS = 20_000, 4_000_000

MATTER = {
    "BM3": (-13800.0, 0.128, 0.5),
    "BM4": (-12800.0, 0.128, 0.5),
    "S1": (-12500.0, 0.310, 0.5414),
    "window in": (-12200.0, 0.028, 0.5126),
    "window out": (-2800.0, 0.028, 0.5126),
    **{f"air {z:g}": (z, 0.0241, 0.499) for z in np.arange(-13900.0, -12200.0, 200.0)},
    **{f"air {z:g}": (z, 0.0121, 0.499) for z in np.arange(-2750.0, -2400.0, 100.0)},
}
"""z (mm), g/cm^2 and Z/A of what stands on the axis behind the bend: 0.3 % of a radiation length per station, 3 mm of
scintillator, 0.2 mm of kapton, air where there is no vacuum. Illustrative."""

LOSS = 0.3
"""MeV/mm of an electron in 0.1 mm of lead and 1 mm of scintillator."""


def fast() -> None:
    """Print the fast way, with three modules of lead and scintillator, and four of LYSO of half the width."""
    settings = Tagging()
    kinds = {
        "lead-scintillator, 3 x 1 MeV": (settings, np.full(3, settings.stochastic**2), 1e-3),
        "LYSO, 4 x 0.5 MeV": (
            settings.model_copy(update={"share": settings.share * 32 / 60}),
            np.full(4, 1e-3 / settings.photoelectrons),
            0.5e-3,
        ),
    }
    rng = np.random.default_rng(1)
    for name, (chosen, grain, threshold) in kinds.items():
        electron = seen(chosen, grain, np.full(EVENTS * 5, 11), np.full(EVENTS * 5, 100.0), rng)
        pion = seen(chosen, grain, np.full(HADRONS, -211), np.full(HADRONS, 100.0), rng)
        found, mistaken = electron > threshold, pion > threshold
        print(
            f"{name}: electron {electron.mean() * 1e3:.1f} MeV per module, {found.all(axis=1).mean():.4f} in all; "
            f"pion {mistaken.mean():.4f} per module, {mistaken.all(axis=1).mean():.2e} in all"
        )


def placed(name: str, grain: float) -> None:
    """Print what reaches the modules of a set-up one by one."""
    detector, rng = load_detector(name), np.random.default_rng(2)
    boxes = [detector.volumes[module] for module in SetUp(detector).taggers]
    threshold = detector.parts["srd"].threshold
    magnet = detector.magnets["MBPLU"]
    bend = magnet.by * 0.299792458e-3 * (magnet.z[1] - magnet.z[0]) / detector.beam.energy
    states = np.tile([0.5 * bend * (magnet.z[1] - magnet.z[0]), 0.0, -bend, 0.0], (EVENTS, 1))
    made = synchrotron.radiate(states, np.full(EVENTS, 100.0), by=magnet.by, region=magnet.z, rng=rng)
    x, y, z, tx, ty, energy = made.photons.T
    light = np.zeros((EVENTS, len(boxes)))
    for number, box in enumerate(boxes):
        at_x, at_y = x + tx * (box.z - z), y + ty * (box.z - z)
        inside = (np.abs(at_x - box.x) < 0.5 * box.width) & (np.abs(at_y - box.y) < 0.5 * box.height)
        light[:, number] = np.bincount(made.row[inside], energy[inside], EVENTS)
    light = np.where(light > 0, rng.gamma(np.maximum(light, 1e-12) / grain) * grain, 0.0)
    shown = ", ".join(f"{mean * 1e3:.1f}" for mean in light.mean(axis=0))
    print(f"{name}: electron {shown} MeV, {(light > threshold).all(axis=1).mean():.4f} in all {len(boxes)}")
    coincidences(name, light, threshold)
    hadron(name, boxes, threshold, rng)


def coincidences(name: str, light: np.ndarray, threshold: float) -> None:
    """Print how many electrons have light in so many modules at least, and what no more than the Poisson number would give."""
    fired = (light > threshold).sum(axis=1)
    most = light.shape[1]
    shown = ", ".join(f"{number}: {np.mean(fired >= number):.4f}" for number in range(1, most + 1))
    missed = (light > threshold).mean(axis=0)
    print(
        f"{name}: electrons in at least so many modules: {shown}; one by one {np.round(missed, 4)}, "
        f"product {missed.prod():.4f}; sum above 5 MeV {np.mean(light.sum(axis=1) > 5e-3):.4f}"
    )


def hadron(name: str, boxes: list, threshold: float, rng: np.random.Generator) -> None:
    """Print how often one knock-on electron of a pion fires modules."""
    share = np.zeros(len(boxes) + 1)
    least, drawn = 1e-3, 100_000
    for z, grams, z_over_a in MATTER.values():
        number = knock_on.mean_number(100.0, PION_MASS, least, grams * z_over_a)
        kinetic, angle = knock_on.sample(100.0, PION_MASS, least, drawn, rng)
        phi = rng.uniform(0, 2 * np.pi, drawn)
        tx, ty = np.tan(angle) * np.cos(phi), np.tan(angle) * np.sin(phi)
        # straight on, 1 mm by 1 mm of depth, until the energy is used up
        left, deposit = kinetic * 1e3, np.zeros((drawn, len(boxes)))
        front = boxes[0].z
        near = np.abs(tx) * (front + boxes[0].depth - z) > 40.0
        tx, ty, left, deposit = tx[near], ty[near], left[near], deposit[near]
        for depth in np.arange(0.5, boxes[0].depth, 1.0):
            x, y = tx * (front + depth - z), ty * (front + depth - z)
            step = np.minimum(LOSS * np.hypot(np.hypot(tx, ty), 1.0), left)
            for column, box in enumerate(boxes):
                inside = (np.abs(x - box.x) < 0.5 * box.width) & (np.abs(y - box.y) < 0.5 * box.height)
                deposit[:, column] += np.where(inside, step, 0.0)
                left = np.where(inside, left - step, left)
        fired = (deposit > threshold * 1e3).sum(axis=1)
        share += number * np.bincount(fired, minlength=len(boxes) + 1) / drawn
    shown = ", ".join(f"{number}: {value:.1e}" for number, value in enumerate(share) if number)
    print(f"{name}: one knock-on electron of a pion fires so many modules: {shown}")


if __name__ == "__main__":
    fast()
    placed("na64e_2018", Tagging().stochastic ** 2)
    placed("na64e_2023", 1e-3 / Tagging().photoelectrons)
