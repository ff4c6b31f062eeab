"""The figures of docs/validation.md: ``python -m benchmarks.validation``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from emiss import reco, selection
from emiss.physics.emission import dark_photon, dark_photon_yields, dimuons, yields
from emiss.physics.emission.cross_sections import total
from emiss.physics.shower import transport
from emiss.samples.config import load_sample
from emiss.samples.simulate import Simulation, simulate
from emiss.validate.peaks import peak


def core(values: np.ndarray) -> tuple[float, float]:
    """Return the median and half of the central 68 % of what is there."""
    return float(np.nanmedian(values)), float(0.5 * np.subtract(*np.nanquantile(values, [0.8413, 0.1587])))


def momentum(folder: Path) -> None:
    """Print resolution and pulls of straight muons from a raw file against truth and against the fit's own errors."""
    sample = load_sample("muon")
    raw = reco.process(reco.open(simulate(sample, folder / "muon.dat", events=20000)))
    hits = reco.process(reco.open(simulate(sample, folder / "muon.root", events=20000)))
    tracks = raw.lists["tracks"]
    one = (tracks.counts == 1) & (hits["truth.p_spec"] > 0)
    first = tracks.offsets[:-1][one]
    four = tracks["planes"][first] == 4
    first, p, charge = first[four], hits["truth.p_spec"][one][four], hits["truth.charge"][one][four]
    difference = tracks["q_over_p"][first] - charge / p
    sigma = tracks["sigma_q_over_p"][first]
    print(f"muons with four planes: {four.sum()}, charge right {np.mean(tracks['charge'][first] == charge):.5f}")
    for low, high in ((15, 25), (25, 40), (40, 60), (60, 80)):
        bin_ = (p >= low) & (p < high)
        spread = 0.5 * np.subtract(*np.quantile((difference * p)[bin_], [0.8413, 0.1587]))
        pull = (difference / sigma)[bin_]
        core = pull[np.abs(pull) < 5]
        print(
            f"  {low}-{high} GeV: sigma(p)/p {spread:.4f}, expected {np.mean((sigma * p)[bin_]):.4f}, "
            f"pull {core.mean():+.3f} +- {core.std():.3f}, beyond 5 sigma {np.mean(np.abs(pull) >= 5):.5f}"
        )


def upstream(folder: Path) -> None:
    """Print how the beam comes back from the spectrometer before the target, and the match of muons to it."""
    for name in ("beam_track", "muon_160"):
        sample = load_sample(name)
        path = simulate(sample, folder / f"{name}.root", events=20000)
        table = reco.process(reco.open(path, detector=sample.detector))
        tracks = table.lists["beam_tracks"]
        first = tracks.offsets[:-1][table["beam.n"] == 1]
        sigma = tracks["sigma_q_over_p"][first]
        middle, width = core((tracks["q_over_p"][first] + 1 / sample.beam.energy) / sigma)
        beyond = np.mean(np.abs(tracks["q_over_p"][first] + 1 / sample.beam.energy) > 5 * sigma)
        slopes = [core(table[f"beam.{slope}"][table["beam.n"] == 1])[1] * 1e3 for slope in ("tx", "ty")]
        print(
            f"{name}: one track in {np.mean(table['beam.n'] == 1):.4f}, "
            f"sigma(p)/p {np.median(sigma) * sample.beam.energy:.4f}, pull {middle:+.3f} +- {width:.3f}, "
            f"beyond 5 sigma {beyond:.4f}, spread at the target {slopes[0]:.3f}, "
            f"{slopes[1]:.3f} mrad (0.1 put in)"
        )
        down = table.lists["tracks"]
        if len(down["p"]):
            widths = [core(down[f"match_{view}"])[1] for view in "xy"]
            print(f"  match of {len(down['p'])} tracks: {widths[0]:.2f}, {widths[1]:.2f} mm")


def calorimeters(folder: Path) -> None:
    """Print the ECAL resolution from raw files and the muon's peak in the HCAL."""
    beam = load_sample("beam")
    for energy in (20.0, 50.0, 100.0, 150.0):
        at = beam.model_copy(update={"beam": beam.beam.model_copy(update={"energy": energy})})
        table = reco.process(reco.open(simulate(at, folder / f"e{energy:.0f}.dat", events=4000)))
        middle, width = core(table["ecal.energy"])
        expected = np.hypot(0.10 / np.sqrt(energy), 0.03)
        print(
            f"  ECAL {energy:.0f} GeV: median {middle:.2f}, sigma/E {width / middle:.4f}, put in {expected:.4f}, "
            f"profile chi2 median {np.nanmedian(table['ecal.profile_chi2']):.2f}, "
            f"without a start time {np.isnan(table['ecal.time']).sum()} of {len(table)}"
        )
    table = reco.process(reco.open(simulate(load_sample("pion_decay"), folder / "pi.dat", events=4000)))
    through = table.lists["tracks"].counts == 1
    for module in range(3):
        counts, edges = np.histogram(table["hcal.energy"][through, module], 100, (0.0, 10.0))
        above = np.mean(table["hcal.energy"][through, module] > 1.5 * 2.5)
        print(f"  HCAL{module} muon: most probable {peak(counts, edges, above=0.5):.3f} GeV, above 1.5 MIP {above:.3f}")


