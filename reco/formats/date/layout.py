"""Constants of the DATE format: magic words, header lengths, event types, field positions.

Everything is a little-endian word of 32 bits; sizes include their own header, events and equipments in bytes, S-Link and
front-end blocks in words.
"""

from __future__ import annotations

MAGIC = 0xDA1E5AFE

VERSION_LIMIT = 0xFFFF
"""Version words below this select the header generation before DATE 3.6."""
VERSION = 0x00030006
"""The version word that `encode` writes."""

HEADER_WORDS = 17
OLD_HEADER_WORDS = 20
HEADER_BYTES = 4 * HEADER_WORDS
OLD_HEADER_BYTES = 4 * OLD_HEADER_WORDS
PREFIX_BYTES = 16
"""What is read of an event before its size is believed."""

EQUIPMENT_WORDS = 7
OLD_EQUIPMENT_WORDS = 3
SLINK_WORDS = 3

TYPE_MASK = 0xFFFF
SWAPPED_FLAG = 0x20000
SUPER_FLAG = 1 << 4
"""Bit of word 13: the body holds sub-events."""

FIRST_TYPE, LAST_TYPE = 1, 10
END_OF_BURST, PHYSICS, CALIBRATION = 6, 7, 8

FIRST_MULTIPLEXER = 896
SOURCES = 1024

CLASS_UNKNOWN, CLASS_SADC, CLASS_APV, CLASS_DUMMY, CLASS_WAVE = 0, 1, 2, 3, 4
"""What decodes a source; sources without a rule that are of no class covered here are unknown."""

PORTS, ADCS, SADC_CHANNELS = 8, 4, 16
SADC_BITS = 12
"""Of a sample; what has more is read out by wave boards."""

WAVE_BLOCK, WAVE_CHANNEL, WAVE_VERSION = 0xB, 0xC, 1
WAVE_HEADER, WAVE_SAMPLES = 2, 511
WAVE_BOARDS = PORTS * ADCS
"""Markers, version, words of a header, most samples and most boards of a source of wave boards, which are of our own format
(`decoding.wave_kernels`); a board has as many channels as an MSADC module."""

APV_ADCS, APV_CHIPS, APV_CHANNELS = 256, 16, 128
"""Field widths of the APV headers; 128 channels per chip (CMS APV25)."""

MAX_NESTING = 2
"""Levels of events in events that the safe policy accepts."""
MAX_NESTING_ORACLE = 32
"""Levels followed in oracle mode, where the library has no limit."""
