"""Parton densities of the proton at leading order, GRV 94 LO: M. Glueck, E. Reya, A. Vogt, Z. Phys. C 67 (1995) 433.

The coefficients are in ``grv94lo.csv``: each parameter of a density is a polynomial in s = ln(ln(Q^2/L^2)/ln(mu^2/L^2)), mu^2 =
0.23 GeV^2, L = 0.2322 GeV, with a term in sqrt(s). Good for 0.4 GeV^2 < Q^2 < 1e6 GeV^2 and x > 1e-5. Densities are x times
the number per unit x; the neutron has u and d exchanged. A nucleus is its protons and neutrons: shadowing is left out.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats

START, LAMBDA = 0.23, 0.2322
"""mu^2 in GeV^2 and Lambda in GeV."""

LOWEST, HIGHEST = 0.4, 1e6
"""Q^2 in GeV^2 between which the parametrisation holds; beyond, the value at the end is taken."""

FLAVOURS = ("u", "d", "s", "c", "b")


@cache
def _table() -> Mapping[str, tuple[str, Mapping[str, tuple[float, ...]]]]:
    """Return shape and coefficients of each density."""
    text = files("emiss.physics.processes").joinpath("grv94lo.csv").read_text("utf-8")
    found: dict[str, tuple[str, dict[str, tuple[float, ...]]]] = {}
    for row in csv.DictReader(text.splitlines()):
        numbers = tuple(float(row[name]) for name in ("one", "root", "linear", "square", "cube"))
        found.setdefault(row["density"], (row["shape"], {}))[1][row["parameter"]] = numbers
    return found


def _density(name: str, x: Floats, s: Floats) -> Floats:
    """Return x times a density of the parametrisation."""
    shape, rows = _table()[name]
    powers = (np.ones_like(s), np.sqrt(s), s, s**2, s**3)
    c = {key: sum(one * power for one, power in zip(row, powers, strict=True)) for key, row in rows.items()}
    logarithm = np.log(1.0 / x)
    if shape == "valence":
        inner = 1.0 + c["a"] * x ** c["bk"] + x * (c["b"] + c["c"] * np.sqrt(x))
        value = c["n"] * x ** c["ak"] * inner * (1.0 - x) ** c["d"]
    elif shape == "light":
        polynomial = x ** c["ak"] * (c["a"] + x * (c["b"] + x * c["c"])) * logarithm ** c["bk"]
        rising = s ** c["al"] * np.exp(-c["e"] + np.sqrt(c["es"] * s ** c["be"] * logarithm))
        value = (polynomial + rising) * (1.0 - x) ** c["d"]
    else:
        above = np.maximum(s - c["st"], 0.0)
        inner = 1.0 + c["a"] * np.sqrt(x) + c["b"] * x
        rising = np.exp(-c["e"] + np.sqrt(c["es"] * s ** c["be"] * logarithm))
        value = above ** c["al"] / logarithm ** c["ak"] * inner * (1.0 - x) ** c["d"] * rising
    return np.maximum(value, 0.0)


def proton(x: Floats, q2: Floats) -> Mapping[str, Floats]:
    """Return x times the densities of u, ubar, d, dbar, s, c, b (each as much as its antiquark from s on) and g.

    Parameters
    ----------
    x, q2 : arrays that broadcast
        0 < x < 1; GeV^2.
    """
    x, q2 = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(q2, np.float64))
    s = np.log(np.log(np.clip(q2, LOWEST, HIGHEST) / LAMBDA**2) / np.log(START / LAMBDA**2))
    raw = {name: _density(name, x, s) for name in _table()}
    up, down = 0.5 * (raw["udb"] - raw["del"]), 0.5 * (raw["udb"] + raw["del"])
    return {
        "u": raw["uv"] + up, "ubar": up, "d": raw["dv"] + down, "dbar": down,
        "s": raw["sb"], "sbar": raw["sb"], "c": raw["cb"], "cbar": raw["cb"], "b": raw["bb"], "bbar": raw["bb"],
        "g": raw["gl"],
    }  # fmt: skip


def nucleon(flavour: str, x: Floats, q2: Floats, protons: float) -> tuple[Floats, Floats]:
    """Return x times the densities of a quark and its antiquark in a nucleus, per nucleon.

    Parameters
    ----------
    flavour : str
        u, d, s, c or b.
    x, q2 : arrays that broadcast
    protons : float
        Z/A.

    Raises
    ------
    ValueError
        For another flavour.
    """
    if flavour not in FLAVOURS:
        msg = f"no quark '{flavour}'; there are {', '.join(FLAVOURS)}"
        raise ValueError(msg)
    own = proton(x, q2)
    mirrored = {"u": "d", "d": "u"}.get(flavour, flavour)
    quark = protons * own[flavour] + (1.0 - protons) * own[mirrored]
    return quark, protons * own[f"{flavour}bar"] + (1.0 - protons) * own[f"{mirrored}bar"]
