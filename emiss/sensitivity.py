"""The limit on the coupling h against the mass of phi: efficiencies, yields, background and exposure put together.

N_signal = (electrons on target) x (phi per electron, Eq. 29) x efficiency is proportional to h^2, so that a limit on the
strength of a signal of coupling h_0 is one on h: h = h_0 sqrt(strength).
"""

from __future__ import annotations

import io
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.errors import UserError
from emiss.efficiencies import last_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.efficiencies import Efficiency
    from physics.backgrounds import Budget
    from physics.limits import Limit, Method
    from selection.cutflow import Cutflow

SCHEMA = "emiss.limit/1"

REFERENCE = 1e-4
"""The coupling h_0 at which yields are given."""


@dataclass(frozen=True)
class Exposure:
    """Electrons on target of a period, and the events that were observed in it (None: a projection)."""

    on_target: float
    observed: int | None = None


@dataclass(frozen=True)
class Background:
    """Background events per electron on target with a relative error, where it is from and what is to be known of it."""

    per_electron: float
    relative_error: float
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """The limit at one mass.

    Attributes
    ----------
    efficiency : Efficiency
    per_electron : float
        phi emitted per electron on target at the coupling `REFERENCE`, from electrons above the efficiency's threshold.
    limit : Limit
        On the strength of the signal of that coupling.
    """

    efficiency: Efficiency
    per_electron: float
    limit: Limit

    @property
    def m_phi(self) -> float:
        """GeV."""
        return self.efficiency.m_phi

    @property
    def observed(self) -> float | None:
        """Observed limit on h."""
        return None if self.limit.observed is None else REFERENCE * math.sqrt(self.limit.observed)

    @property
    def expected(self) -> tuple[float, ...]:
        """Expected limits on h at -2, -1, 0, 1, 2 standard deviations."""
        return tuple(REFERENCE * math.sqrt(strength) for strength in self.limit.expected)

    @property
    def median(self) -> float:
        """Median expected limit on h."""
        return self.expected[2]


def from_budget(budget: Budget) -> Background:
    """Return the background of the paper's budget."""
    total = budget.total()
    dimuon = budget.rates()[0]
    notes = [f"SRD: {budget.srd.value:g} read as a {budget.reading}"]
    if dimuon.upper is not None:
        notes.append(
            f"dimuons: none left of {budget.dimuon_sample:g} electrons on target, taken as 0 "
            f"(90 % upper limit {dimuon.upper:.2g} per electron)"
        )
    return Background(total.value, total.error / total.value, "budget of arXiv:2404.15931", tuple(notes))


def from_cutflow(cutflow: Cutflow, region: str | None = None) -> Background:
    """Return the background that the cutflow's background samples add up to.

    Raises
    ------
    UserError
        If there is none, or one does not say what it stands for.
    """
    from physics.backgrounds import upper_of_none

    total, variance, notes = 0.0, 0.0, []
    samples = {name: counts for name, counts in cutflow.samples.items() if counts.role == "background"}
    for name, counts in samples.items():
        if not counts.on_target:
            raise UserError(f"sample '{name}' does not say how many particles on target it stands for")
        left = last_row(counts, region)
        factor = counts.scale / counts.on_target
        total += left.sum_w * factor
        variance += left.sum_w2 * factor**2
        if not left.n:
            upper = upper_of_none(counts.on_target / counts.scale)
            notes.append(f"{name}: none left, taken as 0 (90 % upper limit {upper:.2g} per electron on target)")
    if not samples:
        raise UserError("the cutflow has no sample of the role 'background'")
    error = math.sqrt(variance) / total if total else 0.0
    return Background(total, error, f"cutflow, {', '.join(samples)}", tuple(notes))


