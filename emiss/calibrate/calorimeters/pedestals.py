"""Pedestals of even and odd samples and their noise, from waveforms without a pulse.

The pilot finds where the samples of a channel lie, by medians, which pulses hardly move. Then a waveform is quiet if all
its samples are within `NEAR` sigma of that, and the mean of its first and last ones, which the tail of a pulse lifts, is
within `FLAT` of its own errors: both cuts take as much above as below. Of events with pulses in several channels none is
taken, where there are others: pulses before the waveform leave tails that are too small to be seen in one channel. Of the
quiet ones the pedestal is the mean, its error comes from the spread between waveforms, which knows of drifts, and the noise
is the spread within waveforms, which knows none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.events.batch import Batch

SPAN = 24
"""ADC around the pilot's pedestal that the histograms of samples show, on each side."""

NEAR, FLAT = 6.0, 4.0

LOUD = 2
"""Channels with a pulse from which on an event is not quiet: one may be a noisy channel."""

SPARED = 0.05
"""Where quiet events have less than this share of a channel's quiet waveforms, those of the others are taken, too."""

LEVELS = 65536
"""Values that a sample may have."""

TYPE = "sadc.pedestal"

QUIET = 0.2
"""A channel of which fewer waveforms than this share are quiet is looked at."""

ODD = 4.0
"""The noise of a channel over the median of all, or below it, that is looked at."""


