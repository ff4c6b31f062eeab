"""Constants drawn at random, the set-up they belong to, and the calibration runs that are simulated with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.events.files.atomic import write_text
from emiss.reco.detector.model import load_detector
from emiss.samples.beam_schema import BeamView
from emiss.samples.config import load_sample
from emiss.setups.constants import block, values
from emiss.validate import loop_corrections
from emiss.validate.loop_strips import drawn

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Sample

SETUP = "na64e_beam"

DETECTOR = """\
# {setup} with counters so wide that the beam may be anywhere on the face of the calorimeters.
extends: {setup}
name: calibration_loop
parts:
  s: {{width: 900 mm, height: 900 mm}}
"""

PEDESTAL, ELECTRON, MUON, STRAIGHT, AHEAD, FIELD = 6114, 6111, 6112, 6115, 6113, 6116
"""Run numbers: random triggers, electrons and muons over the face, muons with the field off through the last spectrometer and
through the first, muons on the axis with the field on."""

MUONS, ELECTRONS = 6117, 6118
"""Runs that no constant is derived from: muons as in `FIELD`, and electrons on the axis."""

RUNS = "6000-6999"

SPREAD, HEADROOM = 0.2, 1.25
"""Of gains, relative; and what the gains to begin with are above those of the set-up, so that no cell saturates."""

OFFSET, SHIFT, SCALE = 10.0, 1000.0, 0.02
"""ns, um, relative: offsets, shifts of planes and the scale of fields are within that of where they begin."""

ROTATION, ALONG = 5.0, 3.0
"""mrad, mm: rotations of planes and their places along the beam are within that of 0."""

FACE = {
    ELECTRON: 75.0,
    MUON: 150.0,
    ELECTRONS: 20.0,
    loop_corrections.ELECTRON: 75.0,
    loop_corrections.MUON: 150.0,
}
"""rms of the beam on the face, mm; 4 mm in other runs."""

WAISTS = {STRAIGHT: (6800.0, 20e-3, 10e-3), AHEAD: (-16000.0, 12e-3, 6e-3)}
"""Of the muons with the field off: z of the waist (mm), in the middle of a spectrometer, and rms of the slopes in x and y. They
fill the planes, as halo does: rotations and z are known from the spread in place and slope alone."""

WAIST = 10.0
"""rms of their places there, mm."""


SAMPLES = {
    PEDESTAL: "calib_pedestal",
    ELECTRON: "calib_electron",
    ELECTRONS: "calib_electron",
    loop_corrections.ELECTRON: "calib_electron",
    loop_corrections.BEFORE: "calib_led",
    loop_corrections.LED: "calib_led",
}
"""Of runs; those of muons are left out."""


@dataclass(frozen=True)
class Truth:
    """A set-up with the constants that its runs are made with, and those that a calibration begins with.

    Attributes
    ----------
    detector : Path
    true, first : Path
        Folders of constants.
    """

    detector: Path
    true: Path
    first: Path

    def loaded(self) -> Detector:
        """Return the set-up."""
        return load_detector(self.detector)

    def conditions(self, run: int) -> RunConditions:
        """Return the true constants of a run."""
        return Conditions.load(self.true).for_run(run)


def draw(out: Path, rng: np.random.Generator) -> Truth:
    """Draw constants and write set-up and constants to a folder."""
    made = Truth(out / "setup" / "detector.yaml", out / "true", out / "tag")
    for path in (made.detector.parent, made.true, made.first):
        path.mkdir(parents=True, exist_ok=True)
    for old in made.first.glob("*.txt"):  # derived by a loop before
        old.unlink()
    write_text(made.detector, DETECTOR.format(setup=SETUP))
    detector = made.loaded()
    nominal = values(detector)
    channels, planes = detector.channels, [plane.name for plane in detector.planes]
    gains = {name: HEADROOM * float(text) for name, text in nominal["sadc.gain"].items()}
    start = {name: float(nominal["sadc.time"].get(name, nominal["sadc.time"].get("*", "0"))) for name in channels}

    def around(width: float, count: int) -> Floats:
        return rng.uniform(-width, width, count)

    first = {**nominal, "sadc.gain": {name: f"{gain:.6g}" for name, gain in gains.items()}}
    level = np.column_stack([rng.uniform(100.0, 300.0, (len(channels), 2)), rng.uniform(0.5, 0.9, len(channels))])
    true = {
        **first,
        "sadc.pedestal": {
            name: " ".join(f"{one:.5g}" for one in row) for name, row in zip(channels, level, strict=True)
        },
        "sadc.gain": {
            name: f"{gain * (1.0 + away):.7g}"
            for (name, gain), away in zip(gains.items(), around(SPREAD, len(gains)), strict=True)
        },
        "sadc.time": {
            name: f"{start[name] + away:.5g}"
            for name, away in zip(channels, around(OFFSET, len(channels)), strict=True)
        },
        "tracker.alignment": {
            name: f"{away:.1f}" for name, away in zip(planes, around(SHIFT, len(planes)), strict=True)
        },
    }
    scales = {
        name: f"{1.0 + away:.6g}"
        for name, away in zip(detector.magnets, around(SCALE, len(detector.magnets)), strict=True)
    }
    turned, along = around(ROTATION, len(planes)), around(ALONG, len(planes))
    true["tracker.alignment"] = {
        name: f"{shift} {angle:.4f} {z:.4f}"
        for (name, shift), angle, z in zip(true["tracker.alignment"].items(), turned, along, strict=True)
    }
    columns = {"tracker.alignment": ("shift, rotation, z", "um, mrad, mm")}
    true |= drawn(detector, rng)
    off = dict.fromkeys(detector.magnets, "0")
    for folder, constants, on in ((made.true, true, scales), (made.first, first, dict.fromkeys(detector.magnets, "1"))):
        texts = [
            block(kind, RUNS, rows, columns=columns.get(kind) if constants is true else None)
            for kind, rows in constants.items()
            if kind != "magnet.field"
        ]
        texts += [block("magnet.field", f"6000-{AHEAD - 1}, {PEDESTAL}, {STRAIGHT + 1}-6999", on)]
        texts += [block("magnet.field", f"{AHEAD}, {STRAIGHT}", off)]
        write_text(folder / "constants.txt", "\n".join(texts))
    write_text(made.true / "corrections.txt", loop_corrections.tables(detector, rng.spawn(1)[0]))
    return made


def sample(truth: Truth, run: int, *, seed: int) -> Sample:
    """Return the sample of a calibration run."""
    name = SAMPLES.get(run, "calib_muon")
    one = load_sample(name).with_detector(str(truth.detector)).with_run(run)
    if SAMPLES.get(run) == "calib_led":
        one = one.model_copy(
            update={"spill": one.spill.model_copy(update={"events": loop_corrections.IN_SPILL_OF_LED})}
        )
    beam = one.beam.model_copy(update={"size": FACE[run]} if run in FACE else {})
    if run in WAISTS:
        z, *slopes = WAISTS[run]
        beam = beam.model_copy(update={view: _from_waist(z, slope) for view, slope in zip("xy", slopes, strict=True)})
    return one.model_copy(update={"beam": beam, "calib": str(truth.true), "seed": seed})


def _from_waist(z: float, slope: float) -> BeamView:
    """Return a view of a beam that is narrowest at a waist, as it is at z = 0."""
    wide = float(np.hypot(WAIST, slope * z))
    return BeamView(size=wide, divergence=slope, correlation=-slope * z / wide)
