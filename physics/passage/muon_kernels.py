"""A muon on its way through a mixture: soft and hard energy loss, stopping; decay in flight and at rest.

Soft ionisation: the many small transfers are Gaussian but for their third moment, which a gamma distribution has (by Wilson
and Hilferty's cube of a normal number); the few large ones, up to the cut, follow 1/T^2 (1 - beta^2 T/T_max). The border
lies where `LARGE` of them are expected, so that the sum is Vavilov's distribution for thin and thick layers alike
(`tests/physics/passage/test_muon_kernels.py`). Binding of the electrons is left out: good for layers of more than 10 mg/cm^2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.constants import ELECTRON_MASS, MUON_LIFETIME, MUON_MASS
from emiss.physics.passage.muon_tables import FREE, IN_ABSORBER, IN_ACTIVE, RADIATED, RADIATED_2, RATES, TAIL

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints
    from emiss.physics.passage.muon_tables import MuonTables

LARGE = 3.0
"""Transfers drawn one by one in a thin layer, on average."""

STEP = 0.4
"""A step takes no more than this part of the kinetic energy, on average, or ends where a secondary does."""

LAST, LAST_STEP = 0.1, 0.5
"""Below this kinetic energy (GeV) a step may take more: the range is only some centimetres."""

STOPPED, NOTHING = 5e-3, 1e-6
"""GeV of kinetic energy below which a muon is at the end of its range if there is matter enough, or in any case."""

RATIO = ELECTRON_MASS / MUON_MASS


@fused
def large_transfers(
    xi: float, low: float, high: float, slope: float, leaves: float, keeps: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the energy (GeV) of delta electrons between `low` and `high`: what stays in the plate, what crosses to others.

    `slope` is beta^2/T_max. Those above `leaves` cross, but for `keeps`.
    """
    here, away = 0.0, 0.0
    expected = xi * (1.0 / low - 1.0 / high)
    count = rng.standard_exponential()
    while count < expected:
        kinetic = 1.0 / (1.0 / low - rng.random() * (1.0 / low - 1.0 / high))
        if rng.random() < 1.0 - slope * kinetic:
            if kinetic > leaves:
                here += keeps
                away += kinetic - keeps
            else:
                here += kinetic
        count += rng.standard_exponential()
    return here, away


