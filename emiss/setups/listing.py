"""The set-ups that ship, by name: beam and parts."""

from __future__ import annotations

from typing import Any

from emiss.configs import loader
from emiss.reco.detector.model import load_detector


def listing() -> list[dict[str, Any]]:
    """Return name, beam (particle, GeV), numbers of channels and planes, and parts (name by kind) of each set-up."""
    found = []
    for name in loader.shipped("detectors"):
        detector = load_detector(name)
        found.append(
            {
                "name": name,
                "particle": detector.beam.particle,
                "energy": detector.beam.energy,
                "channels": len(detector.channels),
                "planes": len(detector.planes),
                "parts": {part: one.kind for part, one in detector.parts.items()},
            }
        )
    return found
