"""The scale of a magnet's field from particles whose momentum is known.

The bend tells the field over the momentum: where tracks show q/p larger than it is, the field is larger than it was taken
to be. The peak of p |q/p| is fitted; of electrons the part that has radiated is in its tail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.calibrate.gaussians import gaussians
from emiss.configs.errors import UserError
from emiss.reco.tracking.clusters import clustering
from emiss.reco.tracking.placement import Placement
from emiss.reco.tracking.stage import ArmTracks

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

BINS, LOW, HIGH = 1500, 0.5, 2.0
"""Of histograms of p |q/p|."""

BAD = 5.0
"""chi2 per degree of freedom above which tracks are left out."""

WIDE = 0.2
"""Relative width of the peak above which particles do not have one momentum."""


class FieldScale(Derivation):
    """Scales of the fields of all spectrometers with a magnet."""

    kind = "field"
    meaning = "scales of fields (magnet.field) from the momentum of the beam"
    wants = "single beam particles of known momentum, with the field on and aligned planes"
    runs_of = "beam"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._stages = clustering(detector, "raw")
        self._arms = {
            arm.name: ArmTracks(detector, arm)
            for arm in detector.arms.values()
            if arm.name and (not options.parts or arm.name in options.parts)
        }
        if not self._arms:
            raise UserError(f"no spectrometer of the set-up {detector.name} has a magnet")
        self._scale = np.ones(len(self._arms))

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        for stage in self._stages:
            stage.begin_run(conditions)
        self._scale = conditions.get("magnet.field", list(self._arms))["scale"]
        places = Placement.of(conditions, self.detector.plane_names)
        for scale, (name, tracks) in zip(self._scale.tolist(), self._arms.items(), strict=True):
            tracks.set_places(places.rotation, places.z)
            tracks.set_scale(scale)
            if not tracks.bends:
                raise UserError(
                    f"run {conditions.run} has straight tracks: the field of {name} has the scale {scale:g}",
                    at=conditions.location("magnet.field", name),
                    hint=f"{self.kind} wants {self.wants}",
                )

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return empty histograms of p |q/p|."""
        return Sums({"ratio": np.zeros((len(self._arms), BINS), np.int64)})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the single tracks of a batch."""
        products: dict[str, Any] = {}
        for stage in self._stages:
            products |= stage(batch, products)
        for row, tracks in enumerate(self._arms.values()):
            found = tracks(products["clusters"])
            fits = found.fits
            good = (fits.status == 0) & (fits.chi2 < BAD * np.maximum(fits.ndf, 1))
            event = np.repeat(np.arange(len(batch)), np.diff(found.offsets))
            single = np.bincount(event[good], minlength=len(batch)) == 1
            chosen = good & single[event]
            # the scale that tracks were fitted with is in q/p: without it, runs of several scales add
            ratio = self.detector.beam.energy * np.abs(fits.q_over_p[chosen]) * self._scale[row]
            sums["ratio"][row] += np.histogram(ratio, BINS, (LOW, HIGH))[0]

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of scales."""
        counts = sums["ratio"].astype(np.float64)
        edges = np.linspace(LOW, HIGH, BINS + 1)
        found = gaussians(counts, edges)
        entries = counts.sum(axis=1)
        good = found.converged & (entries >= self.options.least)
        doubts = Doubts(len(good))
        doubts.add(entries < self.options.least, [f"{int(n)} single tracks are too few" for n in entries])
        doubts.add(~found.converged, "the fit did not converge")
        doubts.add(
            found.sigma > WIDE, [f"no single momentum: the peak has a width of {one:.0%}" for one in found.sigma]
        )
        doubts.add(np.abs(found.place - 1.0) > 0.1, [f"the scale is {one:.3f}" for one in found.place])
        made = Made(
            "magnet.field",
            tuple(self._arms),
            {"scale": "-"},
            {"scale": np.where(good, found.place, np.nan)},
            {"scale": np.where(good, found.error, np.nan)},
            entries.astype(np.int64),
            found.chi2,
            tuple(doubts.texts),
            Shapes(
                "scale x momentum of the beam x |q/p|",
                np.broadcast_to(edges, (len(good), BINS + 1)),
                counts,
                found.curve,
            ),
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)
