"""N(m, g): the signal events of one period at one mass, as a function of the coupling.

    N = on_target x sum over signatures and E of (rate(E) g^power) x P(decay where it counts | m, g, E) x efficiency x branching

The rate is made once per mass; what the coupling changes is its power, the branching ratio and how far X flies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Model, Production
    from emiss.programme.setting import Setting, Window

SETTLED = 1e-3
"""Relative change of a coupling's rate below which it need not be made anew."""


@dataclass(frozen=True)
class Seen:
    """What counts of one signature.

    Attributes
    ----------
    window : Window
        Where decays count.
    channels : tuple of str
        All, if empty.
    efficiency, error : float
        Share of X made above the threshold and decaying so that is selected, and its statistical error.
    """

    window: Window
    channels: tuple[str, ...]
    efficiency: float
    error: float = 0.0


@dataclass(frozen=True)
class Signal:
    """The signal of one period at one mass.

    Attributes
    ----------
    model : Model
    mass : float
        GeV.
    production : Production
    seen : tuple of Seen
    exposure : float
        Particles on target, times what the efficiencies have to be multiplied with.
    """

    model: Model
    mass: float
    production: Production
    seen: tuple[Seen, ...]
    exposure: float

    @property
    def power(self) -> int | None:
        """The power of the coupling that the number of events goes with; None if it goes with none."""
        pure = all(one.window.after is None and not one.channels for one in self.seen)
        return self.production.power if pure else None

    def events(self, coupling: float) -> float:
        """Return the expected number of selected signal events."""
        rate = self.production.at(coupling)
        shares = sum(one.efficiency * self._counted(one, coupling) for one in self.seen)
        return float(self.exposure * np.sum(rate * shares))

    def accepted(self, coupling: float) -> float:
        """Return the share of X that decays as and where a signature asks for, before any efficiency."""
        total = self.production.total
        shares = sum(self._counted(one, coupling) for one in self.seen)
        return float(np.sum(self.production.rate * shares) / total) if total > 0.0 else 0.0

    def efficiency(self, coupling: float) -> tuple[float, float]:
        """Return the efficiency on average over the signatures and its error; signatures count as they are accepted."""
        rate = self.production.rate
        parts = [float(np.sum(rate * self._counted(one, coupling))) for one in self.seen]
        total = sum(parts)
        weights = [part / total for part in parts] if total > 0.0 else [1.0 / len(parts)] * len(parts)
        value = sum(weight * one.efficiency for weight, one in zip(weights, self.seen, strict=True))
        error = np.sqrt(sum((weight * one.error) ** 2 for weight, one in zip(weights, self.seen, strict=True)))
        return float(value), float(error)

    def _counted(self, one: Seen, coupling: float) -> Floats:
        """Return the share of X of each bin of energy that decays as a signature asks for, shape (n,)."""
        share = 1.0
        if one.channels:
            known = self.model.branching(self.mass, coupling)
            share = sum(known.get(name, 0.0) for name in one.channels)
        return share * self._inside(one.window, coupling)

    def _inside(self, window: Window, coupling: float) -> Floats:
        energy, depth = self.production.energy, self.production.depth
        if window.after is None:
            return np.ones(len(energy))
        length = self.model.unstable(self.mass, coupling).decay_length(energy)
        inside: Floats = _survival(window.after - depth, length)
        # a particle that never decays is behind everything, and so counts where there is no second end
        return inside if np.isinf(window.before) else inside - _survival(window.before - depth, length)


def _survival(distance: Floats, length: Floats) -> Floats:
    """Return the share that flies further than a distance, shape (n,); both in mm, lengths may be 0 or infinite."""
    flown = np.maximum(distance, 0.0)
    paths = np.divide(flown, length, out=np.where(flown > 0.0, np.inf, 0.0), where=length > 0.0)
    share: Floats = np.exp(-paths)
    return share


def produced(
    model: Model, mass: float, setting: Setting, coupling: float, *, before: Production | None = None
) -> tuple[Production, bool]:
    """Return the production at a coupling and whether it is the one of `before` within `SETTLED`."""
    made = model.production(mass, setting.beam, setting.target, threshold=setting.threshold, coupling=coupling)
    if before is None:
        return made, False
    same = made.rate.shape == before.rate.shape and np.allclose(
        made.rate, before.rate, rtol=SETTLED, atol=SETTLED * float(before.rate.max(initial=0.0))
    )
    return made, bool(same)
