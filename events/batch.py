"""`Batch`: some thousand events of one run on their way from a reader to the event table.

A raw batch holds digits, a simulated one hits with truth; stages read these and add columns to the event table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emiss.events.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Bools
    from emiss.events.lists import Lists


@dataclass(frozen=True)
class Batch:
    """Events of one run as flat arrays; the rows are the events that passed the reader, in file order.

    Attributes
    ----------
    run : int
        The run number; a batch never spans two runs.
    entries : (int, int)
        Start and stop entry in the file's index, all events read for this batch included.
    header : mapping
        Arrays of shape (N,): entry (i8), run, spill, in_spill, in_run (i4), time (i8), trigger, type, quality (u4),
        spill_position (f8), weight (f8).
    ledger : Ledger
        The account of the entries of this batch.
    sadc : Lists, optional
        Waveforms after the channel map: channel (i4, index into `Detector.channels`), samples (rows, S) (u2, zero
        beyond n_samples), n_samples (u2).
    apv : Lists, optional
        Micromegas amplitudes after the channel map: plane (i2, index into `Detector.planes`), wire (i2, the read-out
        channel of the plane), a0, a1, a2 (i2, ADC).
    tdc : Lists, optional
        Hits that TDCs have timed, after the channel map: plane (i2), wire (i2), time (i4, counts).
    cells : Lists, optional
        Simulated calorimeter and counter hits: channel (i4), energy (f8, GeV), time (f8, ns relative to S0).
    points : Lists, optional
        Simulated tracker hits: plane (i2), position (f8, mm, measured coordinate; the wire of a straw), charge (f8, ADC),
        time (f8, ns; of straws with the drift).
    lacking_channels : bool array of shape (N, channels), optional
        MSADC channels of the detector whose data are not all there: what is made of them is undefined. None: all are.
    truth : mapping
        Simulation only: arrays of shape (N,) by name without the ``truth.`` prefix.
    generated : int
        Simulation only: how many events were drawn for these, those without a trigger that the sample requires included.
    """

    run: int
    entries: tuple[int, int]
    header: Mapping[str, Array]
    ledger: Ledger = field(default_factory=Ledger)
    sadc: Lists | None = None
    apv: Lists | None = None
    tdc: Lists | None = None
    cells: Lists | None = None
    points: Lists | None = None
    lacking_channels: Bools | None = None
    truth: Mapping[str, Array] = field(default_factory=dict)
    generated: int = 0

    def __len__(self) -> int:
        return len(self.header["entry"])
