"""Limits of searches: as those of e -> mu in the special case, both branches as counted by hand, decays as drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from emiss.physics.constants import HBAR_C
from emiss.physics.limits import Correlations, Period, upper_limit
from emiss.physics.limits.contours import closing_mass
from emiss.physics.processes.base import LEAD_TARGET, Beam, Plane, Production, Unstable
from emiss.programme.counted import SearchPeriod
from emiss.programme.expected import Seen, Signal
from emiss.programme.mass_limit import How, limit_at
from emiss.programme.setting import Setting, Window

ELECTRONS = Beam(11, 100.0)
NOWHERE = Window()


@dataclass(frozen=True)
class Made:
    """Makes what it is told: `rate` per particle at a coupling of 1 in bins of energy; the width is g^2 m^3/(64 pi)."""

    rate: tuple[float, ...] = (1.0,)
    edges: tuple[float, ...] = (60.0, 100.0)
    power: int = 2
    depth: float = 50.0
    varies: float = 0.0
    title = "made"
    plane = Plane("g", "1/GeV")
    parameters: ClassVar = {}

    def production(self, mass, _beam, _target, *, threshold, coupling=0.0):
        assert threshold > 0.0
        scale = (1.0 + self.varies * coupling) / mass**2
        rate = np.array(self.rate) * scale
        return Production(np.array(self.edges), rate, np.full(len(rate), self.depth), self.power)

    def width(self, mass, coupling):
        return coupling**2 * mass**3 / (64.0 * math.pi)

    def unstable(self, mass, coupling):
        return Unstable(mass, self.width(mass, coupling))

    def branching(self, _mass, _coupling):
        return {"gamma gamma": 0.75, "invisible": 0.25}


def period(name="one", on_target=1e11, windows=(NOWHERE,), **changes):
    return SearchPeriod(
        name, Setting("some", ELECTRONS, LEAD_TARGET, 50.0, {"a": windows}), on_target, "test", **changes
    )


def how(**changes):
    return replace(How(1e-8, 1e-1, 1e-4), **changes)


def test_the_limit_on_phi_is_the_one_of_emiss_limit(monkeypatch):
    from emiss.reach import sensitivity
    from emiss.reach.background import from_budget
    from emiss.reach.budgets import paper
    from emiss.reach.efficiencies import Efficiency
    from emiss.reach.sensitivity import DataPeriod, curve

    known = Efficiency(0.3, 0.05, 0.003, 20.0, 100.0, "test")
    left = from_budget(paper())
    rate = 4.79e-6  # at a coupling of 1
    monkeypatch.setattr(sensitivity, "_rate", lambda *_: rate * sensitivity.REFERENCE**2)
    ours = [DataPeriod(n, 1, f"p{n}", (known,), left, 0.05, 0.1) for n in (2e11, 5e11)]
    (point,) = curve(ours)

    model = Made(rate=(rate * 0.3**2,))
    same = [
        period(
            f"p{n}", n, observed=1, background=left.per_electron, background_error=left.relative_error, on_target_error=0.05,
            unseen=tuple((one.name, one.per_electron) for one in left.unseen), efficiency_error=0.1,
        )
        for n in (2e11, 5e11)
    ]  # fmt: skip
    found = limit_at("phi", model, 0.3, same, [(Seen(NOWHERE, (), 0.05, 0.003),)] * 2, how(high=1.0))
    assert found.observed is not None
    assert found.observed[0].low == pytest.approx(point.observed, rel=1e-12)
    assert [one[0].low for one in found.expected] == pytest.approx(list(point.expected), rel=1e-12)
    assert found.signal == pytest.approx(point.limit.signal, rel=1e-12)
    assert found.efficiency == pytest.approx(point.efficiency)
    assert found.observed[0].open_high


def expected_by_hand(model, mass, coupling, after, before, n=1e11, efficiency=0.5):
    """Signal events, without any code of the programme: one bin of energy."""
    energy = 0.5 * (model.edges[0] + model.edges[1])
    length = math.sqrt(energy**2 - mass**2) / mass * HBAR_C / model.width(mass, coupling)
    inside = math.exp(-(after - model.depth) / length) - (
        0.0 if before is None else math.exp(-(before - model.depth) / length)
    )
    return n * model.rate[0] / mass**2 * coupling**2 * inside * efficiency


@pytest.mark.parametrize("before", [None, 5000.0])
def test_both_branches_are_where_the_events_are_those_of_the_limit(before):
    model = Made(rate=(1e-6,))
    window = Window(2000.0, math.inf if before is None else before)
    found = limit_at("a", model, 0.02, [period(windows=(window,))], [(Seen(window, (), 0.5),)], how(low=1e-6))
    (one,) = found.intervals
    assert not one.open_low
    assert not one.open_high
    for end in (one.low, one.high):
        assert expected_by_hand(model, 0.02, end, 2000.0, before) == pytest.approx(math.log(10.0), rel=1e-6)
    middle = math.sqrt(one.low * one.high)
    assert expected_by_hand(model, 0.02, middle, 2000.0, before) > 3.0


def test_above_the_closing_mass_there_is_no_limit_and_that_is_no_error():
    model, window = Made(rate=(1e-6,)), Window(2000.0)

    def at(mass):
        return limit_at("a", model, mass, [period(windows=(window,))], [(Seen(window, (), 0.5),)], how(low=1e-7))

    assert at(0.02).intervals
    nothing = at(5.0)
    assert nothing.intervals == ()
    assert nothing.peak.ratio < 1.0
    closing = closing_mass(lambda mass: at(mass).peak.ratio, 0.02, 5.0)
    assert at(0.98 * closing).intervals
    assert not at(1.02 * closing).intervals


def test_decays_in_a_window_are_those_that_are_drawn():
    model = Made(rate=(2e-6, 1e-6, 3e-6), edges=(50.0, 60.0, 80.0, 100.0), depth=100.0)
    window, mass, coupling = Window(600.0, 4000.0), 0.03, 3e-4
    made = model.production(mass, ELECTRONS, LEAD_TARGET, threshold=50.0)
    signal = Signal(model, mass, made, (Seen(window, ("gamma gamma",), 0.4),), 1e11)
    rng = np.random.default_rng(3)
    n = 1_000_000
    energy = rng.choice(made.energy, size=n, p=made.rate / made.rate.sum())
    place = made.depth[0] + rng.exponential(np.sqrt(energy**2 - mass**2) / mass * HBAR_C / model.width(mass, coupling))
    share = np.mean((place > window.after) & (place < window.before))
    assert signal.events(coupling) == pytest.approx(
        1e11 * made.rate.sum() * coupling**2 * share * 0.75 * 0.4, rel=5.0 / math.sqrt(share * n)
    )
    assert signal.accepted(coupling) == pytest.approx(0.75 * share, rel=5.0 / math.sqrt(share * n))


def test_a_particle_that_does_not_decay_is_behind_everything():
    @dataclass(frozen=True)
    class Stable(Made):
        def width(self, _mass, _coupling):
            return 0.0

    made = Stable().production(0.1, ELECTRONS, LEAD_TARGET, threshold=50.0)
    behind = Signal(Stable(), 0.1, made, (Seen(Window(1000.0), (), 1.0),), 1.0)
    between = Signal(Stable(), 0.1, made, (Seen(Window(1000.0, 2000.0), (), 1.0),), 1.0)
    everywhere = Signal(Stable(), 0.1, made, (Seen(NOWHERE, (), 1.0),), 1.0)
    assert behind.events(1e-3) == everywhere.events(1e-3) > 0.0
    assert between.events(1e-3) == 0.0


def test_signatures_add_up_and_the_efficiency_is_their_mean():
    model = Made()
    made = model.production(0.05, ELECTRONS, LEAD_TARGET, threshold=50.0)
    first, second = Seen(Window(500.0, 2000.0), (), 0.2, 0.01), Seen(Window(2000.0), (), 0.6, 0.02)
    both = Signal(model, 0.05, made, (first, second), 1e11)
    alone = [Signal(model, 0.05, made, (one,), 1e11) for one in (first, second)]
    for coupling in (1e-5, 1e-4, 1e-3):
        assert both.events(coupling) == pytest.approx(sum(one.events(coupling) for one in alone))
    whole = Signal(model, 0.05, made, (Seen(Window(500.0), (), 1.0),), 1e11)
    assert both.efficiency(1e-4)[0] == pytest.approx(both.events(1e-4) / whole.events(1e-4))


def test_periods_that_differ_are_limited_together_at_the_shares_they_have_there():
    model = Made(rate=(1e-6,))
    near, far = Window(500.0), Window(6000.0)
    periods = [
        period("near", 1e11, (near,), observed=0, background=2e-11, background_error=0.2),
        period("far", 3e11, (far,), observed=0, background=0.1e-11),
    ]
    seen = [(Seen(near, (), 0.5),), (Seen(far, (), 0.3),)]
    found = limit_at("a", model, 0.05, periods, seen, how(low=1e-7))
    (one,) = found.intervals
    for end in (one.low, one.high):
        made = model.production(0.05, ELECTRONS, LEAD_TARGET, threshold=50.0)
        events = [
            Signal(model, 0.05, made, one_seen, p.on_target).events(end)
            for p, one_seen in zip(periods, seen, strict=True)
        ]
        counters = [Period(events[0], 2.0, 0, 0.2), Period(events[1], 0.3, 0)]
        assert upper_limit(counters).observed == pytest.approx(1.0, rel=1e-2)
    assert found.efficiencies == ((0.5, 0.0), (0.3, 0.0))


def test_errors_that_periods_do_not_share_make_the_limit_smaller():
    periods = [period(f"p{i}", observed=0, efficiency_error=0.3) for i in range(3)]
    seen = [(Seen(NOWHERE, (), 0.5),)] * 3

    def low(correlations):
        return limit_at("a", Made(), 0.1, periods, seen, how(correlations=correlations)).intervals[0].low

    assert low(Correlations(efficiency=False)) < low(None)


@pytest.mark.parametrize(("power", "ends"), [(1, "low"), (-4, "high")])
def test_branching_ratios_and_scales_are_powers_of_the_coupling(power, ends):
    model = Made(rate=(1e-6,), power=power)
    found = limit_at("a", model, 1.0, [period()], [(Seen(NOWHERE, (), 0.5),)], how(low=1e-10, high=1e4, reference=1.0))
    (one,) = found.intervals
    edge = getattr(one, ends)
    assert 1e11 * 1e-6 * 0.5 * edge**power == pytest.approx(math.log(10.0), rel=1e-9)
    assert (one.open_low, one.open_high) == (ends == "high", ends == "low")


def test_a_production_that_depends_on_the_coupling_is_the_one_at_the_limit():
    model = Made(rate=(1e-6,), varies=100.0)
    (one,) = limit_at("a", model, 1.0, [period()], [(Seen(NOWHERE, (), 0.5),)], how(low=1e-6, high=1.0)).intervals
    assert 1e11 * 1e-6 * 0.5 * one.low**2 * (1.0 + 100.0 * one.low) == pytest.approx(math.log(10.0), rel=1e-2)


def test_where_no_event_is_expected_there_is_no_limit():
    found = limit_at("a", Made(rate=(0.0,)), 1.0, [period(observed=2)], [(Seen(NOWHERE, (), 0.5),)], how())
    assert found.intervals == ()
    assert found.signal == 0.0
    assert all(one == () for one in found.expected)