@fused
def soft_loss(
    mean: float, xi: float, high: float, slope: float, leaves: float, keeps: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the loss (GeV) to delta electrons below `high` over a path: what stays, and what crosses to other plates.

    Parameters
    ----------
    mean, xi : float
        Mean restricted loss, and Landau's xi, both over the path, GeV.
    high : float
        Largest transfer that is soft, GeV.
    slope : float
        beta^2/T_max, 1/GeV.
    leaves, keeps : float
        See `MuonTables`.
    """
    if xi <= 0.0:
        return 0.0, 0.0
    border = xi / LARGE
    here, away = 0.0, 0.0
    if border < high:
        here, away = large_transfers(xi, border, high, slope, leaves, keeps, rng)
        mean -= xi * (math.log(high / border) - slope * (high - border))
    else:
        border = high
    sigma = math.sqrt(xi * border * (1.0 - 0.5 * slope * border))
    shape = 16.0 * xi / border  # 4/skewness^2, the third cumulant being xi border^2/2
    root = 1.0 - 1.0 / (9.0 * shape) + rng.standard_normal() / (3.0 * math.sqrt(shape))
    small = max(mean + sigma * math.sqrt(shape) * (root * root * root - 1.0), 0.0)
    if border > leaves:  # of those in the Gaussian sum, the mean crosses
        mean = xi * (math.log(border / leaves) - slope * (border - leaves)) - keeps * xi * (1.0 / leaves - 1.0 / border)
        mean = min(max(mean, 0.0), small)
        return here + small - mean, away + mean
    return here + small, away


@fused
def drawn(tables: MuonTables, m: int, kind: int, kinetic: float, largest: float, rng: np.random.Generator) -> float:
    """Return the energy (GeV) of a hard secondary of a muon of a kinetic energy (GeV)."""
    place = (math.log(kinetic) - tables.start) * tables.per_step
    nodes = tables.loss.shape[1]
    i = min(max(int(place), 0), nodes - 2)
    if rng.random() < place - i:
        i += 1
    quantiles = tables.spectra.shape[3]
    depth = min(rng.standard_exponential() * (quantiles - 1) / TAIL, quantiles - 1.0)
    j = min(int(depth), quantiles - 2)
    low, high = tables.spectra[m, kind, i, j], tables.spectra[m, kind, i, j + 1]
    return tables.cut * math.exp((low + (depth - j) * (high - low)) * math.log(largest / tables.cut))


@fused(forceinline=True)
def step(
    tables: MuonTables,
    m: int,
    energy: float,
    path: float,
    kinds: Ints,
    energies: Floats,
    places: Floats,
    rng: np.random.Generator,
) -> tuple[float, float, float, float, float, int]:
    """Take a muon over a path through a mixture.

    energy = energy after + absorber + active + crossing + sum of `energies`, to rounding.

    Parameters
    ----------
    tables : MuonTables
    m : int
        The mixture.
    energy : float
        Total energy, GeV.
    path : float
        mm.
    kinds, energies, places : arrays of shape (C,)
        Filled with the hard secondaries: kind (`DELTA`, `PHOTON`, `PAIR`, `NUCLEAR`), energy that the muon loses (GeV), mm from
        the beginning, in this order. Those beyond C go into `crossing`.
    rng : numpy Generator

    Returns
    -------
    energy : float
        Total energy at the end; the muon's mass if it stops.
    travelled : float
        mm; less than the path if it stops.
    absorber, active : float
        Energy (GeV) of soft losses that stay in the plates of either.
    crossing : float
        Energy (GeV) of soft losses that cross plates as electromagnetic showers do: delta electrons of long range, radiation.
    count : int
        Hard secondaries.
    """
    absorber, active, crossing, count, travelled = 0.0, 0.0, 0.0, 0, 0.0
    nodes = tables.loss.shape[1]
    while travelled < path:
        kinetic = energy - MUON_MASS
        if kinetic <= STOPPED and (kinetic <= NOTHING or kinetic < _last_loss(tables, m, path - travelled)):
            absorber, active = _share(tables, m, kinetic, absorber, active)
            return MUON_MASS, travelled, absorber, active, crossing, count
        # the mean loss at the energy in the middle of the step
        length = path - travelled
        middle = kinetic
        for again in range(2):
            place = min(max((math.log(middle) - tables.start) * tables.per_step, 0.0), nodes - 1.0001)
            i = int(place)
            w = place - i
            low, high = tables.loss[m, i], tables.loss[m, i + 1]
            slow = (
                low[IN_ABSORBER]
                + low[IN_ACTIVE]
                + low[RADIATED]
                + w
                * (
                    high[IN_ABSORBER]
                    + high[IN_ACTIVE]
                    + high[RADIATED]
                    - low[IN_ABSORBER]
                    - low[IN_ACTIVE]
                    - low[RADIATED]
                )
            )
            if again == 0:
                length = min(length, (STEP if kinetic > LAST else LAST_STEP) * kinetic / slow)
                if slow * length < 0.02 * kinetic:
                    break
                middle = kinetic - 0.5 * slow * length
        gamma = 1.0 + middle / MUON_MASS
        beta2 = 1.0 - 1.0 / (gamma * gamma)
        largest = 2.0 * ELECTRON_MASS * (gamma * gamma - 1.0) / (1.0 + 2.0 * gamma * RATIO + RATIO * RATIO)
        rate_0 = low[RATES] + w * (high[RATES] - low[RATES])
        rate_1 = low[RATES + 1] + w * (high[RATES + 1] - low[RATES + 1])
        rate_2 = low[RATES + 2] + w * (high[RATES + 2] - low[RATES + 2])
        rate = rate_0 + rate_1 + rate_2 + low[RATES + 3] + w * (high[RATES + 3] - low[RATES + 3])
        at, taken = 0.0, 0.0
        while rate > 0.0:
            at += rng.standard_exponential() / rate
            if at >= length:
                break
            which = rng.random() * rate
            kind = (
                0
                if which < rate_0
                else (1 if which < rate_0 + rate_1 else (2 if which < rate_0 + rate_1 + rate_2 else 3))
            )
            left = kinetic - slow * at - taken
            if left <= tables.cut:
                continue
            most = left
            if kind == 0:
                gamma = 1.0 + left / MUON_MASS
                most = 2.0 * ELECTRON_MASS * (gamma * gamma - 1.0) / (1.0 + 2.0 * gamma * RATIO + RATIO * RATIO)
                if most <= tables.cut:
                    continue
            lost = drawn(tables, m, kind, left, most, rng)
            if lost >= left:
                continue
            taken += lost
            if count < len(kinds):
                kinds[count], energies[count], places[count] = kind, lost, travelled + at
                count += 1
            else:
                crossing += lost
            if lost > STEP * left:  # what follows is at another energy
                length = at
                break
        slope = beta2 / largest
        top = min(tables.cut, largest)
        a_here, a_away = soft_loss(
            length * (low[IN_ABSORBER] + w * (high[IN_ABSORBER] - low[IN_ABSORBER])),
            length * tables.xi[m, 0] / beta2, top, slope, tables.leaves[m, 0], 0.0, rng,
        )  # fmt: skip
        b_here, b_away = soft_loss(
            length * (low[IN_ACTIVE] + w * (high[IN_ACTIVE] - low[IN_ACTIVE])),
            length * tables.xi[m, 1] / beta2, top, slope, tables.leaves[m, 1], tables.keeps[m], rng,
        )  # fmt: skip
        radiated = length * (low[RADIATED] + w * (high[RADIATED] - low[RADIATED]))
        if radiated > 0.0:
            square = length * (low[RADIATED_2] + w * (high[RADIATED_2] - low[RADIATED_2]))
            radiated = rng.standard_gamma(radiated * radiated / square) * square / radiated
        soft = a_here + a_away + b_here + b_away + radiated
        left = kinetic - taken
        if soft >= left:  # the end of the range
            part = left / soft
            return (
                MUON_MASS, travelled + part * length, absorber + part * a_here, active + part * b_here,
                crossing + part * (a_away + b_away + radiated), count,
            )  # fmt: skip
        absorber += a_here
        active += b_here
        crossing += a_away + b_away + radiated
        energy -= taken + soft
        travelled += length
    return energy, path, absorber, active, crossing, count


@fused
def _last_loss(tables: MuonTables, m: int, path: float) -> float:
    """Return what the slowest muon of the tables would lose over a path (mm), GeV."""
    return path * (tables.loss[m, 0, IN_ABSORBER] + tables.loss[m, 0, IN_ACTIVE])


@fused
def _share(tables: MuonTables, m: int, kinetic: float, absorber: float, active: float) -> tuple[float, float]:
    """Add the rest of the kinetic energy to absorber and active material, by what each takes."""
    one, other = tables.loss[m, 0, IN_ABSORBER], tables.loss[m, 0, IN_ACTIVE]
    part = other / (one + other) if one + other > 0.0 else 0.0
    return absorber + (1.0 - part) * kinetic, active + part * kinetic


@fused
def path_to_decay(energy: float, rng: np.random.Generator) -> float:
    """Return the path (mm) after which a muon of a total energy (GeV) decays, in vacuum: exponential in beta gamma c tau."""
    gamma = energy / MUON_MASS
    return MUON_LIFETIME * math.sqrt(max(gamma * gamma - 1.0, 0.0)) * rng.standard_exponential()


@fused
def michel(rng: np.random.Generator) -> float:
    """Return the energy (GeV) of the electron of a muon that decays at rest: x^2 (3 - 2 x), x = 2 E/m_mu (PDG 2022, Sec. 58.1).

    x^2 (3 - 2 x) is half 2 x^2 (3 - 2 x) = 6 x^2 - 4 x^3 with a mean of 0.7; drawn by rejection under the flat density.
    """
    while True:
        x = rng.random()
        if rng.random() < x * x * (3.0 - 2.0 * x):
            return 0.5 * MUON_MASS * x


@fused
def decay_share(energy: float, rng: np.random.Generator) -> float:
    """Return the energy (GeV) of the electron of a muon that decays in flight, unpolarised; the neutrinos take the rest."""
    star = michel(rng)
    gamma = energy / MUON_MASS
    along = math.sqrt(max(gamma * gamma - 1.0, 0.0)) * (2.0 * rng.random() - 1.0)
    return min(star * (gamma + along), energy)


@fused
def at_rest(tables: MuonTables, m: int, negative: bool, rng: np.random.Generator) -> tuple[float, float]:
    """Return energy (GeV) and delay (ns) of the electron of a muon that has stopped in a mixture; 0 if a nucleus takes it.

    A mu- decays with the free rate, but lives for `MuonTables.lifetime` alone.
    """
    life = tables.lifetime[m] if negative else FREE
    delay = life * rng.standard_exponential()
    if rng.random() >= life / FREE:
        return 0.0, delay
    return michel(rng), delay
