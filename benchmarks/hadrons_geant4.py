"""Pions of 100 GeV in Geant4 (a folder of samples, the argument) beside the walk: `python -m benchmarks.hadrons_geant4 FOLDER`.

Leaks of the walk are those behind the last module within 1 m of the axis, as large as the plane is in Geant4.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.samples.walk.hadron_rig import run

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

EVENTS = 10000
LATE = (700.0, 1000.0)
"""mm; pions that end here are those that the HCAL is calibrated with, to their energy in the mean."""


class Sample:
    """Sums of cells on a common scale: ECAL (N, 5, 6, 2), VETO (N,), HCAL (N, 3, 3, 3), end of the pion (N,), leaks (N, 4)."""

    def __init__(self, ecal: Floats, veto: Floats, hcal: Floats, end: Floats, leak: Floats) -> None:
        late = (end > LATE[0]) & (end < LATE[1])
        self.per_pion = hcal[late].sum((1, 2, 3)).mean()
        self.ecal, self.veto, self.hcal, self.end, self.leak = ecal, veto, hcal / self.per_pion * 100.0, end, leak

    def numbers(self) -> dict[str, float]:
        """Return what is compared, by name."""
        ecal, hcal = self.ecal.sum((1, 2, 3)), self.hcal.sum((1, 2, 3))
        found: dict[str, float] = {}

        def wide(name: str, x: Floats) -> None:
            low, middle, high = np.percentile(x, [16, 50, 84])
            found[f"{name}: median"], found[f"{name}: 68 % half width"] = middle, 0.5 * (high - low)

        inside = self.end < 450
        found["ends in the ECAL"] = inside.mean()
        found["ends in HCAL 1"] = ((self.end > 700) & (self.end < 2092)).mean()
        found["HCAL end: mean depth in module 1"] = self.end[(self.end > 700) & (self.end < 2092)].mean() - 700
        wide("ECAL", ecal)
        wide("HCAL", hcal)
        wide("ECAL + HCAL", ecal + hcal)
        for low, high in ((0, 100), (100, 200), (200, 300), (300, 450)):
            which = (self.end >= low) & (self.end < high)
            wide(f"ECAL, end {low}-{high}", ecal[which])
            wide(f"HCAL, end {low}-{high}", hcal[which])
        late = (self.end > LATE[0]) & (self.end < LATE[1])
        wide("HCAL, late", hcal[late])
        found["HCAL, late: rms/mean"] = hcal[late].std() / hcal[late].mean()
        modules = self.hcal.sum((2, 3))
        for k in range(2):
            found[f"module {k + 2} of HCAL sum, late"] = modules[late, k + 1].mean() / 100.0
            found[f"module {k + 2} of HCAL sum, all"] = modules[:, k + 1].mean() / modules.sum(1).mean()
        for limit in (0.6, 1.0, 2.0):
            found[f"ECAL below {limit:g} GeV"] = (ecal < limit).mean()
        found["ECAL above 90 GeV"] = (ecal > 90).mean()
        centre = self.hcal.sum(1)[:, 1, 1] / np.maximum(hcal, 1e-9)
        wide("centre of 3 x 3, early", centre[inside])
        wide("centre of 3 x 3, late", centre[late])
        cells = self.ecal.sum(3)
        found["ECAL, mean share of the two middle cells"] = cells[:, 2, 2:4].sum() / cells.sum()
        found["ECAL, mean share of their 3 x 4"] = cells[:, 1:4, 1:5].sum() / cells.sum()
        early = self.end < 300
        shower = self.ecal[early].sum((1, 2))
        found["preshower share, end 0-300"] = shower[:, 0].sum() / shower.sum()
        found["VETO: median"] = np.median(self.veto) * 1e3
        found["VETO: 84 %"] = np.percentile(self.veto, 84) * 1e3
        for k, name in enumerate(("charged hadrons", "e and photons", "neutral hadrons", "muons")):
            found[f"leak of {name}: mean"] = self.leak[:, k].mean()
            found[f"leak of {name}: above 0.1 GeV"] = (self.leak[:, k] > 0.1).mean()
        found["HCAL below 1 MIP, ECAL below 1 GeV"] = ((ecal < 1.0) & (hcal < 2.0)).mean()
        return found


def truth(folder: Path) -> Sample:
    """Return Geant4's pions; the ECAL on the scale of 100 GeV electrons."""
    electrons, pions = np.load(folder / "e100_a.npz"), np.load(folder / "pi_100.npz")
    scale = 100.0 / electrons["ecal"].sum((1, 2, 3)).mean()
    return Sample(pions["ecal"] * scale, pions["veto"], pions["hcal"], pions["first"][:, 2], pions["leak"][:, :4])


def walked(events: int = EVENTS, seed: int = 1) -> Sample:
    """Return pions of the walk."""
    seen, out = run(-211, 100.0, events, seed)
    ecal = seen.visible[:, 1:61].reshape(events, 2, 5, 6).transpose(0, 2, 3, 1)
    return Sample(ecal, seen.visible[:, 61], seen.visible[:, 63:].reshape(events, 3, 3, 3), out[:, 4], out[:, :4])


def main(folder: Path) -> None:
    """Print both sides."""
    one, other = truth(folder), walked()
    print(f"{'':44}{'Geant4':>10}{'walk':>10}{'ratio':>8}")
    print(f"{'HCAL per 100 GeV pion, own unit':44}{one.per_pion:10.4g}{other.per_pion:10.4g}")
    ours = other.numbers()
    for name, value in one.numbers().items():
        print(f"{name:44}{value:10.4g}{ours[name]:10.4g}{ours[name] / value if value else np.nan:8.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
