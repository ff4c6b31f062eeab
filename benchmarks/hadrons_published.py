"""Hadrons of many kinds and energies in the walk beside published parametrisations: `python -m benchmarks.hadrons_published`.

A block of the HCAL's plates (25 mm of iron, 4 mm of plastic), 3 m wide and so deep that nothing leaves behind, in modules
of 203 mm. Depths are from the front face, in nuclear interaction lengths of the mixture. Published:

- 95 % of the energy of pions within t_max + 2.5 E^0.13 interaction lengths, t_max = 0.2 ln E + 0.7 (C. W. Fabjan, T. Ludlam,
  Annu. Rev. Nucl. Part. Sci. 32 (1982) 335; C. Leroy, P. G. Rancoita, Rep. Prog. Phys. 63 (2000) 505);
- the share of pi0 in iron 1 - E^(k - 1), k = 0.80 to 0.87 (D. E. Groom, Nucl. Instrum. Meth. A 572 (2007) 633: E0 = 1 GeV of
  pions, 2.6 GeV of protons);
- 50 to 60 %/sqrt(E) of iron and plastic in plates of 25 mm (R. Wigmans, Calorimetry, Ch. 4).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.physics.hadrons.test_hadrons import photons
from tests.samples.walk.hadron_rig import DETECTOR, rig, run

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {"pi-": -211, "K-": -321, "p": 2212, "n": 2112, "K0L": 130}
ENERGIES = (5.0, 20.0, 50.0, 100.0, 200.0)
EVENTS, MODULES, FRONT, DEPTH = 1500, 18, 700.0, 203.0


def block(folder: Path) -> Path:
    """Write the detector file of the block; return its path."""
    text = DETECTOR.read_text(encoding="utf-8")
    head, tail = text[: text.index("  hcal:")], text[text.index("  hcal:") :]
    begin, end = tail.index("    elements:"), tail.index("    columns:")
    places = "".join(f"      HCAL{k}: {{z: {FRONT + k * DEPTH} mm}}\n" for k in range(MODULES))
    tail = tail[:begin] + "    elements:\n" + places + tail[end:]
    for old, new in (
        ("pitch: 200 mm", "pitch: 1000 mm"),
        ("depth: 1392 mm", f"depth: {DEPTH} mm"),
        ("{iron: 1200 mm, scintillator: 192 mm}", "{iron: 175 mm, scintillator: 28 mm}"),
        ("mip: 2.06 GeV", "mip: 0.3 GeV"),
    ):
        tail = tail.replace(old, new)
    path = folder / "block.yaml"
    path.write_text(head + tail, encoding="utf-8")
    return path


def depth_of(share: float, profile: np.ndarray, length: float) -> float:
    """Return the depth (interaction lengths) within which a share of a profile by modules is."""
    reached = np.concatenate([[0.0], np.cumsum(profile) / profile.sum()])
    return float(np.interp(share, reached, np.arange(MODULES + 1) * DEPTH / length))


def rows(folder: Path) -> Iterator[tuple[str, float, float, float, float, float, float]]:
    """Yield kind, energy, response over that of electrons, resolution times sqrt(E), depths of 95 and 99 %, share of pi0."""
    path = block(folder)
    world = rig(path).world
    length = float(world.mixtures.lambda_[world.mixture[-1]])
    for name, pdg in KINDS.items():
        for energy in ENERGIES:
            seen, _ = run(pdg, energy, EVENTS, 3, z=FRONT - 5.0, detector=path)
            shown = seen.visible[:, -9 * MODULES :].reshape(EVENTS, MODULES, 9).sum(axis=2)
            total = shown.sum(axis=1)
            profile = shown.mean(axis=0)
            share = photons(pdg, energy, 55.85, 1500, np.random.default_rng(2))
            yield (
                name, energy, float(total.mean() / energy), float(total.std() / total.mean() * np.sqrt(energy)),
                depth_of(0.95, profile, length), depth_of(0.99, profile, length), share,
            )  # fmt: skip


def published(energy: float) -> tuple[float, float]:
    """Return the depth (interaction lengths) of 95 % of pions, and their share of pi0 in iron for k = 0.82."""
    return 0.2 * np.log(energy) + 0.7 + 2.5 * energy**0.13, 1.0 - energy**-0.18


def main() -> None:
    """Print the table."""
    print(f"{'':5}{'GeV':>6}{'shown/E':>9}{'s sqrt(E)':>11}{'95 %':>7}{'pions':>7}{'99 %':>7}{'pi0':>7}{'pions':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, energy, shown, width, near, far, share in rows(Path(folder)):
            wanted, groom = published(energy)
            print(
                f"{name:5}{energy:6.0f}{shown:9.3f}{width:11.3f}{near:7.2f}{wanted:7.2f}{far:7.2f}{share:7.3f}{groom:7.3f}"
            )


if __name__ == "__main__":
    main()
