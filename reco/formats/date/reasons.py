"""What can be wrong with raw data: the records inside an event and the reasons why a whole event is lost.

Records carry the names of the COMPASS decoding library. Each has a severity (0 none, 1 minor, 2 warning, 3 severe), an
action (0 none, 3 the source is discarded, 4 the event is flagged), the names of its arguments, and its scope: what is
dropped. In a ledger a record is ``raw.`` and its name in lower case.
"""

from __future__ import annotations

from typing import NamedTuple

FLAG = 4
"""The action that flags an event as not good."""


class Record(NamedTuple):
    """One kind of record: `scope` says what is dropped, nothing more than that."""

    name: str
    severity: int
    action: int
    arguments: tuple[str, ...]
    scope: str

    @property
    def key(self) -> str:
        """The name in a ledger."""
        return f"raw.{self.name.lower()}"


EVENT_CORRUPTED0 = 0
EVENT_CORRUPTED1 = 1
EVENT_CORRUPTED2 = 2
EVENT_SUBEVENT_HEADER_DIFF = 3
EVENT_UNKNOWN = 4
SLINK_WRONG_EVENT_NUMBER = 5
SLINKM_BAD_SIZE = 6
EVENT_MISSING_SRCID = 7
EVENT_UNKNOWN_SRCID = 8
TCS_FIFO = 9
TCS_ECC = 10
TCS_SYNC = 11
TCS_UNDEF = 12
SLINK_ERRFLAG = 13
SLINK_ERRNR = 14
EXCEPTION = 15
SADC_MODULE_MISSING = 16
SADC_BAD_H_ADC = 17
SADC_H_ADC_BAD_SIZE = 18
SADC_WRONG_EVENT = 19
SADC_BAD_DATA_HEADER = 20
SADC_DATA_OUTSIDE = 21
SADC_BAD_DATA = 22
SADC_BLOCK_SIZE_ZERO = 23
APV_ADC_OUT = 24
APV_APV_OUT = 25
APV_H_WR_EV = 26
APV_H_S_E = 27
APV_LOCAL_TIMETAG_FAILED = 28
APV_LAST_TRIGGER_TICKS_FAILED = 29
APV_MISS_ADC = 30
APV_SINGLE_FRAME = 31
WB_BAD_HEADER = 32
WB_BAD_SIZE = 33
WB_WRONG_EVENT = 34
WB_BOARDS_MISSING = 35
WB_NO_CHANNEL = 36
WB_BAD_DATA_HEADER = 37
WB_DATA_OUTSIDE = 38
WB_CHANNEL_OUTSIDE = 39
WB_BAD_DATA = 40
TD_BAD_HEADER = 41
TD_BAD_SIZE = 42
TD_WRONG_EVENT = 43
TD_BOARDS_MISSING = 44
TD_NO_TRAILER = 45
TD_HITS_MISSING = 46
TD_BAD_HIT = 47
TD_CHANNEL_OUTSIDE = 48

