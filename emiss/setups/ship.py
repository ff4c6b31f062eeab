"""Channel maps, constants and pictures of the set-ups that ship, and the tables of their grammar: ``make setups``.

``python -m emiss.setups.ship NAME ...`` makes the libraries of shower profiles of some of them again, from simulated electrons.
"""

from __future__ import annotations

import sys
from pathlib import Path

from emiss.configs import loader
from emiss.reco.detector.model import load_detector
from emiss.setups.constants import tables, values
from emiss.setups.draw import draw
from emiss.setups.grammar import page
from emiss.setups.maps import channel_maps
from emiss.setups.profiles import PROFILES, simulated, text_of
from emiss.terminal import say

RUNS = "6000-6999"
"""As those of the demo."""

BY_HAND = ("na64e_beam", "na64e_lfc")
"""Set-ups whose maps and constants (those of the demo) are not made here."""


def files(name: str) -> dict[str, str]:
    """Return the texts of maps and constants of a set-up that ships, by path in its folder."""
    detector = load_detector(name)
    maps = {f"maps/{file}": text for file, text in channel_maps(detector, RUNS).items()}
    return maps | {f"calib/{file}": text for file, text in tables(values(detector), RUNS).items()}


def main() -> None:
    """Write them into the tree of sources; those that are asked for get their libraries of profiles again, too."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    told = docs / "setups.md"
    told.write_text(page(told.read_text(encoding="utf-8")), encoding="utf-8")
    for name in loader.shipped("detectors"):
        draw(load_detector(name), docs / "setups" / f"{name}.svg")
        if name in BY_HAND:
            continue
        folder = loader.SHIPPED / "detectors" / name
        made = {folder / path: text for path, text in files(name).items()}
        for stale in {*folder.glob("maps/*"), *folder.glob("calib/*")} - {*made, folder / "calib" / PROFILES}:
            stale.unlink()
        for path, text in made.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if name in sys.argv[1:]:
            text = text_of(simulated(load_detector(name), progress=say), RUNS)
            (folder / "calib" / PROFILES).write_text(text, encoding="utf-8")
        say(f"{name}: {len(made)} files")


if __name__ == "__main__":
    main()
