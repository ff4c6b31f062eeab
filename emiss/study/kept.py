"""The results of the pieces of a study that are done, in one file that grows: what a study that was interrupted goes on from.

The file is text: its first line names the study, and then there is a line for each piece, with its number and its results as
compressed JSON. A line that was not written to its end is that of a piece which is done again.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.location import is_remote
from emiss.job.part_counts import counts_from_json, counts_to_json
from emiss.study.work import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, Self

    from emiss.selection.counting.counter import Yields
    from emiss.study.plan import Study

NAME = ".study"
SCHEMA = "emiss.study/1"


class Kept:
    """The results that are there, and those that come; in a folder elsewhere, where no file can grow, none are kept.

    Parameters
    ----------
    folder : Path
        That of the study's outputs.
    study : Study
    """

    def __init__(self, folder: Path, study: Study) -> None:
        self.study = study
        self.path = None if is_remote(folder) else folder / NAME
        self._file: BinaryIO | None = None
        self._empty: dict[int, Yields] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def found(self) -> Iterator[tuple[int, Found]]:
        """Yield number and results of each piece that is done, and go on with the file behind the last whole line.

        Raises
        ------
        UserError
            If the file cannot be written.
        """
        if self.path is None:
            return
        whole, done = 0, set[int]()
        if self.path.is_file():
            with self.path.open("rb") as file:
                if self._is_head(file.readline()):
                    whole = file.tell()
                    for line in file:
                        read = self._read(line)
                        if read is None or read[0] in done:
                            break
                        whole += len(line)
                        done.add(read[0])
                        yield read
        try:
            self._file = self.path.open("r+b" if whole else "wb")
            self._file.truncate(whole)
            self._file.seek(whole)
            if not whole:
                self._write(json.dumps({"schema": SCHEMA, "key": self.study.key}).encode())
        except OSError as error:
            raise UserError(error.strerror or "cannot be written", at=Location(str(self.path))) from None

    def add(self, number: int, found: Found) -> None:
        """Keep the results of a piece.

        Raises
        ------
        UserError
            If they cannot be written.
        """
        if self._file is None:
            return
        data = {
            "generated": found.generated,
            "on_target": found.on_target,
            "process": dict(found.process),
            **counts_to_json(found.ledger, found.yields),
        }
        packed = base64.b64encode(zlib.compress(json.dumps(data, allow_nan=False).encode(), 1))
        try:
            self._write(f"{number} ".encode() + packed)
        except OSError as error:
            raise UserError(error.strerror or "cannot be written", at=Location(str(self.path))) from None

    def forget(self) -> None:
        """Remove the file: the study is done."""
        if self._file is not None:
            self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - the caller has looked
        self._file.write(line + b"\n")
        self._file.flush()

    def _is_head(self, line: bytes) -> bool:
        try:
            return bool(json.loads(line) == {"schema": SCHEMA, "key": self.study.key})
        except ValueError:
            return False

    def _read(self, line: bytes) -> tuple[int, Found] | None:
        """Return what a line holds; None if it is not whole."""
        try:
            said, packed = line.split()
            number = int(said)
            data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
            ledger, yields = counts_from_json(data, self._nothing(self.study.pieces[number].sample))
            return number, Found(ledger, yields, int(data["generated"]), data["on_target"], data["process"])
        except (ValueError, KeyError, TypeError, IndexError, zlib.error):
            return None

    def _nothing(self, sample: int) -> Yields:
        """Return what the analysis makes of no event of a sample."""
        if sample not in self._empty:
            study, one = self.study, self.study.samples[sample]
            counter = study.bounds[sample].counter(sample=one.name, role=one.role, unblind=study.unblind)
            self._empty[sample] = counter.yields()
        return self._empty[sample]
