"""The compiled pass of `summary`: pedestals and saturation of all waveforms of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.compiled import bare

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints

QUIET = 8.0
"""A waveform whose first samples differ by more than this many sigma from each other begins inside a pulse."""


@bare(error_model="numpy")
def survey(
    samples: Array,
    n_samples: Array,
    channel: Array,
    event: Array,
    spill: Ints,
    position: Ints,
    even: Array,
    odd: Array,
    sigma: Array,
    head: int,
    full_scale: Ints,
    quiet: Array,
    shift: Array,
    square: Array,
    saturated: Array,
    waveforms_at: Array,
    saturated_at: Array,
) -> None:
    """Add up the pedestal shifts and the saturated waveforms of a batch.

    Parameters
    ----------
    samples : uint16 array of shape (D, S)
    n_samples, channel, event : integer arrays of shape (D,)
    spill, position : int64 arrays of shape (events,)
        Row of the spill and bin of the position in the spill.
    even, odd, sigma : arrays of shape (channels,), ADC
        Pedestals of the conditions.
    head : int
        Samples at the beginning that tell the pedestal.
    full_scale : int64 array of shape (channels,)
    quiet, shift, square : arrays of shape (spills, channels), added to
        Waveforms used, sum and sum of squares of the shift of their pedestal from the conditions.
    saturated : array of shape (spills, channels), added to
    waveforms_at, saturated_at : arrays of shape (bins, channels), added to
    """
    for digit in range(len(samples)):
        row, line, bin_ = channel[digit], spill[event[digit]], position[event[digit]]
        count = min(int(n_samples[digit]), samples.shape[1])
        waveforms_at[bin_, row] += 1
        for k in range(count):
            if samples[digit, k] >= full_scale[row]:
                saturated[line, row] += 1
                saturated_at[bin_, row] += 1
                break
        if count < head:
            continue
        low, high, total = 1.0e30, -1.0e30, 0.0
        for k in range(head):
            value = samples[digit, k] - (odd[row] if k & 1 else even[row])
            low, high, total = min(low, value), max(high, value), total + value
        if high - low <= QUIET * sigma[row]:
            mean = total / head
            quiet[line, row] += 1
            shift[line, row] += mean
            square[line, row] += mean * mean