def curve(
    efficiencies: Sequence[Efficiency],
    exposures: Sequence[Exposure],
    background: Background,
    *,
    efficiency_error: float = 0.0,
    confidence: float = 0.9,
    method: Method = "auto",
) -> list[Point]:
    """Return the limit at each mass that has an efficiency above 0.

    Parameters
    ----------
    efficiencies : sequence of Efficiency
    exposures : sequence of Exposure
        Periods, combined; background and efficiency are the same in all, their errors common.
    background : Background
    efficiency_error : float
        Relative, in addition to the statistical error of each efficiency.
    confidence : float
    method : 'auto', 'exact', 'toys' or 'asymptotic'

    Raises
    ------
    UserError
        If no mass has an efficiency, or one cannot be made.
    """
    import warnings

    from physics import yields
    from physics.limits import Period, upper_limit
    from physics.ranges import RangeWarning

    points = []
    for one in efficiencies:
        if one.value <= 0.0:
            continue
        rate, _, _ = yields.per_electron(
            one.m_phi, coupling=REFERENCE, primary=one.beam_energy, threshold=one.threshold
        )
        if rate <= 0.0:
            raise UserError(f"{one.m_phi:g} GeV cannot be made at {one.beam_energy:g} GeV")
        error = math.hypot(efficiency_error, one.error / one.value)
        periods = [
            Period(
                signal=period.on_target * rate * one.value,
                background=period.on_target * background.per_electron,
                observed=period.observed,
                background_error=background.relative_error,
                efficiency_error=error,
            )
            for period in exposures
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RangeWarning)  # the limit's notes say it
            limit = upper_limit(periods, method=method, confidence=confidence)
        points.append(Point(one, rate, limit))
    if not points:
        raise UserError("no signal is left at any mass: there is nothing to limit")
    return points


def lines(
    masses: Sequence[float], *, difference: str, ratios: Sequence[float], dark_coupling: float = 0.1
) -> dict[str, Any]:
    """Return what limits are compared with, at these masses: g-2 bands and relic lines, as couplings.

    Parameters
    ----------
    masses : sequence of float
        GeV.
    difference : str
        One of `physics.constraints.g_minus_2.DIFFERENCES`.
    ratios : sequence of float
        m_phi over dark matter's mass, one per relic line.
    dark_coupling : float
        g of phi to dark matter.

    Raises
    ------
    ValueError
        For a mass that the muon decays to, or a ratio of 2.
    """
    from physics.constraints import g_minus_2, relic

    at = np.asarray(masses, float)
    known = g_minus_2.DIFFERENCES[difference]
    bands = {str(n): [edge.tolist() for edge in g_minus_2.band(at, n, known)] for n in (1, 2, 3)}
    return {
        "m_phi": at.tolist(),
        "g_minus_2": {"difference": known.value, "error": known.error, "source": known.source, "bands": bands},
        "relic": [
            {"ratio": ratio, "coupling": relic.coupling(at, ratio=ratio, dark_coupling=dark_coupling).tolist()}
            for ratio in ratios
        ],
    }


def to_json(
    points: Sequence[Point],
    exposures: Sequence[Exposure],
    background: Background,
    compared: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the curve as plain data, schema ``emiss.limit/1``; couplings are h, masses GeV."""
    return {
        "schema": SCHEMA,
        "confidence": points[0].limit.confidence,
        "periods": [asdict(period) for period in exposures],
        "background": asdict(background),
        "reference_coupling": REFERENCE,
        "points": [
            {
                "m_phi": point.m_phi,
                "observed": point.observed,
                "expected": list(point.expected),
                "efficiency": asdict(point.efficiency),
                "per_electron": point.per_electron,
                "limit": point.limit.to_json(),
            }
            for point in points
        ],
        "lines": dict(compared),
        "provenance": dict(provenance),
    }


def to_csv(points: Sequence[Point], compared: Mapping[str, Any]) -> str:
    """Return the curve as CSV: one row per mass, couplings, with the 3 sigma band of g-2 and the relic lines beside."""
    import csv

    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    relics = compared["relic"]
    expected = ("minus2", "minus1", "median", "plus1", "plus2")
    head = ["m_phi", "observed", *expected, "efficiency", "efficiency_error", "per_electron", "method"]
    sheet.writerow([*head, "g2_low", "g2_high", *(f"relic_{line['ratio']:.3g}" for line in relics)])
    low, high = compared["g_minus_2"]["bands"]["3"]
    for i, point in enumerate(points):
        values = [point.m_phi, "" if point.observed is None else point.observed, *point.expected]
        values += [point.efficiency.value, point.efficiency.error, point.per_electron]
        sheet.writerow(
            [*(f"{v:.6g}" if isinstance(v, float) else v for v in values), point.limit.method]
            + [f"{v:.6g}" for v in (low[i], high[i], *(line["coupling"][i] for line in relics))]
        )
    return out.getvalue()
