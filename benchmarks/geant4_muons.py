"""Muons of the walk beside those of Geant4: losses, HCAL and VETO spectra, the ECAL's tail, angles.

    .venv/bin/python -m benchmarks.geant4_muons FOLDER

The samples are not part of the repository (docs/validation.md says how they were made). Hard secondaries are booked crudely:
points along the mean profile of an electromagnetic shower, in radiation lengths, across the slabs that follow.
"""

from __future__ import annotations

import math
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.constants import MUON_MASS
from emiss.samples.walk.muon_kernels import fluctuated, muon_through
from emiss.samples.walk.muons import most_probable, muon_world
from tests.samples.walk.line import line, nothing

TIMES = 10
"""So many muons of ours to one of Geant4."""

POINTS = 6

VETO = 2


@kernel
def _walk(world, muons, seen, start, momentum, out, rng):
    """Take muons of (x, y, z) and (px, py, pz) through all slabs; `out` gets x, y, tx, ty, energy behind each slab."""
    kinds, energies, places = np.zeros(64, np.int64), np.zeros(64), np.zeros(64)
    slabs = len(world.z)
    for n in range(len(start)):
        x, y, z = start[n]
        px, py, pz = momentum[n]
        tx, ty = px / pz, py / pz
        carried = 0.0
        energy = math.sqrt(px * px + py * py + pz * pz + MUON_MASS * MUON_MASS)
        for s in range(slabs):
            end = world.z[s] + world.depth[s]
            if z >= end or energy <= MUON_MASS:
                out[n, s] = x, y, tx, ty, energy
                continue
            begin = max(z, world.z[s])
            x, y = x + tx * (begin - z), y + ty * (begin - z)
            root = math.sqrt(1.0 + tx * tx + ty * ty)
            x, y, tx, ty, energy, _, carried, count = muon_through(
                world,
                muons,
                seen,
                n,
                s,
                x,
                y,
                tx,
                ty,
                energy,
                (end - begin) * root,
                carried,
                kinds,
                energies,
                places,
                rng,
            )
            z = end
            for j in range(count):
                _shower(world, muons, seen, n, s, begin + places[j] / root, energies[j], kinds[j], rng)
            out[n, s] = x, y, tx, ty, energy
        seen.leaked[n, 2] += carried


@kernel
def _shower(world, muons, seen, n, s, z, energy, kind, rng):
    """Book a shower; where it leaves a calorimeter, the profile over E_c is how many electrons cross what is behind."""
    slabs = len(world.z)
    critical = world.critical[s]
    shape = max(1.0 + 0.5 * (math.log(energy / critical) + (0.5 if kind == 1 else -0.5)), 1.0)
    for _ in range(POINTS):
        depth = rng.standard_gamma(shape) * 2.0
        at, where = s, z
        while at < slabs:
            x0 = world.x0[at]
            here = max(where, world.z[at])
            thick = (world.z[at] + world.depth[at] - here) / x0
            if depth < thick:
                break
            depth -= thick
            where = world.z[at] + world.depth[at]
            at += 1
        if at == slabs:
            seen.leaked[n, 2] += energy / POINTS
            continue
        seen.deposited[n, world.part[at]] += energy / POINTS
        if muons.quantum[at] > 0.0:
            visible = world.visible[at] * energy / POINTS * (0.7 if kind == 3 else 1.0)
            seen.visible[n, world.first[at]] += fluctuated(visible, muons.quantum[at], rng)
    if s < VETO:
        depth = (world.z[1] + world.depth[1] - z) / world.x0[1]
        profile = math.exp((shape - 1.0) * math.log(0.5 * depth) - 0.5 * depth - math.lgamma(shape)) * 0.5
        expected = 0.75 * energy / critical * profile  # three quarters of the track length are above an MeV
        count = rng.standard_exponential()
        while count < expected:
            left = min(critical * rng.standard_exponential(), world.mip[VETO])
            for channel in range(2):
                seen.visible[n, world.first[VETO] + channel] += left
            count += rng.standard_exponential()
    elif s == VETO:  # a delta electron, from anywhere on the path
        left = min(energy, world.mip[VETO] * rng.random())
        for channel in range(2):
            seen.visible[n, world.first[VETO] + channel] += left


def _sums(world, seen):
    edges = np.append(world.first, seen.visible.shape[1])
    return np.stack([seen.visible[:, a:b].sum(1) for a, b in pairwise(edges)], axis=1)


