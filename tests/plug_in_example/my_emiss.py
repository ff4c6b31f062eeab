"""A stage of the reconstruction and a function of cuts, as a package of one's own."""

import numpy as np

from emiss.events.columns import Column
from emiss.events.language.plug_in import Argument, PlugInFunction


class Depth:
    """Makes `hcal.depth`: the mean position along the beam of the energy in the HCAL."""

    uses = ("hcal.energy",)  # what stages before it have made
    produces = ("hcal.depth",)  # what it makes: columns, collections of lists, and whatever later stages want
    needs = {}  # constants: type to channels, such as {"pedestals": ("HCAL0.0.0",)}

    def __init__(self, detector):
        part = detector.parts["hcal"]
        self.z = np.array([element.z for element in part.elements.values()])
        self.columns = (Column("hcal.depth", "f8", "mm", "mean position along the beam of the energy in the HCAL"),)

    def begin_run(self, conditions):
        """Take the constants of a run."""

    def __call__(self, batch, products):
        """Return the products for the events of a batch: arrays of shape (events,), or (events, size)."""
        energy = products["hcal.energy"]
        total = energy.sum(axis=1)
        return {"hcal.depth": np.where(total > 0, (energy @ self.z) / np.where(total > 0, total, 1), np.nan)}


def transverse(p, tx, ty):
    """Return the momentum across the beam of tracks: arrays of one shape, in the units declared below."""
    return p * np.sqrt((tx**2 + ty**2) / (1 + tx**2 + ty**2))


TRANSVERSE = PlugInFunction(
    transverse,
    arguments=(Argument("p", "GeV"), Argument("tx"), Argument("ty")),
    unit="GeV",
    meaning="momentum across the beam",
)
