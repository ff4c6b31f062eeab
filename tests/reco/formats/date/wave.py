"""A set-up with wave boards beside the MSADC, made from the one that ships: SRD and HCAL are read out by them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from emiss.configs.loader import SHIPPED
from emiss.reco.detector.model import load_detector

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.reco.detector.model import Detector

SOURCE = 640

DETECTOR = """
extends: na64e_lfc
name: with_wave_boards
maps: maps
digitisers:
  waveboard:
    period: 4 ns
    samples: 128
    bits: 14
    pulse: {rise: 12 ns, start: 100 ns, source: illustrative}
    measure: {threshold: 7, before: 6, after: 12, pulses: 2, source: illustrative}
    source: illustrative
parts:
  srd: {digitiser: waveboard}
  hcal: {digitiser: waveboard}
"""


def make(folder: Path) -> Detector:
    """Write detector file and maps to a folder, and return the detector."""
    maps = folder / "maps"
    shutil.copytree(SHIPPED / "detectors" / "na64e_lfc" / "maps", maps, dirs_exist_ok=True)
    plain = load_detector("na64e_lfc")
    channels = [name for part in ("srd", "hcal") for name in plain.read_out[part].channels()]
    for name in ("SRD", "HCAL"):
        (maps / f"{name}.xml").unlink()
    rows = "\n".join(
        f"{name.split('.')[0]} {SOURCE} {number // 16} {number % 16} {' '.join(name.split('.')[1:])}"
        for number, name in enumerate(channels)
    )
    (maps / "WAVE.xml").write_text(f'<Map>\n<ChipWaveBoard runs="6000-6999">\n{rows}\n</ChipWaveBoard>\n</Map>\n')
    daq = (maps / "DAQ.xml").read_text()
    rule = f"      -1 -1 -1 {SOURCE} -1 ChipWaveBoard w\n    </ChipsCreation>"
    (maps / "DAQ.xml").write_text(daq.replace("    </ChipsCreation>", rule))
    (folder / "detector.yaml").write_text(DETECTOR)
    return load_detector(folder / "detector.yaml")
