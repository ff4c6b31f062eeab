"""Scans in words: what was scanned, how, and which step is the best for each signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.selection.display import view
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results import optimum

if TYPE_CHECKING:
    from emiss.selection.counting.scans import BoundScan
    from emiss.selection.results.optimum import Curve
    from emiss.selection.results.result import Result


def lines(result: Result, *, normalise_to: float = PER_ON_TARGET) -> list[str]:
    """Return one line per scan, and one per signal and region with the best step."""
    out: list[str] = []
    for scan in result.bound_scans:
        found = optimum.curves(scan, result.scans, result.cutflow, normalise_to=normalise_to)
        regions = dict.fromkeys(curve.region for curve in found)
        for region in regions:
            where = f", region {view.clean(region)}" if len(regions) > 1 else ""
            axes = ", ".join(
                f"{a.parameter} {a.values[0]:g} to {a.values[-1]:g} {a.unit} in {len(a.values)} steps".replace(
                    "  ", " "
                )
                for a in scan.axes
            )
            out.append(f"scan of {axes}{where}: {scan.figure_of_merit} ({method_in_words(scan, region)})")
            out += [f"  {curve_in_words(curve)}" for curve in found if curve.region == region]
    return out


def method_in_words(scan: BoundScan, region: str) -> str:
    """Say how a scan was done."""
    method = next(part.method for part in scan.regions if part.region == region)
    if method == "threshold":
        return "each event put once between two thresholds"
    return "what depends on the parameter evaluated for each step"


def curve_in_words(curve: Curve) -> str:
    """Return the best step of a curve in one line."""
    name = view.clean(curve.name)
    if curve.best is None or curve.best_values is None:
        return f"{name}: no step has a figure of merit"
    best = ", ".join(
        f"{axis.parameter} = {value:g} {axis.unit}".strip()
        for axis, value in zip(curve.axes, curve.best_values, strict=True)
    )
    said = f"{name}: best at {best}"
    unit = f" {curve.axes[0].unit}".rstrip()
    if curve.interval is not None:
        said += f" (68 %: {curve.interval[0]:g} to {curve.interval[1]:g}{unit})"
    if curve.close is not None:
        said += f", within 5 % of it from {curve.close[0]:g} to {curve.close[1]:g}{unit}"
    at = f"; there {curve.signal[curve.best]:.3g} signal, {curve.background[curve.best]:.3g} background"
    return said + at + (f" ({curve.note})" if curve.note else "")
