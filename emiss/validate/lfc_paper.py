"""The numbers of the study of e -> mu transitions (arXiv:2404.15931) that a validation is put beside.

Those of the background stand in ``configs/backgrounds/e_to_mu_phi.yaml``; figures are read by eye.
"""

from __future__ import annotations

from emiss.reach.budgets import paper

SOURCE = "arXiv:2404.15931"

EFFICIENCY = {0.11: 0.06, 3.0: 0.02}
"""Fig. 5, signal efficiency at the ends of the curve: the axis has marks at 0.02, 0.04 and 0.06, and the curve falls."""

HCAL_MIP = 2.5
"""GeV in one HCAL module of one minimum ionizing muon (section III.C)."""

DIMUON_EOT = 1.5e11
"""Electrons on target that the simulated muon pairs stand for, none of which passes the selection (section III.C)."""

BUDGET = paper()
"""Rates and survivals of sections III.A and III.C; 9.6e-5 of the pions and 5.6e-5 of the kaons survive."""

BACKGROUND = 1.9e-11
"""Background events per electron on target (section III.C)."""

E_MISS_DIMUON = 0.0
"""GeV; around this the missing energy of the dimuons is centred (Fig. 7)."""
