"""The constant between a magnetic field and the curvature of a track in it."""

from __future__ import annotations

CURVATURE = 0.299792458e-3
"""GeV/(T mm): p_t = CURVATURE * B * R for a charge of 1 e (the speed of light in these units)."""