RECORDS: tuple[Record, ...] = (
    Record("EVENT_CORRUPTED0", 3, FLAG, (), "rest of the event or sub-event"),
    Record("EVENT_CORRUPTED1", 3, FLAG, ("value",), "rest of the event or sub-event"),
    Record("EVENT_CORRUPTED2", 3, FLAG, ("sourceID", "value", "value"), "equipment"),
    Record("EVENT_SUBEVENT_HEADER_DIFF", 3, FLAG, (), "this and later sub-events"),
    Record("EVENT_UNKNOWN", 2, FLAG, ("value",), "event or sub-event"),
    Record("SLINK_WRONG_EVENT_NUMBER", 3, FLAG, ("sourceID",), "nothing"),
    Record("SLINKM_BAD_SIZE", 2, 0, ("sourceID", "value"), "multiplexer"),
    Record("EVENT_MISSING_SRCID", 2, 0, ("sourceID",), "nothing"),
    Record("EVENT_UNKNOWN_SRCID", 2, 0, ("sourceID",), "nothing"),
    Record("TCS_FIFO", 2, 3, ("sourceID",), "source if APV"),
    Record("TCS_ECC", 0, 0, ("sourceID",), "nothing"),
    Record("TCS_SYNC", 2, 3, ("sourceID",), "source if APV"),
    Record("TCS_UNDEF", 1, 0, ("sourceID",), "nothing"),
    Record("SLINK_ERRFLAG", 1, 0, ("sourceID",), "nothing"),
    Record("SLINK_ERRNR", 1, 0, ("sourceID", "counter"), "nothing"),
    Record("EXCEPTION", 2, 0, (), "source"),
    Record("SADC_MODULE_MISSING", 2, 0, ("port", "chip", "sourceID"), "nothing"),
    Record("SADC_BAD_H_ADC", 2, 0, ("sourceID",), "rest of the source"),
    Record("SADC_H_ADC_BAD_SIZE", 2, 0, ("sourceID",), "rest of the source"),
    Record("SADC_WRONG_EVENT", 2, 0, ("chip", "sourceID", "event", "SLinkEvent"), "rest of the source"),
    Record("SADC_BAD_DATA_HEADER", 2, 0, ("chip", "sourceID"), "rest of the module"),
    Record("SADC_DATA_OUTSIDE", 2, 0, ("sourceID",), "rest of the module"),
    Record("SADC_BAD_DATA", 2, 0, ("channel", "sourceID"), "channel"),
    Record("SADC_BLOCK_SIZE_ZERO", 2, 0, ("sourceID",), "rest of the source"),
    Record("APV_ADC_OUT", 2, 3, ("sourceID",), "source"),
    Record("APV_APV_OUT", 2, 3, ("sourceID",), "source"),
    Record("APV_H_WR_EV", 2, 0, ("sourceID",), "rest of the source"),
    Record("APV_H_S_E", 2, 0, ("port", "chip", "sourceID", "value", "value"), "chip"),
    Record("APV_LOCAL_TIMETAG_FAILED", 2, 0, ("port", "sourceID"), "nothing"),
    Record("APV_LAST_TRIGGER_TICKS_FAILED", 2, 0, ("port", "sourceID"), "nothing"),
    Record("APV_MISS_ADC", 2, 0, ("port", "sourceID"), "nothing"),
    Record("APV_SINGLE_FRAME", 2, 0, ("sourceID",), "rest of the source"),
    Record("WB_BAD_HEADER", 2, 0, ("sourceID",), "rest of the source"),
    Record("WB_BAD_SIZE", 2, 0, ("sourceID", "value"), "rest of the source"),
    Record("WB_WRONG_EVENT", 2, 0, ("board", "sourceID", "event", "SLinkEvent"), "board"),
    Record("WB_BOARDS_MISSING", 2, 0, ("sourceID", "value", "value"), "nothing"),
    Record("WB_NO_CHANNEL", 2, 0, ("board", "sourceID"), "nothing"),
    Record("WB_BAD_DATA_HEADER", 2, 0, ("board", "sourceID"), "rest of the board"),
    Record("WB_DATA_OUTSIDE", 2, 0, ("board", "sourceID"), "rest of the board"),
    Record("WB_CHANNEL_OUTSIDE", 2, 0, ("channel", "sourceID"), "channel"),
    Record("WB_BAD_DATA", 2, 0, ("channel", "sourceID"), "channel"),
    Record("TD_BAD_HEADER", 2, 0, ("sourceID",), "rest of the source"),
    Record("TD_BAD_SIZE", 2, 0, ("sourceID", "value"), "rest of the source"),
    Record("TD_WRONG_EVENT", 2, 0, ("board", "sourceID", "event", "SLinkEvent"), "board"),
    Record("TD_BOARDS_MISSING", 2, 0, ("sourceID", "value", "value"), "nothing"),
    Record("TD_NO_TRAILER", 2, 0, ("board", "sourceID"), "board"),
    Record("TD_HITS_MISSING", 2, 0, ("board", "sourceID", "value", "value"), "nothing"),
    Record("TD_BAD_HIT", 2, 0, ("board", "sourceID"), "rest of the board"),
    Record("TD_CHANNEL_OUTSIDE", 2, 0, ("channel", "sourceID"), "hit"),
)
"""By code. SADC_BLOCK_SIZE_ZERO and APV_SINGLE_FRAME are ours: the library hangs or throws and records nothing. So are those
of wave boards (WB_...) and TDC boards (TD_...), of which it knows nothing; WB_NO_CHANNEL: a board that suppresses no channel
has sent none; TD_HITS_MISSING: a block has more or fewer hits than its last word says."""

