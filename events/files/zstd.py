"""ROOT's ZSTD compression with a checksum in every block, so that a damaged block is no other number but an error.

The checksum is part of the ZSTD format (RFC 8878, 3.1.1): every reader, ROOT's own too, verifies it or passes it by.
"""

from __future__ import annotations

from typing import Any

import uproot
import zstandard


class CheckedZSTD(uproot.ZSTD):  # type: ignore[misc]
    """ZSTD of a level; the blocks end with the low 32 bits of the xxh64 of their content."""

    def compress(self, data: Any) -> bytes:
        """Return one compressed block."""
        return zstandard.ZstdCompressor(level=self.level, write_checksum=True).compress(memoryview(data).cast("B"))

    @property
    def code_pair(self) -> tuple[int, int]:
        """Number of the algorithm in ROOT files, and the level."""
        return uproot.const.kZSTD, self.level
