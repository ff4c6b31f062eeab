"""Scales of four-fermion operators that turn an electron or a muon into a tau, as a table: what is reached, what is measured.

The numbers are those of an NA64 talk on lepton conversion of 30.08.2023, which takes them from S. N. Gninenko, S. Kovalenko,
S. Kuleshov, V. E. Lyubovitskij and A. S. Zhevlakov, Phys. Rev. D 98 (2018) 015007; the labels of the scales are lost in its
text and were put back from the sentences around them (electron beam, muon beam). The talk words all of them as limits; those on
a lead target are expectations for NA64, which has measured none of them. Nothing here is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scale:
    """The scale Lambda (TeV) that an experiment excludes or would reach; a range, as it depends on the operator's quarks.

    Attributes
    ----------
    transition : str
        ``e -> tau`` or ``mu -> tau``.
    operator : str
        S, V or T: scalar, vector, tensor; empty where the talk does not say.
    lowest, highest : float
        TeV.
    standing : str
        ``expected`` or ``measured``.
    experiment : str
    """

    transition: str
    operator: str
    lowest: float
    highest: float
    standing: Literal["expected", "measured"]
    experiment: str


@dataclass(frozen=True)
class Sensitivity:
    """What NA64 expects to reach in Lambda (TeV) with a number of leptons on target, and the events seen there."""

    transition: str
    scale: float
    on_target: float
    events: str


SOURCE = "NA64 talk of 30.08.2023; Phys. Rev. D 98 (2018) 015007"

SCALES = (
    Scale("e -> tau", "S", 0.04, 0.19, "expected", "NA64, lead target"),
    Scale("e -> tau", "V", 0.05, 0.35, "expected", "NA64, lead target"),
    Scale("e -> tau", "T", 0.09, 0.63, "expected", "NA64, lead target"),
    Scale("mu -> tau", "S", 0.56, 2.45, "expected", "NA64, lead target"),
    Scale("mu -> tau", "V", 0.78, 4.46, "expected", "NA64, lead target"),
    Scale("mu -> tau", "T", 1.45, 8.01, "expected", "NA64, lead target"),
    Scale("e -> tau", "", 0.41, 1.86, "measured", "ZEUS, Phys. Rev. D 65 (2002) 092004"),
)

SENSITIVITIES = (
    Sensitivity("e -> tau", 0.15, 1e12, "about 100 with the lowest scales"),
    Sensitivity("mu -> tau", 0.21, 1e11, "below 1 with the lowest scales"),
)