class Pedestals(Derivation):
    """Pedestals and noise of all channels with waveforms."""

    kind = "pedestals"
    meaning = "pedestals of even and odd samples and their noise (sadc.pedestal)"
    wants = "random triggers"
    pilot = 2000
    trigger = "random"
    runs_of = "random"

    @property
    def origin(self) -> str:
        """Random triggers; before the pulses, events of any kind are alike."""
        return self.taken_as or (self.runs_of if self.options.samples is None else "any")

    def empty(self, learned: Any) -> Sums:
        """Return histograms of all values for the pilot; of what is near the pedestal, and moments, else."""
        channels = len(self.detector.channels)
        if learned is None:
            levels = int(self.detector.full_scale.max()) + 1
            return Sums({"levels": np.zeros((channels, 2, levels), np.int32)})
        return Sums(
            {
                "samples": np.zeros((2, channels, 2, 2 * SPAN), np.int64),
                "moments": np.zeros((2, channels, 2, 4)),
                "waveforms": np.zeros((3, channels), np.int64),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the waveforms of a batch."""
        from emiss.reco.calorimetry import pedestals_kernels as kernels

        digits = batch.sadc
        assert digits is not None  # noqa: S101 - raw files have digits
        most = self.options.samples or digits["samples"].shape[1]
        if learned is None:
            kernels.levels(digits["samples"], digits["n_samples"], digits["channel"], most, sums["levels"])
            return
        level, sigma = learned
        kernels.quiet(
            digits.offsets,
            digits["samples"],
            digits["n_samples"],
            digits["channel"],
            most,
            level,
            sigma,
            NEAR,
            FLAT,
            LOUD,
            sums["samples"],
            sums["moments"],
            sums["waveforms"],
        )

    def learn(self, sums: Sums) -> tuple[Floats, Floats]:
        """Return the medians of even and odd samples (C, 2) and the noise (C,), from the lower half, as pulses go up."""
        counts = sums["levels"].astype(np.float64)
        total = counts.sum(axis=2)
        cumulated = np.cumsum(counts, axis=2)
        level, below = (_quantile(cumulated, total, share) for share in (0.5, 0.5 - 0.341345))
        sigma = np.nanmax(np.where(total > 0, level - below, np.nan), axis=1, initial=0.3)
        # a pulse in each waveform lifts the median: the most frequent value does not move then
        mode = counts.argmax(axis=2).astype(np.float64)
        lifted = np.abs(level - mode) > 3.0 * sigma[:, None]
        return np.where(lifted, mode, level), np.where(lifted.any(axis=1), np.minimum(sigma, 3.0), sigma)

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of pedestals."""
        level, _ = learned
        names = self.detector.channels
        both, seen = sums["waveforms"][:2], sums["waveforms"][2]
        spared = both[0] >= np.maximum(SPARED * both.sum(axis=0), self.options.least)
        quiet = np.where(spared, both[0], both.sum(axis=0)).astype(np.float64)
        moments, counted = (
            np.where(spared[:, None, None], sums[name][0], sums[name].sum(axis=0)) for name in ("moments", "samples")
        )
        if not quiet.any():
            raise UserError(
                "no waveform is without a pulse: pedestals need random triggers",
                hint="or '--samples 4' for the samples before the pulses",
            )
        enough = quiet >= max(self.options.least, 2)
        n = np.where(enough, quiet, np.nan)
        mean = moments[:, :, 0] / n[:, None]
        spread = np.maximum(moments[:, :, 1] / n[:, None] - mean**2, 0.0)
        freedom = np.where(moments[:, :, 3].sum(axis=1) > 0, moments[:, :, 3].sum(axis=1), np.nan)
        variance = np.where(enough, moments[:, :, 2].sum(axis=1) / freedom, np.nan)
        variance = np.maximum(variance, 1.0 / 12.0)  # of the rounding alone
        sigma = np.sqrt(variance)
        values = {"even": level[:, 0] + mean[:, 0], "odd": level[:, 1] + mean[:, 1], "sigma": sigma}
        # samples of a waveform may go together: what the spread of the means says more than the noise does is counted
        each = np.maximum(np.maximum(spread, variance[:, None] / np.maximum(freedom / n, 1.0)[:, None]), 1e-12)
        error = np.sqrt(each / n[:, None])
        errors = {"even": error[:, 0], "odd": error[:, 1], "sigma": sigma / np.sqrt(2.0 * freedom)}
        curve = _expected(counted, level + mean - np.floor(level + 0.5), sigma)
        counts = counted.astype(np.float64)
        chi2 = _chi2(counts, curve)
        shapes = Shapes(
            "sample - pedestal, even samples [ADC]",
            np.arange(2 * SPAN + 1) - SPAN - 0.5 + np.zeros((len(names), 1)),
            counts[:, 0],
            curve[:, 0],
        )
        made = Made(
            TYPE,
            names,
            {"even": "ADC", "odd": "ADC", "sigma": "ADC"},
            values,
            errors,
            quiet.astype(np.int64),
            chi2,
            self._doubts(seen, both.sum(axis=0), values, enough),
            shapes,
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)

    def _doubts(self, seen: Ints, quiet: Ints, values: dict[str, Floats], enough: Array) -> tuple[str, ...]:
        doubts = Doubts(len(seen))
        doubts.add(seen == 0, "no waveform")
        doubts.add(
            ~enough, [f"{count} quiet waveforms of {all_} are too few" for all_, count in zip(seen, quiet, strict=True)]
        )
        share = quiet / np.maximum(seen, 1)
        doubts.add(share < QUIET, [f"{one:.0%} of the waveforms are quiet" for one in share])
        middle = np.nanmedian(values["sigma"])
        for which, text in (
            (values["sigma"] > ODD * middle, "noisy: the noise is {:.3g} ADC, {:.3g} in the middle of all"),
            (values["sigma"] < middle / ODD, "no noise: {:.3g} ADC, {:.3g} in the middle of all"),
        ):
            doubts.add(which, [text.format(one, middle) for one in values["sigma"]])
        full = self.detector.full_scale
        out = (np.minimum(values["even"], values["odd"]) < 5.0) | (
            np.maximum(values["even"], values["odd"]) > 0.5 * full
        )
        doubts.add(out, "the pedestal is at the edge of the range")
        return tuple(doubts.texts)


def _quantile(cumulated: Floats, total: Floats, share: float) -> Floats:
    """Return a quantile of histograms of whole numbers (C, 2, levels), between two values by the share of the counts."""
    wanted = share * total
    place = (cumulated < wanted[:, :, None]).sum(axis=2)
    place = np.minimum(place, cumulated.shape[2] - 1)
    up = np.take_along_axis(cumulated, place[:, :, None], axis=2)[:, :, 0]
    down = np.where(
        place > 0, np.take_along_axis(cumulated, np.maximum(place - 1, 0)[:, :, None], axis=2)[:, :, 0], 0.0
    )
    return np.asarray(place - 0.5 + (wanted - down) / np.maximum(up - down, 1.0))


def _expected(counts: Array, mean: Floats, sigma: Floats) -> Floats:
    """Return what a Gaussian leaves in bins of one ADC, shape (C, 2, bins); its width has the rounding in it already."""
    from scipy.special import ndtr

    edges = np.arange(counts.shape[2] + 1) - SPAN - 0.5
    narrow = np.sqrt(np.maximum(sigma**2 - 1.0 / 12.0, 1e-4))
    share = ndtr((edges - mean[:, :, None]) / narrow[:, None, None])
    return np.asarray(np.diff(share, axis=2) * counts.sum(axis=2, keepdims=True))


def _chi2(counts: Floats, curve: Floats) -> Floats:
    """Return chi2 per bin where much is expected."""
    much = curve > 20.0
    each = np.where(much, (counts - curve) ** 2 / np.where(much, curve, 1.0), 0.0)
    bins = much.sum(axis=(1, 2))
    return np.where(bins > 0, each.sum(axis=(1, 2)) / np.maximum(bins - 2, 1), np.nan)
