"""What limits are compared with: muon g-2 and the relic density; and what else is known of the models."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def lines(
    masses: Sequence[float], *, difference: str, ratios: Sequence[float], dark_coupling: float = 0.1
) -> dict[str, Any]:
    """Return what limits are compared with, at these masses: g-2 bands and relic lines, as couplings.

    Parameters
    ----------
    masses : sequence of float
        GeV.
    difference : str
        One of `emiss.physics.constraints.g_minus_2.DIFFERENCES`.
    ratios : sequence of float
        m_phi over dark matter's mass, one per relic line.
    dark_coupling : float
        g of phi to dark matter.

    Raises
    ------
    ValueError
        For a mass that the muon decays to, or a ratio of 2.
    """
    from emiss.physics.constraints import g_minus_2, relic

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


SIGMAS = 2.0
"""Width of the bands of `moments`."""


def moments(masses: Sequence[float], difference: str) -> dict[str, Any]:
    """Return eps of an X (g = eps e) of S, P, V and A that explains (g - 2) of electron and muon, 0 where none does.

    Parameters
    ----------
    masses : sequence of float
        Of X, GeV.
    difference : str
        That of the muon.
    """
    import numpy as np

    from emiss.physics.constants import ALPHA
    from emiss.physics.constraints import g_minus_2, one_loop

    charge = float(np.sqrt(4.0 * np.pi * ALPHA))
    known = {f"electron, {name}": ("electron", one) for name, one in one_loop.ELECTRON.items()}
    known[f"muon, {difference}"] = ("muon", g_minus_2.DIFFERENCES[difference])
    return {
        "m_x": list(masses),
        "sigmas": SIGMAS,
        "epsilon": {
            name: {
                boson: [(end / charge).tolist() for end in one_loop.band(boson, masses, SIGMAS, one, lepton=lepton)]
                for boson in one_loop.BOSONS
            }
            for name, (lepton, one) in known.items()
        },
        "sources": {name: one.source for name, (_, one) in known.items()},
    }


def others(masses: Sequence[float], coupling: float, energy: float) -> dict[str, Any]:
    """Return comparisons of g-2, thermal lines, Landau poles, ALPs and lepton conversion as plain data.

    Parameters
    ----------
    masses : sequence of float
        Of dark matter and of ALPs, GeV.
    coupling : float
        Of an ALP to two photons, 1/GeV.
    energy : float
        Of the ALP, GeV.

    Raises
    ------
    ValueError
        For a coupling that is not above 0.
    """
    from emiss.physics.constraints import alps, g_minus_2, landau, lepton_conversion, thermal

    if not 0.0 < coupling < float("inf"):
        msg = f"--alp-coupling {coupling:g} is not above 0"
        raise ValueError(msg)
    flying = [m for m in masses if m <= energy]
    dark = [m for m in masses if thermal.LIGHTEST < m <= thermal.HEAVIEST]
    return {
        "differences": {name: asdict(known) for name, known in g_minus_2.DIFFERENCES.items()},
        "thermal": {
            "ratio": thermal.RATIO,
            "m_chi": dark,
            "epsilon2_alpha_d": {kind: thermal.line(dark, kind).tolist() for kind in thermal.LINES},
        },
        "landau": [asdict(bound) for bound in landau.BOUNDS],
        "alp": {
            "coupling": coupling,
            "energy": energy,
            "m_a": flying,
            "width": alps.width(flying, coupling).tolist(),
            "decay_length_m": (alps.decay_length(flying, coupling, energy) / 1e3).tolist(),
        },
        "lepton_conversion": {
            "source": lepton_conversion.SOURCE,
            "scales": [asdict(item) for item in lepton_conversion.SCALES],
            "sensitivities": [asdict(item) for item in lepton_conversion.SENSITIVITIES],
        },
    }
