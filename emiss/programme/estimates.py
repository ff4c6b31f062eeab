"""Backgrounds from what a job has counted, regions of a cutflow and histograms.

The methods are those of `emiss.physics.limits.extrapolation`.
Every estimate comes with its closure: the same for what is known, in the data or in the simulation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError, did_you_mean
from emiss.physics.limits import extrapolation
from emiss.physics.limits.extrapolation import Counted, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.counts import CutCounts, Tally
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.histogram_difference import Contents

SCHEMA = "emiss.background/1"
MODELS = ("abcd", "transfer", "exponential", "sideband", "mixing")


@dataclass(frozen=True)
class Closure:
    """The same estimate where events were counted.

    Attributes
    ----------
    place : str
    estimate : Estimate
    seen : Counted
    """

    place: str
    estimate: Estimate
    seen: Counted

    @property
    def pull(self) -> float:
        """Standard deviations."""
        return self.estimate.pull(self.seen)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "place": self.place,
            "estimate": self.estimate.value,
            "error": self.estimate.error,
            "seen": self.seen.value,
            "pull": self.pull,
            "closes": self.estimate.closes(self.seen),
        }


@dataclass(frozen=True)
class Found:
    """An estimate with its closures.

    Attributes
    ----------
    model, place : str
    estimate : Estimate
    closures : tuple of Closure
    correlation : (float, float) or None
        Of the two cuts of ABCD in simulation, with its error.
    per_particle : float or None
        Estimate per particle on target of the data.
    notes : tuple of str
    """

    model: str
    place: str
    estimate: Estimate
    closures: tuple[Closure, ...]
    correlation: tuple[float, float] | None = None
    per_particle: float | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, schema ``emiss.background/1``."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "place": self.place,
            "estimate": asdict(self.estimate),
            "per_particle": self.per_particle,
            "closures": [one.to_json() for one in self.closures],
            "correlation": None if self.correlation is None else list(self.correlation),
            "notes": list(self.notes),
        }


class Regions:
    """The counts of the regions of a cutflow, of data and of simulated samples.

    Parameters
    ----------
    flow : Cutflow
    data : str
        The sample whose events are extrapolated; the only one of the role data where it is empty.
    simulated : sequence of str
        Samples that stand for what is simulated; all backgrounds where there are none.

    Raises
    ------
    UserError
        If a sample is not there, or it is not clear which is meant.
    """

    def __init__(self, flow: Cutflow, data: str = "", simulated: Sequence[str] = ()) -> None:
        self.flow = flow
        of_data = [name for name, counts in flow.samples.items() if counts.role == "data"]
        for name in (*([data] if data else []), *simulated):
            if name not in flow.samples:
                raise UserError(f"the cutflow has no sample '{name}'", hint=did_you_mean(name, flow.samples))
        if not data and len(of_data) != 1:
            text = "the cutflow has no data sample" if not of_data else f"which data: {', '.join(of_data)}"
            raise UserError(text, hint="name the sample that is extrapolated: --data NAME")
        self.data = data or of_data[0]
        backgrounds = [name for name, counts in flow.samples.items() if counts.role == "background"]
        self.simulated = tuple(simulated) or tuple(name for name in backgrounds if name != self.data)

    @property
    def on_target(self) -> float | None:
        """Particles that the data stand for."""
        return self.flow.samples[self.data].on_target

    def seen(self, region: str) -> Counted:
        """Return the events of the data in a region.

        Raises
        ------
        UserError
            If there is no such region.
        """
        last = self._last(self.data, region)
        scale = self.flow.samples[self.data].scale
        return Counted(last.sum_w * scale, max(last.sum_w2, 1.0) * scale**2)

    def made(self, region: str) -> Counted:
        """Return the events of all simulated samples in a region, per particle on target.

        Of a sample that leaves none the error is that of one event.

        Raises
        ------
        UserError
            If there is no such region or sample, or one does not say what it stands for.
        """
        if not self.simulated:
            raise UserError("the cutflow has no simulated background", hint="name the samples: --simulated A,B")
        total = Counted(0.0, 0.0)
        for name in self.simulated:
            counts = self.flow.samples[name]
            if not counts.on_target:
                raise UserError(f"sample '{name}' does not say how many particles on target it stands for")
            factor = counts.scale / counts.on_target
            last = self._last(name, region)
            every = self._rows(name, region)[0].sequential
            one = every.sum_w2 / every.sum_w if every.sum_w > 0.0 else 1.0
            total += Counted(last.sum_w * factor, max(last.sum_w2, one**2) * factor**2)
        return total

    def hidden(self) -> bool:
        """Return whether events of the data are missing that lie inside the blind box."""
        return self.flow.samples[self.data].hidden

    def _last(self, name: str, region: str) -> Tally:
        return self._rows(name, region)[-1].sequential

    def _rows(self, name: str, region: str) -> Sequence[CutCounts]:
        regions = self.flow.samples[name].regions
        if region not in regions:
            raise UserError(f"the cutflow has no region '{region}'", hint=did_you_mean(region, regions))
        return next(iter(regions[region].values()))


def abcd(regions: Regions, names: Sequence[str], others: Sequence[Sequence[str]] = ()) -> Found:
    """Return the estimate of ABCD for the first of four regions, with its closure and the correlation in simulation.

    Parameters
    ----------
    regions : Regions
    names : sequence of four str
        A (estimated), B, C, D (passes neither cut).
    others : sequence of sequences of four str
        Other four regions for the closure in data.

    Raises
    ------
    UserError
        If they are not four, or the last one is empty.
    """
    a, b, c, d = _four(names)
    estimate = _estimated(lambda: extrapolation.abcd(*(regions.seen(name) for name in (b, c, d))))
    closures, correlation, notes = [], None, list(estimate.notes)
    for other in others:
        first, *rest = _four(other)
        same = _estimated(lambda rest=rest: extrapolation.abcd(*(regions.seen(name) for name in rest)))
        closures.append(Closure(f"{first}, data", same, regions.seen(first)))
    if regions.simulated:
        made = {name: regions.made(name) for name in (a, b, c, d)}
        correlation = extrapolation.correlation(*_as_events(made[name] for name in (a, b, c, d)))
        if made[d].value > 0.0:
            events = _as_events(made[name] for name in (a, b, c, d))
            closures.append(Closure(f"{a}, simulation", extrapolation.abcd(*events[1:]), events[0]))
        else:
            notes.append(f"no simulated event in {d}: no closure in simulation")
    else:
        notes.append("no simulated background: nothing says whether the cuts are independent")
    return Found("abcd", a, estimate, tuple(closures), correlation, _per(regions, estimate), tuple(notes))


def transfer(regions: Regions, region: str, zones: Sequence[str], others: Sequence[str] = ()) -> Found:
    """Return what zones of the data say of a region, by the ratio that the simulation has; closures in other regions.

    Raises
    ------
    UserError
        If there is no zone, or the simulation has no event in them.
    """
    if not zones:
        raise UserError("from which zones: --from ZONE")

    def summed(of: Any) -> Counted:
        total = Counted(0.0, 0.0)
        for name in zones:
            total += of(name)
        return total

    zone, made = summed(regions.seen), summed(regions.made)

    def into(name: str) -> Estimate:
        return _estimated(lambda: extrapolation.transferred(zone, regions.made(name), made))

    estimate = into(region)
    closures = tuple(Closure(f"{name}, data", into(name), regions.seen(name)) for name in others)
    per_particle = made.value * (regions.on_target or 0.0)
    notes = list(estimate.notes)
    if per_particle > 0.0:
        ratio, error = extrapolation.normalisation(
            zone, Counted(per_particle, made.variance * (regions.on_target or 0.0) ** 2)
        )
        notes.append(f"data over simulation in {', '.join(zones)}: {ratio:.4g} +- {error:.2g}")
    if not others:
        notes.append("no closure: name regions that are not hidden, --closure REGION")
    return Found("transfer", region, estimate, closures, None, _per(regions, estimate), tuple(notes))


def spectrum(contents: Contents, sample: str, histogram: str, region: str, stage: str) -> tuple[Floats, Floats]:
    """Return edges and counts of a histogram of one variable.

    Raises
    ------
    UserError
        If there is none, it is not clear which, or it has two variables.
    """
    found = {
        key: content
        for (of, key), content in contents.items()
        if of == sample and key.name == histogram and region in {"", key.region} and stage in {"", key.stage}
    }
    if not found:
        known = sorted({key.name for of, key in contents if of == sample})
        raise UserError(f"there is no histogram '{histogram}' of {sample}", hint=did_you_mean(histogram, known))
    if len({(key.region, key.stage) for key in found}) > 1:
        which = ", ".join(sorted({f"{key.region}, {key.stage}" for key in found}))
        raise UserError(f"which histogram '{histogram}' of {sample}: {which}", hint="--region and --stage say it")
    content = next(iter(found.values()))
    if len(content.axes) != 1:
        raise UserError(f"the histogram '{histogram}' has two variables: a spectrum of one is needed")
    return content.axes[0], content.values[1:-1]


def tail(
    model: str,
    edges: Floats,
    counts: Floats,
    fit: Sequence[tuple[float, float]],
    into: tuple[float, float],
    others: Sequence[tuple[float, float]] = (),
) -> Found:
    """Return the extrapolation of a spectrum: an exponential through one range, or a line through side bands.

    Parameters
    ----------
    model : 'exponential' or 'sideband'
    edges, counts : arrays of shape (n + 1,) and (n,)
    fit : sequence of (low, high)
        One range for an exponential; bands for a line.
    into : (low, high)
    others : sequence of (low, high)
        Where the estimate is held against the counts; bins outside of the fit.

    Raises
    ------
    UserError
        If the fit does not work, or a range holds no bin.
    """

    def fitted() -> extrapolation.Fit:
        if model == "exponential":
            return extrapolation.tail(edges, counts, min(a for a, _ in fit), max(b for _, b in fit))
        return extrapolation.sideband(edges, counts, fit)

    made = _estimated(fitted)
    estimate = made.between(*into)
    closures = []
    for low, high in others:
        bins = [i for i in range(len(counts)) if low <= edges[i] and edges[i + 1] <= high]
        if not bins:
            raise UserError(f"no bin of the histogram is between {low:g} and {high:g}")
        seen = float(counts[bins].sum())
        estimated = made.between(float(edges[bins[0]]), float(edges[bins[-1] + 1]))
        closures.append(
            Closure(f"{edges[bins[0]]:g} to {edges[bins[-1] + 1]:g}", estimated, Counted(seen, max(seen, 1.0)))
        )
    notes = [f"fit: -2 ln L = {made.chi2:.3g} of {made.ndf} degrees of freedom"]
    if not others:
        notes.append("no closure: name a range that is neither fitted nor hidden, --closure A,B")
    return Found(model, f"{into[0]:g} to {into[1]:g}", estimate, tuple(closures), None, None, tuple(notes))


def _four(names: Sequence[str]) -> Sequence[str]:
    if len(names) != 4:
        raise UserError(f"ABCD takes four regions, not {', '.join(names)}", hint="--region A --from B,C,D")
    return names


def _as_events(counts: Any) -> list[Counted]:
    """Return weighted counts in units of their mean event, so that their errors are those of so many events."""
    found = list(counts)
    total, variance = sum(one.value for one in found), sum(one.variance for one in found)
    unit = variance / total if total else 1.0
    return [Counted(one.value / unit, max(one.variance / unit**2, 1.0)) for one in found]


def _estimated(make: Any) -> Any:
    try:
        return make()
    except ValueError as error:
        raise UserError(f"no estimate: {error}") from None


def _per(regions: Regions, estimate: Estimate) -> float | None:
    return estimate.value / regions.on_target if regions.on_target else None
