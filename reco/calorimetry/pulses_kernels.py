"""The numba kernels of set-ups with several digitisers, counters of reference, or pulses per waveform.

`measure` is for the waveforms of one digitiser, `collect` for all of them; both together do what `waveform_kernels.cells` does
in one pass for the common case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.calorimetry.pair_kernels import FEWEST, ROWS, TRIED, are_two, find_two, products, single_chi2
from emiss.reco.calorimetry.waveform_kernels import GOOD, NO_PULSE, PILE_UP, SATURATED, prepare, pulse

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bytes, Floats, Ints


def scratch(samples: int) -> Floats:
    """Return room for the fits of two pulses to waveforms of so many samples."""
    return np.empty((7, max(samples + 1, FEWEST, ROWS * TRIED)))


@fused
def measure(
    samples: Array,
    n_samples: Array,
    channel: Array,
    rows: Ints,
    even: Array,
    odd: Array,
    sigma: Array,
    threshold: float,
    before: int,
    after: int,
    full_scale: int,
    period: float,
    rise: float,
    pulses: int,
    room: Floats,
    work: Floats,
    charge: Floats,
    start: Floats,
    status: Bytes,
    chi2: Floats,
    judged: bool,
) -> None:
    """Measure the waveforms `rows`, as `waveform_kernels.measure` does, and with `pulses` 2 a second pulse where there is one.

    Parameters
    ----------
    rows : int64 array
        The digits of this digitiser.
    room : float64 array
        From `waveform_kernels.scratch`.
    work : float64 array from `scratch`
    charge, start, status : arrays of shape (D, P), written in `rows`
        ADC, ns after the first sample, bits; P is `pulses` at least, and what is beyond the pulses there are has status 0.
    chi2 : array of shape (D, P), written in `rows` where `judged`
        Per degree of freedom: of one pulse in its window, of two in the waveform; NaN for a saturated one.
    judged : bool
    """
    width = rise / period
    fall = prepare(samples.shape[1], width, room)
    products(samples.shape[1], fall, work)
    powers, numbers = room[1], work[5]
    tried = work[6, : ROWS * TRIED].reshape(ROWS, TRIED)
    gain = threshold * threshold
    for n in range(len(rows)):
        digit = rows[n]
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        bar = threshold * sigma[row]
        state, total, begin, first, stop = pulse(
            samples[digit, :count], even[row], odd[row], bar, before, after, full_scale, width, fall, room
        )
        status[digit, 0], charge[digit, 0], start[digit, 0] = state, total, begin * period
        if judged:
            chi2[digit, :] = np.nan
        for other in range(1, charge.shape[1]):
            status[digit, other], charge[digit, other], start[digit, other] = NO_PULSE, 0.0, np.nan
        if (pulses < 2 and not judged) or state == NO_PULSE or state & SATURATED:
            continue
        noise = math.sqrt(sigma[row] * sigma[row] + 1.0 / 12.0)  # and that of the rounding
        # `pulse` leaves the samples less their pedestals in the room
        values = room[0, :count]
        if judged:
            chi2[digit, 0] = single_chi2(values[first:stop], total / width, begin - first, width, powers, noise)
            chi2[digit, 0] /= max(stop - first - 2, 1)
        if pulses < 2:
            continue
        single = single_chi2(values, total / width, begin, width, powers, noise)
        if not single > gain + count:
            continue
        best = find_two(values, begin, noise, width, fall, powers, work[:3], work[3:5], tried, gain + count, numbers)
        high, low = numbers[0] / math.e, numbers[2] / math.e
        if single - best > gain and are_two(high, numbers[1], low, numbers[3], bar, count, width):
            for k in range(2):
                status[digit, k] = GOOD | PILE_UP
                charge[digit, k], start[digit, k] = numbers[2 * k] * width, numbers[2 * k + 1] * period
                if judged:
                    chi2[digit, k] = best / max(count - 4, 1)


@fused
def collect(
    offsets: Ints,
    channel: Array,
    gain: Floats,
    offset: Floats,
    weight: Floats,
    charge: Floats,
    start: Floats,
    status: Bytes,
    chi2: Floats,
    bits: tuple[int, int],
    cell_offsets: Ints,
    cell_channel: Array,
    energy: Floats,
    time: Floats,
    quality: Array,
    lacking: Array,
    cell_chi2: Floats,
) -> None:
    """Write the pulses that were measured as cells of events, calibrated, in the order of the waveforms.

    Of a counter of the reference the pulse next to its nominal time comes first, keeps its time and makes the reference; all
    other times are relative to the reference. For the rest see `waveform_kernels.cells`.

    Parameters
    ----------
    gain, offset, weight : arrays of shape (channels,)
        GeV per ADC, ns, weight in the reference.
    charge, start, status : arrays of shape (D, P)
        From `measure`.
    chi2 : array of shape (D, P), or of no rows
        Written into `cell_chi2` where there is any.
    """
    n = 0
    cell_offsets[0] = 0
    pulses = status.shape[1]
    for event in range(len(offsets) - 1):
        total, norm = 0.0, 0.0
        for digit in range(offsets[event], offsets[event + 1]):
            row = channel[digit]
            nearest = 0
            if weight[row] > 0.0:
                for other in range(1, pulses):
                    if status[digit, other] != NO_PULSE and abs(start[digit, other] - offset[row]) < abs(
                        start[digit, nearest] - offset[row]
                    ):
                        nearest = other
                if status[digit, nearest] != NO_PULSE:
                    total += weight[row] * (start[digit, nearest] - offset[row])
                    norm += weight[row]
            for turn in range(pulses):
                # the nearest one in the place of the first
                which = nearest if turn == 0 else 0 if turn == nearest else turn
                state = status[digit, which]
                if state == NO_PULSE:
                    continue
                cell_channel[n], energy[n] = row, charge[digit, which] * gain[row]
                time[n] = start[digit, which] - offset[row]
                if len(chi2):
                    cell_chi2[n] = chi2[digit, which]
                quality[n] = (bits[0] if state & SATURATED else 0) | (bits[1] if state & PILE_UP else 0)
                n += 1
        lacking[event] = norm == 0.0
        if norm > 0.0:
            zero = total / norm
            for cell in range(cell_offsets[event], n):
                row = cell_channel[cell]
                first = cell == cell_offsets[event] or cell_channel[cell - 1] != row
                if not (weight[row] > 0.0 and first):
                    time[cell] -= zero
        cell_offsets[event + 1] = n