MAX_ARGUMENTS = 5

GOOD = 0
BAD_MAGIC = 1
EVENT_SIZE = 2
HEADER_SIZE = 3
TRUNCATED = 4
SUBEVENT_SIZE = 5
SWAPPED = 6
UNKNOWN_TYPE = 7
SINGLE_FRAME = 8
STRAY_RUN = 9
REPEATED = 10

LOST: tuple[str, ...] = (
    "",
    "raw.bad_magic",
    "raw.event_size",
    "raw.header_size",
    "raw.truncated",
    "raw.subevent_size",
    "raw.swapped",
    "raw.event_unknown",
    "raw.apv_single_frame",
    "raw.stray_run",
    "raw.repeated",
)
"""Why a whole event is lost, by code; 0 is a good one. A lost source counts as damage, except in oracle mode, where a
single-frame APV ends the event as the library's exception does. `STRAY_RUN`: one event with the number of another run among
those of a run. `REPEATED`: an event that the file holds already, byte by byte; the ledger excludes it, nothing is lost."""

DAMAGING: tuple[bool, ...] = tuple(
    record.severity >= 2 and code not in (EVENT_MISSING_SRCID, EVENT_UNKNOWN_SRCID)
    for code, record in enumerate(RECORDS)
)
"""Records that set the quality bit 'damaged'; a missing source has a bit of its own."""

LOST_SOURCE: dict[int, int] = {
    EVENT_CORRUPTED2: 0,
    SLINK_WRONG_EVENT_NUMBER: 0,
    EVENT_MISSING_SRCID: 0,
    EXCEPTION: 0,
    SADC_BAD_H_ADC: 0,
    SADC_H_ADC_BAD_SIZE: 0,
    SADC_WRONG_EVENT: 1,
    SADC_BAD_DATA_HEADER: 1,
    SADC_DATA_OUTSIDE: 0,
    SADC_BAD_DATA: 1,
    SADC_BLOCK_SIZE_ZERO: 0,
    APV_ADC_OUT: 0,
    APV_APV_OUT: 0,
    APV_H_WR_EV: 0,
    APV_H_S_E: 2,
    APV_MISS_ADC: 1,
    APV_SINGLE_FRAME: 0,
    WB_BAD_HEADER: 0,
    WB_BAD_SIZE: 0,
    WB_WRONG_EVENT: 1,
    WB_BOARDS_MISSING: 0,
    WB_NO_CHANNEL: 1,
    WB_BAD_DATA_HEADER: 1,
    WB_DATA_OUTSIDE: 1,
    WB_CHANNEL_OUTSIDE: 1,
    WB_BAD_DATA: 1,
    TD_BAD_HEADER: 0,
    TD_BAD_SIZE: 0,
    TD_WRONG_EVENT: 1,
    TD_BOARDS_MISSING: 0,
    TD_NO_TRAILER: 1,
    TD_HITS_MISSING: 1,
    TD_BAD_HIT: 1,
    TD_CHANNEL_OUTSIDE: 1,
}
"""Records after which the data of a source are not all there, or are not those of the event, with the position of the source in
what the kernels store. What a source feeds is undefined then: a sum over the rest would be a wrong number."""

LOST_SOURCE_APV: dict[int, int] = {TCS_FIFO: 0, TCS_SYNC: 0}
"""The same where the source is one of APVs; MSADC data are delivered all the same."""
