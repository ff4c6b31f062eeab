"""A set-up with straws and a hodoscope, in YAML alone: its file, maps and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.reco.detector.model import load_detector
from emiss.setups.new import wire

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.reco.detector.model import Detector

RUNS = "6000-6999"

DETECTOR = """\
extends: na64e_lfc
name: with_straws
maps: maps
digitisers:
  tdc: {kind: tdc, bin: 0.5 ns, bits: 16, start: 400 ns, dead_time: 30 ns, source: illustrative}
parts:
  mm: null
  st:
    kind: tracker
    technology: straw
    stations:
      ST1: {z: 5.1 m}
      ST2: {z: 5.6 m}
      ST3: {z: 7.95 m}
      ST4: {z: 8.45 m}
    views: {x: {strips: 48}, y: {strips: 24}}
    pitch: 6 mm
    straw:
      diameter: 6 mm
      layers: 2
      spacing: 6 mm
      drift: {table: [[0 ns, 0 mm], [10 ns, 0.8 mm], [30 ns, 2 mm], [60 ns, 3.2 mm]], source: illustrative}
      source: illustrative
    digitiser: tdc
    sigma: 200 um
    x_over_x0: 0.4 percent
    window: [-20 ns, 90 ns]
    efficiency: 98 percent
    source: illustrative
  hod:
    kind: tracker
    technology: hodoscope
    stations: {HOD1: {z: 8.7 m}}
    views: {x: {strips: 288}, y: {strips: 144}}
    pitch: 1 mm
    digitiser: tdc
    sigma: 290 um
    x_over_x0: 0.5 percent
    window: [-40 ns, 40 ns]
    efficiency: 97 percent
    source: illustrative
spectrometers:
  tracks: {trackers: [st, hod], road: 3 mm}
"""


def make(folder: Path) -> Detector:
    """Write detector file, maps and constants to a folder, and return the detector."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "detector.yaml").write_text(DETECTOR)
    wire(str(folder), RUNS)
    return load_detector(folder)
