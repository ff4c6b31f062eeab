"""Constants drawn at random, the set-up they belong to, and the calibration runs that are simulated with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.events.files.atomic import write_text
from emiss.reco.detector.model import load_detector
from emiss.samples.config import load_sample
from emiss.setups.constants import block, values
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

PEDESTAL, ELECTRON, MUON, STRAIGHT, FIELD = 6114, 6111, 6112, 6115, 6116
"""Run numbers: random triggers, electrons and muons over the face, muons on the axis with the field off and on."""

RUNS = "6000-6999"

SPREAD, HEADROOM = 0.2, 1.25
"""Of gains, relative; and what the gains to begin with are above those of the set-up, so that no cell saturates."""

OFFSET, SHIFT, SCALE = 10.0, 1000.0, 0.02
"""ns, um, relative: offsets, shifts of planes and the scale of fields are within that of where they begin."""

FACE = {ELECTRON: 75.0, MUON: 150.0}
"""rms of the beam on the face, mm."""


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
    true |= drawn(detector, rng)
    off = dict.fromkeys(detector.magnets, "0")
    for folder, constants, on in ((made.true, true, scales), (made.first, first, dict.fromkeys(detector.magnets, "1"))):
        texts = [block(kind, RUNS, rows) for kind, rows in constants.items() if kind != "magnet.field"]
        texts += [block("magnet.field", f"6000-{STRAIGHT - 1}, {STRAIGHT + 1}-6999", on)]
        texts += [block("magnet.field", f"{STRAIGHT}", off)]
        write_text(folder / "constants.txt", "\n".join(texts))
    return made


def sample(truth: Truth, run: int, *, seed: int) -> Sample:
    """Return the sample of a calibration run."""
    name = {PEDESTAL: "calib_pedestal", ELECTRON: "calib_electron"}.get(run, "calib_muon")
    one = load_sample(name).with_detector(str(truth.detector)).with_run(run)
    beam = one.beam.model_copy(update={"size": FACE[run]} if run in FACE else {})
    return one.model_copy(update={"beam": beam, "calib": str(truth.true), "seed": seed})