def main(folder: Path) -> None:
    """Print both sides."""
    truth = np.load(folder / "mu_minus_5_90.npz")
    electrons = np.load(folder / "e100_a.npz")["ecal"].sum((1, 2, 3))
    ecal = truth["ecal"].sum((1, 2, 3)) * 100.0 / np.median(electrons)
    hcal = truth["hcal"].sum((2, 3))
    primary, hits = truth["primary"], truth["hits"]
    hits = hits[(hits[:, 2] == 1) & (hits[:, 10] > 0)]
    states = np.full((len(primary), 5, 6), np.nan)
    for plane in range(5):
        own = hits[hits[:, 1] == plane]
        states[own[:, 0].astype(int), plane] = own[:, 5:11]
    energy = np.sqrt((states[:, :, 3:] ** 2).sum(-1) + MUON_MASS**2)

    world, mixtures, materials = line().world, line().mixtures, line().materials
    begin = time.process_time()
    muons = muon_world(world, mixtures, materials)
    print(f"tables and scales: {time.process_time() - begin:.2f} s with compilation; scales {muons.scale.round(2)}")
    begin = time.process_time()
    muons = muon_world(world, mixtures, materials)
    print(f"again: {time.process_time() - begin:.2f} s")
    thrown = np.repeat(primary, TIMES, axis=0)
    rng = np.random.default_rng(1)
    out = np.zeros((len(thrown), len(world.z), 5))
    for _ in range(2):
        seen = nothing(len(thrown))
        begin = time.process_time()
        _walk(world, muons, seen, thrown[:, 2:5], thrown[:, 5:8], out, rng)
    print(f"{(time.process_time() - begin) / len(thrown) * 1e6:.2f} us per muon")
    balance = seen.deposited.sum(1) + seen.leaked.sum(1) + out[:, -1, 4] - thrown[:, 1]
    print(f"energy balance within {np.abs(balance).max():.1e} GeV")
    visible = _sums(world, seen)

    print("\nloss in ECAL and HCAL by energy, Geant4 | here: median, central 68 %, parts above 1.5 and 3 medians (%)")
    for low, high in ((5, 10), (10, 20), (20, 30), (30, 50), (50, 70), (70, 80), (80, 90), (5, 90)):
        texts = []
        for loss, initial in (
            (primary[:, 1] - energy[:, 4], primary[:, 1]),
            (thrown[:, 1] - out[:, -1, 4], thrown[:, 1]),
        ):
            # those that came through
            own = loss[(initial > low) & (initial < high) & np.isfinite(loss) & (initial - loss > 0.2)]
            a, b, c = np.quantile(own, [0.16, 0.5, 0.84])
            parts = [100 * np.mean(own > factor * b) for factor in (1.5, 3)]
            error = 100 * math.sqrt(parts[0] / 100 / len(own))
            texts.append(f"{b:6.3f} {c - a:6.3f} {parts[0]:5.1f} ({error:.1f}) {parts[1]:5.2f}")
        print(f"{low:3d}-{high:3d} GeV  {texts[0]}  |  {texts[1]}")

    print("\nHCAL module in MIPs, Geant4 | here")
    for module in range(3):
        texts = []
        for values in (hcal[:, module], visible[:, 3 + module]):
            own = values[values > 0]
            peak = most_probable(own)
            own = own / peak
            a, b, c = np.quantile(own, [0.16, 0.5, 0.84])
            texts.append(
                f"peak {peak:.4f} quantiles {a:.3f} {b:.3f} {c:.3f}; above 1.5, 2, 5 MIP: "
                + " ".join(f"{100 * np.mean(own > x):.2f}" for x in (1.5, 2, 5))
            )
        print("  " + "  |  ".join(texts))
    for values in (hcal, visible[:, 3:]):
        own = values / np.array([most_probable(values[:, k]) for k in range(3)])
        print(f"all three in 0.5-1.5 MIP: {100 * np.mean(np.all((own > 0.5) & (own < 1.5), axis=1)):.1f} %")
        total = values.sum(1) / most_probable(values.sum(1))
        a, b, c = np.quantile(total, [0.16, 0.5, 0.84])
        print(f"  sum over its peak: {a:.3f} {b:.3f} {c:.3f}")

    print("\nVETO, MeV: peak; quantiles; part in 6-16 MeV with the peak at 10.5 MeV, and as it is; above")
    for values in (1e3 * truth["veto"], 1e3 * visible[:, 2] / 2):
        peak = most_probable(values)
        print(
            f"  {peak:.2f}; {np.quantile(values, [0.16, 0.5, 0.84]).round(2)}; "
            f"{100 * np.mean((values * 10.5 / peak > 6) & (values * 10.5 / peak < 16)):.1f} % "
            f"{100 * np.mean((values > 6) & (values < 16)):.1f} %; "
            f"above 1.5, 2, 3, 5 MIP: {[round(100 * float(np.mean(values > x * peak)), 2) for x in (1.5, 2, 3, 5)]}"
        )

    print("\nECAL, GeV: quantiles by path, part above 2 GeV")
    for values, z in ((ecal, primary[:, 4]), (visible[:, :2].sum(1), thrown[:, 4])):
        text = []
        for low, high in ((0, 50), (50, 150), (150, 300), (300, 400)):
            own = values[(z > low) & (z < high)]
            text.append(f"{np.quantile(own, [0.16, 0.5, 0.84]).round(3)} {100 * np.mean(own > 2):.1f}")
        print(
            "  " + "; ".join(text) + f"; all: {100 * np.mean(values > 2):.2f} %, > 1: {100 * np.mean(values > 1):.2f} %"
        )

    print(
        "\nfrom ECAL to behind the HCAL, times momentum (GeV): central 68 and 95 % of angle (mrad) and of displacement (mm)"
    )
    for low, high in ((5, 10), (10, 30), (30, 90)):
        texts = []
        for first, last, p, drift in (
            (states[:, 1], states[:, 4], primary[:, 1], 5126.0 - 470.0),
            (out[:, 1], out[:, 5], thrown[:, 1], 5076.0 - 450.0),
        ):
            use = (p > low) & (p < high)
            if first.shape[1] == 6:
                tx = np.stack([first[:, 3] / first[:, 5], first[:, 4] / first[:, 5]])
                bent = np.stack([last[:, 3] / last[:, 5], last[:, 4] / last[:, 5]]) - tx
            else:
                tx = first[:, 2:4].T
                bent = last[:, 2:4].T - tx
                use &= last[:, 4] > 0.2
            off = last[:, :2].T - first[:, :2].T - tx * drift
            values = []
            for quantity in (bent * 1e3, off):
                own = (quantity * p)[:, use].ravel()
                own = np.abs(own[np.isfinite(own)])
                values += [np.quantile(own, 0.68), np.quantile(own, 0.95), np.quantile(own, 0.99)]
            texts.append(" ".join(f"{value:8.1f}" for value in values))
        print(f"{low:3d}-{high:3d} GeV  {texts[0]}  |  {texts[1]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
