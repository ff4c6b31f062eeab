"""The physics of the search as formulas: cross sections, yields, decays, muons in matter. No detector, no files."""

from __future__ import annotations

from emiss.physics.validity import RangeWarning

__all__ = ["RangeWarning"]
