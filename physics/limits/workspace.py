"""Periods as channels of a HistFactory model: errors and variations as ``normsys``, shared by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.physics.limits.period import Correlations, Period

POI = "mu"
"""The strength of the signal."""


def channels(periods: Sequence[Period], common: Correlations, scale: float = 1.0) -> list[dict[str, Any]]:
    """Return a channel for each period, with a signal, over `scale`, and a background.

    Parameters
    ----------
    periods : sequence of Period
    common : Correlations
        Errors that share a name are one nuisance parameter; variations do in any case.
    scale : float
        Strength of the parameter 1 is 1/scale.
    """
    made = []
    for number, period in enumerate(periods):
        errors = {
            "signal": ("efficiency", period.efficiency_error, common.efficiency),
            "background": ("background", period.background_error, common.background),
        }
        modifiers = {
            sample: [normsys(name if shared else f"{name}_{number}", 1.0 + error, 1.0 / (1.0 + error))] if error else []
            for sample, (name, error, shared) in errors.items()
        }
        for shift in period.shifts:
            for sample, factors in (("signal", shift.signal), ("background", shift.background)):
                if factors != (1.0, 1.0):
                    modifiers[sample].append(normsys(f"variation_{shift.name}", *factors))
        strength = {"name": POI, "type": "normfactor", "data": None}
        signal = {"name": "signal", "data": [period.signal / scale], "modifiers": [strength, *modifiers["signal"]]}
        background = {"name": "background", "data": [period.background], "modifiers": modifiers["background"]}
        made.append({"name": f"period_{number}", "samples": [signal, background]})
    return made


def normsys(name: str, high: float, low: float) -> dict[str, Any]:
    """Return a factor on a rate, at +1 and at -1 of a parameter of unit normal distribution."""
    return {"name": name, "type": "normsys", "data": {"hi": high, "lo": low}}


def workspace(periods: Sequence[Period], common: Correlations, name: str, top: float) -> dict[str, Any]:
    """Return a workspace of pyhf and cabinetry; what was not observed is the background's mean.

    Parameters
    ----------
    top : float
        Upper bound of the strength.
    """
    seen = [period.background if period.observed is None else float(period.observed) for period in periods]
    measurement = {
        "name": name,
        "config": {"poi": POI, "parameters": [{"name": POI, "inits": [1.0], "bounds": [[0.0, top]]}]},
    }
    return {
        "channels": channels(periods, common),
        "observations": [{"name": f"period_{i}", "data": [count]} for i, count in enumerate(seen)],
        "measurements": [measurement],
        "version": "1.0.0",
    }
