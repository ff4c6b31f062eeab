"""What a scan says: events expected at each step, the figure of merit, the best step and how sure it is.

The figure of merit is an expression of ``signal`` and ``background``, the events expected for the particles on target that
are asked for. Several signal samples (masses, say) are looked at one by one, against all backgrounds together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.selection.binding.merit import figure
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.samples import Counted
    from emiss.selection.counting.scans import BoundScan, ScanAxis, ScanCounts

REPLICAS = 1000
"""Bootstrap replicas behind the uncertainty of a best step."""

CLOSE = 0.95
"""Steps with at least this share of the best figure of merit are as good as the best, for most purposes."""

LEVEL = 0.683


@dataclass(frozen=True)
class Curve:
    """One signal sample against the backgrounds in one region.

    Attributes
    ----------
    signal, background, merit : float64 arrays, shape of the axes
        Events expected, and the figure of merit (NaN where it is undefined).
    best : tuple of int, or None
        The step with the largest figure of merit; the first of them.
    interval : tuple of (low, high), or None
        The values of the parameter between which the best one lies in 68.3 % of the replicas; one parameter only.
    close : tuple of (low, high), or None
        The lowest and the highest value whose figure of merit is within 5 % of the best; one parameter only.
    note : str
        Why there is no interval, or what it leaves out.
    """

    name: str
    region: str
    axes: tuple[ScanAxis, ...]
    signal: Floats
    background: Floats
    merit: Floats
    best: tuple[int, ...] | None
    interval: tuple[float, float] | None
    close: tuple[float, float] | None
    note: str

    @property
    def best_values(self) -> tuple[float, ...] | None:
        """The values of the parameters at the best step."""
        if self.best is None:
            return None
        return tuple(axis.values[i] for axis, i in zip(self.axes, self.best, strict=True))


def curves(
    scan: BoundScan,
    counts: Mapping[str, Mapping[tuple[str, str], ScanCounts]],
    cutflow: Counted,
    *,
    normalise_to: float = PER_ON_TARGET,
    region: str | None = None,
) -> tuple[Curve, ...]:
    """Return the curves of a scan: one per region and signal sample.

    Parameters
    ----------
    scan : BoundScan
    counts : mapping of sample to its scans
    cutflow : Counted
        Tells the roles of the samples, and what they stand for.
    normalise_to : float
        Particles on target that events are expected for. A sample that does not say how many it stands for counts as it
        is.
    region : str, optional
        Only this one.
    """
    made = []
    for name in dict.fromkeys(part.region for part in scan.regions):
        if region not in (None, name):
            continue
        parts = {sample: found[scan.name, name] for sample, found in counts.items() if (scan.name, name) in found}
        factors = {sample: factor(cutflow, sample, normalise_to) for sample in parts}
        roles = {sample: cutflow.samples[sample].role for sample in parts}
        backgrounds = [sample for sample in parts if roles[sample] == "background"]
        signals = [sample for sample in parts if roles[sample] == "signal"]
        made += [_curve(scan, name, signal, backgrounds, parts, factors) for signal in signals]
    return tuple(made)


def factor(cutflow: Counted, sample: str, target: float) -> float:
    """Return the factor from sums of weights to events expected; the scale alone where the sample stands for an unknown."""
    known = cutflow.per_on_target(sample, target)
    return cutflow.samples[sample].scale if known is None else known


def _curve(
    scan: BoundScan,
    region: str,
    signal: str,
    backgrounds: Sequence[str],
    parts: Mapping[str, ScanCounts],
    factors: Mapping[str, float],
) -> Curve:
    wanted = parts[signal].sum_w[0] * factors[signal]
    unwanted = sum((parts[b].sum_w[0] * factors[b] for b in backgrounds), np.zeros_like(wanted))
    merit = figure(scan.figure_of_merit, wanted, unwanted)
    best = None if np.isnan(merit).all() else np.unravel_index(int(np.nanargmax(merit)), merit.shape)
    interval, close, notes = None, None, []
    if best is not None and len(scan.axes) == 1:
        values = np.asarray(scan.axes[0].values)
        good = values[merit >= CLOSE * merit[best]] if merit[best] > 0 else values[[best[0]]]
        close = float(good.min()), float(good.max())
        if all(_bootstraps(parts[sample]) for sample in (signal, *backgrounds)):
            interval = _interval(scan, signal, backgrounds, parts, factors, values)
        else:
            notes.append("no interval: too many steps that do not nest")
    elif best is not None:
        notes.append("no interval: two parameters")
    empty = [b for b in backgrounds if best is not None and parts[b].n[best] == 0]
    if empty:
        notes.append(f"no event of {', '.join(empty)} is left at the best step: its fluctuation is not in the interval")
    found = None if best is None else tuple(int(i) for i in best)
    return Curve(signal, region, scan.axes, wanted, unwanted, merit, found, interval, close, "; ".join(notes))


def _bootstraps(counts: ScanCounts) -> bool:
    return counts.covariance is not None or all(counts.nested)


def _interval(
    scan: BoundScan,
    signal: str,
    backgrounds: Sequence[str],
    parts: Mapping[str, ScanCounts],
    factors: Mapping[str, float],
    values: Floats,
) -> tuple[float, float]:
    """Return the central interval of the best value over replicas of the samples."""
    rng = np.random.default_rng(20)
    wanted = replicas(parts[signal], rng) * factors[signal]
    unwanted = np.zeros_like(wanted)
    for sample in backgrounds:
        unwanted += replicas(parts[sample], rng) * factors[sample]
    merit = figure(scan.figure_of_merit, wanted, unwanted)
    merit = np.where(np.isnan(merit), -np.inf, merit)
    best = values[np.argmax(merit, axis=1)]
    low, high = np.quantile(best, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return float(low), float(high)


def replicas(counts: ScanCounts, rng: np.random.Generator) -> Floats:
    """Return sums of weights at each step as they would fluctuate, shape (REPLICAS, P), nominal weight.

    Where the steps nest, events between two steps are independent of all others, and fluctuate by the scaled Poisson
    distribution (Bohm and Zech, Nucl. Instrum. Meth. A 748 (2014) 1): sum w^2 / sum w times Poisson((sum w)^2 / sum w^2).
    Else the sums are drawn from the normal distribution with the covariance of the steps.
    """
    sums, squares = counts.sum_w[0], counts.sum_w2[0]
    if counts.covariance is not None:
        drawn = rng.multivariate_normal(sums, counts.covariance[0], REPLICAS, method="eigh", check_valid="ignore")
        return np.maximum(drawn, 0.0)
    falling = counts.nested[0] > 0
    order = slice(None) if falling else slice(None, None, -1)
    w, w2 = (-np.diff(np.append(part[order], 0.0)) for part in (sums, squares))
    usable = (w > 0) & (w2 > 0)
    scale = np.divide(w2, w, out=np.zeros_like(w), where=usable)
    mean = np.divide(w, scale, out=np.zeros_like(w), where=usable)
    drawn = np.where(usable, scale * rng.poisson(mean, (REPLICAS, len(w))), w)
    steps = np.flip(np.cumsum(np.flip(drawn, 1), 1), 1)
    return np.asarray(steps[:, order])
