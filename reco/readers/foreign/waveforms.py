"""Waveforms of other digitisers in foreign files: samples become digits, and these are measured as the waveform stage does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.events.columns import Column
from emiss.events.lists import Lists
from emiss.reco.calorimetry.waveform import Settings, measure
from emiss.reco.formats.foreign_tree import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.configs.errors import Problems
    from emiss.reco.formats.foreign_tree import ForeignTree
    from emiss.reco.readers.foreign.base import Tree
    from emiss.reco.readers.foreign.schema import WaveformsEntry

LEARNT_ROWS = 20_000
"""The pedestals of the channels are those of so many waveforms at the beginning of the file."""

LEAST_SIGMA = 12**-0.5
"""Noise in ADC below which rounding hides it: rms of the rounding itself."""

FIELDS = {
    "channel": ("1", "number of the channel"),
    "charge": ("1", "area of the fitted pulse in ADC; 0 where nothing is above the threshold"),
    "height": ("1", "largest sample above the pedestal of the channel, ADC"),
    "time": ("ns", "start of the pulse after the first sample; undefined without a pulse"),
    "pedestal": ("1", "mean of the samples that the pedestal is taken from, ADC"),
    "saturated": ("1", "1 where a sample is at full scale"),
    "pile_up": ("1", "1 where a second pulse is seen"),
}


@dataclass(frozen=True)
class Waveforms:
    """The waveforms of a tree, one row each.

    Attributes
    ----------
    name : str
        Of the collection.
    samples, channel : str
        Branches; without a branch all are of channel 0.
    pedestal : (int, int)
        First sample and the one behind the last that the pedestal is taken from.
    """

    name: str
    tree: ForeignTree
    samples: str
    channel: str | None
    pedestal: tuple[int, int]
    settings: Settings

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of the collection."""
        return {
            f"{self.name}.{field}": Column(f"{self.name}.{field}", "f8", unit, meaning, "list")
            for field, (unit, meaning) in FIELDS.items()
        }

    def digits(self, start: int, stop: int) -> Lists:
        """Return the waveforms of events start to stop as digits: channel, samples, n_samples, as in `Batch.sadc`."""
        samples, count = self.tree.waveforms(self.samples, start, stop)
        offsets = self.tree.rows_of(start, stop)
        channel = np.zeros(len(count), np.int64)
        if self.channel is not None:
            table = self.tree.read([self.channel], start, stop)
            part = table.lists[ROWS][self.channel.removeprefix(f"{ROWS}.")] if ROWS in table.lists else None
            channel = np.asarray(table.flat[self.channel] if part is None else part).astype(np.int64)
        return Lists(offsets, {"channel": channel, "samples": samples, "n_samples": count})

    @cached_property
    def constants(self) -> tuple[Array, Mapping[str, Array]]:
        """Return the channels in ascending order with pedestal (the same for even and odd samples) and noise, ADC."""
        edges = self.tree.rows_of(0, self.tree.entries)
        digits = self.digits(0, max(1, int(np.searchsorted(edges, LEARNT_ROWS, "right")) - 1))
        mean, spread = self._level(digits)
        channels, which = np.unique(digits["channel"], return_inverse=True)
        order = np.argsort(which, kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(which))[:-1])
        level = np.array([np.median(mean[rows]) for rows in groups])
        sigma = np.maximum([np.median(spread[rows]) for rows in groups], LEAST_SIGMA)
        return channels, {"even": level, "odd": level, "sigma": sigma}

    def _level(self, digits: Lists) -> tuple[Array, Array]:
        """Return mean and rms of the samples that the pedestal is taken from, of each waveform."""
        first, last = self.pedestal
        there = np.arange(digits["samples"].shape[1]) < digits["n_samples"][:, None]
        there = there[:, first:last]
        part = digits["samples"][:, first:last].astype(np.float64)
        count = np.maximum(there.sum(axis=1), 1)
        mean = np.where(there, part, 0.0).sum(axis=1) / count
        spread = np.sqrt((np.where(there, part - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
        return np.where(there.any(axis=1), mean, np.nan), spread

    def make(self, start: int, stop: int) -> Lists:
        """Return what is measured in the waveforms of events start to stop.

        Raises
        ------
        UserError
            For a channel that the beginning of the file does not have.
        """
        from emiss.reco.calorimetry import waveform_kernels as kernels

        channels, constants = self.constants
        digits = self.digits(start, stop)
        row = np.minimum(np.searchsorted(channels, digits["channel"]), len(channels) - 1)
        unknown = channels[row] != digits["channel"]
        if unknown.any():
            number = digits["channel"][unknown][0]
            raise self.tree.error(
                f"no pedestal for channel {number}: none of the first {LEARNT_ROWS} waveforms is of it"
            )
        numbered = Lists(digits.offsets, {**digits.columns, "channel": row})
        charge, time, status = measure(numbered, constants, self.settings)
        columns = {
            "channel": digits["channel"].astype(np.float64),
            "charge": charge,
            "height": digits["samples"].max(axis=1, initial=0) - constants["even"][row],
            "time": time,
            "pedestal": self._level(digits)[0],
            "saturated": ((status & kernels.SATURATED) > 0).astype(np.float64),
            "pile_up": ((status & kernels.PILE_UP) > 0).astype(np.float64),
        }
        return Lists(digits.offsets, columns)


def bind_waveforms(entries: Mapping[str, WaveformsEntry], tree: Tree, problems: Problems) -> tuple[Waveforms, ...]:
    """Return the waveforms that a map asks for; a branch that is not there, or holds none, is noted in `problems`."""
    made = []
    for name, entry in entries.items():
        try:
            made.append(_bind(name, entry, tree))
        except UserError as error:
            problems.add(error)
    return tuple(made)


def _bind(name: str, entry: WaveformsEntry, tree: Tree) -> Waveforms:
    place = entry.at("samples")
    column = tree.found.get(entry.samples)
    if column is None:
        raise place.error(f"no branch '{entry.samples}'", hint=did_you_mean(entry.samples, tree.found))
    if column.shape == "flat" or column.type[0] not in "iu" or len(tree.shapes.get(entry.samples, ())) > 1:
        raise place.error(f"'{entry.samples}' holds no list or array of whole numbers: these are no waveforms")
    channel = entry.channel
    if channel is not None:
        place = entry.at("channel")
        known = [name for name in tree.columns if tree.columns[name].type[0] in "iu"]
        channel = channel if channel in known else f"{ROWS}.{channel.removeprefix(f'{ROWS}.')}"
        if channel not in known:
            raise place.error(
                f"no branch of whole numbers '{entry.channel}'", hint=did_you_mean(entry.channel or "", known)
            )
    first, last = entry.pedestal
    if not 0 <= first < last:
        raise entry.at("pedestal").error("give the first sample and the one behind the last: [0, 16]")
    settings = Settings(
        period=entry.period,
        rise=entry.rise,
        threshold=entry.threshold,
        before=entry.before,
        after=entry.after,
        full_scale=(1 << entry.bits) - 1,
    )
    # only a real tree is ever read from
    return Waveforms(name, cast("ForeignTree", tree), entry.samples, channel, entry.pedestal, settings)