def both_tiers(folder: Path) -> None:
    """Print by how much what raw files give differs from what was seen, column by column."""
    for name in ("beam_track", "kaon_decay"):
        sample = load_sample(name)
        raw, hits = (
            reco.process(reco.open(simulate(sample, folder / f"both{end}", events=4000), detector=sample.detector))
            for end in (".dat", ".root")
        )
        for column in raw.metadata.columns:
            lists = column.partition(".")[0] in raw.lists
            if lists or column.startswith(("event.", "truth.")) or column not in hits.metadata.columns:
                continue
            one, other = np.asarray(raw[column], float), np.asarray(hits[column], float)
            if one.shape != other.shape:
                continue
            there = np.isfinite(one) & np.isfinite(other) & ((one != 0) | (other != 0))
            if np.count_nonzero(there) < len(raw) // 100:
                continue
            middle, width = core((one - other)[there])
            spread = core(other[there])[1]
            print(f"  {name} {column}: raw - seen {middle:+.4g} +- {width:.4g}, of what varies by {spread:.4g}")


def efficiencies(folder: Path) -> None:
    """Print what the demo analysis leaves of each sample."""
    analysis = selection.load("e_to_mu_phi")

    def left(sample, events):
        path = simulate(sample, folder / f"{sample.name}.root", events=events)
        result = selection.run(reco.process(reco.open(path)), analysis)
        (counts,) = result.cutflow.samples.values()
        rows = next(iter(counts.regions.values()))["nominal"]
        return rows[-1].sequential, Simulation(sample).generator.on_target(events)

    signal = load_sample("signal")
    for mass in (0.11, 0.3, 1.0):
        process = signal.process.model_copy(update={"m_phi": mass})
        tally, _ = left(signal.model_copy(update={"process": process}), 20000)
        print(f"  signal {mass} GeV: {tally.sum_w / 20000:.4f} of the phi emitted above 20 GeV")
    for name in ("pion_decay", "kaon_decay"):
        sample = load_sample(name)
        tally, _ = left(sample, 20000)
        survival = tally.n / 20000 * sample.process.decay_probability * sample.process.branching_ratio
        print(f"  {name}: survival {survival:.2e}, decay included")
    tally, on_target = left(load_sample("dimuon"), 200_000)
    print(f"  dimuon: {tally.n} left of 200000 pairs ({on_target:.2e} electrons on target)")
    for threshold in (1.0, 2.0, 5.0):
        print(
            f"  muon pairs per electron, photons above {threshold:g} GeV: {dimuons.per_electron(100.0, threshold)[0]:.2e}"
        )
    for mass in (0.11, 0.3, 1.0):
        print(f"  exact total at 100 GeV, h = 1e-4, {mass} GeV: {float(total(mass, 100.0)):.4f} pb")
    print(
        f"  phi emitted in 1e11 electrons, h = 7e-4, 0.11 GeV: {yields.per_electron(0.11, coupling=7e-4)[0] * 1e11:.3f}"
    )


def showers_and_yields() -> None:
    """Print track lengths, how yields depend on the threshold, and the simple limit on A' beside the published one."""
    lengths = transport.track_lengths(100.0, 1.0)
    for energy in (5.0, 10.0, 20.0, 50.0):
        length = lengths.charged[:, lengths.energy > energy].sum()
        print(f"  e- and e+ above {energy:g} GeV: {length * energy / 100.0:.4f} E0/E")
    cells = np.array([20.0, 100.0]), np.array([0.0, 40.0])
    found = transport.simulate(100.0, *cells, 400_000, np.random.default_rng(3))
    expected = transport.track_lengths(100.0, 20.0).electrons.sum()
    print(
        f"  e- above 20 GeV: {expected:.4f} radiation lengths, "
        f"Monte Carlo {found.mean.electrons.sum():.4f} +- {found.error.electrons.sum():.4f}"
    )
    for mass in (0.11, 0.3, 1.0):
        made = {t: yields.emission(mass, coupling=1e-4, threshold=t) for t in (1.0, 5.0, 20.0, 50.0)}
        base = made[20.0]
        depth = base.content.sum(axis=1) @ (0.5 * (base.depth[1:] + base.depth[:-1])) / base.total
        ratios = ", ".join(f"{t:g} GeV {one.total / base.total:.3f}" for t, one in made.items())
        print(
            f"  phi of {mass:g} GeV: emitted over that above 20 GeV: {ratios}; above 20 GeV mean energy "
            f"{base.spectrum @ base.energy / base.total:.1f} GeV, depth {depth:.2f} X0"
        )
    for mass, published in ((0.01, 3.30e-5), (0.1, 3.46e-4)):
        rate = dark_photon_yields.emission(mass).total
        for efficiency in (1.0, 0.9, 0.5):
            limit = yields.coupling_limit(rate, dark_photon.MIXING, 2.84e11, efficiency=efficiency)
            print(
                f"  A' of {mass:g} GeV, efficiency {efficiency:g}: {limit:.2e}, over published {limit / published:.3f}"
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        momentum(Path(name))
        upstream(Path(name))
        calorimeters(Path(name))
        both_tiers(Path(name))
        efficiencies(Path(name))
    showers_and_yields()
